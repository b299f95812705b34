//! A rule decides on exactly what the application sees. `docs/readings.md` lists the ways to bypass that.

use context_mesh_e2e::client::{Request, Response, open_stream};
use context_mesh_e2e::mesh::{Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::runtime::block_on;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::*;

/// The mesh of [`MESH`] with a plain field and rules on it and on a header that is not a carrier.
const RULES: &str = r#"
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: more, domain: all}
spec:
  fields:
    role: {type: string, header: x-role}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: readings, domain: all}
spec:
  workloads: [back]
  rules:
    - {name: admins, when: "has(context.role) && context.role == 'admin'", deny: {message: no admins}}
    - {name: free-plan, when: "'x-plan' in request.headers && request.headers['x-plan'] != 'free'", deny: {message: free only}}
"#;

fn mesh() -> Mesh {
    pair(RULES)
}

/// Sends a request to `back`. Returns the answer with the filter's report.
fn send(mesh: &Mesh, request: Request, http2: bool) -> (Response, Value) {
    let before = mesh.access_log("back").unwrap().len();
    let endpoint = if http2 { peer(mesh, "back").http2() } else { peer(mesh, "back") };
    let response = mesh.send(&endpoint, request).unwrap();
    let lines = mesh.access_log_when("back", |lines| lines.len() > before).unwrap();
    (response, report_of(&lines[before]))
}

#[test]
fn white_space_makes_no_other_value() {
    let mesh = mesh();
    for http2 in [false, true] {
        for (name, value) in
            [("x-mesh-context", r#"{"role":"admin "}"#), ("baggage", "role=admin%20"), ("baggage", "role=%C2%A0admin")]
        {
            let (response, report) = send(&mesh, get("/").header(name, value), http2);
            assert_eq!(response.status, 200, "{name}: {value}");
            assert_eq!(saw(&response, "back", "x-role"), Value::Null, "{name}: {value}");
            assert_eq!(saw(&response, "back", "baggage").as_str().unwrap().matches("role").count(), 0);
            assert_eq!(report["problems"], json!(["role: unpresentable"]), "{name}: {value}");
        }
        // HTTP itself strips white space around the value of a header, or the value is rejected.
        let (response, _) = send(&mesh, get("/").header("x-role", "admin "), http2);
        let seen = response.status == 200 && saw(&response, "back", "x-role") != Value::Null;
        assert!(!seen, "{}: {}", response.status, response.text());
        let (response, _) = send(&mesh, get("/").header("x-plan", "free "), http2);
        assert_eq!(response.status, 200, "a rule reads `free`");
        assert_eq!(saw(&response, "back", "x-plan").as_str().unwrap().trim_end(), "free");
    }
    assert_no_trap(&mesh);
}

#[test]
fn encoded_keys_of_baggage_are_no_way_around() {
    let mesh = mesh();
    let line = "ro%6Ce=admin,ROLE=admin,+role=admin,role%20=admin,color=blue";
    let (response, report) = send(&mesh, get("/").header("baggage", line), false);
    assert_eq!(response.status, 200);
    let shown = saw(&response, "back", "baggage");
    let foreign: Vec<_> = shown.as_str().unwrap().split(',').filter(|member| !member.starts_with("cmesh.")).collect();
    assert_eq!(foreign, ["caller=client", "color=blue"], "{shown}");
    assert_eq!(report["problems"], json!(["baggage: alias"]));
    assert_eq!(counter(&mesh, "back", "header_alias"), 1);

    let (response, _) = send(&mesh, get("/").header("x-role", "a+b"), false);
    assert!(saw(&response, "back", "baggage").as_str().unwrap().contains("role=a%2Bb"), "a plus is one to everybody");
}

#[test]
fn headers_that_cgi_takes_for_carriers_do_not_reach_the_application() {
    let mesh = mesh();
    let request = get("/")
        .header("x_role", "admin")
        .header("x.role", "admin")
        .header("x_mesh_context", r#"{"role":"admin"}"#)
        .header("x_request_id", "1")
        .header("x_plan", "gold")
        .header("x_other", "stays");
    let (response, report) = send(&mesh, request, false);
    assert_eq!(response.status, 200);
    for name in ["x_role", "x.role", "x_mesh_context", "x_request_id", "x_plan"] {
        assert_eq!(saw(&response, "back", name), Value::Null, "{name}");
    }
    assert_eq!(saw(&response, "back", "x_other"), "stays");
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems.iter().filter(|problem| problem.as_str().unwrap().ends_with(": alias")).count(), 5);
    assert_eq!(counter(&mesh, "back", "header_alias"), 5);

    // An application cannot send them to the next one either.
    let path = "/?send.front=x_role:admin,x_tenant_id:evil";
    let response = mesh.send(&peer(&mesh, "front"), get(path)).unwrap();
    for name in ["x_role", "x_tenant_id"] {
        assert_eq!(saw(&response, "back", name), Value::Null, "{name}: {}", response.text());
    }
}

#[test]
fn trailers_bring_no_carriers() {
    let mesh = mesh();
    for name in ["x-role", "x_role", "baggage", "x-mesh-context", "x-tenant-id", "traceparent", "x-plan"] {
        let request = Request::post("/", "body").header("traceparent", TRACE).trailer(name, "role=admin");
        let (response, _) = send(&mesh, request.trailer("x-checksum", "1"), true);
        assert_eq!(response.status, 200, "{name}: {}", response.text());
        assert_eq!(response.json().unwrap()["trailers"], json!({"x-checksum": "1"}), "{name}");
    }
    assert_eq!(counter(&mesh, "back", "trailer_dropped"), 7);
    assert_no_trap(&mesh);
}

#[test]
fn a_header_that_repeats_has_no_value() {
    let mesh = mesh();
    let twice = |name: &str, value: &str| get("/").header(name, value).header(name, value);
    let (response, report) = send(&mesh, twice("x-role", "admin"), false);
    assert_eq!((response.status, &report["problems"]), (200, &json!(["role: repeated"])));
    assert_eq!(saw(&response, "back", "x-role"), Value::Null);

    // A rule that reads the header fails, and a failing deny rule denies.
    let (response, report) = send(&mesh, twice("x-plan", "free"), false);
    assert_eq!((response.status, response.text().as_str()), (403, "free only"));
    assert_eq!(report["errors"], json!(["all/readings/free-plan: repeated"]));
    let (response, _) = send(&mesh, get("/").header("x-plan", "free"), false);
    assert_eq!(response.status, 200);
}

/// A gateway that reads claims of all types.
const CLAIMS: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: claims}
spec:
  trustDomain: claims.example
  identity: /ns/default/sa/{service}
  gateways: [edge]
  domains:
    all: {services: [edge, back]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    level: {type: int, header: x-level}
    city: {type: string, header: x-city}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: claims, domain: all}
spec:
  workloads: [edge]
  rules:
    - {name: suspended, when: "has(CLAIM.suspended) && CLAIM.suspended == 'true'", deny: {message: suspended}}
    - {name: level, when: "has(CLAIM.level)", set: {level: "int(CLAIM.level)"}}
    - {name: city, when: "has(CLAIM.address.city)", set: {city: "CLAIM.address.city"}}
"#;

fn gateway(tree: &str, domain: &str) -> Mesh {
    let policy = Policy::from_text(tree).unwrap();
    let filter = policy::filter().unwrap();
    let mesh = MeshBuilder::new(domain).service("back", &[]).gateway("edge", "back");
    mesh.filter(filter, move |service, role| policy.configuration(service, role)).start().unwrap()
}

#[test]
fn claims_are_read_by_their_types() {
    let claim = "metadata.filter_metadata['envoy.filters.http.jwt_authn']['jwt_payload']";
    let mesh = gateway(&CLAIMS.replace("CLAIM", claim), "claims.example");
    let send = |claims: Value| {
        let token = mesh.signer().token(&claims);
        mesh.send(&mesh.gateway(), get("/").header("authorization", format!("Bearer {token}"))).unwrap()
    };
    for (claims, status) in [
        (json!({}), 200),
        (json!({"suspended": true}), 403),
        (json!({"suspended": "true"}), 403),
        (json!({"suspended": false}), 200),
        (json!({"suspended": null}), 200),
        (json!({"suspended": 1}), 200),
        // A value that is not text is an error, and a deny rule that fails denies.
        (json!({"suspended": ["true"]}), 403),
        (json!({"suspended": {"since": "today"}}), 403),
        (json!({"suspended": 9_007_199_254_740_993_u64 * 2}), 403),
    ] {
        assert_eq!(send(claims.clone()).status, status, "{claims}");
    }
    let response = send(json!({"level": 5, "address": {"city": "Zürich"}, "roles": ["a"]}));
    assert_eq!(saw(&response, "back", "x-level"), "5");
    assert_eq!(saw(&response, "back", "x-city"), "Zürich");
    assert_no_trap(&mesh);
}

/// The same claims, declared in the mesh: lists are lists, and a wrong type is an error.
const TYPED_CLAIMS: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: claims}
spec:
  trustDomain: claims.example
  identity: /ns/default/sa/{service}
  gateways: [edge]
  domains:
    all: {services: [edge, back]}
  claims:
    source: envoy
    types:
      suspended: bool
      level: int
      roles: list<string>
      city: {type: string, path: [address, city]}
      limits: map<string, int>
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: all}
spec:
  fields:
    level: {type: int, header: x-level}
    city: {type: string, header: x-city}
    roles: {type: list<string>, header: x-roles}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: claims, domain: all}
spec:
  workloads: [edge]
  rules:
    - {name: suspended, when: "has(claims.suspended) && claims.suspended", deny: {message: suspended}}
    - {name: low, when: "has(claims.level) && claims.level < 3", deny: {status: 402}}
    - {name: admin, when: "has(claims.roles) && 'admin' in claims.roles", deny: {status: 418}}
    - {name: limit, when: "has(claims.limits) && claims.limits['calls'] == 0", deny: {status: 429}}
    - {name: level, when: "has(claims.level)", set: {level: claims.level}}
    - {name: city, when: "has(claims.city)", set: {city: claims.city}}
    - {name: roles, when: "has(claims.roles)", set: {roles: claims.roles}}
"#;

#[test]
fn claims_have_the_types_that_the_mesh_declares() {
    let mesh = gateway(TYPED_CLAIMS, "claims.example");
    let send = |claims: Value| {
        let token = mesh.signer().token(&claims);
        mesh.send(&mesh.gateway(), get("/").header("authorization", format!("Bearer {token}"))).unwrap()
    };
    for (claims, status) in [
        (json!({}), 200),
        (json!({"suspended": true}), 403),
        (json!({"suspended": false}), 200),
        (json!({"suspended": null}), 200),
        (json!({"level": 2}), 402),
        (json!({"level": 3}), 200),
        (json!({"roles": ["admin"]}), 418),
        (json!({"roles": ["not-admin", "administrator"]}), 200),
        (json!({"roles": []}), 200),
        (json!({"limits": {"calls": 0}}), 429),
        (json!({"limits": {"calls": 1}}), 200),
        // A type other than the declared one is an error, and a deny rule that fails denies.
        (json!({"suspended": "false"}), 403),
        (json!({"level": "9"}), 402),
        (json!({"level": 3.5}), 402),
        (json!({"roles": "admin"}), 418),
        (json!({"limits": {"other": 1}}), 429),
    ] {
        assert_eq!(send(claims.clone()).status, status, "{claims}");
    }
    let response = send(json!({"level": 5, "address": {"city": "Zürich"}, "roles": ["a", "b"]}));
    assert_eq!(saw(&response, "back", "x-level"), "5");
    assert_eq!(saw(&response, "back", "x-city"), "Zürich");
    assert_eq!(saw(&response, "back", "x-roles"), "[\"a\",\"b\"]");
    assert_no_trap(&mesh);
}

/// A gateway whose rules read paths.
const PATHS: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: paths}
spec:
  trustDomain: paths.example
  identity: /ns/default/sa/{service}
  gateways: [edge]
  domains:
    all: {services: [edge, back]}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: paths, domain: all}
spec:
  workloads: [edge]
  rules:
    - {name: admin, when: "request.url_path.startsWith('/admin')", deny: {message: no}}
"#;

#[test]
fn a_path_is_one_path_behind_the_gateway() {
    let mesh = gateway(PATHS, "paths.example");
    for (path, status) in [
        ("/shop", 200),
        ("/admin", 403),
        ("//admin", 403),
        ("/shop/..//admin/", 403),
        ("/shop/../admin", 403),
        ("/./admin", 403),
        ("/shop/%2e%2e/admin", 403),
        ("/%61dmin", 403),
        ("/%2Fadmin", 307),
        ("/shop%2F..%2Fadmin", 307),
        ("/shop%5C..%5Cadmin", 307),
    ] {
        let response = mesh.send(&mesh.gateway(), get(path)).unwrap();
        assert_eq!(response.status, status, "{path}: {}", response.text());
        if status == 307 {
            let to = response.header("location").unwrap();
            assert!(to.ends_with("/admin"), "{path}: {to}");
        }
    }
    assert_no_trap(&mesh);
}

/// Paths with several readings that the proxy does not normalise.
#[test]
fn a_path_with_several_readings_is_refused_where_rules_read_paths() {
    let policy = &PATHS[PATHS.rfind("---").unwrap()..].replace("edge", "back");
    let reading = pair(policy);
    for (path, status) in [
        ("/shop", 200),
        ("/shop?next=//admin;x", 200),
        ("/caf%C3%A9", 200),
        // The proxy resolves these before the filter.
        ("/shop;/../admin", 403),
        ("/admin;x=1", 400),
        ("/x;/admin", 400),
        ("/shop%00", 400),
        ("/shop%", 400),
    ] {
        let response = reading.send(&peer(&reading, "back"), get(path)).unwrap();
        assert_eq!(response.status, status, "{path}: {}", response.text());
    }
    assert!(counter(&reading, "back", "path_ambiguous") >= 3);
    assert_no_trap(&reading);
    // Rules that do not read the path, and a mesh with the setting to allow it, let them through.
    let other = pair("");
    assert_eq!(other.send(&peer(&other, "back"), get("/admin;x=1")).unwrap().status, 200);
    let ignoring = pair_with(
        &format!("{MESH}{policy}").replace("\nspec:\n  trustDomain", "\nspec:\n  ambiguousPath: ignore\n  trustDomain"),
        1,
    );
    // Both readings of the path must be allowed.
    for (path, status) in [
        ("/shop;x=1", 200),
        ("/caf%25C3%25A9", 200),
        ("/shop/..;/shop", 200),
        ("/admin;x=1", 403),
        ("/x;/..;/admin", 403),
        ("/%2561dmin", 403),
        ("/shop/..;/admin", 403),
    ] {
        assert_eq!(ignoring.send(&peer(&ignoring, "back"), get(path)).unwrap().status, status, "{path}");
    }
    // Envoy resolves the others before the filter.
    assert_eq!(counter(&ignoring, "back", "path_ambiguous"), 1);
}

#[test]
fn a_path_is_one_path_at_a_sidecar() {
    let mesh = pair(&PATHS[PATHS.rfind("---").unwrap()..].replace("edge", "back"));
    for (path, status) in
        [("/shop", 200), ("/admin", 403), ("//admin", 403), ("/shop/..//admin", 403), ("/%61dmin", 403)]
    {
        assert_eq!(send(&mesh, get(path), false).0.status, status, "{path}");
    }
    // The same for calls, to which the rules of the caller apply.
    let rules =
        PATHS[PATHS.rfind("---").unwrap()..].replace("workloads: [edge]", "workloads: [front]\n  direction: outbound");
    let mesh = pair(&rules);
    let calls = mesh.outbound("front", "back").unwrap();
    for (path, status) in [("/shop", 200), ("/admin", 403), ("//admin", 403), ("/shop/../admin", 403)] {
        assert_eq!(mesh.send(&calls, get(path)).unwrap().status, status, "{path}");
    }
}

#[test]
fn a_header_with_an_underscore_is_refused_at_the_gateway() {
    let mesh = gateway(PATHS, "paths.example");
    let response = mesh.send(&mesh.gateway(), get("/").header("x_role", "admin")).unwrap();
    assert_eq!(response.status, 400);
    // In HTTP/2 the result is no answer, or a refusal.
    let answer = mesh.send(&mesh.gateway().http2(), get("/").header("x_role", "admin"));
    assert!(answer.is_err() || answer.is_ok_and(|response| response.status == 400));
    assert_eq!(mesh.send(&mesh.gateway().http2(), get("/")).unwrap().status, 200);
}

/// Sends bytes to the gateway. Returns the beginning of the answer; empty if the connection is closed without one.
fn answer_to(mesh: &Mesh, bytes: &[u8]) -> String {
    let endpoint = mesh.gateway();
    block_on(async {
        let mut stream = open_stream(&endpoint).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).await.unwrap_or_default();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    })
}

#[test]
fn what_http_parsers_read_in_two_ways_is_refused_at_the_gateway() {
    let mesh = gateway(PATHS, "paths.example");
    for (what, request, expected) in [
        ("a plain request", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
        ("a space before the colon", "GET / HTTP/1.1\r\nhost: a\r\nx-role : admin\r\n\r\n", "400"),
        ("a name that is no token", "GET / HTTP/1.1\r\nhost: a\r\nx\u{e9}role: admin\r\n\r\n", "400"),
        ("a null in a value", "GET / HTTP/1.1\r\nhost: a\r\nx-role: a\0b\r\n\r\n", "400"),
        ("two lengths", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", "400"),
        (
            "a length beside chunks",
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "400",
        ),
        ("a fragment", "GET /shop#/admin HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
    ] {
        let answer = answer_to(&mesh, request.as_bytes());
        assert_eq!(answer.split(' ').nth(1), Some(expected), "{what}: {answer}");
    }
    // A folded line is joined into one before any filter reads it.
    let answer = answer_to(&mesh, b"GET / HTTP/1.1\r\nhost: a\r\nx-odd: a\r\n admin\r\n\r\n");
    assert!(answer.contains(r#""x-odd":"a admin""#), "{answer}");
    // Trailers of HTTP/1.1 are not forwarded.
    let chunked: &[u8] = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-odd\r\n\r\n1\r\na\r\n0\r\nx-odd: 1\r\n\r\n";
    let answer = answer_to(&mesh, chunked);
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("trailers"), "{answer}");
    // Two hosts are joined into one as well.
    let answer = answer_to(&mesh, b"GET /hosts HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let authority = |service| {
        let lines = mesh.access_log_when(service, |lines| lines.iter().any(|line| line["path"] == "/hosts")).unwrap();
        lines.iter().find(|line| line["path"] == "/hosts").unwrap()["authority"].clone()
    };
    assert_eq!(authority("edge"), authority("back"));
    assert_no_trap(&mesh);
}

#[test]
fn json_that_is_read_in_two_ways_is_no_value() {
    let mesh = pair(&RULES.replace("    role: {", "    claims: {type: json, header: x-claims}\n    role: {"));
    for value in [
        r#"{"claims":{"admin":true,"admin":false}}"#,
        r#"{"claims":[{"admin":true,"\u0061dmin":false}]}"#,
        r#"{"claims":"\ud800"}"#,
        r#"{"claims":"a\u0000b"}"#,
    ] {
        let (response, report) = send(&mesh, get("/").header("x-mesh-context", value), false);
        assert_eq!(response.status, 200, "{value}");
        assert_eq!(saw(&response, "back", "x-claims"), Value::Null, "{value}");
        assert_eq!(report["problems"], json!(["claims: ambiguous"]), "{value}");
    }
    let (response, _) = send(&mesh, get("/").header("x-claims", r#"{"admin":{"admin":true}}"#), false);
    assert_eq!(saw(&response, "back", "x-claims"), r#"{"admin":{"admin":true}}"#);
}

#[test]
fn older_kinds_of_baggage_bring_no_fields() {
    let mesh = mesh();
    let request = get("/")
        .header("correlation-context", "role=admin,color=blue")
        .header("x-kept", "1")
        .header("uberctx-role", "admin");
    let (response, report) = send(&mesh, request, false);
    assert_eq!(response.status, 200);
    let problems = report["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{report}");
    assert_eq!(response.hop("back").unwrap()["others"], json!({"correlation-context": "color=blue"}));
}

#[test]
fn what_a_rule_reads_of_the_request_line_is_not_overridden() {
    let rules = "    - {name: reads, when: \"request.method == 'DELETE'\", deny: {message: no}}\n";
    let mesh = pair(&format!("{RULES}{rules}"));
    let request = get("/").header("x-http-method-override", "DELETE").header("x_http_method", "DELETE");
    let (response, _) = send(&mesh, request.header("x-original-url", "/other"), false);
    assert_eq!(response.status, 200);
    for name in ["x-http-method-override", "x_http_method"] {
        assert_eq!(saw(&response, "back", name), Value::Null, "{name}");
    }
    assert_eq!(saw(&response, "back", "x-original-url"), "/other", "no rule reads the path");
}

#[test]
fn a_header_that_connection_names_is_seen_by_both_or_by_none() {
    let mesh = mesh();
    let role = get("/").header("x-role", "user").header("connection", "x-role");
    let (response, report) = send(&mesh, role, false);
    let decided = report["fields"].as_array().is_some_and(|fields| fields.contains(&json!("role")));
    let seen = response.status == 200 && saw(&response, "back", "x-role") == "user";
    assert_eq!(decided, seen, "{report}: {}", response.text());
    // Either the rule on this header sees it, or no application does.
    let (response, _) = send(&mesh, get("/").header("x-plan", "gold").header("connection", "x-plan"), false);
    assert!(response.status == 403 || saw(&response, "back", "x-plan") == Value::Null, "{}", response.text());
}
