//! The graph as text.

use std::collections::BTreeMap;

use super::{
    Call, Fate, Field, Graph, Passage,
    fold::{Statement, fold},
    words::{self, terms},
};
use crate::report::style::Paint;

/// Line width, in characters.
const WIDTH: usize = 110;

/// Formats domains with their services, then statements about calls, then the fate of each field.
pub fn text(graph: &Graph, paint: Paint) -> String {
    let mut out = format!("{} {}\n", paint.strong("mesh"), graph.mesh);
    domains(graph, paint, &mut out);
    calls(graph, paint, &mut out);
    fields(graph, paint, &mut out);
    out
}

fn domains(graph: &Graph, paint: Paint, out: &mut String) {
    out.push_str(&format!("\n{}\n", paint.strong("domains")));
    for domain in &graph.domains {
        let about: Vec<&str> =
            std::iter::once(domain.region.as_str()).chain(domain.frameworks.iter().map(String::as_str)).collect();
        let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
        let about = if about.is_empty() { String::new() } else { format!("  {}", paint.faint(about.join(", "))) };
        out.push_str(&format!("  {}{about}\n", domain.name));
        let names = domain.services.iter().filter_map(|service| graph.services.get(*service));
        let names: Vec<String> = names
            .map(|service| if service.gateway { format!("{} (gateway)", service.name) } else { service.name.clone() })
            .collect();
        wrap("    ", &names, out);
    }
}

fn calls(graph: &Graph, paint: Paint, out: &mut String) {
    let count = |wanted: fn(&Passage) -> bool| graph.calls.iter().filter(|call| wanted(&call.passage)).count();
    let head = format!(
        "\n{}: {} always pass, {} on a condition, {} never\n",
        paint.strong("calls"),
        count(|passage| matches!(passage, Passage::Always)),
        count(|passage| matches!(passage, Passage::OnCondition(_))),
        count(|passage| matches!(passage, Passage::Never(_))),
    );
    out.push_str(&head);
    if !graph.everywhere.is_empty() {
        out.push_str("  every call that is not denied depends on these rules, calls to gateways aside; they are not repeated below\n");
        wrap("    ", &graph.everywhere, out);
    }
    let keyed = graph.calls.iter().map(|call| {
        let own = graph.own_rules(call);
        let kind = match &call.passage {
            Passage::Never(_) => 2,
            _ if own.is_empty() => 0,
            _ => 1,
        };
        (call.from, call.to, (kind, own))
    });
    let mut last = None;
    for statement in fold(keyed) {
        if last.as_ref() != Some(&statement.holds) {
            let (kind, rules) = &statement.holds;
            let by = words::rules(rules);
            let head = match kind {
                0 => paint.good("may call"),
                1 => format!("{} {by}", paint.warn("may call, depending on")),
                _ => format!("{} {by}", paint.bad("may not call, by")),
            };
            out.push_str(&format!("  {head}\n"));
        }
        pairs(graph, "    ", &statement, out);
        last = Some(statement.holds);
    }
}

/// Formats the pairs of a statement: `callers -> called services`, on one line if it fits.
fn pairs<K>(graph: &Graph, indent: &str, statement: &Statement<K>, out: &mut String) {
    let [from, to] = [&statement.from, &statement.to].map(|set| terms(graph, set));
    let line = format!("{indent}{} -> {}\n", from.join(", "), to.join(", "));
    if line.chars().count() <= WIDTH {
        out.push_str(&line);
        return;
    }
    wrap(indent, &from, out);
    let mut called = to;
    if let Some(first) = called.first_mut() {
        first.insert_str(0, "-> ");
    }
    wrap(&format!("{indent}  "), &called, out);
}

fn fields(graph: &Graph, paint: Paint, out: &mut String) {
    let passing: Vec<&Call> = graph.calls.iter().filter(|call| call.may_pass()).collect();
    out.push_str(&format!("\n{}: what happens to them on {} calls\n", paint.strong("fields"), passing.len()));
    for (number, field) in graph.fields.iter().enumerate() {
        out.push_str(&format!("  {}  {}\n", field.name, paint.faint(about(field))));
        let mut groups: BTreeMap<(Fate, &[String]), Vec<&Call>> = BTreeMap::new();
        for call in &passing {
            let limit = call.limits.iter().find(|limit| limit.field == number);
            let key = limit.map_or((Fate::Passes, &[][..]), |limit| (limit.fate, limit.rules.as_slice()));
            groups.entry(key).or_default().push(call);
        }
        for ((fate, rules), calls) in groups {
            let name = match fate {
                Fate::Passes => paint.good(fate.name()),
                Fate::SometimesMasked | Fate::SometimesRedacted => paint.warn(fate.name()),
                Fate::Masked | Fate::Redacted | Fate::Kept => paint.bad(fate.name()),
            };
            let by = if rules.is_empty() { String::new() } else { format!(" by {}", words::rules(rules)) };
            if calls.len() == passing.len() {
                out.push_str(&format!("    {name} on all calls{by}\n"));
                continue;
            }
            out.push_str(&format!("    {name} on {} of {} calls{by}\n", calls.len(), passing.len()));
            // A field passes on all other calls. These are only listed if one field is selected.
            if fate != Fate::Passes || graph.selection.field.is_some() {
                for statement in fold(calls.iter().map(|call| (call.from, call.to, ()))) {
                    pairs(graph, "      ", &statement, out);
                }
            }
        }
    }
}

fn about(field: &Field) -> String {
    let residency = match field.residency.as_slice() {
        [] => String::new(),
        regions => format!(", only in {}", regions.join(", ")),
    };
    format!("{}, owned by {}{residency}", field.classification.name(), field.owner)
}

/// Formats names with commas, broken into lines.
fn wrap(indent: &str, names: &[String], out: &mut String) {
    let mut line = String::new();
    for (number, name) in names.iter().enumerate() {
        let comma = if number + 1 < names.len() { "," } else { "" };
        if !line.is_empty() && indent.len() + line.chars().count() + name.chars().count() + 2 > WIDTH {
            out.push_str(&format!("{indent}{line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(name);
        line.push_str(comma);
    }
    if !line.is_empty() {
        out.push_str(&format!("{indent}{line}\n"));
    }
}
