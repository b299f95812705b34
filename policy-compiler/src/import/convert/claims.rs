//! Claims of verified tokens.
//!
//! RBAC compares strings, and the strings of a list. So a claim is declared with the type `json`, and a variable makes a
//! list of whatever it is: a claim of another type, or none at all, matches nothing and is no error.

use std::collections::BTreeMap;

use super::condition::{Condition, literal};
use super::pattern::Pattern;

/// Where Istio's RequestAuthentication puts the payload of a token: dynamic metadata of this filter, under this key.
pub(super) const PAYLOAD: [&str; 2] = ["envoy.filters.http.jwt_authn", "payload"];

/// The claims that conditions read: the path of each, by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    by_name: BTreeMap<String, Vec<String>>,
}

impl Claims {
    /// Returns the claims, sorted by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.by_name.iter().map(|(name, path)| (name.as_str(), path.as_slice()))
    }

    /// Returns the name of a claim, which is new for a path that is.
    fn name(&mut self, path: &[String]) -> String {
        if let Some((name, _)) = self.by_name.iter().find(|(_, known)| known.as_slice() == path) {
            return name.clone();
        }
        let name =
            super::names::unique(&super::names::identifier(&path.join("_")), |name| self.by_name.contains_key(name));
        self.by_name.insert(name.clone(), path.to_vec());
        name
    }
}

/// A variable of a document: its name and expression.
pub(super) type Variable = (String, String);

/// Returns the condition that a claim, or an element of it, is one of the values, and the variable that it reads.
pub(super) fn one_of<'v>(
    path: &[String],
    values: impl Iterator<Item = &'v str>,
    claims: &mut Claims,
) -> (Condition, Variable) {
    let claim = claims.name(path);
    let variable = format!("claim_{claim}");
    let expression =
        format!("has(claims.{claim}) ? (type(claims.{claim}) == list ? claims.{claim} : [claims.{claim}]) : []");
    let list = format!("variables.{variable}");
    let (mut exact, mut tests) = (Vec::new(), Vec::new());
    for value in values {
        let test = match Pattern::new(value) {
            Pattern::Exact(text) => {
                exact.push(literal(&text));
                continue;
            }
            Pattern::Present => "c.matches('^.+$')".to_owned(),
            Pattern::Prefix(text) => format!("c.startsWith({})", literal(&text)),
            Pattern::Suffix(text) => format!("c.endsWith({})", literal(&text)),
        };
        tests.push(Condition::Call(format!("{list}.exists(c, type(c) == string && {test})")));
    }
    let exact = match exact.as_slice() {
        [] => Condition::Always(false),
        [value] => Condition::Call(format!("{list}.exists(c, c == {value})")),
        values => Condition::Call(format!("{list}.exists(c, c in [{}])", values.join(", "))),
    };
    (Condition::any(std::iter::once(exact).chain(tests)), (variable, expression))
}

/// Returns the condition that the issuer and the subject of the token are one of `ISSUER/SUBJECT`, and the variables
/// that it reads.
pub(super) fn principals<'v>(values: impl Iterator<Item = &'v str>, claims: &mut Claims) -> (Condition, Vec<Variable>) {
    let [iss, sub] = ["iss", "sub"].map(|path| claims.name(&[path.to_owned()]));
    let tests = values.map(|value| {
        let (issuer, subject) = principal(value);
        Condition::all([half("token_issuer", &iss, &issuer), half("token_subject", &sub, &subject)])
    });
    let tests = Condition::any(tests.collect::<Vec<_>>());
    let text =
        |claim: &str| format!("has(claims.{claim}) && type(claims.{claim}) == string ? string(claims.{claim}) : ''");
    (tests, vec![("token_issuer".to_owned(), text(&iss)), ("token_subject".to_owned(), text(&sub))])
}

/// Returns what a principal of a token asks of the issuer and of the subject.
pub(super) fn principal(value: &str) -> (Pattern, Pattern) {
    use Pattern::{Exact, Prefix, Present, Suffix};
    let (issuer, subject) = match value.rsplit_once('/') {
        Some((issuer, subject)) => (issuer, Some(subject)),
        None => (value, None),
    };
    match (value, subject) {
        ("*", _) => (Present, Present),
        (value, Some(subject)) if value.starts_with('*') => {
            let issuer = match issuer.strip_prefix('*') {
                Some("") | None => Present,
                Some(end) => Suffix(end.to_owned()),
            };
            (issuer, Exact(subject.to_owned()))
        }
        (value, None) if value.starts_with('*') => {
            (Present, Suffix(value.strip_prefix('*').unwrap_or(value).to_owned()))
        }
        (_, Some("*")) => (Exact(issuer.to_owned()), Present),
        (value, Some(subject)) if value.ends_with('*') => {
            (Exact(issuer.to_owned()), Prefix(subject.strip_suffix('*').unwrap_or(subject).to_owned()))
        }
        (value, None) if value.ends_with('*') => (Prefix(value.strip_suffix('*').unwrap_or(value).to_owned()), Present),
        (_, subject) => (Exact(issuer.to_owned()), Exact(subject.unwrap_or_default().to_owned())),
    }
}

fn half(variable: &str, claim: &str, pattern: &Pattern) -> Condition {
    let name = format!("variables.{variable}");
    match pattern {
        // The variable is also empty if the claim is absent.
        Pattern::Exact(text) if text.is_empty() => {
            let empty = Condition::equals(&format!("claims.{claim}"), vec![literal("")]);
            Condition::all([Condition::Call(format!("has(claims.{claim})")), empty])
        }
        Pattern::Exact(text) => Condition::equals(&name, vec![literal(text)]),
        Pattern::Present => Condition::Call(format!("{name}.matches('^.+$')")),
        Pattern::Prefix(text) => Condition::Call(format!("{name}.startsWith({})", literal(text))),
        Pattern::Suffix(text) => Condition::Call(format!("{name}.endsWith({})", literal(text))),
    }
}

/// Reads the path of `request.auth.claims[a][b]`, from the bracket on. Brackets within a name are kept only if the
/// whole is one name.
///
/// # Errors
/// The text is not in brackets.
pub(super) fn path(brackets: &str) -> Result<Vec<String>, String> {
    let whole = brackets.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let whole = whole.filter(|name| !name.is_empty());
    let whole = whole.ok_or_else(|| "a claim is written as `request.auth.claims[NAME]`".to_owned())?;
    let mut parts = Vec::new();
    for part in whole.split("][") {
        if part.is_empty() || part.contains(['[', ']']) {
            return Ok(vec![whole.to_owned()]);
        }
        parts.push(part.to_owned());
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::Pattern::{Exact, Prefix, Present, Suffix};
    use super::*;

    #[test]
    fn a_principal_is_an_issuer_and_a_subject() {
        let text = str::to_owned;
        for (value, expected) in [
            ("*", (Present, Present)),
            ("https://a/b", (Exact(text("https://a")), Exact(text("b")))),
            ("https://a/*", (Exact(text("https://a")), Present)),
            ("https://a/b*", (Exact(text("https://a")), Prefix(text("b")))),
            ("*/b", (Present, Exact(text("b")))),
            ("*.org/b", (Suffix(text(".org")), Exact(text("b")))),
            ("*b", (Present, Suffix(text("b")))),
            ("a*", (Prefix(text("a")), Present)),
            ("a", (Exact(text("a")), Exact(text("")))),
        ] {
            assert_eq!(principal(value), expected, "{value}");
        }
    }

    #[test]
    fn a_path_of_claims_is_in_brackets() {
        let of = |text: &str| path(text).ok();
        assert_eq!(of("[groups]"), Some(vec!["groups".to_owned()]));
        assert_eq!(of("[realm_access][roles]"), Some(vec!["realm_access".to_owned(), "roles".to_owned()]));
        assert_eq!(of("[https://a/b]"), Some(vec!["https://a/b".to_owned()]));
        assert_eq!(of("[a]b]"), Some(vec!["a]b".to_owned()]));
        assert_eq!(of("[]"), None);
        assert_eq!(of("groups"), None);
    }
}
