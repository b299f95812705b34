//! The filter after the router: headers that a tracer overwrote, and the real destination of a call.

use context_mesh_core::pipeline::Routing;
use context_mesh_e2e::mesh::Mesh;
use context_mesh_e2e::policy::Policy;
use serde_json::{Value, json};

use crate::fields::{REGIONS, regions_of};
use crate::support::*;

/// Envoy's own tracers that write `tracestate` after the filters. Nothing listens at the address for their spans.
const OPENTELEMETRY: &str = r#"name: envoy.tracers.opentelemetry, typed_config: {"@type": type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig, service_name: s, grpc_service: {timeout: 0.25s, envoy_grpc: {cluster_name: collector}}}"#;
const DATADOG: &str = r#"name: envoy.tracers.datadog, typed_config: {"@type": type.googleapis.com/envoy.config.trace.v3.DatadogConfig, service_name: s, collector_cluster: collector}"#;

/// Returns two sidecars with this tracer in both directions.
fn traced(tracer: &str, upstream: bool) -> Mesh {
    let tracer = format!("                tracing: {{provider: {{{tracer}}}}}\n                http_filters:\n");
    let collector = "  clusters:\n    - name: collector\n      type: STATIC\n      connect_timeout: 0.2s\n      load_assignment:\n        \
                     cluster_name: collector\n        endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1}}}}]}]\n";
    let routing = if upstream { Routing::Upstream } else { Routing::Fixed };
    pair_of(Policy::from_text(MESH).unwrap().with_routing(routing), |mesh| {
        let mesh = mesh.bootstrap(move |text| {
            text.replace("                http_filters:\n", &tracer).replacen("  clusters:\n", collector, 1)
        });
        if upstream { mesh.upstream_filters() } else { mesh }
    })
}

/// Returns our members that a service was shown in `tracestate`.
fn tickets(response: &context_mesh_e2e::client::Response, service: &str) -> Vec<String> {
    let state = saw(response, service, "tracestate");
    let state = state.as_str().unwrap_or_default().to_owned();
    state.split(',').filter(|member| member.starts_with("cmesh=")).map(str::to_owned).collect()
}

#[test]
fn behind_a_tracer_the_ticket_reaches_the_application_and_does_not_leave() {
    for tracer in [OPENTELEMETRY, DATADOG] {
        let mesh = traced(tracer, true);
        let mut own = Vec::new();
        for tenant in ["t1", "t2", "t3"] {
            let path = "/?forward.front=traceparent,tracestate";
            let request = get(path).header("tracestate", "cmesh=old,k=v");
            let request = request.header("x-mesh-context", format!(r#"{{"tenant_id":"{tenant}"}}"#));
            let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
            assert_eq!(saw(&response, "front", "x-tenant-id"), tenant);
            let (at_front, at_back) = (tickets(&response, "front"), tickets(&response, "back"));
            assert_eq!((at_front.len(), at_back.len()), (1, 1), "{}", response.text());
            // One trace, several tenants: only the tracestate distinguishes them.
            assert_eq!(saw(&response, "back", "x-tenant-id"), tenant);
            own.extend(at_front);
            own.extend(at_back);
        }
        own.sort();
        own.dedup();
        assert_eq!(own.len(), 6, "each request has its own at each service, and none goes on: {own:?}");
        assert_no_trap(&mesh);
    }
}

/// The reason for the scenario above: without the filter after the router, the tracer removes the ticket.
#[test]
fn without_it_a_tracer_writes_over_the_ticket() {
    let mesh = traced(OPENTELEMETRY, false);
    let request = get("/").header("tracestate", "k=v").header("x-mesh-context", r#"{"tenant_id":"t1"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(tickets(&response, "front"), Vec::<String>::new());
    let baggage = saw(&response, "front", "baggage");
    assert!(baggage.as_str().unwrap().starts_with("cmesh.ticket="), "baggage keeps it: {baggage}");
}

/// The route is selected by a header that the filter removes: first the European store, then the American one, or
/// another destination.
#[test]
fn the_cluster_that_is_really_called_gets_only_what_it_may_have() {
    for (really, plan) in [("us-store", json!("gold")), ("elsewhere", Value::Null)] {
        let route = format!(
            "                      routes:\n                        - match: {{prefix: \"/\", headers: [{{name: x-plan, present_match: true}}]}}\n                          \
             route: {{cluster: eu-store}}\n                        - match: {{prefix: \"/\", headers: [{{name: x-choose, present_match: true}}]}}\n                          \
             route: {{cluster: {really}}}\n"
        );
        let policy = Policy::from_text(REGIONS).unwrap().with_routing(Routing::Upstream);
        let mesh = regions_of(policy, |mesh| {
            let mesh = mesh.service("front", &["eu-store"]).service("elsewhere", &[]);
            mesh.bootstrap(move |text| match text.split_once("name: outbound\n                  virtual_hosts:") {
                Some((before, after)) => {
                    let after = after.replacen("                      routes:\n", &route, 1);
                    format!("{before}name: outbound\n                  validate_clusters: false\n                  virtual_hosts:{after}")
                }
                None => text,
            }).upstream_filters()
        });
        let path = "/?forward.front=traceparent,tracestate,baggage&send.front=x-plan:any&send.front=x-choose:1";
        let request = get(path).header("x-mesh-context", r#"{"plan":"gold","iban":"DE02"}"#);
        let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
        assert_eq!(saw(&response, "front", "x-iban"), "DE02", "{}", response.text());
        let called = response.hop(really).unwrap()["saw"].clone();
        assert_eq!((&called["x-plan"], &called["x-iban"]), (&plan, &Value::Null), "{really}: {called}");
        assert_no_trap(&mesh);
    }
}

/// The proxy follows a redirect itself, and its filters see the call again, as they had sent it. Nothing is masked
/// twice.
#[test]
fn after_an_internal_redirect_a_pseudonym_is_the_same() {
    let tree = format!(
        "{MESH}---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: out, domain: all}}\nspec:\n  \
         workloads: [front]\n  direction: outbound\n  rules:\n    - {{name: people, mask: {{fields: [user_id], with: pseudonym}}}}\n"
    );
    let mesh = pair_built(&tree, |mesh| {
        mesh.bootstrap(|text| {
            let route = "cluster_header: \":authority\"\n";
            text.replace(
                route,
                &format!(
                    "{route}                            internal_redirect_policy: {{redirect_response_codes: [302]}}\n"
                ),
            )
        })
    });
    for kind in ["forward.front=traceparent,tracestate,baggage", "forward.front=traceparent"] {
        let redirected = format!("/?{kind}&status.back=302&respond.back=location:http%3A%2F%2Fback%2Ffinal");
        let seen: Vec<Value> = [format!("/?{kind}"), redirected]
            .iter()
            .enumerate()
            .map(|(n, path)| {
                let request = get_in(u32::try_from(n).unwrap(), path);
                let request = request.header("x-mesh-context", r#"{"tenant_id":"t1","user_id":"u1"}"#);
                let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
                assert_eq!(response.json().unwrap()["downstream_status"], 200, "{}", response.text());
                assert_eq!(saw(&response, "back", "x-tenant-id"), "t1", "{path}");
                saw(&response, "back", "x-user-id")
            })
            .collect();
        assert_eq!(seen[0], seen[1], "{kind}");
        assert!(seen[0].is_string() && seen[0] != "u1", "{seen:?}");
    }
    let redirects = mesh.stats("front").unwrap().sum_containing("upstream_internal_redirect_succeeded_total");
    assert_eq!(redirects, 2, "the redirects were internal");
    assert_no_trap(&mesh);
}
