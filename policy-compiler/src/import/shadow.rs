//! The tree for a trial beside the policies: its rules are evaluated and reported, and reject nothing.

use super::convert::File;
use crate::{
    read::{
        foreign::{entries, get, list, text},
        yaml::{self, Node},
    },
    report::{diagnostic::Diagnostics, source::Sources},
};

/// The keys of effects that policies become.
const EFFECTS: [&str; 3] = ["deny", "allow", "audit"];

/// Puts every rule of a tree into shadow. Files with tests are removed, because they say what enforced rules decide.
pub fn shadow(files: &mut Vec<File>) {
    files.retain_mut(|file| match shadowed(&file.text) {
        Some(text) => {
            file.text = text;
            true
        }
        None => false,
    });
}

/// Returns the text of a file with its rules in shadow; `None` if it has tests.
fn shadowed(before: &str) -> Option<String> {
    let mut sources = Sources::new("");
    let file = sources.add("", before);
    let documents = yaml::parse(file, sources.file(file)?, &mut Diagnostics::new());
    let has_kind = |node: &&Node, kind: &str| text(node, "kind").is_some_and(|found| found.value == kind);
    if documents.iter().any(|document| has_kind(&document, "PolicyTest")) {
        return None;
    }
    let specs = documents.iter().filter(|document| has_kind(document, "ContextPolicy"));
    let rules = specs.filter_map(|document| get(document, "spec")).flat_map(|spec| list(spec, "rules"));
    let mut after = String::new();
    let mut copied = 0;
    for (at, key) in rules.filter_map(|rule| addition(before, rule)) {
        after.push_str(before.get(copied..at)?);
        after.push_str(&key);
        copied = at;
    }
    Some(after + before.get(copied..)?)
}

/// Returns what puts an enforced rule into shadow, and the byte before which it is added.
fn addition(text: &str, rule: &Node) -> Option<(usize, String)> {
    if get(rule, "enforcement").is_some() {
        return None;
    }
    // In the order of `policyc fmt`, it precedes the effect.
    let keys = entries(rule).iter().map(|(key, _)| key);
    let at = keys.clone().find(|key| EFFECTS.contains(&key.value.as_str()))?.span.range().start;
    let first = keys.map(|key| key.span.range().start).next()?;
    // In the form of a flow, keys follow each other on one line.
    let in_block = text.get(first..at)?.contains('\n');
    let gap = if in_block { format!("\n{}", " ".repeat(column(text, at)?)) } else { ", ".to_owned() };
    Some((at, format!("enforcement: shadow{gap}")))
}

/// Returns the number of characters before a byte in its line.
fn column(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    Some(before.get(before.rfind('\n').map_or(0, |end| end + 1)..)?.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_put_into_shadow_and_tests_are_removed() {
        let head = "# A comment.\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: a}\nspec:\n  \
                    workloads: [a]\n  rules:\n";
        let policy = "    - name: block\n      # Why.\n      when: >-\n        a\n      deny: {}\n    \
                      - {name: flow, when: \"x, y\", allow: {}}\n    \
                      - name: already\n      enforcement: shadow\n      allow: {}\n";
        let expected = "    - name: block\n      # Why.\n      when: >-\n        a\n      enforcement: shadow\n      deny: {}\n    \
                        - {name: flow, when: \"x, y\", enforcement: shadow, allow: {}}\n    \
                        - name: already\n      enforcement: shadow\n      allow: {}\n";
        let (policy, expected) = (&format!("{head}{policy}"), &format!("{head}{expected}"));
        let mesh = "kind: Mesh\nspec: {default: allow}\n";
        let tests = "kind: PolicyTest\nspec: {tests: []}\n";
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let mut files = vec![file("a.yaml", policy), file("m.yaml", mesh), file("t.yaml", tests)];
        shadow(&mut files);
        assert_eq!(files, [file("a.yaml", expected), file("m.yaml", mesh)]);
        shadow(&mut files);
        assert_eq!(files, [file("a.yaml", expected), file("m.yaml", mesh)], "twice is once");
    }
}
