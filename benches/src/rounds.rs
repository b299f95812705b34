//! Rounds: every variant gets the same load, one after the other, again and again, so that whatever else the
//! machine does meets all of them.

use std::time::Duration;

use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::load::{Load, Report};

/// How much load one variant gets in one round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Rounds that count. One more goes before them, in which caches and the compiler of the .wasm get warm.
    pub rounds: usize,
    /// Requests of a round.
    pub requests: usize,
    /// Keep-alive connections.
    pub connections: usize,
}

impl Plan {
    /// Steady to about half a microsecond on two cores, in about two minutes.
    pub const QUICK: Self = Self { rounds: 7, requests: 30_000, connections: 16 };

    /// The load of one round, which may take 30 seconds at most.
    pub fn load(self) -> Load {
        Load { requests: self.requests, connections: self.connections, limit: Duration::from_secs(30) }
    }
}

/// What one variant cost, round by round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds a round: CPU time over requests.
    ///
    /// # Errors
    /// Not every request was answered with 200: the figure would say nothing.
    pub fn add(&mut self, cpu: Duration, report: &Report) -> Result<()> {
        let good = report.statuses.get(&200).copied().unwrap_or(0);
        if report.failed > 0 || good == 0 || report.statuses.len() != 1 {
            let failures = report.failures.join("\n");
            return Err(Error::new(format!("not all answers were 200 ({:?})\n{failures}", report.statuses)));
        }
        #[expect(clippy::cast_precision_loss, reason = "a number of requests, far below 2^52")]
        self.0.push(cpu.as_secs_f64() * 1e6 / good as f64);
        Ok(())
    }

    /// The median, in CPU microseconds for each request; 0 without rounds.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
        match (sorted.get(low), sorted.get(high)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => 0.0,
        }
    }

    /// The lowest and the highest round.
    pub fn range(&self) -> (f64, f64) {
        let low = self.0.iter().copied().fold(f64::INFINITY, f64::min);
        (low.min(self.median()), self.0.iter().copied().fold(0.0, f64::max))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn samples(costs: &[u64]) -> Samples {
        let mut samples = Samples::default();
        for cost in costs {
            let report = Report { statuses: BTreeMap::from([(200, 1000)]), ..Report::default() };
            samples.add(Duration::from_millis(*cost), &report).unwrap();
        }
        samples
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert!((samples(&[30, 10, 20]).median() - 20.0).abs() < 1e-9);
        assert!((samples(&[40, 10, 20, 30]).median() - 25.0).abs() < 1e-9);
        assert!(Samples::default().median().abs() < 1e-9);
    }

    #[test]
    fn a_round_with_other_answers_does_not_count() {
        let report = Report { statuses: BTreeMap::from([(200, 10), (503, 1)]), ..Report::default() };
        assert!(Samples::default().add(Duration::from_secs(1), &report).is_err());
        assert!(Samples::default().add(Duration::from_secs(1), &Report::default()).is_err());
    }
}
