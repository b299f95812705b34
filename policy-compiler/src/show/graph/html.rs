//! The graph as a page: the picture, and a table of what becomes of each field on each call. It needs nothing else.

use super::{
    Call, Fate, Graph, Passage,
    picture::{Mark, Picture},
    style,
    svg::{escape, letter, render},
};

/// Most calls in the table: a browser must stay quick.
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
td b{font-weight:600}.none{color:#94a3b8}
@media (prefers-color-scheme:dark){body{background:#020617;color:#e2e8f0}figure,.scroll,tbody tr{background:#0f172a;border-color:#1e293b}
select{background:#0f172a;border-color:#334155}th,td{border-color:#1e293b}thead th{background:#1e293b}td.chosen,th.chosen{background:#312e81}.about,thead small{color:#94a3b8}.none{color:#64748b}}
";

/// A page with the picture of the graph and a table of calls and fields. A field can be chosen in it, and shows in the picture.
pub fn html(graph: &Graph) -> String {
    let picture = Picture::new(graph, true);
    let title = format!("{}: who may call whom, and where fields may flow", graph.mesh);
    let letters: Vec<String> = Mark::ALL.iter().map(|mark| format!("\"{}\"", letter(*mark))).collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{title}</title>\n<style>\n{PAGE_STYLE}</style>\n</head>\n<body>\n<main>\n{}<figure>\n{}</figure>\n{}</main>\n<script>\nconst letters = [{}];\n{SCRIPT}</script>\n</body>\n</html>\n",
        chooser(graph),
        render(graph, &picture),
        table(graph),
        letters.join(", "),
        title = escape(&title),
    )
}

/// Nothing of the tree is in it: what it needs stands in attributes.
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
";

fn chooser(graph: &Graph) -> String {
    let selected = |yes: bool| if yes { " selected" } else { "" };
    let one = graph.selection.field.is_some();
    let options = graph.fields.iter().enumerate().map(|(number, field)| {
        format!("<option value=\"{number}\"{}>{}</option>\n", selected(one), escape(&field.name))
    });
    let options: String = options.collect();
    format!(
        "<div class=\"bar\"><label for=\"field\">Where does it flow?</label>\n<select id=\"field\" autocomplete=\"off\">\n<option value=\"\"{}>all calls</option>\n{options}</select>\n<span class=\"about\">Choose a field, or click on its column. Rules show when the pointer is on an arrow or a cell.</span></div>\n",
        selected(!one)
    )
}

fn table(graph: &Graph) -> String {
    let calls: Vec<&Call> = graph.calls.iter().filter(|call| call.may_pass()).collect();
    let mut out = String::from("<div class=\"scroll\"><table>\n<thead><tr><th>call</th><th>passes</th>");
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
    for call in calls.iter().take(MAX_ROWS) {
        let (from, to) = (graph.service_name(call.from), graph.service_name(call.to));
        let (passes, rules) = match &call.passage {
            Passage::OnCondition(rules) => ("on a condition", rules.join(", ")),
            _ => ("always", String::new()),
        };
        out.push_str(&format!("<tr><th>{} → {}</th>{}", escape(from), escape(to), cell("", passes, &rules)));
        for number in 0..graph.fields.len() {
            let limit = call.limits.iter().find(|limit| limit.field == number);
            let attribute = format!(" data-field=\"{number}\"");
            out.push_str(&limit.map_or_else(
                || format!("<td{attribute}><span class=\"none\">passes</span></td>"),
                |limit| {
                    cell(
                        &format!("{attribute} style=\"color:{}\"", colour(limit.fate)),
                        limit.fate.name(),
                        &limit.rules.join(", "),
                    )
                },
            ));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if calls.len() > MAX_ROWS {
        let more = calls.len().saturating_sub(MAX_ROWS);
        out.push_str(&format!(
            "<p class=\"about\">and {more} more calls; --service NAME or --domain NAME narrows it.</p>\n"
        ));
    }
    out
}

fn cell(attributes: &str, words: &str, rules: &str) -> String {
    let title = if rules.is_empty() { String::new() } else { format!(" title=\"{}\"", escape(rules)) };
    format!("<td{attributes}{title}><b>{words}</b></td>")
}

const fn colour(fate: Fate) -> &'static str {
    style::colour(Mark::of(fate))
}
