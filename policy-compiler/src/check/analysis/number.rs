//! The numbers that satisfy a set of tests. Numbers are doubles; a constant that would have to be rounded is not
//! understood.

use super::test::{Test, understood_number};
use crate::expression::ir::Comparison;

/// A range of numbers with holes. It may be larger than what the tests allow.
#[derive(Debug, Clone)]
pub(super) struct Number {
    /// The lower bound, and whether it is exclusive.
    low: (f64, bool),
    /// The upper bound, and whether it is exclusive.
    high: (f64, bool),
    not: Vec<f64>,
    one_of: Option<Vec<f64>>,
    integral: bool,
}

/// Most integers that are tried one by one.
const FEW: f64 = 16.0;

impl Number {
    /// Returns all numbers, or all integers.
    pub(super) fn any(integral: bool) -> Self {
        let low = (f64::NEG_INFINITY, false);
        Self { low, high: (f64::INFINITY, false), not: Vec::new(), one_of: None, integral }
    }

    /// Restricts the range to these numbers.
    pub(super) fn only(self, numbers: Vec<f64>) -> Self {
        Self { one_of: Some(numbers), ..self }
    }

    /// Whether the number is one of those that remain.
    pub(super) fn accepts(&self, number: f64) -> bool {
        let above = if self.low.1 { number > self.low.0 } else { number >= self.low.0 };
        let below = if self.high.1 { number < self.high.0 } else { number <= self.high.0 };
        above
            && below
            && !self.not.contains(&number)
            && self.one_of.as_ref().is_none_or(|numbers| numbers.contains(&number))
            && (!self.integral || number.fract() == 0.0)
    }

    /// Keeps only the numbers for which the test returns `wanted`. Numbers must not make the test an error.
    pub(super) fn restrict(&mut self, test: &Test, wanted: bool) {
        match test {
            Test::Equals(constant) => match (understood_number(constant), wanted) {
                (Some(number), true) => self.compare(Comparison::Equal, number),
                (Some(number), false) => self.not.push(number),
                (None, true) => self.one_of = Some(Vec::new()),
                (None, false) => {}
            },
            Test::Order(comparison, constant) => {
                if let Some(number) = understood_number(constant) {
                    self.compare(if wanted { *comparison } else { opposite(*comparison) }, number);
                }
            }
            // A number is present, and is not a string.
            Test::Present | Test::There if !wanted => self.one_of = Some(Vec::new()),
            Test::OneOf(_) if wanted => self.one_of = Some(Vec::new()),
            _ => {}
        }
    }

    /// Keeps only the numbers that compare like this.
    pub(super) fn compare(&mut self, comparison: Comparison, number: f64) {
        let above = |this: &mut Self, open: bool| {
            if number > this.low.0 || (number == this.low.0 && open) {
                this.low = (number, open);
            }
        };
        let below = |this: &mut Self, open: bool| {
            if number < this.high.0 || (number == this.high.0 && open) {
                this.high = (number, open);
            }
        };
        match comparison {
            Comparison::Equal => {
                above(self, false);
                below(self, false);
            }
            Comparison::NotEqual => self.not.push(number),
            Comparison::Less => below(self, true),
            Comparison::LessEqual => below(self, false),
            Comparison::Greater => above(self, true),
            Comparison::GreaterEqual => above(self, false),
        }
    }

    /// Whether it is certain that no number remains.
    pub(super) fn is_empty(&self) -> bool {
        if let Some(numbers) = &self.one_of {
            return !numbers.iter().any(|number| self.accepts(*number));
        }
        let width = self.high.0 - self.low.0;
        if width <= 0.0 {
            return !self.accepts(self.low.0);
        }
        self.integral && width <= FEW && !self.few().any(|number| self.accepts(number))
    }

    /// Returns the integers near the lower bound.
    fn few(&self) -> impl Iterator<Item = f64> + '_ {
        let first = Some(self.low.0.floor()).filter(|first| first.is_finite());
        let last = self.low.0 + FEW + 1.0;
        std::iter::successors(first, |number| Some(number + 1.0)).take_while(move |number| *number <= last)
    }

    /// Returns a number that remains, if one is found.
    pub(super) fn example(&self) -> Option<f64> {
        if let Some(numbers) = &self.one_of {
            return numbers.iter().copied().find(|number| self.accepts(*number));
        }
        let near = [self.low.0, self.high.0].into_iter().filter(|end| end.is_finite());
        let near = near.flat_map(|end| [end, end + 1.0, end - 1.0, end + 0.5, end - 0.5]);
        let middle = (self.low.0 + self.high.0) / 2.0;
        let beyond = self.not.iter().map(|number| number + 1.0);
        let all = near.chain([0.0, 1.0, middle, middle.floor()]).chain(beyond);
        let mut finite = all.filter(|number| number.is_finite());
        finite.find(|number| self.accepts(*number)).or_else(|| self.few().find(|n| self.accepts(*n)))
    }
}

fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterEqual,
        Comparison::LessEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessEqual,
        Comparison::GreaterEqual => Comparison::Less,
    }
}
