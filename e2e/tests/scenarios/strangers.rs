//! Baggage among libraries that are not ours: their keys, their escapes, their mistakes.

use context_mesh_e2e::client::Request;
use serde_json::json;

use crate::support::*;

const FIELDS: &str = r#"
    session: {type: string, header: x-session, baggage: session.id, origin: [client]}
    plan: {type: string, header: x-plan, immutable: true, origin: [client]}
    silent: {type: string, header: x-silent, baggage: false, origin: [client]}
"#;

fn tree() -> String {
    format!("{MESH}{FIELDS}")
}

fn send(baggage: &str) -> (Vec<serde_json::Value>, serde_json::Value, Vec<String>) {
    let mesh = pair_with(&tree(), 1);
    let response = mesh.send(&peer(&mesh, "back"), get("/").header("baggage", baggage)).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    let seen = ["x-session", "x-plan", "x-silent"].map(|header| saw(&response, "back", header)).to_vec();
    let problems = report(&mesh, "back", "inbound")["problems"].clone();
    let problems = problems.as_array().into_iter().flatten().filter_map(|one| one.as_str()).map(str::to_owned);
    let problems = problems.collect();
    assert_no_trap(&mesh);
    (seen, saw(&response, "back", "baggage"), problems)
}

#[test]
fn a_field_has_the_key_that_it_names_or_none() {
    let (seen, baggage, _) = send("session.id=s1,plan=gold,silent=no,session=other");
    assert_eq!(seen, [json!("s1"), json!("gold"), json!(null)]);
    let baggage = baggage.as_str().unwrap();
    assert!(baggage.contains("session.id=s1") && baggage.contains("plan=gold"), "{baggage}");
}

#[test]
fn a_broken_member_costs_itself_and_an_equal_one_nothing() {
    let (seen, _, problems) = send("session.id=%zz,plan=Pro%20Plus,plan=Pro%20Plus");
    assert_eq!(seen, [json!(null), json!("Pro Plus"), json!(null)]);
    assert_eq!(problems, ["session: malformed"]);
}

#[test]
fn members_of_others_use_up_nothing_of_ours() {
    let others: Vec<String> = (0..64).map(|n| format!("other{n}=1")).collect();
    let (seen, baggage, _) = send(&format!("{},session.id=s1", others.join(",")));
    assert_eq!(seen.first(), Some(&json!("s1")));
    assert!(baggage.as_str().unwrap().contains("session.id=s1"), "{baggage}");
}

/// The SDKs of Python and .NET write a space as `+`, and read one as a space.
#[test]
fn a_value_whose_spaces_came_back_as_plus_is_unchanged() {
    let mesh = pair_with(&tree(), 1);
    let arrives = get("/").header("baggage", "plan=Pro%20Plus%2B");
    let response = mesh.send(&peer(&mesh, "front"), arrives).unwrap();
    assert_eq!(saw(&response, "front", "x-plan"), "Pro Plus+");
    let calls = mesh.outbound("front", "back").unwrap();
    for baggage in ["plan=Pro+Plus%2B", "plan=Pro%20Plus%2B"] {
        let call = Request::get("/").header("traceparent", TRACE).header("baggage", baggage);
        let response = mesh.send(&calls, call).unwrap();
        assert_eq!(saw(&response, "back", "x-plan"), "Pro Plus+", "{baggage}");
    }
    assert_eq!(counter(&mesh, "front", "field_restored"), 0);
    assert_no_trap(&mesh);
}
