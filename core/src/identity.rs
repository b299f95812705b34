//! Who a peer is: from a SPIFFE ID to a service of the mesh.

use crate::artifact::tables::{MeshTable, Tables};
use crate::vm::Peer;

/// What is known of a peer from the URI SAN of its client certificate. Empty `service` when the ID is not of the
/// mesh's trust domain or its path does not name a service.
pub fn peer(principal: &str, tables: &Tables) -> Peer {
    let service = service(principal, &tables.mesh).unwrap_or_default();
    let domain = domain_of(service, tables);
    Peer {
        principal: principal.to_owned(),
        service: service.to_owned(),
        domain: domain.map(|(name, _)| name).unwrap_or_default().to_owned(),
        region: domain.map(|(_, region)| region).unwrap_or_default().to_owned(),
    }
}

/// Name and region of the domain that the mesh puts a service into.
pub fn domain_of<'t>(service: &str, tables: &'t Tables) -> Option<(&'t str, &'t str)> {
    let index = tables.services.binary_search_by(|known| known.name.as_str().cmp(service)).ok()?;
    let domain = tables.domains.get(usize::from(tables.services.get(index)?.domain))?;
    Some((&domain.name, &domain.region))
}

/// The service that a SPIFFE ID names. Every segment of the path must fit the mesh's identity path.
fn service<'p>(principal: &'p str, mesh: &MeshTable) -> Option<&'p str> {
    let path = principal.strip_prefix("spiffe://")?.strip_prefix(mesh.trust_domain.as_str())?;
    let (mut actual, mut expected) = (path.split('/'), mesh.identity_path.split('/'));
    let mut service = None;
    loop {
        match (actual.next(), expected.next()) {
            (None, None) => return service.filter(|service: &&str| !service.is_empty()),
            (Some(segment), Some("*")) if !segment.is_empty() => {}
            (Some(segment), Some("{service}")) => service = Some(segment),
            (Some(segment), Some(literal)) if segment == literal => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_trust_domain_and_path_name_a_service() {
        let mesh = MeshTable {
            trust_domain: "acme.corp".into(),
            identity_path: "/ns/*/sa/{service}".into(),
            ..MeshTable::default()
        };
        let cases = [
            ("spiffe://acme.corp/ns/default/sa/checkout", Some("checkout")),
            ("spiffe://acme.corp.evil/ns/default/sa/checkout", None),
            ("spiffe://evil/ns/default/sa/checkout", None),
            ("spiffe://acme.corp/ns/default/sa/", None),
            ("spiffe://acme.corp/ns//sa/checkout", None),
            ("spiffe://acme.corp/ns/default/sa/checkout/more", None),
            ("spiffe://acme.corp/ns/default/checkout", None),
            ("https://acme.corp/ns/default/sa/checkout", None),
            ("", None),
        ];
        for (principal, expected) in cases {
            assert_eq!(service(principal, &mesh), expected, "{principal}");
        }
    }
}
