//! `policyc fmt`: what is moved, what stays, and that nothing else changes.

use std::{fs, path::Path};

use policy_compiler::{compile, read::document::formatted, report::source::Sources};

use crate::support::{golden, repository};

fn format(text: &str) -> Result<String, String> {
    let mut sources = Sources::new("t");
    let id = sources.add("a.yaml", text);
    formatted(id, sources.file(id).unwrap()).map_err(|left| left.to_string())
}

fn yaml_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn all_trees_are_formatted_and_twice_is_once() {
    let mut files = Vec::new();
    for folder in ["examples", "policy-compiler/templates", "policy-compiler/tests"] {
        yaml_files(&repository().join(folder), &mut files);
    }
    let (mut done, mut left) = (0, Vec::new());
    for path in &files {
        let Ok(text) = fs::read_to_string(path) else { continue };
        match format(&text) {
            Ok(once) => {
                assert_eq!(format(&once).as_ref(), Ok(&once), "{}", path.display());
                done += 1;
            }
            Err(reason) => left.push(format!("{}: {reason}", path.strip_prefix(repository()).unwrap().display())),
        }
    }
    assert!(done > 80, "{done} of {}", files.len());
    // What is broken on purpose, and little else.
    assert!(left.iter().all(|name| name.contains("tests/")) && left.len() < 15, "{left:#?}");
}

/// Changes lines of a text at random: takes one out, doubles it, swaps two, or shifts one.
fn mutated(text: &str, seed: &mut u64) -> String {
    let mut next = |below: usize| {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 33).unwrap() % below.max(1)
    };
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..=next(3) {
        let (at, other, kind) = (next(lines.len()), next(lines.len()), next(6));
        match kind {
            0 => _ = lines.remove(at),
            1 => lines.insert(at, lines[other].clone()),
            2 => lines.swap(at, other),
            3 => lines[at].insert_str(0, "  "),
            4 => lines.insert(at, format!("{}# {at}", " ".repeat(next(8)))),
            _ => lines[at].push_str("  # more"),
        }
        if lines.is_empty() {
            break;
        }
    }
    lines.join("\n") + "\n"
}

#[test]
fn whatever_is_formatted_is_formatted_once() {
    let (mut files, mut seed, mut done) = (Vec::new(), 1, 0);
    yaml_files(&repository().join("examples/shop"), &mut files);
    yaml_files(&repository().join("examples/bank"), &mut files);
    files.push(repository().join("policy-compiler/tests/formatting/before.yaml"));
    for path in &files {
        let text = fs::read_to_string(path).unwrap();
        for _ in 0..60 {
            let text = mutated(&text, &mut seed);
            if let Ok(once) = format(&text) {
                assert_eq!(format(&once).as_ref(), Ok(&once), "{text}");
                done += 1;
            }
        }
    }
    assert!(done > 200, "only {done} of {}", files.len() * 60);
}

#[test]
fn what_the_trees_say_stays() {
    let mut trees = 0;
    for name in ["shop", "bank", "bookinfo"] {
        let folder = repository().join("examples").join(name);
        let mut files = Vec::new();
        yaml_files(&folder, &mut files);
        files.sort();
        let compiled = |change: &dyn Fn(String) -> String| {
            let mut sources = Sources::new("t");
            for path in &files {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap();
                sources.add(name, change(fs::read_to_string(path).unwrap()));
            }
            let mut tables = compile(&sources).unwrap_or_else(|found| panic!("{}", found.to_text(&sources))).tables;
            tables.rules.iter_mut().for_each(|rule| rule.place.clear());
            tables
        };
        assert!(compiled(&|text| text) == compiled(&|text| format(&text).unwrap()), "{name}");
        trees += 1;
    }
    assert_eq!(trees, 3);
}

#[test]
fn keys_are_moved_with_their_comments() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/formatting");
    let text = fs::read_to_string(folder.join("before.yaml")).unwrap();
    golden::check(&folder.join("after.yaml"), &format(&text).unwrap());
}

#[test]
fn what_is_not_certain_is_left() {
    let rows = [
        ("a: [", "it is not YAML"),
        ("a: &x 1\nb: *x\n", "it has anchors, aliases or tags"),
        ("a: !!str 1\n", "it has anchors, aliases or tags"),
        ("a: 1\r\nb: 2\r\n", "it is written in a form that is not understood"),
        ("a: 'x\ty'\n", "it is written in a form that is not understood"),
        ("kind: X\nb:\n-\n  a: 1\n", "it is written in a form that is not understood"),
        ("kind: X\na:\n  - - 1\n    - 2\n", "it is written in a form that is not understood"),
        ("kind: X\n? a\n: b: 1\n  c: 2\n", "it is written in a form that is not understood"),
        ("a: 1\na: 2\n", "it is written in a form that is not understood"),
    ];
    for (text, reason) in rows {
        assert_eq!(format(text), Err(reason.to_owned()), "{text}");
    }
}
