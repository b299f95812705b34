//! Where a call goes: from the cluster that the proxy routes it to, or from its authority, to a service of the mesh.
//!
//! The cluster is what the proxy made of its own routes, so an application cannot choose it freely; the authority is
//! asked only where the host knows no cluster. A cluster that names no service of the mesh leads out of the mesh,
//! whatever the authority says: what may only be sent to a known place is then not sent.

use crate::artifact::tables::Tables;
use crate::headers::{Headers, Single};
use crate::host::Attributes;
use crate::vm::Destination;

/// Where the call goes; empty when it is no service that the mesh lists.
pub fn resolve<'t>(headers: &Headers<'_>, attributes: &dyn Attributes, tables: &'t Tables) -> Destination<'t> {
    let cluster = attributes.attribute(&["xds", "cluster_name"]).filter(|name| !name.is_empty());
    let name = match (&cluster, headers.single(":authority")) {
        (Some(cluster), _) => core::str::from_utf8(cluster).ok().map(cluster_host),
        (None, Single::Value(authority)) => core::str::from_utf8(authority).ok().map(without_port),
        (None, _) => None,
    };
    name.and_then(|name| of_host(name, tables)).unwrap_or_default()
}

/// What is known of a service of the mesh; `None` for a name that the mesh does not list.
pub fn of_service<'t>(service: &str, tables: &'t Tables) -> Option<Destination<'t>> {
    let index = tables.services.binary_search_by(|known| known.name.as_str().cmp(service)).ok()?;
    let service = tables.services.get(index)?;
    let domain = tables.domains.get(usize::from(service.domain))?;
    let (name, region, frameworks) = (&domain.name, &domain.region, &domain.frameworks);
    Some(Destination { service: &service.name, domain: name, region, frameworks })
}

/// The host of a cluster: Istio writes `outbound|80|subset|host`, others name the cluster as they like.
fn cluster_host(cluster: &str) -> &str {
    match cluster.strip_prefix("outbound|") {
        Some(rest) => rest.rsplit('|').next().unwrap_or(rest),
        None => cluster,
    }
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The service of a host name: its own name, or the DNS name that Kubernetes gives it
/// (`service.namespace.svc`, with or without the cluster's domain). Any other name with dots may lie anywhere.
fn of_host<'t>(host: &str, tables: &'t Tables) -> Option<Destination<'t>> {
    of_service(host, tables).or_else(|| {
        let mut labels = host.split('.');
        let (service, _namespace) = (labels.next()?, labels.next()?);
        (labels.next() == Some("svc")).then(|| of_service(service, tables)).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, tables};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_cluster_counts_before_the_authority() {
        let tables = tables();
        for (cluster, authority, expected) in [
            (None, Some("a"), "a"),
            (None, Some("a:8080"), "a"),
            (None, Some("a.shop.svc.cluster.local:80"), "a"),
            (None, Some("a.shop.svc"), "a"),
            (None, Some("a.com"), ""),
            (None, Some("a.svc.evil.example"), ""),
            (None, Some("A"), ""),
            (None, None, ""),
            (Some("b"), Some("a"), "b"),
            (Some("outbound|80||b.shop.svc.cluster.local"), Some("a"), "b"),
            (Some("PassthroughCluster"), Some("a"), ""),
            (Some(""), Some("a"), "a"),
        ] {
            let mut host = FakeHost::default();
            if let Some(cluster) = cluster {
                host.attributes.insert("xds.cluster_name".to_owned(), cluster.as_bytes().to_vec());
            }
            let headers =
                Headers::new(authority.map(|name| (&b":authority"[..], name.as_bytes())).into_iter().collect());
            let found = resolve(&headers, &host, &tables);
            assert_eq!(found.service, expected, "{cluster:?} {authority:?}");
        }
    }

    #[test]
    fn a_service_brings_its_domain_and_region() {
        let tables = tables();
        let found = of_service("z", &tables).unwrap();
        assert_eq!((found.domain, found.region), ("bank", "eu"));
        assert_eq!(of_service("unknown", &tables), None);
    }
}
