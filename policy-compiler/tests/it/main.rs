//! The integration tests of the compiler, in one binary so that it is linked once.

mod budget;
mod cli;
mod commands;
mod compatibility;
mod compile;
mod counters;
mod defaults;
mod diagnostics;
mod emit;
mod explanations;
mod graph_truth;
mod guardrails;
mod inspect;
mod istio;
mod json_schema;
mod order;
mod pages;
mod policy_tests;
mod properties;
mod replay;
mod routes;
mod schema_validator;
mod silence;
mod slice;
mod support;
