//! `context-mesh.lock`: the words of a mesh and the numbers that replace them in `x-mesh-context`.
//!
//! A word is the name of a field, a service or a domain, or a value of an enum. Its number never changes and is never
//! given to another word. Only words with a date are in artifacts. The date is when an artifact with the word was first
//! shipped, and a filter writes the number only when the mesh's rollout window has passed since then. A word without a
//! date may therefore still get another number.

mod text;
mod update;

use std::collections::{BTreeMap, BTreeSet};

use context_mesh_core::{
    artifact::tables::WordTable,
    limits::{MAX_WORD_BYTES, MAX_WORD_NUMBER},
};
use jiff::Timestamp;

pub use text::{NotADate, parse};

use crate::{
    check::model::Model,
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Sources, Span},
    },
};

/// The name of the file in a policy tree.
pub const FILE_NAME: &str = "context-mesh.lock";

/// Longest value of an enum that is a word, in bytes. Longer values are rarely sent.
const MAX_VALUE_BYTES: usize = 64;

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The word.
    pub word: String,
    /// Its number.
    pub number: u32,
    /// When an artifact with the word was first shipped.
    pub released: Option<Timestamp>,
    /// Whether no document of the tree uses the word any more.
    pub retired: bool,
    /// The line in the file, from 0.
    pub line: usize,
}

/// The content of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    entries: Vec<Entry>,
}

/// A problem with a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineProblem {
    /// The line, from 0.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// The changes that an update made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Words that received their first number.
    pub added: Vec<String>,
    /// Words without a date that received another number, because theirs belongs to another word.
    pub renumbered: Vec<String>,
    /// Words that the tree no longer uses.
    pub retired: Vec<String>,
    /// Retired words that the tree uses again.
    pub revived: Vec<String>,
    /// Words that received a date.
    pub released: Vec<String>,
}

impl Update {
    /// Whether the update changed nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Lock {
    /// Returns the entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the lines that contradict each other.
    pub fn problems(&self) -> Vec<LineProblem> {
        let mut problems = Vec::new();
        let (mut words, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for entry in &self.entries {
            if let Some(first) = words.insert(entry.word.as_str(), entry) {
                let message = format!("`{}` is in two lines", entry.word);
                problems.push(problem(entry.line, message, update::advice(first, entry)));
            } else if let Some(first) = numbers.insert(entry.number, entry) {
                let message = format!("`{}` and `{}` have the number {}", first.word, entry.word, entry.number);
                problems.push(problem(entry.line, message, update::advice(first, entry)));
            }
        }
        problems
    }

    /// Returns the words of a tree that have no number, sorted.
    pub fn missing<'w>(&self, words: &'w BTreeSet<String>) -> Vec<&'w str> {
        let known: BTreeSet<&str> = self.entries.iter().map(|entry| entry.word.as_str()).collect();
        words.iter().map(String::as_str).filter(|word| !known.contains(word)).collect()
    }

    /// Returns the words for artifacts: those with dates, sorted by number.
    pub fn table(&self) -> Vec<WordTable> {
        let dated = self.entries.iter().filter_map(|entry| {
            let released_at_ms = u64::try_from(entry.released?.as_millisecond()).unwrap_or(0);
            Some(WordTable { number: entry.number, text: entry.word.clone(), released_at_ms })
        });
        let mut table: Vec<WordTable> = dated.collect();
        table.sort_by_key(|word| word.number);
        table
    }
}

fn problem(line: usize, message: String, help: impl Into<String>) -> LineProblem {
    LineProblem { line, message, help: help.into() }
}

/// Returns the words of a tree.
pub fn words(model: &Model) -> BTreeSet<String> {
    let fields = model.fields.iter().map(|field| field.table.name.clone());
    let services = model.directory.services.iter().map(|service| service.name.clone());
    let domains = model.directory.domains.iter().map(|domain| domain.name.clone());
    let values = model.fields.iter().flat_map(|field| &field.table.allowed);
    let values = values.filter_map(|text| serde_json::from_str::<String>(text).ok());
    let values = values.filter(|value| value.len() <= MAX_VALUE_BYTES);
    let all = fields.chain(services).chain(domains).chain(values);
    all.filter(|word| (1..=MAX_WORD_BYTES).contains(&word.len())).collect()
}

/// Reads the lock file of a tree. Returns an empty one if there is none. Problems are added to `diagnostics`.
pub(crate) fn read(sources: &Sources, diagnostics: &mut Diagnostics) -> Lock {
    let Some((id, file)) = sources.lock() else { return Lock::default() };
    if let Some(offset) = file.invalid() {
        let span = Span::new(id, offset, offset + 1);
        diagnostics.push(Diagnostic::error(code::NOT_UTF8, span, "the file is not UTF-8"));
        return Lock::default();
    }
    let mut report = |problems: Vec<LineProblem>| {
        for LineProblem { line, message, help } in problems {
            let range = file.line_range(line);
            let span = Span::new(id, range.start, range.end);
            diagnostics.push(Diagnostic::error(code::BROKEN_LOCK, span, message).help(help));
        }
    };
    match parse(file.text()) {
        Ok(lock) => {
            report(lock.problems());
            lock
        }
        Err(problems) => {
            report(problems);
            Lock::default()
        }
    }
}

/// Whether a word may have this number.
fn is_number(number: u32) -> bool {
    (1..=MAX_WORD_NUMBER).contains(&number)
}

/// Formats the date of a word as in the file.
pub(crate) fn date_text(word: &WordTable) -> String {
    date_at(word.released_at_ms).unwrap_or_else(|| "never".to_owned())
}

/// Formats a time in milliseconds since 1970 as in the file. Returns `None` for a time outside the calendar's range.
pub fn date_at(ms: u64) -> Option<String> {
    let date = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(date.to_string())
}
