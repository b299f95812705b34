//! The results, for people.

use std::fmt::Write as _;

use super::expressions::{Expression, Time};
use super::timing::Pair;

/// How many times faster an expression should be that spends its time in the interpreters.
pub const TARGET: f64 = 5.0;

/// The line of an expression. Without a pair the other interpreter has no such expression.
pub fn line(expression: &Expression, ours: f64, pair: Option<Pair>) -> String {
    let (theirs, ratio) = match pair {
        Some(pair) => (format!("{:.0}", pair.theirs), format!("{:.1}", pair.ratio())),
        None => ("-".to_owned(), "-".to_owned()),
    };
    let mut note = String::new();
    if let Time::Shared(library) = expression.time {
        let _ = write!(note, "  time in {library}");
    } else if pair.is_some_and(|pair| pair.ratio() < TARGET) {
        note.push_str("  below the target");
    }
    let line = format!("{:<20}{ours:>8.0}{theirs:>9}{ratio:>8}  {}{note}", expression.kind, expression.text);
    line
}

/// The heads of the columns.
pub fn head() -> String {
    format!("{:<20}{:>8}{:>9}{:>8}  expression", "", "ours", "cel", "ratio")
}

/// The line of a decision with so many rules.
pub fn rules_line(count: usize, pair: Pair) -> String {
    let name = format!("{count} rules");
    format!("{name:<20}{:>8.0}{:>9.0}{:>8.1}", pair.ours, pair.theirs, pair.ratio())
}

/// The median, the lowest ratio, and how many reach [`TARGET`]; of those that spend their time in the interpreters.
pub fn summary(results: &[(Expression, Pair)]) -> String {
    let mut ratios: Vec<f64> = results
        .iter()
        .filter(|(expression, _)| expression.time == Time::Interpreter)
        .map(|(_, pair)| pair.ratio())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let reached = ratios.iter().filter(|ratio| **ratio >= TARGET).count();
    let (lowest, median) = (ratios.first().copied(), ratios.get(ratios.len() / 2).copied());
    format!(
        "{} expressions compared; of the {} that spend their time in the interpreters, {reached} are at least {TARGET} times \
         faster (median {:.1}, lowest {:.1})",
        results.len(),
        ratios.len(),
        median.unwrap_or_default(),
        lowest.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(time: Time) -> Expression {
        Expression { kind: "kind", text: "a == b", time }
    }

    #[test]
    fn a_line_says_why_its_ratio_is_low() {
        let slow = Some(Pair { ours: 100.0, theirs: 300.0 });
        assert!(line(&expression(Time::Interpreter), 100.0, slow).ends_with("a == b  below the target"));
        assert!(line(&expression(Time::Shared("regex")), 100.0, slow).ends_with("a == b  time in regex"));
        let absent: Vec<_> =
            line(&expression(Time::Interpreter), 100.0, None).split_whitespace().map(str::to_owned).collect();
        assert_eq!(absent[..4], ["kind", "100", "-", "-"]);
    }

    #[test]
    fn the_summary_counts_only_what_is_spent_in_the_interpreters() {
        let pair = |theirs| Pair { ours: 10.0, theirs };
        let results = [
            (expression(Time::Interpreter), pair(100.0)),
            (expression(Time::Interpreter), pair(20.0)),
            (expression(Time::Shared("regex")), pair(10.0)),
        ];
        let text = summary(&results);
        assert!(text.contains("3 expressions compared; of the 2") && text.contains("1 are at least 5"), "{text}");
        assert!(text.contains("lowest 2.0"), "{text}");
    }
}
