//! Callers by their certificates: principals, namespaces and service accounts.
//!
//! Istio compares the whole SPIFFE ID, some of it by regular expressions into which it puts the values as they are. The
//! conditions here use the same expressions on the ID, never the name of a service.

use super::condition::{Condition, literal};
use super::pattern::{Pattern, one_of};
use super::trust_domain;
use crate::import::istio::MeshConfig;

/// The SPIFFE ID of the client certificate; empty without one.
const SUBJECT: &str = "peer.principal";

const SCHEME: &str = "spiffe://";

/// Returns the condition that one of the principals is the caller.
///
/// # Errors
/// A value that means something else than it seems to, and why.
pub(super) fn principals<'v>(values: impl Iterator<Item = &'v str>, mesh: &MeshConfig) -> Result<Condition, String> {
    let (mut exact, mut others) = (Vec::new(), Vec::new());
    for value in values.flat_map(|value| trust_domain::expand(value, mesh)) {
        match Pattern::new(&value) {
            Pattern::Present => others.push(Condition::Call("connection.mtls".to_owned())),
            Pattern::Suffix(end) => others.push(matches(&format!("^{SCHEME}.*{}$", fragment(&end, &value)?))),
            // Nobody has a certificate of a foreign trust domain, unless the proxies accept it.
            Pattern::Exact(id) if !is_own(&id, mesh) => others.push(matches(&format!("^{SCHEME}{}$", quoted(&id)))),
            Pattern::Exact(id) => exact.push(Pattern::Exact(format!("{SCHEME}{id}"))),
            Pattern::Prefix(begin) => exact.push(Pattern::Prefix(format!("{SCHEME}{begin}"))),
        }
    }
    let plain = one_of(SUBJECT, &exact, &Condition::Always(false));
    Ok(Condition::any(std::iter::once(plain).chain(others)))
}

/// Returns the condition that the caller runs in one of the namespaces. `*` stands for any text within a name.
///
/// # Errors
/// A value that no namespace can have.
pub(super) fn namespaces<'v>(values: impl Iterator<Item = &'v str>) -> Result<Condition, String> {
    let (mut names, mut parts) = (Vec::new(), Vec::new());
    for value in values {
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !value.chars().all(|c| name(c) || c == '*') {
            return Err(format!("`{value}` is not the name of a namespace"));
        }
        if value.contains('*') {
            parts.push(matches(&format!("/ns/{}/", value.replace('*', ".*"))));
        } else if !names.contains(&value) {
            names.push(value);
        }
    }
    let plain = match names.as_slice() {
        [] => Condition::Always(false),
        [name] => Condition::Call(format!("{SUBJECT}.contains({})", literal(&format!("/ns/{name}/")))),
        names => matches(&format!("/ns/({})/", names.join("|"))),
    };
    Ok(Condition::any(std::iter::once(plain).chain(parts)))
}

/// Returns the condition that the caller has one of the service accounts: `NAMESPACE/NAME`, or `NAME` in the namespace
/// of the policy.
///
/// # Errors
/// A value that no account can have.
pub(super) fn accounts<'v>(values: impl Iterator<Item = &'v str>, own: &str) -> Result<Condition, String> {
    let account = |value: &str| {
        let (namespace, name) = account_of(value, own);
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if [namespace, name].iter().any(|part| part.is_empty() || !part.chars().all(allowed)) {
            return Err(format!("`{value}` is not a service account"));
        }
        // The dot of a name is not escaped by Istio, so it is any character.
        Ok(matches(&format!("^{SCHEME}.+/ns/{namespace}/(.+/|)sa/{name}(/.+)?$")))
    };
    Ok(Condition::any(values.map(account).collect::<Result<Vec<_>, _>>()?))
}

/// Returns the namespace and the name of a service account.
pub(super) fn account_of<'v>(value: &'v str, own: &'v str) -> (&'v str, &'v str) {
    value.split_once('/').unwrap_or((own, value))
}

fn matches(regex: &str) -> Condition {
    Condition::Call(format!("{SUBJECT}.matches({})", literal(regex)))
}

fn is_own(id: &str, mesh: &MeshConfig) -> bool {
    let domain = id.split_once('/').map(|(domain, _)| domain);
    domain.is_some_and(|domain| *domain == mesh.trust_domain || mesh.trust_domain_aliases.iter().any(|a| a == domain))
}

/// Returns the end of a principal, which is part of a regular expression for Istio.
fn fragment(end: &str, value: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_-.:@~%".contains(c);
    if end.chars().all(allowed) {
        return Ok(end.to_owned());
    }
    Err(format!(
        "Istio reads the end of `*...` in `{value}` as a regular expression; write letters, digits, `/`, `-`, `_` and `.`"
    ))
}

/// Returns a text as a regular expression that matches only itself.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_punctuation() && !"/_-:@~%".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_compared_by_their_ids() {
        let mesh = MeshConfig { trust_domain_aliases: vec!["old".to_owned()], ..MeshConfig::default() };
        let of = |values: &[&'static str]| principals(values.iter().copied(), &mesh).map(|found| found.text());
        for (values, expected) in [
            (&["*"][..], "connection.mtls"),
            (
                &["cluster.local/ns/a/sa/b"],
                "peer.principal in ['spiffe://cluster.local/ns/a/sa/b', 'spiffe://old/ns/a/sa/b']",
            ),
            (&["cluster.local/ns/a/*"], "peer.principal.startsWith('spiffe://cluster.local/ns/a/')"),
            (&["*/ns/a/sa/b"], "peer.principal.matches('^spiffe://.*/ns/a/sa/b$')"),
            (&["other.org/ns/a/sa/b"], r"peer.principal.matches('^spiffe://other\\.org/ns/a/sa/b$')"),
        ] {
            assert_eq!(of(values).as_deref(), Ok(expected));
        }
        assert!(of(&["*/ns/(a|b)/sa/c"]).is_err());
        let of = |values: &[&'static str]| namespaces(values.iter().copied()).map(|found| found.text());
        assert_eq!(of(&["a"]).as_deref(), Ok("peer.principal.contains('/ns/a/')"));
        assert_eq!(of(&["a", "b", "a"]).as_deref(), Ok("peer.principal.matches('/ns/(a|b)/')"));
        assert_eq!(
            of(&["a", "team-*"]).as_deref(),
            Ok("peer.principal.contains('/ns/a/') || peer.principal.matches('/ns/team-.*/')")
        );
        assert!(of(&["A"]).is_err());
        let of = |values: &[&'static str]| accounts(values.iter().copied(), "own").map(|found| found.text());
        assert_eq!(
            of(&["other/web"]).as_deref(),
            Ok("peer.principal.matches('^spiffe://.+/ns/other/(.+/|)sa/web(/.+)?$')")
        );
        assert_eq!(of(&["web"]).as_deref(), Ok("peer.principal.matches('^spiffe://.+/ns/own/(.+/|)sa/web(/.+)?$')"));
        assert!(of(&["a/b/c"]).is_err());
    }
}
