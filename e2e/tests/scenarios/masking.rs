//! `mask`: the replacement of a value, which services can compare pseudonyms, and the behaviour without a secret.

use context_mesh_e2e::client::Response;
use context_mesh_e2e::mesh::{Mesh, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};
use serde_json::{Value, json};

use crate::support::*;

/// Three domains: `front` calls two services of one and the service of another.
const DOMAINS: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: masks}
spec:
  trustDomain: masks.example
  identity: /ns/default/sa/{service}
  domains:
    home: {services: [front, client]}
    store: {services: [cart, till]}
    bank: {services: [ledger]}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields}
spec:
  fields:
    card: {type: string, classification: financial, baggage: true, header: x-card}
    email: {type: string, classification: pii, baggage: true, header: x-email}
    user: {type: string, classification: pii, baggage: true, header: x-user}
    groups: {type: list<string>, header: x-groups}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: masks}
spec:
"#;

const RULES: &str = r"
  rules:
    - {name: cards, mask: {classification: [financial], keepLast: 4}}
    - {name: people, mask: {fields: [email, groups], with: hash}}
    - {name: users, mask: {fields: [user], with: pseudonym}}
";

/// For the calls of `front`.
const OUTBOUND: &str = "  workloads: [front]\n  direction: outbound";
/// For inbound requests of each service that `front` calls.
const INBOUND: &str = "  workloads: [cart, till, ledger]\n  direction: inbound";

const CONTEXT: &str = r#"{"card":"4111111111111111","email":"a@b.example","user":"u1","groups":["a","b"]}"#;
const FIELDS: [&str; 4] = ["x-card", "x-email", "x-groups", "x-user"];
const CALLEES: [&str; 3] = ["cart", "till", "ledger"];
// From `printf '%s' VALUE | sha256sum`, the first 16 bytes.
const EMAIL: &str = "sha256:ebb18a030bf15174f5714e24d63af1a8";
const GROUPS: &str = r#"["sha256:ca978112ca1bbdcafac231b39a23dc4d","sha256:3e23e8160039594a33894f6564e1b134"]"#;

/// Returns the mesh, not started, with [`RULES`] for the calls or the requests of these workloads.
fn masks(place: &str) -> MeshBuilder {
    let policy = Policy::from_text(&format!("{DOMAINS}{place}{RULES}")).unwrap();
    // The hash of an email has no key, and the compiler warns about it. There are no other warnings.
    let warnings: Vec<&str> = policy.warnings.lines().filter(|line| line.starts_with("warning")).collect();
    let expected = "warning[CM0314]: the hash of `email` can be undone by hashing all values that there may be";
    assert_eq!(warnings, [expected]);
    MeshBuilder::new("masks.example")
        .service("front", &CALLEES)
        .service("cart", &[])
        .service("till", &[])
        .service("ledger", &[])
        .filter(policy::filter().unwrap(), move |service, role| policy.configuration(service, role))
}

/// Returns the answer to a request to `front` with the whole context, whose application additionally sends this.
fn send(mesh: &Mesh, sent: &str) -> Response {
    let request = get(&format!("/{sent}")).header("x-mesh-context", CONTEXT);
    let response = mesh.send(&peer(mesh, "front"), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    response
}

/// Returns the fields as the application of a service saw them.
fn fields(response: &Response, service: &str) -> [Value; 4] {
    FIELDS.map(|header| saw(response, service, header))
}

/// Returns the pseudonym of the user, as a service saw it.
fn user(response: &Response, service: &str) -> String {
    let user = saw(response, service, "x-user").as_str().unwrap().to_owned();
    let digits = user.strip_prefix("psn:").unwrap();
    assert!(digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{user}");
    user
}

/// Checks that every callee only saw masked values, and that the user's pseudonym is that of its domain.
fn assert_masked(response: &Response) {
    for service in CALLEES {
        let [card, email, groups, _] = fields(response, service);
        assert_eq!([card, email, groups], [json!("************1111"), json!(EMAIL), json!(GROUPS)], "{service}");
        let seen = response.hop(service).unwrap()["saw"].to_string();
        assert!(!seen.contains("41111") && !seen.contains("b.example") && !seen.contains("u1"), "{seen}");
    }
    assert_eq!(user(response, "cart"), user(response, "till"), "services of one domain may compare");
    assert_ne!(user(response, "cart"), user(response, "ledger"), "services of two domains may not");
}

#[test]
fn values_leave_masked_and_a_pseudonym_is_that_of_the_domain_that_is_called() {
    let mesh = masks(OUTBOUND).start().unwrap();
    let whole = [json!("4111111111111111"), json!("a@b.example"), json!(r#"["a","b"]"#), json!("u1")];
    // The application additionally sends the values itself, which changes nothing.
    let forwards = "?send.front=x-user:u1&send.front=baggage:user%3Du1&send.front=x-card:4111111111111111";
    let answers = ["", forwards].map(|sent| send(&mesh, sent));
    for response in &answers {
        assert_eq!(fields(response, "front"), whole);
        assert_masked(response);
    }
    assert_eq!(user(&answers[0], "cart"), user(&answers[1], "cart"));
    let report = report(&mesh, "front", "outbound");
    assert_eq!(report["masked"], json!(["card", "email", "groups", "user"]));
    assert_eq!(report["rules"], json!(["enterprise/masks/cards", "enterprise/masks/people", "enterprise/masks/users"]));
    assert_eq!(counter(&mesh, "front", "mask_failed"), 0);
    assert_no_trap(&mesh);
}

#[test]
fn values_arrive_masked_and_each_sidecar_makes_the_pseudonym_of_its_own_domain() {
    let (incoming, outgoing) = (masks(INBOUND).start().unwrap(), masks(OUTBOUND).start().unwrap());
    let response = send(&incoming, "");
    assert_masked(&response);
    assert_eq!(report(&incoming, "ledger", "inbound")["masked"], json!(["card", "email", "groups", "user"]));
    // The result does not depend on the service that masks, only on the one that sees the value.
    let masked_by_front = send(&outgoing, "");
    for service in CALLEES {
        assert_eq!(user(&response, service), user(&masked_by_front, service), "{service}");
    }
    // Another mesh has another secret.
    let other = masks(INBOUND).pseudonym_secret(Some("another-secret-of-a-mesh")).start().unwrap();
    assert_ne!(user(&response, "cart"), user(&send(&other, ""), "cart"));
    assert_no_trap(&incoming);
}

#[test]
fn without_a_secret_what_should_become_a_pseudonym_is_gone() {
    let mesh = masks(OUTBOUND).pseudonym_secret(None).start().unwrap();
    let response = send(&mesh, "");
    assert_eq!(saw(&response, "front", "x-user"), "u1");
    for service in CALLEES {
        assert_eq!(fields(&response, service), [json!("************1111"), json!(EMAIL), json!(GROUPS), Value::Null]);
    }
    assert_eq!(counter(&mesh, "front", "mask_failed"), 3, "one for each call");
    let report = report(&mesh, "front", "outbound");
    assert_eq!(report["masked"], json!(["card", "email", "groups"]));
    assert_eq!((&report["redacted"], &report["problems"]), (&json!(["user"]), &json!(["user: cannot-be-masked"])));
    assert_no_trap(&mesh);
}

#[test]
fn a_secret_that_is_too_short_is_refused() {
    for short in ["", "fifteen-bytes-!"] {
        let error = masks(OUTBOUND).pseudonym_secret(Some(short)).start().unwrap_err().to_string();
        let reason = "configuration refused: the variable CONTEXT_MESH_PSEUDONYM_KEY has fewer than 16 bytes";
        assert!(error.contains(reason), "{error}");
        assert!(short.is_empty() || !error.contains(short), "the secret is not shown: {error}");
    }
}
