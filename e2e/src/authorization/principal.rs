//! What a rule says about the caller, as principals of RBAC.

use serde_json::{Value, json};

use super::matcher;

/// Returns a principal for anybody.
pub fn any() -> Value {
    json!({"any": true})
}

/// Returns a principal that all of these match.
pub fn and(ids: Vec<Value>) -> Value {
    json!({"andIds": {"ids": ids}})
}

/// Returns a principal that one of these matches.
pub fn or(ids: Vec<Value>) -> Value {
    json!({"orIds": {"ids": ids}})
}

/// Returns a principal that this does not match.
pub fn not(id: &Value) -> Value {
    json!({"notId": id})
}

/// Returns the principal of a value of `source.principal`.
pub fn principal(text: &str) -> Value {
    authenticated(&matcher::prefixed(text, "spiffe://"))
}

/// Returns the principal of a value of `source.namespace`.
pub fn namespace(text: &str) -> Value {
    authenticated(&matcher::regex(&format!(".*/ns/{}/.*", text.replace('*', ".*"))))
}

/// Returns the principal of a value of `serviceAccounts`: `NAMESPACE/NAME`, or `NAME` in the namespace of the policy.
pub fn service_account(own_namespace: &str, text: &str) -> Value {
    let (namespace, account) = text.split_once('/').unwrap_or((own_namespace, text));
    authenticated(&matcher::regex(&format!("spiffe://.+/ns/{namespace}/(.+/|)sa/{account}(/.+)?")))
}

fn authenticated(name: &Value) -> Value {
    json!({"authenticated": {"principalName": name}})
}

/// Returns the principal of a value of `source.ip`: the address of the connection.
pub fn source_ip(text: &str) -> Option<Value> {
    matcher::cidr(text).map(|range| json!({"directRemoteIp": range}))
}

/// Returns the principal of a value of `remote.ip`: the client's address behind trusted hops.
pub fn remote_ip(text: &str) -> Option<Value> {
    matcher::cidr(text).map(|range| json!({"remoteIp": range}))
}

/// Returns the principal of a header.
pub fn header(matcher: &Value) -> Value {
    json!({"header": matcher})
}

/// Returns the principal of a part of the metadata.
pub fn metadata(matcher: &Value) -> Value {
    json!({"metadata": matcher})
}

/// Returns the principal of the values of `request.auth.principal`: issuer and subject of the token, with a slash
/// between.
pub fn request_principals(texts: &[String]) -> Value {
    let mut ids: Vec<Value> = texts.iter().map(|text| request_principal(text)).collect();
    if ids.len() == 1 { ids.remove(0) } else { or(ids) }
}

fn request_principal(text: &str) -> Value {
    let any = || matcher::regex(".+");
    let exact = |text: &str| json!({"exact": text});
    // The issuer may be a URL.
    let (issuer, subject) = text.rsplit_once('/').map_or((text, None), |(issuer, subject)| (issuer, Some(subject)));
    let (issuer, subject) = match (text.strip_prefix('*'), text.strip_suffix('*'), subject) {
        _ if text == "*" => (any(), any()),
        (Some(_), _, Some(subject)) if issuer == "*" => (any(), exact(subject)),
        (Some(_), _, Some(subject)) => (json!({"suffix": issuer.get(1..).unwrap_or_default()}), exact(subject)),
        (Some(end), _, None) => (any(), json!({"suffix": end})),
        (None, Some(_), Some("*")) => (exact(issuer), any()),
        (None, Some(_), Some(subject)) => {
            (exact(issuer), json!({"prefix": subject.strip_suffix('*').unwrap_or_default()}))
        }
        (None, Some(start), None) => (json!({"prefix": start}), any()),
        (None, None, subject) => (exact(issuer), exact(subject.unwrap_or_default())),
    };
    let claim = |name: &str, matcher: Value| metadata(&matcher::jwt(&[name], &json!({"stringMatch": matcher})));
    and(vec![claim("iss", issuer), claim("sub", subject)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_and_subject_are_the_parts_around_the_last_slash() {
        let (any, exact) = (|| matcher::regex(".+"), |text: &str| json!({"exact": text}));
        let cases = [
            ("*", any(), any()),
            ("a/b", exact("a"), exact("b")),
            ("https://a/b", exact("https://a"), exact("b")),
            ("a", exact("a"), exact("")),
            ("*/b", any(), exact("b")),
            ("*x/b", json!({"suffix": "x"}), exact("b")),
            ("*x/b*", json!({"suffix": "x"}), exact("b*")),
            ("*b", any(), json!({"suffix": "b"})),
            ("a/*", exact("a"), any()),
            ("a/b*", exact("a"), json!({"prefix": "b"})),
            ("a*", json!({"prefix": "a"}), any()),
        ];
        for (text, issuer, subject) in cases {
            let ids = &request_principal(text)["andIds"]["ids"];
            let found = [0, 1].map(|at| ids[at]["metadata"]["value"]["stringMatch"].clone());
            assert_eq!(found, [issuer, subject], "{text}");
        }
    }
}
