//! Diagnostics as SARIF 2.1.0, which code scanning services show.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    diagnostic::{Diagnostic, Diagnostics},
    explanation,
    source::{Sources, Span},
};

/// Most findings in one document. GitHub accepts no more in one run.
const MAX_RESULTS: usize = 5000;

/// Returns a SARIF document with these findings.
pub fn document(found: &[(&Diagnostics, &Sources)]) -> Value {
    let all = || {
        let pairs = found.iter().flat_map(|(list, sources)| list.iter().map(move |one| (one, *sources)));
        pairs.take(MAX_RESULTS)
    };
    let codes: BTreeSet<&str> = all().map(|(diagnostic, _)| diagnostic.code).collect();
    let results: Vec<Value> = all().map(|(diagnostic, sources)| result(diagnostic, sources, &codes)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "policyc",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &str) -> Value {
    let Ok(explanation) = explanation::find(code) else {
        return json!({"id": code, "shortDescription": {"text": "A policy test failed."}});
    };
    json!({
        "id": code,
        "shortDescription": {"text": explanation.summary},
        "fullDescription": {"text": explanation.meaning},
        "help": {"text": format!("{}\n`policyc explain {code}` shows an example and its repair.", explanation.meaning)},
    })
}

fn result(diagnostic: &Diagnostic, sources: &Sources, codes: &BTreeSet<&str>) -> Value {
    let related = diagnostic.labels.iter().zip(1..).map(|(label, id)| {
        json!({"id": id, "physicalLocation": place(Some(label.span), sources), "message": {"text": label.text}})
    });
    let mut result = json!({
        "ruleId": diagnostic.code,
        "ruleIndex": codes.iter().position(|code| *code == diagnostic.code),
        "level": diagnostic.severity.name(),
        "message": {"text": diagnostic.whole_message()},
        "locations": [{"physicalLocation": place(diagnostic.span, sources)}],
    });
    if !diagnostic.labels.is_empty()
        && let Some(object) = result.as_object_mut()
    {
        object.insert("relatedLocations".to_owned(), related.collect());
    }
    result
}

/// Returns the location of a result. A finding about the whole tree is located at its folder, because results without a
/// location are not shown.
fn place(span: Option<Span>, sources: &Sources) -> Value {
    let Some(span) = span else {
        let origin = if sources.origin().is_empty() { "." } else { sources.origin() };
        return json!({"artifactLocation": {"uri": uri(origin)}, "region": {"startLine": 1}});
    };
    let (start, end) = (sources.start(span), sources.end(span));
    json!({
        "artifactLocation": {"uri": uri(&sources.shown_path(span.file))},
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
        },
    })
}

/// Returns a path as a URI reference, relative or with the scheme `file`.
fn uri(path: &str) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let encode = |byte: u8| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    let encoded: String = path.bytes().map(encode).collect();
    let path = encoded.strip_prefix("./").unwrap_or(&encoded);
    if path.starts_with('/') { format!("file://{path}") } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::diagnostic::code;

    #[test]
    fn paths_are_references() {
        let cases = [
            ("policies/a.yaml", "policies/a.yaml"),
            ("./a b.yaml", "a%20b.yaml"),
            ("/tmp/ä:1.yaml", "file:///tmp/%C3%A4%3A1.yaml"),
            ("../a.yaml", "../a.yaml"),
        ];
        for (path, expected) in cases {
            assert_eq!(uri(path), expected, "{path}");
        }
    }

    #[test]
    fn rules_are_listed_once_and_results_point_at_them() {
        let mut sources = Sources::new("tree");
        let file = sources.add("a.yaml", "a: 1\nb: 2\n");
        let mut all = Diagnostics::new();
        let first = Span::new(file, 0, 1);
        all.push(Diagnostic::warning(code::NEVER_MATCHES, first, "never"));
        all.push(Diagnostic::error(code::UNKNOWN_KEY, Span::new(file, 5, 6), "m").label(first, "the first one"));
        all.push(Diagnostic::error(code::UNKNOWN_KEY, None, "the tree"));
        let document = document(&[(&all, &sources)]);
        let run = &document["runs"][0];
        let ids: Vec<_> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
        assert_eq!(ids, ["CM0201", "CM0601"]);
        let indices: Vec<_> =
            run["results"].as_array().unwrap().iter().map(|result| (&result["ruleIndex"], &result["level"])).collect();
        let (zero, one) = (json!(0), json!(1));
        let (error, warning) = (json!("error"), json!("warning"));
        assert_eq!(indices, [(&one, &warning), (&zero, &error), (&zero, &error)]);
        let region = json!({"startLine": 2, "startColumn": 1, "endLine": 2, "endColumn": 2});
        assert_eq!(run["results"][1]["locations"][0]["physicalLocation"]["region"], region);
        assert_eq!(run["results"][1]["relatedLocations"][0]["message"]["text"], "the first one");
        assert_eq!(run["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "tree");
    }
}
