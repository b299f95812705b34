//! Invalid input: each case has its documented behaviour, and no virtual machine ever traps.

use context_mesh_e2e::client::{Request, Response};
use context_mesh_e2e::mesh::Mesh;
use serde_json::{Value, json};

use crate::support::*;

/// Names and values of request headers.
type Headers<'a> = &'a [(&'a str, &'a [u8])];

/// Sends a request with these headers to `back`. Returns the answer with the filter's report.
fn send(mesh: &Mesh, headers: Headers<'_>) -> (Response, Value) {
    let before = mesh.access_log("back").unwrap().len();
    let request = headers.iter().fold(get("/"), |request, (name, value)| request.header(name, value));
    let response = mesh.send(&peer(mesh, "back"), request).unwrap();
    let lines = mesh.access_log_when("back", |lines| lines.len() > before).unwrap();
    (response, report_of(&lines[before]))
}

#[test]
fn broken_carriers_are_ignored_counted_and_reported() {
    let mesh = pair("");
    let large = vec![b'a'; 60 * 1024];
    let random: Vec<u8> =
        (0..600_u32).map(|n| b"ABCDEFGHIJKLMNOPabcdefghijkl0123456789-_"[(n * 7919 % 40) as usize]).collect();
    let cases: [(Headers<'_>, &str); 9] = [
        (&[("x-tenant-id", b"a\xff")], "tenant_id: not-text"),
        (&[("x-tenant-id", b"a"), ("x-tenant-id", b"b")], "tenant_id: repeated"),
        (&[("x-tenant-id", b"Not Allowed")], "tenant_id: pattern"),
        (&[("x-mesh-context", b"{}"), ("x-mesh-context", b"{}")], "x-mesh-context: repeated"),
        (&[("x-mesh-context", &large)], "x-mesh-context: too-large"),
        (&[("x-mesh-context", b"AQAAAA")], "x-mesh-context: truncated"),
        (&[("x-mesh-context", b"\xff\xfe")], "x-mesh-context: not-base64"),
        (&[("x-mesh-context", b"{\"tenant_id\":")], "x-mesh-context: not-json"),
        (&[("baggage", b"tenant_id=%zz")], "tenant_id: malformed"),
    ];
    for (headers, problem) in cases {
        let (response, report) = send(&mesh, headers);
        assert_eq!(response.status, 200, "{problem}");
        assert_eq!(report["problems"], json!([problem]));
        assert_eq!(saw(&response, "back", "x-tenant-id"), Value::Null, "{problem}");
    }
    let (response, report) = send(&mesh, &[("x-mesh-context", &random)]);
    assert_eq!(response.status, 200);
    let problem = report["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("x-mesh-context: "), "{problem}");
    assert_eq!(counter(&mesh, "back", "carrier_invalid") + counter(&mesh, "back", "field_invalid"), 10);
    assert_no_trap(&mesh);
}

#[test]
fn broken_carriers_are_refused_where_the_mesh_says_so() {
    let mesh = pair_with(&MESH.replace("trustDomain: pair.example", "trustDomain: pair.example\n  onInvalid: deny"), 1);
    let (response, report) = send(&mesh, &[("x-tenant-id", b"a"), ("x-tenant-id", b"b")]);
    assert_eq!((response.status, response.text().as_str()), (400, "the context of the request is invalid"));
    assert_eq!(report["rule"], "mesh onInvalid");
    let (response, _) = send(&mesh, &[]);
    assert_eq!(response.status, 200, "no context is not a broken one");
}

#[test]
fn other_odd_headers_reach_the_application_unchanged() {
    let mesh = pair("");
    let (response, _) = send(&mesh, &[("x-odd", b"a\xff"), ("x-twice", b"1"), ("x-twice", b"2")]);
    assert_eq!(saw(&response, "back", "x-odd"), "(not UTF-8) a\u{fffd}");
    assert_eq!(saw(&response, "back", "x-twice"), json!(["1", "2"]));
}

#[test]
fn every_cut_and_every_flipped_byte_of_a_carrier_is_survived() {
    let mesh = pair("");
    let policy = context_mesh_e2e::policy::Policy::from_text(MESH).unwrap();
    let program = context_mesh_core::artifact::load(&policy.artifact).unwrap();
    let mut context = context_mesh_core::context::Context::new();
    context.insert("tenant_id", "\"t1\"").unwrap();
    context.insert("custom", r#"{"a":[1,2,3]}"#).unwrap();
    let writer = program.words().writer(1);
    let good = context_mesh_core::carrier::mesh_header::encode(&context, writer, 1).unwrap();
    let endpoint = peer(&mesh, "back");
    let send = |value: &[u8]| {
        let request = get("/").header("x-mesh-context", value);
        mesh.send(&endpoint, request).unwrap().status
    };
    for at in 0..good.len() {
        let mut flipped = good.clone().into_bytes();
        flipped[at] = if flipped[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(send(&flipped), 200, "flipped {at}");
        assert_eq!(send(&good.as_bytes()[..at]), 200, "cut {at}");
    }
    assert_no_trap(&mesh);
}

#[test]
fn a_path_and_a_method_of_any_kind_are_survived() {
    let mesh = pair("");
    for path in ["/%00%ff", "/?", "/?send.front=", "/a//b/../c", &format!("/{}", "x".repeat(8000))] {
        let request = Request::get(path).header("traceparent", "broken");
        let status = mesh.send(&peer(&mesh, "back"), request).unwrap().status;
        assert!(status < 500, "{path}: {status}");
    }
    assert_no_trap(&mesh);
}
