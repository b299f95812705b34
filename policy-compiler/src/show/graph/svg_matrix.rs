//! A matrix as a part of the SVG. Its cells have the colours of arrows.

use super::{
    Graph,
    layout::{INSET, count, text_width},
    matrix::{Cell, Group, Matrix},
    picture::Mark,
    svg::{digits, escape, fitted, letter, mark_class, number},
    words,
};

/// Greatest width of a row's name.
const MAX_NAME: f64 = 260.0;
const HEIGHT: f64 = 20.0;

/// A drawing and its size.
pub(super) struct Drawn {
    pub(super) body: String,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Draws the matrix. The number in a cell refers to the rules that decide, which are listed below, or is the number of
/// calls that may pass.
pub(super) fn draw(graph: &Graph, matrix: &Matrix) -> Drawn {
    let names: Vec<String> = matrix.groups.iter().map(|group| matrix.name(graph, group)).collect();
    let longest = names.iter().map(|name| text_width(name, 12.0)).fold(40.0, f64::max).min(MAX_NAME);
    let (left, top) = (INSET + longest + 10.0, 20.0 + longest);
    let wide = matrix.cells.iter().flatten().flatten().map(|cell| text_width(&cell_words(matrix, cell), 10.0));
    let cell_width = wide.fold(HEIGHT, |widest, width| widest.max(width + 6.0));
    let size = |of: f64| count(names.len()) * of;
    let [x, y, width, height] = [left, top, size(cell_width), size(HEIGHT)].map(number);
    let mut body = format!("<rect class=\"cm-card\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>\n");
    let mut domain = None;
    for (at, (group, name)) in matrix.groups.iter().zip(&names).enumerate() {
        let [x, y] = [left + count(at) * cell_width, top + count(at) * HEIGHT];
        if domain.replace(group.domain).is_some_and(|last| last != group.domain) {
            let [x, y, right, bottom] = [x, y, left + size(cell_width), top + size(HEIGHT)].map(number);
            let [start, above] = [INSET, 10.0].map(number);
            body.push_str(&format!("<path class=\"cm-rule\" d=\"M{start} {y}H{right}M{x} {above}V{bottom}\"/>\n"));
        }
        body.push_str(&label(group, at, "row", &fitted(INSET, y + 14.0, "cm-service", name, 12.0, longest + 4.0)));
        let [x, y] = [x + cell_width / 2.0 + 4.0, top - 6.0].map(number);
        let turned = format!(
            "<g transform=\"translate({x} {y}) rotate(-90)\">{}</g>\n",
            fitted(0.0, 0.0, "cm-service", name, 12.0, longest + 4.0).trim_end()
        );
        body.push_str(&label(group, at, "col", &turned));
    }
    for (row, cells) in matrix.cells.iter().enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            let [x, y] = [left + count(column) * cell_width, top + count(row) * HEIGHT];
            let place = [x + 1.5, y + 1.5, cell_width - 3.0, HEIGHT - 3.0].map(number);
            let [x, y, width, height] = &place;
            let rect = format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"3\"/>");
            match cell {
                None => body.push_str(&format!("<g class=\"cm-void\">{rect}</g>\n")),
                Some(cell) if cell.calls == 0 => {}
                Some(cell) => body.push_str(&drawn(matrix, cell, [row, column], &rect, &place, &names)),
            }
        }
    }
    Drawn { body, width: left + size(cell_width) + INSET, height: top + size(HEIGHT) + 14.0 }
}

fn drawn(matrix: &Matrix, cell: &Cell, at: [usize; 2], rect: &str, place: &[String; 4], names: &[String]) -> String {
    let [row, column] = at;
    let [from, to] = at.map(|at| names.get(at).map_or("", String::as_str));
    let by = if cell.look.rules.is_empty() {
        String::new()
    } else {
        format!(", depending on {}", words::rules(&cell.look.rules))
    };
    let title = format!("{from} → {to}: {} of {} may pass{by}", cell.calls, cell.pairs);
    let words = cell_words(matrix, cell);
    let text = if words.is_empty() {
        words
    } else {
        let [x, y, width, _] = place.each_ref().map(|value| value.parse::<f64>().unwrap_or(0.0));
        let [x, y] = [x + width / 2.0, y + 12.0].map(number);
        format!("<text x=\"{x}\" y=\"{y}\">{}</text>", escape(&words))
    };
    let dashed = if cell.look.conditional { " cm-dashed" } else { "" };
    let part = if cell.calls < cell.pairs { " cm-part" } else { "" };
    let marks = digits(&cell.look);
    let marks = if marks.is_empty() { marks } else { format!(" data-marks=\"{marks}\"") };
    format!(
        "<g class=\"cm-arrow cm-cell{dashed}{part}{}\" data-row=\"{row}\" data-col=\"{column}\"{marks}><title>{}</title>{rect}{text}</g>\n",
        mark_class(&cell.look),
        escape(&title)
    )
}

/// Returns the text of a cell: the number of calls that may pass or of the rules that decide, and the letter of the one
/// field.
fn cell_words(matrix: &Matrix, cell: &Cell) -> String {
    let mark = match cell.look.marks.as_slice() {
        [mark] => letter(*mark),
        _ => "",
    };
    let says = if cell.calls < cell.pairs || (cell.conditional > 0 && cell.conditional < cell.calls) {
        format!("{}/{}", cell.calls, cell.pairs)
    } else if cell.look.conditional && !matrix.by_domain {
        let known = matrix.rules().iter().position(|rules| *rules == cell.look.rules.as_slice());
        known.map_or(String::new(), |at| (at + 1).to_string())
    } else {
        String::new()
    };
    format!("{says}{mark}")
}

/// Draws the name of a row or column, with its services as an attribute.
fn label(group: &Group, at: usize, kind: &str, inside: &str) -> String {
    let services: Vec<String> = group.services.iter().map(usize::to_string).collect();
    format!("<g data-{kind}=\"{at}\" data-services=\"{}\">{}</g>\n", services.join(" "), inside.trim_end())
}

/// Explains the numbers in cells.
pub(super) fn rules(matrix: &Matrix) -> Vec<String> {
    const MAX: usize = 40;
    if matrix.by_domain {
        return Vec::new();
    }
    let all = matrix.rules();
    let mut notes: Vec<String> = all
        .iter()
        .take(MAX)
        .enumerate()
        .map(|(at, rules)| format!("{}: depends on {}.", at + 1, words::rules(rules)))
        .collect();
    if all.len() > MAX {
        notes.push("The text form has all rules.".to_owned());
    }
    notes
}

/// Whether the legend needs the marks of fields.
pub(super) fn has_marks(matrix: &Matrix) -> bool {
    let marks = |cell: &Cell| -> Option<Mark> { cell.look.marks.first().copied() };
    matrix.cells.iter().flatten().flatten().any(|cell| marks(cell).is_some())
}
