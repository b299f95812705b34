//! Conditions as formulas over tests of terms.
//!
//! A condition is true, false or an error. Therefore there are four questions about it: is it true, is it false, is it
//! not true, is it not false. [`Formulas::formula`] turns a condition and a question into a formula of `and`, `or` and
//! literals. A literal is one of the four questions about one test of one term. A term is anything that has a value: an
//! attribute, or a part that the analysis does not understand, which is the same term wherever it occurs.

use context_mesh_core::index::VariableIndex;
use std::sync::Arc;

use context_mesh_core::artifact::tables::{Attribute, Constant, FieldType, Scalar, ScalarConstant};

use super::patterns::Patterns;
use super::terms::{TermId, Terms, is_condition};
use super::test::{Test, understood_number};
use crate::expression::ir::{Comparison, Node, TextTest};

/// A question about a condition or a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Ask {
    /// It is true.
    True,
    /// It is false.
    False,
    /// It is false or an error.
    NotTrue,
    /// It is true or an error.
    NotFalse,
}

impl Ask {
    /// Returns the question about the negated condition. An error stays an error.
    pub(crate) fn of_negation(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::NotTrue => Self::NotFalse,
            Self::NotFalse => Self::NotTrue,
        }
    }

    /// Returns the opposite question.
    pub(super) fn opposite(self) -> Self {
        match self {
            Self::True => Self::NotTrue,
            Self::False => Self::NotFalse,
            Self::NotTrue => Self::True,
            Self::NotFalse => Self::False,
        }
    }

    /// Whether the answer is yes for true, for false, and for an error.
    pub(super) fn accepts(self) -> (bool, bool, bool) {
        match self {
            Self::True => (true, false, false),
            Self::False => (false, true, false),
            Self::NotTrue => (false, true, true),
            Self::NotFalse => (true, false, true),
        }
    }
}

/// A question about one test of one term.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    pub(super) term: TermId,
    pub(super) test: Arc<Test>,
    pub(super) ask: Ask,
}

/// A combination of literals.
#[derive(Debug, Clone)]
pub(super) enum Formula {
    /// Holds for every request, or for none.
    Known(bool),
    /// One literal.
    Literal(Literal),
    /// All of them hold.
    All(Vec<Self>),
    /// One of them holds.
    Any(Vec<Self>),
}

impl Formula {
    /// Returns the parts that must all hold.
    pub(super) fn conjuncts(&self) -> &[Self] {
        match self {
            Self::All(parts) => parts,
            other => std::slice::from_ref(other),
        }
    }

    /// Calls `see` for every literal.
    pub(super) fn literals<'f>(&'f self, see: &mut impl FnMut(&'f Literal)) {
        match self {
            Self::Known(_) => {}
            Self::Literal(literal) => see(literal),
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.literals(see)),
        }
    }
}

/// Most parts of one condition, including its variables. Anything beyond is treated as a term that is not understood.
const MAX_PARTS: usize = 2_000;

/// Longest list that `in` is expanded for.
const MAX_LIST: usize = 32;

/// Builds formulas.
pub(super) struct Formulas<'a> {
    pub(super) terms: &'a mut Terms,
    /// The expressions of the variables, by number.
    pub(super) variables: &'a [Node],
    patterns: &'a Patterns,
    left: usize,
}

impl<'a> Formulas<'a> {
    pub(super) fn new(terms: &'a mut Terms, variables: &'a [Node], patterns: &'a Patterns) -> Self {
        Self { terms, variables, patterns, left: MAX_PARTS }
    }

    /// Returns the formula that holds if and only if the answer to the question about the condition is yes.
    pub(super) fn formula(&mut self, node: &Node, ask: Ask) -> Formula {
        self.left = MAX_PARTS;
        self.part(node, ask)
    }

    fn part(&mut self, node: &Node, ask: Ask) -> Formula {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return self.opaque(node, ask);
        }
        match node {
            Node::Constant(constant) => known(constant, ask),
            Node::Variable(number) => match self.variable(*number) {
                Some(of) => self.part(of, ask),
                None => self.opaque(node, ask),
            },
            Node::All(parts) => {
                let parts = parts.iter().map(|part| self.part(part, ask)).collect();
                if matches!(ask, Ask::True | Ask::NotFalse) { all(parts) } else { any(parts) }
            }
            Node::Any(parts) => {
                let parts = parts.iter().map(|part| self.part(part, ask)).collect();
                if matches!(ask, Ask::True | Ask::NotFalse) { any(parts) } else { all(parts) }
            }
            Node::Not(of) => self.part(of, ask.of_negation()),
            Node::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                self.conditional(
                    condition,
                    |this, ask| this.part(then, ask),
                    |this, ask| this.part(otherwise, ask),
                    ask,
                )
            }
            Node::Has(attribute) => {
                // A header that cannot be read is present all the same.
                let test = if matches!(attribute, Attribute::Header(_)) { Test::There } else { Test::Present };
                self.literal(&Node::Attribute(attribute.clone()), test, ask)
            }
            Node::Compare(comparison, pair) => self.comparison(node, *comparison, pair, ask),
            Node::In(pair) => self.membership(node, pair, ask),
            Node::Text(kind, pair) => match pair[1].as_str().map(str::to_owned) {
                Some(text) => {
                    let test = match kind {
                        TextTest::Prefix => Test::Prefix(text),
                        TextTest::Suffix => Test::Suffix(text),
                        TextTest::Part => Test::Part(text),
                    };
                    self.test(&pair[0], &test, ask)
                }
                None => self.opaque(node, ask),
            },
            Node::Matches(of, pattern) => self.test(of, &Test::Regex { text: pattern.text.clone(), whole: false }, ask),
            _ => self.test(node, &Test::Truth, ask),
        }
    }

    fn variable(&self, variable: VariableIndex) -> Option<&'a Node> {
        variable.get(self.variables)
    }

    /// Builds `condition ? then : otherwise`, which is an error if the condition is one.
    fn conditional(
        &mut self,
        condition: &Node,
        then: impl Fn(&mut Self, Ask) -> Formula,
        otherwise: impl Fn(&mut Self, Ask) -> Formula,
        ask: Ask,
    ) -> Formula {
        match ask {
            Ask::True | Ask::False => {
                let first = all(vec![self.part(condition, Ask::True), then(self, ask)]);
                let second = all(vec![self.part(condition, Ask::False), otherwise(self, ask)]);
                any(vec![first, second])
            }
            Ask::NotTrue | Ask::NotFalse => {
                let first = any(vec![self.part(condition, Ask::NotTrue), then(self, ask)]);
                let second = any(vec![self.part(condition, Ask::NotFalse), otherwise(self, ask)]);
                all(vec![first, second])
            }
        }
    }

    fn comparison(&mut self, node: &Node, comparison: Comparison, pair: &[Node; 2], ask: Ask) -> Formula {
        let Some(constant) = pair[1].scalar() else {
            // `a != b` is the negation of `a == b`, so that both are one term.
            return match comparison {
                Comparison::NotEqual => {
                    let equal = Node::Compare(Comparison::Equal, Box::new(pair.clone()));
                    self.opaque(&equal, ask.of_negation())
                }
                _ => self.opaque(node, ask),
            };
        };
        match comparison {
            Comparison::Equal if is_simple(constant) => self.test(&pair[0], &Test::Equals(constant.clone()), ask),
            Comparison::NotEqual if is_simple(constant) => {
                self.test(&pair[0], &Test::Equals(constant.clone()), ask.of_negation())
            }
            Comparison::NotEqual => {
                let equal = Node::Compare(Comparison::Equal, Box::new(pair.clone()));
                self.opaque(&equal, ask.of_negation())
            }
            Comparison::Equal => self.opaque(node, ask),
            order => match constant {
                ScalarConstant::String(_) => self.test(&pair[0], &Test::Order(order, constant.clone()), ask),
                number if understood_number(number).is_some() => {
                    self.test(&pair[0], &Test::Order(order, number.clone()), ask)
                }
                _ => self.opaque(node, ask),
            },
        }
    }

    fn membership(&mut self, node: &Node, pair: &[Node; 2], ask: Ask) -> Formula {
        match pair {
            [of, Node::Constant(Constant::StringSet(words))] => self.test(of, &Test::OneOf(words.clone()), ask),
            [of, Node::Constant(Constant::List(items))] if items.len() <= MAX_LIST && items.iter().all(is_simple) => {
                let equals = items.iter().map(|item| self.test(of, &Test::Equals(item.clone()), ask)).collect();
                if matches!(ask, Ask::True | Ask::NotFalse) { any(equals) } else { all(equals) }
            }
            [Node::Constant(Constant::Scalar(ScalarConstant::String(name))), Node::Attribute(Attribute::Headers)]
                if !name.bytes().any(|byte| byte.is_ascii_uppercase()) =>
            {
                // A header that is not valid text is present all the same.
                let header = Node::Attribute(Attribute::Header(name.clone()));
                self.literal(&header, Test::There, ask)
            }
            [Node::Constant(Constant::Scalar(item)), of @ Node::Attribute(attribute)] if holds(attribute, item) => {
                self.literal(of, Test::Holds(item.clone()), ask)
            }
            _ => self.opaque(node, ask),
        }
    }

    /// Builds a test of a node. It is pushed into both branches of a conditional.
    fn test(&mut self, node: &Node, test: &Test, ask: Ask) -> Formula {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 {
            return self.literal(node, test.clone(), ask);
        }
        match node {
            Node::Constant(constant) => {
                let known = match constant {
                    Constant::Scalar(scalar) => test.of_constant(scalar, self.patterns),
                    _ => None,
                };
                known.map_or_else(|| self.literal(node, test.clone(), ask), |known| answer(known, ask))
            }
            Node::Variable(number) => match self.variable(*number) {
                Some(of) => self.test(of, test, ask),
                None => self.literal(node, test.clone(), ask),
            },
            Node::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                self.conditional(
                    condition,
                    |this, ask| this.test(then, test, ask),
                    |this, ask| this.test(otherwise, test, ask),
                    ask,
                )
            }
            // `condition == true` asks the same as the condition.
            node if is_condition(node) && matches!(test, Test::Truth | Test::Equals(ScalarConstant::Bool(true))) => {
                self.condition(node, ask)
            }
            node if is_condition(node) && *test == Test::Equals(ScalarConstant::Bool(false)) => {
                self.condition(node, ask.of_negation())
            }
            Node::ValueOr(pair) => match &**pair {
                [Node::OptionalAttribute(attribute), otherwise @ Node::Constant(_)] => {
                    let of = Node::Attribute(attribute.clone());
                    self.conditional(
                        &Node::Has(attribute.clone()),
                        |this, ask| this.test(&of, test, ask),
                        |this, ask| this.test(otherwise, test, ask),
                        ask,
                    )
                }
                _ => self.literal(node, test.clone(), ask),
            },
            _ => self.literal(node, test.clone(), ask),
        }
    }

    /// Builds the formula of a node that is a bool or an error.
    fn condition(&mut self, node: &Node, ask: Ask) -> Formula {
        // A loop is not taken apart.
        if matches!(node, Node::Loop(_) | Node::HasMember(..)) { self.opaque(node, ask) } else { self.part(node, ask) }
    }

    fn literal(&mut self, node: &Node, test: Test, ask: Ask) -> Formula {
        Formula::Literal(Literal { term: self.terms.term(node), test: Arc::new(test), ask })
    }

    fn opaque(&mut self, node: &Node, ask: Ask) -> Formula {
        self.literal(node, Test::Truth, ask)
    }
}

/// Whether equality with the constant is understood.
fn is_simple(constant: &ScalarConstant) -> bool {
    match constant {
        ScalarConstant::String(_) | ScalarConstant::Bool(_) => true,
        number => understood_number(number).is_some(),
    }
}

/// Whether the test that the attribute holds the element is understood: it is a list whose elements have the type of
/// the constant.
fn holds(attribute: &Attribute, item: &ScalarConstant) -> bool {
    match (attribute, item) {
        (Attribute::Field(_, FieldType::List(Scalar::String)), ScalarConstant::String(_))
        | (Attribute::Field(_, FieldType::List(Scalar::Bool)), ScalarConstant::Bool(_))
        | (Attribute::Destination(_), ScalarConstant::String(_)) => true,
        (Attribute::Field(_, FieldType::List(Scalar::Int)), ScalarConstant::Int(_)) => {
            understood_number(item).is_some()
        }
        _ => false,
    }
}

fn known(constant: &Constant, ask: Ask) -> Formula {
    match constant {
        Constant::Scalar(ScalarConstant::Bool(value)) => answer(Some(*value), ask),
        _ => answer(None, ask),
    }
}

/// Returns the formula for a known value; `None` is an error.
fn answer(value: Option<bool>, ask: Ask) -> Formula {
    let (yes, no, error) = ask.accepts();
    Formula::Known(match value {
        Some(true) => yes,
        Some(false) => no,
        None => error,
    })
}

pub(super) fn all(parts: Vec<Formula>) -> Formula {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Formula::Known(false) => return Formula::Known(false),
            Formula::Known(true) => {}
            Formula::All(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Formula::Known(true),
        1 => flat.remove(0),
        _ => Formula::All(flat),
    }
}

fn any(parts: Vec<Formula>) -> Formula {
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Formula::Known(true) => return Formula::Known(true),
            Formula::Known(false) => {}
            Formula::Any(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match flat.len() {
        0 => Formula::Known(false),
        1 => flat.remove(0),
        _ => Formula::Any(flat),
    }
}
