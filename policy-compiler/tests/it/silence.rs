//! Warnings that rules silence.

use policy_compiler::{
    compile,
    report::{explanation::TREE, source::Sources},
};

/// Returns the remaining and the silenced warnings of rules in a policy with this metadata.
fn found(metadata: &str, rules: &str) -> (Vec<&'static str>, Vec<(&'static str, String)>) {
    let mut sources = Sources::new("policies");
    for (name, text) in TREE {
        sources.add(name, text);
    }
    let head = format!("apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {metadata}\n");
    sources.add("example.yaml", format!("{head}spec:\n  workloads: [ledger]\n  rules:\n{rules}"));
    match compile(&sources) {
        Ok(compiled) => {
            let silenced = compiled.silenced.iter().map(|one| (one.diagnostic.code, one.reason.clone()));
            (compiled.warnings.iter().map(|one| one.code).collect(), silenced.collect())
        }
        Err(errors) => (errors.iter().map(|one| one.code).collect(), Vec::new()),
    }
}

const DOMAIN: &str = "{name: example, domain: payments}";
const ENTERPRISE: &str = "{name: example}";

/// Returns a rule that always matches, in block style with the entries after it.
fn always(entries: &str) -> String {
    let when = "request.method != 'POST' || request.method != 'PUT'";
    format!("    - name: all\n      when: {when}\n      audit: true\n      silence: [{entries}]\n")
}

#[test]
fn a_rule_silences_its_own_warnings() {
    let entry = "{code: CM0602, reason: meant}";
    let twice = always(entry) + &always("").replace("name: all", "name: other");
    let flow = "    - {name: all, silence: [{code: CM0602, reason: meant}], when: \"request.method != 'A' || request.method != 'B'\", audit: true}\n";
    // The metadata, the rules, the remaining codes, and the number of silenced warnings.
    let cases: [(&str, String, &[&str], usize); 10] = [
        (DOMAIN, always(""), &["CM0602"], 0),
        (DOMAIN, always(entry), &[], 1),
        (DOMAIN, flow.to_owned(), &[], 1),
        (DOMAIN, twice, &["CM0602"], 1),
        (DOMAIN, always("{code: CM0601, reason: meant}"), &["CM0602", "CM0315"], 0),
        (DOMAIN, always("{code: CM0602, reason: ''}"), &["CM0204"], 0),
        (DOMAIN, always("{code: CM0602}"), &["CM0202"], 0),
        (DOMAIN, always("{code: CM9999, reason: meant}"), &["CM0204"], 0),
        (ENTERPRISE, always(entry), &["CM0204"], 0),
        // Errors are not silenced.
        (
            DOMAIN,
            always("{code: CM0405, reason: meant}").replace("request.method != 'PUT'", "context.x == 'a'"),
            &["CM0405"],
            0,
        ),
    ];
    for (metadata, rules, left, silenced) in cases {
        let (mut codes, found) = found(metadata, &rules);
        let mut left = left.to_vec();
        codes.sort_unstable();
        left.sort_unstable();
        assert_eq!((codes, found.len()), (left, silenced), "{metadata} {rules}");
        assert!(found.iter().all(|(code, reason)| *code == "CM0602" && reason == "meant"));
    }
}
