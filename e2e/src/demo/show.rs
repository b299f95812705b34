//! Writes how a request travelled, one stop after the other.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};

use context_mesh_core::artifact::tables::{Effect, RuleTable, Tables};
use serde_json::Value;

use super::check::Difference;
use super::sample::Sample;
use super::trip::{Filtered, Seen, Step, Trip};
use crate::policy::Policy;
use crate::topology::Role;
use policy_compiler::report::style::Paint;

/// Largest width of a line in characters, without its colours.
const WIDTH: usize = 110;
/// The column of the text of a stop, after the service and the stop.
const INDENT: usize = 29;

/// Returns the text about a request and everything that happened to it.
pub(super) fn request(number: usize, sample: &Sample, trip: &Trip, policy: &Policy, paint: Paint) -> String {
    let service = String::new();
    let mut page = Page { tables: &policy.tables, paint, out: String::new(), service, before: None, last: last(trip) };
    page.write(format_args!("\n{}", paint.strong(format_args!("{number:>2}. {}", sample.name))));
    for line in wrap(sample.about.split(' '), " ", WIDTH.saturating_sub(4)) {
        page.write(format_args!("    {}", paint.faint(line)));
    }
    let method = if sample.grpc { "gRPC" } else { &sample.method };
    page.write(format_args!("    {}", paint.strong(format_args!("{method} {}", sample.path))));
    for line in client_lines(sample) {
        page.write(format_args!("    {line}"));
    }
    page.write("");
    for step in &trip.steps {
        match step {
            Step::Filter(filter) => page.filter(filter, trip),
            Step::Application(seen) => page.application(seen),
        }
    }
    page.stop("client", "", format_args!("got {}", answer_text(trip)));
    page.out
}

/// Returns whether a request went as expected, with the differences if not.
pub(super) fn verdict(differences: &[Difference], paint: Paint) -> String {
    if differences.is_empty() {
        return format!("\n    {}\n", paint.good("as expected"));
    }
    let line = |difference: &Difference| format!("    {} {difference}\n", paint.bad("DIFFERENT"));
    format!("\n{}", differences.iter().map(line).collect::<String>())
}

/// Returns the last line.
pub(super) fn summary(count: usize, differing: usize, paint: Paint) -> String {
    match differing {
        0 => format!("\n{}\n", paint.good(format_args!("{count} requests, all as expected"))),
        _ => format!("\n{}\n", paint.bad(format_args!("{count} requests, {differing} not as expected"))),
    }
}

fn client_lines(sample: &Sample) -> Vec<String> {
    let pairs = |members: &serde_json::Map<String, Value>| -> Vec<String> {
        members.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect()
    };
    let token = sample.token.as_ref().and_then(Value::as_object).map(pairs);
    let mut lines = vec![match token {
        Some(claims) => format!("token: {}", claims.join(" ")),
        None => "no token".to_owned(),
    }];
    lines.extend(sample.headers.iter().map(|(name, value)| format!("{name}: {}", plain(value))));
    lines
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Returns the last application that the request reached.
fn last(trip: &Trip) -> Option<&Seen> {
    trip.steps.iter().rev().find_map(|step| match step {
        Step::Application(seen) => Some(seen),
        Step::Filter(_) => None,
    })
}

fn answer_text(trip: &Trip) -> String {
    match &trip.answer {
        None if trip.filters().any(Filtered::refused) => {
            format!("{}: the applications answer all the same, and say what their calls got", trip.status)
        }
        None => trip.status.to_string(),
        Some(answer) => {
            let grpc = answer.grpc_status.map(|status| format!(" gRPC status {status}")).unwrap_or_default();
            format!("{}{grpc}: {}", answer.status, answer.message)
        }
    }
}

/// The text about one request, while it is written.
struct Page<'p> {
    tables: &'p Tables,
    paint: Paint,
    out: String,
    /// The service whose name was last written.
    service: String,
    /// What the previous application saw.
    before: Option<&'p Seen>,
    /// What the last application saw.
    last: Option<&'p Seen>,
}

impl<'p> Page<'p> {
    fn write(&mut self, line: impl Display) {
        let _ = writeln!(self.out, "{line}");
    }

    /// Writes the first line of a stop.
    fn stop(&mut self, service: &str, stop: &str, text: impl Display) {
        let shown = if self.service == service { "" } else { service };
        let (shown, stop) =
            (self.paint.strong(format_args!("{shown:<17}")), self.paint.faint(format_args!("{stop:<6}")));
        self.write(format_args!("    {shown} {stop} {text}"));
        self.service = service.to_owned();
    }

    /// Writes another line of the stop.
    fn more(&mut self, text: impl Display) {
        self.write(format_args!("{:INDENT$}{text}", ""));
    }

    /// Writes another line: what happened, and why or by whom.
    fn event(&mut self, what: impl Display, why: impl Display) {
        let why = self.paint.faint(why);
        self.more(format_args!("{what}  {why}"));
    }

    fn filter(&mut self, filter: &Filtered, trip: &Trip) {
        let (stop, first) = match filter.role {
            Role::Gateway => ("edge", "from the client".to_owned()),
            Role::Inbound => ("in", received(filter)),
            Role::Outbound | Role::Egress | Role::Upstream => ("out", sent_by_application(filter)),
        };
        self.stop(&filter.service, stop, first);
        for (part, why) in [
            ("dropped", "what a client says is not believed"),
            ("restored", "immutable, and the application had changed it"),
            ("withheld", "redacted before, and the application sent it all the same"),
        ] {
            let fields = filter.list(part);
            if !fields.is_empty() {
                self.event(self.paint.warn(format_args!("{part} {}", fields.join(", "))), why);
            }
        }
        let recalled = filter.list("recalled");
        if !recalled.is_empty() {
            self.more(format_args!("recalled {}", recalled.join(", ")));
        }
        self.set(filter);
        self.effects(filter);
        self.problems(filter);
        if filter.refused() {
            self.refusal(filter, trip);
        }
    }

    /// Writes the fields that rules set, by policy, because a gateway has many such rules.
    fn set(&mut self, filter: &Filtered) {
        let set: BTreeSet<_> = filter.list("set").into_iter().collect();
        let mut policies: Vec<(&str, Vec<&str>)> = Vec::new();
        for rule in self.rules(filter) {
            let Effect::Set { fields } = &rule.effect else { continue };
            let policy = rule.name.rsplit_once('/').map_or(rule.name.as_str(), |(policy, _)| policy);
            let fields = fields.iter().map(|(field, _)| field.as_str()).filter(|field| set.contains(field));
            match policies.iter_mut().find(|(known, _)| *known == policy) {
                Some((_, known)) => known.extend(fields),
                None => policies.push((policy, fields.collect())),
            }
        }
        for (policy, fields) in policies.iter().filter(|(_, fields)| !fields.is_empty()) {
            self.event(self.paint.warn(format_args!("set {}", fields.join(", "))), format_args!("by {policy}"));
        }
    }

    /// Writes the other effects of rules, each with its rule. A refusal comes last.
    fn effects(&mut self, filter: &Filtered) {
        for rule in self.rules(filter) {
            match &rule.effect {
                Effect::Redact { .. } | Effect::Mask { .. } => {
                    for list in ["redacted", "masked"] {
                        let fields = filter.list(list);
                        let fields: Vec<_> =
                            fields.into_iter().filter(|of| filter.by(of) == Some(&rule.name)).collect();
                        if !fields.is_empty() {
                            self.event(self.paint.warn(format_args!("{list} {}", fields.join(", "))), by(rule));
                        }
                    }
                }
                Effect::Allow => self.event("allowed", by(rule)),
                Effect::Audit => self.event("audited", by(rule)),
                Effect::Set { .. } | Effect::Deny(_) | Effect::Require { .. } => {}
            }
        }
    }

    fn problems(&mut self, filter: &Filtered) {
        let errors = filter.list("errors");
        let without = |error: &&str| error.strip_suffix(": no-value").map(str::to_owned);
        let values: Vec<_> = errors.iter().filter_map(without).collect();
        if !values.is_empty() {
            let text = format!("no value for {}", values.join(", "));
            let lines = wrap(text.split(' '), " ", WIDTH.saturating_sub(INDENT));
            lines.iter().for_each(|line| self.more(self.paint.faint(line)));
        }
        let others = errors.into_iter().filter(|error| without(error).is_none());
        for problem in filter.list("problems").into_iter().chain(others) {
            self.more(self.paint.bad(problem));
        }
    }

    fn refusal(&mut self, filter: &Filtered, trip: &Trip) {
        let name = filter.report["rule"].as_str().unwrap_or_default();
        let rule = self.tables.rules.iter().find(|rule| rule.name == name);
        let refused = self.paint.bad(format_args!("refused with {}", plain(&filter.report["status"])));
        self.event(refused, rule.map_or_else(|| format!("by {name}"), by));
        // The answer to a client is in the last line.
        if let Some(answer) = trip.refusal(&filter.name()).filter(|_| filter.role != Role::Gateway) {
            let status = match answer.grpc_status {
                Some(grpc) => format!("gRPC status {grpc}"),
                None => answer.status.to_string(),
            };
            self.more(format_args!("its caller got {status}: {}", answer.message));
        }
    }

    /// Returns the rules that applied.
    fn rules(&self, filter: &Filtered) -> Vec<&'p RuleTable> {
        let rule = |name: &str| self.tables.rules.iter().find(|rule| rule.name == name);
        filter.list("rules").into_iter().filter_map(rule).collect()
    }

    /// Writes what an application saw: in full for the first and the last one, only the differences for the others.
    fn application(&mut self, seen: &'p Seen) {
        let mapped: BTreeSet<_> = self.tables.fields.iter().filter_map(|field| field.header.as_deref()).collect();
        let shown = |seen: &'p Seen| seen.headers.iter().filter(|(name, _)| mapped.contains(name.as_str()));
        let before = self.before.filter(|_| self.last.is_some_and(|last| last.service != seen.service));
        let is_new =
            |name: &String, value: &String| before.is_none_or(|before| before.headers.get(name) != Some(value));
        let words =
            shown(seen).filter(|(name, value)| is_new(name, value)).map(|(name, value)| format!("{name}: {value}"));
        let mut words: Vec<_> = words.collect();
        words.extend(before.map(|_| "the rest as above".to_owned()));
        words.extend(self.baggage(seen));
        if words.is_empty() {
            words.push("no context".to_owned());
        }
        let mut lines = wrap(words.iter().map(String::as_str), "   ", WIDTH.saturating_sub(INDENT)).into_iter();
        self.stop(&seen.service, "saw", lines.next().unwrap_or_default());
        lines.for_each(|line| self.more(line));
        let gone = self.before.into_iter().flat_map(shown).filter(|(name, _)| !seen.headers.contains_key(*name));
        let gone: Vec<_> = gone.map(|(name, _)| name.as_str()).collect();
        if !gone.is_empty() {
            self.more(self.paint.warn(format_args!("but no {}", gone.join(", no "))));
        }
        self.before = Some(seen);
    }

    /// Returns `baggage`, shortened: fields that are also in headers are not repeated.
    fn baggage(&self, seen: &Seen) -> Option<String> {
        let header = seen.headers.get("baggage")?;
        let key = |member: &str| member.split_once('=').map_or(member, |(key, _)| key).trim().to_owned();
        let in_header = |member: &&str| {
            let field = self.tables.fields.iter().find(|field| field.name == key(member));
            field.and_then(|field| field.header.as_ref()).is_some_and(|header| seen.headers.contains_key(header))
        };
        let (same, other): (Vec<_>, Vec<_>) = header.split(',').partition(in_header);
        let mut parts: Vec<_> = other.into_iter().map(str::to_owned).collect();
        if !same.is_empty() {
            parts.push(format!("the same {}", count(same.len())));
        }
        Some(format!("baggage: {}", parts.join(",")))
    }
}

fn by(rule: &RuleTable) -> String {
    format!("by {} ({})", rule.name, rule.place)
}

/// Returns what was received, and from whom. The peer is that of its certificate.
fn received(filter: &Filtered) -> String {
    let peer = filter.report["peer"].as_str().unwrap_or("a stranger");
    format!("from {peer} (mTLS): {}", carriers(filter).unwrap_or_else(|| "no context".to_owned()))
}

fn sent_by_application(filter: &Filtered) -> String {
    let destination = filter.destination.as_deref().unwrap_or_default();
    match carriers(filter) {
        Some(carriers) => format!("to {destination}: the application sent {carriers}"),
        None => format!("to {destination}: the application forwarded no context"),
    }
}

fn carriers(filter: &Filtered) -> Option<String> {
    let received = filter.report["received"].as_object()?;
    let carrier = |(name, fields): (&String, &Value)| {
        let fields = usize::try_from(fields.as_u64().unwrap_or_default()).unwrap_or_default();
        format!("{} in {name}", count(fields))
    };
    Some(received.iter().map(carrier).collect::<Vec<_>>().join(", "))
}

fn count(fields: usize) -> String {
    format!("{fields} field{}", if fields == 1 { "" } else { "s" })
}

/// Joins words to lines of at most `width` characters. A longer word has a separate line.
fn wrap<'w>(words: impl Iterator<Item = &'w str>, separator: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + separator.len() + word.chars().count() <= width => {
                line.push_str(separator);
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_not_wider_than_asked() {
        assert_eq!(wrap("a bb ccc dddddddd e".split(' '), " ", 6), ["a bb", "ccc", "dddddddd", "e"]);
        assert!(wrap(std::iter::empty(), " ", 6).is_empty());
    }

    #[test]
    fn the_carriers_are_named_with_their_fields() {
        let report = serde_json::json!({"received": {"x-mesh-context": 7, "headers": 1}, "peer": "a"});
        let filter = Filtered { service: "b".to_owned(), role: Role::Inbound, destination: None, report };
        assert_eq!(received(&filter), "from a (mTLS): 7 fields in x-mesh-context, 1 field in headers");
    }
}
