//! The measurement of whole proxies: each chain of filters in an Envoy of its own, all in the same rounds.

pub mod authz;
pub mod bound;
pub mod chains;
pub mod counters;
pub mod floor;
pub mod lua;
pub mod policies;
pub mod proxies;
pub mod rbac;
pub mod recall;
pub mod run;
