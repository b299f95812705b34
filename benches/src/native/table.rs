//! Formats the results.

use std::fmt::Write as _;

use super::expressions::{Expression, Time};
use super::timing::Pair;

/// Target for the ratio of the times of an expression that spends its time in the interpreters.
pub const TARGET: f64 = 5.0;

/// The cost of an evaluation, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub struct Costs {
    /// Ours, as the only one in a decision.
    pub first: f64,
    /// Ours, as one of many in a decision.
    pub next: f64,
    /// In the other interpreter, which may not support the expression.
    pub theirs: Option<f64>,
}

impl Costs {
    /// Returns how many times faster one evaluation of many is. The target applies to this ratio.
    pub fn ratio(self) -> Option<f64> {
        Some(self.theirs? / self.next)
    }

    /// Returns how many times faster an evaluation is that is the only one in a decision.
    pub fn first_ratio(self) -> Option<f64> {
        Some(self.theirs? / self.first)
    }
}

/// Returns the line of an expression.
pub fn line(expression: &Expression, costs: Costs) -> String {
    let number =
        |number: Option<f64>, digits: usize| number.map_or("-".to_owned(), |number| format!("{number:.digits$}"));
    let (theirs, ratio) = (number(costs.theirs, 0), number(costs.ratio(), 1));
    let mut note = String::new();
    if let Time::Shared(what) = expression.time {
        let _ = write!(note, "  time in {what}");
    } else if costs.ratio().is_some_and(|ratio| ratio < TARGET) {
        note.push_str("  below the target");
    }
    let Costs { first, next, .. } = costs;
    format!("{:<20}{first:>8.0}{next:>8.0}{theirs:>8}{ratio:>8}  {}{note}", expression.kind, expression.text)
}

/// Returns the headings of the columns.
pub fn head() -> String {
    format!("{:<20}{:>8}{:>8}{:>8}{:>8}  expression", "", "first", "next", "cel", "ratio")
}

/// Returns the line of a decision with this number of rules.
pub fn rules_line(count: usize, pair: Pair) -> String {
    let name = format!("{count} rules");
    format!("{name:<20}{:>16.0}{:>8.0}{:>8.1}", pair.ours, pair.theirs, pair.ratio())
}

/// Returns the median, the lowest ratio, and the number of ratios that reach [`TARGET`], of the expressions that spend
/// their time in the interpreters.
pub fn summary(results: &[(Expression, Costs)]) -> String {
    let compared = results.iter().filter(|(_, costs)| costs.theirs.is_some());
    let own = || compared.clone().filter(|(expression, _)| expression.time == Time::Interpreter);
    format!(
        "{} expressions compared, {} of them spend their time in the interpreters. Of these at least {TARGET} times faster:
  as one of many evaluations in a decision (cel / next): {}
  alone in a decision of its own (cel / first): {}",
        compared.clone().count(),
        own().count(),
        reached(own().filter_map(|(_, costs)| costs.ratio())),
        reached(own().filter_map(|(_, costs)| costs.first_ratio())),
    )
}

fn reached(ratios: impl Iterator<Item = f64>) -> String {
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    let reached = ratios.iter().filter(|ratio| **ratio >= TARGET).count();
    let (lowest, median) = (ratios.first().copied(), ratios.get(ratios.len() / 2).copied());
    format!("{reached} (median {:.1}, lowest {:.1})", median.unwrap_or_default(), lowest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(time: Time) -> Expression {
        Expression { kind: "kind", text: "a == b", time }
    }

    #[test]
    fn a_line_says_why_its_ratio_is_low() {
        let slow = Costs { first: 200.0, next: 100.0, theirs: Some(300.0) };
        assert!(line(&expression(Time::Interpreter), slow).ends_with("a == b  below the target"));
        assert!(line(&expression(Time::Shared("regex")), slow).ends_with("a == b  time in regex"));
        let absent = line(&expression(Time::Interpreter), Costs { theirs: None, ..slow });
        let absent: Vec<&str> = absent.split_whitespace().collect();
        assert_eq!(absent, ["kind", "200", "100", "-", "-", "a", "==", "b"]);
    }

    #[test]
    fn the_summary_counts_only_what_is_spent_in_the_interpreters() {
        let costs = |theirs| Costs { first: 20.0, next: 10.0, theirs };
        let results = [
            (expression(Time::Interpreter), costs(Some(100.0))),
            (expression(Time::Interpreter), costs(Some(80.0))),
            (expression(Time::Interpreter), costs(Some(20.0))),
            (expression(Time::Interpreter), costs(None)),
            (expression(Time::Shared("regex")), costs(Some(10.0))),
        ];
        let text = summary(&results);
        assert!(text.starts_with("4 expressions compared, 3 of them"), "{text}");
        assert!(text.contains("(cel / next): 2 (median 8.0, lowest 2.0)"), "{text}");
        assert!(text.contains("(cel / first): 1 (median 4.0, lowest 1.0)"), "{text}");
    }
}
