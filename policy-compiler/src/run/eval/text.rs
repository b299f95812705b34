//! An evaluation as text.

use std::fmt::Write as _;

use context_mesh_core::{
    artifact::tables::{Effect, Layer, RuleTable, Tables},
    carrier::mesh_header,
};

use super::{Evaluation, Partly, partly_text};
use crate::{
    report::style::Paint,
    run::{
        explain::{PartValue, RuleRun, Seen},
        recorded::Recorded,
        simulate::Outcome,
    },
};

/// Longest value of a header that is shown, in characters.
const MAX_VALUE: usize = 60;

/// Formats the evaluation. `explain` includes every rule that was run.
pub fn render(
    recorded: &Recorded,
    evaluation: &Evaluation<'_>,
    tables: &Tables,
    explain: bool,
    paint: Paint,
) -> String {
    let mut out = head(recorded, paint);
    for note in &recorded.notes {
        let _ = writeln!(out, "  {}", paint.faint(format!("note: {note}")));
    }
    match &evaluation.partly {
        None => {
            decision(&mut out, recorded, &evaluation.outcome, paint);
            let _ = writeln!(out, "  {}", evaluation.why);
            effects(&mut out, &evaluation.outcome, paint);
        }
        Some(partly) => partly_text::decision(&mut out, recorded, partly, tables, paint),
    }
    if explain {
        rules(&mut out, evaluation, tables, paint);
    }
    out
}

/// Formats the request with its workload and peer.
fn head(recorded: &Recorded, paint: Paint) -> String {
    let request = &recorded.request;
    let mut line = format!("{} {}", request.workload, request.role.as_str());
    let _ = write!(line, "  {}", request.line());
    if let Some(principal) = &request.principal {
        let _ = write!(line, "  from {principal}");
    }
    if let Some(destination) = &request.destination {
        let _ = write!(line, "  to {destination}");
    }
    format!("{}  {}\n", paint.strong(&line), paint.faint(&recorded.name))
}

fn decision(out: &mut String, recorded: &Recorded, outcome: &Outcome, paint: Paint) {
    let text = match &outcome.refusal {
        None => paint.good("goes on"),
        Some(refusal) => {
            let text = format!("refused by {} with {}: {}", refusal.rule, refusal.status, refusal.message);
            paint.bad(&text)
        }
    };
    let _ = writeln!(out, "  {text}");
    let refused_by = outcome.refusal.as_ref().map(|refusal| &refusal.rule);
    if let Some(earlier) = recorded.earlier.as_ref().filter(|earlier| earlier.refused_by.as_ref() != refused_by) {
        let was = earlier.refused_by.as_ref().map_or("it went on".to_owned(), |rule| format!("{rule} refused it"));
        let _ = writeln!(out, "  {}", paint.bad(format!("when it was recorded, {was}")));
    }
}

/// Formats the effects on the context and the headers.
fn effects(out: &mut String, outcome: &Outcome, paint: Paint) {
    let by = |fields: &[String]| fields.iter().map(|field| by_rule(outcome, field)).collect::<Vec<_>>();
    let (redacted, masked) = (by(&outcome.redacted), by(&outcome.masked));
    let lists = [
        ("rules", &outcome.rules),
        ("audited", &outcome.audited),
        ("shadow", &outcome.shadow),
        ("set", &outcome.set),
        ("redacted", &redacted),
        ("masked", &masked),
        ("kept in region", &outcome.kept_in_region),
        ("problems", &outcome.problems),
    ];
    for (title, names) in lists.iter().filter(|(_, names)| !names.is_empty()) {
        let _ = writeln!(out, "  {} {}", paint.faint(format!("{title:<15}")), names.join(", "));
    }
    for (rule, error) in &outcome.errors {
        let _ = writeln!(out, "  {} {rule}: {}", paint.faint(format!("{:<15}", "error")), paint.bad(error));
    }
    if !outcome.context.is_empty() {
        let _ = writeln!(out, "\n  {}", paint.strong("context that goes on"));
        let width = outcome.context.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in outcome.context.iter() {
            let _ = writeln!(out, "    {name:<width$}  {}", short(value));
        }
    }
    if !outcome.edits.is_empty() {
        let _ = writeln!(out, "\n  {}", paint.strong("headers"));
        for (name, value) in &outcome.edits {
            let line = match value {
                // Its bytes contain nothing that is not in the context above.
                Some(value) if name == mesh_header::NAME => {
                    paint.good(format!("+ {name}: the context, in {} bytes", value.len()))
                }
                Some(value) => paint.good(format!("+ {name}: {}", short(&String::from_utf8_lossy(value)))),
                None => paint.bad(format!("- {name}")),
            };
            let _ = writeln!(out, "    {line}");
        }
    }
}

/// Returns a field with the rule whose effect it shows.
fn by_rule(outcome: &Outcome, field: &str) -> String {
    let rule = outcome.by.iter().find(|(of, _)| of == field);
    rule.map_or_else(|| field.to_owned(), |(_, rule)| format!("{field} (by {rule})"))
}

fn short(text: &str) -> String {
    if text.chars().count() <= MAX_VALUE {
        return text.to_owned();
    }
    text.chars().take(MAX_VALUE).chain(['…']).collect()
}

fn rules(out: &mut String, evaluation: &Evaluation<'_>, tables: &Tables, paint: Paint) {
    let runs = &evaluation.runs;
    let _ = writeln!(out, "\n  {}", paint.strong("rules, in the order in which they are run"));
    if runs.is_empty() {
        out.push_str("    none\n");
    }
    rule_runs(out, runs.iter(), evaluation.partly.as_ref(), tables, 4, paint);
}

/// Formats rules with the parts of their conditions and the values that they read.
pub(in crate::run) fn rule_runs<'r, 'e: 'r>(
    out: &mut String,
    runs: impl Iterator<Item = &'r RuleRun<'e>>,
    partly: Option<&Partly>,
    tables: &Tables,
    indent: usize,
    paint: Paint,
) {
    for run in runs {
        let Some(rule) = run.rule.get(&tables.rules) else { continue };
        let (verdict, applied) = match partly {
            None => (verdict(run, rule).to_owned(), run.applied),
            Some(partly) => partly_text::verdict(partly, run, rule),
        };
        let verdict = if applied { paint.strong(verdict) } else { paint.faint(verdict) };
        let name = paint.strong(&rule.name);
        let _ = writeln!(out, "{:indent$}{name}  {}  {verdict}  {}", "", effect(rule), paint.faint(&rule.place));
        let inner = indent + 2;
        match &run.condition {
            Some(condition) => part(out, condition, inner, paint),
            None => {
                let _ = writeln!(out, "{:inner$}{}", "", paint.faint("always"));
            }
        }
        for (field, value) in &run.values {
            let _ = writeln!(out, "{:inner$}{field} = {}  {}", "", value.value, paint.faint(&value.part.text));
        }
    }
}

/// Describes the layer and the effect of a rule.
pub(super) fn effect(rule: &RuleTable) -> String {
    let layer = match rule.layer {
        Layer::Enterprise => "enterprise",
        Layer::Domain => "domain",
    };
    let effect = match &rule.effect {
        Effect::Deny(_) => "deny".to_owned(),
        Effect::Allow => "allow".to_owned(),
        Effect::Require { fields, .. } => format!("require {}", fields.join(", ")),
        Effect::Redact { fields } => format!("redact {}", fields.join(", ")),
        Effect::Mask { fields, .. } => format!("mask {}", fields.join(", ")),
        Effect::Audit => "audit".to_owned(),
        Effect::Set { fields } => {
            format!("set {}", fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", "))
        }
    };
    format!("{layer} {effect}")
}

/// Describes the result of a rule.
pub(super) fn verdict(run: &RuleRun<'_>, rule: &RuleTable) -> &'static str {
    let holds = run.condition.as_ref().is_none_or(|condition| condition.value == Seen::Bool(true));
    match (run.applied, rule.shadow, run.error.is_some()) {
        (true, true, _) => "would apply (shadow)",
        (true, false, true) if matches!(rule.effect, Effect::Set { .. }) => "has no value, so nothing is set",
        (true, false, true) => "applied, because its condition failed",
        (true, false, false) => "applied",
        (false, _, true) => "did not apply, because its condition failed",
        (false, _, false) if holds && matches!(rule.effect, Effect::Require { .. }) => "fulfilled",
        (false, _, false) => "did not apply",
    }
}

/// Formats a part with its parts and what it reads.
fn part(out: &mut String, value: &PartValue<'_>, indent: usize, paint: Paint) {
    let shown = format!("{:<5}", value.value.to_string());
    let shown = match value.value {
        Seen::Bool(true) => paint.good(&shown),
        Seen::Bool(false) => paint.faint(&shown),
        Seen::Error(_) => paint.bad(&shown),
        Seen::Other(_) | Seen::Unknown => shown,
    };
    let mut line = format!("{:indent$}{shown}  {}", "", value.part.text);
    let variables = value.reads.iter().filter(|read| read.variable.is_some());
    // Do not repeat the part itself.
    let reads = value.reads.iter().filter(|read| read.read.text != value.part.text);
    let reads: Vec<String> = reads.map(|read| format!("{} = {}", read.read.text, read.value)).collect();
    if !reads.is_empty() {
        let _ = write!(line, "    {}", paint.faint(reads.join(", ")));
    }
    let _ = writeln!(out, "{line}");
    value.parts.iter().for_each(|value| part(out, value, indent + 2, paint));
    variables.filter_map(|read| read.variable.as_ref()).for_each(|value| part(out, value, indent + 2, paint));
}
