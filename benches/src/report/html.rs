//! Formats the report as one page without any other file.

use std::fmt::Write as _;

use super::{Plot, Report, Section, plot, sections};

const STYLE: &str = "
:root { --paper: #fbfaf7; --card: #ffffff; --ink: #1d2733; --soft: #65717e; --line: #e3e1da; --ours: #0b7a75;
  --floor: #a9b0b8; --o0: #d1495b; --o1: #edae49; --o2: #6a5acd; --o3: #58b09c; --o4: #8d6a9f; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --card: #1c2229; --ink: #e6e9ec; --soft: #98a3ae;
  --line: #2f3841; --ours: #39b8b0; --floor: #69737d; --o0: #ee6d7d; --o1: #f2c14e; --o2: #9b8cf0; --o3: #8fd6c6; --o4: #c09bd3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 64rem; margin: 0 auto; padding: 2.5rem 1.25rem 5rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.02em; }
h2 { font-size: 1.25rem; margin: 0 0 .4rem; }
p { margin: .3rem 0 1rem; color: var(--soft); max-width: 52rem; }
code { font: .9em ui-monospace, monospace; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.4rem 1.5rem; margin-top: 1.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 1rem 0; font-size: .92rem; }
dt { color: var(--soft); } dd { margin: 0; }
ul.notes { margin: 1rem 0 0; padding-left: 1.1rem; color: var(--soft); font-size: .92rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: .3rem .6rem; white-space: nowrap; }
td { text-align: right; padding: .28rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tr:last-child td { border-bottom: 0; }
svg { display: block; width: 100%; height: auto; margin: .6rem 0 1.2rem; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); }
.ours { --c: var(--ours); } .floor { --c: var(--floor); } .o0 { --c: var(--o0); } .o1 { --c: var(--o1); }
.o2 { --c: var(--o2); } .o3 { --c: var(--o3); } .o4 { --c: var(--o4); }
svg .fill { fill: var(--c); } svg .stroke { stroke: var(--c); fill: none; stroke-width: 2.2; stroke-linejoin: round; }
svg .spread { stroke: var(--ink); stroke-width: 1.2; opacity: .55; }
footer { margin-top: 2rem; color: var(--soft); font-size: .88rem; }
";

/// Returns the page.
pub fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>Context Mesh: what it costs</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>What Context Mesh costs</h1>\n\
         <p>Beside no filter, filters that do less, and what people use today.</p>\n"
    );
    page.push_str("<dl>\n");
    for (name, value) in &report.about {
        let _ = writeln!(page, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
    }
    page.push_str("</dl>\n");
    if !report.notes.is_empty() {
        page.push_str("<ul class=\"notes\">\n");
        for note in &report.notes {
            let _ = writeln!(page, "<li>{}</li>", escape(note));
        }
        page.push_str("</ul>\n");
    }
    for section in sections(&report.figures) {
        write_section(&section, &mut page);
    }
    page.push_str(
        "<footer>All figures are in <code>report.json</code>, next to this page. <code>docs/benchmarks.md</code> explains \
         them.</footer>\n</main>\n</body>\n</html>\n",
    );
    page
}

fn write_section(section: &Section, page: &mut String) {
    let _ = writeln!(page, "<section>\n<h2>{}</h2>\n<p>{}</p>", escape(section.title), with_code(section.text));
    for plot in &section.plots {
        page.push_str(&match plot {
            Plot::Bars { unit, bars } => plot::bars(unit, bars),
            Plot::Lines { unit, lines } => plot::lines(unit, lines),
        });
    }
    page.push_str("<div class=\"scroll\"><table>\n");
    if section.head.iter().any(|cell| !cell.is_empty()) {
        let _ = writeln!(page, "<tr>{}</tr>", cells("th", &section.head));
    }
    for row in &section.rows {
        let _ = writeln!(page, "<tr>{}</tr>", cells("td", row));
    }
    page.push_str("</table></div>\n</section>\n");
}

fn cells(tag: &str, row: &[String]) -> String {
    row.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect()
}

/// Escapes a text, and shows what is in backticks as code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let part = |(place, part): (usize, &str)| match place % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    };
    parts.map(part).collect()
}

/// Escapes a text for HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
