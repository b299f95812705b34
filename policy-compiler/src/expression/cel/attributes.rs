//! The attributes that conditions may read, in one table: Envoy's, under Envoy's names, and the mesh's own.

use context_mesh_core::artifact::tables::{Attribute, DestinationPart, HostType, MeshPart, PeerPart, RequestPart};

use super::types::Type;

/// The origin of an attribute's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin {
    /// The request's headers, as a map.
    Headers,
    /// The values of one header, by its name.
    HeaderValues,
    /// The values of one header as one text, by its name.
    HeaderLines,
    /// The parameters of the query, as a map.
    QueryParameters,
    /// The cookies, as a map.
    Cookies,
    /// A part of the request, derived from its headers.
    Request(RequestPart),
    /// A property of the peer.
    Peer(PeerPart),
    /// A property of the workload.
    Mesh(MeshPart),
    /// A property of the destination.
    Destination(DestinationPart),
    /// The host, which is asked by the attribute's own path.
    Host(HostType),
    /// The IP address in the host's attribute `address`, which includes a port.
    Ip,
    /// The IP address in the filter state that [`DIRECT_ADDRESS`] names, which includes a port.
    DirectIp,
    /// Not available yet: Envoy knows it only after the request or the response.
    Later,
}

/// Group, name and origin of every attribute.
pub(super) const TABLE: &[(&str, &str, Origin)] = &[
    ("request", "path", Origin::Request(RequestPart::Path)),
    ("request", "url_path", Origin::Request(RequestPart::UrlPath)),
    ("request", "query", Origin::Request(RequestPart::Query)),
    ("request", "host", Origin::Request(RequestPart::Host)),
    ("request", "hostname", Origin::Request(RequestPart::Hostname)),
    ("request", "method", Origin::Request(RequestPart::Method)),
    ("request", "scheme", Origin::Request(RequestPart::Scheme)),
    ("request", "referer", Origin::Request(RequestPart::Referer)),
    ("request", "useragent", Origin::Request(RequestPart::UserAgent)),
    ("request", "id", Origin::Request(RequestPart::Id)),
    ("request", "headers", Origin::Headers),
    ("request", "header_values", Origin::HeaderValues),
    ("request", "header_lines", Origin::HeaderLines),
    ("request", "query_params", Origin::QueryParameters),
    ("request", "cookies", Origin::Cookies),
    ("request", "protocol", Origin::Host(HostType::String)),
    ("request", "time", Origin::Host(HostType::Timestamp)),
    ("request", "duration", Origin::Later),
    ("request", "size", Origin::Later),
    ("request", "total_size", Origin::Later),
    ("source", "address", Origin::Host(HostType::String)),
    ("source", "ip", Origin::Ip),
    ("source", "direct_ip", Origin::DirectIp),
    ("source", "port", Origin::Host(HostType::Int)),
    ("destination", "address", Origin::Host(HostType::String)),
    ("destination", "ip", Origin::Ip),
    ("destination", "port", Origin::Host(HostType::Int)),
    ("destination", "service", Origin::Destination(DestinationPart::Service)),
    ("destination", "domain", Origin::Destination(DestinationPart::Domain)),
    ("destination", "region", Origin::Destination(DestinationPart::Region)),
    ("destination", "frameworks", Origin::Destination(DestinationPart::Frameworks)),
    ("connection", "id", Origin::Host(HostType::Int)),
    ("connection", "mtls", Origin::Host(HostType::Bool)),
    ("connection", "requested_server_name", Origin::Host(HostType::String)),
    ("connection", "tls_version", Origin::Host(HostType::String)),
    ("connection", "subject_local_certificate", Origin::Host(HostType::String)),
    ("connection", "subject_peer_certificate", Origin::Host(HostType::String)),
    ("connection", "dns_san_local_certificate", Origin::Host(HostType::String)),
    ("connection", "dns_san_peer_certificate", Origin::Host(HostType::String)),
    ("connection", "uri_san_local_certificate", Origin::Host(HostType::String)),
    ("connection", "uri_san_peer_certificate", Origin::Host(HostType::String)),
    ("connection", "sha256_peer_certificate_digest", Origin::Host(HostType::String)),
    ("connection", "termination_details", Origin::Later),
    ("connection", "transport_failure_reason", Origin::Later),
    ("peer", "principal", Origin::Peer(PeerPart::Principal)),
    ("peer", "service", Origin::Peer(PeerPart::Service)),
    ("peer", "domain", Origin::Peer(PeerPart::Domain)),
    ("peer", "region", Origin::Peer(PeerPart::Region)),
    ("peer", "namespace", Origin::Peer(PeerPart::Namespace)),
    ("peer", "serviceAccount", Origin::Peer(PeerPart::ServiceAccount)),
    ("mesh", "service", Origin::Mesh(MeshPart::Service)),
    ("mesh", "domain", Origin::Mesh(MeshPart::Domain)),
    ("mesh", "region", Origin::Mesh(MeshPart::Region)),
    ("mesh", "direction", Origin::Mesh(MeshPart::Direction)),
];

/// Groups of which nothing is known when the request is decided.
pub(super) const LATER_GROUPS: &[&str] = &["response", "upstream"];

/// Returns the names of a group's attributes.
pub(super) fn names(group: &str) -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(move |(of, ..)| *of == group).map(|(_, name, _)| *name)
}

/// Returns the origin of an attribute.
pub(super) fn find(group: &str, name: &str) -> Option<Origin> {
    TABLE.iter().find(|(of, known, _)| *of == group && *known == name).map(|(_, _, origin)| *origin)
}

/// Returns the attribute and its type, or `None` for one that is not available yet, or that needs a name.
pub(super) fn read(group: &str, name: &str, origin: Origin) -> Option<(Attribute, Type)> {
    Some(match origin {
        Origin::Headers => (Attribute::Headers, Type::map(Type::String, Type::String)),
        Origin::QueryParameters => (Attribute::QueryParameters, Type::map(Type::String, Type::String)),
        Origin::Cookies => (Attribute::Cookies, Type::map(Type::String, Type::String)),
        Origin::Request(part) => (Attribute::Request(part), Type::String),
        Origin::Peer(part) => (Attribute::Peer(part), Type::String),
        Origin::Mesh(part) => (Attribute::Mesh(part), Type::String),
        Origin::Destination(part) => {
            let ty = if part == DestinationPart::Frameworks { Type::list(Type::String) } else { Type::String };
            (Attribute::Destination(part), ty)
        }
        Origin::Host(host) => (Attribute::Host(vec![group.to_owned(), name.to_owned()], host), host_type(host)),
        Origin::Ip => (Attribute::Host(vec![group.to_owned(), "address".to_owned()], HostType::Ip), Type::String),
        Origin::DirectIp => (Attribute::Host(direct_address(), HostType::Ip), Type::String),
        Origin::HeaderValues | Origin::HeaderLines | Origin::Later => return None,
    })
}

/// Returns the path and type of an attribute that the host provides, by its name in conditions: one of the table, or
/// `filter_state.<name>`.
pub(crate) fn host_attribute(name: &str) -> Option<(Vec<String>, HostType)> {
    let (group, rest) = name.split_once('.')?;
    let path = vec![group.to_owned(), rest.to_owned()];
    match find(group, rest) {
        Some(Origin::Host(host)) => Some((path, host)),
        Some(Origin::Ip) => Some((vec![group.to_owned(), "address".to_owned()], HostType::Ip)),
        Some(Origin::DirectIp) => Some((direct_address(), HostType::Ip)),
        None if group == "filter_state" => Some((path, HostType::String)),
        _ => None,
    }
}

/// Returns the names of the attributes in the table that the host provides.
pub(crate) fn host_attributes() -> impl Iterator<Item = String> {
    let of_host = TABLE.iter().filter(|(.., origin)| matches!(origin, Origin::Host(_) | Origin::Ip | Origin::DirectIp));
    of_host.map(|(group, name, _)| format!("{group}.{name}"))
}

/// Name of the filter state in which the proxy's configuration puts the address of the direct peer: what Envoy writes for
/// `%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%`. Envoy has no attribute for it.
pub(crate) const DIRECT_ADDRESS: &str = "context_mesh.direct_address";

fn direct_address() -> Vec<String> {
    vec!["filter_state".to_owned(), DIRECT_ADDRESS.to_owned()]
}

fn host_type(host: HostType) -> Type {
    match host {
        HostType::String | HostType::Ip => Type::String,
        HostType::Int => Type::Int,
        HostType::Bool => Type::Bool,
        HostType::Timestamp => Type::Timestamp,
    }
}
