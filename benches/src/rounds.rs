//! Rounds: every variant gets the same load, in turn and repeatedly, so that other work on the machine affects all of
//! them.

use std::time::Duration;

/// The load of one variant in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Number of rounds that count. One more runs before them to warm up the caches and the compiler of the .wasm.
    pub rounds: usize,
    /// Number of requests of a round.
    pub requests: usize,
    /// Number of keep-alive connections.
    pub connections: usize,
}

impl Plan {
    /// Precise to about half a microsecond on two cores, in about two minutes.
    pub const QUICK: Self = Self { rounds: 7, requests: 30_000, connections: 16 };
}

/// The cost of one variant, by round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds a round: CPU time divided by requests. A round without requests is ignored.
    pub fn add(&mut self, cpu: Duration, requests: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a number of requests, far below 2^52")]
        let requests = requests as f64;
        if requests > 0.0 {
            self.0.push(cpu.as_secs_f64() * 1e6 / requests);
        }
    }

    /// Returns the number of rounds.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the median, in CPU microseconds per request; 0 without rounds.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        match (sorted.get(low), sorted.get(high)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => 0.0,
        }
    }

    /// Returns the lowest and the highest round.
    pub fn range(&self) -> (f64, f64) {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        (low.min(self.median()), self.0.iter().copied().fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(costs: &[u64]) -> Samples {
        let mut samples = Samples::default();
        costs.iter().for_each(|cost| samples.add(Duration::from_millis(*cost), 1000));
        samples
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((samples(&[30, 10, 20]).median() - 20.0).abs() < 1e-9);
        assert!((samples(&[40, 10, 20, 30]).median() - 25.0).abs() < 1e-9);
        assert!(Samples::default().median().abs() < 1e-9);
    }

    #[test]
    fn the_range_is_that_of_the_rounds() {
        let (low, high) = samples(&[30, 10, 20]).range();
        assert!((low - 10.0).abs() < 1e-9 && (high - 30.0).abs() < 1e-9);
    }
}
