//! The path of a request: from the headers that the proxy provides to the plan that it carries out.
//!
//! Each role has a file: `inbound`, `outbound`, `gateway`, `egress` and `upstream`. The drawing of their stages is in
//! `ARCHITECTURE.md`, "The path of a request".

mod aliases;
mod ambiguous_path;
mod apply;
mod caller;
mod egress;
mod expire;
mod extract;
mod fit;
mod gateway;
mod ids;
mod inbound;
mod merge;
mod originate;
mod outbound;
mod path_readings;
mod plan;
mod present;
mod recall;
mod remember;
mod report;
mod report_text;
mod residency;
mod routing;
#[cfg(test)]
mod tests;
mod trust;
mod upstream;
mod validate;
mod workload;

pub use aliases::trailers;
pub use egress::egress;
pub use gateway::{gateway, response_headers};
pub use inbound::inbound;
pub use outbound::outbound;
pub use plan::{Counter, HeaderEdit, Plan, Refusal};
pub use remember::remember;
pub use report::{Problem, Report};
pub use routing::Routing;
pub use upstream::upstream;
pub use workload::{Host, Observer, Role, Workload};
