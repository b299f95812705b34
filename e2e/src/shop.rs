//! The application of the demo: a real HTTP server that knows nothing of contexts.
//!
//! It answers every request with what it saw, after it has called the services behind it, and forwards **only**
//! `traceparent`: all that Context Mesh asks of an application. A test may want an application that does more:
//!
//! - `?send.<service>=<header>:<value>` makes that service send this header on its own calls (percent-encoded, may repeat).
//! - `?respond.<service>=<header>:<value>` makes it send this header with its answer (percent-encoded, may repeat).
//! - `?status.<service>=<status>` makes it answer with this status.
//! - `?forward.<service>=<header>,<header>` makes it forward these headers, and no others, as a tracing library does.
//! - `?wait.<service>=<milliseconds>` makes it wait before its calls, at most ten seconds.
//!
//! Path and query travel on with every call, so each service of the chain finds its part.

mod answer;
mod calls;
mod instructions;
mod server;

use std::net::SocketAddr;

pub use server::{Shop, bind};

/// What one application of the demo is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopConfig {
    /// Its service name.
    pub name: String,
    /// Where its calls go: the outbound listener of its sidecar.
    pub outbound: SocketAddr,
    /// The services that it calls for each request, in this order.
    pub calls: Vec<String>,
}
