//! Lists of values, and what Istio accepts in them.

use std::net::IpAddr;

use crate::{
    import::istio::Values,
    read::{
        document::{Decoder, Keys},
        foreign::scalar,
        yaml::{Node, Value},
    },
    report::{
        diagnostic::{Diagnostic, code},
        source::{Span, Spanned},
    },
};

/// Most service accounts of one list.
const MAX_ACCOUNTS: usize = 16;

/// Longest name of a service account with its namespace, in bytes.
const MAX_ACCOUNT_BYTES: usize = 320;

/// Reports what Istio rejects.
pub(super) fn rejected(decoder: &mut Decoder<'_>, span: Span, message: impl Into<String>, help: &str) {
    decoder.report(Diagnostic::error(code::NOT_OF_ISTIO, span, message).help(help));
}

/// Returns a text. Numbers and bools count as they are written, so a port needs no quotes.
pub(super) fn text(node: &Node, decoder: &mut Decoder<'_>) -> Option<Spanned<String>> {
    let found = scalar(node);
    match &found {
        None => decoder.wrong_kind(node, "a string"),
        Some(text) if text.value.is_empty() => {
            let help = "leave it out; `*` matches any value that is there";
            rejected(decoder, text.span, "an empty value matches nothing", help);
        }
        Some(_) => {}
    }
    found.filter(|text| !text.value.is_empty())
}

/// Returns the values of a key, which may be missing, but not empty: Istio reads an empty list as no condition.
pub(super) fn list(keys: &mut Keys<'_>, key: &'static str, decoder: &mut Decoder<'_>) -> Values {
    let Some(node) = keys.get(key) else { return Values::new() };
    if matches!(&node.value, Value::Sequence(nodes) if nodes.is_empty()) {
        let help = format!("leave `{key}` out, or list its values: Istio reads an empty list as if it were not there");
        rejected(decoder, node.span, format!("`{key}` is an empty list"), &help);
    }
    decoder.list(node).iter().filter_map(|node| text(node, decoder)).collect()
}

/// Checks addresses and networks.
pub(super) fn check_addresses(values: &Values, decoder: &mut Decoder<'_>) {
    for value in values.iter().filter(|value| !is_network(&value.value)) {
        let message = format!("`{}` is neither an address nor a network", value.value);
        rejected(decoder, value.span, message, "write it as `10.1.2.3` or `10.1.0.0/16`");
    }
}

/// Checks ports.
pub(super) fn check_ports(values: &Values, decoder: &mut Decoder<'_>) {
    for value in values.iter().filter(|value| !is_number(&value.value) || value.value.parse::<u16>().is_err()) {
        let message = format!("`{}` is no port", value.value);
        rejected(decoder, value.span, message, "a port is a number from 0 to 65535, and has no name and no wildcard");
    }
}

/// Checks service accounts: `NAME`, or `NAMESPACE/NAME`.
pub(super) fn check_accounts(values: &Values, decoder: &mut Decoder<'_>) {
    if let Some(beyond) = values.get(MAX_ACCOUNTS) {
        let message = format!("the list has more than {MAX_ACCOUNTS} service accounts");
        rejected(decoder, beyond.span, message, "write the others into a source of its own");
    }
    for value in values {
        let parts: Vec<&str> = value.value.split('/').collect();
        let formed = parts.len() <= 2 && parts.iter().all(|part| !part.is_empty());
        if !formed || value.value.contains('*') || value.value.len() > MAX_ACCOUNT_BYTES {
            let message = format!("`{}` is no service account", value.value);
            rejected(decoder, value.span, message, "write `NAMESPACE/NAME` or `NAME`, without wildcards");
        }
    }
}

/// Checks paths: `{*}` and `{**}` are whole segments, and `{**}` is the last of them.
pub(super) fn check_paths(values: &Values, decoder: &mut Decoder<'_>) {
    for value in values {
        if let Err(message) = path(&value.value) {
            rejected(
                decoder,
                value.span,
                format!("the path `{}` {message}", value.value),
                "templates are `{*}` (one \
                     segment) and `{**}` (any number of them, after every `{*}`)",
            );
        }
    }
}

fn path(path: &str) -> Result<(), &'static str> {
    let is_template = path.contains("{*}") || path.contains("{**}");
    let mut any = false;
    for segment in path.trim_matches('/').split('/') {
        match segment {
            "{*}" | "{**}" if any => return Err("has a template after `{**}`"),
            "{*}" => {}
            "{**}" => any = true,
            _ if segment.contains(['{', '}']) => return Err("has a template that Istio does not have"),
            _ if is_template && !is_literal(segment) => {
                return Err("has, besides templates, a segment that is empty or has a wildcard or other characters \
                            that paths do not have");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a segment has only the characters of RFC 3986.
fn is_literal(segment: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~%!$&'()+,;:@=".contains(c);
    !segment.is_empty() && segment.chars().all(allowed)
}

/// Whether a text is an address, or a network as `ADDRESS/BITS`.
fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| {
        is_number(bits) && (bits == "0" || !bits.starts_with('0')) && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_those_of_istio() {
        let cases = [
            ("10.1.2.3", true),
            ("10.1.0.0/16", true),
            ("10.1.2.3/0", true),
            ("2001:db8::/32", true),
            ("::1", true),
            ("10.1.0.0/33", false),
            ("10.1.0.0/08", false),
            ("10.1.0.0/+8", false),
            ("10.1.0.0/", false),
            ("10.1.0/16", false),
            ("010.1.2.3", false),
            ("fe80::1%eth0", false),
            ("*", false),
            ("10.1.*", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_network(text), expected, "{text}");
        }
    }

    #[test]
    fn templates_of_paths_are_those_of_istio() {
        let cases = [
            ("/exact", true),
            ("/prefix/*", true),
            ("*/suffix", true),
            ("*", true),
            ("/a/{*}", true),
            ("/{**}/b", true),
            ("/{*}/x/{**}", true),
            ("/{**}/{*}", false),
            ("/{**}/x/{**}", false),
            ("/{name}", false),
            ("/a{*}", false),
            ("/{*}/*", false),
            ("/{*}//x", false),
            ("/{*}/ä", false),
            ("/a}", false),
        ];
        for (text, expected) in cases {
            assert_eq!(path(text).is_ok(), expected, "{text}");
        }
    }
}
