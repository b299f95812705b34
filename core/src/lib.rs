//! The decision logic of Context Mesh: the context model, its carriers, the policy artifact and the virtual machine
//! that runs it.
//!
//! This crate does not access Envoy, files or clocks. Everything that a request needs from outside is provided by the
//! small traits of [`host`], and the result is a [`pipeline::Plan`]. So the same code decides in Envoy, in `policyc`
//! and in the benches.
//!
//! This crate does not panic on any input: the lints below are denied, every size from outside has a limit in
//! [`limits`], and only a [`artifact::VerifiedProgram`] can run.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::disallowed_macros,
        clippy::type_complexity,
        reason = "a test may fail by a panic, and its tables are clearer without names for their types"
    )
)]

pub mod address;
pub mod alias;
pub mod artifact;
pub mod carrier;
pub mod cause;
pub mod context;
pub mod decide;
pub mod destination;
pub mod fuel;
pub mod headers;
pub mod host;
pub mod identity;
pub mod index;
pub mod info;
pub mod limits;
pub mod mask;
pub mod memory;
pub mod names;
pub mod number;
mod percent;
pub mod pipeline;
pub mod plugin_config;
pub mod sampling;
pub mod schema;
mod sort;
pub mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod trace;
pub mod vm;
