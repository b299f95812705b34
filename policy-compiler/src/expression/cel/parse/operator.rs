//! The operators, with their precedence and their names in CEL's declarations.

/// A unary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression::cel) enum Unary {
    /// `!a`
    Not,
    /// `-a`
    Negate,
}

impl Unary {
    /// Returns the operator's name in CEL's declarations.
    pub(in crate::expression::cel) fn declared(self) -> &'static str {
        match self {
            Self::Not => "!_",
            Self::Negate => "-_",
        }
    }
}

/// A binary operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::expression::cel) enum Binary {
    /// `a || b`
    Or,
    /// `a && b`
    And,
    /// `a == b`
    Equal,
    /// `a != b`
    NotEqual,
    /// `a < b`
    Less,
    /// `a <= b`
    LessEqual,
    /// `a > b`
    Greater,
    /// `a >= b`
    GreaterEqual,
    /// `a in b`
    In,
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
    /// `a % b`
    Modulo,
}

/// The precedence of an operator, from the weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    Or,
    And,
    Relation,
    Sum,
    Product,
    /// Stronger than every operator.
    Operand,
}

impl Strength {
    /// Returns the least strength of the right operand of an operator of this strength. All operators are
    /// left-associative.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Or => Self::And,
            Self::And => Self::Relation,
            Self::Relation => Self::Sum,
            Self::Sum => Self::Product,
            Self::Product | Self::Operand => Self::Operand,
        }
    }
}

impl Binary {
    /// Returns the strength of the operator.
    pub(super) fn strength(self) -> Strength {
        match self {
            Self::Or => Strength::Or,
            Self::And => Strength::And,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual
            | Self::In => Strength::Relation,
            Self::Add | Self::Subtract => Strength::Sum,
            Self::Multiply | Self::Divide | Self::Modulo => Strength::Product,
        }
    }

    /// Checks whether a chain of the operator may be grouped in any way.
    pub(super) fn is_logic(self) -> bool {
        matches!(self, Self::And | Self::Or)
    }

    /// Returns the operator's name in CEL's declarations.
    pub(in crate::expression::cel) fn declared(self) -> &'static str {
        match self {
            Self::Or => "_||_",
            Self::And => "_&&_",
            Self::Equal => "_==_",
            Self::NotEqual => "_!=_",
            Self::Less => "_<_",
            Self::LessEqual => "_<=_",
            Self::Greater => "_>_",
            Self::GreaterEqual => "_>=_",
            Self::In => "@in",
            Self::Add => "_+_",
            Self::Subtract => "_-_",
            Self::Multiply => "_*_",
            Self::Divide => "_/_",
            Self::Modulo => "_%_",
        }
    }
}
