//! AuthorizationPolicies as trees: snapshots of small ones.

use std::path::PathBuf;

use policy_compiler::{
    compile,
    import::{
        convert::{Converted, Verdict, convert},
        read,
        select::groups,
    },
    report::source::Sources,
};

use crate::support::{failed_tests, golden, yaml_files};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/import/convert")
}

/// Converts the resources of a text.
fn converted(name: &str, text: &str) -> (Sources, Converted) {
    let mut sources = Sources::new("");
    sources.add(name, text);
    let (resources, found) = read(&sources);
    assert!(!found.has_errors(), "{}", found.to_text(&sources));
    let converted = convert(&resources, &groups(&resources));
    (sources, converted)
}

/// Returns the files as a tree.
fn tree(converted: &Converted) -> Sources {
    let mut sources = Sources::new("imported");
    for file in &converted.files {
        sources.add(file.path.clone(), file.text.clone());
    }
    sources
}

/// Returns verdicts and files as one text.
fn shown(sources: &Sources, converted: &Converted) -> String {
    let mut out = String::new();
    for verdict in &converted.verdicts {
        let (word, reasons) = match verdict {
            Verdict::Exact => ("exact", &[][..]),
            Verdict::Stricter(reasons) => ("stricter", reasons.as_slice()),
            Verdict::Refused(reasons) => ("refused", reasons.as_slice()),
        };
        out += &format!("{word}\n");
        for reason in reasons {
            out += &format!("  {}: {}\n", sources.place(reason.span), reason.text);
        }
    }
    for file in &converted.files {
        out += &format!("\n== {}\n{}", file.path, file.text);
    }
    out
}

#[test]
fn policies_become_trees() {
    let mut wrong = Vec::new();
    let files = yaml_files(&folder());
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let (sources, converted) = converted(name, &std::fs::read_to_string(path).unwrap());
        wrong.extend(golden::compare(&path.with_extension("txt"), &shown(&sources, &converted)).err());
        if converted.files.is_empty() {
            continue;
        }
        let tree = tree(&converted);
        match compile(&tree) {
            Err(found) => wrong.push(format!("{name}: {}", found.to_text(&tree))),
            Ok(compiled) if !compiled.warnings.is_empty() => wrong.push(compiled.warnings.to_text(&tree)),
            Ok(_) => wrong.extend(failed_tests(&tree)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(files.len() > 10, "{files:?}");
}
