//! Draws plots as SVG.

use std::fmt::Write as _;

use super::html::escape;
use super::{Bar, Family, Line, number};

/// Width of every plot; the page scales it.
const WIDTH: f64 = 960.0;

fn class(family: Family) -> String {
    match family {
        Family::Floor => "floor".to_owned(),
        Family::Ours => "ours".to_owned(),
        Family::Other(number) => format!("o{number}"),
    }
}

/// Returns horizontal bars with the lowest and highest round as a thin line.
pub(super) fn bars(unit: &str, bars: &[Bar]) -> String {
    const ROW: f64 = 27.0;
    const LEFT: f64 = 260.0;
    const TOP: f64 = 24.0;
    if bars.is_empty() {
        return String::new();
    }
    let most = bars.iter().map(|bar| bar.spread.map_or(bar.value, |(_, high)| high.max(bar.value))).fold(0.0, f64::max);
    let scale = (WIDTH - LEFT - 90.0) / most.max(1e-9);
    let mut svg = open(TOP + ROW * count(bars.len()) + 6.0, unit);
    let _ = writeln!(svg, "<text class=\"soft\" x=\"{LEFT}\" y=\"12\">{}</text>", escape(unit));
    for (place, bar) in bars.iter().enumerate() {
        let top = TOP + ROW * count(place);
        let middle = top + ROW / 2.0;
        let length = (bar.value * scale).max(0.0);
        let title =
            bar.spread.map_or(String::new(), |(low, high)| format!(" (rounds: {} to {})", number(low), number(high)));
        let _ = writeln!(
            svg,
            "<g class=\"{}\"><title>{}: {}{title}</title><text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect class=\"fill\" x=\"{LEFT}\" y=\"{:.1}\" width=\"{length:.1}\" height=\"{:.0}\" rx=\"3\"/>",
            class(bar.family),
            escape(&bar.label),
            number(bar.value),
            LEFT - 10.0,
            middle + 4.0,
            escape(&bar.label),
            top + 4.0,
            ROW - 8.0
        );
        let mut end = length;
        if let Some((low, high)) = bar.spread {
            let at = |value: f64| LEFT + (value * scale).max(0.0);
            end = end.max(high * scale);
            let _ = writeln!(
                svg,
                "<line class=\"spread\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>",
                at(low),
                at(high)
            );
        }
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            LEFT + end.max(0.0) + 8.0,
            middle + 4.0,
            number(bar.value)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Returns lines over numbers of rules. Both scales are logarithmic.
pub(super) fn lines(unit: &str, lines: &[Line]) -> String {
    const HEIGHT: f64 = 380.0;
    const LEFT: f64 = 96.0;
    const RIGHT: f64 = 180.0;
    const TOP: f64 = 30.0;
    const BOTTOM: f64 = 40.0;
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let (Some(x_axis), Some(y_axis)) = (Axis::of(points().map(|(x, _)| *x)), Axis::of(points().map(|(_, y)| *y)))
    else {
        return String::new();
    };
    let x_of = |x: f64| LEFT + x_axis.share(x) * (WIDTH - LEFT - RIGHT);
    let y_of = |y: f64| HEIGHT - BOTTOM - y_axis.share(y) * (HEIGHT - TOP - BOTTOM);
    let mut svg = open(HEIGHT, unit);
    let _ = writeln!(svg, "<text class=\"soft\" x=\"{LEFT}\" y=\"14\">{}</text>", escape(unit));
    for value in y_axis.decades() {
        let y = y_of(value);
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
             <text class=\"soft\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            y + 4.0,
            number(value)
        );
    }
    for value in x_axis.decades() {
        let x = x_of(value);
        let _ = writeln!(
            svg,
            "<text class=\"soft\" x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - BOTTOM + 20.0,
            number(value)
        );
    }
    let _ = writeln!(
        svg,
        "<text class=\"soft\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">rules</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 4.0
    );
    let mut ends: Vec<f64> = Vec::new();
    for line in lines.iter().filter(|line| !line.points.is_empty()) {
        let at: Vec<(f64, f64)> =
            line.points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0).map(|(x, y)| (x_of(*x), y_of(*y))).collect();
        let path: Vec<String> = at.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<g class=\"{}\"><polyline class=\"stroke\" points=\"{}\"/>",
            class(line.family),
            path.join(" ")
        );
        for ((x, y), (rules, value)) in at.iter().zip(&line.points) {
            let _ = writeln!(
                svg,
                "<circle class=\"fill\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{}, {} rules: {}</title></circle>",
                escape(&line.label),
                number(*rules),
                number(*value)
            );
        }
        if let Some((x, y)) = at.last() {
            // Labels that would overlap move down.
            let mut place = *y;
            while ends.iter().any(|end| (end - place).abs() < 15.0) {
                place += 15.0;
            }
            ends.push(place);
            let x = x.max(WIDTH - RIGHT) + 20.0;
            let _ = writeln!(svg, "<circle class=\"fill\" cx=\"{:.1}\" cy=\"{place:.1}\" r=\"4\"/>", x);
            let _ =
                writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text></g>", x + 9.0, place + 4.0, escape(&line.label));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// A logarithmic scale over whole decades.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let logs: Vec<f64> = values.map(f64::log10).collect();
        let low = logs.iter().copied().min_by(f64::total_cmp)?.floor();
        let high = logs.iter().copied().max_by(f64::total_cmp)?.ceil();
        Some(Self { low, high: high.max(low + 1.0) })
    }

    /// Returns the place of a value between 0 and 1.
    fn share(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low)
    }

    fn decades(&self) -> impl Iterator<Item = f64> {
        let (mut next, high) = (self.low, self.high);
        std::iter::from_fn(move || {
            let value = next;
            next += 1.0;
            (value <= high).then(|| 10_f64.powf(value))
        })
    }
}

fn open(height: f64, label: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" aria-label=\"{}\" xmlns=\"http://www.w3.org/2000/svg\">\n",
        escape(label)
    )
}

#[expect(clippy::cast_precision_loss, reason = "a number of bars")]
fn count(number: usize) -> f64 {
    number as f64
}
