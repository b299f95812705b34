//! Three-valued logic: what a condition can be when some values are missing.

use std::collections::BTreeSet;

/// The names of the missing values that something depends on.
pub type Depends = BTreeSet<String>;

/// A value of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// True.
    True,
    /// False.
    False,
    /// A CEL error.
    Error,
}

/// What a condition can be: one of CEL's three outcomes, or several, which depend on missing values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    can_be_true: bool,
    can_be_false: bool,
    can_fail: bool,
    /// Empty if only one outcome is possible.
    depends: Depends,
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
    /// The value of a condition that is an error.
    pub const ERROR: Self = Self { can_be_true: false, can_be_false: false, can_fail: true, depends: Depends::new() };

    /// Returns a known bool.
    pub const fn known(value: bool) -> Self {
        Self { can_be_true: value, can_be_false: !value, can_fail: false, depends: Depends::new() }
    }

    /// Returns the value of a condition that can be anything.
    pub const fn unknown(depends: Depends) -> Self {
        Self { can_be_true: true, can_be_false: true, can_fail: true, depends }
    }

    /// Returns the value of a condition that can be true or false, and no error.
    pub const fn unknown_bool(depends: Depends) -> Self {
        Self { can_be_true: true, can_be_false: true, can_fail: false, depends }
    }

    /// Returns the outcome, if it is known.
    pub const fn outcome(&self) -> Option<Outcome> {
        match (self.can_be_true, self.can_be_false, self.can_fail) {
            (true, false, false) => Some(Outcome::True),
            (false, true, false) => Some(Outcome::False),
            (false, false, true) => Some(Outcome::Error),
            _ => None,
        }
    }

    /// Returns the value of `&&`: false, if one operand is, whatever the others are.
    pub fn all(operands: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::known(true);
        let mut all_can_be_more = true;
        for operand in operands {
            all.can_be_true &= operand.can_be_true;
            all.can_be_false |= operand.can_be_false;
            all.can_fail |= operand.can_fail;
            // True or an error: what does not absorb an error of another operand.
            all_can_be_more &= operand.can_be_true || operand.can_fail;
            all.depends.extend(operand.depends);
        }
        all.can_fail &= all_can_be_more;
        all.settled()
    }

    /// Returns the value of `||`: true, if one operand is, whatever the others are.
    pub fn any(operands: impl IntoIterator<Item = Self>) -> Self {
        Self::all(operands.into_iter().map(Self::negated)).negated()
    }

    /// Returns the opposite. An error stays an error.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { can_be_true: self.can_be_false, can_be_false: self.can_be_true, ..self }
    }

    /// Returns the value of `self ? then : otherwise`.
    #[must_use]
    pub fn choose(self, then: Self, otherwise: Self) -> Self {
        let mut chosen = Self { can_be_true: false, can_be_false: false, ..self };
        for branch in [self.can_be_true.then_some(then), self.can_be_false.then_some(otherwise)].into_iter().flatten() {
            chosen.can_be_true |= branch.can_be_true;
            chosen.can_be_false |= branch.can_be_false;
            chosen.can_fail |= branch.can_fail;
            chosen.depends.extend(branch.depends);
        }
        chosen.settled()
    }

    /// Returns whether a rule applies. `fails` specifies whether it does when its condition ends with an error.
    #[must_use]
    pub fn or_on_error(self, fails: bool) -> Self {
        let held = Self {
            can_be_true: self.can_be_true || self.can_fail && fails,
            can_be_false: self.can_be_false || self.can_fail && !fails,
            can_fail: false,
            ..self
        };
        held.settled()
    }

    /// Returns whether a rule with this condition, which is no error, applies.
    pub fn applies(self) -> Applies {
        match self.outcome() {
            Some(Outcome::True) => Applies::Yes,
            Some(Outcome::False | Outcome::Error) => Applies::No,
            None => Applies::Unknown(self.depends),
        }
    }

    fn settled(mut self) -> Self {
        if self.outcome().is_some() {
            self.depends.clear();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a value: the outcomes that are possible, as `t`, `f` and `e`, and the names that it depends on.
    fn read(text: &str) -> Truth {
        let (outcomes, names) = text.split_once('?').unwrap_or((text, ""));
        let can = |outcome: char| outcomes.contains(outcome);
        let depends = names.chars().map(String::from).collect();
        Truth { can_be_true: can('t'), can_be_false: can('f'), can_fail: can('e'), depends }
    }

    #[test]
    fn missing_values_follow_the_logic_of_cel() {
        // Left, right, `&&`, `||`.
        for (left, right, and, or) in [
            ("t", "t", "t", "t"),
            ("t", "f", "f", "t"),
            ("f", "f", "f", "f"),
            ("f", "tfe?x", "f", "tfe?x"),
            ("t", "tfe?x", "tfe?x", "t"),
            ("e", "f", "f", "e"),
            ("e", "t", "e", "t"),
            ("e", "e", "e", "e"),
            // The unknown side may absorb the error; the whole is never true, or never false.
            ("e", "tfe?x", "fe?x", "te?x"),
            ("e", "tf?x", "fe?x", "te?x"),
            ("tf?x", "tf?y", "tf?xy", "tf?xy"),
        ] {
            for (left, right) in [(left, right), (right, left)] {
                assert_eq!(Truth::all([read(left), read(right)]), read(and), "{left} && {right}");
                assert_eq!(Truth::any([read(left), read(right)]), read(or), "{left} || {right}");
            }
        }
        for (value, opposite) in [("t", "f"), ("f", "t"), ("e", "e"), ("te?x", "fe?x")] {
            assert_eq!(read(value).negated(), read(opposite), "!{value}");
        }
        for (condition, then, otherwise, expected) in [
            ("t", "f", "tfe?x", "f"),
            ("f", "tfe?x", "t", "t"),
            ("e", "t", "t", "e"),
            ("tf?x", "t", "t", "t"),
            ("tfe?x", "t", "t", "te?x"),
            ("tf?x", "tf?y", "f", "tf?xy"),
            ("t", "tf?y", "tf?z", "tf?y"),
        ] {
            let chosen = read(condition).choose(read(then), read(otherwise));
            assert_eq!(chosen, read(expected), "{condition} ? {then} : {otherwise}");
        }
        for (condition, fails, expected) in [
            ("t", false, "t"),
            ("e", true, "t"),
            ("e", false, "f"),
            ("fe?x", false, "f"),
            ("te?x", true, "t"),
            ("fe?x", true, "tf?x"),
        ] {
            assert_eq!(read(condition).or_on_error(fails), read(expected), "{condition} {fails}");
        }
    }

    /// What can be is exactly what some choice of outcomes gives.
    #[test]
    fn what_is_possible_is_what_the_outcomes_give() {
        const SETS: [&str; 7] = ["t", "f", "e", "tf", "te", "fe", "tfe"];
        let outcomes = |truth: &Truth| (truth.can_be_true, truth.can_be_false, truth.can_fail);
        let operators: [fn([Truth; 3]) -> Truth; 3] =
            [|of| Truth::all(of), |of| Truth::any(of), |[of, then, otherwise]| of.choose(then, otherwise)];
        let mut compared = 0;
        for (number, operator) in operators.into_iter().enumerate() {
            for one in SETS {
                for two in SETS {
                    for three in SETS {
                        let mut found = (false, false, false);
                        for (a, b, c) in one
                            .chars()
                            .flat_map(|a| two.chars().flat_map(move |b| three.chars().map(move |c| (a, b, c))))
                        {
                            let (t, f, e) = outcomes(&operator([a, b, c].map(|of| read(&of.to_string()))));
                            assert_eq!(
                                [t, f, e].iter().filter(|can| **can).count(),
                                1,
                                "known operands give one outcome"
                            );
                            found = (found.0 | t, found.1 | f, found.2 | e);
                        }
                        let computed = outcomes(&operator([one, two, three].map(read)));
                        assert_eq!(computed, found, "operator {number}: {one}, {two}, {three}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 3 * 343);
    }
}
