//! Tickets: requests of one trace are distinguished by a value that the application forwards without knowing it. Here
//! the test is the application of `front`: it reads what the proxy showed, and calls `back` through the proxy.

use context_mesh_e2e::client::Request;
use context_mesh_e2e::mesh::Mesh;
use serde_json::Value;

use crate::support::{TRACE, assert_no_trap, counter, get, pair, peer, saw};

/// Returns what `front` is shown of a request of this tenant: the ticket's member of each carrier.
fn tickets(mesh: &Mesh, tenant: &str, sent: &[(&str, &str)]) -> [(&'static str, String); 2] {
    let request = get("/").header("x-mesh-context", format!(r#"{{"tenant_id":"{tenant}"}}"#));
    let request = sent.iter().fold(request, |request, (name, value)| request.header(name, *value));
    let response = mesh.send(&peer(mesh, "front"), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    ["tracestate", "baggage"].map(|carrier| {
        let value = saw(&response, "front", carrier);
        let value = value.as_str().unwrap_or_else(|| panic!("one line of {carrier}: {value}"));
        assert_eq!(value.matches("cmesh").count(), 1, "{value}");
        let member = value.split(',').next().unwrap();
        assert!(member.starts_with("cmesh"), "first: {value}");
        (carrier, member.to_owned())
    })
}

/// Returns the tenant that `back` sees if `front` calls it with these headers of the usual trace.
fn tenant_at_back(mesh: &Mesh, sent: &[&(&str, String)]) -> Value {
    let request = Request::get("/").header("traceparent", TRACE);
    let request = sent.iter().fold(request, |request, (name, value)| request.header(name, value.as_str()));
    let response = mesh.send(&mesh.outbound("front", "back").unwrap(), request).unwrap();
    for carrier in ["tracestate", "baggage"] {
        // `back` only sees its own ticket, and none of `front`.
        let shown = saw(&response, "back", carrier).to_string();
        for (_, member) in sent {
            assert!(!shown.contains(member.as_str()), "{carrier}: {shown}");
        }
    }
    saw(&response, "back", "x-tenant-id")
}

#[test]
fn twenty_requests_of_one_trace_carry_their_own_contexts() {
    let mesh = pair("");
    let tenants: Vec<String> = (0..20).map(|number| format!("t{number}")).collect();
    let requests: Vec<_> = tenants.iter().map(|tenant| tickets(&mesh, tenant, &[])).collect();
    for (tenant, [state, baggage]) in tenants.iter().zip(&requests) {
        assert_eq!(tenant_at_back(&mesh, &[state, baggage]), *tenant, "both carriers");
        assert_eq!(tenant_at_back(&mesh, &[state]), *tenant, "only tracestate");
        assert_eq!(tenant_at_back(&mesh, &[baggage]), *tenant, "only baggage");
    }
    let [first, .., last] = requests.as_slice() else { panic!("twenty") };
    assert_eq!(tenant_at_back(&mesh, &[&first[0], &last[1]]), Value::Null, "two requests at once");
    assert_eq!(counter(&mesh, "front", "ticket_conflict"), 1);
    assert_no_trap(&mesh);
}

#[test]
fn what_a_client_preset_or_broke_does_not_cost_the_ticket() {
    let mesh = pair("");
    let many: Vec<String> = (0..33).map(|number| format!("k{number}=v")).collect();
    let many = many.join(",");
    let cases: [&[(&str, &str)]; 7] = [
        &[
            ("tracestate", "cmesh=1,a=b,cmesh=2"),
            ("tracestate", "cmesh=3"),
            ("baggage", "cmesh.ticket=1,k=v,cmesh%2Eticket=2"),
        ],
        &[("baggage", "cmesh.ticket=1"), ("baggage", "cmesh.ticket=2")],
        &[("tracestate", &many)],
        &[("tracestate", "a=1,a=2")],
        &[("tracestate", "A=1")],
        &[("tracestate", "a=1"), ("tracestate", "b=2")],
        &[("baggage", "broken,=x,k=v")],
    ];
    for sent in cases {
        let [state, baggage] = tickets(&mesh, "t1", sent);
        assert_eq!(tenant_at_back(&mesh, &[&state, &baggage]), "t1", "{sent:?}");
    }
    assert_eq!(counter(&mesh, "front", "tracestate_invalid"), 2);
    assert_no_trap(&mesh);
}

#[test]
fn without_a_valid_traceparent_baggage_alone_carries_the_ticket() {
    let mesh = pair("");
    for parent in [None, Some("broken")] {
        let request = Request::get("/").header("x-mesh-context", r#"{"tenant_id":"t1"}"#).header("tracestate", "a=b");
        let request = parent.into_iter().fold(request, |request, parent| request.header("traceparent", parent));
        let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
        let baggage = saw(&response, "front", "baggage");
        let ticket = ("baggage", baggage.as_str().unwrap().split(',').next().unwrap().to_owned());
        // The library starts a new trace.
        assert_eq!(tenant_at_back(&mesh, &[&ticket]), "t1", "{parent:?}");
    }
}
