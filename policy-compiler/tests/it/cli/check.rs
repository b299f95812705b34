//! `policyc check` and `policyc build`.

use std::{fs, path::Path};

use serde_json::Value;

use super::{case, policyc, scratch, text, tree};

/// A tree whose rules together can exceed the fuel of a decision, although each alone cannot.
const EXPENSIVE: &str = r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {d: {services: [s, t]}}}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: c}
spec: {fields: {ids: {type: list<string>, maxBytes: 420}}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: p}
spec:
  workloads: ["*"]
  rules:
    - {name: one, when: "context.ids.exists(a, context.ids.exists(b, a == b + 'x'))", deny: {}}
    - {name: two, when: "context.ids.exists(a, context.ids.exists(b, a == b + 'y'))", deny: {}}
"#;

fn expensive(name: &str) -> String {
    let folder = scratch(name);
    fs::write(folder.join("a.yaml"), EXPENSIVE).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn json(arguments: &[&str]) -> Value {
    let output = policyc(&[arguments, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn check_shows_the_costs_and_sizes() {
    let output = policyc(&["check", &tree()]);
    let shown = text(&output.stdout);
    for expected in [
        "cost of a rule at worst, in units of fuel\n",
        "payments/payments-guard/minimise",
        "cost of a decision at worst, which has 100000 units of fuel\n",
        "payment-service inbound, 6 rules\n",
        "checkout-service, ledger, web-frontend and 1 more inbound, 3 rules\n",
        "slice of payment-service\n",
        "fits       EnvoyFilter: `kubectl apply` keeps it in an annotation of up to 256 KB\n",
        "fits       plugin configuration: a gRPC message to a proxy has up to 4 MiB\n",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
}

#[test]
fn the_ten_most_expensive_rules_are_shown_unless_all_are_asked_for() {
    let shop = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop");
    let shop = shop.to_str().unwrap();
    let ten = policyc(&["check", shop]);
    let rest = "and 5 more rules; `--costs` shows all";
    assert!(text(&ten.stdout).contains(rest));
    assert!(!text(&policyc(&["check", shop, "--costs"]).stdout).contains(rest));
    let (some, all) = (json(&["check", shop]), json(&["check", shop, "--costs"]));
    let count = |document: &Value| document["costs"]["rules"].as_array().unwrap().len();
    assert_eq!((count(&some), count(&all)), (10, usize::try_from(all["rules"].as_u64().unwrap()).unwrap()));
    let fuel: Vec<u64> =
        all["costs"]["rules"].as_array().unwrap().iter().map(|rule| rule["fuel"].as_u64().unwrap()).collect();
    assert!(fuel.is_sorted_by(|a, b| a >= b) && fuel[0] > 0, "{fuel:?}");
}

#[test]
fn sizes_are_those_of_what_is_built_and_emitted() {
    let file = scratch("sizes").join("policy.cmx");
    let (tree, file) = (tree(), file.to_str().unwrap());
    let sizes = &json(&["check", &tree])["sizes"];
    assert_eq!(json(&["build", &tree, "-o", file, "--no-revision"])["bytes"], sizes[0]["artifact"]);
    let emitted = json(&["emit", "envoyfilter", &tree, "--no-revision"]);
    assert_eq!(sizes[0]["envoyFilter"], emitted.to_string().len());
    let service = sizes[1]["service"].as_str().unwrap();
    let slice = json(&["build", &tree, "-o", file, "--service", service, "--no-revision"]);
    assert_eq!((&slice["bytes"], &slice["service"]), (&sizes[1]["artifact"], &sizes[1]["service"]));
    let config =
        json(&["emit", "envoy", &tree, "--service", service, "--role", "outbound", "--as", "config", "--no-revision"]);
    assert_eq!(sizes[1]["pluginConfiguration"], config.to_string().len());
}

#[test]
fn what_does_not_fit_is_said() {
    let folder = scratch("large");
    // Random-looking words do not compress; each rule has as many as an expression may.
    let word = |n: u64| format!("{:016x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(17).wrapping_mul(n | 1));
    let rule = |n: u64| {
        let words: Vec<String> = (1..700).map(|k| format!("'{}'", word(n * 1000 + k))).collect();
        format!("    - {{name: r{n}, when: \"request.path in [{}]\", deny: {{}}}}\n", words.join(", "))
    };
    let rules: String = (0..20).map(rule).collect();
    let large = EXPENSIVE.split("    - {").next().unwrap().to_owned() + &rules;
    fs::write(folder.join("a.yaml"), large).unwrap();
    let output = policyc(&["check", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let expected = "too large  EnvoyFilter of the whole and slice of t: `kubectl apply` keeps it in an annotation of up \
                    to 256 KB; use `kubectl apply --server-side`, or slices\n";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn rules_that_cannot_be_looked_up_are_named() {
    let folder = scratch("unindexed");
    let known = |n: u64| {
        format!("    - {{name: r{n}, when: \"context.ids.size() > 1 && request.url_path == '/{n}'\", deny: {{}}}}\n")
    };
    let odd = "    - {name: odd, when: \"context.ids.exists(id, id == 'x')\", deny: {}}\n";
    let rules: String = (0..40).map(known).collect::<String>() + odd;
    fs::write(folder.join("a.yaml"), EXPENSIVE.split("    - {").next().unwrap().to_owned() + &rules).unwrap();
    let folder = folder.to_str().unwrap();
    let output = policyc(&["check", folder]);
    let shown = text(&output.stdout);
    let expected = "rules that run for every request: nothing in their conditions can be looked up\n  enterprise/p/odd  a.yaml:58\n";
    assert!(shown.contains(expected), "{shown}");
    assert_eq!(json(&["check", folder])["costs"]["decisions"][0]["unindexed"], serde_json::json!(["enterprise/p/odd"]));
}

#[test]
fn rules_that_together_exceed_the_fuel_of_a_decision_are_a_warning() {
    let folder = expensive("expensive");
    let output = policyc(&["check", &folder]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("2 rules, no errors, 1 warning\n"), "{}", text(&output.stdout));
    let said = text(&output.stderr);
    for expected in ["warning[CM0502]", "the 2 inbound rules of `s`, `t` can together cost", "a.yaml:18", "1 warning\n"]
    {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[test]
fn warnings_can_be_denied() {
    let folder = expensive("denied");
    let checked = policyc(&["check", &folder, "--deny-warnings"]);
    assert_eq!(checked.status.code(), Some(1));
    assert!(text(&checked.stdout).contains("1 warning, which `--deny-warnings` refuses\n"));
    let file = format!("{folder}/policy.cmx");
    let built = policyc(&["build", &folder, "-o", &file, "--deny-warnings"]);
    assert_eq!(built.status.code(), Some(1));
    assert!(text(&built.stderr).contains("nothing was written"), "{}", text(&built.stderr));
    assert!(!fs::exists(&file).unwrap());
    assert_eq!(policyc(&["check", &tree(), "--deny-warnings"]).status.code(), Some(0));
    assert_eq!(policyc(&["build", &folder, "-o", &file]).status.code(), Some(0));
}

#[test]
fn a_slice_is_built_for_a_service_of_the_mesh_only() {
    let file = scratch("slice").join("ledger.cmx");
    let file = file.to_str().unwrap();
    let output = policyc(&["build", &tree(), "--service", "ledgr", "-o", file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no service `ledgr`; did you mean `ledger`?"), "{}", text(&output.stderr));
    let output = policyc(&["build", &tree(), "--service", "ledger", "-o", file, "--revision", "v7"]);
    assert!(
        text(&output.stdout).contains("bytes, a slice for ledger, revision v7, digest "),
        "{}",
        text(&output.stdout)
    );
    assert!(text(&policyc(&["inspect", file]).stdout).contains("slice of         ledger\n"));
}

/// Writes a file with the configuration of a proxy. Returns its path.
fn proxy(folder: &str, name: &str, text: &str) -> String {
    let path = scratch(folder).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Returns an Istio VirtualService with these HTTP routes.
fn virtual_service(http: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v}}\nspec: {{http: [{{{http}}}]}}\n"
    )
}

#[test]
fn warnings_about_routes_are_warnings_like_others() {
    let file = proxy("routes-warned", "v.yaml", &virtual_service("match: [{headers: {x-mesh-context: {}}}]"));
    let folder = std::path::Path::new(&file).parent().unwrap().to_str().unwrap();
    for path in [file.as_str(), folder] {
        let output = policyc(&["check", &tree(), "--istio", path]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(
            text(&output.stdout)
                .contains("7 rules, no errors, 1 warning\nproxies: 1 route in 0 connection managers, 1 file read\n")
        );
        assert!(
            text(&output.stderr).contains("warning[CM0704]") && text(&output.stderr).contains(&format!("{file}:4:"))
        );
        assert_eq!(policyc(&["check", &tree(), "--istio", path, "--deny-warnings"]).status.code(), Some(1));
    }
    let document = json(&["check", &tree(), "--istio", &file]);
    let expected = serde_json::json!({"files": 1, "connectionManagers": 0, "routes": 1, "warnings": 1});
    assert_eq!((&document["proxies"], &document["warnings"]), (&expected, &serde_json::json!(1)));
    assert!(json(&["check", &tree()]).get("proxies").is_none());
}

#[test]
fn errors_in_routes_end_with_1_and_say_where() {
    let wrong = proxy("routes-wrong", "v.yaml", &virtual_service("headers: {request: {set: {baggage: x}}}"));
    let other = proxy("routes-other", "envoy.json", "{\"static_resources\": {}}");
    let output = policyc(&["check", &tree(), "--envoy", &other, "--istio", &wrong, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&said["code"], &said["at"]["file"], &said["at"]["line"]), (&"CM0706".into(), &wrong.into(), &4.into()));
    let output = policyc(&["check", &tree(), "--istio", &other]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("error[CM0701]: the file holds no resource of Kubernetes"));
    assert_eq!(policyc(&["check", &tree(), "--envoy", "/nonexistent"]).status.code(), Some(2));
}

#[test]
fn what_is_silenced_is_counted_and_listed() {
    let folder = scratch("silenced");
    let silence = "deny: {}, silence: [{code: CM0502, reason: nobody sends long lists}]}";
    fs::write(
        folder.join("a.yaml"),
        EXPENSIVE
            .replace("{name: p}", "{name: p, domain: d}")
            .replace("[\"*\"]", "[s, t]")
            .replace("deny: {}}", silence),
    )
    .unwrap();
    let folder = folder.to_str().unwrap();
    let output = policyc(&["check", folder]);
    // The warning is at the most expensive rule; the entry at the other one silences nothing.
    assert!(text(&output.stdout).contains("1 warning, 1 silenced\n"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("warning[CM0315]"), "{}", text(&output.stderr));
    let output = policyc(&["check", folder, "--show-silenced"]);
    let shown = text(&output.stdout);
    assert!(
        shown.contains("\nsilenced CM0502  a.yaml:18  ") && shown.contains(": nobody sends long lists\n"),
        "{shown}"
    );
    let document = json(&["check", folder]);
    assert_eq!(document["silenced"][0]["reason"], "nobody sends long lists");
    assert_eq!(document["warnings"], 1);
}

#[test]
fn what_has_expired_is_a_warning_of_the_day() {
    let folder = scratch("expired");
    let tree = Path::new(&case("expired")).join("a.yaml");
    fs::copy(tree, folder.join("a.yaml")).unwrap();
    let folder = folder.to_str().unwrap();
    let rows: [(&[&str], i32, usize); 6] = [
        (&["--today", "2026-06-01"], 0, 2),
        (&["--today", "2026-06-03"], 0, 4),
        (&["--today", "2019-01-01"], 0, 0),
        (&["--today", "2019-01-01", "--deny-warnings"], 0, 0),
        (&["--today", "2026-06-01", "--deny-warnings"], 1, 2),
        (&["--today", "yesterday"], 2, 0),
    ];
    for (arguments, code, warnings) in rows {
        let output = policyc(&[&["check", folder], arguments].concat());
        let errors = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {errors}");
        assert_eq!(errors.matches("warning[CM0316]").count(), warnings, "{arguments:?} {errors}");
    }
    // The day is that of a check: what is built and tested depends on no clock, and a rule applies for ever.
    let built = policyc(&["build", folder, "-o", &format!("{folder}/a.cmx")]);
    assert_eq!((built.status.code(), text(&built.stderr)), (Some(0), ""));
    let shown = policyc(&["inspect", &format!("{folder}/a.cmx")]);
    assert!(text(&shown.stdout).contains("shop/guard/past") && !text(&shown.stdout).contains("team-shop"));
}

#[test]
fn the_graph_says_what_is_known_of_rules() {
    let folder = case("expired");
    let page = policyc(&["graph", &folder, "--as", "html"]);
    let page = text(&page.stdout);
    assert!(page.contains("<dt>shop/guard/future</dt><dd>until the move <span class=\"about\">expires: 2026-06-02"));
    let document = policyc(&["graph", &folder, "--format", "json"]);
    let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
    let rule = &document["rules"][2];
    assert_eq!(
        *rule,
        serde_json::json!({"name": "shop/guard/past", "description": null, "owner": "team-shop", "expires": "2026-05-31"})
    );
}
