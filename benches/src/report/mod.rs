//! The report of `make bench`: the same sections as text and as a page with plots.

pub mod html;
mod plot;
mod sections;
#[cfg(test)]
mod tests;
pub mod text;

pub use sections::sections;

use crate::figures::Figures;

/// Everything that was measured.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The machine and the plan: names and texts.
    pub about: Vec<(String, String)>,
    /// What a reader must know to judge the figures, for example what could not be measured.
    pub notes: Vec<String>,
    /// The figures.
    pub figures: Figures,
}

/// A part of the report.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// What is measured, in a few sentences.
    pub text: &'static str,
    /// The heads of the columns.
    pub head: Vec<String>,
    /// The rows, with one text for each column.
    pub rows: Vec<Vec<String>>,
    /// Plots of some of the figures.
    pub plots: Vec<Plot>,
}

/// Whose figure it is, which is its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A filter that does less than any other: what the proxy itself costs.
    Floor,
    /// Context Mesh.
    Ours,
    /// What people use today.
    Other(u8),
}

/// A picture of figures.
#[derive(Debug, Clone)]
pub enum Plot {
    /// Horizontal bars from 0.
    Bars {
        /// What the lengths are.
        unit: &'static str,
        /// The bars, from top to bottom.
        bars: Vec<Bar>,
    },
    /// Lines over numbers of rules; both scales are logarithmic.
    Lines {
        /// What the heights are.
        unit: &'static str,
        /// The lines.
        lines: Vec<Line>,
    },
}

/// A bar.
#[derive(Debug, Clone)]
pub struct Bar {
    /// What it stands for.
    pub label: String,
    /// Whose it is.
    pub family: Family,
    /// Its length.
    pub value: f64,
    /// The lowest and highest round.
    pub spread: Option<(f64, f64)>,
}

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it stands for.
    pub label: String,
    /// Whose it is.
    pub family: Family,
    /// Numbers of rules, and the figures for them.
    pub points: Vec<(f64, f64)>,
}

/// Returns a number with as many digits as a reader needs.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || size.fract() == 0.0 => 0,
        size if size >= 10.0 => 1,
        _ => 2,
    };
    let plain = format!("{value:.digits$}");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), ""), |(whole, fraction)| (whole, fraction));
    let (sign, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    format!("{sign}{grouped}{fraction}")
}
