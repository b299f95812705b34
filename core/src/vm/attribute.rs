//! Reads attributes: each at most once per decision, and only when a condition needs it.

use super::env::Env;
use super::error::EvalErrorKind;
use super::metadata::{self, Leaf, Malformed};
use super::pairs;
use super::snapshot::Snapshot;
use super::value::{Timestamp, Value};
use crate::context::json::{self, JsonKind};
use crate::destination::Destination;
use crate::headers::{Headers, Single};
use crate::limits::{MAX_CLAIM_BYTES, MAX_STRINGS_BYTES};
use crate::tables::{Attribute, DestinationPart, FieldType, HostType, MeshPart, PeerPart, RequestPart};

/// Reads an attribute. An attribute without a value results in the error `no-value` (a header: `no-such-key`).
pub(super) fn read<'a>(attribute: &'a Attribute, snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Value<'a> {
    match attribute {
        Attribute::Field(name, field_type) => field(snapshot.context.get(name), *field_type, env),
        Attribute::Header(name) => header(snapshot.headers, name, EvalErrorKind::NoSuchKey, env),
        Attribute::Headers => Value::Headers(snapshot.headers),
        Attribute::Request(part) => request(*part, snapshot, env),
        Attribute::Peer(part) => Value::String(peer(*part, snapshot)),
        Attribute::Mesh(part) => Value::String(mesh(*part, snapshot)),
        Attribute::Destination(part) => destination(*part, snapshot.destination, env),
        Attribute::Host(path, host_type) => host(path, *host_type, snapshot, env),
        Attribute::Claim(path, field_type) => claim(path, *field_type, snapshot, env),
        Attribute::HeaderValues(name) => header_values(snapshot.headers, name, env),
        Attribute::QueryParameters => match request(RequestPart::Query, snapshot, env) {
            Value::String(query) => pairs::of_query(query, env),
            other => other,
        },
        Attribute::Cookies => cookies(snapshot.headers, env),
        Attribute::HeaderLines(name) => header_lines(snapshot.headers, name, env),
    }
}

fn field<'a>(text: Option<&'a str>, field_type: FieldType, env: &mut Env<'a>) -> Value<'a> {
    let Some(text) = text else {
        return Value::error(EvalErrorKind::NoValue);
    };
    match (field_type, json::kind(text)) {
        (FieldType::One(scalar), _) => Value::json(text, scalar, env),
        (FieldType::List(scalar), JsonKind::Array) | (FieldType::Map(scalar), JsonKind::Object) => {
            Value::Json(text, scalar)
        }
        _ => Value::error(EvalErrorKind::NoSuchOverload),
    }
}

/// Returns a header without surrounding white space, which is not part of the value in HTTP. A repeated header is an
/// error: Go and Java read the first, PHP the last, Envoy and WSGI all of them joined, so no value is certain to be the
/// one that the application sees.
pub(super) fn header<'a>(headers: &'a Headers<'a>, name: &str, missing: EvalErrorKind, env: &Env<'a>) -> Value<'a> {
    match headers.single(map_name(name)) {
        Single::Absent => Value::error(missing),
        Single::Value(value) => header_text(value, env),
        Single::Repeated => Value::error(EvalErrorKind::Repeated),
    }
}

/// Returns a header's value as text, without surrounding white space.
fn header_text<'a>(value: &'a [u8], env: &Env<'a>) -> Value<'a> {
    let value = trim(value);
    if value.len() > env.header_bytes { Value::error(EvalErrorKind::TooLong) } else { text(value) }
}

/// Returns all values of a header. A value that is not text, or too long, makes the whole result an error, because it
/// is unknown how an application reads it.
fn header_values<'a>(headers: &'a Headers<'a>, name: &str, env: &mut Env<'a>) -> Value<'a> {
    let mut values = bumpalo::collections::Vec::new_in(env.arena);
    for value in headers.all(map_name(name)) {
        match header_text(value, env) {
            Value::Error(error) => return Value::Error(error),
            value => values.push(value),
        }
        if let Err(kind) = env.reserve(size_of::<Value<'_>>()) {
            return Value::error(kind);
        }
    }
    Value::List(values.into_bump_slice())
}

/// Returns the values of a header as lines: as they were sent, with white space, and with a line break in front of and
/// behind each. An absent header is empty.
fn header_lines<'a>(headers: &'a Headers<'a>, name: &str, env: &mut Env<'a>) -> Value<'a> {
    let mut lines = Vec::new();
    for value in headers.all(map_name(name)) {
        if value.contains(&b'\n') {
            return Value::error(EvalErrorKind::NotText);
        }
        if lines.is_empty() {
            lines.push(b'\n');
        }
        lines.extend_from_slice(value);
        lines.push(b'\n');
        // The line breaks are no part of a value.
        if lines.len().saturating_sub(2) > env.header_bytes {
            return Value::error(EvalErrorKind::TooLong);
        }
    }
    match env.burn_text(lines.len()) {
        Ok(()) => kept_text(&lines, env),
        Err(kind) => Value::error(kind),
    }
}

/// Returns the cookies of the request.
fn cookies<'a>(headers: &'a Headers<'a>, env: &mut Env<'a>) -> Value<'a> {
    if headers.all("cookie").any(|header| header.len() > env.header_bytes) {
        return Value::error(EvalErrorKind::TooLong);
    }
    pairs::of_cookies(headers.all("cookie"), env)
}

/// Returns the name under which the proxy lists a header: `host` in HTTP/1.1 is `:authority` in HTTP/2.
pub(super) fn map_name(name: &str) -> &str {
    if name == "host" { ":authority" } else { name }
}

/// Returns a value without the surrounding white space of HTTP.
fn trim(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last.saturating_add(1));
    value.get(start..end).unwrap_or_default()
}

/// Keeps a text that was made for this decision.
fn kept_text<'a>(bytes: &[u8], env: &mut Env<'a>) -> Value<'a> {
    match core::str::from_utf8(bytes) {
        Ok(text) => env.text(text).unwrap_or_else(Value::error),
        Err(_) => Value::error(EvalErrorKind::NotText),
    }
}

fn text(bytes: &[u8]) -> Value<'_> {
    core::str::from_utf8(bytes).map_or(Value::error(EvalErrorKind::NotText), Value::String)
}

fn request<'a>(part: RequestPart, snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Value<'a> {
    let get = |name: &str, env: &Env<'a>| header(snapshot.headers, name, EvalErrorKind::NoValue, env);
    match part {
        RequestPart::Path => get(":path", env),
        RequestPart::UrlPath => split_path(get(":path", env)).0,
        RequestPart::Query => split_path(get(":path", env)).1,
        RequestPart::Host => get(":authority", env),
        RequestPart::Method => get(":method", env),
        RequestPart::Scheme => get(":scheme", env),
        RequestPart::Referer => get("referer", env),
        RequestPart::UserAgent => get("user-agent", env),
        RequestPart::Id => get("x-request-id", env),
        RequestPart::Hostname => {
            let host = get(":authority", env);
            hostname(host, env)
        }
    }
}

/// Returns the metadata of the proxy, which is read once per decision. Returns `None` if the proxy only provides single
/// values.
fn all_metadata<'a>(snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Result<Option<&'a [u8]>, EvalErrorKind> {
    let all = match env.metadata {
        Some(all) => all,
        None => {
            let bytes = snapshot.attributes.attribute(&["metadata"]);
            let all = match bytes.map(|bytes| env.bytes(&bytes)).transpose()? {
                Some(Value::Bytes(kept)) => Some(kept),
                _ => None,
            };
            env.metadata = Some(all);
            all
        }
    };
    if let Some(all) = all {
        env.burn_text(all.len())?;
    }
    Ok(all)
}

/// Returns a claim: a value of metadata with a declared type. A value of another type is the error `no-such-overload`.
fn claim<'a>(path: &[String], field_type: FieldType, snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Value<'a> {
    let all = match all_metadata(snapshot, env) {
        Ok(Some(all)) => all,
        Ok(None) => return Value::error(EvalErrorKind::NoValue),
        Err(kind) => return Value::error(kind),
    };
    match metadata::json(all, path) {
        Ok(Some(json)) if json.len() > MAX_CLAIM_BYTES => Value::error(EvalErrorKind::BadAttribute),
        Ok(Some(json)) => match env.text(&json) {
            Ok(Value::String(text)) => field(Some(text), field_type, env),
            Ok(_) => Value::error(EvalErrorKind::BadAttribute),
            Err(kind) => Value::error(kind),
        },
        Ok(None) => Value::error(EvalErrorKind::NoValue),
        Err(Malformed) => Value::error(EvalErrorKind::BadAttribute),
    }
}

/// Returns a value of metadata as text: a string, a number, `true` or `false`, but not a list or an object. Returns
/// `None` if the host only provides single values.
fn metadata<'a>(path: &[String], snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Option<Value<'a>> {
    let all = match all_metadata(snapshot, env) {
        Ok(all) => all?,
        Err(kind) => return Some(Value::error(kind)),
    };
    let bad = EvalErrorKind::BadAttribute;
    Some(match metadata::find(all, path) {
        Ok(None) => Value::error(EvalErrorKind::NoValue),
        Ok(Some(Leaf::Text(bytes))) => text(bytes),
        Ok(Some(Leaf::Bool(value))) => Value::String(if value { "true" } else { "false" }),
        Ok(Some(Leaf::Number(number))) => match metadata::number_text(number) {
            Some(text) => env.text(&text).unwrap_or_else(Value::error),
            None => Value::error(bad),
        },
        Ok(Some(Leaf::Compound)) | Err(Malformed) => Value::error(bad),
    })
}

/// Returns the strings of a value of metadata as lines; see [`metadata::strings`].
fn metadata_strings<'a>(path: &[String], snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Value<'a> {
    let all = match all_metadata(snapshot, env) {
        Ok(all) => all.unwrap_or_default(),
        Err(kind) => return Value::error(kind),
    };
    match metadata::strings(all, path) {
        Ok(lines) if lines.len() > MAX_STRINGS_BYTES => Value::error(EvalErrorKind::TooLong),
        Ok(lines) => env.text(&lines).unwrap_or_else(Value::error),
        Err(Malformed) => Value::error(EvalErrorKind::BadAttribute),
    }
}

/// Returns a host as a name: in lower case, without the port and the final dot. An invalid port is the error
/// `bad-attribute`.
fn hostname<'a>(host: Value<'a>, env: &mut Env<'a>) -> Value<'a> {
    let Value::String(host) = host else { return host };
    // The colons of an IPv6 address are in brackets.
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            if name.contains(':') && !name.starts_with('[') || port.parse::<u16>().is_err() || port.starts_with('+') {
                return Value::error(EvalErrorKind::BadAttribute);
            }
            name
        }
        _ => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        env.text(&name.to_ascii_lowercase()).unwrap_or_else(Value::error)
    } else {
        Value::String(name)
    }
}

/// Returns the path up to the `?`, and the text after it (empty without one).
fn split_path(path: Value<'_>) -> (Value<'_>, Value<'_>) {
    match path {
        Value::String(path) => {
            let (path, query) = path.split_once('?').unwrap_or((path, ""));
            (Value::String(path), Value::String(query))
        }
        other => (other, other),
    }
}

fn peer<'a>(part: PeerPart, snapshot: &Snapshot<'a>) -> &'a str {
    let peer = snapshot.peer;
    match part {
        PeerPart::Principal => &peer.principal,
        PeerPart::Service => &peer.service,
        PeerPart::Domain => &peer.domain,
        PeerPart::Region => &peer.region,
        PeerPart::Namespace => &peer.namespace,
        PeerPart::ServiceAccount => &peer.account,
    }
}

fn mesh<'a>(part: MeshPart, snapshot: &Snapshot<'a>) -> &'a str {
    match part {
        MeshPart::Service => snapshot.mesh.service,
        MeshPart::Domain => snapshot.mesh.domain,
        MeshPart::Region => snapshot.mesh.region,
        MeshPart::Direction => snapshot.mesh.direction,
    }
}

fn destination<'a>(part: DestinationPart, destination: Destination<'a>, env: &mut Env<'a>) -> Value<'a> {
    match part {
        DestinationPart::Service => Value::String(destination.service),
        DestinationPart::Domain => Value::String(destination.domain),
        DestinationPart::Region => Value::String(destination.region),
        DestinationPart::Frameworks => {
            let names: Vec<Value<'a>> = destination.frameworks.iter().map(|name| Value::String(name)).collect();
            env.list(&names).unwrap_or_else(Value::error)
        }
    }
}

/// Returns the address of `ADDRESS:PORT`, the format in which the proxy writes a peer. Returns `None` for anything
/// else, such as the path of a socket.
fn address(text: &[u8]) -> Option<core::net::IpAddr> {
    let socket: core::net::SocketAddr = core::str::from_utf8(text).ok()?.parse().ok()?;
    // A listener for both IP versions sees an IPv4 client as `::ffff:10.0.0.1`.
    Some(socket.ip().to_canonical())
}

fn host<'a>(path: &'a [String], host_type: HostType, snapshot: &Snapshot<'a>, env: &mut Env<'a>) -> Value<'a> {
    if let [group, kind, path @ ..] = path
        && group == "metadata"
        && kind == "filter_metadata"
        && let Some(value) = metadata(path, snapshot, env)
    {
        return value;
    }
    if let [group, kind, path @ ..] = path
        && group == "metadata"
        && kind == "strings"
    {
        return metadata_strings(path, snapshot, env);
    }
    let bytes = match path {
        // Nearly all attributes. No list is allocated for them.
        [group, name] => snapshot.attributes.attribute(&[group, name]),
        _ => snapshot.attributes.attribute(&path.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    let Some(bytes) = bytes else {
        return Value::error(EvalErrorKind::NoValue);
    };
    let integer = || bytes.as_slice().try_into().map(i64::from_le_bytes);
    let bad = Value::error(EvalErrorKind::BadAttribute);
    match host_type {
        // The host does not provide types for metadata and filter state, so a bool or a number must not pass for text.
        HostType::String if bytes.iter().any(u8::is_ascii_control) => bad,
        HostType::String => kept_text(&bytes, env),
        HostType::Ip => match address(&bytes) {
            Some(address) => kept_text(address.to_string().as_bytes(), env),
            None => bad,
        },
        HostType::Int => integer().map_or(bad, Value::Int),
        HostType::Timestamp => integer().map_or(bad, |nanos| Value::Timestamp(Timestamp::from_nanos(nanos))),
        HostType::Bool => match bytes.as_slice() {
            [0] => Value::Bool(false),
            [1] => Value::Bool(true),
            _ => bad,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_host_is_read_as_a_name() {
        let arena = bumpalo::Bump::new();
        let mut env = Env::new(&arena, &[]);
        for (host, expected) in [
            ("shop.example", Some("shop.example")),
            ("Shop.EXAMPLE", Some("shop.example")),
            ("shop.example:8080", Some("shop.example")),
            ("Shop.example.:443", Some("shop.example")),
            ("shop.example.", Some("shop.example")),
            ("10.0.0.1:80", Some("10.0.0.1")),
            ("[2001:DB8::1]:80", Some("[2001:db8::1]")),
            ("[2001:db8::1]", Some("[2001:db8::1]")),
            ("", Some("")),
            ("shop.example:", None),
            ("shop.example:http", None),
            ("shop.example:+80", None),
            ("shop.example:99999", None),
            ("a:b:80", None),
        ] {
            let found = match hostname(Value::String(host), &mut env) {
                Value::String(name) => Some(name),
                _ => None,
            };
            assert_eq!(found, expected, "{host}");
        }
    }

    #[test]
    fn the_address_of_a_peer_is_read_without_its_port() {
        for (text, expected) in [
            ("10.0.0.1:80", Some("10.0.0.1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[::ffff:10.0.0.1]:80", Some("10.0.0.1")),
            ("10.0.0.1", None),
            ("2001:db8::1", None),
            ("/run/app.sock", None),
            ("envoy_internal_address:80", None),
            ("10.0.0.1:99999", None),
            ("", None),
        ] {
            assert_eq!(address(text.as_bytes()).map(|found| found.to_string()).as_deref(), expected, "{text}");
        }
        assert_eq!(address(b"\xff:80"), None);
    }
}
