//! The graph in Graphviz's DOT language.

use super::{
    Graph,
    picture::{Arrow, End, Picture},
    style,
};

/// Returns a digraph from left to right, with a cluster for each domain.
pub fn dot(graph: &Graph) -> String {
    let picture = Picture::new(graph, graph.selection.field.is_some());
    let mut out = format!("digraph {} {{\n", quoted(&graph.mesh));
    out.push_str("  rankdir=LR; compound=true; nodesep=0.25; ranksep=1.2;\n");
    out.push_str("  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", color=\"#94a3b8\", fontname=\"sans-serif\", fontsize=11];\n");
    out.push_str("  edge [color=\"#475569\", fontname=\"sans-serif\", fontsize=9];\n");
    out.push_str("  graph [fontname=\"sans-serif\", fontsize=11];\n");
    if !picture.notes.is_empty() {
        out.push_str(&format!("  label={};\n", quoted(&picture.notes.join("\n"))));
    }
    for domain in &picture.boxes {
        let about = graph.domains.get(domain.domain).map(style::about).unwrap_or_default();
        let mut title = style::join(graph.domain_name(domain.domain), &about);
        if let Some(words) = style::inside(domain) {
            title = format!("{title}\n{words}");
        }
        out.push_str(&format!("  subgraph cluster_{} {{\n", domain.domain));
        out.push_str("    style=\"rounded,filled\"; fillcolor=\"#f1f5f9\"; color=\"#cbd5e1\";\n");
        out.push_str(&format!("    label={};\n", quoted(&title)));
        if domain.services.is_empty() {
            let label = quoted(&style::services(domain.count));
            out.push_str(&format!("    d{} [label={label}];\n", domain.domain));
        }
        for service in &domain.services {
            let shape = if graph.is_gateway(*service) { ", shape=cds" } else { "" };
            out.push_str(&format!("    s{service} [label={}{shape}];\n", quoted(graph.service_name(*service))));
        }
        out.push_str("  }\n");
    }
    for arrow in &picture.arrows {
        out.push_str(&edge(arrow, &picture));
    }
    out.push_str("}\n");
    out
}

/// Formats an edge. An edge of a domain is drawn from or to the border of its cluster.
fn edge(arrow: &Arrow, picture: &Picture) -> String {
    let mut attributes = Vec::new();
    let node = |end: End| match end {
        End::Service(service) => (format!("s{service}"), None),
        End::Domain(domain) => {
            let services = picture.boxes.iter().find(|known| known.domain == domain).map(|known| &known.services);
            // The one in the middle, so that the edge meets the border there.
            let middle = services.and_then(|services| services.get(services.len() / 2));
            let name = middle.map_or(format!("d{domain}"), |service| format!("s{service}"));
            (name, Some(format!("cluster_{domain}")))
        }
    };
    let ((from, tail), (to, head)) = (node(arrow.from), node(arrow.to));
    attributes.extend(tail.map(|tail| format!("ltail={tail}")));
    attributes.extend(head.map(|head| format!("lhead={head}")));
    if arrow.both {
        attributes.push("dir=both".to_owned());
    }
    if arrow.look.conditional {
        attributes.push("style=dashed".to_owned());
    }
    if let Some(mark) = arrow.look.marks.first() {
        let colour = style::colour(*mark);
        attributes.push(format!("color=\"{colour}\", fontcolor=\"{colour}\""));
    }
    attributes.extend(style::label(arrow).map(|label| format!("label={}", quoted(&label))));
    let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
    format!("  {from} -> {to}{attributes};\n")
}

/// Quotes a string. Backslashes are escaped, because they begin escapes such as `\N`.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>())
}
