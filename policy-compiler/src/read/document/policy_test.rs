//! `PolicyTest`: requests and the decisions that are expected for them.

use context_mesh_core::pipeline::Role;

use super::{
    decode::{Decoder, Keys},
    fixture::{self, Choice, Fields, Fixtures, HttpRequest, Principal},
    header::{Header, Metadata},
};
use crate::{
    read::yaml::Node,
    report::{
        diagnostic::{Diagnostic, code},
        source::{Span, Spanned},
    },
};

/// A `PolicyTest` document.
#[derive(Debug, Clone)]
pub struct PolicyTest {
    /// Its head.
    pub metadata: Metadata,
    /// The default time of its tests, in milliseconds since 1970.
    pub now_ms: Option<u64>,
    /// The shared fixtures.
    pub fixtures: Fixtures,
    /// The tests.
    pub tests: Vec<Test>,
}

/// A test, or one case of its table.
#[derive(Debug, Clone)]
pub struct Test {
    /// Its name.
    pub name: Option<Spanned<String>>,
    /// Where it begins.
    pub span: Span,
    /// The request.
    pub given: Given,
    /// What is expected.
    pub expect: Option<Expect>,
    /// The table of cases. A case inherits what it does not specify from the test.
    pub cases: Vec<Test>,
}

/// A request at one place of the mesh, as far as it is specified.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The service whose proxy decides.
    pub workload: Option<Spanned<String>>,
    /// The role of its proxy; the inner `None` means that it was wrong and has been reported.
    pub role: Option<Option<Role>>,
    /// The peer.
    pub principal: Option<Spanned<Choice<Principal>>>,
    /// The request.
    pub request: Option<Choice<HttpRequest>>,
    /// The context that it carries.
    pub context: Option<Choice<Fields>>,
    /// The service that is called.
    pub destination: Option<Spanned<String>>,
    /// The context that is remembered for its trace.
    pub remembered: Option<Spanned<Choice<Fields>>>,
    /// The time, in milliseconds since 1970.
    pub now_ms: Option<u64>,
    /// The region of the proxy's locality.
    pub region: Option<Spanned<String>>,
    /// The age of the contexts, both of the carried and of the remembered one, in milliseconds.
    pub age_ms: Option<u64>,
}

/// The expectations of a decision. Those that are `None` are not checked.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// Whether the request is denied. A request that is denied unexpectedly always fails the test.
    pub denied: Option<Spanned<bool>>,
    /// The rule that denied it.
    pub rule: Option<Spanned<String>>,
    /// The HTTP status of the response.
    pub status: Option<Spanned<i64>>,
    /// The text of the response.
    pub message: Option<Spanned<String>>,
    /// Lists of names. Each must equal that of the report, in any order.
    pub lists: Vec<(ListKind, Spanned<Vec<Spanned<String>>>)>,
    /// Fields that are forwarded, with their values.
    pub context: Fields,
    /// Fields that are not forwarded.
    pub absent: Vec<Spanned<String>>,
    /// Request headers after the decision; `None` means absent.
    pub headers: Vec<(Spanned<String>, Option<String>)>,
}

/// A list of names in the report of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Rules that applied.
    Rules,
    /// Audit rules that applied.
    Audited,
    /// Shadow rules that would have applied.
    Shadow,
    /// Fields that rules removed.
    Redacted,
    /// Fields whose values rules masked.
    Masked,
}

impl ListKind {
    /// All kinds, with their keys in `expect`.
    pub const ALL: [(&'static str, Self); 5] = [
        ("rules", Self::Rules),
        ("audited", Self::Audited),
        ("shadow", Self::Shadow),
        ("redacted", Self::Redacted),
        ("masked", Self::Masked),
    ];

    /// Whether the names are those of rules. Otherwise they are those of fields.
    pub(crate) fn names_rules(self) -> bool {
        matches!(self, Self::Rules | Self::Audited | Self::Shadow)
    }

    /// Returns its key in `expect`.
    pub fn key(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(key, _)| key)
    }
}

/// The roles of a proxy, by name.
const ROLES: [(&str, Role); 4] =
    [("inbound", Role::Inbound), ("outbound", Role::Outbound), ("gateway", Role::Gateway), ("egress", Role::Egress)];

pub(super) fn read(header: Header<'_>, decoder: &mut Decoder<'_>) -> PolicyTest {
    let (metadata, fixtures) = (header.metadata, Fixtures::default());
    let mut test = PolicyTest { metadata, now_ms: None, fixtures, tests: Vec::new() };
    let span = test.metadata.span;
    let Some(mut keys) = header.spec.and_then(|node| decoder.keys(node, span, "the spec of a PolicyTest")) else {
        return test;
    };
    test.now_ms = keys.get("now").and_then(|node| decoder.time_ms(node));
    test.fixtures.principals = named(keys.get("principals"), decoder, fixture::principal);
    test.fixtures.requests = named(keys.get("requests"), decoder, fixture::request);
    test.fixtures.contexts = named(keys.get("contexts"), decoder, fixture::fields);
    if let Some(node) = keys.require("tests", decoder) {
        test.tests = decoder.list(node).iter().filter_map(|node| one(node, "a test", decoder)).collect();
    }
    keys.finish(decoder);
    test
}

fn named<T>(
    node: Option<&Node>,
    decoder: &mut Decoder<'_>,
    mut read: impl FnMut(&Node, &mut Decoder<'_>) -> Option<T>,
) -> Vec<(Spanned<String>, T)> {
    let Some(node) = node else { return Vec::new() };
    let entries = decoder.entries(node);
    entries.iter().filter_map(|(name, node)| Some((name.clone(), read(node, decoder)?))).collect()
}

/// Reads a test, or a case of one if `owner` says so.
fn one(node: &Node, owner: &'static str, decoder: &mut Decoder<'_>) -> Option<Test> {
    let mut keys = decoder.keys(node, node.span, owner)?;
    let name = keys.require("name", decoder).and_then(|node| decoder.string(node));
    if let Some(name) = &name
        && (name.value.trim().is_empty() || name.value.contains(char::is_control))
    {
        decoder.invalid(name.span, "the name of a test must be one line of text", "say what the test shows");
    }
    let span = name.as_ref().map_or(node.span, |name| name.span);
    let given = given(&mut keys, decoder);
    let cases = if owner == "a test" { keys.get("cases") } else { None };
    let cases = cases.map(|node| decoder.list(node).to_vec()).unwrap_or_default();
    let cases = cases.iter().filter_map(|node| one(node, "a case", decoder)).collect();
    let expect = keys.get("expect").map(|node| expect(node, decoder));
    keys.finish(decoder);
    Some(Test { name, span, given, expect, cases })
}

/// Reads a standalone request, for `policyc eval`.
pub(crate) fn bare_request(node: &Node, decoder: &mut Decoder<'_>) -> Option<Given> {
    let mut keys = decoder.keys(node, node.span, "the request")?;
    let given = given(&mut keys, decoder);
    keys.finish(decoder);
    Some(given)
}

fn given(keys: &mut Keys<'_>, decoder: &mut Decoder<'_>) -> Given {
    let mut text = |key| keys.get(key).and_then(|node| decoder.string(node));
    let (workload, destination, region) = (text("workload"), text("destination"), text("region"));
    let role = keys.get("role").map(|node| decoder.choice(node, &ROLES));
    let principal = keys.get("principal").and_then(|node| {
        let choice = decoder.choice_of(node, fixture::principal)?;
        Some(Spanned::new(choice, node.span))
    });
    let request = keys.get("request").and_then(|node| decoder.choice_of(node, fixture::request));
    let context = keys.get("context").and_then(|node| decoder.choice_of(node, fixture::fields));
    let remembered = keys.entry("remembered").and_then(|(key, node)| {
        let choice = decoder.choice_of(node, fixture::fields)?;
        Some(Spanned::new(choice, key.span))
    });
    let now_ms = keys.get("now").and_then(|node| decoder.time_ms(node));
    let age_ms = keys.get("age").and_then(|node| decoder.duration_ms(node));
    Given { workload, role, principal, request, context, destination, remembered, now_ms, region, age_ms }
}

fn expect(node: &Node, decoder: &mut Decoder<'_>) -> Expect {
    let mut found = Expect::default();
    let Some(mut keys) = decoder.keys(node, node.span, "expect") else { return found };
    let words = [("allow", false), ("deny", true)];
    let denied = keys.get("decision").and_then(|node| Some(Spanned::new(decoder.choice(node, &words)?, node.span)));
    found.denied = denied;
    found.rule = keys.get("rule").and_then(|node| decoder.string(node));
    found.status = keys.get("status").and_then(|node| decoder.int(node, 100..=599));
    found.message = keys.get("message").and_then(|node| decoder.string(node));
    found.context = keys.get("context").and_then(|node| fixture::fields(node, decoder)).unwrap_or_default();
    found.absent = keys.get("absent").map(|node| decoder.strings(node)).unwrap_or_default();
    found.headers = keys.get("headers").map(|node| fixture::headers(node, false, decoder)).unwrap_or_default();
    for (key, kind) in ListKind::ALL {
        if let Some((key, node)) = keys.entry(key) {
            found.lists.push((kind, Spanned::new(decoder.strings(node), key.span)));
        }
    }
    contradictions(&found, decoder);
    keys.finish(decoder);
    found
}

/// Reports expectations that no decision can fulfil.
fn contradictions(expect: &Expect, decoder: &mut Decoder<'_>) {
    let refusal = [
        expect.rule.as_ref().map(|rule| ("rule", rule.span)),
        expect.status.as_ref().map(|status| ("status", status.span)),
        expect.message.as_ref().map(|message| ("message", message.span)),
    ];
    let onward = [
        expect.context.first().map(|(name, _)| ("context", name.span)),
        expect.absent.first().map(|name| ("absent", name.span)),
        expect.headers.first().map(|(name, _)| ("headers", name.span)),
    ];
    let denied = expect.denied.is_some_and(|denied| denied.value);
    let (wrong, said, help) = if denied {
        (onward, "what goes on, and a request that is refused does not", "leave it out, or expect `decision: allow`")
    } else {
        (refusal, "how the request is refused", "add `decision: deny`")
    };
    for (key, span) in wrong.into_iter().flatten() {
        let problem = Diagnostic::error(code::TEST_CONTRADICTION, span, format!("`{key}` says {said}"));
        decoder.report(problem.help(help));
    }
}
