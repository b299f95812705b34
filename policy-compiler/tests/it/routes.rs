//! Findings of `routes` in the configuration of proxies, rule by rule, with positive and negative cases.
//!
//! A case is a configuration and the findings, as `CODE severity text`, where the text is the source at the place. The
//! complete texts that users see are in `tests/routes`; `UPDATE_EXPECT=1` updates them.

use std::fs;

use policy_compiler::{
    Compiled, compile,
    report::source::{MAX_PROXY_FILE_BYTES, Sources},
    routes::{Format, Input, check},
};

use crate::support::{golden, repository};

const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec:
  trustDomain: a.b
  domains:
    shop: {services: [edge, cart], namespaces: [shop], region: us}
    pay: {services: [ledger], namespaces: [pay], region: eu}
  gateways: [edge]
  carriers: {present: [PRESENT]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: c}
spec:
  fields:
    tenant_id: {type: string, header: x-tenant-id}
    customer: {type: string, header: x-customerRESIDENCY}
"#;

/// Returns the mesh with a field that routes may see.
fn routed() -> Compiled {
    let mesh = "carriers: {present: [headers]}\n  routing: {fields: [tenant_id]}";
    let mut sources = Sources::new("policies");
    sources.add("a.yaml", TREE.replace("carriers: {present: [PRESENT]}", mesh).replace("RESIDENCY", ""));
    compile(&sources).unwrap_or_else(|found| panic!("{}", found.to_text(&sources)))
}

/// Returns the filter with its configuration in the file.
fn configured(configuration: &str) -> String {
    let entry = r#"
- name: context_mesh
  typed_config:
    '@type': t/envoy.extensions.filters.http.wasm.v3.Wasm
    config: {configuration: {'@type': t/google.protobuf.StringValue, value: '{CONFIGURATION}'}}
"#;
    entry.replace("CONFIGURATION", configuration)
}

/// Returns the mesh. With `bound`, a field may only be sent to one region.
fn mesh(bound: bool, present: &str) -> Compiled {
    let residency = if bound { ", residency: [eu]" } else { "" };
    let mut sources = Sources::new("policies");
    sources.add("a.yaml", TREE.replace("PRESENT", present).replace("RESIDENCY", residency));
    compile(&sources).unwrap_or_else(|found| panic!("{}", found.to_text(&sources)))
}

fn look(files: &[(Format, &str)], compiled: &Compiled) -> (Vec<String>, String) {
    let mut sources = Sources::new("");
    let add = |(index, (format, text)): (usize, &(Format, &str))| {
        let file = sources.add_limited(format!("{index}.yaml"), *text, MAX_PROXY_FILE_BYTES);
        Input { file, format: *format, found: false }
    };
    let inputs: Vec<Input> = files.iter().enumerate().map(add).collect();
    let report = check(&sources, &inputs, compiled);
    let found = report.diagnostics.iter().map(|d| {
        let span = d.span.unwrap();
        let text = &sources.file(span.file).unwrap().text()[span.range()];
        format!("{} {} {text}", d.code, d.severity.name())
    });
    (found.collect(), report.diagnostics.to_text(&sources))
}

/// Returns the findings in one file.
fn found(format: Format, text: &str, compiled: &Compiled) -> Vec<String> {
    look(&[(format, text)], compiled).0
}

/// Replaces a line `KEY` by a text that keeps the indentation of the key.
fn fill(template: &str, key: &str, text: &str) -> String {
    let line = template.lines().find(|line| line.trim() == key).unwrap();
    let indent = &line[..line.len() - key.len()];
    let lines: Vec<String> = text.trim_matches('\n').lines().map(|line| format!("{indent}{line}")).collect();
    template.replace(line, &lines.join("\n"))
}

const OURS: &str =
    "- {name: context_mesh, config_discovery: {type_urls: [t/envoy.extensions.filters.http.wasm.v3.Wasm]}}";

const LISTENER: &str = r#"
node: {id: NODE, cluster: NODE}
static_resources:
  listeners:
    - name: l
      traffic_direction: DIRECTION
      filter_chains:
        - filters:
            - name: hcm
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: p
                MANAGER
                http_filters:
                  FILTERS
                  - name: envoy.filters.http.router
                    typed_config: {"@type": t/envoy.extensions.filters.http.router.v3.Router}
                route_config:
                  name: r
                  virtual_hosts:
                    - name: v
                      domains: ["*"]
                      HOST
                      routes:
                        ROUTES
  clusters:
    - name: looked-at
      connect_timeout: 1s
      typed_extension_protocol_options:
        o: {http_filters: [{name: context_mesh, typed_config: {"@type": t/envoy.extensions.filters.http.wasm.v3.Wasm}}]}
    - {name: plain, connect_timeout: 1s}
"#;

/// A bootstrap with one listener.
#[derive(Clone)]
struct Bootstrap<'t> {
    node: &'t str,
    direction: &'t str,
    manager: &'t str,
    filters: &'t str,
    host: &'t str,
    routes: &'t str,
}

const PLAIN: Bootstrap<'static> = Bootstrap {
    node: "cart",
    direction: "OUTBOUND",
    manager: "x: y",
    filters: OURS,
    host: "x: y",
    routes: "- {match: {prefix: /}, route: {cluster: ledger}}",
};

impl Bootstrap<'_> {
    fn text(&self) -> String {
        let text = LISTENER.replace("NODE", self.node).replace("DIRECTION", self.direction);
        let text = fill(&text, "MANAGER", self.manager);
        let text = fill(&text, "FILTERS", self.filters);
        let text = fill(&text, "HOST", self.host);
        fill(&text, "ROUTES", self.routes)
    }

    fn found(&self, compiled: &Compiled) -> Vec<String> {
        found(Format::Envoy, &self.text(), compiled)
    }
}

/// Checks cases of routes at an outbound listener.
fn routes(cases: &[(&str, &[&str])], compiled: &Compiled) {
    for (routes, expected) in cases {
        assert_eq!(Bootstrap { routes, ..PLAIN }.found(compiled), *expected, "{routes}");
    }
}

const BY_HEADER: &str = "- {match: {prefix: /, headers: [{name: X-Tenant-Id}]}, route: {cluster: ledger}}";

#[test]
fn routes_that_match_headers_of_fields_and_carriers() {
    let mesh = mesh(false, "headers");
    let input = r#""@type": t/envoy.type.matcher.v3.HttpRequestHeaderMatchInput"#;
    routes(
        &[
            ("- {match: {prefix: /}, route: {cluster: ledger}}", &[]),
            ("- {match: {prefix: /, headers: [{name: x-other}]}, route: {cluster_header: ':authority'}}", &[]),
            (BY_HEADER, &["CM0702 warning X-Tenant-Id"]),
            ("- {match: {prefix: /}, route: {cluster_header: x-tenant-id}}", &["CM0702 warning x-tenant-id"]),
            ("- {match: {prefix: /}, route: {clusterHeader: x-tenant-id}}", &["CM0702 warning x-tenant-id"]),
            (
                "- {match: {prefix: /}, route: {weighted_clusters: {clusters: [{cluster_header: x-customer}]}}}",
                &["CM0702 warning x-customer"],
            ),
            (
                &format!(
                    "- {{match: {{prefix: /}}, route: {{inline_cluster_specifier_plugin: {{a: {{{input}, header_name: x-customer}}}}}}}}"
                ),
                &["CM0702 warning x-customer"],
            ),
            ("- {match: {headers: [{name: x-mesh-context}]}, route: {}}", &["CM0704 warning x-mesh-context"]),
            ("- {match: {headers: [{name: baggage}]}, route: {}}", &["CM0704 warning baggage"]),
            ("- {match: {headers: [{name: TraceParent}]}, route: {}}", &["CM0704 warning TraceParent"]),
            ("- {match: {headers: [{name: x-b3-sampled}]}, route: {}}", &["CM0704 warning x-b3-sampled"]),
        ],
        &mesh,
    );
    let matcher = r#"
matcher:
  matcher_tree:
    input:
      typed_config: {"@type": t/envoy.type.matcher.v3.HttpRequestHeaderMatchInput, KEY: x-tenant-id}
    exact_match_map:
      map:
        gold:
          action:
            typed_config:
              "@type": t/envoy.config.route.v3.Route
              match: {prefix: /, headers: [{name: x-customer}]}
              route: {cluster: ledger}
"#;
    for key in ["header_name", "headerName"] {
        let found = Bootstrap { host: &matcher.replace("KEY", key), ..PLAIN }.found(&mesh);
        assert_eq!(found, ["CM0702 warning x-tenant-id", "CM0702 warning x-customer"]);
    }
    let manager = "scoped_routes: {scope_key_builder: {fragments: [{header_value_extractor: {name: x-tenant-id}}]}}";
    assert_eq!(Bootstrap { manager, ..PLAIN }.found(&mesh), ["CM0702 warning x-tenant-id"]);
}

#[test]
fn where_the_filter_shows_headers_routes_may_match_them() {
    let (shown, hidden) = (mesh(false, "headers"), mesh(false, "baggage"));
    let warned: &[&str] = &["CM0702 warning X-Tenant-Id"];
    let (inbound, gateway) = (configured(r#""role": "inbound""#), configured(r#""role": "gateway""#));
    let cases: [(&str, &str, &str, &Compiled, &[&str]); 8] = [
        ("cart", "INBOUND", OURS, &shown, &[]),
        ("cart", "INBOUND", OURS, &hidden, warned),
        ("edge", "INBOUND", OURS, &shown, warned),
        ("router~10.0.0.1~x~y", "INBOUND", OURS, &shown, warned),
        ("cart", "OUTBOUND", OURS, &shown, warned),
        ("cart", "UNSPECIFIED", OURS, &shown, warned),
        ("cart", "UNSPECIFIED", &inbound, &shown, &[]),
        ("cart", "INBOUND", &gateway, &shown, warned),
    ];
    for (node, direction, filters, mesh, expected) in cases {
        let found = Bootstrap { node, direction, filters, routes: BY_HEADER, ..PLAIN }.found(mesh);
        assert_eq!(found, expected, "{node} {direction} {filters}");
    }
}

#[test]
fn routed_fields_need_the_filter_behind_the_router() {
    let (mesh, routed) = (mesh(false, "headers"), routed());
    let (told, untold) = (configured(r#""routing": "upstream""#), configured(r#""role": "outbound""#));
    let fixed = configured(r#""routing": "fixed""#);
    let (wrong, told_wrong) = ("CM0703 error X-Tenant-Id", "CM0703 error context_mesh");
    // Whether the filter runs after the router, its `routing` setting, the mesh, and the findings if a route matches
    // the field.
    let cases: [(bool, &str, &Compiled, &[&str]); 8] = [
        (true, OURS, &routed, &[]),
        (true, &told, &routed, &[]),
        (true, &untold, &routed, &[wrong]),
        (false, OURS, &routed, &[wrong]),
        (false, &told, &routed, &[told_wrong, wrong]),
        (true, &told, &mesh, &["CM0702 warning X-Tenant-Id"]),
        (true, &untold, &mesh, &["CM0702 warning X-Tenant-Id"]),
        (true, &fixed, &mesh, &["CM0702 error X-Tenant-Id"]),
    ];
    for (behind, filters, mesh, expected) in cases {
        let text =
            Bootstrap { filters, routes: BY_HEADER, ..PLAIN }.text().replace("[{name: context_mesh,", "[{name: other,");
        let router = "http.router.v3.Router}";
        let upstream = "http.router.v3.Router, upstream_http_filters: [{name: context_mesh}]}";
        let text = if behind { text.replace(router, upstream) } else { text };
        assert_eq!(found(Format::Envoy, &text, mesh), expected, "{behind} {filters}");
    }
    let inbound = Bootstrap { direction: "INBOUND", routes: BY_HEADER, ..PLAIN };
    assert!(inbound.found(&routed).is_empty(), "there the filter shows the header anyhow");
    let hash = "- {match: {prefix: /}, route: {cluster: ledger, hash_policy: [{header: {header_name: x-tenant-id}}]}}";
    assert!(Bootstrap { routes: hash, ..PLAIN }.found(&routed).is_empty());
    let service = VIRTUAL_SERVICE.replace("HTTP", "match: [{headers: {x-tenant-id: {}}}]");
    assert!(found(Format::Istio, &service, &routed).is_empty());
}

#[test]
fn mirrors() {
    let (free, bound) = (mesh(false, "headers"), mesh(true, "headers"));
    let to = |cluster: &str| {
        format!("- {{match: {{prefix: /}}, route: {{cluster: ledger, request_mirror_policies: [{cluster}]}}}}")
    };
    let cases: [(&str, &[&str], &[&str]); 7] = [
        ("{cluster: ledger}", &[], &[]),
        ("{cluster: cart}", &[], &["CM0705 error cart"]),
        ("{cluster: plain}", &["CM0705 warning plain"], &["CM0705 error plain"]),
        ("{cluster: looked-at}", &[], &[]),
        (
            "{cluster: outbound|80||cart.shop.svc.cluster.local}",
            &[],
            &["CM0705 error outbound|80||cart.shop.svc.cluster.local"],
        ),
        ("{cluster: outbound|80||ledger.pay.svc.cluster.local}", &[], &[]),
        ("{cluster_header: x-copy}", &["CM0705 warning x-copy"], &["CM0705 error x-copy"]),
    ];
    for (policy, when_free, when_bound) in cases {
        let routes = to(policy);
        let bootstrap = Bootstrap { routes: &routes, ..PLAIN };
        assert_eq!(bootstrap.found(&free), when_free, "{policy}");
        assert_eq!(bootstrap.found(&bound), when_bound, "{policy}");
    }
    let host = "request_mirror_policies: [{cluster: cart}]";
    assert_eq!(Bootstrap { host, ..PLAIN }.found(&bound), ["CM0705 error cart"]);
    let whole = r#"
"@type": t/envoy.config.route.v3.RouteConfiguration
requestMirrorPolicies: [{cluster: cart}]
"#;
    assert_eq!(found(Format::Envoy, whole, &bound), ["CM0705 error cart"]);
}

#[test]
fn routes_that_write_or_remove_headers_of_the_context() {
    let add = |name: &str| format!("request_headers_to_add: [{{header: {{key: {name}, value: v}}}}]");
    let route = |text: &str| format!("- {{match: {{prefix: /}}, route: {{cluster: ledger}}, {text}}}");
    let weighted = format!(
        "- {{match: {{}}, route: {{weighted_clusters: {{clusters: [{{name: ledger, {}}}]}}}}}}",
        add("baggage")
    );
    routes(
        &[
            (&route(&add("x-other")), &[]),
            (&route(&add("traceparent")), &[]),
            (&route(&add("X-Tenant-ID")), &["CM0706 error X-Tenant-ID"]),
            (&route(&add("x-mesh-context")), &["CM0706 error x-mesh-context"]),
            (&weighted, &["CM0706 error baggage"]),
            (&route("request_headers_to_remove: [x-other]"), &[]),
            (&route("request_headers_to_remove: [x-tenant-id]"), &["CM0706 warning x-tenant-id"]),
            (&route("requestHeadersToRemove: [x-mesh-context]"), &["CM0706 warning x-mesh-context"]),
        ],
        &mesh(false, "headers"),
    );
    let found = Bootstrap { host: &add("x-customer"), direction: "INBOUND", ..PLAIN }.found(&mesh(false, "headers"));
    assert_eq!(found, ["CM0706 error x-customer"], "at inbound listeners too");
}

#[test]
fn hashes_and_rate_limits() {
    let mesh = mesh(false, "headers");
    let with = |text: &str| format!("- {{match: {{prefix: /}}, route: {{cluster: ledger, {text}}}}}");
    let hash = |name: &str| with(&format!("hash_policy: [{{header: {{header_name: {name}}}}}]"));
    let limit = |action: &str| with(&format!("rate_limits: [{{actions: [{{{action}}}]}}]"));
    let by_request = limit("request_headers: {header_name: x-tenant-id, descriptor_key: t}");
    routes(
        &[
            (&hash("x-session"), &[]),
            (&hash("x-request-id"), &[]),
            (&hash("x-tenant-id"), &["CM0707 warning x-tenant-id"]),
            (&hash("x-mesh-context"), &["CM0707 warning x-mesh-context"]),
            (&limit("request_headers: {header_name: x-session}"), &[]),
            (&by_request, &["CM0707 warning x-tenant-id"]),
            (&limit("header_value_match: {headers: [{name: x-customer}]}"), &["CM0707 warning x-customer"]),
        ],
        &mesh,
    );
    assert!(Bootstrap { routes: &by_request, direction: "INBOUND", ..PLAIN }.found(&mesh).is_empty());
    let host = "
typed_per_filter_config:
  limits: {'@type': t/envoy.X, rate_limits: [{actions: [{request_headers: {header_name: x-customer}}]}]}
";
    assert_eq!(Bootstrap { host, ..PLAIN }.found(&mesh), ["CM0707 warning x-customer"]);
}

#[test]
fn filters_in_front_of_ours() {
    let mesh = mesh(false, "headers");
    let rbac = "- {name: guard, typed_config: {'@type': t/envoy.extensions.filters.http.rbac.v3.RBAC}}";
    let (first, last) = (format!("{rbac}\n{OURS}"), format!("{OURS}\n{rbac}"));
    let off = format!("{}\n{OURS}", rbac.replace("guard,", "guard, disabled: true,"));
    let other = format!("- {{name: envoy.filters.http.cors}}\n{OURS}");
    let lua = format!("- {{name: envoy.filters.http.lua}}\n{OURS}");
    let wasm = format!(
        "- {{name: theirs, config_discovery: {{type_urls: [t/envoy.extensions.filters.http.wasm.v3.Wasm]}}}}\n{OURS}"
    );
    let early = |mutation: &str| {
        let extension = "
early_header_mutation_extensions:
  - {name: e, typed_config: {'@type': t/envoy.X, mutations: [MUTATION]}}
";
        extension.replace("MUTATION", mutation)
    };
    let (removed, prefix) = (early("{remove: X-TENANT-ID}"), early("{remove_on_match: {key_matcher: {prefix: x-}}}"));
    let (another, appended) = (early("{remove: x-other}"), early("{append: {header: {key: x-tenant-id, value: a}}}"));
    let overwritten =
        early("{append: {header: {key: x-tenant-id, value: a}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}}");
    let quiet = PLAIN.routes;
    let warned = |name: &'static str| vec![name, "CM0702 warning X-Tenant-Id"];
    let matched = || vec!["CM0702 warning X-Tenant-Id"];
    let cases: [(&str, &str, &str, Vec<&str>); 12] = [
        (&first, "x: y", BY_HEADER, warned("CM0708 warning guard")),
        (&first, "x: y", quiet, vec![]),
        (&last, "x: y", BY_HEADER, matched()),
        (&off, "x: y", BY_HEADER, matched()),
        (&other, "x: y", BY_HEADER, matched()),
        (&lua, "x: y", BY_HEADER, warned("CM0708 warning envoy.filters.http.lua")),
        (&wasm, "x: y", BY_HEADER, warned("CM0708 warning theirs")),
        (&first, &removed, BY_HEADER, matched()),
        (&first, &prefix, BY_HEADER, matched()),
        (&first, &overwritten, BY_HEADER, matched()),
        (&first, &another, BY_HEADER, warned("CM0708 warning guard")),
        (&first, &appended, BY_HEADER, warned("CM0708 warning guard")),
    ];
    for (filters, manager, routes, expected) in cases {
        assert_eq!(Bootstrap { filters, manager, routes, ..PLAIN }.found(&mesh), expected, "{filters} {manager}");
    }
}

#[test]
fn connection_managers_without_the_filter() {
    let mesh = mesh(false, "headers");
    let with = PLAIN.text();
    let second = |filters: &str, routes: &str| {
        let text = Bootstrap { filters, routes, ..PLAIN }.text().replace("stat_prefix: p", "stat_prefix: second");
        let (listener, rest) = text.split_once("  clusters:\n").unwrap();
        with.replace("  clusters:\n", &format!("{}  clusters:\n", listener.split_once("listeners:\n").unwrap().1))
            + &rest[rest.len()..]
    };
    let none = "- {name: envoy.filters.http.cors}";
    let calls = PLAIN.routes;
    let by_vm = "
- name: any
  typed_config:
    '@type': t/udpa.type.v1.TypedStruct
    type_url: t/envoy.extensions.filters.http.wasm.v3.Wasm
    value: {config: {vm_config: {vm_id: context-mesh}}}
";
    let by_istio = "- {name: extensions.istio.io/wasmplugin/shop.context-mesh-cart, config_discovery: {}}";
    let answer = "- {match: {prefix: /}, direct_response: {status: 200}}";
    let stats = "- {match: {prefix: /}, route: {cluster: prometheus_stats}}";
    let warned: &[&str] = &["CM0709 warning second"];
    let cases: [(&str, &str, &[&str]); 6] = [
        (none, calls, warned),
        (OURS, calls, &[]),
        (by_vm, calls, &[]),
        (by_istio, calls, &[]),
        (none, answer, &[]),
        (none, stats, &[]),
    ];
    for (filters, routes, expected) in cases {
        assert_eq!(found(Format::Envoy, &second(filters, routes), &mesh), expected, "{filters} {routes}");
    }
    assert!(Bootstrap { filters: none, ..PLAIN }.found(&mesh).is_empty(), "nobody has it");
    let off = "
- match: {prefix: /}
  route: {cluster: ledger}
  typed_per_filter_config: {context_mesh: {'@type': t/envoy.config.route.v3.FilterConfig, disabled: true}}
";
    routes(&[(off, &["CM0709 warning context_mesh"])], &mesh);
}

const DUMP: &str = r#"
{"configs": [
  {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
   "bootstrap": {"node": {"id": "n", "cluster": "NODE"}, "static_resources": {"listeners": [LISTENER]}}},
  {"@type": "type.googleapis.com/envoy.admin.v3.ListenersConfigDump",
   "static_listeners": [{"listener": LISTENER}],
   "dynamic_listeners": [{"name": "l", "active_state": {"listener": LISTENER}, "draining_state": {"listener": LISTENER}}]},
  {"@type": "type.googleapis.com/envoy.admin.v3.RoutesConfigDump",
   "static_route_configs": [],
   "dynamic_route_configs": [{"route_config": {"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "r",
     "virtual_hosts": [{"name": "v", "routes": [{"name": "gold", "match": {"headers": [{"name": "x-tenant-id"}]}, "route": {"cluster": "c"}}]}]}}]},
  {"@type": "type.googleapis.com/envoy.admin.v3.EcdsConfigDump", "ecds_filters": [{"ecds_filter": {
     "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig", "name": "elsewhere", "typed_config": {
       "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": {"vm_config": {"vm_id": "context-mesh"}}}}}]}
]}
"#;

const DUMPED: &str = r#"{"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": "l", "traffic_direction": "DIRECTION",
  "filter_chains": [{"filters": [{"typed_config": {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "stat_prefix": "p", "rds": {"route_config_name": "r"},
    "http_filters": [{"name": "guard", "typed_config": {"@type": "t/envoy.extensions.filters.http.rbac.v3.RBAC"}}, {"name": "elsewhere", "config_discovery": {}}]}}]}]}"#;

#[test]
fn a_dump_links_listeners_and_routes_by_name() {
    let mesh = mesh(false, "headers");
    let dump = |node: &str, direction: &str| {
        DUMP.replace("LISTENER", DUMPED).replace("NODE", node).replace("DIRECTION", direction)
    };
    let guards = vec!["CM0708 warning \"guard\""; 2];
    let matched = vec!["CM0702 warning \"x-tenant-id\""];
    assert_eq!(found(Format::Envoy, &dump("cart", "INBOUND"), &mesh), guards);
    assert_eq!(found(Format::Envoy, &dump("cart", "OUTBOUND"), &mesh), [&guards[..], &matched].concat());
    assert_eq!(found(Format::Envoy, &dump("edge", "INBOUND"), &mesh), [&guards[..], &matched].concat());
}

#[test]
fn routes_in_another_file_are_linked_as_well() {
    let mesh = mesh(false, "headers");
    let (_, routes) = DUMP.split_once("\"dynamic_route_configs\": [{\"route_config\": ").unwrap();
    let routes = routes.split_once("}]},\n").unwrap().0;
    let listener = DUMPED.replace("DIRECTION", "INBOUND").replace("elsewhere", "context_mesh");
    let (both, _) = look(&[(Format::Envoy, &listener), (Format::Envoy, routes)], &mesh);
    assert_eq!(both.len(), 1, "{both:?}");
    assert!(both[0].starts_with("CM0708"), "the route is used at an inbound listener: {both:?}");
    assert_eq!(found(Format::Envoy, routes, &mesh), ["CM0702 warning \"x-tenant-id\""]);
}

const VIRTUAL_SERVICE: &str = r#"
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: pay}
spec:
  http:
    - HTTP
"#;

const HTTP_ROUTE: &str = r#"
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: h, namespace: pay}
spec:
  rules:
    - HTTP
"#;

#[test]
fn resources_of_istio() {
    let (free, bound) = (mesh(false, "headers"), mesh(true, "headers"));
    let cases: [(&str, &[&str], &[&str]); 15] = [
        ("match: [{headers: {x-other: {exact: a}}}]", &[], &[]),
        (
            "match: [{headers: {X-Tenant-Id: {exact: a}}}]",
            &["CM0702 warning X-Tenant-Id"],
            &["CM0702 warning X-Tenant-Id"],
        ),
        (
            "match: [{withoutHeaders: {x-tenant-id: {}}}]",
            &["CM0702 warning x-tenant-id"],
            &["CM0702 warning x-tenant-id"],
        ),
        ("match: [{headers: {tracestate: {}}}]", &["CM0704 warning tracestate"], &["CM0704 warning tracestate"]),
        ("mirror: {host: ledger}", &[], &[]),
        ("mirror: {host: ledger.pay.svc.cluster.local}", &[], &[]),
        ("mirror: {host: cart.shop.svc.cluster.local}", &[], &["CM0705 error cart.shop.svc.cluster.local"]),
        // There is no such service in the namespace `pay`.
        ("mirror: {host: cart}", &["CM0705 warning cart"], &["CM0705 error cart"]),
        (
            "mirrors: [{destination: {host: shadow.example}}]",
            &["CM0705 warning shadow.example"],
            &["CM0705 error shadow.example"],
        ),
        ("headers: {request: {set: {x-other: a}}}", &[], &[]),
        ("headers: {request: {set: {x-tenant-id: a}}}", &["CM0706 error x-tenant-id"], &["CM0706 error x-tenant-id"]),
        ("headers: {response: {set: {x-tenant-id: a}}}", &[], &[]),
        ("route: [{headers: {request: {add: {baggage: a}}}}]", &["CM0706 error baggage"], &["CM0706 error baggage"]),
        (
            "headers: {request: {remove: [x-mesh-context]}}",
            &["CM0706 warning x-mesh-context"],
            &["CM0706 warning x-mesh-context"],
        ),
        ("headers: {request: {remove: [x-other]}}", &[], &[]),
    ];
    for (http, when_free, when_bound) in cases {
        let text = VIRTUAL_SERVICE.replace("HTTP", http);
        assert_eq!(found(Format::Istio, &text, &free), when_free, "{http}");
        assert_eq!(found(Format::Istio, &text, &bound), when_bound, "{http}");
    }
}

#[test]
fn resources_of_the_gateway_api() {
    let (free, bound) = (mesh(false, "headers"), mesh(true, "headers"));
    let mirror =
        |backend: &str| format!("filters: [{{type: RequestMirror, requestMirror: {{backendRef: {backend}}}}}]");
    let modify = |text: &str| format!("filters: [{{type: RequestHeaderModifier, requestHeaderModifier: {{{text}}}}}]");
    let cases: [(String, &[&str], &[&str]); 9] = [
        ("matches: [{headers: [{name: x-other, value: a}]}]".to_owned(), &[], &[]),
        (
            "matches: [{headers: [{name: x-tenant-id, value: a}]}]".to_owned(),
            &["CM0702 warning x-tenant-id"],
            &["CM0702 warning x-tenant-id"],
        ),
        (mirror("{name: ledger}"), &[], &[]),
        (mirror("{name: cart, namespace: shop}"), &[], &["CM0705 error cart"]),
        (mirror("{name: cart}"), &["CM0705 warning cart"], &["CM0705 error cart"]),
        (
            mirror("{name: a.example, group: networking.istio.io, kind: Hostname}"),
            &["CM0705 warning a.example"],
            &["CM0705 error a.example"],
        ),
        (
            modify("set: [{name: x-other}], add: [{name: x-tenant-id}]"),
            &["CM0706 error x-tenant-id"],
            &["CM0706 error x-tenant-id"],
        ),
        (modify("remove: [x-customer]"), &["CM0706 warning x-customer"], &["CM0706 warning x-customer"]),
        (
            format!("backendRefs: [{{name: ledger, {}}}]", modify("set: [{name: x-tenant-id}]")),
            &["CM0706 error x-tenant-id"],
            &["CM0706 error x-tenant-id"],
        ),
    ];
    for (http, when_free, when_bound) in &cases {
        for kind in ["HTTPRoute", "GRPCRoute"] {
            let text = HTTP_ROUTE.replace("HTTPRoute", kind).replace("- HTTP", &format!("- {http}"));
            assert_eq!(found(Format::Istio, &text, &free), *when_free, "{http}");
            assert_eq!(found(Format::Istio, &text, &bound), *when_bound, "{http}");
        }
    }
}

#[test]
fn lists_several_documents_and_other_kinds() {
    let mesh = mesh(false, "headers");
    let rule = |name: &str| {
        let policy = format!("{{loadBalancer: {{consistentHash: {{httpHeaderName: {name}}}}}}}");
        let spec = format!("{{host: h, subsets: [{{name: s, trafficPolicy: {{portLevelSettings: [{policy}]}}}}]}}");
        format!("{{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {{name: d}}, spec: {spec}}}")
    };
    let patch = |context: &str| {
        let filter = "
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: e}
spec:
  configPatches:
    - applyTo: HTTP_ROUTE
      match: {context: CONTEXT}
      patch: {value: {match: {headers: [{name: x-customer}]}}}
";
        filter.replace("CONTEXT", context)
    };
    let cases: [(String, &[&str]); 7] = [
        (rule("x-session"), &[]),
        (rule("x-tenant-id"), &["CM0707 warning x-tenant-id"]),
        (format!("apiVersion: v1\nkind: List\nitems: [{}]", rule("x-tenant-id")), &["CM0707 warning x-tenant-id"]),
        (
            format!("{}\n---\n# nothing\n---\n{}", rule("x-tenant-id"), rule("x-customer")),
            &["CM0707 warning x-tenant-id", "CM0707 warning x-customer"],
        ),
        (rule("x-tenant-id").replace("DestinationRule", "Deployment"), &[]),
        (patch("SIDECAR_INBOUND"), &[]),
        (patch("GATEWAY"), &["CM0702 warning x-customer"]),
    ];
    for (text, expected) in cases {
        assert_eq!(found(Format::Istio, &text, &mesh), expected, "{text}");
    }
}

#[test]
fn a_file_that_is_something_else_is_an_error() {
    let mesh = mesh(false, "headers");
    let rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\nspec: {host: h}\n";
    let cases = [
        (Format::Envoy, rule, vec!["CM0701 error "]),
        (Format::Envoy, "a: 1\n", vec!["CM0701 error "]),
        (Format::Envoy, "", vec!["CM0701 error "]),
        (Format::Istio, "static_resources: {}\n", vec!["CM0701 error "]),
        (Format::Envoy, "static_resources: {}\n", vec![]),
        (Format::Envoy, "static_resources: {listeners: *x}\n", vec!["CM0104 error *x"]),
        (Format::Envoy, "{\"a\": ", vec!["CM0103 error {"]),
    ];
    for (format, text, expected) in cases {
        assert_eq!(found(format, text, &mesh), expected, "{text}");
    }
    let (_, text) = look(&[(Format::Envoy, "static_resources: {listeners: *x}\n")], &mesh);
    assert!(text.contains("proxies read tags and more aliases"), "{text}");
    let mut sources = Sources::new("");
    let file = sources.add("values.yaml", "a: 1\n");
    let report = check(&sources, &[Input { file, format: Format::Istio, found: true }], &mesh);
    assert!(report.diagnostics.is_empty(), "a folder may hold anything");
}

#[test]
fn the_shipped_bootstraps_fit_the_examples() {
    for (tree, service) in [("shop", "checkout-service"), ("bank", "ledger")] {
        let folder = repository().join("examples").join(tree);
        let mut sources = Sources::new("policies");
        for path in crate::support::yaml_files(&folder) {
            sources.add(path.strip_prefix(&folder).unwrap().to_str().unwrap(), fs::read(&path).unwrap());
        }
        let compiled = compile(&sources).unwrap();
        for name in ["sidecar.yaml", "gateway.yaml", "egress.yaml"] {
            let text = fs::read_to_string(repository().join("envoy-configs").join(name)).unwrap();
            let (found, text) = look(&[(Format::Envoy, &filled(&text, service))], &compiled);
            assert!(found.is_empty(), "{tree} {name}: {text}");
        }
    }
}

/// Replaces each placeholder of a port by a number, and all others by the service.
fn filled(text: &str, service: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |filled, part| {
        let (name, rest) = part.split_once('}').unwrap();
        filled + if name.ends_with("PORT") { "80" } else { service } + rest
    })
}

#[test]
fn users_see_the_whole_text() {
    let compiled = mesh(true, "headers");
    let folder = repository().join("policy-compiler/tests/routes");
    for (name, format) in [("envoy", Format::Envoy), ("istio", Format::Istio)] {
        let input = fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        let (_, text) = look(&[(format, &input)], &compiled);
        golden::check(&folder.join(format!("{name}.txt")), &text);
    }
}

#[test]
fn a_finding_in_a_long_line_is_short() {
    let hosts = r#"[{"name": "v", "routes": [{"match": {"headers": [{"name": "baggage"}]}}]}]"#;
    let (before, behind) = ("x".repeat(500_000), "y".repeat(500_000));
    let long = format!(r#"{{"x": "{before}", "virtual_hosts": {hosts}, "y": "{behind}"}}"#);
    let (found, text) = look(&[(Format::Envoy, &long)], &mesh(false, "headers"));
    assert_eq!(found, ["CM0704 warning \"baggage\""]);
    assert!(text.len() < 500 && text.contains("--> 0.yaml:1:500"), "{text}");
}
