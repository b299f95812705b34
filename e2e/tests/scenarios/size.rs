//! Contexts of the largest allowed size, and larger ones.

use crate::support::*;

/// Returns text that cannot be compressed.
fn noise(bytes: usize) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = 1_u64;
    let letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[usize::try_from(state >> 33).unwrap() % LETTERS.len()])
    };
    std::iter::repeat_with(letter).take(bytes).collect()
}

#[test]
fn what_a_sidecar_can_read_it_can_send_on() {
    let mesh = pair("");
    let context = format!(r#"{{"tenant_id":"t1","user_id":"u1","blob":"{}"}}"#, noise(16_384 - 49));
    assert!((16_300..=16_384).contains(&context.len()), "{}", context.len());
    let response = mesh.send(&peer(&mesh, "front"), get("/").header("x-mesh-context", context)).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    assert_eq!(saw(&response, "back", "x-user-id"), "u1");
    let fields = report(&mesh, "back", "inbound")["fields"].as_array().unwrap().len();
    assert_eq!(fields, 4, "tenant, user, blob, caller");
    for name in ["attach_failed", "field_dropped", "carrier_invalid"] {
        assert_eq!((counter(&mesh, "front", name), counter(&mesh, "back", name)), (0, 0), "{name}");
    }
}

#[test]
fn an_undeclared_field_gives_way_to_a_protected_one_and_is_counted() {
    let mesh = pair("");
    let context = format!(r#"{{"tenant_id":"t1","blob":"{}"}}"#, noise(15_000));
    let user = noise(3000);
    let request = get(&format!("/?send.front=x-user-id:{user}")).header("x-mesh-context", context);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(saw(&response, "back", "x-tenant-id"), "t1");
    assert_eq!(saw(&response, "back", "x-user-id"), user);
    assert_eq!(counter(&mesh, "front", "field_dropped"), 1);
    assert_eq!(report(&mesh, "front", "outbound")["problems"][0], "blob: does-not-fit");
}

#[test]
fn a_call_whose_protected_fields_do_not_fit_is_refused() {
    let mesh = pair("");
    let context = format!(r#"{{"tenant_id":"{}"}}"#, noise(9000));
    let request = get(&format!("/?send.front=x-user-id:{}", noise(9000))).header("x-mesh-context", context);
    let response = mesh.send(&peer(&mesh, "front"), request).unwrap();
    let answer = response.json().unwrap();
    assert_eq!(answer["downstream_status"], 431, "{answer}");
    assert_eq!(answer["downstream"], "the context of the request is too large");
    let report = report(&mesh, "front", "outbound");
    assert_eq!((&report["rule"], &report["status"]), (&"mesh context size".into(), &431.into()));
}
