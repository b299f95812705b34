//! The Markdown pages of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::repository;

/// The folders whose pages are checked.
const FOLDERS: [&str; 10] = [
    "",
    "docs",
    "envoy-configs",
    "envoy-configs/istio",
    "examples/bank",
    "examples/bookinfo",
    "examples/saas",
    "examples/shop",
    "policy-compiler/examples/cel_conformance/suite",
    "policy-compiler/templates/init",
];

/// One Markdown file.
pub(crate) struct Page {
    /// Path from the root of the repository.
    pub(crate) path: PathBuf,
    /// All lines.
    text: String,
}

impl Page {
    /// Returns the lines outside of code blocks and generated parts, with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let (mut code, mut generated) = (false, false);
        self.text.lines().enumerate().filter_map(move |(at, line)| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            generated = (generated || line.starts_with("<!-- generated:")) && line != "<!-- end -->";
            (!code && !fence && !generated).then_some((at + 1, line))
        })
    }

    /// Returns the anchors of all headings, as GitHub makes them.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let mut code = false;
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut anchors = BTreeSet::new();
        for line in self.text.lines() {
            code ^= line.trim_start().starts_with("```");
            let title = line.trim_start_matches('#');
            if code || title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            let slug = slug(title);
            let count = seen.entry(slug.clone()).or_default();
            anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
            *count += 1;
        }
        anchors
    }

    /// Returns the targets of the links, with the numbers of their lines.
    pub(crate) fn links(&self) -> impl Iterator<Item = (usize, String)> {
        self.lines().flat_map(|(at, line)| {
            let line = without_code(line);
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            targets.map(|target| (at, target.to_owned())).collect::<Vec<_>>()
        })
    }
}

/// Returns the anchor of a heading.
pub(crate) fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Returns a line with a backtick in place of each code span.
fn without_code(line: &str) -> String {
    line.replace("``", "`").split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// Returns the text of a line of a paragraph or of a list item. Tables, headings and comments have none.
pub(crate) fn prose(line: &str) -> Option<String> {
    let line = line.trim();
    if line.is_empty() || ["|", "#", "<!--"].iter().any(|begin| line.starts_with(begin)) {
        return None;
    }
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = line.strip_prefix("- ").or_else(|| number.strip_prefix(". ").filter(|_| number.len() < line.len()));
    Some(without_code(item.unwrap_or(line)).replace("**", ""))
}

/// Returns a path without `.` and `..`.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(parts.pop()),
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts.into_iter().collect()
}

/// Returns all pages.
pub(crate) fn pages() -> Vec<Page> {
    let mut pages = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(repository().join(&path)).unwrap();
                pages.push(Page { path, text });
            }
        }
    }
    assert!(pages.len() >= 25, "the pages are not where this test looks for them");
    pages
}
