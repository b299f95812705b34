//! Slices: they contain what one service needs, and decide the same as the whole.

use std::{fs, path::Path};

use context_mesh_core::{
    artifact::{load, tables::EntryTable},
    headers::Headers,
    memory::Memory,
    pipeline::{Host, Role, Routing, Workload, egress, gateway, inbound, outbound, upstream},
    testing::FakeHost,
};
use policy_compiler::{Compiled, compile, report::source::Sources};

/// Two services of two domains that share as much as possible: expressions, a variable, a zone, patterns.
const SHARING: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  domains:
    a: {services: [one, idle], region: eu}
    b: {services: [two], region: us}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields}
spec:
  fields:
    tenant: {type: string, pattern: "[a-z]+_[0-9]+", header: x-tenant, maxBytes: 64}
    flags: {type: list<string>, header: x-flags, maxBytes: 64}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: first, domain: a}
spec:
  workloads: [one]
  variables:
    - {name: words, expression: "context.tenant.split('_')"}
    - {name: long, expression: variables.words.size() > 1}
  rules:
    - {name: odd, when: "context.tenant.matches('x.*') && variables.long", deny: {status: 418, message: odd tenant}}
    - {name: late, when: "timestamp('2026-01-01T00:00:00Z').getHours('Europe/Berlin') == 1 && request.path == '/late'", deny: {status: 429}}
    - {name: path, when: "(request.path + '?').contains('%') && context.flags.exists(f, f == request.path)", deny: {status: 400}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: second, domain: b}
spec:
  workloads: [two]
  rules:
    - {name: even, when: "context.tenant.matches('y.*')", deny: {status: 418, message: even tenant}}
    - {name: late, when: "timestamp('2026-01-01T00:00:00Z').getHours('America/New_York') == 19 && request.path == '/late'", deny: {status: 429}}
    - {name: path, when: "(request.path + '?').contains('%') && context.flags.exists(f, f == request.path)", redact: [flags]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: out, domain: b}
spec:
  workloads: [two]
  direction: outbound
  rules:
    - {name: to-a, when: destination.domain == 'a', mask: {fields: [flags], with: hash}}
"#;

fn compile_text(text: &str) -> Compiled {
    let mut sources = Sources::new("t");
    sources.add("a.yaml", text);
    compile(&sources).unwrap_or_else(|diagnostics| panic!("{}", diagnostics.to_text(&sources)))
}

/// Compiles a tree of files below the repository.
fn compile_tree(folder: &str) -> Compiled {
    fn add(sources: &mut Sources, folder: &Path, name: &str) {
        for entry in fs::read_dir(folder).unwrap() {
            let (path, name) = entry.map(|e| (e.path(), format!("{name}{}", e.file_name().to_string_lossy()))).unwrap();
            if path.is_dir() {
                add(sources, &path, &format!("{name}/"));
            } else if name.ends_with(".yaml") || name.ends_with(".yml") {
                sources.add(name, fs::read(path).unwrap());
            }
        }
    }
    let mut sources = Sources::new(folder);
    add(&mut sources, &Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder), "");
    compile(&sources).unwrap_or_else(|diagnostics| panic!("{}", diagnostics.to_text(&sources)))
}

/// Returns the peer, and the claims of its token.
fn attribute(peer: Option<&str>, path: &[&str]) -> Option<Vec<u8>> {
    match path {
        ["connection", "uri_san_peer_certificate"] => peer.map(|peer| peer.as_bytes().to_vec()),
        ["metadata", .., claim] => Some(format!("claim_{claim}").into_bytes()),
        _ => None,
    }
}

type Request = Vec<(&'static str, &'static str)>;

/// Returns requests for which the rules of the trees fire and do not fire.
fn requests() -> Vec<Request> {
    let contexts: [&[(&str, &str)]; 7] = [
        &[],
        &[("baggage", "tenant_id=tenant_acme,environment=production,correlation_id=c,loyalty_tier=gold")],
        &[("baggage", "tenant_id=tenant_test_1,environment=production,user_id=u,feature_flags=[\"new_checkout\"]")],
        &[("baggage", "tenant=x_1,flags=[\"/%25\"]")],
        &[("baggage", "tenant=y_1"), ("x-flags", "[\"/a%b\"]")],
        &[("baggage", "tenant=BROKEN"), ("x-tenant", "x_7")],
        &[("x-tenant-id", "tenant_acme"), ("x-user-id", "user_7"), ("x-environment", "staging")],
    ];
    let mut all = Vec::new();
    for context in contexts {
        for path in ["/", "/charge", "/refund", "/healthz", "/late", "/a%b"] {
            for (method, host) in [("GET", "one"), ("DELETE", "ledger"), ("POST", "elsewhere.example")] {
                let mut request = vec![(":method", method), (":path", path), (":authority", host), (":scheme", "http")];
                request.push(("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
                request.extend_from_slice(context);
                all.push(request);
            }
        }
    }
    all
}

/// Returns the complete result of a request: the plan, and what is remembered, without the digest.
fn outcome(workload: &Workload, role: Role, peer: Option<&str>, request: &Request) -> String {
    let entries = request.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let headers = Headers::new(entries);
    let proxy = FakeHost::default();
    let host = Host {
        attributes: &|path: &[&str]| attribute(peer, path),
        memory: &proxy,
        requests: &Memory::new(workload.service()),
        randomness: &proxy,
        routing: Routing::Fixed,
        now_ms: 1_767_225_600_000,
        observer: None,
    };
    let plan = match role {
        Role::Inbound => inbound(workload, &headers, host),
        Role::Outbound => outbound(workload, &headers, host),
        Role::Gateway => gateway(workload, &headers, host),
        Role::Egress => egress(workload, &headers),
        Role::Upstream => upstream(workload, &headers, host),
    };
    format!("{plan:?} {:?}", proxy.memory.borrow()).replace(workload.digest(), "DIGEST")
}

fn workload(artifact: &[u8], service: &str) -> Workload {
    Workload::new(load(artifact).unwrap(), service)
}

fn assert_slices_decide_like_the_whole(whole: &Compiled) {
    let names: Vec<&str> = whole.tables.services.iter().map(|service| service.name.as_str()).collect();
    let path = &whole.tables.mesh.identity_path.replacen('*', "ns", 1);
    let ids = names.iter().map(|name| format!("spiffe://acme.corp{}", path.replace("{service}", name)));
    let peers: Vec<Option<String>> = ids.map(Some).chain([None, Some("spiffe://evil/ns/x/sa/y".into())]).collect();
    let mut distinct = std::collections::HashSet::new();
    for service in &names {
        let slice = whole.slice(service).unwrap();
        let (large, small) = (workload(&whole.artifact, service), workload(&slice.artifact, service));
        for request in requests() {
            for peer in &peers {
                for role in [Role::Inbound, Role::Outbound, Role::Gateway, Role::Egress, Role::Upstream] {
                    let expected = outcome(&large, role, peer.as_deref(), &request);
                    let found = outcome(&small, role, peer.as_deref(), &request);
                    assert_eq!(expected, found, "{service} {role:?} {peer:?} {request:?}");
                    distinct.insert(expected);
                }
            }
        }
    }
    assert!(distinct.len() > 50, "the requests are too much alike: {} outcomes", distinct.len());
}

#[test]
fn a_slice_decides_like_the_whole() {
    for folder in ["examples/shop", "policy-compiler/tests/trees/shop"] {
        assert_slices_decide_like_the_whole(&compile_tree(folder));
    }
    assert_slices_decide_like_the_whole(&compile_text(SHARING));
}

#[test]
fn a_slice_is_smaller_and_has_what_all_slices_share() {
    let whole = compile_tree("examples/shop");
    for service in &whole.tables.services {
        let slice = whole.slice(&service.name).unwrap();
        assert!(slice.artifact.len() < whole.artifact.len(), "{}", service.name);
        assert_eq!(slice.tables.dictionaries, whole.tables.dictionaries, "or sidecars would not read each other");
        assert_eq!(slice.tables.domains, whole.tables.domains);
        assert_eq!(slice.tables.mesh.slice, service.name);
        assert_eq!(slice.tables.unlisted, EntryTable::default());
        let names = |tables: &context_mesh_core::artifact::tables::Tables| -> (Vec<String>, Vec<String>) {
            let fields = tables.fields.iter().map(|field| field.name.clone()).collect();
            (fields, tables.services.iter().map(|service| service.name.clone()).collect())
        };
        assert_eq!(names(&slice.tables), names(&whole.tables));
        for other in slice.tables.services.iter().filter(|other| other.name != service.name) {
            assert_eq!(other.entry, EntryTable::default());
        }
    }
}

#[test]
fn a_slice_holds_only_what_its_service_uses() {
    let whole = compile_text(SHARING);
    let [idle, one, two] = ["idle", "one", "two"].map(|service| whole.slice(service).unwrap().tables);
    let rules = |tables: &context_mesh_core::artifact::tables::Tables| -> Vec<String> {
        tables.rules.iter().map(|rule| rule.name.clone()).collect()
    };
    assert_eq!(rules(&one), ["a/first/late", "a/first/odd", "a/first/path"]);
    assert_eq!(rules(&two), ["b/out/to-a", "b/second/even", "b/second/late", "b/second/path"]);
    assert_eq!(rules(&idle), [""; 0]);
    assert_eq!(idle.program, Default::default());
    // The pattern of the field, and one of the rules.
    let regexes = [&idle, &one, &two, &whole.tables].map(|tables| tables.regexes.len());
    assert_eq!(regexes, [1, 2, 2, 3]);
    assert!(one.program.code.len() + two.program.code.len() > whole.tables.program.code.len(), "they share code");
    assert!(one.program.code.len() < whole.tables.program.code.len());
}

#[test]
fn a_slice_holds_the_zones_that_its_rules_name() {
    let text = SHARING.replace("timestamp('2026-01-01T00:00:00Z')", "request.time");
    let whole = compile_text(&text);
    let zones = |service: &str| -> Vec<String> {
        whole.slice(service).unwrap().tables.program.zones.into_iter().map(|zone| zone.name).collect()
    };
    assert_eq!(zones("one"), ["Europe/Berlin"]);
    assert_eq!(zones("two"), ["America/New_York"]);
    assert_eq!(zones("idle"), [""; 0]);
}

#[test]
fn an_unknown_service_has_no_slice() {
    let whole = compile_tree("examples/shop");
    let message = whole.slice("ledgr").unwrap_err();
    assert_eq!(message.to_string(), "the mesh has no service `ledgr`; did you mean `ledger`?");
}
