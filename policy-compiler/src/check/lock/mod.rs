//! `context-mesh.lock`: the words of a mesh and the numbers that `x-mesh-context` writes in their place.
//!
//! A word is the name of a field, a service or a domain, or a value of an enum. Its number never changes and is never
//! given to another word. Only a word with a date is in artifacts: the date says when an artifact with the word was first
//! shipped, and a filter writes the number only when the mesh's rollout window has passed since then. So a
//! word without a date may still get another number.

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

/// Longest value of an enum that is a word, in bytes: longer ones are rarely sent.
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
    /// Whether nothing in the tree has the word any more.
    pub retired: bool,
    /// The line of the file, from 0.
    pub line: usize,
}

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    entries: Vec<Entry>,
}

/// What is wrong with a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineProblem {
    /// The line, from 0.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// What an update did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Update {
    /// Words that got their first number.
    pub added: Vec<String>,
    /// Words without a date that got another number, because theirs belongs to another word.
    pub renumbered: Vec<String>,
    /// Words that nothing has any more.
    pub retired: Vec<String>,
    /// Retired words that are back.
    pub revived: Vec<String>,
    /// Words that got a date.
    pub released: Vec<String>,
}

impl Update {
    /// Whether nothing was done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Lock {
    /// The lines.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Lines that contradict each other.
    pub fn problems(&self) -> Vec<LineProblem> {
        let mut problems = Vec::new();
        let (mut words, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for entry in &self.entries {
            if let Some(first) = words.insert(entry.word.as_str(), entry) {
                let message = format!("`{}` stands in two lines", entry.word);
                problems.push(problem(entry.line, message, update::advice(first, entry)));
            } else if let Some(first) = numbers.insert(entry.number, entry) {
                let message = format!("`{}` and `{}` have the number {}", first.word, entry.word, entry.number);
                problems.push(problem(entry.line, message, update::advice(first, entry)));
            }
        }
        problems
    }

    /// The words of a tree that have no number, sorted.
    pub fn missing<'w>(&self, words: &'w BTreeSet<String>) -> Vec<&'w str> {
        let known: BTreeSet<&str> = self.entries.iter().map(|entry| entry.word.as_str()).collect();
        words.iter().map(String::as_str).filter(|word| !known.contains(word)).collect()
    }

    /// What goes into artifacts: the words with dates, sorted by number.
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

/// The words of a tree.
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

/// The lock file of a tree; an empty one where there is none. What is wrong with it is added to `diagnostics`.
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

/// Whether the number can be one of a word.
fn is_number(number: u32) -> bool {
    (1..=MAX_WORD_NUMBER).contains(&number)
}

/// The date of a word as the file has it.
pub(crate) fn date_text(word: &WordTable) -> String {
    date_at(word.released_at_ms).unwrap_or_else(|| "never".to_owned())
}

/// A time in milliseconds since 1970 as the file has it; `None` where no calendar has it.
pub fn date_at(ms: u64) -> Option<String> {
    let date = Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()?;
    Some(date.to_string())
}
