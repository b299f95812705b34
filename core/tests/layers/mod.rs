//! Reads which modules of a crate use which others, and holds that against an order. Shared by the tests of several crates.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Checks that no module uses one above it. `order` lists the top-level modules of `sources` from the bottom to the top; modules of one
/// line may not use each other.
pub(crate) fn check(sources: &Path, order: &[&[&str]]) {
    let level = |module: &str| order.iter().position(|line| line.contains(&module));
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files(sources) {
        let below = file.strip_prefix(sources).unwrap();
        let module = below.components().next().unwrap().as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" || is_test(below) {
            continue;
        }
        seen.insert(module.clone());
        let Some(own) = level(&module) else {
            wrong.push(format!("`{module}` is in no line of the order"));
            continue;
        };
        for used in used(&code(&fs::read_to_string(&file).unwrap())) {
            if used != module && level(&used).is_some_and(|level| level >= own) {
                wrong.push(format!("{} uses `{used}`, which is not below `{module}`", below.display()));
            }
        }
    }
    let known = order.iter().flat_map(|line| line.iter());
    wrong
        .extend(known.filter(|module| !seen.contains(**module)).map(|module| format!("there is no module `{module}`")));
    assert_eq!(wrong, [""; 0], "move what is needed further down, or change the order if that says more");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    all.sort();
    all
}

/// Tests may use anything.
fn is_test(file: &Path) -> bool {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    name == "test" || name == "testing" || name.ends_with("tests")
}

/// The text of a file without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.split(" // ").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The top-level modules of the crate that a text names.
fn used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(list) => used.extend(first_names(list)),
            None => used.extend(first_name(rest)),
        }
    }
    used
}

/// The first names of the entries of a list in braces, whose end may be far.
fn first_names(list: &str) -> Vec<String> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.extend(first_name(&list[start..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.extend(first_name(&list[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    // A type of the crate's root is no module.
    name.starts_with(|c: char| c.is_ascii_lowercase()).then_some(name)
}

#[test]
fn names_are_found_in_lists_within_lists() {
    let text = "use crate::{\n    a::{self, B, c::D},\n    e::f,\n    Root, g,\n};\nlet x = crate::h::i(); use super::j; $crate::k";
    assert_eq!(used(text).into_iter().collect::<Vec<_>>(), ["a", "e", "g", "h"]);
}
