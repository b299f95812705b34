//! Evaluates a request under policies, and explains the decision.
//!
//! [`input`] reads requests from JSON and from access logs, [`Evaluator::evaluate`] runs one, [`text`] and [`json`]
//! format the result.

mod access_log;
mod earlier;
mod gaps;
pub mod input;
pub mod json;
pub mod text;
mod why;

use crate::pack::artifact::PackError;
use crate::{
    check::model::{Model, Request},
    compile::Compiled,
    run::{
        explain::{Explainer, Recorder, RuleRun},
        simulate::{Outcome, SimulationError, Simulator},
    },
};
use context_mesh_core::index::RuleIndex;

pub use earlier::{Earlier, Presence};
pub use gaps::Gaps;
pub use input::Recorded;
pub use why::why;

/// Evaluates requests under the policies of a tree.
pub struct Evaluator<'t> {
    compiled: &'t Compiled,
    explainer: Explainer,
    simulator: Simulator,
}

/// The result of a request.
#[derive(Debug)]
pub struct Evaluation<'e> {
    /// The decision and its effects.
    pub outcome: Outcome,
    /// The rules that were run, in order, with the parts of their conditions.
    pub runs: Vec<RuleRun<'e>>,
    /// The reason for the decision, in one sentence.
    pub why: String,
}

impl<'t> Evaluator<'t> {
    /// Creates an evaluator for a compiled tree.
    ///
    /// # Errors
    /// The parts of the conditions exceed a limit of the artifact's format.
    pub fn new(compiled: &'t Compiled, model: &Model) -> Result<Self, PackError> {
        let explainer = Explainer::new(model, &compiled.tables)?;
        let simulator = Simulator::new(&compiled.artifact)?;
        Ok(Self { compiled, explainer, simulator })
    }

    /// Evaluates one request.
    ///
    /// # Errors
    /// As for [`Simulator::run`].
    pub fn evaluate(&mut self, request: &Request) -> Result<Evaluation<'_>, SimulationError> {
        let recorder = Recorder::new(&self.explainer, &self.compiled.tables).with_reads();
        let outcome = self.simulator.run(request, Some(&recorder))?;
        let runs = recorder.into_runs();
        let indices: Vec<RuleIndex> = runs.iter().map(|run| run.rule).collect();
        let why = why(&outcome, request.role, &indices, &self.compiled.tables);
        Ok(Evaluation { outcome, runs, why })
    }
}
