//! The input of a decision: one immutable view of a request.

use crate::context::Context;
use crate::destination::Destination;
use crate::headers::Headers;
use crate::host::Attributes;
use crate::identity::Peer;

/// The workload that decides, and the direction of the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeshView<'a> {
    /// Its service.
    pub service: &'a str,
    /// Its domain; empty if the mesh does not list the service.
    pub domain: &'a str,
    /// The region in which it runs; empty if it is unknown.
    pub region: &'a str,
    /// `inbound` or `outbound`.
    pub direction: &'a str,
}

/// One immutable view of a request.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// The request headers, including pseudo headers.
    pub headers: &'a Headers<'a>,
    /// The context.
    pub context: &'a Context,
    /// The peer.
    pub peer: &'a Peer,
    /// The workload.
    pub mesh: MeshView<'a>,
    /// The destination of the request.
    pub destination: Destination<'a>,
    /// All other attributes, which are only read when a condition needs them.
    pub attributes: &'a dyn Attributes,
}
