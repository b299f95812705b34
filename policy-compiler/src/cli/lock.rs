//! `policyc lock`

use std::collections::BTreeSet;

use jiff::Timestamp;
use policy_compiler::check::lock::{self, FILE_NAME, LineProblem, Lock, Update};
use serde_json::{Value, json};

use super::{
    Tree, files,
    output::{Failure, Outcome, Paint, Report, plural},
    session::Session,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  policyc lock policies
  policyc lock policies --release
  policyc lock policies --release --at 2026-01-31T12:00:00Z")]
pub(super) struct Arguments {
    #[command(flatten)]
    tree: Tree,
    /// Gives the words without a date the current one: an artifact with them is shipped now.
    #[arg(long)]
    release: bool,
    /// The date, instead of the current one.
    #[arg(long, value_name = "DATE", requires = "release")]
    at: Option<String>,
}

struct Locked {
    file: String,
    words: usize,
    update: Update,
    written: bool,
}

pub(super) fn run(arguments: &Arguments, session: &Session) -> Outcome {
    let folder = &arguments.tree.folder;
    let path = folder.join(FILE_NAME);
    let checked = session.check_unlocked(folder)?;
    let text = files::read_lock(&path)?.unwrap_or_default();
    let text = String::from_utf8(text).map_err(|_| Failure::Artifact(format!("`{}` is not UTF-8", path.display())))?;
    let wrong = |problems: Vec<LineProblem>| Failure::Artifact(said(&path.display().to_string(), &problems));
    let words: BTreeSet<String> = lock::words(&checked.model);
    let (mut lock, mut update) = lock::parse(&text).and_then(|lock| lock.updated(&words)).map_err(wrong)?;
    if arguments.release {
        update.released = match &arguments.at {
            None => lock.release(now()),
            Some(at) => lock.release_at(at).map_err(Failure::usage)?,
        };
    }
    let written = lock.to_string();
    // An unchanged file keeps its modification time.
    let changed = written != text;
    if changed {
        files::replace(&path, written.as_bytes())?;
    }
    let words = lock.entries().len();
    Ok(Box::new(Locked { file: path.display().to_string(), words, update, written: changed }))
}

/// Returns the time, rounded down to seconds.
fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn said(file: &str, problems: &[LineProblem]) -> String {
    let lines = problems.iter().map(|LineProblem { line, message, help }| {
        format!("{file}:{}: {message}\n  help: {help}", line.saturating_add(1))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns the error for pipelines if words of the tree have no number.
pub(super) fn missing(folder: &str, lock: &Lock, words: &BTreeSet<String>) -> Option<String> {
    const NAMED: usize = 5;
    let missing = lock.missing(words);
    if missing.is_empty() {
        return None;
    }
    let named: Vec<String> = missing.iter().take(NAMED).map(|word| format!("`{word}`")).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let count = plural(missing.len(), "word");
    let names = named.join(", ");
    Some(format!(
        "{count} of the tree have no number in `{FILE_NAME}`: {names}{more}\n  help: run `policyc lock {folder}` and check the file in"
    ))
}

impl Report for Locked {
    fn text(&self, paint: Paint) -> String {
        let Update { added, renumbered, retired, revived, released } = &self.update;
        let lists = [
            ("new", added),
            ("renumbered", renumbered),
            ("retired", retired),
            ("back", revived),
            ("released", released),
        ];
        let mut out = format!("{}: {}", self.file, plural(self.words, "word"));
        out.push_str(if self.written { "\n" } else { ", nothing to do\n" });
        for (what, words) in lists.into_iter().filter(|(_, words)| !words.is_empty()) {
            out.push_str(&format!("  {}  {}\n", paint.strong(format!("{what:10}")), words.join(", ")));
        }
        out
    }

    fn json(&self) -> Value {
        let Update { added, renumbered, retired, revived, released } = &self.update;
        json!({
            "file": self.file,
            "words": self.words,
            "written": self.written,
            "added": added,
            "renumbered": renumbered,
            "retired": retired,
            "revived": revived,
            "released": released,
        })
    }
}
