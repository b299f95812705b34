//! What the data path costs, measured where it runs: in Envoy.
//!
//! `make bench-quick` runs the one measurement that is here: CPU time of a sidecar for each request, without a filter,
//! with a filter that does nothing, and with ours. CPU time of the Envoy process is steadier than requests per second,
//! which on a small machine say more about the load generator.

pub mod load;
pub mod requests;
pub mod rounds;
pub mod sidecar;
pub mod table;
