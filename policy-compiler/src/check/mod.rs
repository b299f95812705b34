//! Checking: documents become one model, its expressions become programs, and both are checked against the guardrails.

pub mod analysis;
pub mod compatibility;
pub(crate) mod data_flow;
pub(crate) mod expiry;
pub mod lock;
pub mod model;
pub mod programs;
pub mod silence;
