//! `PolicyTest` documents: the example's own, and the runner's output for tests that fail.
//!
//! `tests/policy_tests/*.txt` are complete outputs; `UPDATE_EXPECT=1` updates them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use policy_compiler::{
    check::model::World,
    compile_with_model,
    report::{source::Sources, style::Paint},
    run::{
        eval::{self, Evaluator},
        recorded::input,
        testing::{self, Reasons, TestReport, json, junit, text},
    },
    show::diff::{self, Version},
};

use crate::skip;
use crate::support::{compiled, golden};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the YAML files below a folder, sorted by path.
fn sources(folder: &Path, origin: &str) -> Sources {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    let mut sources = Sources::new(origin);
    for file in files {
        let path = file.strip_prefix(folder).unwrap().to_str().unwrap();
        sources.add(path, fs::read(&file).unwrap());
    }
    sources
}

fn run(sources: &Sources, filters: &[&str]) -> TestReport {
    let filters: Vec<String> = filters.iter().map(|filter| (*filter).to_owned()).collect();
    let (compiled, model) = compiled(sources);
    testing::run(&compiled, &model, &filters).unwrap()
}

fn check(name: &str, actual: &str) {
    golden::check(&package().join("tests/policy_tests").join(name), actual);
}

const PLAIN: text::Options = text::Options { paint: Paint::Plain, verbose: false, coverage: true };

/// Checks that the tests of an example pass, and reach every rule and branch.
fn check_example(name: &str) {
    let sources = sources(&package().join("../examples").join(name), name);
    let report = run(&sources, &[]);
    assert!(report.passed() && report.coverage.percent() == 100, "{}", text::render(&report, &sources, PLAIN));
}

#[test]
fn the_shop_is_tested_as_a_whole() {
    check_example("shop");
}

#[test]
fn the_bank_is_tested_as_a_whole() {
    check_example("bank");
}

#[test]
fn the_saas_is_tested_as_a_whole() {
    check_example("saas");
}

/// Checks that the rules of the tenants are the output of their generator. Skipped if there is no Python.
#[test]
fn the_rules_of_the_tenants_are_up_to_date() {
    let generator = package().join("../examples/saas/generate.py");
    match std::process::Command::new("python3").arg(generator).arg("--check").output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(problem) => skip::skip("the rules of the tenants", &format!("python3 does not run: {problem}")),
    }
}

#[test]
fn a_failure_says_what_was_expected_and_found_and_where() {
    let sources = sources(&package().join("tests/policy_tests/failing"), "policies");
    let report = run(&sources, &[]);
    check("failing.txt", &text::render(&report, &sources, PLAIN));
    check("failing.json", &format!("{:#}\n", json::document(&report, &sources)));
    check("failing.xml", &junit::render(&report, &sources));
}

/// Returns the failures of one test of the failing tree's payment service, as `subject: expected, found`.
fn failures_of(given: &str, expect: &str) -> Vec<String> {
    let mut sources = sources(&package().join("tests/policy_tests/failing"), "policies");
    sources.add(
        "one.yaml",
        format!(
            "apiVersion: contextmesh.io/v1\nkind: PolicyTest\nmetadata: {{name: one}}\nspec:\n  principals: {{short: ledger, checkout-service: {{}}}}\n  \
             tests: [{{name: t, workload: payment-service, {given}, expect: {{{expect}}}}}]\n"
        ),
    );
    let report = run(&sources, &["one/t"]);
    let failure = |failure: &testing::Failure| format!("{}: {}, {}", failure.subject, failure.expected, failure.found);
    report.results.iter().flat_map(|result| &result.failures).map(failure).collect()
}

#[test]
fn grpc_statuses_are_by_number_or_name_and_only_grpc_requests_get_one() {
    let grpc = "request: {headers: {content-type: application/grpc}}";
    let proto = "request: {headers: {content-type: application/grpc+proto}}";
    let web = "request: {headers: {content-type: application/grpc-web}}";
    let none = "none: the request has no `content-type: application/grpc`";
    let rows = [
        (grpc, "7", None),
        (grpc, "PERMISSION_DENIED", None),
        (proto, "7", None),
        (grpc, "16", Some("grpcStatus: 16 (UNAUTHENTICATED), 7 (PERMISSION_DENIED)".to_owned())),
        (grpc, "NOT_FOUND", Some("grpcStatus: 5 (NOT_FOUND), 7 (PERMISSION_DENIED)".to_owned())),
        (web, "7", Some(format!("grpcStatus: 7 (PERMISSION_DENIED), {none}"))),
        ("request: {}", "7", Some(format!("grpcStatus: 7 (PERMISSION_DENIED), {none}"))),
    ];
    for (given, status, expected) in rows {
        let found = failures_of(given, &format!("decision: deny, grpcStatus: {status}"));
        assert_eq!(found, Vec::from_iter(expected), "{given} {status}");
    }
}

#[test]
fn a_principal_is_a_fixture_a_service_or_an_identity() {
    let rows = [
        // A fixture comes first: this one is nobody.
        ("checkout-service", true),
        ("ledger", true),
        ("short", true),
        ("{service: checkout-service}", false),
        ("\"spiffe://acme.corp/ns/default/sa/checkout-service\"", false),
        ("\"spiffe://other.corp/ns/default/sa/checkout-service\"", true),
    ];
    for (principal, denied) in rows {
        let expect = if denied { "decision: deny, rule: payments/guard/known-callers" } else { "decision: allow" };
        assert_eq!(
            failures_of(&format!("principal: {principal}, context: {{tenant_id: a, amount: 3}}"), expect),
            Vec::<String>::new(),
            "{principal}"
        );
    }
}

#[test]
fn reasons_are_shown_for_all_tests() {
    let sources = sources(&package().join("tests/policy_tests/failing"), "policies");
    let (compiled, model) = compile_with_model(&sources).unwrap();
    let report = testing::run_explained(&compiled, &model, &[], Reasons { all: true, paint: Paint::Plain }).unwrap();
    let options = text::Options { coverage: false, ..PLAIN };
    check("explained.txt", &text::render(&report, &sources, options));
}

#[test]
fn a_filter_is_a_part_of_a_name() {
    let sources = sources(&package().join("../examples/shop"), "examples/shop");
    let names = |filters: &[&str]| run(&sources, filters).results.into_iter().map(|of| of.name).collect::<Vec<_>>();
    assert_eq!(names(&["tier/silver"]), ["payments/refunds need the gold tier/silver"]);
    assert_eq!(names(&["tier/silver", "not the shop"]).len(), 2);
    assert!(names(&["guardrails/"]).iter().all(|name| name.starts_with("guardrails/")));
    assert!(names(&["no such test"]).is_empty());
}

/// Returns the output of `policyc eval --explain` for the requests of a file, as text and as JSON.
fn evaluated(file: &str) -> (String, String) {
    let sources = sources(&package().join("../examples/shop"), "examples/shop");
    let (compiled, model) = compile_with_model(&sources).unwrap();
    let world = World::new(&compiled.tables, &compiled.gateways);
    let text = fs::read_to_string(package().join("tests/policy_tests/eval").join(file)).unwrap();
    let requests = match input::requests(file, &text, &world) {
        Ok(requests) => requests,
        Err(problems) => return (problems.diagnostics.to_text(&problems.sources), String::new()),
    };
    let mut evaluator = Evaluator::new(&compiled, &model).unwrap();
    let (mut text, mut documents) = (String::new(), Vec::new());
    for recorded in &requests {
        let evaluation = evaluator.evaluate_recorded(recorded).unwrap();
        text.push_str(&eval::text::render(recorded, &evaluation, &compiled.tables, true, Paint::Plain));
        text.push('\n');
        documents.push(eval::json::value(recorded, &evaluation, &compiled.tables, true));
    }
    (text, format!("{:#}\n", serde_json::Value::Array(documents)))
}

#[test]
fn an_evaluation_shows_every_rule_with_every_part_of_its_condition() {
    let (text, json) = evaluated("requests.jsonl");
    check("eval/requests.txt", &text);
    check("eval/requests.json", &json);
}

#[test]
fn a_line_of_an_access_log_is_a_request_and_what_it_lacks_is_said() {
    let (text, json) = evaluated("access.log");
    check("eval/access.txt", &text);
    check("eval/access.json", &json);
}

#[test]
fn requests_that_cannot_be_read_have_a_place() {
    check("eval/mistakes.txt", &evaluated("mistakes.jsonl").0);
}

/// Returns the shop with changes in its files: path, old text, new text.
fn shop_with(edits: &[(&str, &str, &str)]) -> Sources {
    let original = sources(&package().join("../examples/shop"), "examples/shop");
    let mut changed = Sources::new("examples/shop");
    for (_, file) in original.iter() {
        let mut text = file.text().to_owned();
        for (_, from, to) in edits.iter().filter(|(path, ..)| *path == file.path()) {
            assert!(text.contains(from), "{from}");
            text = text.replace(from, to);
        }
        // The tests may expect the unchanged behaviour.
        if !file.path().starts_with("tests/") {
            changed.add(file.path(), text);
        }
    }
    changed
}

const EDITS: &[(&str, &str, &str)] = &[
    ("mesh.yaml", "      region: us\n", "      region: ca\n"),
    ("mesh.yaml", "services: [payment-service, ledger]", "services: [payment-service, ledger, refunds]"),
    ("mesh.yaml", "  carriers: {present: [headers, baggage]}", "  onInvalid: deny\n  carriers: {present: [headers]}"),
    ("shop/schema.yaml", "enum: [bronze, silver, gold]", "enum: [bronze, silver, gold, platinum]"),
    ("enterprise/guardrails.yaml", "status: 401", "status: 400"),
    ("payments/policies.yaml", "expression: peer.domain == 'shop'", "expression: peer.domain != 'payments'"),
    ("payments/policies.yaml", "&& context.loyalty_tier != 'gold'", "&& context.loyalty_tier == 'bronze'"),
    ("payments/policies.yaml", "      redact: [user_id]", "      enforcement: shadow\n      redact: [user_id]"),
    ("payments/policies.yaml", "    - name: traceable\n      require: [correlation_id]\n", ""),
    (
        "payments/policies.yaml",
        "  workloads: [ledger]\n  rules:\n",
        "  workloads: [ledger]\n  rules:\n    - name: quiet\n      audit: {}\n",
    ),
];

fn version(sources: &Sources) -> Version {
    let (compiled, model) = compiled(sources);
    Version::of_tree(compiled, &model)
}

fn recorded(old: &Version, new: &Version) -> Vec<input::Recorded> {
    let text = fs::read_to_string(package().join("tests/policy_tests/eval/requests.jsonl")).unwrap();
    input::requests("requests.jsonl", &text, &old.world(new)).unwrap()
}

#[test]
fn a_difference_names_what_changed_and_the_requests_that_are_decided_differently() {
    let (old, new) = (version(&shop_with(&[])), version(&shop_with(EDITS)));
    let changes = diff::changes(&old, &new);
    let impact = diff::impact(&old, &new, &recorded(&old, &new)).unwrap();
    check("diff/shop.txt", &diff::text::render(&changes, Some(&impact), Paint::Plain));
    check("diff/shop.json", &format!("{:#}\n", diff::json::document(&changes, Some(&impact))));
}

/// Changes that a log without values can be held against.
const RULES: &[(&str, &str, &str)] = &[
    ("payments/policies.yaml", "&& context.loyalty_tier != 'gold'", "&& context.loyalty_tier == 'bronze'"),
    (
        "payments/policies.yaml",
        "    - name: minimise\n",
        "    - name: no-charges\n      when: request.url_path == '/charge' && request.method == 'POST'\n      deny: {status: 405}\n    - name: minimise\n",
    ),
];

#[test]
fn a_log_without_values_is_compared_by_what_is_known() {
    let (old, new) = (version(&shop_with(&[])), version(&shop_with(RULES)));
    let text = fs::read_to_string(package().join("tests/policy_tests/diff/access.log")).unwrap();
    let requests = input::requests("access.log", &text, &old.world(&new)).unwrap();
    let impact = diff::impact(&old, &new, &requests).unwrap();
    assert_eq!(impact.total, text.lines().count());
    check("diff/log.txt", &diff::text::render(&[], Some(&impact), Paint::Plain));
    check("diff/log.json", &format!("{:#}\n", diff::json::document(&[], Some(&impact))));
}

#[test]
fn the_same_policies_in_other_files_and_another_order_are_no_difference() {
    let mut moved = Sources::new("moved");
    let original = shop_with(&[]);
    for (number, (_, file)) in original.iter().collect::<Vec<_>>().into_iter().rev().enumerate() {
        moved.add(format!("{number}.yaml"), file.text());
    }
    let (old, new) = (version(&original), version(&moved));
    assert_eq!(diff::changes(&old, &new), []);
    assert!(diff::impact(&old, &new, &recorded(&old, &new)).unwrap().differences.is_empty());
}

#[test]
fn an_artifact_is_compared_by_what_its_programs_do() {
    let artifact = |sources: &Sources| {
        let bytes = policy_compiler::compile(sources).unwrap().artifact;
        Version::of_artifact(bytes).unwrap()
    };
    let old = artifact(&shop_with(&[]));
    assert_eq!(diff::changes(&old, &version(&shop_with(&[]))), [], "an artifact and the tree that it was built from");
    // A new rule moves constants and variables in their pools; the programs of the other rules stay the same.
    let more = [(
        "enterprise/guardrails.yaml",
        "    - name: no-test-tenants\n",
        "    - name: a-new-one\n      when: peer.domain == 'nowhere' && request.method == 'TRACE'\n      deny: {}\n    - name: no-test-tenants\n",
    )];
    let changes = diff::changes(&old, &artifact(&shop_with(&more)));
    assert_eq!(changes.iter().map(|of| of.name.as_str()).collect::<Vec<_>>(), ["enterprise/guardrails/a-new-one"]);
    let changes = diff::changes(&old, &artifact(&shop_with(EDITS)));
    check("diff/artifacts.txt", &diff::text::render(&changes, None, Paint::Plain));
}

/// Returns whether the condition of a rule holds, according to its parts.
fn holds(run: &policy_compiler::run::explain::RuleRun<'_>) -> Option<bool> {
    use policy_compiler::run::explain::Seen;
    match run.condition.as_ref().map(|condition| &condition.value) {
        None | Some(Seen::Bool(true)) => Some(true),
        Some(Seen::Bool(false)) => Some(false),
        Some(Seen::Error(_) | Seen::Other(_) | Seen::Unknown) => None,
    }
}

#[test]
fn the_parts_of_a_condition_say_what_the_decision_says() {
    let sources = sources(&package().join("../examples/shop"), "examples/shop");
    let (compiled, model) = compile_with_model(&sources).unwrap();
    let mut evaluator = Evaluator::new(&compiled, &model).unwrap();
    let mut seen = 0;
    for case in &model.tests {
        for run in evaluator.evaluate(&case.request).unwrap().runs {
            let rule = run.rule.get(&compiled.tables.rules).unwrap();
            let require = matches!(rule.effect, context_mesh_core::artifact::tables::Effect::Require { .. });
            match holds(&run) {
                Some(holds) if require => assert!(holds || !run.applied, "{} in {}", rule.name, case.name),
                Some(holds) => assert_eq!(holds, run.applied, "{} in {}", rule.name, case.name),
                None => assert!(run.error.is_some(), "{} in {}", rule.name, case.name),
            }
            seen += 1;
        }
    }
    assert!(seen > 100);
}

/// A field with `ttl` is present while the context is young, on the wire and in memory.
#[test]
fn a_test_says_how_old_the_context_is() {
    let tree = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec:
  trustDomain: a.b
  identity: /ns/default/sa/{service}
  domains: {d: {services: [one, two]}}
---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: s, domain: d}
spec: {fields: {code: {type: string, ttl: 2m}, tenant: {type: string}}}
---
apiVersion: contextmesh.io/v1
kind: PolicyTest
metadata: {name: age}
spec:
  tests:
    - name: on the wire
      workload: one
      principal: {service: two}
      context: {code: '1', tenant: t}
      cases:
        - {name: at once, expect: {context: {code: '1', tenant: t}}}
        - {name: in time, age: 119s, expect: {context: {code: '1', tenant: t}}}
        - {name: too late, age: 121s, expect: {absent: [code], context: {tenant: t}}}
    - name: in memory
      workload: one
      role: outbound
      destination: two
      remembered: {code: '1', tenant: t}
      cases:
        - {name: at once, expect: {context: {code: '1'}}}
        - {name: in time, age: 119s, expect: {context: {code: '1'}}}
        - {name: too late, age: 121s, expect: {absent: [code], context: {tenant: t}}}
";
    let mut sources = Sources::new("t");
    sources.add("tree.yaml", tree);
    let report = run(&sources, &[]);
    let failed: Vec<String> =
        report.results.iter().filter(|of| !of.failures.is_empty()).map(|of| format!("{of:?}")).collect();
    assert_eq!((report.results.len(), failed), (6, Vec::new()));
}
