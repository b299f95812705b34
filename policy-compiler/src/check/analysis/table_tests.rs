//! Conditions and their findings.

use super::testing::{Tree, policy, quoted};

/// Returns the findings of deny rules with these conditions: the code, and the last part of the rule's name.
fn found_of(conditions: &[&str], options: &str) -> Vec<String> {
    let rules: Vec<String> = conditions
        .iter()
        .enumerate()
        .map(|(index, condition)| format!("{{name: r{index}, when: {}, {options}}}", quoted(condition)))
        .collect();
    codes(&policy("p", Some("payments"), "[ledger]", &rules))
}

fn codes(policies: &str) -> Vec<String> {
    let (diagnostics, _) = Tree::new(policies).findings();
    let rule =
        |message: &str| message.split('`').nth(1).and_then(|name| name.rsplit('/').next()).unwrap_or("").to_owned();
    let mut codes: Vec<String> =
        diagnostics.iter().map(|found| format!("{} {}", found.code, rule(&found.message))).collect();
    codes.sort();
    codes
}

const NEVER: &str = "CM0601 r0";
const ALWAYS: &str = "CM0602 r0";

#[test]
fn one_condition() {
    // Errors do not count, so only true conditions matter.
    let cases = [
        ("context.name == 'a' && context.name == 'b'", NEVER),
        ("context.name == 'a' && context.name != 'a'", NEVER),
        ("context.name == 'a' && context.name in ['b', 'c']", NEVER),
        ("context.name in ['a', 'b'] && context.name in ['b', 'c']", ""),
        ("context.name in ['a', 'b'] && !(context.name in ['a', 'b', 'c'])", NEVER),
        ("context.name == 'abc' && context.name.startsWith('b')", NEVER),
        ("context.name == 'abc' && context.name.endsWith('b')", NEVER),
        ("context.name == 'abc' && context.name.contains('bc')", ""),
        ("context.name == 'abc' && context.name.matches('^[0-9]+$')", NEVER),
        ("context.name == 'abc' && !context.name.matches('^[a-z]+$')", NEVER),
        ("context.name.startsWith('/a/') && context.name.startsWith('/b/')", NEVER),
        ("context.name.startsWith('/a/') && context.name.startsWith('/a/b/')", ""),
        ("context.name.startsWith('/a/b/') && !context.name.startsWith('/a/')", NEVER),
        ("context.name.endsWith('.x') && context.name.endsWith('.y')", NEVER),
        ("context.name.startsWith('ab') && !context.name.contains('b')", NEVER),
        ("context.name.matches('^a') && context.name.matches('^b')", NEVER),
        ("context.name.matches('^a') && context.name.matches('b$')", ""),
        ("context.name.startsWith('/x/') && context.name.matches('^/api/')", NEVER),
        ("context.name.matches('a') && !context.name.matches('a')", NEVER),
        ("context.tier == 'platinum'", NEVER),
        ("context.tier in ['platinum', 'gold']", ""),
        ("context.tier != 'gold' && context.tier != 'silver'", NEVER),
        ("context.id.startsWith('acme_')", NEVER),
        ("context.id.matches('^acme_')", NEVER),
        ("context.id == 'tenant_a'", ""),
        ("context.id == 'tenant_A'", NEVER),
        ("context.n > 3 && context.n < 4", NEVER),
        ("context.n > 3 && context.n < 5", ""),
        ("context.d > 3.0 && context.d < 4.0", ""),
        ("context.d > 3.0 && context.d < 3.0", NEVER),
        ("context.n >= 3 && context.n <= 3 && context.n != 3", NEVER),
        ("context.d == 1.0 && context.n == 1 && context.d < 1.5", ""),
        ("context.j == 1 && context.j == 1.0", ""),
        ("context.j == 1 && context.j == 1.5", NEVER),
        ("context.n in [1, 2] && context.n > 2", NEVER),
        ("context.n == 9007199254740993 && context.n == 9007199254740992", ""),
        ("context.beta && !context.beta", NEVER),
        ("!has(context.name) && context.name == 'a'", NEVER),
        ("has(context.name) || context.beta", ""),
        ("has(context.name) || !has(context.name)", ALWAYS),
        ("'a' in context.flags && !('a' in context.flags)", NEVER),
        ("'a' in context.flags && !('b' in context.flags)", ""),
        ("'broken' in context.modes", NEVER),
        ("context.j.k == 'a' && context.j.k == 'b'", NEVER),
        ("context.j == 'a' && context.j == 1", NEVER),
        ("size(context.flags) == 2 && size(context.flags) > 2", NEVER),
        ("size(context.flags) < 0", NEVER),
        ("request.headers['x-a'] == 'a' && !('x-a' in request.headers)", NEVER),
        ("request.method == 'GET' && request.method == 'POST'", NEVER),
        ("peer.domain == 'payment'", "CM0601 r0; CM0609 peer.domain"),
        ("peer.service == 'front' && peer.domain == 'payments'", NEVER),
        ("peer.service == 'front' && peer.region == 'us'", ""),
        ("peer.service == 'stranger' && peer.domain == ''", "CM0609 peer.service"),
        ("peer.service == 'stranger' && peer.domain == 'shop'", "CM0601 r0; CM0609 peer.service"),
        ("peer.domain == 'shop' && !(peer.service in ['front', 'cart', 'gate'])", NEVER),
        ("peer.domain in ['shop', 'payments', '']", ALWAYS),
        ("mesh.service == 'front'", NEVER),
        ("mesh.service == 'ledger'", ALWAYS),
        ("mesh.direction == 'outbound'", NEVER),
        ("mesh.service == 'ledger' && 'gdpr' in destination.frameworks", ALWAYS),
        ("!('gdpr' in destination.frameworks)", NEVER),
        // The cause is reported in place of the effect.
        ("destination.service == 'ledger' && 'gdpr' in destination.frameworks", "CM0614 destination.service"),
        ("destination.region == 'us'", "CM0614 destination.region"),
        ("context.?name.orValue('x') == 'y' && !has(context.name)", NEVER),
        ("context.?name.orValue('x') == 'x' || has(context.name)", ALWAYS),
        ("(has(context.name) ? context.name : 'x') == 'y' && !has(context.name)", NEVER),
        ("context.name == 'a' ? false : false", NEVER),
        ("context.flags.exists(f, f.startsWith('x')) && !context.flags.exists(f, f.startsWith('x'))", NEVER),
        ("context.flags.exists(f, f.startsWith('x')) && !context.flags.exists(f, f.startsWith('y'))", ""),
        ("context.name == context.id && context.name != context.id", NEVER),
        ("1 == 2", NEVER),
    ];
    for (condition, expected) in cases {
        let expected: Vec<&str> = expected.split("; ").filter(|found| !found.is_empty()).collect();
        assert_eq!(found_of(&[condition], "onError: ignore, deny: {}"), expected, "{condition}");
    }
}

#[test]
fn a_failing_condition_counts_where_the_rule_says_so() {
    let cases = [
        // Without the field the condition fails, and the rule applies.
        ("context.name == 'a' && context.name == 'b'", "deny: {}", vec!["CM0601 r0"]),
        ("context.name == 'a' || context.name != 'a'", "deny: {}", vec!["CM0602 r0"]),
        ("context.name == 'a' || context.name != 'a'", "onError: ignore, deny: {}", vec![]),
        ("context.name == 'a' || context.name != 'a'", "allow: true", vec![]),
        ("context.tier == 'gold' || context.tier == 'silver'", "redact: [name]", vec!["CM0602 r0"]),
        ("context.j.k", "deny: {}", vec![]),
        ("context.j.k && !context.j.k", "deny: {}", vec!["CM0601 r0"]),
        ("context.name == 'a' && context.name == 'b' && has(context.name)", "deny: {}", vec!["CM0601 r0"]),
    ];
    for (condition, options, expected) in cases {
        assert_eq!(found_of(&[condition], options), expected, "{condition} {options}");
    }
}

#[test]
fn two_denies() {
    let cases = [
        ("context.name == 'a'", "context.name == 'a'", "CM0603 r1"),
        ("context.name in ['a', 'b']", "context.name == 'a'", "CM0603 r1"),
        ("context.name == 'a'", "context.name in ['a', 'b']", "CM0603 r0"),
        ("context.name.startsWith('a')", "context.name == 'ab'", "CM0603 r1"),
        ("context.name.startsWith('a')", "context.name.startsWith('ab')", "CM0603 r1"),
        ("context.name.startsWith('ab')", "context.name.startsWith('a')", "CM0603 r0"),
        ("context.name == 'a'", "context.name == 'a' && context.n > 3", "CM0603 r1"),
        ("context.n > 3", "context.n > 4", "CM0603 r1"),
        ("context.n > 3", "context.n == 3", ""),
        ("context.name == 'a'", "context.name == 'b'", ""),
        ("context.name == 'a' || context.beta", "context.beta", "CM0603 r1"),
        ("peer.domain == 'shop'", "peer.service == 'front'", "CM0603 r1"),
        ("peer.service == 'front'", "peer.domain == 'shop'", "CM0603 r0"),
        ("peer.service == 'front'", "peer.domain != 'payments'", "CM0603 r0"),
        ("peer.service == 'front'", "peer.region == 'eu'", ""),
        ("peer.domain != 'shop'", "peer.service == 'ledger'", "CM0603 r1"),
        ("context.name.matches('^a')", "context.name == 'abc'", "CM0603 r1"),
        ("context.name.matches('^a')", "context.name.startsWith('ab')", ""),
        ("!has(context.name)", "!has(context.name) && context.n > 3", "CM0603 r1"),
        ("context.n > 3", "!has(context.n)", "CM0603 r1"),
        ("has(context.n) && context.n > 3", "!has(context.n)", ""),
        ("context.j.k == 'a'", "context.j.k == 'a' && context.beta", "CM0603 r1"),
    ];
    for (first, second, expected) in cases {
        let found = found_of(&[first, second], "deny: {}");
        let expected: Vec<&str> = if expected.is_empty() { Vec::new() } else { vec![expected] };
        assert_eq!(found, expected, "{first} | {second}");
    }
    // A header that is there may be unreadable: the first condition fails then, so it does not cover the second.
    let (readable, there) =
        ("request.headers['x-a'] == 'a' || request.headers['x-a'] != 'a'", "'x-a' in request.headers");
    assert_eq!(found_of(&[readable, there], "onError: ignore, deny: {}"), ["CM0603 r0"]);
}

#[test]
fn a_denial_that_answers_differently_is_not_covered() {
    let rule = |name: &str, condition: &str, status: u16| {
        format!("{{name: {name}, when: {}, deny: {{status: {status}}}}}", quoted(condition))
    };
    let (narrow, wide) = ("context.name == 'a'", "context.name in ['a', 'b']");
    let of = |rules: &[String]| codes(&policy("p", Some("payments"), "[ledger]", rules));
    // The first rule by name responds.
    assert!(of(&[rule("a", narrow, 401), rule("b", wide, 403)]).is_empty());
    assert_eq!(of(&[rule("a", narrow, 403), rule("b", wide, 403)]), ["CM0603 a"]);
    assert_eq!(of(&[rule("b", narrow, 401), rule("a", wide, 403)]), ["CM0603 b"]);
}

#[test]
fn layers_workloads_directions_and_shadow() {
    let deny = |options: &str| vec![format!("{{name: d, when: \"context.name == 'a'\", {options}deny: {{}}}}")];
    let enterprise = |workloads: &str, options: &str| policy("e", None, workloads, &deny(options));
    let domain = |workloads: &str, options: &str| policy("p", Some("shop"), workloads, &deny(options));
    let both = |one: String, other: String| codes(&format!("{one}{other}"));
    assert_eq!(both(enterprise("['*']", ""), domain("[front]", "")), ["CM0603 d"]);
    assert_eq!(both(enterprise("[front, cart]", ""), domain("[front]", "")), ["CM0603 d"]);
    assert!(both(enterprise("[front]", ""), domain("[front, cart]", "")).is_empty());
    assert!(both(enterprise("['*']", "enforcement: shadow, "), domain("[front]", "")).is_empty());
    assert!(both(enterprise("['*']", ""), domain("[front]", "enforcement: shadow, ")).is_empty());
    assert!(both(enterprise("['*']\n  direction: outbound", ""), domain("[front]", "")).is_empty());
    // A domain's rule never makes an enterprise rule redundant.
    let wide =
        policy("p", Some("shop"), "[front]", &["{name: d, when: \"context.name in ['a', 'b']\", deny: {}}".to_owned()]);
    assert!(both(enterprise("[front]", ""), wide).is_empty());
}

#[test]
fn allow_lists() {
    let allow = |condition: &str| format!("{{name: a, when: {}, allow: true}}", quoted(condition));
    let deny = |condition: &str| format!("{{name: d, when: {}, deny: {{}}}}", quoted(condition));
    let domain = |rules: &[String]| policy("p", Some("shop"), "[front]", rules);
    let enterprise = |rules: &[String]| policy("e", None, "['*']", rules);
    let cases = [
        (domain(&[allow("peer.domain == 'shop'")]), vec![]),
        (domain(&[allow("peer.domain == 'nowhere'")]), vec!["CM0601 a", "CM0605 front", "CM0609 peer.domain"]),
        (domain(&[allow("peer.service == 'cart'"), deny("peer.domain == 'shop'")]), vec!["CM0604 a", "CM0605 front"]),
        (
            domain(&[allow("peer.service == 'cart'")]) + &enterprise(&[deny("peer.domain == 'shop'")]),
            vec!["CM0604 a", "CM0605 front"],
        ),
        (
            domain(&[
                allow("peer.service == 'cart'"),
                "{name: b, when: context.beta, allow: true}".to_owned(),
                deny("peer.domain == 'shop'"),
            ]),
            vec!["CM0604 a"],
        ),
        // Each layer's list must be satisfied.
        (
            domain(&[allow("peer.service == 'cart'")])
                + &policy("e", None, "[front]", &[allow("peer.domain == 'payments'")]),
            vec!["CM0605 front"],
        ),
        (policy("e", None, "[front, cart]", &[allow("mesh.service == 'front'")]), vec!["CM0605 cart"]),
    ];
    for (policies, expected) in cases {
        assert_eq!(codes(&policies), expected, "{policies}");
    }
}

#[test]
fn fields_set_twice() {
    let set = |name: &str, condition: &str, value: &str| {
        format!("{{name: {name}, when: {}, set: {{name: {}}}}}", quoted(condition), quoted(value))
    };
    let cases = [
        ("context.tier == 'gold'", "context.tier == 'silver'", false),
        ("context.tier == 'gold'", "context.beta", true),
        ("peer.domain == 'shop'", "peer.service == 'ledger'", false),
        ("context.n < 3", "context.n >= 3", false),
        ("context.n <= 3", "context.n >= 3", true),
        ("has(context.id)", "!has(context.id)", false),
        ("request.path.startsWith('/a/')", "request.path.startsWith('/b/')", false),
    ];
    for (first, second, conflict) in cases {
        let expected: &[&str] = if conflict { &["CM0310 a"] } else { &[] };
        for order in [[0, 1], [1, 0]] {
            let rules = [set("a", first, "'x'"), set("b", second, "'y'")];
            let rules = order.map(|index: usize| rules[index].clone());
            assert_eq!(codes(&policy("e", None, "['*']", &rules)), expected, "{first} | {second}");
        }
    }
}

#[test]
fn an_incomplete_context_is_refused_first_where_the_mesh_says_so() {
    // No finding: a required field may be missing.
    assert!(found_of(&["has(context.name) && !has(context.id)"], "deny: {}").is_empty());
}

#[test]
fn findings_do_not_depend_on_the_order_of_rules() {
    let conditions =
        ["context.name == 'a'", "context.name in ['a', 'b']", "context.n > 1", "context.n > 2", "context.tier == 'x'"];
    let rules: Vec<String> = conditions
        .iter()
        .enumerate()
        .map(|(index, condition)| format!("{{name: r{index}, when: {}, deny: {{}}}}", quoted(condition)))
        .collect();
    let mut backwards = rules.clone();
    backwards.reverse();
    let sorted = |rules: &[String]| {
        let (found, _) = Tree::new(&policy("p", Some("payments"), "[ledger]", rules)).findings();
        let mut texts: Vec<(String, Vec<String>)> =
            found.iter().map(|d| (d.message.clone(), d.notes.clone())).collect();
        texts.sort();
        texts
    };
    assert_eq!(sorted(&rules).len(), 3);
    assert_eq!(sorted(&rules), sorted(&backwards));
}

/// Comparisons that look right but can be bypassed.
#[test]
fn comparisons_with_more_than_the_name_says_and_with_names_that_nobody_has() {
    let of = |condition: &str| -> Vec<String> {
        let found = found_of(&[condition], "onError: ignore, deny: {}");
        found
            .into_iter()
            .filter(|found| {
                ["CM0607", "CM0608", "CM0609", "CM0610", "CM0611"].iter().any(|code| found.starts_with(code))
            })
            .collect()
    };
    let cases = [
        ("request.path == '/internal/metrics'", "CM0607 request.path"),
        ("request.path != '/internal/metrics'", "CM0607 request.path"),
        ("request.path.endsWith('/export')", "CM0607 request.path"),
        ("request.path in ['/debug', '/x?y']", "CM0607 request.path"),
        ("request.headers[':path'] == '/debug'", "CM0607 request.path"),
        ("context.beta || request.path == '/debug'", "CM0607 request.path"),
        ("request.path == '/debug?x=1'", ""),
        ("request.path.startsWith('/debug')", ""),
        ("request.path.contains('/debug')", ""),
        ("request.url_path == '/debug'", ""),
        ("source.address == '10.0.0.1'", "CM0610 source.address"),
        ("source.address == '10.0.0.1:80'", ""),
        ("source.address.startsWith('10.')", ""),
        ("source.address in ['10.0.0.1', '10.0.0.2']", "CM0610 source.address"),
        ("ip(source.address).family() == 4", "CM0610 source.address"),
        ("cidr('10.0.0.0/8').containsIP(source.address)", "CM0610 source.address"),
        ("cidr('10.0.0.0/8').containsIP(ip(destination.address))", "CM0610 destination.address"),
        ("source.ip.inNetworks(['10.0.0.0/8'])", ""),
        ("request.query.contains('admin=true')", "CM0611 request.query"),
        ("request.query == ''", ""),
        ("request.headers['cookie'].startsWith('plan=')", "CM0611 request.headers['cookie']"),
        ("request.query_params['admin'] == 'true'", ""),
        ("request.host == 'shop.example'", "CM0608 request.host"),
        ("request.host in ['a.example', 'b.example']", "CM0608 request.host; CM0608 request.host"),
        ("request.host.endsWith('.example')", "CM0608 request.host"),
        ("request.host.startsWith('admin.')", "CM0608 request.host"),
        ("request.headers['host'] == 'shop.example'", "CM0608 request.host"),
        ("request.hostname == 'shop.example'", ""),
        ("context.beta || peer.service == 'frnt'", "CM0609 peer.service"),
        ("context.beta || !(peer.service in ['front', 'crat'])", "CM0609 peer.service"),
        ("context.beta || destination.service == 'crat'", "CM0609 destination.service"),
        ("context.beta || peer.domain == 'payment'", "CM0609 peer.domain"),
        ("context.beta || mesh.region == 'moon'", "CM0609 mesh.region"),
        ("context.beta || peer.principal == 'spiffe://other.example/ns/a/sa/b'", "CM0609 peer.principal"),
        ("context.beta || peer.principal == 'spiffe://small.example/ns/a/sa/b'", ""),
        ("context.beta || peer.service == ''", ""),
        ("context.beta || peer.service.startsWith('fr')", ""),
    ];
    for (condition, expected) in cases {
        let expected: Vec<&str> = expected.split("; ").filter(|found| !found.is_empty()).collect();
        assert_eq!(of(condition), expected, "{condition}");
    }
}
