//! The results of the measurements: numbers by name.

use serde_json::{Map, Value, json};

/// Figures in the order in which they were added. The lowest and highest round of a figure `x` are `x.low` and
/// `x.high`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures(Map<String, Value>);

impl Figures {
    /// Reads a flat JSON object of numbers. Other members are ignored.
    ///
    /// # Errors
    /// The text is no JSON object.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut members: Map<String, Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        members.retain(|_, value| value.is_number());
        Ok(Self(members))
    }

    /// Returns all figures as a flat JSON object.
    pub fn to_json(&self) -> String {
        format!("{:#}\n", json!(self.0))
    }

    /// Adds a figure. A value that is no finite number is ignored.
    pub fn set(&mut self, name: impl Into<String>, value: f64) {
        if value.is_finite() {
            // More digits than a measurement has only make the file hard to read.
            let rounded = if value.abs() < 1e15 { (value * 1000.0).round() / 1000.0 } else { value };
            self.0.insert(name.into(), json!(rounded));
        }
    }

    /// Adds the median of some rounds, and the lowest and highest one. Without rounds, nothing is added.
    pub fn set_rounds(&mut self, name: &str, rounds: &[f64]) {
        let mut sorted: Vec<f64> = rounds.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else { return };
        self.set(name, median(&sorted));
        self.set(format!("{name}.low"), *low);
        self.set(format!("{name}.high"), *high);
    }

    /// Adds all figures of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns a figure.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// Returns the lowest and highest round of a figure.
    pub fn spread(&self, name: &str) -> Option<(f64, f64)> {
        Some((self.get(&format!("{name}.low"))?, self.get(&format!("{name}.high"))?))
    }
}

/// Returns the median of sorted values; 0 for none.
pub fn median(sorted: &[f64]) -> f64 {
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    match (sorted.get(low), sorted.get(high)) {
        (Some(low), Some(high)) => f64::midpoint(*low, *high),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_one_flat_object() {
        let mut figures = Figures::default();
        figures.set_rounds("a.b", &[3.0, 1.0, 2.000_04]);
        figures.set("c", 7.0);
        figures.set("unknown", f64::NAN);
        figures.set_rounds("nothing", &[]);
        let text = figures.to_json();
        assert_eq!(text, "{\n  \"a.b\": 2.0,\n  \"a.b.low\": 1.0,\n  \"a.b.high\": 3.0,\n  \"c\": 7.0\n}\n");
        assert_eq!(Figures::from_json(&text).unwrap(), figures);
        assert_eq!(figures.spread("a.b"), Some((1.0, 3.0)));
        assert_eq!(figures.spread("c"), None);
    }

    #[test]
    fn the_median_of_two_is_between_them() {
        assert!((median(&[1.0, 2.0]) - 1.5).abs() < 1e-9);
        assert!(median(&[]).abs() < 1e-9);
    }
}
