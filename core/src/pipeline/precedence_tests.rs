//! Which of several effects on one field counts, and which rule the report names for it.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn keep_last(kept: u16) -> Effect {
    Effect::Mask { fields: vec!["user".into()], method: MaskMethod::KeepLast(kept) }
}

fn mask(method: MaskMethod) -> Effect {
    Effect::Mask { fields: vec!["user".into()], method }
}

fn redact() -> Effect {
    Effect::Redact { fields: vec!["user".into()] }
}

/// What the report says of the fields, and what the application sees of `user`.
fn outcome(rules: &[RuleTable], user: &str) -> (Vec<String>, Vec<String>, Vec<(String, String)>, Option<String>) {
    let mut tables = tables();
    rules.iter().for_each(|rule| add_inbound(&mut tables, "a", rule.clone()));
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-user", user)]);
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let by = plan.report.by.iter().map(|(field, rule)| ((*field).to_owned(), (*rule).to_owned())).collect();
    // No edit: the header stays as it came.
    let seen = edits(&plan).get("x-user").cloned().unwrap_or_else(|| Some(user.to_owned()));
    (owned(&plan.report.redacted), owned(&plan.report.masked), by, seen)
}

#[test]
fn a_redaction_wins_over_masks_and_of_masks_the_strictest() {
    use MaskMethod::{Hash, KeepLast, Pseudonym};
    // By `printf 1234 | sha256sum`.
    let hash = "sha256:03ac674216f3e15c761ee1a5e255f067";
    let cases: &[(&[Effect], &str, &str)] = &[
        (&[keep_last(2)], "r0 masked", "**34"),
        (&[keep_last(2), redact()], "r1 took out", ""),
        (&[redact(), keep_last(2)], "r0 took out", ""),
        (&[redact(), mask(Hash), redact()], "r0 took out", ""),
        (&[keep_last(1), keep_last(3)], "r0 masked", "***4"),
        (&[keep_last(3), keep_last(1)], "r1 masked", "***4"),
        (&[keep_last(1), keep_last(1)], "r0 masked", "***4"),
        (&[mask(KeepLast(0)), mask(Hash)], "r1 masked", hash),
        (&[mask(Hash), mask(KeepLast(0)), mask(Hash)], "r0 masked", hash),
        // Without a secret there is no pseudonym: the strictest method counts all the same, so nothing is shown.
        (&[mask(Hash), mask(Pseudonym)], "r1 took out", ""),
    ];
    for (effects, expected, shown) in cases {
        let rules: Vec<RuleTable> =
            effects.iter().enumerate().map(|(place, effect)| rule(&format!("r{place}"), effect.clone())).collect();
        let (redacted, masked, by, seen) = outcome(&rules, "1234");
        let (who, what) = expected.split_once(' ').unwrap();
        let (taken, left): (&[&str], &[&str]) = if what == "masked" { (&[], &["user"]) } else { (&["user"], &[]) };
        assert_eq!((redacted.as_slice(), masked.as_slice()), (&owned(taken)[..], &owned(left)[..]), "{effects:?}");
        assert_eq!(by, [("user".to_owned(), who.to_owned())], "{effects:?}");
        assert_eq!(seen.unwrap_or_default(), *shown, "{effects:?}");
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn layers_and_names_do_not_change_what_counts() {
    let of = |layer, name, effect| RuleTable { layer, ..rule(name, effect) };
    for (enterprise, domain, winner) in
        [(keep_last(2), redact(), "d"), (redact(), keep_last(2), "e"), (keep_last(2), keep_last(0), "d")]
    {
        let rules = [of(Layer::Enterprise, "e", enterprise), of(Layer::Domain, "d", domain)];
        for rules in [rules.to_vec(), rules.iter().rev().cloned().collect()] {
            let (.., by, _) = outcome(&rules, "1234");
            assert_eq!(by, [("user".to_owned(), winner.to_owned())], "{rules:?}");
        }
    }
}

#[test]
fn a_field_that_is_not_there_is_reported_by_nobody() {
    let mut tables = tables();
    add_inbound(&mut tables, "a", rule("redact", redact()));
    add_inbound(&mut tables, "a", rule("mask", mask(MaskMethod::Hash)));
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-tenant", "t1")]);
    assert_eq!((plan.report.rules.as_slice(), plan.report.by.as_slice()), (&["redact", "mask"][..], &[][..]));
    assert!(!plan.report.to_text().contains(" by="));
}

#[test]
fn the_report_writes_the_rule_of_each_field() {
    let mut tables = tables();
    add_inbound(&mut tables, "a", rule("e/p/mask", mask(MaskMethod::KeepLast(1))));
    add_inbound(&mut tables, "a", rule("e/p/redact", Effect::Redact { fields: vec!["tenant".into(), "user".into()] }));
    let hop = Hop::new(&tables, "a", PEER_B);
    let plan = hop.run(Role::Inbound, &[TRACE, ("x-tenant", "t1"), ("x-user", "u1")]);
    let text = plan.report.to_text();
    assert!(text.contains(" redacted=tenant,user by=tenant:e/p/redact,user:e/p/redact "), "{text}");
    assert!(!text.contains("masked"), "{text}");
}
