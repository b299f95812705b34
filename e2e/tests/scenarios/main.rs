//! The scenarios: the filter, with compiled policies, in real Envoys.
//!
//! Each test starts the mesh that it needs and ends it. They run in parallel.

mod attributes;
mod audit;
mod budget;
mod certificates;
mod classification;
mod denial;
mod edge;
mod egress;
mod fields;
mod hostile;
mod journey;
mod leaving;
mod load;
mod masking;
mod names;
mod parity;
mod readings;
mod recall;
mod rollout;
mod routes;
mod size;
mod slices;
mod soak;
mod strangers;
mod support;
mod tickets;
mod trace_ids;
mod trust;
mod update;
mod upstream;
mod versions;
