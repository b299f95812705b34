//! Istio's texts with `*` as Envoy's matchers.

use serde_json::{Value, json};

/// Returns a `StringMatcher` for a text: `*` is any text that is not empty, `*x` ends with `x`, `x*` begins with `x`.
pub fn string(text: &str) -> Value {
    prefixed(text, "")
}

/// Returns a `StringMatcher` like [`string`] for values that begin with `prefix`. `*` asks for no prefix.
pub fn prefixed(text: &str, prefix: &str) -> Value {
    if text == "*" {
        regex(".+")
    } else if let Some(suffix) = text.strip_prefix('*') {
        // The text stands in the regular expression as it is.
        if prefix.is_empty() { json!({"suffix": suffix}) } else { regex(&format!("{prefix}.*{suffix}")) }
    } else if let Some(start) = text.strip_suffix('*') {
        json!({"prefix": format!("{prefix}{start}")})
    } else {
        json!({"exact": format!("{prefix}{text}")})
    }
}

/// Returns a `StringMatcher` for a regular expression that matches the whole value.
pub fn regex(regex: &str) -> Value {
    json!({"safeRegex": {"regex": regex}})
}

/// Returns a `HeaderMatcher`. `*` asks for the header, whatever its value.
pub fn header(name: &str, text: &str) -> Value {
    match text {
        "*" => json!({"name": name, "presentMatch": true}),
        _ => json!({"name": name, "stringMatch": string(text)}),
    }
}

/// Returns a `HeaderMatcher` that ignores case.
pub fn host(name: &str, text: &str) -> Value {
    let mut found = header(name, text);
    if let Some(matcher) = found.get_mut("stringMatch") {
        matcher["ignoreCase"] = true.into();
    }
    found
}

/// Returns a `HeaderMatcher` for one of the values that commas separate in a header.
pub fn inline_header(name: &str, text: &str) -> Value {
    let one = match (text.strip_prefix('*'), text.strip_suffix('*')) {
        _ if text == "*" => return header(name, text),
        (Some(suffix), _) => format!(".*{}", quote(suffix)),
        (None, Some(prefix)) => format!("{}.*", quote(prefix)),
        (None, None) => quote(text),
    };
    json!({"name": name, "safeRegexMatch": {"regex": format!("^{one}$|^{one},.*|.*,{one},.*|.*,{one}$")}})
}

/// Returns a regular expression for exactly this text, with the characters escaped that Go's `QuoteMeta` escapes.
fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// Returns a `ValueMatcher` for one of these texts.
pub fn one_of(texts: &[String]) -> Value {
    let value = |text: &String| json!({"stringMatch": string(text)});
    or(texts.iter().map(value).collect())
}

/// Returns a `ValueMatcher` for one of these.
pub fn or(mut matchers: Vec<Value>) -> Value {
    if matchers.len() == 1 { matchers.remove(0) } else { json!({"orMatch": {"valueMatchers": matchers}}) }
}

/// Returns a `MetadataMatcher`.
pub fn metadata(filter: &str, path: &[&str], value: &Value) -> Value {
    let path: Vec<_> = path.iter().map(|key| json!({"key": key})).collect();
    json!({"filter": filter, "path": path, "value": value})
}

/// Returns a `MetadataMatcher` for a claim of the verified token that has the value, or is a list that contains it.
pub fn claim(claims: &[&str], value: &Value) -> Value {
    let either = or(vec![json!({"listMatch": {"oneOf": value}}), value.clone()]);
    jwt(claims, &either)
}

/// Returns a `MetadataMatcher` for a claim of the verified token.
pub fn jwt(claims: &[&str], value: &Value) -> Value {
    metadata("envoy.filters.http.jwt_authn", &[&["payload"], claims].concat(), value)
}

/// Returns a `CidrRange`, or `None` for a text that is neither an address nor a range.
pub fn cidr(text: &str) -> Option<Value> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: std::net::IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Some(most), |bits| bits.parse().ok().filter(|bits| *bits <= most))?;
    Some(json!({"addressPrefix": address.to_string(), "prefixLen": bits}))
}

/// Returns the `UriTemplateMatchConfig` for a path with `{*}` or `{**}`, or `None` for any other path.
pub fn template(path: &str) -> Option<Value> {
    let is_template = path.contains("{*}") || path.contains("{**}");
    is_template.then(|| {
        json!({
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
            "pathTemplate": path.replace("{*}", "*").replace("{**}", "**"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_presence_suffix_and_prefix() {
        let cases = [
            ("a", json!({"exact": "a"})),
            ("a*", json!({"prefix": "a"})),
            ("*a", json!({"suffix": "a"})),
            ("*a*", json!({"suffix": "a*"})),
            ("*", json!({"safeRegex": {"regex": ".+"}})),
        ];
        for (text, expected) in cases {
            assert_eq!(string(text), expected, "{text}");
        }
        assert_eq!(prefixed("*.b", "spiffe://"), json!({"safeRegex": {"regex": "spiffe://.*.b"}}));
        assert_eq!(prefixed("a*", "spiffe://"), json!({"prefix": "spiffe://a"}));
        assert_eq!(header("x", "*"), json!({"name": "x", "presentMatch": true}));
        assert_eq!(host(":authority", "A.*")["stringMatch"], json!({"prefix": "A.", "ignoreCase": true}));
    }

    #[test]
    fn a_value_of_an_inline_header_stands_between_commas() {
        let found = inline_header("x", "*a.b");
        assert_eq!(found["safeRegexMatch"]["regex"], r"^.*a\.b$|^.*a\.b,.*|.*,.*a\.b,.*|.*,.*a\.b$");
    }

    #[test]
    fn an_address_is_a_range_of_one() {
        assert_eq!(cidr("10.0.0.1"), Some(json!({"addressPrefix": "10.0.0.1", "prefixLen": 32})));
        assert_eq!(cidr("fd00::/8"), Some(json!({"addressPrefix": "fd00::", "prefixLen": 8})));
        assert_eq!((cidr("10.0.0"), cidr("10.0.0.0/33"), cidr("a/8")), (None, None, None));
    }
}
