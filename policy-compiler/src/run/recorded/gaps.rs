//! The values that a recording does not hold.

use std::collections::BTreeSet;

use context_mesh_core::artifact::tables::{Attribute, RequestPart};
use context_mesh_core::pipeline::Role;

/// The values that a recording does not hold. Everything that is not listed here is missing, including all fields of the
/// context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps {
    /// What the recording holds, by the keys of an access log.
    held: BTreeSet<&'static str>,
    /// Whether the peer of a request with these gaps has an identity.
    identified: bool,
}

impl Gaps {
    /// Returns the gaps of an entry of an access log: `has_key` tells whether the entry has a key, `has_text` whether it
    /// has a value for it.
    pub(super) fn of_log(role: Role, has_key: impl Fn(&str) -> bool, has_text: impl Fn(&str) -> bool) -> Self {
        // What depends on the headers at the end of the request is left out: `traceparent`.
        let texts = ["method", "authority", "path", "protocol", "request_id", "start_time"];
        let mut held: BTreeSet<&'static str> = texts.into_iter().filter(|key| has_text(key)).collect();
        // A log with the key and no value says that there was no certificate. A call has no peer.
        if has_key("peer") || role == Role::Outbound {
            held.insert("peer");
        }
        let is_destination = matches!(role, Role::Inbound | Role::Egress);
        if is_destination || has_text("upstream_cluster") || has_key("upstream_cluster") && has_text("authority") {
            held.insert("destination");
        }
        Self { held, identified: has_text("peer") }
    }

    /// Whether the recording holds the value of an attribute, or that it has none. Of fields of the context, see
    /// [`Earlier::presence`](super::Earlier::presence).
    pub fn holds(&self, attribute: &Attribute) -> bool {
        let held = |key| self.held.contains(key);
        match attribute {
            Attribute::Field(..) | Attribute::Headers | Attribute::Cookies | Attribute::Claim(..) => false,
            Attribute::QueryParameters => held("path"),
            Attribute::Mesh(_) => true,
            Attribute::Peer(_) => held("peer"),
            Attribute::Destination(_) => held("destination"),
            Attribute::Request(part) => match part {
                RequestPart::Path | RequestPart::UrlPath | RequestPart::Query => held("path"),
                RequestPart::Host | RequestPart::Hostname => held("authority"),
                RequestPart::Method => held("method"),
                RequestPart::Id => held("request_id"),
                RequestPart::Scheme | RequestPart::Referer | RequestPart::UserAgent => false,
            },
            Attribute::Header(name) | Attribute::HeaderValues(name) | Attribute::HeaderLines(name) => {
                match name.as_str() {
                    ":path" => held("path"),
                    ":authority" | "host" => held("authority"),
                    ":method" => held("method"),
                    "x-request-id" => held("request_id"),
                    _ => false,
                }
            }
            Attribute::Host(path, _) => match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["request", "protocol"] => held("protocol"),
                ["request", "time"] => held("start_time"),
                ["connection", "mtls"] => self.identified,
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use context_mesh_core::artifact::tables::{DestinationPart, FieldType, HostType, MeshPart, PeerPart, Scalar};

    fn host(path: &[&str]) -> Attribute {
        Attribute::Host(path.iter().map(|part| (*part).to_owned()).collect(), HostType::String)
    }

    /// Returns the gaps of an entry with these keys and values. `-` is a key without a value.
    fn gaps(role: Role, entry: &[(&str, &str)]) -> Gaps {
        let value = |key: &str| entry.iter().find(|(of, _)| *of == key).map(|(_, value)| *value);
        Gaps::of_log(role, |key| value(key).is_some(), |key| value(key).is_some_and(|value| value != "-"))
    }

    #[test]
    fn a_log_holds_what_it_has_a_key_for() {
        let full: &[_] = &[
            ("peer", "spiffe://a.b/ns/d/sa/s"),
            ("method", "GET"),
            ("authority", "s"),
            ("path", "/"),
            ("protocol", "HTTP/2"),
            ("request_id", "r"),
            ("start_time", "2026-01-15T10:00:00.000Z"),
            ("upstream_cluster", "s"),
        ];
        let nothing: &[(&str, &str)] = &[];
        let stranger: &[_] = &[("peer", "-"), ("upstream_cluster", "-"), ("authority", "s")];
        let cluster: &[_] = &[("upstream_cluster", "-")];
        let field = Attribute::Field("tenant_id".to_owned(), FieldType::One(Scalar::String));
        let cases = [
            (Role::Inbound, full, Attribute::Request(RequestPart::Query), true),
            (Role::Inbound, full, Attribute::Request(RequestPart::Hostname), true),
            (Role::Inbound, full, Attribute::Request(RequestPart::Scheme), false),
            (Role::Inbound, full, Attribute::Header("x-request-id".to_owned()), true),
            (Role::Inbound, full, Attribute::Header("traceparent".to_owned()), false),
            (Role::Inbound, full, Attribute::HeaderValues("host".to_owned()), true),
            (Role::Inbound, full, Attribute::HeaderValues("x-test".to_owned()), false),
            (Role::Inbound, full, Attribute::QueryParameters, true),
            (Role::Inbound, full, Attribute::Cookies, false),
            (Role::Inbound, full, Attribute::Headers, false),
            (Role::Inbound, full, field, false),
            (Role::Inbound, full, host(&["request", "time"]), true),
            (Role::Inbound, full, host(&["source", "address"]), false),
            (Role::Inbound, full, host(&["connection", "mtls"]), true),
            (Role::Inbound, stranger, host(&["connection", "mtls"]), false),
            (Role::Inbound, nothing, Attribute::Request(RequestPart::Path), false),
            (Role::Inbound, nothing, Attribute::Mesh(MeshPart::Service), true),
            (Role::Inbound, nothing, Attribute::Peer(PeerPart::Service), false),
            (Role::Inbound, stranger, Attribute::Peer(PeerPart::Service), true),
            (Role::Outbound, nothing, Attribute::Peer(PeerPart::Service), true),
            (Role::Inbound, nothing, Attribute::Destination(DestinationPart::Service), true),
            (Role::Outbound, nothing, Attribute::Destination(DestinationPart::Service), false),
            (Role::Outbound, stranger, Attribute::Destination(DestinationPart::Service), true),
            (Role::Outbound, cluster, Attribute::Destination(DestinationPart::Service), false),
        ];
        for (role, entry, attribute, expected) in cases {
            assert_eq!(gaps(role, entry).holds(&attribute), expected, "{role:?} {entry:?} {attribute:?}");
        }
    }
}
