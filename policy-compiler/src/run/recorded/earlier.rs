//! The decision when a request was recorded, as the filter's report in the log says.

use std::collections::BTreeSet;

use context_mesh_core::{context::CALLER, pipeline::Role};
use serde_json::{Map, Value as Json};

/// The decision when a request was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Earlier {
    /// The cause of the denial; `None` for a request that was allowed.
    pub refused_by: Option<String>,
    /// The HTTP status of the denial, if the report holds it.
    pub status: Option<u16>,
    /// The enforced rules that applied.
    pub rules: BTreeSet<String>,
    /// The names of the fields of the request. `None` if the report does not tell them: of a denied request, nothing
    /// went on.
    fields: Option<Fields>,
}

/// The names of fields, as far as a report tells them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Fields {
    /// Fields that the rules saw.
    seen: BTreeSet<String>,
    /// Fields that are named, of which nothing follows.
    named: BTreeSet<String>,
    /// Whether a field that is not named was not there.
    complete: bool,
}

/// Whether a request had a field when its rules were run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It had a value.
    Present,
    /// It had none.
    Absent,
    /// Nothing is known.
    Unknown,
}

impl Earlier {
    /// Reads a report. Returns `None` for one without a decision.
    pub(super) fn of_report(role: Role, report: &Map<String, Json>) -> Option<Self> {
        let denied = report.get("decision")?.as_str()? == "deny";
        let rule = report.get("rule").and_then(Json::as_str).unwrap_or("a rule that the log does not name");
        let status = report.get("status").and_then(Json::as_u64).and_then(|status| u16::try_from(status).ok());
        Some(Self {
            refused_by: denied.then(|| rule.to_owned()),
            status: status.filter(|_| denied),
            rules: names(report, "rules").collect(),
            fields: (!denied).then(|| Fields::of_report(role, report)),
        })
    }

    /// Returns whether the request had the field when its rules were run.
    pub fn presence(&self, field: &str) -> Presence {
        match &self.fields {
            Some(fields) if fields.seen.contains(field) => Presence::Present,
            // `caller` is no part of what is received.
            Some(fields) if fields.complete && field != CALLER && !fields.named.contains(field) => Presence::Absent,
            _ => Presence::Unknown,
        }
    }
}

impl Fields {
    fn of_report(role: Role, report: &Map<String, Json>) -> Self {
        let set: BTreeSet<String> = names(report, "set").collect();
        let went_on = names(report, "fields").chain(names(report, "redacted")).chain(names(report, "stayed"));
        let named = ["recalled", "restored", "withheld", "masked", "kept_in_region"];
        let named = named.into_iter().flat_map(|key| names(report, key)).chain(set.iter().cloned());
        Self {
            // At a gateway, the other rules see what the set rules made.
            seen: went_on.filter(|field| role == Role::Gateway || !set.contains(field)).collect(),
            named: named.collect(),
            // A problem may be with a field that is then named nowhere else.
            complete: report.get("problems").is_none(),
        }
    }
}

fn names<'r>(report: &'r Map<String, Json>, key: &str) -> impl Iterator<Item = String> + use<'r> {
    let list = report.get(key).and_then(Json::as_array);
    list.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_which_fields_the_rules_saw() {
        use Presence::{Absent, Present, Unknown};
        let report = |more: &str| {
            let text =
                format!(r#"{{"fields": ["kept", "made", "caller"], "set": ["made"], "redacted": ["out"]{more}}}"#);
            serde_json::from_str::<Map<String, Json>>(&text).unwrap()
        };
        let went_on = report(r#", "decision": "continue", "kept_in_region": ["home"]"#);
        let trouble = report(r#", "decision": "continue", "problems": ["tenant_id: invalid"]"#);
        let denied = report(r#", "decision": "deny""#);
        let cases = [
            (Role::Inbound, &went_on, "kept", Present),
            (Role::Inbound, &went_on, "out", Present),
            (Role::Inbound, &went_on, "made", Unknown),
            (Role::Gateway, &went_on, "made", Present),
            // Inbound it is taken out before the rules, outbound after them.
            (Role::Inbound, &went_on, "home", Unknown),
            (Role::Inbound, &went_on, "tenant_id", Absent),
            (Role::Inbound, &trouble, "kept", Present),
            (Role::Inbound, &trouble, "tenant_id", Unknown),
            (Role::Inbound, &denied, "kept", Unknown),
            (Role::Inbound, &denied, "tenant_id", Unknown),
        ];
        for (role, report, field, expected) in cases {
            let earlier = Earlier::of_report(role, report).unwrap();
            assert_eq!(earlier.presence(field), expected, "{field} {role:?} {report:?}");
        }
        assert_eq!(Earlier::of_report(Role::Inbound, &report("")), None, "no decision");
    }

    #[test]
    fn a_status_is_that_of_a_denial() {
        for (text, refused_by, status) in [
            (r#"{"decision": "deny", "rule": "a/b/c", "status": 403}"#, Some("a/b/c"), Some(403)),
            (r#"{"decision": "deny", "rule": "a/b/c"}"#, Some("a/b/c"), None),
            (r#"{"decision": "deny", "status": 99999}"#, Some("a rule that the log does not name"), None),
            (r#"{"decision": "continue", "status": 403}"#, None, None),
        ] {
            let earlier = Earlier::of_report(Role::Inbound, &serde_json::from_str(text).unwrap()).unwrap();
            assert_eq!((earlier.refused_by.as_deref(), earlier.status), (refused_by, status), "{text}");
        }
    }
}
