//! Times several things in alternating batches, so that other work on the machine affects all of them.

use std::time::{Duration, Instant};

/// The duration of a measurement.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Number of rounds. The fastest round of each thing counts, because other work on the machine can only add time.
    pub rounds: usize,
    /// Duration of a batch. A round has one batch of each thing.
    pub batch: Duration,
}

impl Plan {
    /// A sixth of a second for each thing. The batches are shorter than the time slices of an operating system, so that
    /// most of them run without interruption even on a busy machine.
    pub const QUICK: Self = Self { rounds: 75, batch: Duration::from_millis(2) };
}

/// The cost of two things, in nanoseconds per run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Ours.
    pub ours: f64,
    /// Theirs.
    pub theirs: f64,
}

impl Pair {
    /// Returns how many times faster ours is.
    pub fn ratio(self) -> f64 {
        self.theirs / self.ours
    }
}

/// Times both.
pub fn pair(plan: Plan, mut ours: impl FnMut(), mut theirs: impl FnMut()) -> Pair {
    let [ours, theirs] = side_by_side(plan, [&mut ours, &mut theirs]);
    Pair { ours, theirs }
}

/// Returns the nanoseconds per run of each thing. Each is first run until a batch is full, which also warms the caches.
pub fn side_by_side<const N: usize>(plan: Plan, mut things: [&mut dyn FnMut(); N]) -> [f64; N] {
    let counts: Vec<u32> = things.iter_mut().map(|thing| runs_of_a_batch(plan.batch, *thing)).collect();
    let mut samples = [const { Vec::new() }; N];
    for _ in 0..plan.rounds {
        for ((thing, count), samples) in things.iter_mut().zip(&counts).zip(&mut samples) {
            samples.push(batch(*count, *thing));
        }
    }
    samples.map(fastest)
}

fn runs_of_a_batch(batch: Duration, run: &mut dyn FnMut()) -> u32 {
    let started = Instant::now();
    let mut count = 0_u32;
    while started.elapsed() < batch {
        run();
        count += 1;
    }
    count.max(1)
}

/// Returns the nanoseconds per run.
fn batch(count: u32, run: &mut dyn FnMut()) -> f64 {
    let started = Instant::now();
    for _ in 0..count {
        run();
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(count)
}

fn fastest(samples: Vec<f64>) -> f64 {
    samples.into_iter().min_by(f64::total_cmp).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbed_rounds_do_not_count() {
        assert!((fastest(vec![2.0, 900.0, 1.0]) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn more_work_costs_more() {
        let plan = Plan { rounds: 3, batch: Duration::from_millis(1) };
        let work = |count: u64| move || (0..count).for_each(|number| _ = std::hint::black_box(number));
        let pair = pair(plan, work(10), work(10_000));
        assert!(pair.ratio() > 10.0, "{pair:?}");
    }
}
