//! Diagnostics: every kind of mistake with the whole text that a user sees.
//!
//! A case is a folder of `tests/diagnostics` with a source tree and `expected.txt`. `UPDATE_EXPECT=1` updates the
//! expectations; read the difference before committing it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use policy_compiler::{
    check::lock::FILE_NAME,
    compile,
    report::{diagnostic::Diagnostics, source::Sources},
};

use crate::support::golden;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

/// Returns the YAML files of a case, sorted by name.
fn sources(case: &Path) -> Sources {
    let files = fs::read_dir(case).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|e| e == "yaml")).collect();
    files.sort();
    let mut sources = Sources::new("policies");
    for path in files {
        sources.add(path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
    }
    sources.set_today(jiff::civil::date(2026, 6, 1));
    if let Ok(lock) = fs::read(case.join(FILE_NAME)) {
        sources.set_lock(FILE_NAME, lock);
    }
    sources
}

fn diagnostics(sources: &Sources) -> Diagnostics {
    match compile(sources) {
        Ok(compiled) if compiled.warnings.is_empty() => panic!("nothing is found"),
        Ok(compiled) => compiled.warnings,
        Err(diagnostics) => diagnostics,
    }
}

#[test]
fn every_case_says_exactly_what_is_wrong() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 10, "the cases are missing");
    let mut failures = Vec::new();
    for case in cases {
        let sources = sources(&case);
        let text = diagnostics(&sources).to_text(&sources);
        failures.extend(golden::compare(&case.join("expected.txt"), &text).err());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_file_that_is_not_utf8_is_one_finding_among_others() {
    let mut sources = Sources::new("policies");
    sources.add("a.yaml", b"kind: Mesh\nname: \xff\xfe\n".to_vec());
    sources.add("b.yaml", "apiVersion: contextmesh.io/v1\nkind: Nothing\nmetadata: {name: x}\nspec: {}\n");
    let found = diagnostics(&sources);
    let places: Vec<_> = found.iter().map(|d| (d.code, d.span.map(|span| sources.start(span).line))).collect();
    assert_eq!(places, [("CM0301", None), ("CM0101", Some(2)), ("CM0205", Some(2))]);
    assert!(found.to_text(&sources).contains("policies/a.yaml:2:7"));
}

#[test]
fn a_file_beyond_the_size_limit_is_not_read() {
    let mut sources = Sources::new("policies");
    sources.add("a.yaml", vec![b' '; policy_compiler::report::source::MAX_FILE_BYTES + 1]);
    assert_eq!(diagnostics(&sources).iter().next().unwrap().code, "CM0301");
    assert!(diagnostics(&sources).iter().any(|d| d.code == "CM0102"));
}
