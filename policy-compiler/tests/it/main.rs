//! The integration tests of the compiler, in one binary so that it is linked once.

mod budget;
mod cli;
mod commands;
mod compatibility;
mod compile;
mod cookbook;
mod counters;
mod decision_index;
mod defaults;
mod diagnostics;
mod emit;
mod explanations;
mod formatting;
mod graph_truth;
mod guardrails;
mod inspect;
mod istio;
mod json_schema;
mod markdown;
mod order;
mod pages;
mod parameters;
mod path_readings;
mod policy_tests;
mod properties;
mod readme;
mod regions;
mod replay;
mod routes;
mod schema_validator;
mod shared_variables;
mod silence;
#[path = "../../../core/tests/skip/mod.rs"]
mod skip;
mod slice;
mod support;
