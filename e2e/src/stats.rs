//! The counters and gauges of one Envoy.

use std::collections::BTreeMap;

/// Statistics by name, at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// Parses the text of the admin interface's `/stats`: `name: value` lines. Histograms and texts are ignored.
    pub fn parse(text: &str) -> Self {
        let number = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Self(text.lines().filter_map(number).collect())
    }

    /// Returns the value of `name`, or 0 if Envoy has not counted it yet. Envoy creates many counters on first use.
    pub fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Returns all statistics whose name starts with `prefix`, with their whole names.
    pub fn with_prefix<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = (&'s str, u64)> {
        self.0.iter().filter(move |(name, _)| name.starts_with(prefix)).map(|(name, value)| (name.as_str(), *value))
    }

    /// Returns all statistics whose name contains `part`, with their whole names.
    pub fn containing<'s>(&'s self, part: &'s str) -> impl Iterator<Item = (&'s str, u64)> {
        self.0.iter().filter(move |(name, _)| name.contains(part)).map(|(name, value)| (name.as_str(), *value))
    }

    /// Returns the sum over [`Stats::containing`].
    pub fn sum_containing(&self, part: &str) -> u64 {
        self.containing(part).fold(0, |sum, (_, value)| sum.saturating_add(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_everything_else_passed_over() {
        let stats = Stats::parse("a.b: 3\na.c: 4\nx: \"text\"\nh: No recorded values\n\nlistener.127.0.0.1_80.y: 5\n");
        assert_eq!(stats.get("a.b"), 3);
        assert_eq!(stats.get("x"), 0);
        assert_eq!(stats.get("listener.127.0.0.1_80.y"), 5);
        assert_eq!(stats.with_prefix("a.").collect::<Vec<_>>(), [("a.b", 3), ("a.c", 4)]);
        assert_eq!(stats.sum_containing("a."), 7);
    }
}
