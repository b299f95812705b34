//! Checks the Markdown pages: one sentence a line, and links, headings and files that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::markdown::{normal, pages, prose, slug};
use crate::support::repository;

/// Words that may be followed by a capital letter within a sentence.
const ABBREVIATIONS: [&str; 4] = ["e.g.", "i.e.", "etc.", "vs."];

/// Returns whether a line of prose has more than one sentence.
fn has_two_sentences(prose: &str) -> bool {
    prose.match_indices(['.', '?', '!']).any(|(at, _)| {
        let (before, after) = prose.split_at(at + 1);
        let next = after.strip_prefix([')', '"']).unwrap_or(after).strip_prefix(' ');
        let begins = next.is_some_and(|next| next.starts_with(|c: char| c.is_uppercase() || "`[(*\"".contains(c)));
        begins && !ABBREVIATIONS.iter().any(|word| before.ends_with(word)) && !before.ends_with("...")
    })
}

/// Returns whether a line of prose is the end of a sentence, or leads to a list.
fn ends_a_sentence(prose: &str) -> bool {
    prose.trim_end_matches([')', '"', '*']).ends_with(['.', '?', '!', ':'])
}

/// Returns all sources of the repository, as paths from its root.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(repository().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = folder.join(entry.file_name());
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || path.ends_with("target") || path.ends_with("corpus") {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            sources(&path, found);
        }
        found.push(path);
    }
}

#[test]
fn every_line_is_one_sentence() {
    let cases = [
        ("One sentence.", false, true),
        ("- One item; with more.", false, true),
        ("1. A step.", false, true),
        ("Two. Sentences.", true, true),
        ("Two. `code` begins the second.", true, true),
        ("(Really?) Yes.", true, true),
        ("**A word.** Its text.", true, true),
        ("Some words, e.g. Envoy, v1.40 and `a. B`.", false, true),
        ("It goes on", false, false),
        ("A list:", false, true),
    ];
    for (line, two, ends) in cases {
        let prose = prose(line).unwrap();
        assert_eq!((has_two_sentences(&prose), ends_a_sentence(&prose)), (two, ends), "{line}");
    }
    let mut wrong = Vec::new();
    for page in pages() {
        let mut before: Option<(usize, String)> = None;
        for (at, line) in page.lines() {
            let prose = prose(line);
            let item =
                line.trim_start().starts_with("- ") || line.trim_start().starts_with(|c: char| c.is_ascii_digit());
            if let (Some((last, text)), Some(_), false) = (&before, &prose, item)
                && last + 1 == at
                && !ends_a_sentence(text)
            {
                wrong.push(format!("{}:{last}: a sentence goes on in the next line", page.path.display()));
            }
            if prose.as_deref().is_some_and(has_two_sentences) {
                wrong.push(format!("{}:{at}: two sentences", page.path.display()));
            }
            before = prose.map(|prose| (at, prose));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_link_leads_somewhere() {
    assert_eq!(slug("## `policyc emit envoy DIR`".trim_start_matches('#')), "policyc-emit-envoy-dir");
    let pages = pages();
    let mut links = 0;
    let mut wrong = Vec::new();
    for page in &pages {
        for (at, link) in page.links().filter(|(_, link)| !link.contains("://")) {
            links += 1;
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => page.path.clone(),
                path => normal(&page.path.parent().unwrap().join(path)),
            };
            let known = pages.iter().find(|page| page.path == target);
            let found = match (known, anchor) {
                (_, "") => repository().join(&target).exists(),
                (Some(page), anchor) => page.anchors().contains(anchor),
                (None, _) => false,
            };
            if !found {
                wrong.push(format!("{}:{at}: {link}", page.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these links lead nowhere:\n{}", wrong.join("\n"));
    assert!(links >= 60, "only {links} links were found");
}

#[test]
fn every_file_that_a_page_names_exists() {
    let mut files = Vec::new();
    sources(Path::new(""), &mut files);
    let top: BTreeSet<&Path> =
        files.iter().filter_map(|file| file.parent()?.parent().is_none().then_some(file.as_path())).collect();
    let mut checked = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        for (at, line) in page.lines() {
            for span in line.split('`').skip(1).step_by(2) {
                let path = Path::new(span.trim_end_matches('/'));
                let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
                let first = path.components().next().map(|part| Path::new(part.as_os_str()));
                let ours = span.contains('/') && first.is_some_and(|first| top.contains(first));
                if plain && (ours || span.ends_with(".rs")) {
                    checked += 1;
                    let built =
                        path.components().any(|part| part.as_os_str() == "target" || part.as_os_str() == "corpus");
                    if !built && !files.iter().any(|file| if ours { file == path } else { file.ends_with(path) }) {
                        wrong.push(format!("{}:{at}: {span}", page.path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "these files do not exist:\n{}", wrong.join("\n"));
    assert!(checked >= 60, "only {checked} files were found");
}

#[test]
fn the_index_has_every_page() {
    let pages = pages();
    let index = pages.iter().find(|page| page.path == Path::new("docs/README.md")).expect("docs/README.md is missing");
    let linked: BTreeSet<PathBuf> = index.links().map(|(_, link)| normal(&Path::new("docs").join(link))).collect();
    for page in pages.iter().filter(|page| page.path != index.path && page.path.starts_with("docs")) {
        assert!(linked.contains(&page.path), "docs/README.md has no line for {}", page.path.display());
    }
}
