//! Reads which modules of a crate use which others, and checks the result against an order. Shared by the tests of
//! several crates.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Checks that no module uses a module above it. `order` lists the modules of the folder `below` (empty: the top level)
/// of `sources` from the bottom to the top. Modules in the same line may not use each other.
pub(crate) fn check(sources: &Path, below: &str, order: &[&[&str]]) {
    let level = |module: &str| order.iter().position(|line| line.contains(&module));
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    let folder = sources.join(below);
    for file in files(&folder) {
        let inside = file.strip_prefix(&folder).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs").to_owned();
        if ["lib", "main", "mod"].contains(&module.as_str()) || is_test(inside) {
            continue;
        }
        seen.insert(module.clone());
        let Some(own) = level(&module) else {
            wrong.push(format!("`{module}` is in no line of the order"));
            continue;
        };
        for used in used(&code(&fs::read_to_string(&file).unwrap()), below) {
            if used != module && level(&used).is_some_and(|level| level >= own) {
                wrong.push(format!("{} uses `{used}`, which is not below `{module}`", inside.display()));
            }
        }
    }
    let known = order.iter().flat_map(|line| line.iter());
    wrong
        .extend(known.filter(|module| !seen.contains(**module)).map(|module| format!("there is no module `{module}`")));
    assert_eq!(wrong, [""; 0], "in `{below}`: move what is needed further down, or change the order if that says more");
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

/// Returns whether a file is a test. Tests may use anything.
fn is_test(file: &Path) -> bool {
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    name == "test" || name == "testing" || name.ends_with("tests")
}

/// Returns the text of a file without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.map(|line| line.split(" // ").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Returns the modules of the folder `below` (empty: the top level of the crate) that a text uses.
fn used(code: &str, below: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let mut paths = vec![&code[at + path.len()..]];
        if !below.is_empty() {
            paths = paths.into_iter().flat_map(entries).filter_map(|path| inside(path, below)).collect();
        }
        used.extend(paths.into_iter().flat_map(entries).filter_map(first_name));
    }
    used
}

/// Returns the text after `folder::` in a path.
fn inside<'t>(path: &'t str, folder: &str) -> Option<&'t str> {
    path.trim_start().strip_prefix(folder)?.strip_prefix("::")
}

/// Returns the entries of a list in braces, which may span several lines. Any other text is returned unchanged.
fn entries(text: &str) -> Vec<&str> {
    let Some(list) = text.strip_prefix('{') else {
        return vec![text];
    };
    let (mut depth, mut start, mut entries) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                entries.push(&list[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                entries.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    entries
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    // A type at the root of the crate is not a module.
    name.starts_with(|c: char| c.is_ascii_lowercase()).then_some(name)
}

#[test]
fn names_are_found_in_lists_within_lists() {
    let text = "use crate::{\n    a::{self, B, c::D, e},\n    e::f,\n    Root, g,\n};\nlet x = crate::h::i(); use super::j; $crate::k; crate::a::l::M";
    assert_eq!(used(text, "").into_iter().collect::<Vec<_>>(), ["a", "e", "g", "h"]);
    assert_eq!(used(text, "a").into_iter().collect::<Vec<_>>(), ["c", "e", "l", "self"]);
}
