//! Explanations of all codes, each with an example that causes the finding and its repair. `policyc explain` and
//! `docs/diagnostics.md` print them.
//!
//! The texts are in the files beside this one. `== CODE` begins an explanation and an empty line ends it; `--- wrong
//! KIND` and `--- right KIND` begin the files of its example. A test compiles every example.

mod parts;

pub use parts::{Part, Place};

use crate::report::{diagnostic::code, near::UnknownName};

const TEXTS: [&str; 9] = [
    include_str!("reading.txt"),
    include_str!("documents.txt"),
    include_str!("meaning.txt"),
    include_str!("expressions.txt"),
    include_str!("artifact.txt"),
    include_str!("analysis.txt"),
    include_str!("proxies.txt"),
    include_str!("import.txt"),
    include_str!("authorization.txt"),
];

/// The tree of `policyc init`, which surrounds the examples.
pub const TREE: [(&str, &str); 5] = [
    ("enterprise.yaml", include_str!("../../../templates/init/enterprise.yaml")),
    ("mesh.yaml", include_str!("../../../templates/init/mesh.yaml")),
    ("payments.yaml", include_str!("../../../templates/init/payments.yaml")),
    ("schema.yaml", include_str!("../../../templates/init/schema.yaml")),
    ("tests.yaml", include_str!("../../../templates/init/tests.yaml")),
];

/// How to read a text for which [`Part::is_abbreviated`] is true.
pub const ABBREVIATIONS: &str = "\
    `<<TEXT x N>>` stands for TEXT, N times, in which `#` counts; `<<byte HH>>` stands for a byte that is no text.";

/// The explanation of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// A one-line summary.
    pub summary: &'static str,
    /// Why it is reported.
    pub meaning: String,
    /// Files that cause the finding.
    pub wrong: Vec<Part>,
    /// The same files, repaired.
    pub right: Vec<Part>,
}

/// Returns the explanation of a code.
///
/// # Errors
///
/// If there is no such code.
pub fn find(code: &str) -> Result<Explanation, UnknownName> {
    let known = || code::TABLE.iter().map(|(id, _)| *id);
    read(code).ok_or_else(|| UnknownName::new("there is no code", code, known()))
}

fn read(code: &str) -> Option<Explanation> {
    let (code, summary) = code::TABLE.iter().find(|(id, _)| *id == code)?;
    let mut texts = TEXTS.iter().flat_map(|text| text.split("\n\n")).filter_map(|text| text.strip_prefix("== "));
    let text = texts.find_map(|text| text.strip_prefix(code))?;
    let mut sections = text.split("\n--- ");
    let meaning = sections.next().unwrap_or_default().trim().to_owned();
    let (mut wrong, mut right) = (Vec::new(), Vec::new());
    for section in sections {
        let (head, body) = section.split_once('\n').unwrap_or((section, ""));
        match head.split_once(' ') {
            Some(("wrong", kind)) => wrong.push(Part::new(kind, body)),
            Some(("right", kind)) => right.push(Part::new(kind, body)),
            _ => {}
        }
    }
    Some(Explanation { code, summary, meaning, wrong, right })
}
