//! Formats the results.

use std::fmt::Write as _;

use crate::rounds::Samples;

/// One listener with the cost of each filter on it. The first line is the one without a filter.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// What was measured.
    pub name: String,
    /// The name of each filter, and its rounds.
    pub lines: Vec<(String, Samples)>,
}

/// Returns the groups as one table: CPU µs per request, and the difference and the ratio to the line without a filter.
pub fn render(groups: &[Group]) -> String {
    let mut text = String::new();
    for group in groups {
        let _ = writeln!(
            text,
            "\n{:<44}{:>8}{:>20}{:>12}{:>8}",
            group.name, "median", "(lowest-highest)", "difference", "ratio"
        );
        let base = group.lines.first().map_or(0.0, |(_, samples)| samples.median());
        for (place, (name, samples)) in group.lines.iter().enumerate() {
            let (median, (low, high)) = (samples.median(), samples.range());
            let range = format!("({low:.1}-{high:.1})");
            let _ = write!(text, "  {name:<42}{median:>8.1}{range:>20}");
            let compared = if place == 0 || base <= 0.0 {
                String::new()
            } else {
                format!("{:>+12.1}{:>8.2}", median - base, median / base)
            };
            let _ = writeln!(text, "{compared}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_is_compared_with_the_first() {
        let samples = |micros| {
            let mut samples = Samples::default();
            samples.add(Duration::from_micros(micros), 10);
            samples
        };
        let lines = vec![("no filter".to_owned(), samples(200)), ("ours".to_owned(), samples(300))];
        let text = render(&[Group { name: "inbound".to_owned(), lines }]);
        let last: Vec<_> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(last, ["ours", "30.0", "(30.0-30.0)", "+10.0", "1.50"]);
    }
}
