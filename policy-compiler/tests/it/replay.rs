//! `policyc diff --requests` with access logs, which hold no values: what is reported as decided is so for every value.

use std::collections::BTreeMap;

use context_mesh_core::pipeline::Role;
use policy_compiler::{
    compile, compile_with_model,
    report::source::Sources,
    run::{
        eval::Evaluator,
        explain::{PartValue, Seen},
        recorded::input,
        simulate::{Outcome, Simulator},
    },
    show::diff::{self, Decision, Impact, Version, Why},
};

use crate::support::compiled;
use serde_json::{Value, json};

const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: acme}
spec:
  trustDomain: acme.corp
  identity: /ns/default/sa/{service}
  domains:
    shop: {services: [cart, search], region: us}
    bank: {services: [ledger], region: eu}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: fields, domain: shop}
spec:
  fields:
    tier: {type: string}
    tenant: {type: string, header: x-tenant}
    amount: {type: int}
";

/// Returns the tree with a policy of these rules, one a line, for requests that arrive at `cart`. A line that begins with
/// `enterprise` is a rule of the enterprise.
fn tree(rules: &[String]) -> Sources {
    tree_for(Role::Inbound, "", rules)
}

/// Returns the tree with these rules for a role of `cart`, and with settings of the mesh.
fn tree_for(role: Role, settings: &str, rules: &[String]) -> Sources {
    let mut text = MESH.replace("  domains:\n", &format!("{settings}  domains:\n"));
    if role == Role::Gateway {
        text = text.replace("  domains:\n", "  gateways: [cart]\n  domains:\n");
    }
    let direction = if role == Role::Outbound { "outbound" } else { "inbound" };
    for (layer, domain) in [("enterprise", ""), ("domain", ", domain: shop")] {
        let own = |rule: &&String| rule.starts_with("enterprise ") == (layer == "enterprise");
        let lines: Vec<String> = rules
            .iter()
            .filter(own)
            .map(|rule| format!("    - {{{}}}\n", rule.trim_start_matches("enterprise ")))
            .collect();
        if !lines.is_empty() {
            text.push_str(&format!(
                "---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: {layer}{domain}}}\nspec:\n  workloads: [cart]\n  direction: {direction}\n  rules:\n{}",
                lines.concat()
            ));
        }
    }
    let mut sources = Sources::new("acme");
    sources.add("all.yaml", text);
    sources
}

fn version(sources: &Sources) -> Version {
    let (compiled, model) = compiled(sources);
    Version::of_tree(compiled, &model)
}

/// Returns a line of an access log for a request to `cart`.
fn line(method: &str, path: &str, report: &Value) -> String {
    line_for(Role::Inbound, method, path, report)
}

/// Returns a line of an access log of a role of `cart`. Calls are for `ledger`.
fn line_for(role: Role, method: &str, path: &str, report: &Value) -> String {
    let mut line = json!({
        "start_time": "2026-01-15T10:00:00.000Z", "service": "cart", "listener": role.as_str(), "method": method,
        "authority": "cart", "path": path, "protocol": "HTTP/2", "upstream_cluster": "local", "request_id": "r-1",
        "context_mesh": report,
    });
    match role {
        Role::Inbound => line["peer"] = "spiffe://acme.corp/ns/default/sa/search".into(),
        _ => line["upstream_cluster"] = "ledger".into(),
    }
    line.to_string()
}

fn impact(old: &Version, new: &Version, requests: &str) -> Impact {
    let requests = input::requests("log", requests, &old.world(new))
        .unwrap_or_else(|e| panic!("{}", e.diagnostics.to_text(&e.sources)));
    diff::impact(old, new, &requests).unwrap()
}

fn shown(decision: &Decision) -> String {
    match decision {
        Decision::GoesOn => "goes on".to_owned(),
        Decision::Refused(refusal) => format!("{} by {}", refusal.status, refusal.rule.rsplit('/').next().unwrap()),
        Decision::Failed(error) => error.clone(),
        Decision::OneOf(all) => all.iter().map(shown).collect::<Vec<_>>().join(" | "),
    }
}

/// Describes what the comparison says of its only request.
fn verdict(impact: &Impact) -> String {
    assert_eq!(impact.total, 1);
    verdict_of(impact, "log")
}

/// Describes what the comparison says of the request of this name.
fn verdict_of(impact: &Impact, name: &str) -> String {
    let different = impact.differences.iter().find(|of| of.recorded.name == name);
    let undecided = impact.undecided.iter().find(|of| of.recorded.name == name);
    match (different, undecided) {
        (None, None) => "same".to_owned(),
        (Some(one), None) => {
            let changes: Vec<String> = one
                .context
                .iter()
                .map(|(field, old, new)| format!(", {field}: {old:?} -> {new:?}").replace("Some(", "").replace(')', ""))
                .collect();
            let headers: Vec<String> = one.headers.iter().map(|change| format!(", {change:?}")).collect();
            format!("{} -> {}{}{}", shown(&one.old), shown(&one.new), changes.concat(), headers.concat())
        }
        (None, Some(one)) => match &one.why {
            Why::Unknown(depends) => format!("unknown: {}", Vec::from_iter(depends.iter().cloned()).join(", ")),
            Why::NotReplayed(reason) => format!("not replayed: {reason}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_log_decides_is_reported_and_the_rest_is_unknown() {
    let went_on = json!({"decision": "continue", "fields": ["caller", "tenant"]});
    let bare = json!({"decision": "continue", "fields": ["caller"]});
    let by = |rule: &str, status: u16| {
        let name = format!("shop/domain/{rule}");
        json!({"decision": "deny", "rule": name, "status": status, "rules": [name]})
    };
    let (tenants, none) = ("name: tenants, when: \"context.tenant == 'evil'\", deny: {}", "");
    let cases: &[(&str, &str, Value, &str)] = &[
        // The fault that was reported: a new denial of recorded traffic, of which the log knows enough.
        (none, "name: post, when: \"request.method == 'POST'\", deny: {}", went_on.clone(), "goes on -> 403 by post"),
        (none, "name: all, deny: {}", went_on.clone(), "goes on -> 403 by all"),
        // It depends on what the log does not hold.
        (none, tenants, went_on.clone(), "unknown: context.tenant"),
        (
            none,
            "name: h, when: \"request.headers['x-a'] == 'b'\", deny: {}",
            went_on.clone(),
            "unknown: request.headers['x-a']",
        ),
        (none, "name: s, when: \"request.scheme == 'http'\", deny: {}", went_on.clone(), "unknown: request.scheme"),
        (
            none,
            "name: a, allow: {}, when: \"context.tenant == 'a' || context.amount > 3\"",
            went_on.clone(),
            "unknown: context.tenant",
        ),
        (
            none,
            "name: a, allow: {}, when: \"context.tenant == 'a' || context.amount > 3\"",
            Value::Null,
            "unknown: context.amount, context.tenant",
        ),
        // Known operands decide: `false && unknown`, `true || unknown`, and through variables of the machine too.
        (
            none,
            "name: a, when: \"context.tenant == 'a' && request.method == 'GET'\", deny: {}",
            went_on.clone(),
            "same",
        ),
        (
            none,
            "name: a, when: \"context.tenant == 'a' || request.method == 'POST'\", deny: {}",
            went_on.clone(),
            "goes on -> 403 by a",
        ),
        (
            none,
            "name: a, when: \"!(context.tenant == 'a' || request.method == 'POST')\", deny: {}",
            went_on.clone(),
            "same",
        ),
        (
            none,
            "name: a, when: \"request.method == 'GET' ? context.tenant == 'a' : peer.service == 'search'\", deny: {}",
            went_on.clone(),
            "goes on -> 403 by a",
        ),
        (
            none,
            "name: a, when: \"[context.tenant == 'a' || true][0]\", deny: {}",
            went_on.clone(),
            "goes on -> 403 by a",
        ),
        (
            none,
            "name: a, when: \"context.tenant == 'a' && ['x'].exists(i, i == request.method)\", deny: {}",
            went_on.clone(),
            "same",
        ),
        // An error and an unknown operand are never true.
        (
            none,
            "name: a, when: \"context.tier == 'x' && context.tenant == 'a'\", onError: ignore, deny: {}",
            went_on.clone(),
            "same",
        ),
        (
            none,
            "name: a, when: \"context.tier == 'x' && context.tenant == 'a'\", deny: {}",
            went_on.clone(),
            "unknown: context.tenant",
        ),
        (
            none,
            "name: a, when: \"has(context.tier) || has(context.tenant) && request.method == 'POST'\", deny: {}",
            Value::Null,
            "unknown: context.tenant, context.tier",
        ),
        // What went on was there, and what is not named was not.
        (none, "name: a, when: \"has(context.tenant)\", deny: {}", went_on.clone(), "goes on -> 403 by a"),
        (none, "name: a, when: \"has(context.tier)\", deny: {}", went_on.clone(), "same"),
        (none, "name: a, when: \"context.tier == 'x'\", onError: ignore, deny: {}", went_on.clone(), "same"),
        (none, "name: a, when: \"context.tier == 'x'\", deny: {}", went_on.clone(), "goes on -> 403 by a"),
        (none, "name: a, require: [tenant]", went_on.clone(), "same"),
        (none, "name: a, require: [tenant, amount]", went_on.clone(), "goes on -> 403 by a"),
        (
            tenants,
            "name: tenants, when: \"has(context.tenant)\", deny: {}",
            by("tenants", 403),
            "unknown: context.tenant",
        ),
        // What the record says of a rule holds for the unchanged rule.
        (
            tenants,
            &format!("{tenants}\nname: post, when: \"request.method == 'GET'\", deny: {{}}"),
            went_on.clone(),
            "same",
        ),
        (
            tenants,
            &format!("{tenants}\nname: post, when: \"request.method == 'POST'\", deny: {{}}"),
            went_on.clone(),
            "goes on -> 403 by post",
        ),
        (
            tenants,
            "name: tenants, when: \"context.tenant == 'evil'\", deny: {status: 404}",
            by("tenants", 403),
            "403 by tenants -> 404 by tenants",
        ),
        (tenants, none, by("tenants", 403), "403 by tenants -> goes on"),
        (
            tenants,
            "name: tenants, when: \"context.tenant == 'evil'\", enforcement: shadow, deny: {}",
            by("tenants", 403),
            "403 by tenants -> goes on",
        ),
        (
            tenants,
            "name: tenants, when: \"context.tenant == 'bad'\", deny: {}",
            went_on.clone(),
            "unknown: context.tenant",
        ),
        (tenants, tenants, went_on.clone(), "same"),
        // A rule of the enterprise comes first, whatever the domain's says.
        (
            tenants,
            &format!("{tenants}\nenterprise name: e, deny: {{status: 401}}"),
            by("tenants", 403),
            "403 by tenants -> 401 by e",
        ),
        // The record is not what the old version decides.
        (
            none,
            none,
            by("tenants", 403),
            "not replayed: when it was recorded, `shop/domain/tenants` refused it with 403; under the old version it goes on",
        ),
        (
            "name: all, deny: {}",
            none,
            went_on.clone(),
            "not replayed: when it was recorded, it went on; under the old version `shop/domain/all` refuses it with 403",
        ),
        (
            tenants,
            none,
            by("tenants", 404),
            "not replayed: when it was recorded, `shop/domain/tenants` refused it with 404; under the old version `shop/domain/tenants` refuses it with 403, or it goes on",
        ),
        (
            none,
            none,
            json!({"decision": "deny", "rule": "mesh onInvalid", "status": 400}),
            "not replayed: when it was recorded, `mesh onInvalid` refused it with 400, for what the recording does not hold; under the old version it goes on",
        ),
        // A line without a record decides nothing by itself.
        (none, "name: all, deny: {}", Value::Null, "goes on -> 403 by all"),
        (tenants, tenants, Value::Null, "same"),
        (
            tenants,
            &format!("{tenants}\nname: z, when: \"request.method == 'POST'\", deny: {{}}"),
            Value::Null,
            "unknown: context.tenant",
        ),
        (
            tenants,
            &format!("{tenants}\nname: post, when: \"request.method == 'POST'\", deny: {{}}"),
            Value::Null,
            "403 by tenants | goes on -> 403 by post",
        ),
        (tenants, "name: all, deny: {}", Value::Null, "403 by tenants | goes on -> 403 by all"),
        // Another version made the record: what it says of rules is not used.
        (
            tenants,
            "name: tenants, when: \"context.tenant == 'bad'\", deny: {}",
            json!({"decision": "continue", "rules": ["shop/domain/gone"]}),
            "unknown: context.tenant",
        ),
        // What goes on.
        (none, "name: r, redact: [tenant]", went_on.clone(), "goes on -> goes on, tenant: \"as received\" -> None"),
        (none, "name: r, redact: [tenant]", bare.clone(), "same"),
        (
            none,
            "name: r, mask: {fields: [tenant], keepLast: 2}",
            went_on.clone(),
            "goes on -> goes on, tenant: \"as received\" -> \"as received, masked but for the last 2 characters\"",
        ),
        (
            "name: r, redact: [tenant]",
            "name: r, redact: [tenant]\nname: m, mask: {fields: [tenant], with: hash}",
            json!({"decision": "continue", "fields": ["caller"], "redacted": ["tenant"], "rules": ["shop/domain/r"]}),
            "same",
        ),
        (
            none,
            "name: r, when: \"context.amount > 3\", redact: [tenant]",
            json!({"decision": "continue", "fields": ["tenant", "amount"]}),
            "unknown: context.amount",
        ),
        (
            none,
            "name: s, set: {tier: \"'gold'\"}",
            bare.clone(),
            "goes on -> goes on, tier: \"as received\" -> \"\\\"gold\\\"\"",
        ),
        (none, "name: s, set: {tenant: \"'gold'\"}", went_on.clone(), "unknown: context.tenant"),
        (
            "name: s, set: {tier: \"'gold'\"}",
            "name: s, set: {tier: \"'lead'\"}",
            json!({"decision": "continue", "fields": ["tier"], "set": ["tier"], "rules": ["shop/domain/s"]}),
            "goes on -> goes on, tier: \"\\\"gold\\\"\" -> \"\\\"lead\\\"\"",
        ),
    ];
    for (old_rules, new_rules, report, expected) in cases {
        let rules = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (old, new) = (tree(&rules(old_rules)), tree(&rules(new_rules)));
        let line = line("POST", "/orders?x=1", report);
        let found = verdict(&impact(&version(&old), &version(&new), &line));
        assert_eq!(found, *expected, "{line}\n{old_rules}\n{new_rules}");
        // Artifacts have no sources, and the same programs.
        let artifact = |sources: &Sources| Version::of_artifact(compile(sources).unwrap().artifact).unwrap();
        assert_eq!(verdict(&impact(&artifact(&old), &artifact(&new), &line)), *expected, "as artifacts: {line}");
    }
}

#[test]
fn a_changed_schema_or_setting_makes_unknown_what_it_may_decide() {
    let went_on = json!({"decision": "continue", "fields": ["caller", "tenant"]});
    let deny = "name: t, when: \"context.tenant == 'evil'\", deny: {}".to_owned();
    let cases = [
        ("tier: {type: string}", "tier: {type: string, maxBytes: 9}", "same"),
        ("tier: {type: string}", "tier: {type: string, header: x-tier}", "unknown: context.tier"),
        ("header: x-tenant}", "header: x-tenant, pattern: '[a-z]+'}", "unknown: context.tenant"),
        ("  domains:\n", "  onInvalid: deny\n  domains:\n", "unknown: `onInvalid` of the mesh, context.tenant"),
        ("  domains:\n", "  memory: {ttl: 20m}\n  domains:\n", "same"),
        ("  domains:\n", "  default: deny\n  domains:\n", "goes on -> 403 by default"),
        (
            "[cart, search], region: us}",
            "[{name: cart, regions: [us, eu]}, search], region: us}",
            "unknown: context.tenant",
        ),
        ("region: us}", "region: ca}", "unknown: context.tenant"),
        ("/ns/default/sa/{service}", "/ns/other/sa/{service}", "unknown: `identity` of the mesh, context.tenant"),
    ];
    for (from, to, expected) in cases {
        let old = tree(std::slice::from_ref(&deny));
        let mut new = Sources::new("acme");
        let text = old.iter().next().unwrap().1.text().to_owned();
        assert!(text.contains(from), "{from}");
        new.add("all.yaml", text.replace(from, to));
        let found = verdict(&impact(&version(&old), &version(&new), &line("GET", "/", &went_on)));
        assert_eq!(found, expected, "{from} -> {to}");
    }
}

/// Small pseudo-random numbers (a linear congruential generator with Knuth's constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.below(of.len())]
    }

    fn condition(&mut self, role: Role, depth: usize) -> String {
        const ATOMS: [&str; 10] = [
            "context.tier == 'gold'",
            "context.tenant != 'a'",
            "context.tenant.startsWith('a')",
            "has(context.tier)",
            "has(context.amount)",
            "context.amount > 5",
            "request.method == 'GET'",
            "request.url_path == '/a'",
            "WHO.service == 'search'",
            "request.headers['x-test'] == '1'",
        ];
        if depth == 0 || self.below(3) == 0 {
            let who = if role == Role::Inbound { "peer" } else { "destination" };
            return self.one(&ATOMS).replace("WHO", who);
        }
        let (one, other) = (self.condition(role, depth - 1), self.condition(role, depth - 1));
        match self.below(6) {
            0 | 1 => format!("({one} && {other})"),
            2 | 3 => format!("({one} || {other})"),
            4 => format!("!({one})"),
            _ => format!("({one} ? {other} : {})", self.condition(role, depth - 1)),
        }
    }

    fn rule(&mut self, role: Role, name: usize) -> String {
        let layer = self.one(&["", "", "enterprise "]);
        let condition = self.condition(role, 3);
        let on_error = self.one(&["", ", onError: ignore"]);
        let effects = [
            "deny: {}",
            "deny: {status: 404}",
            "allow: {}",
            "require: [tenant]",
            "redact: [tenant]",
            "mask: {fields: [tenant], keepLast: 1}",
            "mask: {fields: [tier], with: hash}",
            "redact: [tier]",
            if layer.is_empty() { "set: {tier: \"'gold'\"}" } else { "audit: {}" },
            if layer.is_empty() { "set: {tenant: request.method}" } else { "audit: {}" },
        ];
        let mut effect = self.one(&effects);
        if role == Role::Gateway && layer.is_empty() && self.below(2) == 0 {
            effect = effects[8 + self.below(2)];
        }
        format!("{layer}name: r{name}, when: \"{condition}\"{on_error}, {effect}")
    }
}

/// Returns the report of the filter for an outcome.
fn report(outcome: &Outcome) -> Value {
    let fields: Vec<&str> = outcome.context.iter().map(|(name, _)| name).collect();
    let mut report =
        json!({"rules": outcome.rules, "set": outcome.set, "redacted": outcome.redacted, "masked": outcome.masked});
    match &outcome.refusal {
        None => {
            report["decision"] = "continue".into();
            report["fields"] = fields.into();
        }
        Some(refusal) => {
            report["decision"] = "deny".into();
            report["rule"] = refusal.rule.as_str().into();
            report["status"] = refusal.status.into();
        }
    }
    if !outcome.problems.is_empty() {
        report["problems"] = outcome.problems.clone().into();
    }
    report
}

/// A request of a role of `cart` with all of its values, and its line in a log under the old version.
fn request(role: Role, numbers: &mut Numbers, old: &mut Simulator, world: &(Version, Version)) -> (String, String) {
    let mut context = json!({});
    for (field, values) in [("tier", ["gold", "lead"]), ("tenant", ["abc", "b"])] {
        if numbers.below(3) > 0 {
            context[field] = values[numbers.below(2)].into();
        }
    }
    if numbers.below(3) > 0 {
        context["amount"] = numbers.below(10).into();
    }
    let (method, path) = (numbers.one(&["GET", "POST"]), numbers.one(&["/a", "/b?x=1", "/b/../a"]));
    let headers = if numbers.below(2) == 0 { json!({"x-test": "1"}) } else { json!({}) };
    let mut full = json!({
        "workload": "cart", "role": role.as_str(), "request": {"method": method, "path": path, "headers": headers},
    });
    match role {
        Role::Inbound => full["principal"] = "search".into(),
        _ => full["destination"] = "ledger".into(),
    }
    match role {
        Role::Gateway => {}
        Role::Outbound if numbers.below(2) == 0 => full["remembered"] = context,
        _ => full["context"] = context,
    }
    let full = full.to_string();
    let recorded = input::requests("r", &full, &world.0.world(&world.1))
        .unwrap_or_else(|e| panic!("{}", e.diagnostics.to_text(&e.sources)));
    let outcome = old.run(&recorded[0].request, None).unwrap();
    (full, line_for(role, method, path, &report(&outcome)))
}

/// Holds what is said of lines of a log against the whole requests, for random rules and requests.
fn check_lines(role: Role, settings: &str, seed: u64) {
    let mut numbers = Numbers(seed);
    let mut counts = BTreeMap::<String, usize>::new();
    for _ in 0..60 {
        let old: Vec<String> = (0..1 + numbers.below(4)).map(|name| numbers.rule(role, name)).collect();
        let mut new = old.clone();
        match numbers.below(3) {
            0 => new.push(numbers.rule(role, old.len())),
            1 => drop(new.pop()),
            _ => {
                let place = numbers.below(new.len());
                new[place] = numbers.rule(role, place);
            }
        }
        let trees = (tree_for(role, settings, &old), tree_for(role, settings, &new));
        // Allow rules that no request can satisfy are an error, and so are values that conflict.
        let (Ok((compiled, model)), Ok(_)) = (compile_with_model(&trees.0), compile(&trees.1)) else { continue };
        let versions = (version(&trees.0), version(&trees.1));
        let mut simulator = Simulator::new(&compiled.artifact).unwrap();
        let mut evaluator = Evaluator::new(&compiled, &model).unwrap();
        let requests: Vec<_> = (0..12).map(|_| request(role, &mut numbers, &mut simulator, &versions)).collect();
        let lines = |of: fn(&(String, String)) -> &str| requests.iter().map(of).collect::<Vec<_>>().join("\n");
        let (full, log) = (lines(|(full, _)| full), lines(|(_, line)| line));
        let exact = impact(&versions.0, &versions.1, &full);
        let logged = impact(&versions.0, &versions.1, &log);
        for (number, request) in requests.iter().enumerate() {
            let name = format!("log:{}", number + 1);
            let (exact, found) = (verdict_of(&exact, &name), verdict_of(&logged, &name));
            let about = || format!("{request:#?}\n{old:#?}\n{new:#?}\nexact {exact}, from the log {found}");
            let kind = found.split(':').next().filter(|kind| ["same", "unknown", "not replayed"].contains(kind));
            match kind {
                Some("same") => assert_eq!(exact, "same", "{}", about()),
                Some("unknown") => {}
                Some(_) => panic!("{}", about()),
                None => assert_ne!(exact, "same", "{}", about()),
            }
            *counts.entry(kind.unwrap_or("different").to_owned()).or_default() += 1;
            check_evaluation(&mut evaluator, &versions, request);
        }
    }
    let known = ["same", "unknown", "different"];
    assert!(known.iter().all(|kind| counts.get(*kind).is_some_and(|count| *count >= 40)), "{counts:?}");
}

/// Checks that what `policyc eval` says of a line, for the decision and each part of a condition, is true of the whole
/// request.
fn check_evaluation(evaluator: &mut Evaluator<'_>, versions: &(Version, Version), (full, line): &(String, String)) {
    fn values(part: &PartValue<'_>, found: &mut Vec<Seen>) {
        found.push(part.value.clone());
        part.parts.iter().for_each(|part| values(part, found));
    }
    let recorded = |text: &str| input::requests("log", text, &versions.0.world(&versions.1)).unwrap().remove(0);
    let mut all = Vec::new();
    for text in [full, line] {
        let recorded = recorded(text);
        let evaluation = evaluator.evaluate_recorded(&recorded).unwrap();
        let mut found = Vec::new();
        evaluation.runs.iter().filter_map(|run| run.condition.as_ref()).for_each(|part| values(part, &mut found));
        if let Some(earlier) = &recorded.earlier {
            assert!(evaluation.partly.as_ref().unwrap().possible.can_be(earlier), "{line}");
        }
        all.push(found);
    }
    assert_eq!(all[0].len(), all[1].len());
    for (exact, known) in all[0].iter().zip(&all[1]) {
        match (exact, known) {
            (_, Seen::Unknown) => {}
            (Seen::Error(_), Seen::Error(_)) => {}
            (exact, known) => assert_eq!(exact, known, "{full}\n{line}"),
        }
    }
}

#[test]
fn what_is_said_of_a_line_of_a_log_is_true_of_the_whole_request() {
    check_lines(Role::Inbound, "", 11);
}

#[test]
fn what_is_said_of_a_call_in_a_log_is_true_of_the_whole_call() {
    check_lines(Role::Outbound, "", 12);
}

#[test]
fn what_is_said_of_a_gateways_log_is_true_of_the_whole_request() {
    check_lines(Role::Gateway, "", 13);
}

#[test]
fn what_is_said_of_a_path_with_two_readings_is_true_of_the_whole_request() {
    check_lines(Role::Inbound, "  ambiguousPath: ignore\n", 14);
    check_lines(Role::Gateway, "  ambiguousPath: ignore\n", 15);
}
