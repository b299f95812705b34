//! `PolicyTest` documents: the example's own, and what the runner says of tests that fail.
//!
//! `tests/policy_tests/*.txt` are whole outputs; `UPDATE_EXPECT=1` writes them anew.

use std::{
    fs,
    path::{Path, PathBuf},
};

use policy_compiler::{
    compile_with_model,
    source::Sources,
    style::Paint,
    testing::{self, TestReport, json, junit, text},
};

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The YAML files below a folder, sorted by path.
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
    let (compiled, model) = compile_with_model(sources).unwrap_or_else(|found| panic!("{}", found.to_text(sources)));
    testing::run(&compiled, &model, &filters).unwrap()
}

fn check(name: &str, actual: &str) {
    let path = package().join("tests/policy_tests").join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, actual).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), actual, "UPDATE_EXPECT=1 accepts this");
}

const PLAIN: text::Options = text::Options { paint: Paint::Plain, verbose: false, coverage: true };

#[test]
fn the_tests_of_the_shop_pass_and_reach_every_rule_and_branch() {
    let sources = sources(&package().join("../examples/shop"), "examples/shop");
    let report = run(&sources, &[]);
    assert!(report.passed() && report.coverage.percent() == 100, "{}", text::render(&report, &sources, PLAIN));
}

#[test]
fn a_failure_says_what_was_expected_and_found_and_where() {
    let sources = sources(&package().join("tests/policy_tests/failing"), "policies");
    let report = run(&sources, &[]);
    check("failing.txt", &text::render(&report, &sources, PLAIN));
    check("failing.json", &format!("{:#}\n", json::document(&report, &sources)));
    check("failing.xml", &junit::render(&report, &sources));
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
