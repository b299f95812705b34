//! What a decision may look at: one immutable view of a request.

use crate::context::Context;
use crate::headers::Headers;
use crate::host::Attributes;

/// Who sent the request, as far as it was verified. Empty strings for what is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// The SPIFFE ID of the client certificate.
    pub principal: String,
    /// The service that the ID names, when the ID is of the mesh's trust domain.
    pub service: String,
    /// The domain of that service.
    pub domain: String,
    /// The region of that domain.
    pub region: String,
}

/// The workload that decides, and which way the request goes.
#[derive(Debug, Clone, Copy)]
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

/// Where a request goes. For requests that arrive, it is the workload itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Its service; empty for a place that the mesh does not list.
    pub service: &'a str,
    /// The domain of that service.
    pub domain: &'a str,
    /// The region of that domain.
    pub region: &'a str,
    /// The frameworks that the domain is under.
    pub frameworks: &'a [String],
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
