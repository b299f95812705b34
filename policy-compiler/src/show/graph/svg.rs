//! The graph as a self-contained SVG.

use super::{
    Graph,
    layout::{CARD, Curve, INSET, Layout, Placed, text_width},
    picture::{Arrow, DomainBox, End, Look, Mark, Picture},
    style,
    svg_matrix::{self, Drawn},
    words,
};

/// The style of the classes, for light and dark.
const STYLE: &str = "\
.cm{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}
.cm-page{fill:#ffffff}.cm-title{font-size:18px;font-weight:600;fill:#0f172a}.cm-sub,.cm-note{font-size:12px;fill:#64748b}
.cm-domain{fill:#f1f5f9;stroke:#cbd5e1}.cm-name{font-size:15px;font-weight:600;fill:#0f172a}
.cm-badge{fill:#e2e8f0}.cm-badge-text{font-size:10.5px;fill:#475569}.cm-region{fill:#dbeafe}.cm-region-text{fill:#1e40af}
.cm-card{fill:#ffffff;stroke:#cbd5e1}.cm-gate{fill:#e0e7ff;stroke:#818cf8}.cm-service{font-size:13px;fill:#1e293b}
.cm-small{font-size:11px;fill:#64748b}.cm-key{font-size:12px;fill:#334155}
.cm-arrow{color:#475569}.cm-arrow .cm-line{fill:none;stroke:currentColor;stroke-width:1.6}.cm-arrow .cm-head{fill:currentColor}
.cm-dashed .cm-line{stroke-dasharray:6 4}.cm-sign circle{fill:currentColor}.cm-sign text{font-size:9.5px;font-weight:700;fill:#ffffff;text-anchor:middle}
.cm-arrow:hover .cm-line{stroke-width:3}
.cm-count{font-size:10.5px;fill:#334155;text-anchor:middle;paint-order:stroke;stroke:#ffffff;stroke-width:3px}
.cm-void rect{fill:#e2e8f0}.cm-rule{fill:none;stroke:#cbd5e1}.cm-cell rect{fill:currentColor;stroke:currentColor;stroke-width:1.4}
.cm-cell text{font-size:10px;font-weight:600;fill:#ffffff;text-anchor:middle}.cm-cell.cm-dashed rect,.cm-cell.cm-part rect{fill-opacity:.12}
.cm-cell.cm-dashed rect{stroke-dasharray:4 3}.cm-cell.cm-dashed text,.cm-cell.cm-part text{fill:#0f172a}
";

const DARK: &str = "\
@media (prefers-color-scheme:dark){
.cm-page{fill:#0f172a}.cm-title,.cm-name{fill:#f1f5f9}.cm-sub,.cm-note,.cm-small{fill:#94a3b8}
.cm-domain{fill:#1e293b;stroke:#334155}.cm-badge{fill:#334155}.cm-badge-text{fill:#cbd5e1}.cm-region{fill:#1e3a8a}.cm-region-text{fill:#bfdbfe}
.cm-card{fill:#0f172a;stroke:#475569}.cm-gate{fill:#312e81;stroke:#818cf8}.cm-service{fill:#e2e8f0}.cm-key{fill:#cbd5e1}.cm-arrow{color:#94a3b8}
.cm-count{fill:#e2e8f0;stroke:#0f172a}.cm-void rect{fill:#334155}.cm-rule{stroke:#475569}.cm-cell text{fill:#0f172a}.cm-cell.cm-dashed text,.cm-cell.cm-part text{fill:#f1f5f9}
}
";

/// Height of the header above the boxes.
const HEADER: f64 = 34.0;
/// Least width of a picture, so that the legend fits.
const LEAST_WIDTH: f64 = 720.0;

/// Returns a picture of the graph without scripts. If a field is selected, it shows the field's fate.
pub fn svg(graph: &Graph) -> String {
    render(graph, &Picture::with_matrix(graph, graph.selection.field.is_some()))
}

/// Like [`svg`], for a picture that already exists. If it includes fields, its arrows carry a digit for each of them,
/// an index into [`Mark::ALL`].
pub(super) fn render(graph: &Graph, picture: &Picture) -> String {
    let drawn = match &picture.matrix {
        Some(matrix) => svg_matrix::draw(graph, matrix),
        None => arrows(graph, picture),
    };
    let width = drawn.width.max(LEAST_WIDTH);
    let shift = ((width - drawn.width) / 2.0).floor();
    let one_field = graph.selection.field.as_deref();
    let mut body = String::new();
    body.push_str(&text(INSET, 30.0, "cm-title", &graph.mesh));
    let after = INSET + text_width(&graph.mesh, 19.5) + 14.0;
    let what = match one_field {
        Some(field) => format!("where {field} may flow"),
        None => "who may call whom".to_owned(),
    };
    body.push_str(&text(after, 30.0, "cm-sub", &what));
    body.push_str(&format!("<g transform=\"translate({} {HEADER})\">\n{}</g>\n", number(shift), drawn.body));
    let mut y = HEADER + drawn.height + 20.0;
    let marks = match &picture.matrix {
        Some(matrix) => svg_matrix::has_marks(matrix),
        None => picture.arrows.iter().any(|arrow| !arrow.look.marks.is_empty()),
    };
    body.push_str(&legend(marks, width, &mut y));
    let rules = match &picture.matrix {
        Some(matrix) => svg_matrix::rules(matrix),
        None => numbered_rules(picture),
    };
    for note in rules.iter().chain(&picture.notes).flat_map(|note| wrapped(note, width - 2.0 * INSET)) {
        body.push_str(&text(INSET, y, "cm-note", &note));
        y += 18.0;
    }
    let (width, height) = (number(width), number(y + 2.0));
    let colours: String = Mark::ALL
        .iter()
        .enumerate()
        .map(|(at, mark)| format!(".cm-arrow.cm-mark{at},.cm-mark{at}{{color:{}}}\n", style::colour(*mark)))
        .collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cm\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{}\">\n<style>\n{STYLE}{DARK}{colours}</style>\n<rect class=\"cm-page\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        escape(&format!("{}: {what}", graph.mesh)),
    )
}

/// Draws domains with their services, and arrows.
fn arrows(graph: &Graph, picture: &Picture) -> Drawn {
    let layout = Layout::new(graph, picture);
    let mut body = String::new();
    for (domain, placed) in picture.boxes.iter().zip(&layout.boxes) {
        body.push_str(&frame(graph, domain, placed));
    }
    for (arrow, curve) in picture.arrows.iter().zip(&layout.curves) {
        body.push_str(&line(graph, arrow, curve));
    }
    for placed in &layout.boxes {
        body.push_str(&cards(graph, placed));
    }
    let sets = rule_sets(picture);
    for (arrow, curve) in picture.arrows.iter().zip(&layout.curves) {
        body.push_str(&sign(arrow, curve));
        body.push_str(&words_at(arrow, curve, &sets));
    }
    Drawn { body, width: layout.width, height: layout.height }
}

/// Returns the sets of rules that decide about arrows, each once.
fn rule_sets(picture: &Picture) -> Vec<&[String]> {
    let mut sets: Vec<&[String]> = Vec::new();
    for arrow in picture.arrows.iter().filter(|arrow| arrow.look.conditional) {
        if !sets.contains(&arrow.look.rules.as_slice()) {
            sets.push(&arrow.look.rules);
        }
    }
    sets
}

fn numbered_rules(picture: &Picture) -> Vec<String> {
    let said = rule_sets(picture).into_iter().enumerate();
    said.map(|(at, rules)| format!("({}) depends on {}.", at + 1, words::rules(rules))).collect()
}

/// Draws the words at an arrow: the number of its rule set, which is listed below, and the number of its calls.
fn words_at(arrow: &Arrow, curve: &Curve, sets: &[&[String]]) -> String {
    let rules = sets.iter().position(|rules| arrow.look.conditional && *rules == arrow.look.rules.as_slice());
    let rules = rules.map(|at| format!("({})", at + 1));
    let says: Vec<String> = rules.into_iter().chain(style::count(arrow)).collect();
    let Some((x, y)) = middle(curve).filter(|_| !says.is_empty()) else { return String::new() };
    let [x, y] = [x, y - 9.0].map(number);
    let services = services(arrow);
    format!("<text class=\"cm-count\"{services} x=\"{x}\" y=\"{y}\">{}</text>\n", escape(&says.join(" ")))
}

/// Returns the ends of an arrow, as an attribute for filtering by service.
fn services(arrow: &Arrow) -> String {
    let end = |end: End| match end {
        End::Service(service) => format!("s{service}"),
        End::Domain(domain) => format!("d{domain}"),
    };
    format!(" data-ends=\"{} {}\"", end(arrow.from), end(arrow.to))
}

fn frame(graph: &Graph, domain: &DomainBox, placed: &Placed) -> String {
    let Placed { x, y, width, height, .. } = placed;
    let (left, name) = (x + INSET, graph.domain_name(domain.domain));
    let mut out = format!(
        "<rect class=\"cm-domain\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"14\"/>\n",
        number(*x),
        number(*y),
        number(*width),
        number(*height)
    );
    out.push_str(&fitted(left, y + 25.0, "cm-name", name, 15.0, width - 2.0 * INSET));
    let known = graph.domains.get(domain.domain);
    let has_region = known.is_some_and(|domain| !domain.region.is_empty());
    for (at, (badge, (dx, dy, size))) in
        known.map(style::about).unwrap_or_default().iter().zip(&placed.badges).enumerate()
    {
        let (class, text_class) = if at == 0 && has_region { (" cm-region", " cm-region-text") } else { ("", "") };
        out.push_str(&format!(
            "<rect class=\"cm-badge{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"18\" rx=\"9\"/>\n",
            number(x + dx),
            number(y + dy),
            number(*size)
        ));
        let class = format!("cm-badge-text{text_class}");
        out.push_str(&fitted(x + dx + 7.0, y + dy + 12.8, &class, badge, 10.5, size - 14.0));
    }
    let mut line = y + placed.line;
    if domain.services.is_empty() {
        out.push_str(&text(left, line, "cm-small", &style::services(domain.count)));
        line += 18.0;
    }
    if let (Some(words), Some(arrow)) = (style::inside(domain), &domain.inside) {
        let marks = digits(&arrow.look);
        let words = fitted(left, line, "cm-small", &words, 11.0, width - 2.0 * INSET);
        out.push_str(&if marks.is_empty() {
            words
        } else {
            words.replacen("<text", &format!("<text data-marks=\"{marks}\""), 1)
        });
    }
    out
}

fn cards(graph: &Graph, placed: &Placed) -> String {
    let mut out = String::new();
    for (top, service) in &placed.cards {
        let (x, y) = (placed.x + INSET, placed.y + top);
        let gateway = graph.is_gateway(*service);
        let class = if gateway { "cm-card cm-gate" } else { "cm-card" };
        let radius = if gateway { CARD / 2.0 } else { 8.0 };
        out.push_str(&format!(
            "<rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{CARD}\" rx=\"{radius}\"/>\n",
            number(x),
            number(y),
            number(placed.card_width)
        ));
        let name = graph.service_name(*service);
        out.push_str(&fitted(x + 14.0, y + 20.5, "cm-service", name, 13.0, placed.card_width - 24.0));
    }
    out
}

/// Draws an arrow with its head. Its meaning is shown as a tooltip.
fn line(graph: &Graph, arrow: &Arrow, curve: &Curve) -> String {
    let mut path = String::new();
    for (pair, (out, back)) in curve.points.windows(2).zip(&curve.reach) {
        let [(x, y), (to_x, to_y)] = pair else { continue };
        if path.is_empty() {
            path = format!("M{} {}", number(*x), number(*y));
        }
        let controls = [x + out, *y, to_x + back, *to_y, *to_x, *to_y].map(number);
        path.push_str(&format!("C{}", controls.join(" ")));
    }
    let mut heads = String::new();
    if let (Some(point), Some(reach)) = (curve.points.last(), curve.reach.last()) {
        heads.push_str(&head(*point, reach.1));
    }
    if let (Some(point), Some(reach)) = (curve.points.first().filter(|_| arrow.both), curve.reach.first()) {
        heads.push_str(&head(*point, reach.0));
    }
    format!(
        "<g class=\"{}\"{}{}><title>{}</title><path class=\"cm-line\" d=\"{path}\"/>{heads}</g>\n",
        class("cm-arrow", arrow),
        services(arrow),
        marks(arrow),
        escape(&meaning(graph, arrow)),
    )
}

/// Draws the head of an arrow. A curve ends horizontally, on the side of its last control point.
fn head((x, y): (f64, f64), reach: f64) -> String {
    let [tip, base, middle, above, below] = [x, x + reach.signum() * 8.0, y, y - 4.0, y + 4.0].map(number);
    format!("<path class=\"cm-head\" d=\"M{tip} {middle}L{base} {above}L{base} {below}Z\"/>")
}

/// Draws the letter in the middle of an arrow that shows the fate of the field.
fn sign(arrow: &Arrow, curve: &Curve) -> String {
    let Some(first) = arrow.look.marks.first() else { return String::new() };
    let letter = if arrow.look.marks.len() == 1 { letter(*first) } else { "" };
    if arrow.look.marks.len() == 1 && letter.is_empty() {
        return String::new();
    }
    let Some((x, y)) = middle(curve) else { return String::new() };
    // The page shows one of several fields. Until one is chosen, there is no letter.
    let hidden = if letter.is_empty() { " visibility=\"hidden\"" } else { "" };
    format!(
        "<g class=\"{}\"{}{}{hidden}><circle cx=\"{}\" cy=\"{}\" r=\"7.5\"/><text x=\"{}\" y=\"{}\">{letter}</text></g>\n",
        class("cm-sign", arrow),
        services(arrow),
        marks(arrow),
        number(x),
        number(y),
        number(x),
        number(y + 3.4)
    )
}

/// Returns the point in the middle of an arrow.
fn middle(curve: &Curve) -> Option<(f64, f64)> {
    let middle = curve.points.len().saturating_sub(1) / 2;
    let pair: Vec<(f64, f64)> = curve.points.iter().skip(middle).take(2).copied().collect();
    let ([one, other], Some((out, back))) = (pair.as_slice(), curve.reach.get(middle)) else { return None };
    // Halfway along a cubic curve whose control points are level with its ends.
    let x = (one.0 + 3.0 * (one.0 + out) + 3.0 * (other.0 + back) + other.0) / 8.0;
    Some((x, f64::midpoint(one.1, other.1)))
}

/// Returns the letter of a mark.
pub(super) const fn letter(mark: Mark) -> &'static str {
    match mark {
        Mark::Passes => "",
        Mark::Varies => "?",
        Mark::Masked => "M",
        Mark::Redacted => "R",
        Mark::Kept => "K",
    }
}

fn class(base: &str, arrow: &Arrow) -> String {
    let dashed = if arrow.look.conditional { " cm-dashed" } else { "" };
    format!("{base}{dashed}{}", mark_class(&arrow.look))
}

/// Returns the class for the fate of the one field.
pub(super) fn mark_class(look: &Look) -> String {
    match look.marks.as_slice() {
        [mark] => format!(" cm-mark{}", index(*mark)),
        _ => String::new(),
    }
}

fn index(mark: Mark) -> usize {
    Mark::ALL.iter().position(|known| *known == mark).unwrap_or(0)
}

pub(super) fn digits(look: &Look) -> String {
    look.marks.iter().map(|mark| index(*mark).to_string()).collect()
}

fn marks(arrow: &Arrow) -> String {
    let digits = digits(&arrow.look);
    if digits.is_empty() { digits } else { format!(" data-marks=\"{digits}\"") }
}

/// Describes an arrow.
fn meaning(graph: &Graph, arrow: &Arrow) -> String {
    let name = |end: End| match end {
        End::Service(service) => graph.service_name(service).to_owned(),
        End::Domain(domain) => format!("services of {}", graph.domain_name(domain)),
    };
    let mut out = match arrow.both {
        false => format!("{} may call {}", name(arrow.from), name(arrow.to)),
        true => format!("{} and {} may call each other", name(arrow.from), name(arrow.to)),
    };
    if let Some(label) = style::label(arrow) {
        out.push_str(&format!(" ({label})"));
    }
    if !arrow.look.rules.is_empty() {
        out.push_str(&format!(", depending on {}", words::rules(&arrow.look.rules)));
    }
    out
}

fn legend(marks: bool, width: f64, y: &mut f64) -> String {
    let mut items: Vec<(String, &str)> = vec![
        ("cm-arrow".to_owned(), "may call"),
        ("cm-arrow cm-dashed".to_owned(), "may call, on a condition"),
        (String::new(), "gateway"),
    ];
    if marks {
        items.extend(Mark::ALL.iter().map(|mark| (format!("cm-arrow cm-mark{}", index(*mark)), mark.name())));
    }
    let (mut x, mut out) = (INSET, String::new());
    for (number_of, (class, words)) in items.iter().enumerate() {
        let size = 44.0 + text_width(words, 12.0) + 24.0;
        if x + size > width && x > INSET {
            (x, *y) = (INSET, *y + 22.0);
        }
        let (left, middle) = (number(x), number(*y - 4.0));
        if class.is_empty() {
            let top = number(*y - 12.0);
            out.push_str(&format!(
                "<rect class=\"cm-card cm-gate\" x=\"{left}\" y=\"{top}\" width=\"34\" height=\"16\" rx=\"8\"/>\n"
            ));
        } else {
            let [tip, base, end] = [x + 34.0, x + 26.0, x + 30.0].map(number);
            let [above, below] = [*y - 8.0, *y].map(number);
            let sign = number_of.checked_sub(3).and_then(|at| Mark::ALL.get(at)).map_or("", |mark| letter(*mark));
            let sign = if sign.is_empty() {
                String::new()
            } else {
                let [cx, ty] = [x + 13.0, *y - 0.6].map(number);
                format!(
                    "<g class=\"cm-sign\"><circle cx=\"{cx}\" cy=\"{middle}\" r=\"7.5\"/><text x=\"{cx}\" y=\"{ty}\">{sign}</text></g>"
                )
            };
            out.push_str(&format!(
                "<g class=\"{class}\"><path class=\"cm-line\" d=\"M{left} {middle}H{end}\"/><path class=\"cm-head\" d=\"M{tip} {middle}L{base} {above}L{base} {below}Z\"/>{sign}</g>\n"
            ));
        }
        out.push_str(&text(x + 42.0, *y, "cm-key", words));
        x += size;
    }
    *y += 26.0;
    out
}

fn text(x: f64, y: f64, class: &str, words: &str) -> String {
    format!("<text class=\"{class}\" x=\"{}\" y=\"{}\">{}</text>\n", number(x), number(y), escape(words))
}

/// Draws a text that is truncated to the available width. The whole text is shown as a tooltip.
pub(super) fn fitted(x: f64, y: f64, class: &str, words: &str, size: f64, room: f64) -> String {
    if text_width(words, size) <= room + 2.0 {
        return text(x, y, class, words);
    }
    let mut cut = String::new();
    for c in words.chars() {
        cut.push(c);
        if text_width(&cut, size) + size > room {
            break;
        }
    }
    let [x, y] = [x, y].map(number);
    format!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\"><title>{}</title>{}…</text>\n", escape(words), escape(&cut))
}

fn wrapped(words: &str, room: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && text_width(&format!("{line} {word}"), 12.0) > room {
            lines.push(word.to_owned());
        } else {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}

/// Formats a length without trailing zeros.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Escapes a text for content and quoted attributes. Characters that XML does not allow are left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
