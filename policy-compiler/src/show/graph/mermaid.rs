//! The graph as a Mermaid flowchart.

use super::{
    Graph,
    picture::{Arrow, End, Mark, Picture},
    style,
};

/// Returns a flowchart from left to right, with a subgraph for each domain.
pub fn mermaid(graph: &Graph) -> String {
    let fields = graph.selection.field.is_some();
    let picture = Picture::new(graph, fields);
    let mut out = String::new();
    for note in &picture.notes {
        out.push_str(&format!("%% {}\n", one_line(note)));
    }
    out.push_str("flowchart LR\n");
    for domain in &picture.boxes {
        let about = graph.domains.get(domain.domain).map(style::about).unwrap_or_default();
        let inside = style::inside(domain).map(|words| format!("<br/>{words}"));
        let title =
            format!("{}{}", text(&style::join(graph.domain_name(domain.domain), &about)), inside.unwrap_or_default());
        if domain.services.is_empty() {
            let services = style::services(domain.count);
            out.push_str(&format!("  d{}[\"{title}<br/>{services}\"]\n", domain.domain));
            continue;
        }
        out.push_str(&format!("  subgraph d{}[\"{title}\"]\n", domain.domain));
        for service in &domain.services {
            let name = text(graph.service_name(*service));
            let (open, close) = if graph.is_gateway(*service) { ("([", "])") } else { ("[", "]") };
            out.push_str(&format!("    s{service}{open}\"{name}\"{close}\n"));
        }
        out.push_str("  end\n");
    }
    for arrow in &picture.arrows {
        let line = match (arrow.look.conditional, arrow.both) {
            (true, true) => "<-.->",
            (true, false) => "-.->",
            (false, true) => "<-->",
            (false, false) => "-->",
        };
        let label = style::label(arrow).map(|label| format!("|\"{}\"|", text(&label))).unwrap_or_default();
        out.push_str(&format!("  {} {line}{label} {}\n", id(arrow.from), id(arrow.to)));
    }
    if fields {
        for mark in Mark::ALL {
            let of = |arrow: &Arrow| arrow.look.marks.first() == Some(&mark);
            let numbers: Vec<String> = picture
                .arrows
                .iter()
                .enumerate()
                .filter(|(_, arrow)| of(arrow))
                .map(|(at, _)| at.to_string())
                .collect();
            if !numbers.is_empty() {
                let colour = style::colour(mark);
                out.push_str(&format!("  linkStyle {} stroke:{colour},color:{colour}\n", numbers.join(",")));
            }
        }
    }
    out
}

fn id(end: End) -> String {
    match end {
        End::Service(number) => format!("s{number}"),
        End::Domain(number) => format!("d{number}"),
    }
}

/// Escapes a text for a quoted label, so that nothing in it ends the quotes or is read as markup. Mermaid decodes such
/// entities itself.
fn text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' | '-' | '_' | '.' | ',' | ':' | '/' | '(' | ')' => out.push(c),
            c if c.is_alphabetic() => out.push(c),
            c => out.push_str(&format!("#{};", u32::from(c))),
        }
    }
    out
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
