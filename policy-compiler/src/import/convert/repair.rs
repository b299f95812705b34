//! Findings of the compiler about a converted tree: what the policies do not need is left out or silenced.
//!
//! Policies may say things twice, or deny what others allow. The compiler warns of it, and a new tree should have no
//! warnings. Nothing here changes a decision.

use super::condition::Condition;
use super::document::{Document, Effect};
use crate::report::diagnostic::{Diagnostic, Severity, code};

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repaired {
    /// It stays.
    No,
    /// Its rule says that it is meant.
    Silenced,
    /// The rules are others now.
    Changed,
}

/// What the text of a document is for its findings.
pub(super) struct Written<'w> {
    /// Its text.
    pub(super) text: &'w str,
    /// Its rules by name, as places in the text.
    pub(super) document: &'w mut Document,
    /// Whether the rules cannot be made cheaper.
    pub(super) is_last: bool,
}

impl Written<'_> {
    /// Changes the document so that a finding is gone, if that is possible.
    pub(super) fn repair(&mut self, finding: &Diagnostic) -> Repaired {
        if finding.code == code::NOBODY_ALLOWED {
            self.document.leave_out("all that it allows is denied", |rule| rule.enforces(Effect::Allow));
            self.document.close("it lets nothing through");
            return Repaired::Changed;
        }
        let Some(index) = finding.span.and_then(|span| self.rule_at(span.range().start)) else { return Repaired::No };
        let may_silence = self.document.domain.is_some();
        let last_allow = self.document.rules.iter().filter(|rule| rule.enforces(Effect::Allow)).count() == 1;
        let Some(rule) = self.document.rules.get_mut(index) else { return Repaired::No };
        if finding.severity == Severity::Error {
            return Repaired::No;
        }
        let (reason, left_out) = match finding.code {
            code::ALWAYS_MATCHES => {
                rule.when = Condition::Always(true);
                return Repaired::Changed;
            }
            code::NEVER_MATCHES => ("the values contradict each other", "no request matches its values"),
            code::COVERED_DENY => ("another policy denies the same", "another policy denies the same"),
            code::POINTLESS_ALLOW => {
                ("another policy denies all that it allows", "another policy denies all that it allows")
            }
            code::DECISION_COST if self.is_last && may_silence => {
                let reason = "a request that would need more is denied, and ordinary ones need little";
                rule.silence.push((finding.code, reason.to_owned()));
                return Repaired::Silenced;
            }
            _ => return Repaired::No,
        };
        if may_silence && !rule.silence.iter().any(|(known, _)| *known == finding.code) {
            rule.silence.push((finding.code, format!("in the AuthorizationPolicy too, {reason}")));
            return Repaired::Silenced;
        }
        // An allow rule that is the last one keeps the workload closed.
        if rule.enforces(Effect::Allow) && last_allow {
            return Repaired::No;
        }
        rule.left_out = Some(left_out.to_owned());
        Repaired::Changed
    }

    /// Returns the rule that contains a place of the text.
    fn rule_at(&self, offset: usize) -> Option<usize> {
        let start = self.text.find("\n  rules:\n")?;
        // The place may be within the name itself.
        let end = self.text.get(offset..)?.find('\n').map_or(self.text.len(), |more| offset + more);
        let mut names = self.text.get(start..end)?.lines().filter_map(|line| line.strip_prefix("    - name: "));
        let name = names.next_back()?.trim_matches('"');
        self.document.rules.iter().position(|rule| rule.name == name && rule.left_out.is_none())
    }
}
