//! The identity of a peer: from a SPIFFE ID to a service of the mesh.
//!
//! Only a service that the mesh lists, in a namespace of its domain, is a source of context. Any other workload of the
//! trust domain may call, and rules can read its ID (`peer.principal`), but not as a service.

use crate::limits::MAX_SPIFFE_ID_BYTES;
use crate::tables::{DomainTable, MeshTable, NamesTable, ServiceTable, Tables, only_region};

/// The sender of the request, as far as it was verified. Unknown values are empty strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// The SPIFFE ID of the client certificate.
    pub principal: String,
    /// The service of the ID, if the ID belongs to the mesh's trust domain.
    pub service: String,
    /// The domain of that service.
    pub domain: String,
    /// The region in which that service runs; empty if there are several.
    pub region: String,
    /// The namespace of the ID, if the ID belongs to the mesh's trust domain, even if it is not a service.
    pub namespace: String,
    /// The account of the ID, under the same conditions.
    pub account: String,
}

/// Returns the peer with this URI SAN of its client certificate. Only the principal is set if the ID does not belong to
/// the mesh's trust domain. No service is set if its path names none that the mesh lists in that namespace.
pub fn peer(principal: &str, tables: &Tables) -> Peer {
    let mut peer = Peer { principal: principal.to_owned(), ..Peer::default() };
    let Some(named) = read(principal, &tables.mesh) else { return peer };
    named.account.clone_into(&mut peer.account);
    named.namespace.unwrap_or_default().clone_into(&mut peer.namespace);
    let Some(service) = service(principal, &named, tables) else { return peer };
    let Some(domain) = tables.domains.get(usize::from(service.domain)) else { return peer };
    service.name.clone_into(&mut peer.service);
    domain.name.clone_into(&mut peer.domain);
    only_region(service.regions(domain)).clone_into(&mut peer.region);
    peer
}

/// Returns the service that an identity belongs to. A service that is listed with its namespace only counts in that
/// namespace, any other in the namespaces of its domain.
fn service<'t>(principal: &str, named: &Named<'_>, tables: &'t Tables) -> Option<&'t ServiceTable> {
    let listed = |name: &str| NamesTable::find(&tables.names.identities, name)?.get(&tables.services);
    if let Some(service) = listed(principal) {
        return Some(service);
    }
    if let Some(namespace) = named.namespace
        && let Some(service) = listed(&format!("{namespace}/{}", named.account))
    {
        return Some(service);
    }
    let own = || find(named.service, tables).filter(|service| !service.has_identities);
    let service = listed(named.account).or_else(own)?;
    // The namespace counts if the identity path contains it.
    let elsewhere = |domain: &DomainTable| {
        named.checked.is_some_and(|namespace| !domain.namespaces.iter().any(|known| known == namespace))
    };
    let domain = tables.domains.get(usize::from(service.domain))?;
    if elsewhere(domain) { None } else { Some(service) }
}

fn find<'t>(service: &str, tables: &'t Tables) -> Option<&'t ServiceTable> {
    let index = tables.services.binary_search_by(|known| known.name.as_str().cmp(service)).ok()?;
    tables.services.get(index)
}

/// Returns the name of the service for a proxy's own name: the name itself, unless the mesh lists it as that of a
/// workload.
pub fn service_of_workload<'n>(workload: &'n str, tables: &'n Tables) -> &'n str {
    let listed = NamesTable::find(&tables.names.workloads, workload).and_then(|service| service.get(&tables.services));
    listed.map_or(workload, |service| service.name.as_str())
}

/// Returns the name of the domain of a service, and the region of the service, which is empty if there are several.
pub fn domain_of<'t>(service: &str, tables: &'t Tables) -> Option<(&'t str, &'t str)> {
    let service = find(service, tables)?;
    let domain = tables.domains.get(usize::from(service.domain))?;
    Some((domain.name.as_str(), only_region(service.regions(domain))))
}

/// Returns the domain of a service.
pub(crate) fn domain_table<'t>(service: &str, tables: &'t Tables) -> Option<&'t DomainTable> {
    tables.domains.get(usize::from(find(service, tables)?.domain))
}

/// The parts of the path of a SPIFFE ID.
#[derive(Debug, PartialEq, Eq)]
struct Named<'p> {
    /// The name of the service, if it is named by its own name.
    service: &'p str,
    /// The whole segment that contains the name of the service.
    account: &'p str,
    /// The namespace: the segment of `{namespace}`, otherwise the one after `ns`.
    namespace: Option<&'p str>,
    /// The namespace, if the identity path has a `{namespace}`.
    checked: Option<&'p str>,
}

/// Parses a SPIFFE ID. Every segment of the path must conform to the SPIFFE ID specification, section 2.2, and match
/// the mesh's identity path.
fn read<'p>(principal: &'p str, mesh: &MeshTable) -> Option<Named<'p>> {
    if principal.len() > MAX_SPIFFE_ID_BYTES {
        return None;
    }
    let (trust_domain, path) = principal.strip_prefix("spiffe://")?.split_once('/')?;
    let aliases = &mesh.trust_domain_aliases;
    if trust_domain != mesh.trust_domain && !aliases.iter().any(|alias| alias == trust_domain) {
        return None;
    }
    // The text before the first slash of the identity path is empty.
    let (mut actual, mut expected) = (path.split('/'), mesh.identity_path.split('/'));
    if expected.next() != Some("") {
        return None;
    }
    let (mut service, mut checked, mut behind_ns, mut before) = (None, None, None, "");
    loop {
        match (actual.next(), expected.next()) {
            (None, None) => {
                let (service, account) = service?;
                return Some(Named { service, account, namespace: checked.or(behind_ns), checked });
            }
            (Some(segment), Some(wanted)) if is_segment(segment) => {
                match wanted {
                    "*" => {}
                    "{namespace}" => checked = Some(segment),
                    _ => match wanted.split_once("{service}") {
                        Some((prefix, suffix)) => service = Some((strip(segment, prefix, suffix)?, segment)),
                        None if segment == wanted => {}
                        None => return None,
                    },
                }
                if before == "ns" {
                    behind_ns = Some(segment);
                }
                before = segment;
            }
            _ => return None,
        }
    }
}

/// Returns the text between a prefix and a suffix, or `None` if it is empty.
fn strip<'s>(segment: &'s str, prefix: &str, suffix: &str) -> Option<&'s str> {
    segment.strip_prefix(prefix)?.strip_suffix(suffix).filter(|name| !name.is_empty())
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
        let checkout = Some(Named {
            service: "checkout",
            account: "checkout",
            namespace: Some("default"),
            checked: Some("default"),
        });
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
    fn services_may_have_other_identities_than_their_names() {
        let mut tables = tables();
        tables.mesh.identity_path = "/ns/{namespace}/sa/{service}".to_owned();
        tables.mesh.trust_domain_aliases = vec!["old.corp".to_owned()];
        for domain in &mut tables.domains {
            domain.namespaces = vec!["shop".to_owned()];
        }
        let at = |tables: &Tables, name: &str| {
            let found = tables.services.iter().position(|service| service.name == name);
            crate::index::ServiceIndex(u32::try_from(found.unwrap()).unwrap())
        };
        let (a, b) = (at(&tables, "a"), at(&tables, "b"));
        tables.names.identities = vec![
            ("account-of-a".to_owned(), a),
            ("elsewhere/account-of-b".to_owned(), b),
            ("spiffe://acme.corp/ns/legacy/sa/a".to_owned(), a),
        ];
        tables.services[0].has_identities = true;
        tables.services[1].has_identities = true;
        assert_eq!((tables.services[0].name.as_str(), tables.services[1].name.as_str()), ("a", "b"));
        // The ID, the service, the namespace and the account.
        for (id, service, namespace, account) in [
            ("acme.corp/ns/shop/sa/account-of-a", "a", "shop", "account-of-a"),
            ("old.corp/ns/shop/sa/account-of-a", "a", "shop", "account-of-a"),
            ("older.corp/ns/shop/sa/account-of-a", "", "", ""),
            ("acme.corp/ns/playground/sa/account-of-a", "", "playground", "account-of-a"),
            ("acme.corp/ns/elsewhere/sa/account-of-b", "b", "elsewhere", "account-of-b"),
            ("acme.corp/ns/shop/sa/account-of-b", "", "shop", "account-of-b"),
            ("acme.corp/ns/legacy/sa/a", "a", "legacy", "a"),
            ("old.corp/ns/legacy/sa/a", "", "legacy", "a"),
            // A service with listed identities is not identified by its own name any more.
            ("acme.corp/ns/shop/sa/a", "", "shop", "a"),
            ("acme.corp/ns/shop/sa/z", "z", "shop", "z"),
        ] {
            let found = peer(&format!("spiffe://{id}"), &tables);
            let found = (found.service.as_str(), found.namespace.as_str(), found.account.as_str());
            assert_eq!(found, (service, namespace, account), "{id}");
        }
    }

    #[test]
    fn a_name_may_be_a_part_of_its_segment() {
        let path = |identity_path: &str| MeshTable {
            trust_domain: "acme.corp".into(),
            identity_path: identity_path.into(),
            ..MeshTable::default()
        };
        for (identity_path, id, expected) in [
            ("/ns/*/sa/bookinfo-{service}", "/ns/x/sa/bookinfo-reviews", Some(("reviews", Some("x")))),
            ("/ns/*/sa/bookinfo-{service}", "/ns/x/sa/reviews", None),
            ("/ns/*/sa/bookinfo-{service}", "/ns/x/sa/bookinfo-", None),
            ("/ns/*/sa/{service}-sa", "/ns/x/sa/reviews-sa", Some(("reviews", Some("x")))),
            ("/ns/*/sa/a-{service}-a", "/ns/x/sa/a-a", None),
            ("/{service}", "/reviews", Some(("reviews", None))),
            ("/ns/shop/{service}", "/ns/shop/reviews", Some(("reviews", Some("shop")))),
        ] {
            let (mesh, id) = (path(identity_path), format!("spiffe://acme.corp{id}"));
            let found = read(&id, &mesh).map(|named| (named.service, named.namespace));
            assert_eq!(found, expected, "{identity_path} {id}");
        }
    }

    #[test]
    fn only_a_listed_service_in_a_namespace_of_its_domain_is_one() {
        let mut tables = tables();
        // The identity path, the namespace and service of the peer, and the resulting service.
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
