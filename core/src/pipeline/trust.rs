//! Determines who sent a request, and which of its carriers count.

use super::extract::Source;
use super::workload::{Host, Workload};
use crate::carrier::mesh_header;
use crate::headers::Headers;
use crate::identity::{self, Peer};

/// Returns the sender of the request, by its client certificate.
pub(super) fn peer(workload: &Workload, host: Host<'_>) -> Peer {
    let san = host.attributes.attribute(&["connection", "uri_san_peer_certificate"]);
    let principal = san.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    if principal.is_empty() {
        return Peer::default();
    }
    identity::peer(&principal, workload.program().tables())
}

/// Returns the carriers of the peer that count. Only the header that its proxy attached counts. A carrier beside it, or
/// without it, comes from a client or an application, past a filter that does not know the field yet.
pub(super) fn source(workload: &Workload, headers: &Headers<'_>, peer: &Peer) -> Source {
    let mesh = workload.mesh();
    let named = mesh.peers_without_filter.as_ref();
    if !mesh.require_peer {
        Source::All
    } else if peer.service.is_empty() {
        Source::Nothing
    } else if named.is_some_and(|named| named.contains(&peer.service)) {
        Source::All
    } else if headers.contains(mesh_header::NAME) {
        Source::MeshHeader
    } else if named.is_none() {
        // A filter attaches `x-mesh-context` to every call, even if only for the `caller`.
        Source::All
    } else {
        Source::Nothing
    }
}
