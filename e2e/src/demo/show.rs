//! Prints how a request travelled, one stop after the other.

use std::collections::BTreeSet;

use context_mesh_core::artifact::tables::{Effect, RuleTable, Tables};
use serde_json::Value;

use super::check::Difference;
use super::paint::Paint;
use super::sample::Sample;
use super::trip::{Filtered, Seen, Step, Trip};
use crate::policy::Policy;
use crate::topology::Role;

/// How wide a line gets, without its colours.
const WIDTH: usize = 110;
/// Where the text of a stop begins: behind the service and the stop.
const INDENT: usize = 29;

/// Prints a request and everything that happened to it.
pub(super) fn request(number: usize, sample: &Sample, trip: &Trip, policy: &Policy, paint: Paint) {
    println!();
    let method = if sample.grpc { "gRPC" } else { &sample.method };
    println!("{} {}", paint.bold(format_args!("{number:>2}. {}", sample.name)), paint.dim("-".repeat(3)));
    for line in wrap(sample.about.split(' '), " ", WIDTH.saturating_sub(4)) {
        println!("    {}", paint.dim(line));
    }
    println!("    {}", paint.bold(format_args!("{method} {}", sample.path)));
    for line in client_lines(sample) {
        println!("    {line}");
    }
    println!();
    let mut printer = Printer { tables: &policy.tables, paint, service: String::new(), before: None };
    for step in &trip.steps {
        match step {
            Step::Filter(filter) => printer.filter(filter, trip),
            Step::Application(seen) => printer.application(seen),
        }
    }
    printer.line("client", "", &format!("got {}", answer_text(trip)));
}

/// Prints whether a request went as expected.
pub(super) fn verdict(differences: &[Difference], paint: Paint) {
    println!();
    if differences.is_empty() {
        println!("    {}", paint.good("as expected"));
    }
    for difference in differences {
        println!("    {} {difference}", paint.bad("DIFFERENT"));
    }
}

/// Prints the last line.
pub(super) fn summary(count: usize, differing: usize, paint: Paint) {
    println!();
    match differing {
        0 => println!("{}", paint.good(format_args!("{count} requests, all as expected"))),
        _ => println!("{}", paint.bad(format_args!("{count} requests, {differing} not as expected"))),
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

fn answer_text(trip: &Trip) -> String {
    match &trip.answer {
        None => trip.status.to_string(),
        Some(answer) => {
            let grpc = answer.grpc_status.map(|status| format!(" gRPC status {status}")).unwrap_or_default();
            format!("{}{grpc}: {}", answer.status, answer.message)
        }
    }
}

struct Printer<'p> {
    tables: &'p Tables,
    paint: Paint,
    /// The service whose name was printed last.
    service: String,
    /// What the application before saw.
    before: Option<&'p Seen>,
}

impl<'p> Printer<'p> {
    fn line(&mut self, service: &str, stop: &str, text: &str) {
        let shown = if self.service == service { "" } else { service };
        self.service = service.to_owned();
        println!(
            "    {} {} {text}",
            self.paint.bold(format_args!("{shown:<17}")),
            self.paint.dim(format_args!("{stop:<6}"))
        );
    }

    fn more(&self, text: &str) {
        println!("{:INDENT$}{text}", "");
    }

    fn filter(&mut self, filter: &Filtered, trip: &Trip) {
        let (stop, first) = match filter.role {
            Role::Gateway => ("edge", received_from_client(filter)),
            Role::Inbound => ("in", received(filter)),
            Role::Outbound => ("out", sent_by_application(filter)),
        };
        self.line(&filter.service, stop, &first);
        for (part, why) in [
            ("dropped", "a client's context is not believed"),
            ("restored", "immutable: the application had changed it"),
            ("withheld", "redacted before: the application sent it all the same"),
        ] {
            let fields = filter.list(part);
            if !fields.is_empty() {
                let what = self.paint.changed(format_args!("{part} {}", fields.join(", ")));
                self.more(&format!("{what}  {}", self.paint.dim(why)));
            }
        }
        let recalled = filter.list("recalled");
        if !recalled.is_empty() {
            self.more(&format!("recalled {}", recalled.join(", ")));
        }
        self.rules(filter);
        for part in ["problems", "errors"] {
            for problem in filter.list(part) {
                self.more(&self.paint.dim(format_args!("{}: {problem}", part.trim_end_matches('s'))));
            }
        }
        if filter.refused() {
            self.refusal(filter, trip);
        } else if filter.role != Role::Inbound {
            self.more(&format!("sent {} in x-mesh-context", count(filter.list("fields").len())));
        }
    }

    /// What the rules did: those that set fields by policy, as a gateway has many, the others one by one.
    fn rules(&self, filter: &Filtered) {
        let set: BTreeSet<_> = filter.list("set").into_iter().collect();
        let mut minted: Vec<(String, Vec<&str>)> = Vec::new();
        for rule in filter.list("rules").into_iter().filter_map(|name| self.rule(name)) {
            match &rule.effect {
                Effect::Set { fields } => {
                    let policy = rule.name.rsplit_once('/').map_or(rule.name.as_str(), |(policy, _)| policy);
                    let fields = fields.iter().map(|(field, _)| field.as_str()).filter(|field| set.contains(field));
                    match minted.iter_mut().find(|(known, _)| known == policy) {
                        Some((_, known)) => known.extend(fields),
                        None => minted.push((policy.to_owned(), fields.collect())),
                    }
                }
                Effect::Redact { fields } => {
                    let redacted: Vec<_> = fields
                        .iter()
                        .map(String::as_str)
                        .filter(|field| filter.list("redacted").contains(field))
                        .collect();
                    if !redacted.is_empty() {
                        let what = self.paint.changed(format_args!("redacted {}", redacted.join(", ")));
                        self.more(&format!("{what}  {}", self.by(rule)));
                    }
                }
                Effect::Allow => self.more(&format!("allowed  {}", self.by(rule))),
                Effect::Deny(_) | Effect::Require { .. } => {}
            }
        }
        for (policy, fields) in minted.iter().filter(|(_, fields)| !fields.is_empty()) {
            let what = self.paint.changed(format_args!("set {}", fields.join(", ")));
            self.more(&format!("{what}  {}", self.paint.dim(format_args!("by {policy}"))));
        }
    }

    fn refusal(&self, filter: &Filtered, trip: &Trip) {
        let name = filter.report["rule"].as_str().unwrap_or_default();
        let by = self.rule(name).map_or_else(|| self.paint.dim(format_args!("by {name}")), |rule| self.by(rule));
        let refused = self.paint.bad(format_args!("refused with {}", plain(&filter.report["status"])));
        self.more(&format!("{refused}  {by}"));
        if let Some(answer) = trip.refusal(&filter.name()) {
            let grpc = answer.grpc_status.map(|status| format!("gRPC status {status}: ")).unwrap_or_default();
            self.more(&format!("the caller got {grpc}{}", self.paint.bad(&answer.message)));
        }
    }

    fn rule(&self, name: &str) -> Option<&'p RuleTable> {
        self.tables.rules.iter().find(|rule| rule.name == name)
    }

    fn by(&self, rule: &RuleTable) -> String {
        self.paint.dim(format_args!("by {} ({})", rule.name, rule.place))
    }

    fn application(&mut self, seen: &'p Seen) {
        let mapped: BTreeSet<_> = self.tables.fields.iter().filter_map(|field| field.header.as_deref()).collect();
        let shown = |seen: &'p Seen| seen.headers.iter().filter(|(name, _)| mapped.contains(name.as_str()));
        let mut words: Vec<String> = shown(seen).map(|(name, value)| format!("{name}: {value}")).collect();
        words.extend(seen.baggage("caller").map(|caller| format!("baggage: caller={caller},...")));
        if words.is_empty() {
            words.push("no context".to_owned());
        }
        let mut lines = wrap(words.iter().map(String::as_str), "   ", WIDTH.saturating_sub(INDENT)).into_iter();
        self.line(&seen.service, "saw", &lines.next().unwrap_or_default());
        lines.for_each(|line| self.more(&line));
        let gone = self.before.into_iter().flat_map(shown).filter(|(name, _)| !seen.headers.contains_key(*name));
        let gone: Vec<_> = gone.map(|(name, _)| name.as_str()).collect();
        if !gone.is_empty() {
            self.more(&self.paint.changed(format_args!("no {}", gone.join(", no "))));
        }
        self.before = Some(seen);
    }
}

fn received_from_client(filter: &Filtered) -> String {
    if filter.list("dropped").is_empty() {
        "from the client: no context".to_owned()
    } else {
        "from the client".to_owned()
    }
}

/// What came in, from whom. The peer is who its certificate says.
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

/// Joins words to lines of at most `width` characters; a word that is longer has a line of its own.
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
