//! Rules that are older than they were meant to be. They apply nevertheless: a date must not change a decision.

use jiff::civil::Date;

use super::model::Model;
use crate::report::diagnostic::{Diagnostic, Diagnostics, code};

/// Warns of the rules whose last day is before `today`.
pub(crate) fn report(model: &Model, today: Date, diagnostics: &mut Diagnostics) {
    for rule in model.policies.iter().flat_map(|policy| &policy.rules) {
        let Some(expires) = rule.about.expires.filter(|expires| expires.value < today) else { continue };
        let message = format!("the rule `{}` was meant until {}, and still applies", rule.name, expires.value);
        let problem = Diagnostic::warning(code::EXPIRED, expires.span, message);
        let problem = match &rule.about.owner {
            Some(owner) => problem.note(format!("its owner is {owner}")),
            None => problem,
        };
        diagnostics.push(problem.help("remove the rule, or write a later day in `expires`"));
    }
}
