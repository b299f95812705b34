//! Formats the report for a terminal.

use std::fmt::Write as _;

use super::{Report, Section, sections};

/// Returns the report as text.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for (name, value) in &report.about {
        let _ = writeln!(text, "{name:<12}{value}");
    }
    for note in &report.notes {
        let _ = writeln!(text, "note        {note}");
    }
    for section in sections(&report.figures) {
        let _ = writeln!(text, "\n{}\n{}\n", section.title, "-".repeat(section.title.chars().count()));
        let _ = writeln!(text, "{}\n", wrapped(section.text));
        table(&section, &mut text);
    }
    text
}

/// Writes the table with each column as wide as it must be. The first column is text, the others are numbers.
fn table(section: &Section, text: &mut String) {
    let rows = || std::iter::once(&section.head).chain(&section.rows);
    let columns = section.head.len();
    let width = |column: usize| rows().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows().filter(|row| row.iter().any(|cell| !cell.is_empty())) {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(line, "  {cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// Breaks a text into lines of at most 110 characters.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let full = lines.last().is_some_and(|line| !line.is_empty() && line.len() + word.len() >= 110);
        if full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}
