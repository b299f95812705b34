//! Evaluates a request under policies, and explains the decision.
//!
//! [`Evaluator::evaluate`] runs one, [`text`] and [`json`]
//! format the result.

pub mod json;
mod partly;
mod partly_text;
pub mod text;
mod why;

use crate::pack::artifact::PackError;
use crate::{
    check::model::{Model, Request},
    compile::Compiled,
    run::{
        explain::{Explainer, Recorder, RuleRun},
        recorded::{Known, Presence, Recorded},
        replay::Replayer,
        simulate::{Outcome, SimulationError, Simulator},
    },
};
use context_mesh_core::index::RuleIndex;

pub use partly::Partly;
pub use why::why;

/// Evaluates requests under the policies of a tree.
pub struct Evaluator<'t> {
    compiled: &'t Compiled,
    explainer: Explainer,
    simulator: Simulator,
    /// For requests with gaps.
    replayer: Option<Replayer<'t>>,
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
    /// For a request with gaps, what is known of it. The outcome is then that of a request without the missing values,
    /// which need not be what was decided.
    pub partly: Option<Partly>,
}

impl<'t> Evaluator<'t> {
    /// Creates an evaluator for a compiled tree.
    ///
    /// # Errors
    /// The parts of the conditions exceed a limit of the artifact's format.
    pub fn new(compiled: &'t Compiled, model: &Model) -> Result<Self, PackError> {
        let explainer = Explainer::new(model, &compiled.tables)?;
        let simulator = Simulator::new(&compiled.artifact)?;
        Ok(Self { compiled, explainer, simulator, replayer: None })
    }

    /// Evaluates one request.
    ///
    /// # Errors
    /// As for [`Simulator::run`].
    pub fn evaluate(&mut self, request: &Request) -> Result<Evaluation<'_>, SimulationError> {
        self.run(request, None, None)
    }

    /// Evaluates one recorded request. What depends on values that the recording does not hold is unknown.
    ///
    /// # Errors
    /// As for [`Simulator::run`].
    pub fn evaluate_recorded(&mut self, recorded: &Recorded) -> Result<Evaluation<'_>, SimulationError> {
        let (request, earlier) = (&recorded.request, recorded.earlier.as_ref());
        let Some(gaps) = &recorded.gaps else { return self.run(request, None, None) };
        let (artifact, tables) = (&self.compiled.artifact, &self.compiled.tables);
        let replayer = match &mut self.replayer {
            Some(replayer) => replayer,
            None => self.replayer.insert(Replayer::new(artifact, tables).map_err(SimulationError::of_artifact)?),
        };
        let partly = Partly::of(replayer, tables, request, gaps, earlier)?;
        let earlier = earlier.filter(|_| partly.believed);
        let presence = |field: &str| earlier.map_or(Presence::Unknown, |earlier| earlier.presence(field));
        self.run(request, Some(Known::new(gaps, &presence)), Some(partly))
    }

    fn run(
        &mut self,
        request: &Request,
        known: Option<Known<'_>>,
        partly: Option<Partly>,
    ) -> Result<Evaluation<'_>, SimulationError> {
        let recorder = Recorder::new(&self.explainer, &self.compiled.tables)
            .with_reads()
            .with_known(known.map(|known| (request.role, known)));
        let outcome = self.simulator.run(request, Some(&recorder))?;
        let runs = recorder.into_runs();
        let indices: Vec<RuleIndex> = runs.iter().map(|run| run.rule).collect();
        let why = why(&outcome, request.role, &indices, &self.compiled.tables);
        Ok(Evaluation { outcome, runs, why, partly })
    }
}
