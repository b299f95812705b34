//! Requests of which nobody can say whether they are decided differently, as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Impact, Undecided, Why, text::decision};
use crate::report::style::Paint;

/// Most groups of requests that are shown. JSON has every request.
const MAX_GROUPS: usize = 20;

/// Most missing values that are named for a group.
const MAX_NAMES: usize = 6;

/// Lists the requests. Those of one workload and direction that are unknown for the same reason are shown as one.
pub(super) fn list(out: &mut String, impact: &Impact, paint: Paint) {
    let mut groups: Vec<(Vec<String>, Vec<&Undecided>)> = Vec::new();
    let mut places: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for undecided in &impact.undecided {
        let key = lines(undecided);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, group)) = groups.get_mut(place) {
            group.push(undecided);
        }
    }
    for (lines, group) in groups.iter().take(MAX_GROUPS) {
        let Some(first) = group.first() else { continue };
        let request = &first.recorded.request;
        let more = match group.len() {
            1 => String::new(),
            count => format!(", and {} more like it", count - 1),
        };
        let title = format!("{} {} {}", request.workload, request.role.as_str(), request.line());
        let _ = writeln!(out, "{}  {title}{}", first.recorded.name, paint.faint(more));
        for line in lines.iter().skip(2) {
            let _ = writeln!(out, "    {}", paint.bad(line));
        }
    }
    if let Some(hidden) = groups.len().checked_sub(MAX_GROUPS).filter(|hidden| *hidden > 0) {
        let _ =
            writeln!(out, "{}", paint.faint(format!("and {hidden} more kinds; `--format json` lists all requests")));
    }
    if !groups.is_empty() {
        out.push('\n');
    }
}

/// Returns what a group has in common: workload, direction, and the lines that say why.
fn lines(undecided: &Undecided) -> Vec<String> {
    let request = &undecided.recorded.request;
    let mut lines = vec![request.workload.clone(), request.role.as_str().to_owned()];
    match &undecided.why {
        Why::Unknown(depends) => {
            lines.push(format!("unknown: depends on {}", names(depends.iter().map(String::as_str))));
            lines.push(format!("old: {}; new: {}", decision(&undecided.old), decision(&undecided.new)));
        }
        Why::NotReplayed(reason) => lines.push(format!("cannot be replayed: {reason}")),
    }
    lines
}

fn names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let hidden = names.len().saturating_sub(MAX_NAMES);
    let shown: Vec<&str> = names.take(MAX_NAMES).collect();
    match hidden {
        0 => shown.join(", "),
        _ => format!("{} and {hidden} more", shown.join(", ")),
    }
}

/// Says how many there are, or returns `None` if there are none.
pub(super) fn count(impact: &Impact) -> Option<String> {
    let not_replayed = impact.not_replayed();
    let unknown = impact.undecided.len().checked_sub(not_replayed)?;
    let counts = [(unknown, "unknown"), (not_replayed, "cannot be replayed")];
    let parts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| format!(", {} alike; {}", impact.same(), parts.join(", ")))
}
