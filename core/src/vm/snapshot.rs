//! What a decision may look at: one immutable view of a request.

use crate::context::Context;
use crate::destination::Destination;
use crate::headers::Headers;
use crate::host::Attributes;
use crate::identity::Peer;

/// The workload that decides, and which way the request goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct MeshView<'a> {
    /// Its service.
    pub service: &'a str,
    /// Its domain; empty when the mesh does not list the service.
    pub domain: &'a str,
    /// The region of that domain.
    pub region: &'a str,
    /// `inbound` or `outbound`.
    pub direction: &'a str,
}

/// One immutable view of a request.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    /// The request headers, pseudo headers included.
    pub headers: &'a Headers<'a>,
    /// The context.
    pub context: &'a Context,
    /// The peer.
    pub peer: &'a Peer,
    /// The workload.
    pub mesh: MeshView<'a>,
    /// Where the request goes.
    pub destination: Destination<'a>,
    /// Everything else, asked for only when a condition needs it.
    pub attributes: &'a dyn Attributes,
}
