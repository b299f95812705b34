//! The destination of a call: the service of the mesh, determined from the cluster that the proxy routes the call to,
//! or from its authority.
//!
//! The cluster is the result of the proxy's own routes, so an application cannot choose it freely. The authority is
//! only used if the host knows no cluster. A cluster that names no service of the mesh leads out of the mesh, whatever
//! the authority is: data that may only be sent to a known place is then not sent.

use crate::headers::{Headers, Single};
use crate::host::Attributes;
use crate::identity;
use crate::tables::{NamesTable, ServiceTable, Tables, only_region};

/// The destination of a request. For requests that arrive, it is the workload itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Its service; empty for a destination that the mesh does not list.
    pub service: &'a str,
    /// The domain of that service.
    pub domain: &'a str,
    /// The region in which the service runs; empty if there are several.
    pub region: &'a str,
    /// All regions in which the service runs.
    pub regions: &'a [String],
    /// The frameworks that apply to the domain.
    pub frameworks: &'a [String],
}

/// Returns the destination of the call; empty if it is not a service that the mesh lists.
pub fn resolve<'t>(headers: &Headers<'_>, attributes: &dyn Attributes, tables: &'t Tables) -> Destination<'t> {
    let cluster = attributes.attribute(&["xds", "cluster_name"]).filter(|name| !name.is_empty());
    match (&cluster, headers.single(":authority")) {
        (Some(cluster), _) => of_cluster(cluster, tables),
        (None, Single::Value(authority)) => of_authority(authority, tables),
        (None, _) => None,
    }
    .unwrap_or_default()
}

/// Returns whether a call leaves the mesh. A cluster whose name is neither that of a service nor in Istio's format does
/// not determine the destination. Then the authority counts, from which routes are made. Decisions that depend on the
/// place (`residency`, rules) do not use this result.
pub fn leaves(headers: &Headers<'_>, attributes: &dyn Attributes, tables: &Tables) -> bool {
    const OUTSIDE: [&[u8]; 2] = [b"PassthroughCluster", b"BlackHoleCluster"];
    let cluster = attributes.attribute(&["xds", "cluster_name"]).unwrap_or_default();
    let says = cluster.contains(&b'|') || OUTSIDE.contains(&cluster.as_slice());
    let service = of_cluster(&cluster, tables);
    if says || service.is_some() {
        return service.is_none();
    }
    match headers.single(":authority") {
        Single::Value(authority) => of_authority(authority, tables).is_none(),
        _ => true,
    }
}

/// Returns the service that a cluster leads to, with its data.
pub fn of_cluster<'t>(cluster: &[u8], tables: &'t Tables) -> Option<Destination<'t>> {
    let cluster = core::str::from_utf8(cluster).ok()?;
    let Some(rest) = cluster.strip_prefix("outbound|") else { return of_host(cluster, tables) };
    // Istio's format: `outbound|80|subset|service.namespace.svc.cluster.local`.
    let mut parts = rest.split('|');
    let (port, subset, host) = (parts.next()?, parts.next()?, parts.next()?);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let exact = parts.next().is_none() && is_port(port) && subset.bytes().all(plain);
    if exact { listed(host, tables).or_else(|| of_kubernetes(host, tables, true)) } else { None }
}

fn of_authority<'t>(authority: &[u8], tables: &'t Tables) -> Option<Destination<'t>> {
    let authority = core::str::from_utf8(authority).ok()?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        Some(_) => return None,
        None => authority,
    };
    // Host names are case-insensitive.
    let lower = host.to_ascii_lowercase();
    of_host(&lower, tables).or_else(|| of_kubernetes(&lower, tables, false))
}

/// Returns the service of a name: one that the mesh lists as that of a host, or the service's own.
fn of_host<'t>(name: &str, tables: &'t Tables) -> Option<Destination<'t>> {
    listed(name, tables).or_else(|| of_service(name, tables))
}

/// Returns the service that the mesh lists under the name of a host.
fn listed<'t>(name: &str, tables: &'t Tables) -> Option<Destination<'t>> {
    of_table(NamesTable::find(&tables.names.hosts, name)?.get(&tables.services)?, tables)
}

fn is_port(text: &str) -> bool {
    !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

/// Returns the data of a service of the mesh, or `None` for a name that the mesh does not list.
pub fn of_service<'t>(service: &str, tables: &'t Tables) -> Option<Destination<'t>> {
    let index = tables.services.binary_search_by(|known| known.name.as_str().cmp(service)).ok()?;
    of_table(tables.services.get(index)?, tables)
}

fn of_table<'t>(service: &'t ServiceTable, tables: &'t Tables) -> Option<Destination<'t>> {
    let domain = tables.domains.get(usize::from(service.domain))?;
    let regions = service.regions(domain);
    let (region, frameworks) = (only_region(regions), &domain.frameworks);
    Some(Destination { service: &service.name, domain: &domain.name, region, regions, frameworks })
}

/// Returns the service of its DNS name in Kubernetes: `service.namespace.svc`, with the mesh's cluster domain, or
/// (unless `whole`) without it. Any other name with dots may be anywhere. A domain with namespaces only has services in
/// these.
fn of_kubernetes<'t>(host: &str, tables: &'t Tables, whole: bool) -> Option<Destination<'t>> {
    let mut labels = host.splitn(4, '.');
    let (service, namespace, svc) = (labels.next()?, labels.next()?, labels.next()?);
    let in_cluster = match labels.next() {
        Some(domain) => domain == tables.mesh.cluster_domain,
        None => !whole,
    };
    if svc != "svc" || !in_cluster || !is_label(namespace) {
        return None;
    }
    if let Some(found) = listed(&format!("{service}.{namespace}"), tables) {
        return Some(found);
    }
    let found = of_host(service, tables)?;
    let namespaces = &identity::domain_table(found.service, tables)?.namespaces;
    let known = namespaces.is_empty() || namespaces.iter().any(|known| known == namespace);
    known.then_some(found)
}

fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !label.is_empty() && label.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, tables};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_cluster_counts_before_the_authority() {
        let mut tables = tables();
        // `a` and `b` have one namespace, `z` may be in any.
        tables.domains[1].namespaces = vec!["shop".to_owned()];
        for (cluster, authority, expected) in [
            (None, Some("a"), "a"),
            (None, Some("a:8080"), "a"),
            (None, Some("a.shop.svc.cluster.local:80"), "a"),
            (None, Some("a.shop.svc"), "a"),
            (None, Some("z.anywhere.svc"), "z"),
            (None, Some("a.playground.svc"), ""),
            (None, Some("a.com"), ""),
            (None, Some("a.svc.evil.example"), ""),
            (None, Some("a.shop.svc.evil.example"), ""),
            (None, Some("a.shop.svc.cluster.local.evil.example"), ""),
            (None, Some("a.shop.svc.cluster.local."), ""),
            (None, Some("a."), ""),
            (None, Some("a.shop.svc."), ""),
            (None, Some("a..svc"), ""),
            (None, Some("a:"), ""),
            (None, Some("a:080"), ""),
            (None, Some("a:99999"), ""),
            (None, Some("a:+80"), ""),
            (None, Some("a@evil.example"), ""),
            (None, Some("A"), "a"),
            (None, Some("A.Shop.svc"), "a"),
            (None, Some(""), ""),
            (None, None, ""),
            (Some("b"), Some("a"), "b"),
            (Some("outbound|80||b.shop.svc.cluster.local"), Some("a"), "b"),
            (Some("outbound|80|v2|b.shop.svc.cluster.local"), Some("a"), "b"),
            (Some("outbound|443||b.shop.svc.evil.example"), Some("a"), ""),
            (Some("outbound|443||b.x.svc.evil.example"), Some("a"), ""),
            (Some("outbound|443||b.playground.svc.cluster.local"), Some("a"), ""),
            (Some("outbound|443||b.shop.svc"), Some("a"), ""),
            (Some("outbound|443||b"), Some("a"), ""),
            (Some("outbound|443|b.shop.svc.cluster.local"), Some("a"), ""),
            (Some("outbound|443||evil|b.shop.svc.cluster.local"), Some("a"), ""),
            (Some("outbound|x||b.shop.svc.cluster.local"), Some("a"), ""),
            (Some("outbound|||b.shop.svc.cluster.local"), Some("a"), ""),
            (Some("outbound_.80_._.b.shop.svc.cluster.local"), Some("a"), ""),
            (Some("inbound|80||"), Some("a"), ""),
            (Some("b.shop.svc.cluster.local"), Some("a"), ""),
            (Some("PassthroughCluster"), Some("a"), ""),
            (Some("BlackHoleCluster"), Some("a"), ""),
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
    fn services_may_have_other_hosts_than_their_names() {
        let mut tables = tables();
        tables.domains[1].namespaces = vec!["shop".to_owned()];
        let service = |name: &str| {
            let found = tables.services.iter().position(|service| service.name == name).unwrap();
            crate::index::ServiceIndex(u32::try_from(found).unwrap())
        };
        let hosts = [
            ("a-host", "a"),
            ("a-host.other", "b"),
            ("b.example.com", "b"),
            ("consul-a.dc1.internal", "a"),
            ("z", "b"),
            ("z.shop", "a"),
        ];
        tables.names.hosts = hosts.map(|(host, of)| (host.to_owned(), service(of))).to_vec();
        for (cluster, authority, expected) in [
            ("", "a-host", "a"),
            ("", "A-Host:8080", "a"),
            ("", "a-host.shop.svc", "a"),
            ("", "a-host.other.svc", "b"),
            ("", "a-host.other", "b"),
            ("", "a-host.other:9080", "b"),
            ("", "a-host.third.svc", ""),
            ("", "a-host.shop", ""),
            ("", "z", "b"),
            ("", "z.shop:80", "a"),
            ("", "b.example.com", "b"),
            ("", "b.example.com.evil", ""),
            ("", "a", "a"),
            ("consul-a.dc1.internal", "", "a"),
            ("a-host", "", "a"),
            ("outbound|443||b.example.com", "", "b"),
            ("outbound|80||a-host.shop.svc.cluster.local", "", "a"),
            ("outbound|80||a-host.other.svc.cluster.local", "", "b"),
            ("outbound|80||z.shop.svc.cluster.local", "", "a"),
        ] {
            let mut host = FakeHost::default();
            host.attributes.insert("xds.cluster_name".to_owned(), cluster.as_bytes().to_vec());
            let headers = Headers::new(vec![(&b":authority"[..], authority.as_bytes())]);
            assert_eq!(resolve(&headers, &host, &tables).service, expected, "{cluster} {authority}");
        }
    }

    #[test]
    fn a_call_leaves_where_neither_cluster_nor_authority_is_of_the_mesh() {
        let tables = tables();
        for (cluster, authority, expected) in [
            ("b", "api.partner.example", false),
            ("outbound|80||b.shop.svc.cluster.local", "api.partner.example", false),
            ("outbound|443||b.x.svc.evil.example", "b", true),
            ("outbound|443||api.partner.example", "b", true),
            ("PassthroughCluster", "b", true),
            ("BlackHoleCluster", "b", true),
            ("cluster_of_b", "b", false),
            ("cluster_of_b", "b.shop.svc:80", false),
            ("cluster_of_b", "api.partner.example", true),
            ("", "b", false),
            ("", "api.partner.example", true),
            ("", "", true),
        ] {
            let mut host = FakeHost::default();
            host.attributes.insert("xds.cluster_name".to_owned(), cluster.as_bytes().to_vec());
            let headers = Headers::new(vec![(&b":authority"[..], authority.as_bytes())]);
            assert_eq!(leaves(&headers, &host, &tables), expected, "{cluster} {authority}");
        }
        assert!(leaves(&Headers::default(), &FakeHost::default(), &tables));
    }

    #[test]
    fn a_service_brings_its_domain_and_region() {
        let tables = tables();
        let found = of_service("z", &tables).unwrap();
        assert_eq!((found.domain, found.region), ("bank", "eu"));
        assert_eq!(of_service("unknown", &tables), None);
    }
}
