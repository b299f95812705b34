//! Three-valued logic, with CEL's errors as a fourth value.

use std::collections::BTreeSet;

/// The names of the missing values that something depends on.
pub type Depends = BTreeSet<String>;

/// The value of a condition, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// It is true.
    True,
    /// It is false.
    False,
    /// It is a CEL error.
    Error,
    /// It may be any of these: it depends on missing values.
    Unknown(Depends),
}

/// Whether a rule applies, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applies {
    /// It applies.
    Yes,
    /// It does not.
    No,
    /// It depends on missing values.
    Unknown(Depends),
}

impl Truth {
    /// Returns the value of `&&` over the operands: false, if one of them is.
    pub fn all(operands: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(operands, &Self::False, Self::True)
    }

    /// Returns the value of `||` over the operands: true, if one of them is.
    pub fn any(operands: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(operands, &Self::True, Self::False)
    }

    /// Joins operands. One that is `absorbing` decides. Otherwise an unknown one may be absorbing, so it precedes errors,
    /// and an error precedes the neutral value.
    fn joined(operands: impl IntoIterator<Item = Self>, absorbing: &Self, neutral: Self) -> Self {
        let (mut joined, mut unknown) = (neutral, Depends::new());
        for operand in operands {
            match operand {
                Self::Unknown(depends) => unknown.extend(depends),
                Self::Error => joined = Self::Error,
                decides if decides == *absorbing => return decides,
                _ => {}
            }
        }
        if unknown.is_empty() { joined } else { Self::Unknown(unknown) }
    }

    /// Returns the opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => other,
        }
    }

    /// Returns the value of `self ? then : otherwise`.
    #[must_use]
    pub fn choose(self, then: Self, otherwise: Self) -> Self {
        match self {
            Self::True => then,
            Self::False => otherwise,
            Self::Error => Self::Error,
            // Even with equal branches it may be an error.
            Self::Unknown(mut depends) => {
                for branch in [then, otherwise] {
                    if let Self::Unknown(more) = branch {
                        depends.extend(more);
                    }
                }
                Self::Unknown(depends)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a value: `t`, `f`, `e`, or `?` and the names that it depends on.
    fn read(text: &str) -> Truth {
        match text {
            "t" => Truth::True,
            "f" => Truth::False,
            "e" => Truth::Error,
            _ => Truth::Unknown(text.strip_prefix('?').unwrap().chars().map(String::from).collect()),
        }
    }

    #[test]
    fn missing_values_follow_the_logic_of_cel() {
        // Left, right, `&&`, `||`.
        for (left, right, and, or) in [
            ("t", "t", "t", "t"),
            ("t", "f", "f", "t"),
            ("f", "f", "f", "f"),
            ("f", "?x", "f", "?x"),
            ("t", "?x", "?x", "t"),
            ("e", "f", "f", "e"),
            ("e", "t", "e", "t"),
            ("e", "e", "e", "e"),
            // The unknown side may absorb the error.
            ("e", "?x", "?x", "?x"),
            ("?x", "?y", "?xy", "?xy"),
        ] {
            for (left, right) in [(left, right), (right, left)] {
                assert_eq!(Truth::all([read(left), read(right)]), read(and), "{left} && {right}");
                assert_eq!(Truth::any([read(left), read(right)]), read(or), "{left} || {right}");
            }
        }
        for (value, opposite) in [("t", "f"), ("f", "t"), ("e", "e"), ("?x", "?x")] {
            assert_eq!(read(value).negated(), read(opposite), "!{value}");
        }
        for (condition, then, otherwise, expected) in [
            ("t", "f", "?x", "f"),
            ("f", "?x", "t", "t"),
            ("e", "t", "t", "e"),
            ("?x", "t", "t", "?x"),
            ("?x", "?y", "f", "?xy"),
            ("t", "?y", "?z", "?y"),
        ] {
            let chosen = read(condition).choose(read(then), read(otherwise));
            assert_eq!(chosen, read(expected), "{condition} ? {then} : {otherwise}");
        }
    }

    #[test]
    fn a_known_value_is_what_every_completion_gives() {
        // Whatever takes the place of an unknown operand, a result that is not unknown stays the same.
        let known = ["t", "f", "e"];
        let mut compared = 0;
        for left in ["t", "f", "e", "?x"] {
            for right in ["t", "f", "e", "?y"] {
                let completions = |text: &'static str| if text.starts_with('?') { known.to_vec() } else { vec![text] };
                let operators: [fn([Truth; 2]) -> Truth; 2] = [|both| Truth::all(both), |both| Truth::any(both)];
                for operator in operators {
                    let value = operator([read(left), read(right)]);
                    if matches!(value, Truth::Unknown(_)) {
                        continue;
                    }
                    for one in completions(left) {
                        for other in completions(right) {
                            assert_eq!(operator([read(one), read(other)]), value, "{left} {right}: {one} {other}");
                            compared += 1;
                        }
                    }
                }
            }
        }
        assert!(compared >= 30, "{compared}");
    }
}
