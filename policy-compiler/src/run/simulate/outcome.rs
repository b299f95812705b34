//! The result of a request.

use context_mesh_core::{
    context::Context,
    pipeline::{HeaderEdit, Plan, Problem},
};

/// The result of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The response in place of the service's, if the request is denied.
    pub refusal: Option<Refusal>,
    /// The forwarded context: to the application, or with the call. Empty for a denied request.
    pub context: Context,
    /// The changes of headers: the new value, or `None` for a removed header.
    pub edits: Vec<(String, Option<Vec<u8>>)>,
    /// The resulting headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Rules that applied, in the order of the artifact.
    pub rules: Vec<String>,
    /// Audit rules that applied.
    pub audited: Vec<String>,
    /// Shadow rules that would have applied.
    pub shadow: Vec<String>,
    /// Fields that rules removed.
    pub redacted: Vec<String>,
    /// Fields whose values rules masked, and that none removed.
    pub masked: Vec<String>,
    /// The rule whose effect each of these fields shows.
    pub by: Vec<(String, String)>,
    /// Fields that rules set.
    pub set: Vec<String>,
    /// Fields that were not sent because the region is not in their `residency`.
    pub kept_in_region: Vec<String>,
    /// Rules that ended with a CEL error, and the error.
    pub errors: Vec<(String, &'static str)>,
    /// Problems with what was received, as `subject: error`.
    pub problems: Vec<String>,
}

/// The response in place of the service's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The cause: a rule, the allow rules of a layer, or a setting of the mesh.
    pub rule: String,
    /// HTTP status.
    pub status: u16,
    /// gRPC status.
    pub grpc_status: u8,
    /// The text.
    pub message: String,
}

impl Outcome {
    pub(super) fn new(plan: &Plan<'_>, sent: &[(String, String)], onward: Context) -> Self {
        let report = &plan.report;
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let refusal = plan.refusal.as_ref().map(|refusal| Refusal {
            rule: refusal.cause.as_str().to_owned(),
            status: refusal.reply.status,
            grpc_status: refusal.reply.grpc_status,
            message: refusal.reply.message.clone(),
        });
        let mut headers: Vec<_> = sent.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        plan.edits.iter().for_each(|edit| apply(edit, &mut headers));
        Self {
            context: if refusal.is_some() { Context::new() } else { onward },
            refusal,
            edits: plan.edits.iter().map(change).collect(),
            headers,
            rules: owned(&report.rules),
            audited: owned(&report.audited),
            shadow: owned(&report.shadow),
            redacted: owned(&report.redacted),
            masked: owned(&report.masked),
            by: report.by.iter().map(|(field, rule)| ((*field).to_owned(), (*rule).to_owned())).collect(),
            set: owned(&report.set),
            kept_in_region: owned(&report.kept_in_region),
            errors: report.errors.iter().map(|Problem { subject, error }| (subject.clone(), *error)).collect(),
            problems: report.problems.iter().map(|of| format!("{}: {}", of.subject, of.error)).collect(),
        }
    }

    /// Returns the resulting value of a request header. Repeated headers are joined by a comma.
    pub fn header(&self, name: &str) -> Option<String> {
        let values = self.headers.iter().filter(|(of, _)| of == name).map(|(_, value)| String::from_utf8_lossy(value));
        let values: Vec<_> = values.collect();
        (!values.is_empty()).then(|| values.join(","))
    }
}

fn change(edit: &HeaderEdit<'_>) -> (String, Option<Vec<u8>>) {
    match edit {
        HeaderEdit::Set(name, value) => ((*name).to_owned(), Some(value.clone())),
        HeaderEdit::Remove(name) => (name.clone().into_owned(), None),
    }
}

fn apply(edit: &HeaderEdit<'_>, headers: &mut Vec<(String, Vec<u8>)>) {
    let (name, value) = change(edit);
    headers.retain(|(of, _)| *of != name);
    headers.extend(value.map(|value| (name, value)));
}
