//! Ids that name a trace: the ids that a request may have, and those that the application is shown.

use context_mesh_e2e::client::Request;
use serde_json::Value;

use crate::support::{TRACE, assert_no_trap, counter, get, pair, peer, report, saw};

/// Another trace, whose id an attacker has learned.
const VICTIM: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "00f067aa0ba902b7";

/// Ids that contradict each other, or that an application would repair, do not reach it.
#[test]
fn what_names_two_traces_or_is_broken_is_taken_out_before_the_application() {
    let mesh = pair("");
    let front = peer(&mesh, "front");
    let victim = format!("00-{VICTIM}-{SPAN}-01");
    let cases: Vec<(&str, Vec<(&str, String)>)> = vec![
        ("traceparent", vec![("traceparent", TRACE.to_owned()), ("traceparent", victim.clone())]),
        ("traceparent", vec![("traceparent", format!("{TRACE},{victim}"))]),
        ("traceparent", vec![("traceparent", victim.to_uppercase())]),
        ("traceparent", vec![("traceparent", format!("{victim}-more"))]),
        ("b3", vec![("b3", format!("{}-{SPAN}-1", "1".repeat(32))), ("x-b3-traceid", VICTIM.to_owned())]),
        ("x-b3-traceid", vec![("b3", format!("{}-{SPAN}-1", "1".repeat(32))), ("x-b3-traceid", VICTIM.to_owned())]),
        ("x-b3-traceid", vec![("x-b3-traceid", VICTIM.to_uppercase()), ("x-b3-spanid", SPAN.to_owned())]),
    ];
    for (gone, sent) in &cases {
        let request = Request::get("/").header("x-mesh-context", r#"{"tenant_id":"t1"}"#);
        let request = sent.iter().fold(request, |request, (name, value)| request.header(name, value.as_str()));
        let response = mesh.send(&front, request).unwrap();
        assert_eq!(response.status, 200, "{sent:?}");
        assert_eq!(saw(&response, "front", gone), Value::Null, "{sent:?}");
        assert_eq!(saw(&response, "back", "x-tenant-id"), Value::Null, "{sent:?}");
    }
    assert_eq!(counter(&mesh, "front", "trace_id_contradiction"), 4);
    assert_eq!(counter(&mesh, "front", "trace_id_invalid"), 3);
    assert_no_trap(&mesh);
}

/// All headers twice, with equal content: they become one line each, and the context is recalled.
#[test]
fn equal_repetition_is_no_contradiction() {
    let mesh = pair("");
    let request = get("/").header("traceparent", TRACE).header("x-mesh-context", r#"{"tenant_id":"t1"}"#);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(saw(&response, "front", "traceparent"), TRACE);
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    assert_eq!(report(&mesh, "front", "outbound")["recalledBy"], "traceparent");
}

/// An application that starts a new trace and forwards `x-request-id`, or forwards the headers of another kind.
#[test]
fn one_forwarded_id_of_any_kind_suffices() {
    let mesh = pair("");
    let own = "traceparent:00-11111111111111111111111111111111-00f067aa0ba902b7-01";
    let b3 = format!("b3:{VICTIM}-{SPAN}-1");
    for forwarded in
        [format!("send.front={own}&send.front=x-request-id:r1"), format!("send.front={own}&send.front={b3}")]
    {
        let request = Request::get(&format!("/?{forwarded}"))
            .header("b3", format!("{VICTIM}-{SPAN}-1"))
            .header("x-request-id", "r1")
            .header("x-mesh-context", r#"{"tenant_id":"t1"}"#);
        let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
        assert_eq!(saw(&response, "back", "x-tenant-id"), "t1", "{forwarded}");
    }
}
