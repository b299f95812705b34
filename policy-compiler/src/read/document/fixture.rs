//! Fixtures of tests: principals, HTTP requests and contexts, by name or inline.

use std::net::{IpAddr, SocketAddr};

use serde_json::{Map, Number, Value as Json};

use super::{decode::Decoder, metadata};
use crate::{
    expression::cel::{host_attribute, host_attributes},
    read::yaml::{Node, Scalar, Value},
    report::{
        diagnostic::{Diagnostic, code},
        near,
        source::Spanned,
    },
};
use context_mesh_core::artifact::tables::HostType;

/// The shared fixtures of a document, each under a name.
#[derive(Debug, Clone, Default)]
pub struct Fixtures {
    /// The peers of requests.
    pub principals: Vec<(Spanned<String>, Principal)>,
    /// The requests.
    pub requests: Vec<(Spanned<String>, HttpRequest)>,
    /// The contexts.
    pub contexts: Vec<(Spanned<String>, Fields)>,
}

/// The name of a fixture, or an inline one.
#[derive(Debug, Clone)]
pub enum Choice<T> {
    /// The name of a fixture.
    Named(Spanned<String>),
    /// An inline fixture.
    Here(T),
}

/// The peer of a request.
#[derive(Debug, Clone)]
pub enum Principal {
    /// A peer without a client certificate.
    Nobody,
    /// A service of the mesh.
    Service(Spanned<String>),
    /// The SPIFFE ID of a client certificate.
    Id(Spanned<String>),
}

/// An HTTP request. What is not given has a default.
#[derive(Debug, Clone, Default)]
pub struct HttpRequest {
    /// `GET` by default.
    pub method: Option<String>,
    /// The path with its query; `/` by default.
    pub path: Option<String>,
    /// `:authority`; by default the service that is called.
    pub host: Option<String>,
    /// `http` by default.
    pub scheme: Option<String>,
    /// Other headers by lower-case name, in order; a name may repeat. `None` removes a header that every request has.
    pub headers: Vec<(Spanned<String>, Option<String>)>,
    /// Other attributes of the proxy.
    pub attributes: Vec<HostAttribute>,
}

/// An attribute of the proxy, in the encoding of proxy-wasm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAttribute {
    /// Its path, for example `["source", "address"]`.
    pub path: Vec<String>,
    /// Its value.
    pub bytes: Vec<u8>,
}

/// Fields of a context with their values.
pub type Fields = Vec<(Spanned<String>, Json)>;

impl Decoder<'_> {
    /// Reads a name, or calls `read` on a mapping.
    pub(super) fn choice_of<T>(
        &mut self,
        node: &Node,
        read: impl FnOnce(&Node, &mut Self) -> Option<T>,
    ) -> Option<Choice<T>> {
        if matches!(node.value, Value::Mapping(_)) {
            return read(node, self).map(Choice::Here);
        }
        if matches!(&node.value, Value::Scalar(scalar) if scalar.is_string()) {
            return self.string(node).map(Choice::Named);
        }
        self.wrong_kind(node, "a name or a mapping");
        None
    }

    /// Reads a point in time, in milliseconds since 1970.
    pub(super) fn time_ms(&mut self, node: &Node) -> Option<u64> {
        let text = self.string(node)?;
        let time: Option<jiff::Timestamp> = text.value.parse().ok();
        let ms = time.and_then(|time| u64::try_from(time.as_millisecond()).ok());
        if ms.is_none() {
            let message = format!("`{}` is not a point in time since 1970", text.value);
            self.invalid(text.span, message, "write it as `2026-01-15T12:00:00Z`");
        }
        ms
    }
}

pub(super) fn principal(node: &Node, decoder: &mut Decoder<'_>) -> Option<Principal> {
    let mut keys = decoder.keys(node, node.span, "a principal")?;
    let (service, id) = (keys.entry("service"), keys.entry("principal"));
    let read = match (service, id) {
        (None, None) => Some(Principal::Nobody),
        (Some((_, node)), None) => decoder.string(node).map(Principal::Service),
        (None, Some((_, node))) => decoder.string(node).map(Principal::Id),
        (Some((first, _)), Some((second, _))) => {
            let problem = Diagnostic::error(code::INVALID_VALUE, second.span, "the principal is given in two ways");
            decoder.report(problem.label(first.span, "the first one").help("keep one of `service` and `principal`"));
            None
        }
    };
    keys.finish(decoder);
    read
}

pub(super) fn request(node: &Node, decoder: &mut Decoder<'_>) -> Option<HttpRequest> {
    let mut keys = decoder.keys(node, node.span, "a request")?;
    let mut text = |key| keys.get(key).and_then(|node| decoder.string(node)).map(|text| text.value);
    let mut request = HttpRequest {
        method: text("method"),
        path: text("path"),
        host: text("host"),
        scheme: text("scheme"),
        ..HttpRequest::default()
    };
    if let Some(node) = keys.get("headers") {
        request.headers = headers(node, true, decoder);
    }
    if let Some(node) = keys.get("attributes") {
        for (name, node) in decoder.entries(node) {
            request.attributes.extend(attribute(name, node, decoder));
        }
    }
    if let Some(node) = keys.get("metadata")
        && decoder.entries(node).iter().all(|(_, space)| !decoder.entries(space).is_empty())
    {
        request.attributes.push(metadata::attribute(node));
    }
    keys.finish(decoder);
    Some(request)
}

/// Reads header names with their values. A null value means that the header is absent. If `may_repeat`, a list of values
/// is a header that is sent several times.
pub(super) fn headers(
    node: &Node,
    may_repeat: bool,
    decoder: &mut Decoder<'_>,
) -> Vec<(Spanned<String>, Option<String>)> {
    let mut headers = Vec::new();
    for (name, node) in decoder.entries(node) {
        let lower = name.value.to_ascii_lowercase();
        if lower.starts_with(':') {
            let message = format!("`{}` is no header of its own", name.value);
            decoder.invalid(name.span, message, "say it with `method`, `path`, `host` or `scheme`");
            continue;
        }
        let value = match &node.value {
            Value::Scalar(scalar) if scalar.is_null() => None,
            Value::Scalar(scalar) => Some(scalar.text.clone()),
            Value::Sequence(values) if may_repeat => {
                let values = values.iter().filter_map(|value| decoder.scalar(value));
                headers.extend(values.map(|value| (Spanned::new(lower.clone(), name.span), Some(value.value.text))));
                continue;
            }
            _ => {
                let texts = if may_repeat { ", or a list of texts" } else { "" };
                decoder.wrong_kind(node, &format!("the text of a header{texts}"));
                continue;
            }
        };
        headers.push((Spanned::new(lower, name.span), value));
    }
    headers
}

fn attribute(name: &Spanned<String>, node: &Node, decoder: &mut Decoder<'_>) -> Option<HostAttribute> {
    let Some((path, of)) = host_attribute(&name.value) else {
        let message = format!("the proxy has no attribute `{}`", name.value);
        let problem = Diagnostic::error(code::UNKNOWN_FIXTURE, name.span, message);
        decoder.report(problem.help(attribute_help(&name.value)));
        return None;
    };
    let scalar = decoder.scalar(node)?.value;
    let is_address = matches!(name.value.as_str(), "source.address" | "destination.address");
    let bytes = match of {
        // In the proxy's own notation; values that it would never produce are rejected.
        HostType::String if is_address => {
            scalar.text.parse::<SocketAddr>().ok().map(|address| address.to_string().into_bytes())
        }
        HostType::Ip => {
            scalar.text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, 0).to_string().into_bytes())
        }
        HostType::String => Some(scalar.text.clone().into_bytes()),
        HostType::Int => scalar.as_int().map(|number| number.to_le_bytes().to_vec()),
        HostType::Bool => scalar.as_bool().map(|value| vec![u8::from(value)]),
        HostType::Timestamp => {
            let time: Option<jiff::Timestamp> = scalar.text.parse().ok();
            time.and_then(|time| i64::try_from(time.as_nanosecond()).ok()).map(|nanos| nanos.to_le_bytes().to_vec())
        }
    };
    if bytes.is_none() {
        let expected = match of {
            HostType::Int => "an integer",
            HostType::Bool => "`true` or `false`",
            HostType::Ip => "an IP address, for example `10.0.0.1`",
            HostType::String if is_address => {
                "an address with a port, as the proxy reports it, for example `10.0.0.1:80` (`source.ip` is the address alone)"
            }
            HostType::String | HostType::Timestamp => "a point in time, for example `2026-01-15T12:00:00Z`",
        };
        decoder.wrong_kind(node, expected);
    }
    Some(HostAttribute { path, bytes: bytes? })
}

/// Returns advice about an attribute that a test cannot set.
fn attribute_help(name: &str) -> String {
    match name.split_once('.').map_or(name, |(group, _)| group) {
        "request" => "say it with `method`, `path`, `host`, `scheme` or `headers`".to_owned(),
        "peer" => "say it with `principal`".to_owned(),
        "mesh" => "it follows from `workload` and `role`".to_owned(),
        "context" => "say it with `context`".to_owned(),
        "metadata" => "say it with `metadata`".to_owned(),
        _ => {
            let names: Vec<String> = host_attributes().collect();
            near::suggestion(name, names.iter().map(String::as_str)).unwrap_or_default()
        }
    }
}

pub(super) fn fields(node: &Node, decoder: &mut Decoder<'_>) -> Option<Fields> {
    if !matches!(node.value, Value::Mapping(_)) {
        decoder.wrong_kind(node, "a mapping");
        return None;
    }
    Some(decoder.entries(node).iter().map(|(name, node)| (name.clone(), json(node))).collect())
}

/// Converts a node to JSON.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Mapping(entries) => {
            Json::Object(entries.iter().map(|(key, node)| (key.value.clone(), json(node))).collect::<Map<_, _>>())
        }
        Value::Sequence(nodes) => nodes.iter().map(json).collect(),
        Value::Scalar(scalar) => scalar_json(scalar),
        Value::Refused => Json::Null,
    }
}

fn scalar_json(scalar: &Scalar) -> Json {
    if scalar.is_null() {
        return Json::Null;
    }
    let number = || scalar.as_double().and_then(Number::from_f64).map(Json::Number);
    let bool_or_int = scalar.as_bool().map(Json::Bool).or_else(|| scalar.as_int().map(Json::from));
    bool_or_int.or_else(number).unwrap_or_else(|| Json::String(scalar.text.clone()))
}

/// Returns the fixture of that name. An unknown name is returned as a diagnostic.
pub(crate) fn named<'f, T>(
    name: &Spanned<String>,
    what: &str,
    known: &'f [(Spanned<String>, T)],
) -> Result<&'f T, Box<Diagnostic>> {
    known.iter().find(|(of, _)| of.value == name.value).map(|(_, fixture)| fixture).ok_or_else(|| {
        let message = format!("the document has no {what} `{}`", name.value);
        let help = near::suggestion(&name.value, known.iter().map(|(of, _)| of.value.as_str()));
        let help = help.unwrap_or_else(|| format!("add it to `{what}s`, or write the {what} in place"));
        Box::new(Diagnostic::error(code::UNKNOWN_FIXTURE, name.span, message).help(help))
    })
}
