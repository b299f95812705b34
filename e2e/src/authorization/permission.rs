//! What a rule says about the operation, as permissions of RBAC.

use serde_json::{Value, json};

use super::matcher;

/// Returns a permission for anything.
pub fn any() -> Value {
    json!({"any": true})
}

/// Returns a permission that all of these match.
pub fn and(rules: Vec<Value>) -> Value {
    json!({"andRules": {"rules": rules}})
}

/// Returns a permission that one of these matches.
pub fn or(rules: Vec<Value>) -> Value {
    json!({"orRules": {"rules": rules}})
}

/// Returns a permission that this does not match.
pub fn not(rule: &Value) -> Value {
    json!({"notRule": rule})
}

/// Returns the permission of a host.
pub fn host(text: &str) -> Value {
    json!({"header": matcher::host(":authority", text)})
}

/// Returns the permission of a method.
pub fn method(text: &str) -> Value {
    json!({"header": matcher::header(":method", text)})
}

/// Returns the permission of a path.
pub fn path(text: &str) -> Value {
    match matcher::template(text) {
        Some(template) => json!({"uriTemplate": {"name": "uri-template", "typedConfig": template}}),
        None => json!({"urlPath": {"path": matcher::string(text)}}),
    }
}

/// Returns the permission of a port.
pub fn port(text: &str) -> Option<Value> {
    text.parse::<u16>().ok().map(|port| json!({"destinationPort": port}))
}

/// Returns the permission of a value of `destination.ip`.
pub fn destination_ip(text: &str) -> Option<Value> {
    matcher::cidr(text).map(|range| json!({"destinationIp": range}))
}

/// Returns the permission of a value of `connection.sni`.
pub fn server_name(text: &str) -> Value {
    json!({"requestedServerName": matcher::string(text)})
}

/// Returns the permission of the values of `experimental.envoy.filters.FILTER[KEY]`; a value in brackets is an element
/// of a list. `None` for a key of another form.
pub fn envoy_filter(key: &str, texts: &[String]) -> Option<Value> {
    let (filter, key) = key.strip_prefix("experimental.")?.split_once('[')?;
    let key = key.strip_suffix(']').unwrap_or(key);
    let value = |text: &String| match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(_) => json!({"listMatch": {"oneOf": {"stringMatch": matcher::string(text.trim_matches(['[', ']']))}}}),
        None => json!({"stringMatch": matcher::string(text)}),
    };
    let values = matcher::or(texts.iter().map(value).collect());
    Some(json!({"metadata": matcher::metadata(filter, &[key], &values)}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_another_matcher() {
        assert_eq!(path("/a/*"), json!({"urlPath": {"path": {"prefix": "/a/"}}}));
        assert_eq!(path("/{*}/a/{**}")["uriTemplate"]["typedConfig"]["pathTemplate"], "/*/a/**");
    }

    #[test]
    fn metadata_is_named_in_the_key() {
        let found = envoy_filter("experimental.envoy.filters.a.b[c]", &["x".to_owned(), "[y*]".to_owned()]).unwrap();
        assert_eq!(found["metadata"]["filter"], "envoy.filters.a.b");
        assert_eq!(found["metadata"]["path"], json!([{"key": "c"}]));
        let values = &found["metadata"]["value"]["orMatch"]["valueMatchers"];
        assert_eq!(values[1], json!({"listMatch": {"oneOf": {"stringMatch": {"prefix": "y"}}}}));
        assert_eq!(envoy_filter("experimental.envoy.filters.a.b", &[]), None);
    }
}
