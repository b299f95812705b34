//! The graph as a self-contained HTML page: the picture, and a table with the fate of each field on each call.

use std::collections::BTreeSet;

use super::{
    Fate, Graph, Passage,
    fold::fold,
    picture::{Mark, Picture},
    style,
    svg::{escape, letter, render},
    words::{self, terms},
};

/// Most rows of the table, so that browsers stay responsive.
const MAX_ROWS: usize = 2_000;

const PAGE_STYLE: &str = "\
:root{color-scheme:light dark}
body{margin:0;padding:24px;font:14px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;background:#f8fafc;color:#0f172a}
main{max-width:1400px;margin:0 auto}
figure{margin:0 0 24px;padding:8px;background:#ffffff;border:1px solid #e2e8f0;border-radius:14px;overflow-x:auto}
figure svg{display:block;max-width:100%;height:auto;margin:0 auto}
.bar{display:flex;gap:12px;align-items:center;margin:0 0 14px;flex-wrap:wrap}
select{font:inherit;padding:5px 10px;border-radius:8px;border:1px solid #cbd5e1;background:#ffffff;color:inherit}
.about{color:#64748b}
.scroll{overflow:auto;max-height:75vh;border:1px solid #e2e8f0;border-radius:14px;background:#ffffff}
table{border-collapse:separate;border-spacing:0;font-size:13px;width:100%}
th,td{padding:6px 12px;text-align:left;white-space:nowrap;border-bottom:1px solid #e2e8f0}
thead th{position:sticky;top:0;background:#f1f5f9;vertical-align:bottom}thead small{display:block;font-weight:400;color:#64748b}
tbody th{font-weight:500;position:sticky;left:0;background:inherit}tbody tr{background:#ffffff}
td.chosen,th.chosen{background:#e0e7ff}
td b{font-weight:600}td small{display:block;white-space:normal;min-width:12em;color:#64748b}tbody th{white-space:normal;min-width:16em}.far{opacity:.1}.none{color:#94a3b8}
@media (prefers-color-scheme:dark){body{background:#020617;color:#e2e8f0}figure,.scroll,tbody tr{background:#0f172a;border-color:#1e293b}
select{background:#0f172a;border-color:#334155}th,td{border-color:#1e293b}thead th{background:#1e293b}td.chosen,th.chosen{background:#312e81}.about,thead small{color:#94a3b8}.none{color:#64748b}}
";

/// Returns a page with the picture of the graph and a table of calls and fields. The page lets the reader choose the
/// field that the picture shows.
pub fn html(graph: &Graph) -> String {
    let picture = Picture::with_matrix(graph, true);
    let title = format!("{}: who may call whom, and where fields may flow", graph.mesh);
    let letters: Vec<String> = Mark::ALL.iter().map(|mark| format!("\"{}\"", letter(*mark))).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n<style>\n{PAGE_STYLE}</style>\n</head>\n<body>\n<main>\n{}<figure>\n{}</figure>\n{}{}</main>\n<script>\nconst letters = [{}];\n{SCRIPT}</script>\n</body>\n</html>\n",
        chooser(graph),
        render(graph, &picture),
        table(graph),
        about(graph),
        letters.join(", "),
        title = escape(&title),
    )
}

/// The script. It contains nothing of the tree: the data is in attributes.
const SCRIPT: &str = "\
const select = document.getElementById('field');
function show() {
  const field = select.value;
  for (const element of document.querySelectorAll('[data-marks]')) {
    const mark = field === '' ? '' : element.dataset.marks[Number(field)];
    letters.forEach((_, at) => element.classList.toggle('cm-mark' + at, mark !== '' && Number(mark) === at));
    if (element.classList.contains('cm-sign')) {
      const letter = mark === '' ? '' : letters[Number(mark)];
      element.querySelector('text').textContent = letter;
      element.setAttribute('visibility', letter === '' ? 'hidden' : 'visible');
    }
  }
  for (const cell of document.querySelectorAll('[data-field]')) {
    cell.classList.toggle('chosen', cell.dataset.field === field);
  }
}
select.addEventListener('change', show);
for (const head of document.querySelectorAll('thead [data-field]')) {
  head.style.cursor = 'pointer';
  head.addEventListener('click', () => { select.value = select.value === head.dataset.field ? '' : head.dataset.field; show(); });
}
show();
const service = document.getElementById('service');
const has = (list, value) => list.split(' ').includes(value);
function filter() {
  const chosen = service.value, domain = service.selectedOptions[0].dataset.domain;
  let rows = 0;
  for (const row of document.querySelectorAll('tbody tr')) {
    row.hidden = chosen !== '' && !has(row.dataset.from, chosen) && !has(row.dataset.to, chosen);
    rows += row.hidden ? 0 : 1;
  }
  document.getElementById('rows').textContent = rows + (rows === 1 ? ' row' : ' rows');
  for (const element of document.querySelectorAll('[data-ends]')) {
    const near = chosen === '' || has(element.dataset.ends, 's' + chosen) || has(element.dataset.ends, 'd' + domain);
    element.classList.toggle('far', !near);
  }
  const own = new Set();
  for (const label of document.querySelectorAll('[data-services]')) {
    const near = chosen === '' || has(label.dataset.services, chosen);
    if (near) own.add(label.dataset.row ?? label.dataset.col);
  }
  for (const cell of document.querySelectorAll('.cm-cell')) {
    cell.classList.toggle('far', !own.has(cell.dataset.row) && !own.has(cell.dataset.col));
  }
}
service.addEventListener('change', filter);
filter();
";

fn chooser(graph: &Graph) -> String {
    let selected = |yes: bool| if yes { " selected" } else { "" };
    let one = graph.selection.field.is_some();
    let options = graph.fields.iter().enumerate().map(|(number, field)| {
        format!("<option value=\"{number}\"{}>{}</option>\n", selected(one), escape(&field.name))
    });
    let options: String = options.collect();
    let services = graph.services.iter().enumerate().map(|(number, service)| {
        format!("<option value=\"{number}\" data-domain=\"{}\">{}</option>\n", service.domain, escape(&service.name))
    });
    let services: String = services.collect();
    format!(
        "<div class=\"bar\"><label for=\"field\">Where does it flow?</label>\n<select id=\"field\" autocomplete=\"off\">\n<option value=\"\"{}>all calls</option>\n{options}</select>\n<label for=\"service\">Calls of</label>\n<select id=\"service\" autocomplete=\"off\">\n<option value=\"\">all services</option>\n{services}</select>\n<span class=\"about\" id=\"rows\" role=\"status\"></span></div>\n",
        selected(!one)
    )
}

/// Returns the table of statements about calls, with the rules that decide. It can be read without a pointer.
fn table(graph: &Graph) -> String {
    let calls = graph.calls.iter().map(|call| (call.from, call.to, (&call.passage, &call.limits)));
    let statements = fold(calls);
    let mut out = String::from(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"calls\"><table>\n<thead><tr><th>calls</th><th>pass</th>",
    );
    for (number, field) in graph.fields.iter().enumerate() {
        let residency =
            if field.residency.is_empty() { String::new() } else { format!(", only {}", field.residency.join(", ")) };
        let about = format!("{}, {}{residency}", field.classification.name(), field.owner);
        out.push_str(&format!(
            "<th data-field=\"{number}\">{}<small>{}</small></th>",
            escape(&field.name),
            escape(&about)
        ));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for statement in statements.iter().take(MAX_ROWS) {
        let (passage, limits) = statement.holds;
        let [from, to] = [&statement.from, &statement.to].map(|set| escape(&terms(graph, set).join(", ")));
        let [callers, called] = [&statement.from, &statement.to].map(numbers);
        let (passes, rules) = match passage {
            Passage::Always => ("always", &[][..]),
            Passage::OnCondition(rules) => ("on a condition", rules.as_slice()),
            Passage::Never(rules) => ("never", rules.as_slice()),
        };
        out.push_str(&format!(
            "<tr data-from=\"{callers}\" data-to=\"{called}\"><th>{from} → {to}</th>{}",
            cell("", passes, rules)
        ));
        for number in 0..graph.fields.len() {
            let limit = limits.iter().find(|limit| limit.field == number);
            let attribute = format!(" data-field=\"{number}\"");
            out.push_str(&match (passage, limit) {
                (Passage::Never(_), _) => format!("<td{attribute}></td>"),
                (_, None) => format!("<td{attribute}><span class=\"none\">passes</span></td>"),
                (_, Some(limit)) => {
                    let style = format!("{attribute} style=\"color:{}\"", colour(limit.fate));
                    cell(&style, limit.fate.name(), &limit.rules)
                }
            });
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if statements.len() > MAX_ROWS {
        let more = statements.len().saturating_sub(MAX_ROWS);
        out.push_str(&format!(
            "<p class=\"about\">and {more} more rows; --service NAME or --domain NAME narrows it.</p>\n"
        ));
    }
    out
}

/// Returns what people know of rules, as a list.
fn about(graph: &Graph) -> String {
    if graph.about.is_empty() {
        return String::new();
    }
    let mut out = String::from("<h2>Rules</h2>\n<dl>\n");
    for (name, about) in graph.about.iter().take(MAX_ROWS) {
        let owner = about.owner.as_ref().map(|owner| format!("owner: {owner}"));
        let expires = about.expires.map(|expires| format!("expires: {}", expires.value));
        let facts: Vec<String> = owner.into_iter().chain(expires).collect();
        let description = about.description.as_deref().unwrap_or_default();
        out.push_str(&format!(
            "<dt>{}</dt><dd>{} <span class=\"about\">{}</span></dd>\n",
            escape(name),
            escape(description),
            escape(&facts.join(", "))
        ));
    }
    out.push_str("</dl>\n");
    out
}

fn numbers(set: &BTreeSet<usize>) -> String {
    set.iter().map(usize::to_string).collect::<Vec<String>>().join(" ")
}

fn cell(attributes: &str, words: &str, rules: &[String]) -> String {
    let rules =
        if rules.is_empty() { String::new() } else { format!("<small>by {}</small>", escape(&words::rules(rules))) };
    format!("<td{attributes}><b>{words}</b>{rules}</td>")
}

const fn colour(fate: Fate) -> &'static str {
    style::colour(Mark::of(fate))
}
