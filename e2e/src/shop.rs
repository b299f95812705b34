//! The application of the demo: a real HTTP server that does not know about contexts.
//!
//! It calls its downstream services, then answers every request with what it saw. It forwards **only** `traceparent`,
//! which is all that Context Mesh requires of an application. A test may need an application that does more:
//!
//! - `?send.<service>=<header>:<value>` makes that service send this header on its own calls (percent-encoded, may
//!   repeat).
//! - `?respond.<service>=<header>:<value>` makes it send this header with its answer (percent-encoded, may repeat).
//! - `?status.<service>=<status>` makes it answer with this status.
//! - `?forward.<service>=<header>,<header>` makes it forward these headers, and no others, as a tracing library does.
//! - `?wait.<service>=<milliseconds>` makes it wait before its calls, at most ten seconds.
//!
//! Path and query are forwarded with every call, so that each service of the chain finds its part.

mod answer;
mod calls;
mod instructions;
mod server;

use std::net::SocketAddr;

pub use server::{Shop, bind};

/// The configuration of one application of the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopConfig {
    /// Its service name.
    pub name: String,
    /// The destination of its calls: the outbound listener of its sidecar.
    pub outbound: SocketAddr,
    /// The services that it calls for each request, in this order.
    pub calls: Vec<String>,
}
