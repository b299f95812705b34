//! Comparisons as text.

use std::fmt::{self, Write as _};

use semver::Version;

use super::{Advice, Change, Matrix, SchemaChange, Verdict};

/// Formats the changes of all schemas, as whole lines.
pub fn check_text(changes: &[SchemaChange]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = changes.iter().try_for_each(|change| schema(&mut out, change));
    out
}

fn schema(out: &mut String, change: &SchemaChange) -> fmt::Result {
    let SchemaChange { domain, name, old, new, comparison, advice } = change;
    let verdict = match (comparison.changes.is_empty(), comparison.verdict()) {
        (true, _) => "not changed",
        (false, Verdict::Full) => "fully compatible",
        (false, Verdict::Backward) => "backward compatible only",
        (false, Verdict::Forward) => "forward compatible only",
        (false, Verdict::Incompatible) => "not compatible",
    };
    writeln!(out, "{domain}/{name} {} -> {}: {verdict}", shown(old.as_ref()), shown(new.as_ref()))?;
    for Change { field, text, backward, forward, .. } in &comparison.changes {
        writeln!(out, "  {field}: {text}")?;
        for (from, to, reason) in [("old", "new", backward), ("new", "old", forward)] {
            if let Some(reason) = reason {
                writeln!(out, "    {from} sends to {to} ({}): {}", reason.aspect.as_str(), reason.text)?;
            }
        }
    }
    match advice {
        Advice::Fits => Ok(()),
        Advice::Unversioned => writeln!(out, "  version: none, so nothing says how far the change goes"),
        Advice::Raise(needed) => writeln!(out, "  version: these changes need {needed} or above"),
    }
}

fn shown(version: Option<&Version>) -> String {
    version.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Formats the matrix of each schema, as whole lines. Rows send, columns receive.
pub fn matrix_text(matrices: &[Matrix]) -> String {
    let mut out = String::new();
    for (place, matrix) in matrices.iter().enumerate() {
        if place > 0 {
            out.push('\n');
        }
        // Writing to a string cannot fail.
        let _ = one_matrix(&mut out, matrix);
    }
    out
}

fn one_matrix(out: &mut String, matrix: &Matrix) -> fmt::Result {
    const CORNER: &str = "sends \\ receives";
    let Matrix { domain, name, versions, cells } = matrix;
    writeln!(out, "{domain}/{name}")?;
    let first = versions.iter().map(|version| version.chars().count()).fold(CORNER.len(), usize::max);
    let width = |version: &String| version.chars().count().max(4);
    let heads: Vec<String> = versions.iter().map(|version| format!("{version:w$}", w = width(version))).collect();
    writeln!(out, "  {CORNER:first$}  {}", heads.join("  ").trim_end())?;
    for (writer, row) in versions.iter().zip(cells) {
        let shown = row.iter().zip(versions).map(|(reasons, reader)| {
            let count = if reasons.is_empty() { "ok".to_owned() } else { reasons.len().to_string() };
            format!("{count:w$}", w = width(reader))
        });
        writeln!(out, "  {writer:first$}  {}", shown.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    for (writer, row) in versions.iter().zip(cells) {
        for (reader, reasons) in versions.iter().zip(row).filter(|(_, reasons)| !reasons.is_empty()) {
            writeln!(out, "  {writer} sends to {reader}:")?;
            for (field, reason) in reasons {
                writeln!(out, "    {field} ({}): {}", reason.aspect.as_str(), reason.text)?;
            }
        }
    }
    Ok(())
}
