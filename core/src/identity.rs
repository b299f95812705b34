//! Who a peer is: from a SPIFFE ID to a service of the mesh.
//!
//! Only a service that the mesh lists, in a namespace of its domain, is a source of context. Anybody else of the trust domain may call, and
//! rules know its ID (`peer.principal`), but not as a service.

use crate::limits::MAX_SPIFFE_ID_BYTES;
use crate::tables::{DomainTable, MeshTable, Tables};

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

/// What is known of a peer from the URI SAN of its client certificate. Empty but for the principal when the ID is not of the
/// mesh's trust domain, or its path names no service that the mesh lists in that namespace.
pub fn peer(principal: &str, tables: &Tables) -> Peer {
    let unknown = || Peer { principal: principal.to_owned(), ..Peer::default() };
    let Some(Named { service, namespace }) = read(principal, &tables.mesh) else { return unknown() };
    let Some(domain) = domain_table(service, tables) else { return unknown() };
    if namespace.is_some_and(|namespace| !domain.namespaces.iter().any(|known| known == namespace)) {
        return unknown();
    }
    Peer {
        principal: principal.to_owned(),
        service: service.to_owned(),
        domain: domain.name.clone(),
        region: domain.region.clone(),
    }
}

/// Name and region of the domain that the mesh puts a service into.
pub fn domain_of<'t>(service: &str, tables: &'t Tables) -> Option<(&'t str, &'t str)> {
    domain_table(service, tables).map(|domain| (domain.name.as_str(), domain.region.as_str()))
}

/// The domain that the mesh puts a service into.
pub(crate) fn domain_table<'t>(service: &str, tables: &'t Tables) -> Option<&'t DomainTable> {
    let index = tables.services.binary_search_by(|known| known.name.as_str().cmp(service)).ok()?;
    tables.domains.get(usize::from(tables.services.get(index)?.domain))
}

/// What the path of a SPIFFE ID says.
#[derive(Debug, PartialEq, Eq)]
struct Named<'p> {
    service: &'p str,
    namespace: Option<&'p str>,
}

/// Reads a SPIFFE ID. Every segment of the path must be one as the SPIFFE ID specification says, section 2.2, and fit the mesh's identity
/// path.
fn read<'p>(principal: &'p str, mesh: &MeshTable) -> Option<Named<'p>> {
    if principal.len() > MAX_SPIFFE_ID_BYTES {
        return None;
    }
    let path = principal.strip_prefix("spiffe://")?.strip_prefix(mesh.trust_domain.as_str())?;
    // What stands before the first slash of either is empty.
    let (mut actual, mut expected) = (path.split('/'), mesh.identity_path.split('/'));
    if actual.next() != Some("") || expected.next() != Some("") {
        return None;
    }
    let (mut service, mut namespace) = (None, None);
    loop {
        match (actual.next(), expected.next()) {
            (None, None) => return service.map(|service| Named { service, namespace }),
            (Some(segment), Some(wanted)) if is_segment(segment) => match wanted {
                "*" => {}
                "{service}" => service = Some(segment),
                "{namespace}" => namespace = Some(segment),
                literal if segment == literal => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn is_segment(segment: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !segment.is_empty() && segment.bytes().all(allowed) && !matches!(segment, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::tables;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn only_ids_of_the_trust_domain_and_path_name_a_service() {
        let mesh = MeshTable {
            trust_domain: "acme.corp".into(),
            identity_path: "/ns/{namespace}/sa/{service}".into(),
            ..MeshTable::default()
        };
        let checkout = Some(Named { service: "checkout", namespace: Some("default") });
        let long = format!("spiffe://acme.corp/ns/default/sa/{}", "c".repeat(MAX_SPIFFE_ID_BYTES));
        let cases = [
            ("spiffe://acme.corp/ns/default/sa/checkout", checkout),
            ("spiffe://acme.corp.evil/ns/default/sa/checkout", None),
            ("spiffe://ACME.CORP/ns/default/sa/checkout", None),
            ("SPIFFE://acme.corp/ns/default/sa/checkout", None),
            ("spiffe://evil/ns/default/sa/checkout", None),
            ("spiffe://acme.corp@evil/ns/default/sa/checkout", None),
            ("spiffe://acme.corp:443/ns/default/sa/checkout", None),
            ("spiffe://acme.corp/ns/default/sa/", None),
            ("spiffe://acme.corp/ns//sa/checkout", None),
            ("spiffe://acme.corp//ns/default/sa/checkout", None),
            ("spiffe://acme.corp/ns/default/sa/checkout/", None),
            ("spiffe://acme.corp/ns/default/sa/checkout/more", None),
            ("spiffe://acme.corp/ns/default/checkout", None),
            ("spiffe://acme.corp/ns/../sa/checkout", None),
            ("spiffe://acme.corp/ns/./sa/checkout", None),
            ("spiffe://acme.corp/ns/default/sa/..", None),
            ("spiffe://acme.corp/ns/default/../default/sa/checkout", None),
            ("spiffe://acme.corp/ns/def%61ult/sa/checkout", None),
            ("spiffe://acme.corp/ns/default/sa/checkout?x", None),
            ("spiffe://acme.corp/ns/default/sa/checkout#x", None),
            ("spiffe://acme.corp/ns/default/sa/check out", None),
            ("spiffe://acme.corp/ns/default/sa/checkout,spiffe://acme.corp/ns/default/sa/b", None),
            (&long, None),
            ("https://acme.corp/ns/default/sa/checkout", None),
            ("spiffe://acme.corp", None),
            ("", None),
        ];
        for (principal, expected) in cases {
            assert_eq!(read(principal, &mesh), expected, "{principal}");
        }
    }

    #[test]
    fn only_a_listed_service_in_a_namespace_of_its_domain_is_one() {
        let mut tables = tables();
        // The identity path, the namespace and service of the peer, and the service that it is.
        for (path, id, expected) in [
            ("/ns/*/sa/{service}", "/ns/shop/sa/a", "a"),
            ("/ns/*/sa/{service}", "/ns/playground/sa/a", "a"),
            ("/ns/*/sa/{service}", "/ns/shop/sa/stranger", ""),
            ("/ns/{namespace}/sa/{service}", "/ns/shop/sa/a", "a"),
            ("/ns/{namespace}/sa/{service}", "/ns/shop-2/sa/a", "a"),
            ("/ns/{namespace}/sa/{service}", "/ns/playground/sa/a", ""),
            ("/ns/{namespace}/sa/{service}", "/ns/bank/sa/a", ""),
            ("/ns/{namespace}/sa/{service}", "/ns/bank/sa/z", "z"),
            ("/ns/shop/sa/{service}", "/ns/shop/sa/a", "a"),
            ("/ns/shop/sa/{service}", "/ns/shop-2/sa/a", ""),
        ] {
            tables.mesh.identity_path = path.to_owned();
            tables.domains[0].namespaces = vec!["bank".to_owned()];
            tables.domains[1].namespaces = vec!["shop".to_owned(), "shop-2".to_owned()];
            let principal = format!("spiffe://acme.corp{id}");
            let found = peer(&principal, &tables);
            assert_eq!((found.service.as_str(), found.principal), (expected, principal), "{path} {id}");
            assert_eq!(found.domain.is_empty(), expected.is_empty());
        }
    }
}
