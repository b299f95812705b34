//! Compares the result of a request with the expectations of its test.

use context_mesh_core::context::json::same;

use crate::{
    check::model::{Request, TestCase},
    read::document::{Expect, ListKind, grpc_name},
    report::source::{Span, Spanned},
    run::simulate::Outcome,
};

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The place of the expectation, or of the test for what every test expects.
    pub span: Span,
    /// Its subject, for example `status` or ``field `tenant_id` ``.
    pub subject: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl Failure {
    pub(super) fn new(
        span: Span,
        subject: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { span, subject: subject.into(), expected: expected.into(), found: found.into() }
    }
}

/// Returns everything that is not as expected.
pub(super) fn compare(case: &TestCase, outcome: &Outcome) -> Vec<Failure> {
    let (expect, test) = (&case.expect, case.span);
    let wants_denial = expect.denied.is_some_and(|denied| denied.value);
    let said = expect.denied.map_or(test, |denied| denied.span);
    let mut failures = Vec::new();
    match (&outcome.refusal, wants_denial) {
        (None, false) => onward(expect, outcome, &mut failures),
        (None, true) => failures.push(Failure::new(said, "decision", "deny", "allow")),
        (Some(refusal), false) => {
            let found = format!("deny by {} with {}: {}", refusal.rule, refusal.status, refusal.message);
            failures.push(Failure::new(said, "decision", "allow", found));
        }
        (Some(_), true) => refused(case, outcome, &mut failures),
    }
    for (kind, names) in &expect.lists {
        failures.extend(list(*kind, names, outcome));
    }
    failures
}

fn refused(case: &TestCase, outcome: &Outcome, failures: &mut Vec<Failure>) {
    let (expect, Some(refusal)) = (&case.expect, &outcome.refusal) else { return };
    let mut text = |subject: &str, expected: Option<(Span, String)>, found: String| {
        if let Some((span, expected)) = expected.filter(|(_, expected)| *expected != found) {
            failures.push(Failure::new(span, subject, expected, found));
        }
    };
    let of = |said: &Option<Spanned<String>>| said.as_ref().map(|said| (said.span, said.value.clone()));
    text("rule", of(&expect.rule), refusal.rule.clone());
    text("status", expect.status.map(|status| (status.span, status.value.to_string())), refusal.status.to_string());
    text("message", of(&expect.message), refusal.message.clone());
    let status = |status: u8| format!("{status} ({})", grpc_name(status));
    let found = match is_grpc(&case.request) {
        true => status(refusal.grpc_status),
        false => "none: the request has no `content-type: application/grpc`".to_owned(),
    };
    text("grpcStatus", expect.grpc_status.map(|said| (said.span, status(said.value))), found);
}

/// Whether the proxy answers the request as one of gRPC. As in Envoy, `application/grpc-web` is not.
fn is_grpc(request: &Request) -> bool {
    let rest = request.header("content-type").and_then(|value| value.strip_prefix("application/grpc"));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
}

/// Compares the context and the headers of an allowed request.
fn onward(expect: &Expect, outcome: &Outcome, failures: &mut Vec<Failure>) {
    for (name, value) in &expect.context {
        let (expected, found) = (value.to_string(), outcome.context.get(&name.value));
        if !found.is_some_and(|found| same(found, &expected)) {
            let subject = format!("field `{}`", name.value);
            failures.push(Failure::new(name.span, subject, expected, found.unwrap_or("not there")));
        }
    }
    for name in &expect.absent {
        if let Some(found) = outcome.context.get(&name.value) {
            failures.push(Failure::new(name.span, format!("field `{}`", name.value), "not there", found));
        }
    }
    for (name, expected) in &expect.headers {
        let found = outcome.header(&name.value);
        if found != *expected {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "not there".to_owned());
            let subject = format!("header `{}`", name.value);
            failures.push(Failure::new(name.span, subject, shown(expected.clone()), shown(found)));
        }
    }
}

/// Compares the names of a list, in any order.
fn list(kind: ListKind, expected: &Spanned<Vec<Spanned<String>>>, outcome: &Outcome) -> Option<Failure> {
    let found = match kind {
        ListKind::Rules => &outcome.rules,
        ListKind::Audited => &outcome.audited,
        ListKind::Shadow => &outcome.shadow,
        ListKind::Redacted => &outcome.redacted,
        ListKind::Masked => &outcome.masked,
    };
    let sorted = |names: Vec<&str>| {
        let mut names = names;
        names.sort_unstable();
        names.dedup();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let wanted = sorted(expected.value.iter().map(|name| name.value.as_str()).collect());
    let found = sorted(found.iter().map(String::as_str).collect());
    (wanted != found).then(|| Failure::new(expected.span, kind.key(), wanted, found))
}
