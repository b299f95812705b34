//! What is known of a request whose values are partly missing, as text.

use std::fmt::Write as _;

use context_mesh_core::artifact::tables::{RuleTable, Tables};

use super::Partly;
use crate::{
    report::style::Paint,
    run::{
        explain::{RuleRun, Seen},
        recorded::{Earlier, Recorded},
        replay::{Applies, agrees},
        simulate::Refusal,
    },
};

/// Formats what may be decided, and the rules that apply or may apply.
pub(super) fn decision(out: &mut String, recorded: &Recorded, partly: &Partly, tables: &Tables, paint: Paint) {
    let decisions: Vec<String> = partly.possible.decisions.iter().map(|decision| words(decision.as_ref())).collect();
    let text = match partly.possible.known() {
        Some(None) => paint.good("goes on"),
        Some(Some(refusal)) => {
            paint.bad(format!("refused by {} with {}: {}", refusal.rule, refusal.status, refusal.message))
        }
        None => paint.strong(format!("unknown: {}", decisions.join(", or "))),
    };
    let _ = writeln!(out, "  {text}");
    if !partly.possible.depends.is_empty() {
        let names: Vec<&str> = partly.possible.depends.iter().map(String::as_str).collect();
        let _ = writeln!(out, "  depends on {}", names.join(", "));
    }
    if let Some(earlier) = &recorded.earlier {
        record(out, earlier, partly, paint);
    }
    for (title, known) in [("rules", true), ("may apply", false)] {
        let names = partly.names(tables, known);
        if !names.is_empty() {
            let _ = writeln!(out, "  {} {}", paint.faint(format!("{title:<15}")), names.join(", "));
        }
    }
}

/// Says what was recorded, unless it is what is known to be decided.
fn record(out: &mut String, earlier: &Earlier, partly: &Partly, paint: Paint) {
    if partly.possible.known().is_some_and(|decision| agrees(decision.as_ref(), earlier)) {
        return;
    }
    let was = match (&earlier.refused_by, earlier.status) {
        (None, _) => "it went on".to_owned(),
        (Some(rule), None) => format!("{rule} refused it"),
        (Some(rule), Some(status)) => format!("{rule} refused it with {status}"),
    };
    let text = format!("when it was recorded, {was}");
    let text = if partly.possible.can_be(earlier) { text } else { paint.bad(format!("{text}: not by these policies")) };
    let _ = writeln!(out, "  {text}");
}

fn words(decision: Option<&Refusal>) -> String {
    decision.map_or_else(
        || "it goes on".to_owned(),
        |refusal| format!("{} refuses it with {}", refusal.rule, refusal.status),
    )
}

/// Describes the result of a rule, and returns whether it certainly applies.
pub(super) fn verdict(partly: &Partly, run: &RuleRun<'_>, rule: &RuleTable) -> (String, bool) {
    match partly.applies(run.rule) {
        Some(Applies::Yes) => ("applied".to_owned(), true),
        Some(Applies::No) => ("did not apply".to_owned(), false),
        Some(Applies::Unknown(depends)) => {
            let names: Vec<&str> = depends.iter().map(String::as_str).collect();
            (format!("unknown: depends on {}", names.join(", ")), false)
        }
        // It only watches, so only its condition was looked at.
        None => match run.condition.as_ref().map(|condition| &condition.value) {
            None | Some(Seen::Bool(true)) if rule.shadow => ("would apply (shadow)".to_owned(), true),
            None | Some(Seen::Bool(true)) => ("applied".to_owned(), true),
            Some(Seen::Bool(false)) => ("did not apply".to_owned(), false),
            Some(Seen::Unknown) => ("unknown".to_owned(), false),
            Some(Seen::Error(_) | Seen::Other(_)) => ("its condition failed".to_owned(), false),
        },
    }
}
