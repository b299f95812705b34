//! Rules of policies as conditions.
//!
//! A condition holds for exactly the requests that Envoy's RBAC filter matches, as Istio configures it. Where it can end
//! with an error, the rule then denies, and the reason is noted.

use super::claims::{self, Variable};
use super::condition::Condition;
use super::pattern::{Pattern, one_of, one_of_many};
use super::{Reason, address, header, identity, path};
use crate::import::istio;
use crate::import::istio::{MeshConfig, Operation, Rule, Source, Values};
use crate::report::source::Span;

/// Why a rule about paths is stricter.
pub(super) const PATHS: &str = "a path that servers read in several ways passes only if it is allowed in each of them";

/// Why a rule about headers is stricter.
pub(super) const HEADERS: &str = "a rule that reads a header denies a request in which it is not UTF-8";

/// Why a rule about claims is stricter.
const CLAIMS: &str =
    "a rule that reads a claim denies a request in which its strings have more than 8 KiB, or a line break";

/// Reads the rules of one policy.
pub(super) struct Reader<'r> {
    /// The settings of the mesh.
    pub(super) mesh: &'r MeshConfig,
    /// The namespace of the policy.
    pub(super) namespace: &'r str,
    /// The variables of the document.
    pub(super) variables: &'r mut Vec<Variable>,
    /// Why the policy is stricter.
    pub(super) stricter: &'r mut Vec<Reason>,
    /// Why the policy cannot be converted.
    pub(super) refused: &'r mut Vec<Reason>,
}

/// The condition of some values, or what is wrong with one of them.
type Read = Result<Condition, String>;

impl Reader<'_> {
    /// Returns the condition of a rule.
    pub(super) fn rule(&mut self, rule: &Rule) -> Condition {
        let from = rule.from.iter().map(|source| self.source(source)).collect::<Vec<_>>();
        let from = if from.is_empty() { Condition::Always(true) } else { Condition::any(from) };
        let to = rule.to.iter().map(|operation| self.operation(operation)).collect::<Vec<_>>();
        let to = if to.is_empty() { Condition::Always(true) } else { Condition::any(to) };
        let when = rule.when.iter().map(|condition| self.when(condition)).collect::<Vec<_>>();
        Condition::all([from, to].into_iter().chain(when))
    }

    fn source(&mut self, of: &Source) -> Condition {
        let (mesh, namespace) = (self.mesh, self.namespace);
        let mut parts = vec![
            self.pair(&of.principals, &of.not_principals, "callers", |values| identity::principals(values, mesh)),
            self.pair(&of.namespaces, &of.not_namespaces, "namespaces", |values| identity::namespaces(values)),
            self.pair(&of.service_accounts, &of.not_service_accounts, "accounts", |values| {
                identity::accounts(values, namespace)
            }),
        ];
        parts.push(self.token_principals(&of.request_principals, &of.not_request_principals));
        parts.push(self.pair(&of.ip_blocks, &of.not_ip_blocks, "peers", |values| {
            address::in_networks("source.direct_ip", values)
        }));
        parts.push(
            self.pair(&of.remote_ip_blocks, &of.not_remote_ip_blocks, "clients", |values| address::of_client(values)),
        );
        Condition::all(parts)
    }

    fn operation(&mut self, of: &Operation) -> Condition {
        self.note_path(of.paths.iter().chain(&of.not_paths).next().map(|value| value.span));
        Condition::all([
            self.pair(&of.hosts, &of.not_hosts, "hosts", |values| Ok(hosts(values))),
            self.pair(&of.ports, &of.not_ports, "ports", |values| address::ports(values)),
            self.pair(&of.methods, &of.not_methods, "methods", |values| {
                Ok(texts("request.method", values, &Condition::Always(true)))
            }),
            self.pair(&of.paths, &of.not_paths, "paths", |values| path::one_of_paths(values)),
        ])
    }

    fn when(&mut self, of: &istio::Condition) -> Condition {
        let (mesh, namespace) = (self.mesh, self.namespace);
        let (yes, no) = (&of.values, &of.not_values);
        match of.key.value.as_str() {
            "source.ip" => self.pair(yes, no, "peers", |v| address::in_networks("source.direct_ip", v)),
            "remote.ip" => self.pair(yes, no, "clients", |v| address::of_client(v)),
            "destination.ip" => self.pair(yes, no, "addresses", |v| address::in_networks("destination.ip", v)),
            "destination.port" => self.pair(yes, no, "ports", |v| address::ports(v)),
            "connection.sni" => self.pair(yes, no, "names", |v| {
                let name = "connection.?requested_server_name.orValue('')";
                let present = Condition::Call("has(connection.requested_server_name)".to_owned());
                Ok(texts(name, v, &present))
            }),
            "source.principal" => self.pair(yes, no, "callers", |v| identity::principals(v, mesh)),
            "source.namespace" => self.pair(yes, no, "namespaces", |v| identity::namespaces(v)),
            "source.serviceAccount" => self.pair(yes, no, "accounts", |v| identity::accounts(v, namespace)),
            "request.auth.principal" => self.token_principals(yes, no),
            "request.auth.audiences" => self.claim(&of.key, &["aud".to_owned()], yes, no),
            "request.auth.presenter" => self.claim(&of.key, &["azp".to_owned()], yes, no),
            key => {
                if let Some(brackets) = key.strip_prefix("request.headers") {
                    self.header(of, brackets, header::one_of)
                } else if let Some(brackets) = key.strip_prefix("request.experimental.inline.headers") {
                    self.header(of, brackets, header::one_of_list)
                } else if let Some(brackets) = key.strip_prefix("request.auth.claims") {
                    match claims::path(brackets) {
                        Ok(path) => self.claim(&of.key, &path, yes, no),
                        Err(why) => self.refuse(of.key.span, why),
                    }
                } else if let Some(rest) = key.strip_prefix("experimental.envoy.filters.") {
                    self.metadata(of, &format!("envoy.filters.{rest}"))
                } else {
                    self.refuse(of.key.span, format!("Istio has no condition `{key}`"))
                }
            }
        }
    }

    fn header(
        &mut self,
        of: &istio::Condition,
        brackets: &str,
        one_of: fn(&str, &mut dyn Iterator<Item = &str>) -> Condition,
    ) -> Condition {
        let name = brackets.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
        let name = name.to_ascii_lowercase();
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let bare = name.strip_prefix(':').unwrap_or(&name);
        if bare.is_empty() || !bare.chars().all(is_token) {
            return self.refuse(of.key.span, "a header is written as `request.headers[NAME]`".to_owned());
        }
        self.note(of.key.span, HEADERS);
        if name == ":path" {
            self.note_path(Some(of.key.span));
        }
        self.pair(&of.values, &of.not_values, &super::names::identifier(&name), |values| Ok(one_of(&name, values)))
    }

    fn claim(
        &mut self,
        key: &crate::report::source::Spanned<String>,
        path: &[String],
        yes: &Values,
        no: &Values,
    ) -> Condition {
        self.note(key.span, CLAIMS);
        let name = super::names::identifier(&path.join("_"));
        let lines = self.variable(path);
        self.pair(yes, no, &name, |values| Ok(claims::one_of(&lines, values)))
    }

    fn token_principals(&mut self, yes: &Values, no: &Values) -> Condition {
        if let Some(first) = yes.iter().chain(no).next() {
            self.note(first.span, CLAIMS);
        }
        if yes.is_empty() && no.is_empty() {
            return Condition::Always(true);
        }
        let [issuer, subject] = ["iss", "sub"].map(|claim| self.variable(&[claim.to_owned()]));
        self.pair(yes, no, "tokens", |values| Ok(claims::principals(&issuer, &subject, values)))
    }

    /// Declares the variable of a claim, and returns it.
    fn variable(&mut self, path: &[String]) -> String {
        let (name, expression) = claims::variable(path);
        if let Some((name, _)) = self.variables.iter().find(|(_, known)| *known == expression) {
            return format!("variables.{name}");
        }
        let name = super::names::unique(&name, |name| self.variables.iter().any(|(known, _)| known == name));
        self.variables.push((name.clone(), expression));
        format!("variables.{name}")
    }

    /// Returns the condition of `experimental.envoy.filters.NAME[KEY]`.
    fn metadata(&mut self, of: &istio::Condition, name: &str) -> Condition {
        let parts = name.strip_suffix(']').and_then(|name| name.split_once('['));
        let Some((filter, key)) = parts.filter(|(filter, key)| !filter.is_empty() && !key.is_empty()) else {
            return self
                .refuse(of.key.span, "metadata is written as `experimental.envoy.filters.NAME[KEY]`".to_owned());
        };
        self.note(
            of.key.span,
            "a rule that reads metadata denies a request in which its strings have more than 8 KiB, or a line break",
        );
        let lines = claims::lines_of(filter, key);
        self.pair(&of.values, &of.not_values, "metadata", |values| Ok(claims::metadata(&lines, values)))
    }

    /// Returns the condition that one of `yes` matches, if there are any, and none of `no`.
    fn pair(
        &mut self,
        yes: &Values,
        no: &Values,
        name: &str,
        mut read: impl FnMut(&mut dyn Iterator<Item = &str>) -> Read,
    ) -> Condition {
        let mut one = |values: &Values, refused: &mut Vec<Reason>| {
            let mut failed = false;
            for value in values {
                let empty = value.value.is_empty().then(|| "the value is empty".to_owned());
                let wrong = empty.or_else(|| read(&mut std::iter::once(value.value.as_str())).err());
                if let Some(text) = wrong {
                    failed = true;
                    push(refused, Reason { span: value.span, text });
                }
            }
            let found = read(&mut values.iter().map(|value| value.value.as_str()));
            found.ok().filter(|_| !failed).unwrap_or(Condition::Always(false)).named(name)
        };
        let mut parts = Vec::new();
        if !yes.is_empty() {
            parts.push(one(yes, self.refused));
        }
        if !no.is_empty() {
            parts.push(one(no, self.refused).not());
        }
        Condition::all(parts)
    }

    fn note_path(&mut self, span: Option<Span>) {
        if let Some(span) = span {
            self.note(span, PATHS);
        }
    }

    fn note(&mut self, span: Span, text: &str) {
        if !self.stricter.iter().any(|known| known.text == text) {
            self.stricter.push(Reason { span, text: text.to_owned() });
        }
    }

    fn refuse(&mut self, span: Span, text: String) -> Condition {
        push(self.refused, Reason { span, text });
        Condition::Always(false)
    }
}

fn push(reasons: &mut Vec<Reason>, reason: Reason) {
    if !reasons.contains(&reason) {
        reasons.push(reason);
    }
}

fn texts(subject: &str, values: &mut dyn Iterator<Item = &str>, present: &Condition) -> Condition {
    one_of(subject, &values.map(Pattern::new).collect::<Vec<_>>(), present)
}

/// Returns the condition that the host is one of these, in letters of any case. Every request that Envoy accepts has a
/// host.
fn hosts(values: &mut dyn Iterator<Item = &str>) -> Condition {
    let patterns: Vec<Pattern> = values.map(|value| Pattern::new(&value.to_ascii_lowercase())).collect();
    one_of_many("request.host.lowerAscii()", &patterns, &Condition::Always(true))
}
