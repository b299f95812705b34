//! Requests made from what a rule says: some that it should match, and some that it should not.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::claims::{self, PAYLOAD};
use super::pattern::Pattern;
use super::{address, identity, path, trust_domain};
use crate::import::istio::{AuthorizationPolicy, Condition, MeshConfig, Operation, Rule, Source, Values};

/// Most pairs of `from` and `to` that are tried for a rule.
const MAX_PAIRS: usize = 6;

/// How many of the values of each list are tried.
const TURNS: usize = 3;

/// A request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sample {
    /// The SPIFFE ID of the caller; `None` without a certificate.
    pub(super) principal: Option<String>,
    method: Option<String>,
    path: Option<String>,
    host: Option<String>,
    headers: BTreeMap<String, String>,
    attributes: BTreeMap<String, Value>,
    /// Dynamic metadata: filter, keys.
    metadata: Map<String, Value>,
}

impl Sample {
    /// Returns the request as a test describes it. `needed` are attributes that every proxy has.
    pub(super) fn request(&self, needed: &[&str]) -> Value {
        let mut request = Map::new();
        for (key, value) in [("method", &self.method), ("path", &self.path), ("host", &self.host)] {
            if let Some(value) = value {
                request.insert(key.to_owned(), json!(value));
            }
        }
        if !self.headers.is_empty() {
            request.insert("headers".to_owned(), json!(self.headers));
        }
        let mut attributes = self.attributes.clone();
        for name in needed {
            let value = if name.ends_with("port") { json!(8080) } else { json!("192.0.2.7") };
            attributes.entry((*name).to_owned()).or_insert(value);
        }
        if !attributes.is_empty() {
            request.insert("attributes".to_owned(), json!(attributes));
        }
        if !self.metadata.is_empty() {
            request.insert("metadata".to_owned(), Value::Object(self.metadata.clone()));
        }
        Value::Object(request)
    }

    fn set(&mut self, path: &[&str], value: &str) {
        let Some((last, objects)) = path.split_last() else { return };
        let mut map = &mut self.metadata;
        for name in objects {
            let entry = map.entry((*name).to_owned()).or_insert_with(|| json!({}));
            if !entry.is_object() {
                *entry = json!({});
            }
            let Value::Object(inner) = entry else { return };
            map = inner;
        }
        map.insert((*last).to_owned(), json!(value));
    }

    fn claim(&mut self, path: &[String], value: &str) {
        let path: Vec<&str> = PAYLOAD.into_iter().chain(path.iter().map(String::as_str)).collect();
        self.set(&path, value);
    }
}

/// Makes the requests of one policy.
pub(super) struct Sampler<'s> {
    pub(super) policy: &'s AuthorizationPolicy,
    pub(super) mesh: &'s MeshConfig,
}

impl Sampler<'_> {
    /// Returns requests that a rule should match, the most ordinary one first.
    pub(super) fn matching(&self, rule: &Rule) -> Vec<Sample> {
        let sources: Vec<Option<&Source>> = options(&rule.from);
        let operations: Vec<Option<&Operation>> = options(&rule.to);
        let pairs = sources.iter().flat_map(|source| operations.iter().map(move |operation| (*source, *operation)));
        let mut samples = Vec::new();
        for (source, operation) in pairs.take(MAX_PAIRS) {
            for turn in 0..TURNS {
                let mut sample = self.ordinary(turn);
                if let Some(source) = source {
                    self.source(source, turn, &mut sample);
                }
                if let Some(operation) = operation {
                    self.operation(operation, turn, &mut sample);
                }
                rule.when.iter().for_each(|condition| self.when(condition, turn, false, &mut sample));
                if !samples.contains(&sample) {
                    samples.push(sample);
                }
            }
        }
        samples
    }

    /// Returns requests that a rule should not match.
    pub(super) fn others(&self, rule: &Rule) -> Vec<Sample> {
        let mut samples: Vec<Sample> = vec![Sample::default()];
        samples.extend((1..TURNS).map(|turn| self.ordinary(turn)));
        let Some(base) = self.matching(rule).into_iter().next() else { return samples };
        for source in &rule.from {
            let negated = Source {
                principals: source.not_principals.clone(),
                namespaces: source.not_namespaces.clone(),
                service_accounts: source.not_service_accounts.clone(),
                request_principals: source.not_request_principals.clone(),
                ip_blocks: source.not_ip_blocks.clone(),
                remote_ip_blocks: source.not_remote_ip_blocks.clone(),
                ..Source::default()
            };
            let mut sample = base.clone();
            self.source(&negated, 0, &mut sample);
            samples.push(sample);
        }
        for operation in &rule.to {
            let negated = Operation {
                hosts: operation.not_hosts.clone(),
                methods: operation.not_methods.clone(),
                paths: operation.not_paths.clone(),
                ports: operation.not_ports.clone(),
                ..Operation::default()
            };
            let mut sample = base.clone();
            self.operation(&negated, 0, &mut sample);
            samples.push(sample);
        }
        for condition in &rule.when {
            let mut sample = base.clone();
            self.when(condition, 0, true, &mut sample);
            samples.push(sample);
        }
        samples
    }

    /// Returns a request that says nothing in particular, another one for each turn.
    fn ordinary(&self, turn: usize) -> Sample {
        let text = |text: &str| Some(text.to_owned());
        match turn {
            0 => Sample::default(),
            1 => Sample {
                principal: Some(format!("spiffe://{}/ns/other/sa/other", self.mesh.trust_domain)),
                method: text("POST"),
                path: text("/other"),
                host: text("other.example"),
                attributes: [("destination.port".to_owned(), json!(9090))].into(),
                ..Sample::default()
            },
            _ => Sample { method: text("PATCH"), path: text("/a/b"), host: text("a.example"), ..Sample::default() },
        }
    }

    fn source(&self, of: &Source, turn: usize, sample: &mut Sample) {
        let domain = &self.mesh.trust_domain;
        if let Some(value) = pick(&of.service_accounts, turn) {
            let (namespace, name) = identity::account_of(value, &self.policy.namespace);
            sample.principal = Some(format!("spiffe://{domain}/ns/{namespace}/sa/{name}"));
        }
        if let Some(value) = pick(&of.namespaces, turn) {
            sample.principal = Some(format!("spiffe://{domain}/ns/{}/sa/any", value.replace('*', "a")));
        }
        if let Some(value) = pick(&of.principals, turn) {
            sample.principal = Some(self.principal(value));
        }
        if let Some(value) = pick(&of.request_principals, turn) {
            token(value, sample);
        }
        for (values, attribute) in [(&of.ip_blocks, "source.direct_ip"), (&of.remote_ip_blocks, "source.ip")] {
            network(values, attribute, turn, sample);
        }
    }

    fn principal(&self, value: &str) -> String {
        let domain = &self.mesh.trust_domain;
        let value = trust_domain::expand(value, self.mesh).into_iter().next().unwrap_or_else(|| value.to_owned());
        match Pattern::new(&value) {
            Pattern::Present => format!("spiffe://{domain}/ns/default/sa/any"),
            Pattern::Suffix(end) if end.starts_with('/') => format!("spiffe://{domain}{end}"),
            pattern => format!("spiffe://{}", pattern.example("a")),
        }
    }

    fn operation(&self, of: &Operation, turn: usize, sample: &mut Sample) {
        if let Some(value) = pick(&of.hosts, turn) {
            sample.host = Some(Pattern::new(value).example("a"));
        }
        if let Some(value) = pick(&of.methods, turn) {
            sample.method = Some(Pattern::new(value).example("GET"));
        }
        if let Some(value) = pick(&of.paths, turn) {
            sample.path = Some(path::example(value));
        }
        port(&of.ports, turn, sample);
    }

    fn when(&self, of: &Condition, turn: usize, negated: bool, sample: &mut Sample) {
        let values = if negated { &of.not_values } else { &of.values };
        let Some(value) = pick(values, turn) else { return };
        let text = Pattern::new(value).example("a");
        match of.key.value.as_str() {
            "source.ip" => network(values, "source.direct_ip", turn, sample),
            "remote.ip" => network(values, "source.ip", turn, sample),
            "destination.ip" => network(values, "destination.ip", turn, sample),
            "destination.port" => port(values, turn, sample),
            "connection.sni" => {
                sample.attributes.insert("connection.requested_server_name".to_owned(), json!(text));
            }
            "source.principal" => sample.principal = Some(self.principal(value)),
            "source.namespace" => {
                self.source(&Source { namespaces: values.clone(), ..Source::default() }, turn, sample);
            }
            "source.serviceAccount" => {
                self.source(&Source { service_accounts: values.clone(), ..Source::default() }, turn, sample);
            }
            "request.auth.principal" => token(value, sample),
            "request.auth.audiences" => sample.claim(&["aud".to_owned()], &text),
            "request.auth.presenter" => sample.claim(&["azp".to_owned()], &text),
            key => {
                if let Some(name) = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']')) {
                    match name {
                        ":method" => sample.method = Some(text),
                        ":path" => sample.path = Some(text),
                        ":authority" | "host" => sample.host = Some(text),
                        _ => drop(sample.headers.insert(name.to_ascii_lowercase(), text)),
                    }
                } else if let Some(Ok(path)) = key.strip_prefix("request.auth.claims").map(claims::path) {
                    sample.claim(&path, &text);
                } else if let Some((filter, key)) =
                    key.strip_prefix("experimental.").and_then(|key| key.split_once('['))
                {
                    sample.set(&[filter, key.trim_end_matches(']')], &text);
                }
            }
        }
    }
}

/// Returns each element, or one `None` of an empty list.
fn options<T>(list: &[T]) -> Vec<Option<&T>> {
    if list.is_empty() { vec![None] } else { list.iter().map(Some).collect() }
}

/// Returns the value whose turn it is.
fn pick(values: &Values, turn: usize) -> Option<&str> {
    values.get(turn.checked_rem(values.len())?).map(|value| value.value.as_str())
}

fn network(values: &Values, attribute: &str, turn: usize, sample: &mut Sample) {
    if let Some(address) = pick(values, turn).and_then(address::example) {
        sample.attributes.insert(attribute.to_owned(), json!(address));
    }
}

fn port(values: &Values, turn: usize, sample: &mut Sample) {
    if let Some(port) = pick(values, turn).and_then(|value| value.parse::<u16>().ok()) {
        sample.attributes.insert("destination.port".to_owned(), json!(port));
    }
}

fn token(value: &str, sample: &mut Sample) {
    let (issuer, subject) = claims::principal(value);
    sample.claim(&["iss".to_owned()], &issuer.example("a"));
    sample.claim(&["sub".to_owned()], &subject.example("a"));
}
