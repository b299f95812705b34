//! Compiles a whole tree, from documents to the artifact.
//!
//! `tests/trees/*/expected.txt` is the output of `policyc inspect`; `UPDATE_EXPECT=1` updates it.

use std::{fs, path::Path};

use context_mesh_core::artifact::{load, tables::Effect};
use policy_compiler::{
    Compiled, compile,
    report::{diagnostic::Diagnostics, source::Sources},
    show::inspect,
};

use crate::support::{compiled, golden};

const FILES: [&str; 4] = ["enterprise.yaml", "mesh.yaml", "payments/guard.yaml", "shop/schema.yml"];

fn tree() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trees/shop")
}

fn shop() -> Compiled {
    let mut sources = Sources::new("shop");
    for file in FILES {
        sources.add(file, fs::read(tree().join(file)).unwrap());
    }
    compile(&sources).unwrap_or_else(|diagnostics| panic!("{}", diagnostics.to_text(&sources)))
}

fn try_compile(text: &str) -> Result<Compiled, Diagnostics> {
    let mut sources = Sources::new("t");
    sources.add("a.yaml", text);
    compile(&sources)
}

#[test]
fn the_artifact_says_what_the_documents_say() {
    let text = inspect::text(&shop().artifact).unwrap();
    // The digest and the size change with every compression library; the text below them must not.
    let (_, stable) = text.split_once("\n\n").unwrap();
    golden::check(&tree().join("expected.txt"), stable);
}

#[test]
fn the_same_sources_give_the_same_bytes_and_they_load() {
    let (one, two) = (shop(), shop());
    assert_eq!(one.artifact, two.artifact);
    assert_eq!(load(&one.artifact).unwrap().digest().to_string(), one.digest);
    assert!(one.warnings.is_empty());
}

#[test]
fn what_the_enterprise_denies_is_reported_first() {
    let rules = shop().tables.rules;
    let first_other = rules.iter().position(|rule| !matches!(rule.effect, Effect::Deny(_))).unwrap();
    assert!(rules[..first_other].iter().all(|rule| rule.name.starts_with("enterprise/")));
    assert!(first_other >= 2);
    assert!(rules.is_sorted_by_key(|rule| rule.layer));
}

#[test]
fn an_unlisted_service_gets_the_rules_for_all_workloads_only() {
    let tables = shop().tables;
    let names: Vec<&str> =
        tables.unlisted.inbound.iter().map(|i| i.get(&tables.rules).unwrap().name.as_str()).collect();
    assert!(names.iter().all(|name| name.starts_with("enterprise/guardrails/")), "{names:?}");
    assert!(tables.unlisted.outbound.is_empty());
}

#[test]
fn the_dictionary_has_names_and_values_once() {
    let words = &shop().tables.dictionaries[0].words;
    for word in ["caller", "tenant_id", "ledger", "payments", "gold", "new_checkout", "DELETE"] {
        assert_eq!(words.iter().filter(|w| *w == word).count(), 1, "{word}");
    }
    assert_eq!(words[0], "caller", "field names come first: they are in every context");
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let mesh = try_compile(
        "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {name: m}\nspec: {trustDomain: a.b, domains: {d: {services: [s], namespaces: [n]}}}\n",
    );
    let mesh = mesh.unwrap().tables.mesh;
    assert_eq!(
        (mesh.identity_path.as_str(), mesh.cluster_domain.as_str()),
        ("/ns/{namespace}/sa/{service}", "cluster.local")
    );
    assert_eq!((mesh.memory_slots, mesh.memory_ttl_ms, mesh.max_age_ms), (131_072, 60_000, 0));
    assert!(mesh.require_peer && mesh.present_headers && mesh.present_baggage && !mesh.present_mesh_header);
}

#[test]
fn documents_that_say_nothing_are_no_mistake() {
    let text = "---\n# nothing\n---\napiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {name: m}\nspec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {}}\n---\n";
    assert!(try_compile(text).is_ok());
}

/// Compiles the tree of the demo with one file changed.
fn demo_with(changed: usize, text: &str) -> (Sources, Result<Compiled, Diagnostics>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop");
    let mut sources = Sources::new("t");
    for (index, name) in DEMO.iter().enumerate() {
        let text = if index == changed { text.to_owned() } else { fs::read_to_string(folder.join(name)).unwrap() };
        sources.add(*name, text);
    }
    let result = compile(&sources);
    (sources, result)
}

const DEMO: [&str; 6] = [
    "mesh.yaml",
    "enterprise/guardrails.yaml",
    "enterprise/schema.yaml",
    "payments/policies.yaml",
    "shop/policies.yaml",
    "shop/schema.yaml",
];

/// Returns the words in the text of a document, with their places.
fn words(text: &str) -> Vec<(usize, &str)> {
    let parts = text.match_indices(|c: char| c.is_alphanumeric() || c == '_');
    let mut words: Vec<(usize, usize)> = Vec::new();
    for (at, part) in parts {
        match words.last_mut() {
            Some((_, end)) if *end == at => *end += part.len(),
            _ => words.push((at, at + part.len())),
        }
    }
    words.into_iter().map(|(start, end)| (start, &text[start..end])).collect()
}

/// Any change of a document is compiled or reported, and many changes reach the stages after reading.
#[test]
fn odd_input_is_a_diagnostic_and_never_a_panic() {
    let (mut all, mut read) = (0, 0);
    let mut try_one = |changed: usize, text: &str| {
        let (sources, result) = demo_with(changed, text);
        all += 1;
        match result {
            Ok(_) => read += 1,
            Err(diagnostics) => {
                assert!(!diagnostics.to_text(&sources).is_empty());
                // CM01 is reading, CM02 the shape of documents.
                read +=
                    usize::from(!diagnostics.iter().any(|d| d.code.starts_with("CM01") || d.code.starts_with("CM02")));
            }
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/shop");
    for (index, name) in DEMO.iter().enumerate() {
        let good = fs::read_to_string(folder.join(name)).unwrap();
        // Truncated, with characters inserted that are special in YAML, and with one word replaced by another.
        for (at, c) in good.char_indices().step_by(good.len() / 8) {
            try_one(index, &good[..at]);
            for other in ["\"", "'", "{", "]", ":", "\t", "\u{0}", "&", "é", "\n"] {
                try_one(index, &format!("{}{other}{}", &good[..at], &good[at + c.len_utf8()..]));
            }
        }
        let words = words(&good);
        for step in 0..80 {
            let (at, word) = words[step * 7919 % words.len()];
            let (_, other) = words[step * 104_729 % words.len()];
            try_one(index, &format!("{}{other}{}", &good[..at], &good[at + word.len()..]));
        }
    }
    eprintln!("{read} of {all} trees were read and checked");
    assert!(read * 3 >= all, "{read} of {all} trees were read and checked");
}

#[test]
fn every_option_of_a_field_goes_into_the_artifact_and_is_shown() {
    let mesh = "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {name: m}\n\
                spec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {d: {services: [s], region: eu}}}\n---\n";
    let schema = "apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {name: fields, version: 1.0.0}\nspec:\n  fields:\n";
    let cases = [
        ("type: int", "int  owner enterprise  merge Replace"),
        ("type: int, minimum: -1, maximum: 10", "int  owner enterprise  merge Replace  at least -1  at most 10"),
        ("type: double, minimum: 0.5, maximum: 2", "double  owner enterprise  merge Replace  at least 0.5  at most 2"),
        ("type: list<int>, maxItems: 3", "list<int>  owner enterprise  merge Replace  at most 3 items"),
        ("type: string, ttl: 90s", "string  owner enterprise  merge Replace  ttl 90 s"),
        ("type: string, ttl: 500ms", "string  owner enterprise  merge Replace  ttl 500 ms"),
        ("type: string, consistency: session", "string  owner enterprise  merge Replace"),
        (
            "type: string, consistency: strong, residency: [eu]",
            "string  owner enterprise  merge Replace  consistency strong  residency eu",
        ),
        (
            "type: string, consistency: eventual, classification: phi, baggage: true",
            "string  owner enterprise  merge Replace  consistency eventual  classification phi",
        ),
    ];
    for (options, shown) in cases {
        let compiled = try_compile(&format!("{mesh}{schema}    f: {{{options}}}\n")).unwrap();
        assert!(compiled.warnings.is_empty(), "{options}");
        let text = inspect::text(&compiled.artifact).unwrap();
        assert!(text.contains(&format!("\n  f  {shown}\n")), "{options}: {text}");
    }
}

/// A folder that GitOps applies has other objects beside ours, and tools label them.
#[test]
fn documents_of_other_groups_are_left_alone_and_labels_are_accepted() {
    let mesh = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m, labels: {team: a}, annotations: {argocd.argoproj.io/sync-wave: '1'}}
spec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', domains: {d: {services: [s]}}}
---
";
    let of = |other: &str| -> Vec<String> {
        let mut sources = Sources::new("t");
        sources.add("a.yaml", format!("{mesh}{other}"));
        match compile(&sources) {
            Ok(compiled) => compiled.warnings.iter().map(|found| found.message.clone()).collect(),
            Err(found) => found.iter().map(|found| found.message.clone()).collect(),
        }
    };
    let cases: [(&str, &[&str]); 5] = [
        (
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: x}\nspec: {}\n",
            &[],
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n", &[]),
        (
            "apiVersion: contextmsh.io/v1\nkind: ContextPolcy\nmetadata: {name: p}\nspec: {}\n",
            &["the apiVersion `contextmsh.io/v1` is not known", "the kind `ContextPolcy` is not known"],
        ),
        (
            "apiVersion: other.io/v1\nkind: ContextSchema\nmetadata: {name: p}\nspec: {fields: {}}\n",
            &["the apiVersion `other.io/v1` is not known"],
        ),
        (
            "apiVersion: contextmesh.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {}\n",
            &["the kind `VirtualService` is not known"],
        ),
    ];
    for (other, expected) in cases {
        assert_eq!(of(other), expected, "{other}");
    }
}

/// Beside a document of another group all checks are made, and all tests run.
#[test]
fn documents_of_other_groups_hide_nothing() {
    let tree = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: m}
spec: {trustDomain: a.b, identity: '/ns/default/sa/{service}', default: deny, domains: {d: {services: [s, t]}}}
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: p, domain: d}
spec:
  workloads: [s]
  rules:
    - {name: typo, when: peer.service == 'u', allow: {}}
    - {name: tried, when: peer.service == 't', enforcement: shadow, allow: {}}
---
apiVersion: contextmesh.io/v1
kind: PolicyTest
metadata: {name: tests}
spec:
  tests:
    - {name: closed, workload: t, expect: {decision: deny, rule: mesh/default}}
    - {name: would be closed, workload: s, expect: {decision: deny, shadow: [domain allow rules]}}
";
    let foreign = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n";
    for other in ["", foreign] {
        let mut sources = Sources::new("t");
        sources.add("a.yaml", format!("{tree}{other}"));
        let (compiled, model) = compiled(&sources);
        let found: Vec<&str> = compiled.warnings.iter().map(|found| found.code).collect();
        assert_eq!(found, ["CM0609"], "{other}");
        let names: Vec<&str> = model.tests.iter().map(|test| test.name.as_str()).collect();
        assert_eq!(names, ["tests/closed", "tests/would be closed"], "{other}");
    }
}
