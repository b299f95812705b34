//! Measures the cost of the data path: in Envoy, where it runs, and in the virtual machine alone.
//!
//! `make bench-quick` runs both. In Envoy, it measures the CPU time of a sidecar for each request, without a filter,
//! with a filter that does nothing, and with ours. The CPU time of the Envoy process is more stable than requests per
//! second, which on a small machine depend more on the load generator. Alone ([`native`]), it measures expressions and
//! rules in our virtual machine and in another CEL interpreter.
//!
//! `make bench` compares more (`envoy::chains` is the table), and writes a report ([`report`]).

#[cfg(feature = "envoy")]
pub mod chain;
#[cfg(feature = "counted")]
pub mod counted;
pub mod demo;
#[cfg(feature = "whole")]
pub mod envoy;
pub mod figures;
#[cfg(feature = "counted")]
pub mod hostile;
#[cfg(feature = "envoy")]
pub mod load;
#[cfg(feature = "whole")]
pub mod machine;
pub mod native;
pub mod report;
#[cfg(feature = "envoy")]
pub mod requests;
#[cfg(feature = "envoy")]
pub mod rounds;
pub mod rule_sets;
#[cfg(feature = "envoy")]
pub mod sidecar;
#[cfg(feature = "whole")]
pub mod single;
#[cfg(feature = "envoy")]
pub mod table;
