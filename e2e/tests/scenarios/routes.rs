//! The proxy chooses the route again after the filter's edits. The decision must be the one for the service that is
//! really called.

use std::fmt::Write as _;
use std::time::Duration;

use context_mesh_core::pipeline::Routing;
use context_mesh_e2e::client::Response;
use context_mesh_e2e::mesh::{Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use policy_compiler::report::source::Sources;
use policy_compiler::routes::{self, Format, Input};
use serde_json::{Value, json};

use crate::fields::{REGIONS, regions, regions_of};
use crate::support::*;

const TREE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: routes}
spec:
  trustDomain: routes.example
  identity: /ns/default/sa/{service}
  gateways: [edge]
  routing: {fields: [tenant_id]}
  domains:
    all: {services: [edge, front, back, client]}
    trial: {services: [canary]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    tenant_id: {type: string, immutable: true, header: x-tenant-id}
    user_id: {type: string, classification: pii, baggage: true, header: x-user-id}
    plan: {type: string, header: x-plan}
"#;

/// What `front` may send to each service.
const RULES: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: out, domain: all}
spec:
  workloads: [front]
  direction: outbound
  rules:
    - {name: people, mask: {fields: [user_id], with: pseudonym}}
    - {name: plans-stay, when: "destination.service == 'canary'", redact: [plan]}
    - name: no-trials
      when: "destination.domain == 'trial' && context.tenant_id == 'wary'"
      deny: {status: 451, message: no trials}
"#;

/// Returns a route of a bootstrap: requests whose header has this value (`*` for any) are routed to the cluster.
fn route(header: &str, value: &str, cluster: &str) -> String {
    let condition =
        if value == "*" { "present_match: true".to_owned() } else { format!("string_match: {{exact: {value}}}") };
    format!(
        "                        - match: {{prefix: \"/\", headers: [{{name: {header}, {condition}}}]}}\n                          \
         route: {{cluster: {cluster}}}\n"
    )
}

/// Returns the bootstrap with these routes before those of its route configuration with that name.
fn with_routes(text: &str, configuration: &str, routes: &str) -> String {
    let (name, place) = (format!("name: {configuration}\n"), "                      routes:\n");
    let head = text
        .match_indices(&name)
        .map(|(at, _)| at)
        .find(|at| text[*at..].find("virtual_hosts:").is_some_and(|v| v < 400));
    let Some(head) = head else { return text.to_owned() };
    let (before, after) = text.split_at(head);
    let after = after.replacen(&name, &format!("{name}                  validate_clusters: false\n"), 1);
    let after = after.replace("validate_clusters: false\n                  # The upstream is in CLUSTERS_FILE, which Envoy reads after this.\n                  validate_clusters: false\n", "validate_clusters: false\n");
    format!("{before}{}", after.replacen(place, &format!("{place}{routes}"), 1))
}

/// Returns a mesh in which `front` calls `back`, and its routes send some calls to `canary`.
fn trial(routing: Routing, routes: String) -> Mesh {
    let policy = Policy::from_text(&format!("{TREE}{RULES}")).unwrap().with_routing(routing);
    let mesh =
        MeshBuilder::new("routes.example").service("front", &["back"]).service("back", &[]).service("canary", &[]);
    let mesh = mesh.bootstrap(move |text| with_routes(&text, "outbound", &routes));
    let mesh = if routing == Routing::Upstream { mesh.upstream_filters() } else { mesh };
    mesh.filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r)).start().unwrap()
}

fn send(mesh: &Mesh, path: &str, tenant: &str) -> Response {
    let context = json!({"tenant_id": tenant, "user_id": "u1", "plan": "gold"});
    mesh.send(&peer(mesh, "front"), get(path).header("x-mesh-context", context.to_string())).unwrap()
}

/// Returns the service that `front` reached, and what it was shown of the plan and the user.
fn reached(response: &Response) -> (String, Value, Value) {
    assert_eq!(response.status, 200, "{}", response.text());
    let service = ["back", "canary"].into_iter().find(|service| response.hop(service).is_ok());
    let service = service.unwrap_or_else(|| panic!("{}", response.text()));
    (service.to_owned(), saw(response, service, "x-plan"), saw(response, service, "x-user-id"))
}

/// Returns the findings of `policyc check --envoy` in the running configuration of the Envoy of `front`: codes, sorted.
fn findings(mesh: &Mesh) -> Vec<&'static str> {
    let mut tree = Sources::new("tree");
    tree.add("policy.yaml", format!("{TREE}{RULES}"));
    let compiled = policy_compiler::compile(&tree).unwrap();
    let mut proxies = Sources::new("");
    let dump = mesh.envoy("front").unwrap().admin_get("/config_dump").unwrap();
    let file = proxies.add_limited("config_dump.json", dump, 64 << 20);
    let input = Input { file, format: Format::Envoy, found: false };
    let report = routes::check(&proxies, &[input], &compiled);
    assert!(report.managers >= 2 && report.routes >= 2, "{report:?}");
    report.diagnostics.iter().map(|found| found.code).collect()
}

fn downstream_status(response: &Response) -> Value {
    response.json().unwrap()["downstream_status"].clone()
}

/// A canary by tenant, whatever the application forwards: the routes match the tenant of the context, and the rules
/// read the service that is called.
#[test]
fn a_route_by_a_field_is_chosen_by_the_context() {
    let mesh =
        trial(Routing::Upstream, route("x-tenant-id", "bold", "canary") + &route("x-tenant-id", "wary", "canary"));
    assert_eq!(findings(&mesh), [""; 0]);
    let mut users = Vec::new();
    for forwards in ["traceparent,tracestate", "baggage", "traceparent", "x-tenant-id,traceparent"] {
        for (number, (tenant, service, plan)) in
            [("shy", "back", json!("gold")), ("bold", "canary", Value::Null)].into_iter().enumerate()
        {
            let trace = u32::try_from(users.len() * 2 + number).unwrap();
            let context = json!({"tenant_id": tenant, "user_id": "u1", "plan": "gold"});
            let request =
                get_in(trace, &format!("/?forward.front={forwards}")).header("x-mesh-context", context.to_string());
            let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
            let (reached, shown, user) = reached(&response);
            assert_eq!((reached.as_str(), &shown), (service, &plan), "{forwards}: {}", response.text());
            assert_eq!(saw(&response, service, "x-tenant-id"), tenant);
            users.push((service, user));
        }
    }
    // Masked once, with the key of the domain that is really called.
    users.sort_by_key(|(service, user)| (*service, user.to_string()));
    users.dedup();
    assert_eq!(users.iter().map(|(service, _)| *service).collect::<Vec<_>>(), ["back", "canary"], "{users:?}");
    assert_ne!(users[0].1, users[1].1, "each domain has pseudonyms of its own");
    let response = send(&mesh, "/?forward.front=tracestate,traceparent", "wary");
    assert_eq!(
        downstream_status(&response),
        451,
        "a rule about the service that is really called: {}",
        response.text()
    );
    assert_eq!(counter(&mesh, "front", "route_changed"), 4);
    assert_no_trap(&mesh);
}

/// The application's own header selects one service, and without it the proxy calls another one. If no filter runs
/// after the router, no protected field is sent.
#[test]
fn without_the_filter_behind_the_router_no_header_of_a_route_is_changed() {
    let routes = route("x-tenant-id", "*", "canary");
    let mesh = trial(Routing::Unknown, routes.clone());
    assert_eq!(findings(&mesh), ["CM0703"], "the filter does not stand behind the router");
    // Without the header there is no uncertainty: the call goes to `back`.
    let plain = send(&mesh, "/?forward.front=traceparent,tracestate", "shy");
    assert_eq!(reached(&plain).0, "back");
    // A header that agrees with the context is kept, and so is the route.
    let same = send(&mesh, "/?forward.front=traceparent,tracestate&send.front=x-tenant-id:shy", "shy");
    assert_eq!((reached(&same).0.as_str(), reached(&same).1), ("canary", Value::Null), "{}", same.text());
    // If a header would have to be changed, the call is refused.
    for header in ["x-tenant-id:bold", "x-plan:gold", "x_tenant_id:shy"] {
        let other = send(
            &mesh,
            &format!("/?forward.front=traceparent,tracestate&send.front=x-tenant-id:shy&send.front={header}"),
            "shy",
        );
        assert_eq!(downstream_status(&other), 403, "{header}: {}", other.text());
    }
    let refused = |lines: &[Value]| lines.iter().filter(|line| report_of(line)["rule"] == "mesh route").count() == 3;
    mesh.access_log_when("front", refused).unwrap();
    assert_eq!(counter(&mesh, "front", "route_uncertain"), 3);
    // A call without protected fields may take any route.
    let request = get("/?forward.front=traceparent,tracestate&send.front=x-plan:silver");
    let response = mesh.send(&peer(&mesh, "front"), request.header("x-mesh-context", r#"{"plan":"gold"}"#)).unwrap();
    assert_eq!(reached(&response).0, "back");
    assert_no_trap(&mesh);
    // The setting that no route matches such headers is trusted.
    let mesh = trial(Routing::Fixed, String::new());
    let other = send(&mesh, "/?forward.front=traceparent,tracestate&send.front=x-tenant-id:bold", "shy");
    assert_eq!((reached(&other).0.as_str(), saw(&other, "back", "x-tenant-id")), ("back", json!("shy")));
}

/// At a gateway the client's header must not select the route, and the field that the gateway sets may.
#[test]
fn at_a_gateway_the_minted_field_chooses_the_route_and_the_clients_header_does_not() {
    let mint = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: mint, domain: all}
spec:
  workloads: [edge]
  rules:
    - {name: of-the-host, set: {tenant_id: "request.host", user_id: "'u1'", plan: "'gold'"}}
"#;
    // Rules at a gateway see the first route. Their decisions about its destination must not be applied to another one.
    let guarded = "    - {name: not-for-trials, when: \"destination.service == 'canary'\", redact: [plan]}\n";
    for (rules, rerouted) in [(mint.to_owned(), 200), (format!("{mint}{guarded}"), 403)] {
        let policy = Policy::from_text(&format!("{TREE}{rules}")).unwrap().with_routing(Routing::Upstream);
        let mesh = MeshBuilder::new("routes.example").gateway("edge", "back").service("back", &[]);
        let routes = route("x-tenant-id", "bold", "canary");
        let mesh = mesh.service("canary", &[]).bootstrap(move |text| with_routes(&text, "gateway", &routes));
        let mesh = mesh.upstream_filters().filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r));
        let mesh = mesh.start().unwrap();
        let shy = mesh.send(&mesh.gateway(), get("/").authority("shy")).unwrap();
        assert_eq!(reached(&shy).0, "back");
        let bold = mesh.send(&mesh.gateway(), get("/").authority("bold")).unwrap();
        assert_eq!(bold.status, rerouted, "{}", bold.text());
        if rerouted == 200 {
            assert_eq!((reached(&bold).0.as_str(), saw(&bold, "canary", "x-tenant-id")), ("canary", json!("bold")));
        }
        // The filters before ours have decided on the route that the client's header selected.
        let chosen = mesh.send(&mesh.gateway(), get("/").authority("shy").header("x-tenant-id", "bold")).unwrap();
        assert_eq!(chosen.status, 403, "{}", chosen.text());
        assert_eq!(counter(&mesh, "edge", "route_uncertain"), 1);
        assert_eq!(counter(&mesh, "edge", "route_changed"), 1);
        assert_no_trap(&mesh);
    }
}

/// RBAC before the filter guards `/admin` on the route for everyone, but not on that of a trial, which a client's
/// header would select.
#[test]
fn a_client_does_not_get_past_access_control_in_front_by_the_header_of_a_field() {
    let guarded = |text: String| {
        if !text.contains("stat_prefix: gateway\n") {
            return text;
        }
        let filter = "                  - name: envoy.filters.http.rbac\n                    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC}\n";
        let rules = "{action: DENY, policies: {admin: {permissions: [{url_path: {path: {prefix: /admin}}}], principals: [{any: true}]}}}";
        let on_route = format!(
            "                          typed_per_filter_config: {{envoy.filters.http.rbac: {{\"@type\": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute, rbac: {{rules: {rules}}}}}}}\n"
        );
        let place = "                        - match: {prefix: \"/\"}\n";
        let text =
            text.replacen("                http_filters:\n", &format!("                http_filters:\n{filter}"), 1);
        let text = text.replacen(place, &format!("{place}{on_route}"), 1);
        with_routes(&text, "gateway", &route("x-tenant-id", "bold", "canary"))
    };
    let mint = "\n---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: mint, domain: all}\nspec:\n  workloads: [edge]\n  \
                rules:\n    - {name: of-the-host, set: {plan: \"'gold'\"}}\n";
    for (routing, admin) in [(Routing::Fixed, 200), (Routing::Unknown, 403), (Routing::Upstream, 403)] {
        let policy = Policy::from_text(&format!("{TREE}{mint}")).unwrap().with_routing(routing);
        let mesh = MeshBuilder::new("routes.example").gateway("edge", "back").service("back", &[]);
        let mesh = mesh.service("canary", &[]).without_tokens().bootstrap(guarded);
        let mesh = if routing == Routing::Upstream { mesh.upstream_filters() } else { mesh };
        let mesh = mesh.filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r)).start().unwrap();
        let status = |path: &str, header: Option<&str>| {
            let request = header.iter().fold(get(path), |request, value| request.header("x-tenant-id", *value));
            mesh.send(&mesh.gateway(), request).unwrap().status
        };
        assert_eq!((status("/", None), status("/admin", None)), (200, 403), "{routing:?}");
        // With `fixed` the operator has stated that there is no such route.
        assert_eq!(status("/admin", Some("bold")), admin, "{routing:?}");
        assert_no_trap(&mesh);
    }
}

/// A mirror receives the same as the first call, whatever its region.
#[test]
fn a_mirror_does_not_bring_a_field_into_another_region() {
    let mirrored = |text: String| {
        let route = "cluster_header: \":authority\"\n";
        let mirror = "                            request_mirror_policies: [{cluster: us-store}]\n";
        text.replace(route, &format!("{route}{mirror}")).replace(
            "name: outbound\n                  virtual",
            "name: outbound\n                  validate_clusters: false\n                  virtual",
        )
    };
    let mesh = regions(|mesh| mesh.service("front", &["eu-store"]).bootstrap(mirrored));
    let context = r#"{"plan":"gold","iban":"DE02"}"#;
    let response = mesh.send(&peer(&mesh, "front"), get("/").header("x-mesh-context", context)).unwrap();
    assert_eq!(saw(&response, "eu-store", "x-iban"), "DE02", "{}", response.text());
    let arrived = |lines: &[Value]| !lines.is_empty();
    let lines = mesh.access_log_when("us-store", arrived).unwrap();
    let seen = report_of(&lines[0]);
    // The receiver's filter does not show it to the application, and reports it.
    assert_eq!(seen["kept_in_region"], json!(["iban"]), "{seen}");
    assert_eq!(counter(&mesh, "us-store", "field_kept_in_region"), 1);
    assert_no_trap(&mesh);

    // If the filter runs in the mirror's cluster, the field is not sent.
    let policy = Policy::from_text(REGIONS).unwrap();
    let mesh = regions_of(policy.with_routing(Routing::Upstream), |mesh| {
        mesh.service("front", &["eu-store"]).bootstrap(mirrored).upstream_filters()
    });
    let folder = mesh.folder().join("front");
    let clusters = std::fs::read_to_string(folder.join("clusters.yaml")).unwrap();
    let mut filters = String::from("      use_downstream_protocol_config: {}\n      http_filters:\n");
    writeln!(filters, "        - name: context_mesh\n          config_discovery: {{config_source: {{resource_api_version: V3, path_config_source: {{path: \"{}\"}}}}, type_urls: [type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm]}}", folder.join("filter/upstream.json").display()).unwrap();
    filters.push_str("        - name: envoy.filters.http.upstream_codec\n          typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}\n");
    std::fs::write(
        folder.join("clusters.new"),
        clusters.replace("      use_downstream_protocol_config: {}\n", &filters),
    )
    .unwrap();
    std::fs::rename(folder.join("clusters.new"), folder.join("clusters.yaml")).unwrap();
    let taken = || mesh.stats("front").unwrap().get("cluster_manager.cds.update_success") >= 2;
    (0..100)
        .find(|_| {
            taken() || {
                std::thread::sleep(Duration::from_millis(50));
                false
            }
        })
        .expect("the clusters are taken over");
    let response = mesh.send(&peer(&mesh, "front"), get("/").header("x-mesh-context", context)).unwrap();
    assert_eq!(saw(&response, "eu-store", "x-iban"), "DE02", "{}", response.text());
    let lines = mesh.access_log_when("us-store", arrived).unwrap();
    let seen = report_of(&lines[0]);
    assert_eq!(seen["kept_in_region"], Value::Null, "{seen}");
    assert_eq!(seen["fields"], json!(["plan", "caller"]), "{seen}");
    assert_no_trap(&mesh);
}
