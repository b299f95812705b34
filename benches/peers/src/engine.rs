//! What is timed: engines behind one closure each.

use std::time::{Duration, Instant};

use context_mesh_benches::native::decision::{Decision, compile};
use context_mesh_benches::rule_sets::{Condition, tree};

use crate::{cedar, cel, rego};

/// Decides about the request, and returns whether no rule matched and none failed.
pub type Decide = Box<dyn FnMut() -> bool>;

/// Loads rules into an engine.
pub type Prepare = fn(&[Condition]) -> Result<Decide, String>;

/// All engines, by the words in the names of figures.
pub const ALL: [(&str, Prepare); 4] =
    [("context_mesh", context_mesh), ("cel", cel::prepare), ("cedar", cedar::prepare), ("regorus", rego::prepare)];

/// An engine with its rules.
pub struct Engine {
    /// Its word in the names of figures.
    pub name: &'static str,
    /// Decides.
    pub decide: Decide,
}

/// The nanoseconds of a decision: of the fastest round, which other work on the machine disturbed least, and of the
/// slowest.
#[derive(Clone, Copy)]
pub struct Spread {
    /// Of the fastest round.
    pub best: f64,
    /// Of the slowest round.
    pub worst: f64,
}

fn context_mesh(conditions: &[Condition]) -> Result<Decide, String> {
    let mut decision = Decision::load(&compile(&tree(conditions))?)?;
    if decision.rules() != conditions.len() {
        return Err(format!("the artifact has {} rules", decision.rules()));
    }
    Ok(Box::new(move || decision.decide()))
}

/// Times the engines in turn: in each round, each has one batch, or one decision if that takes longer.
pub fn time(engines: &mut [Engine], rounds: usize, batch: Duration) -> Vec<Spread> {
    let counts: Vec<u32> = engines.iter_mut().map(|engine| decisions_of(batch, &mut engine.decide)).collect();
    let mut spreads = vec![Spread { best: f64::INFINITY, worst: 0.0 }; engines.len()];
    for _ in 0..rounds {
        for ((engine, count), spread) in engines.iter_mut().zip(&counts).zip(&mut spreads) {
            let started = Instant::now();
            for _ in 0..*count {
                std::hint::black_box((engine.decide)());
            }
            let cost = started.elapsed().as_secs_f64() * 1e9 / f64::from(*count);
            (spread.best, spread.worst) = (spread.best.min(cost), spread.worst.max(cost));
        }
    }
    spreads
}

/// Returns the number of decisions of a batch. Running it also warms the caches.
fn decisions_of(batch: Duration, decide: &mut Decide) -> u32 {
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < batch {
        decide();
        count += 1;
    }
    count.max(1)
}
