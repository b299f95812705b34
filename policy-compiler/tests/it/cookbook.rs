//! The recipes of `docs/cookbook.md`: they compile without a finding, their tests pass and reach everything, and the page shows
//! their files.
//!
//! The text between `<!-- generated: FILE -->` and `<!-- end -->` is the file, or with `FILE#NAME` its part between
//! `# begin:NAME` and `# end:NAME`. `UPDATE_EXPECT=1` updates it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use policy_compiler::compile_with_model;
use policy_compiler::report::source::Sources;
use policy_compiler::report::style::Paint;
use policy_compiler::run::testing::{self, text};

use crate::support::{golden, yaml_files};

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end -->\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the names of the recipes: the folders of `examples/cookbook`.
fn recipes() -> BTreeSet<String> {
    let folders = fs::read_dir(root().join("examples/cookbook")).unwrap().map(|entry| entry.unwrap());
    folders.map(|folder| folder.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_recipe_compiles_without_a_finding_and_its_tests_reach_everything() {
    for recipe in recipes() {
        let folder = root().join("examples/cookbook").join(&recipe);
        let mut sources = Sources::new(&recipe);
        for file in yaml_files(&folder) {
            sources.add(file.strip_prefix(&folder).unwrap().to_str().unwrap(), fs::read(&file).unwrap());
        }
        let (compiled, model) =
            compile_with_model(&sources).unwrap_or_else(|found| panic!("{recipe}: {}", found.to_text(&sources)));
        assert_eq!(compiled.warnings.to_text(&sources), "", "{recipe}");
        let report = testing::run(&compiled, &model, &[]).unwrap();
        let options = text::Options { paint: Paint::Plain, verbose: false, coverage: true };
        let shown = || text::render(&report, &sources, options);
        assert!(report.passed() && report.coverage.percent() == 100, "{recipe}: {}", shown());
        assert!(report.results.len() >= 3, "{recipe} has hardly a test");
    }
}

#[test]
fn the_page_shows_the_files_of_all_recipes() {
    let shown = check_page("cookbook.md");
    for recipe in recipes() {
        for file in ["policy.yaml", "test.yaml"] {
            let file = format!("examples/cookbook/{recipe}/{file}");
            assert!(shown.contains(&file), "docs/cookbook.md does not show {file}");
        }
    }
}

#[test]
fn the_page_about_policies_shows_a_file() {
    assert_eq!(check_page("policies.md").len(), 1);
}

/// Compares the blocks of a page with their files, and returns the names of these.
fn check_page(name: &str) -> BTreeSet<String> {
    let path = root().join("docs").join(name);
    let page = fs::read_to_string(&path).unwrap();
    let (mut made, mut rest, mut shown) = (String::new(), page.as_str(), BTreeSet::new());
    while let Some(at) = rest.find(BEGIN) {
        let (name, _) = rest[at + BEGIN.len()..].split_once(" -->\n").unwrap();
        let end = at + rest[at..].find(END).unwrap_or_else(|| panic!("the part `{name}` has no end"));
        made.push_str(&rest[..at]);
        made.push_str(&format!("{BEGIN}{name} -->\n{}{END}", block(name)));
        shown.insert(name.to_owned());
        rest = &rest[end + END.len()..];
    }
    made.push_str(rest);
    golden::check(&path, &made);
    shown
}

/// Returns the block that shows a file or a part of it.
fn block(name: &str) -> String {
    let (file, part) = name.split_once('#').map_or((name, None), |(file, part)| (file, Some(part)));
    let text = fs::read_to_string(root().join(file)).unwrap_or_else(|problem| panic!("{file}: {problem}"));
    let Some(part) = part else { return format!("\n`{file}`:\n\n```yaml\n{text}```\n\n") };
    let (begin, end) = (format!("# begin:{part}"), format!("# end:{part}"));
    let lines = text.lines().skip_while(|line| line.trim() != begin).skip(1).take_while(|line| line.trim() != end);
    let lines: Vec<&str> = lines.collect();
    let indent = lines.first().map_or(0, |line| line.len() - line.trim_start().len());
    let text: String = lines.iter().map(|line| format!("{}\n", line.get(indent..).unwrap_or_default())).collect();
    format!("\n`{file}`, among the `http_filters`:\n\n```yaml\n{text}```\n\n")
}

/// Each recipe has its section with the problem, and says what it does not do; all YAML of the page is of a file.
#[test]
fn every_section_has_its_parts() {
    let page = fs::read_to_string(root().join("docs/cookbook.md")).unwrap();
    let sections: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), recipes().len());
    for section in sections {
        let title = section.lines().next().unwrap();
        assert_eq!(section.matches("What it does not do:\n\n- ").count(), 1, "{title}");
        let blocks = section.matches("```yaml").count();
        assert_eq!(blocks, section.matches(BEGIN).count(), "{title}: a block is not that of a file");
        let link = format!("(#{})", title.to_lowercase().replace(' ', "-"));
        assert!(page.contains(&link), "the list at the top has no {link}");
    }
}
