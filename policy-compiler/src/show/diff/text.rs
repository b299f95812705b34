//! The differences as text.

use std::fmt::Write as _;

use super::{Change, Decision, Difference, Impact, What, undecided};
use crate::report::style::Paint;

/// Formats the differences. `impact` is given if there are recorded requests.
pub fn render(changes: &[Change], impact: Option<&Impact>, paint: Paint) -> String {
    let mut out = String::new();
    if changes.is_empty() {
        out.push_str("nothing changed\n");
    }
    changes.iter().for_each(|of| change(&mut out, of, paint));
    if let Some(impact) = impact {
        out.push('\n');
        requests(&mut out, impact, paint);
    }
    out
}

fn change(out: &mut String, change: &Change, paint: Paint) {
    let title = format!("{} {}", change.kind.as_str(), change.name);
    match &change.what {
        What::Added(properties) => {
            let _ = writeln!(out, "{}", paint.good(format!("+ {title}")));
            list(out, properties);
        }
        What::Removed(properties) => {
            let _ = writeln!(out, "{}", paint.bad(format!("- {title}")));
            list(out, properties);
        }
        What::Changed(properties) => {
            let _ = writeln!(out, "{}", paint.strong(format!("~ {title}")));
            for (name, old, new) in properties {
                let _ = writeln!(out, "    {name}");
                lines(out, '-', old, |line| paint.bad(line));
                lines(out, '+', new, |line| paint.good(line));
            }
        }
    }
}

/// Lists the properties of something added or removed, without empty ones.
fn list(out: &mut String, properties: &[(String, String)]) {
    let says = |value: &str| !matches!(value, "" | "none" | "no" | "any");
    for (name, value) in properties.iter().filter(|(_, value)| says(value)) {
        if value.contains('\n') {
            let _ = writeln!(out, "    {name}");
            lines(out, ' ', value, str::to_owned);
        } else {
            let _ = writeln!(out, "    {name}: {value}");
        }
    }
}

fn lines(out: &mut String, sign: char, text: &str, paint: impl Fn(&str) -> String) {
    for line in text.lines() {
        let _ = writeln!(out, "      {}", paint(&format!("{sign} {line}")));
    }
}

fn requests(out: &mut String, impact: &Impact, paint: Paint) {
    let rows: Vec<[String; 4]> = impact.differences.iter().map(row).collect();
    if !rows.is_empty() {
        table(out, &rows, impact, paint);
        out.push('\n');
    }
    undecided::list(out, impact, paint);
    let (total, different) = (impact.total, impact.differences.len());
    let requests = if total == 1 { "request is" } else { "requests are" };
    let others = undecided::count(impact).unwrap_or_default();
    let text = format!("{different} of {total} recorded {requests} decided differently{others}");
    let all_same = impact.same() == total;
    let _ = writeln!(out, "{}", if all_same { paint.good(&text) } else { paint.bad(&text) });
}

fn row(difference: &Difference) -> [String; 4] {
    let request = &difference.recorded.request;
    let line = format!("{} {} {}", request.workload, request.role.as_str(), request.line());
    let changed = if difference.old == difference.new { ", with changes" } else { "" };
    let new = format!("{}{changed}", decision(&difference.new));
    [difference.recorded.name.clone(), line, decision(&difference.old), new]
}

/// Describes a decision.
pub(super) fn decision(decision: &Decision) -> String {
    match decision {
        Decision::GoesOn => "goes on".to_owned(),
        Decision::Refused(refusal) => format!("{} by {}", refusal.status, refusal.rule),
        Decision::Failed(error) => format!("cannot be run: {error}"),
        Decision::OneOf(decisions) => {
            let texts: Vec<String> = decisions.iter().map(self::decision).collect();
            texts.join(", or ")
        }
    }
}

fn table(out: &mut String, rows: &[[String; 4]], impact: &Impact, paint: Paint) {
    const TITLES: [&str; 4] = ["recorded", "request", "old", "new"];
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        let title = TITLES.get(column).map_or(0, |title| title.len());
        cells.max().unwrap_or(0).max(title)
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |cells: [&str; 4]| {
        let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let _ = writeln!(out, "{}", paint.strong(line(TITLES)));
    for ([name, request, old, new], difference) in rows.iter().zip(&impact.differences) {
        let _ = writeln!(out, "{}", line([name, request, old, new]));
        values(out, "context", &difference.context, paint);
        values(out, "header", &difference.headers, paint);
    }
}

fn values(out: &mut String, what: &str, values: &[(String, Option<String>, Option<String>)], paint: Paint) {
    let shown = |value: &Option<String>| value.as_deref().unwrap_or("not there").to_owned();
    for (name, old, new) in values {
        let _ = writeln!(out, "    {what} {name}: {} -> {}", paint.bad(shown(old)), paint.good(shown(new)));
    }
}
