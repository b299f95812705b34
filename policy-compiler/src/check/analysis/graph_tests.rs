//! Who may call whom, and where fields flow, in a mesh with a gateway and two domains.

use super::testing::{Tree, policy};
use super::{Taken, Verdict, field_flow, reachability};

fn tree() -> Tree {
    let guard = policy(
        "guard",
        Some("payments"),
        "[ledger]",
        &[
            "{name: shop-only, when: \"peer.domain != 'shop'\", deny: {}}".to_owned(),
            "{name: not-the-gate, when: \"peer.service == 'gate'\", deny: {}}".to_owned(),
            "{name: front-reads, when: \"peer.service == 'front' && request.method != 'GET'\", deny: {}}".to_owned(),
            "{name: names, when: \"peer.service == 'cart'\", redact: [name]}".to_owned(),
            "{name: shadow, enforcement: shadow, deny: {}}".to_owned(),
        ],
    );
    let out = policy(
        "out",
        Some("shop"),
        "[front]\n  direction: outbound",
        &[
            "{name: ids, when: \"destination.domain == 'payments'\", mask: {fields: [name], with: hash}}".to_owned(),
            "{name: tiers, when: \"destination.region == 'eu' && context.beta\", onError: ignore, redact: [tier]}"
                .to_owned(),
            "{name: no-carts, when: \"destination.service == 'cart'\", deny: {}}".to_owned(),
        ],
    );
    let lists = policy(
        "lists",
        Some("shop"),
        "[gate]",
        &["{name: callers, when: \"peer.service in ['front']\", allow: true}".to_owned()],
    );
    Tree::new(&format!("{guard}{out}{lists}"))
}

#[test]
fn who_may_call_whom() {
    let tree = tree();
    let name = |index: usize| tree.model.directory.services[index].name.as_str();
    let short =
        |rules: &[String]| rules.iter().map(|rule| rule.rsplit('/').next().unwrap()).collect::<Vec<_>>().join(" ");
    let found: Vec<String> = reachability(&tree.model, &tree.programs)
        .iter()
        .map(|reach| {
            let verdict = match reach.verdict() {
                Verdict::Allowed => "passes".to_owned(),
                Verdict::Denied(by) => format!("denied by {}", short(&by)),
                Verdict::Conditional(by) => format!("depends on {}", short(&by)),
            };
            format!("{} -> {}: {verdict}", name(reach.from), name(reach.to))
        })
        .collect();
    let expected = [
        "cart -> front: passes",
        "cart -> gate: denied by callers",
        "cart -> ledger: passes",
        "front -> cart: denied by no-carts",
        "front -> gate: passes",
        "front -> ledger: depends on front-reads",
        // A gateway has only inbound rules, so they decide about what goes on from it.
        "gate -> cart: depends on callers",
        "gate -> front: depends on callers",
        "gate -> ledger: denied by not-the-gate",
        "ledger -> cart: passes",
        "ledger -> front: passes",
        "ledger -> gate: denied by callers",
    ];
    assert_eq!(found, expected);
}

#[test]
fn where_fields_flow() {
    let mut tree = tree();
    let service = |tree: &Tree, name: &str| tree.model.directory.service(name).unwrap();
    let field = |tree: &Tree, name: &str| tree.model.fields.iter().position(|field| field.table.name == name).unwrap();
    let id = field(&tree, "id");
    tree.model.fields[id].table.residency = vec!["us".to_owned()];
    let (front, cart, ledger) = (service(&tree, "front"), service(&tree, "cart"), service(&tree, "ledger"));
    let flows = field_flow(&tree.model, &tree.programs, &[(front, ledger), (cart, ledger), (cart, front)]);
    let flow = |from: usize, to: usize, name: &str| {
        let field = field(&tree, name);
        flows.iter().find(|flow| (flow.from, flow.to, flow.field) == (from, to, field)).unwrap()
    };
    assert!(matches!(&flow(front, ledger, "name").masked, Taken::Always(by) if by == &["shop/out/ids"]));
    assert_eq!(flow(front, ledger, "name").redacted, Taken::Never);
    assert!(matches!(&flow(front, ledger, "tier").redacted, Taken::Sometimes(by) if by == &["shop/out/tiers"]));
    assert!(matches!(&flow(cart, ledger, "name").redacted, Taken::Always(by) if by == &["payments/guard/names"]));
    assert!(flow(front, ledger, "id").kept_in_region && !flow(cart, front, "id").kept_in_region);
    assert!(flow(cart, front, "name").may_pass() && !flow(cart, ledger, "name").may_pass());
    assert_eq!(flows.len(), 3 * tree.model.fields.len());
}
