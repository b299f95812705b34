//! Tests of one attribute as constraints.
//!
//! A test of the tree is true, false or an error; a constraint of RBAC holds or not. So each is translated by the question
//! that is asked about it. Where the answer differs for some request, the difference has to be accepted.

use context_mesh_core::{
    address::Networks,
    artifact::tables::{Attribute, DestinationPart, FieldType, HostType, RequestPart, Scalar},
};

use super::{
    clause::{Clause, Clauses, Constraint, Key, known, one},
    network, pattern,
    pattern::Test,
    place::Place,
    refusal::{Difference, Refusal},
};
use crate::check::analysis::Ask;
use crate::expression::{cel::DIRECT_ADDRESS, codegen::attribute_name};

/// Whether the question is about the opposite of a test that is never an error.
pub(super) fn is_negated(ask: Ask) -> bool {
    matches!(ask, Ask::False | Ask::NotTrue)
}

/// Returns what holds if the answer to the question about the test of the attribute is yes.
pub(super) fn test(place: &Place<'_>, attribute: &Attribute, test: &Test, ask: Ask) -> Result<Clauses, Refusal> {
    let negated = is_negated(ask);
    match attribute {
        Attribute::Peer(part) => place.callers.test(*part, test, negated),
        Attribute::Mesh(part) => constant(place.mesh(*part)?, test, negated),
        Attribute::Destination(part) => constant(place.destination(*part)?, test, negated),
        Attribute::Header(name) => header(place, name, test, ask),
        Attribute::Request(part) => match part {
            RequestPart::Method => total(Key::Method, exact(test)?, negated),
            RequestPart::UrlPath => path(place, test, negated),
            RequestPart::Hostname => host(place, test, negated),
            RequestPart::UserAgent => header(place, "user-agent", test, ask),
            RequestPart::Referer => header(place, "referer", test, ask),
            RequestPart::Id => header(place, "x-request-id", test, ask),
            RequestPart::Path | RequestPart::Host | RequestPart::Query | RequestPart::Scheme => {
                Err(unreadable(attribute))
            }
        },
        Attribute::Host(path, HostType::String) if is(path, "connection", "requested_server_name") => {
            optional(Key::Sni, test, ask)
        }
        Attribute::Claim(path, FieldType::One(Scalar::String)) => optional(claim(place, path)?, test, ask),
        Attribute::Host(path, HostType::Ip) => {
            let key = address(place, path)?;
            let Test::OneOf(texts) = test else { return Err(unreadable(attribute)) };
            total(key, network::addresses(texts)?, negated)
        }
        _ => Err(unreadable(attribute)),
    }
}

/// Returns what holds if the answer to the question whether the address is in one of the networks is yes.
pub(super) fn in_networks(
    place: &Place<'_>,
    attribute: &Attribute,
    networks: &Networks,
    ask: Ask,
) -> Result<Clauses, Refusal> {
    let Attribute::Host(path, HostType::Ip) = attribute else { return Err(unreadable(attribute)) };
    let key = address(place, path)?;
    total(key, network::blocks(networks), is_negated(ask))
}

/// Returns what holds if the answer to the question whether the number is one of these is yes.
pub(super) fn number(attribute: &Attribute, numbers: &[i64], ask: Ask) -> Result<Clauses, Refusal> {
    match attribute {
        Attribute::Host(path, HostType::Int) if is(path, "destination", "port") => {
            let ports: Vec<String> =
                numbers.iter().filter(|port| (0..=65_535).contains(*port)).map(ToString::to_string).collect();
            if ports.is_empty() { Ok(known(is_negated(ask))) } else { total(Key::Port, ports, is_negated(ask)) }
        }
        _ => Err(unreadable(attribute)),
    }
}

/// Returns what holds if the answer to the question whether the attribute is true is yes.
pub(super) fn truth(attribute: &Attribute, ask: Ask) -> Result<Clauses, Refusal> {
    match attribute {
        Attribute::Host(path, HostType::Bool) if is(path, "connection", "mtls") => {
            Ok(one(Constraint::present(Key::Principal, !is_negated(ask))))
        }
        _ => Err(unreadable(attribute)),
    }
}

/// Returns what holds if the answer to the question whether the attribute has a value is yes.
pub(super) fn has(place: &Place<'_>, attribute: &Attribute, ask: Ask) -> Result<Clauses, Refusal> {
    let key = match attribute {
        Attribute::Claim(path, FieldType::One(Scalar::String) | FieldType::List(Scalar::String)) => claim(place, path)?,
        Attribute::Header(name) => header_key(name)?,
        Attribute::Request(RequestPart::UserAgent) => Key::Header("user-agent".to_owned()),
        Attribute::Request(RequestPart::Referer) => Key::Header("referer".to_owned()),
        Attribute::Request(RequestPart::Id) => Key::Header("x-request-id".to_owned()),
        Attribute::Host(path, HostType::String) if is(path, "connection", "requested_server_name") => Key::Sni,
        _ => return Err(unreadable(attribute)),
    };
    Ok(one(Constraint::present(key, !is_negated(ask))))
}

/// Returns what holds if the answer to the question whether the list has this item is yes.
pub(super) fn holds(place: &Place<'_>, attribute: &Attribute, item: &str, ask: Ask) -> Result<Clauses, Refusal> {
    match attribute {
        Attribute::Claim(path, FieldType::List(Scalar::String)) => {
            optional(claim(place, path)?, &Test::OneOf(vec![item.to_owned()]), ask)
        }
        _ => Err(unreadable(attribute)),
    }
}

/// Returns what Istio calls a claim.
fn claim(place: &Place<'_>, path: &[String]) -> Result<Key, Refusal> {
    // Where Istio's RequestAuthentication leaves the payload of a token.
    let [filter, payload, path @ ..] = path else { return Err(unknown_claim()) };
    if (filter.as_str(), payload.as_str()) != ("envoy.filters.http.jwt_authn", "payload") || path.is_empty() {
        return Err(unknown_claim());
    }
    if path.iter().any(|name| name.is_empty() || name.contains(['[', ']'])) {
        return Err(Refusal::new("Istio cannot name a claim with brackets", "keep the filter for this rule"));
    }
    place.require(Difference::OddClaims)?;
    Ok(Key::Claim(path.iter().map(|name| format!("[{name}]")).collect()))
}

fn unknown_claim() -> Refusal {
    Refusal::new(
        "Istio reads only the claims of a token that its RequestAuthentication verified",
        "write `source: istio` for the `claims` of the Mesh, if that is where they are",
    )
}

fn is(path: &[String], group: &str, name: &str) -> bool {
    path.iter().map(String::as_str).eq([group, name])
}

/// Returns a test that is never an error.
fn total(key: Key, values: Vec<String>, negated: bool) -> Result<Clauses, Refusal> {
    Ok(one(Constraint::new(key, negated, values)))
}

/// Returns the result of a test that is the same for every request.
fn constant(value: &str, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
    let refuse = || Refusal::new("a regular expression has no counterpart", "compare with names");
    test.holds(value).map(|holds| known(holds != negated)).ok_or_else(refuse)
}

/// Returns a test of what a request may lack, in which case the test is an error.
fn optional(key: Key, test: &Test, ask: Ask) -> Result<Clauses, Refusal> {
    let values = test.patterns()?;
    if matches!(test, Test::Template(_)) {
        return Err(Refusal::new("it has no regular expressions", "use `==`, `in`, `startsWith` or `endsWith`"));
    }
    let listed = Constraint::new(key.clone(), is_negated(ask), values);
    Ok(match ask {
        Ask::True | Ask::NotTrue => one(listed),
        Ask::False => vec![Clause(vec![Constraint::present(key, true), listed])],
        Ask::NotFalse => vec![Clause(vec![Constraint::present(key, false)]), Clause(vec![listed])],
    })
}

/// Returns a test of a header. A header that is repeated or too long is an error. RBAC joins the values with commas, or
/// compares each of them, as its version has it.
fn header(place: &Place<'_>, name: &str, test: &Test, ask: Ask) -> Result<Clauses, Refusal> {
    let key = header_key(name)?;
    place.require(Difference::OddHeaders)?;
    optional(key, test, ask)
}

fn header_key(name: &str) -> Result<Key, Refusal> {
    let help = match name {
        ":path" => "use `request.url_path`",
        ":method" => "use `request.method`",
        ":authority" | "host" => "use `request.hostname`",
        name if name.starts_with(':') => "leave it out",
        _ => return Ok(Key::Header(name.to_owned())),
    };
    Err(Refusal::new(format!("`{name}` is no ordinary header"), help))
}

fn exact(test: &Test) -> Result<Vec<String>, Refusal> {
    match test {
        Test::OneOf(_) => test.patterns(),
        _ => Err(Refusal::new("Istio compares the method as a whole", "use `==` or `in`")),
    }
}

fn path(place: &Place<'_>, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
    place.require(Difference::OddPaths)?;
    let values = test.patterns()?;
    if let Test::Template(template) = test {
        // Where the template does not match, an allow rule is stricter, and a deny rule lets the request pass.
        if negated != place.denies {
            return Err(Refusal::new(
                format!(
                    "Envoy's template `{template}` does not match every segment (in some versions none with `=` or `*`), and what it does not match would pass"
                ),
                "use `startsWith` or `endsWith`",
            ));
        }
        place.require(Difference::Templates)?;
    } else if let Some(odd) = values.iter().find(|value| value.contains(['{', '}', '?', '#'])) {
        return Err(Refusal::new(
            format!("`{odd}` is not a path to Istio"),
            "compare with paths without `{`, `}`, `?` and `#`",
        ));
    }
    total(Key::Path, values, negated)
}

fn host(place: &Place<'_>, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
    place.require(Difference::OddHosts)?;
    let fits = |text: &String| {
        let name = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let plain = |text: &str| !text.contains(':') && !text.ends_with('.');
        !text.bytes().any(|b| b.is_ascii_uppercase()) && (name.is_some() || plain(text))
    };
    match test {
        Test::OneOf(names) if names.iter().all(fits) => {
            let names = test.patterns()?.into_iter();
            let forms = names.flat_map(|name| [format!("{name}:*"), format!("{name}."), format!("{name}.:*"), name]);
            total(Key::Host, forms.collect(), negated)
        }
        Test::Prefix(beginning)
            if !beginning.contains([':', '[']) && !beginning.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            total(Key::Host, test.patterns()?, negated)
        }
        Test::OneOf(_) | Test::Prefix(_) => Err(Refusal::new(
            "a host has no capitals, no port and no final dot",
            "compare with the name as it is in DNS",
        )),
        _ => Err(Refusal::new(
            "Istio compares hosts with their port, so it cannot test the end of a name",
            "list the names (`in`), or use `startsWith`",
        )),
    }
}

/// Returns what Istio calls an address.
fn address(place: &Place<'_>, path: &[String]) -> Result<Key, Refusal> {
    if is(path, "source", "address") {
        place.require(Difference::OddAddresses)?;
        return Ok(Key::RemoteIp);
    }
    if is(path, "filter_state", DIRECT_ADDRESS) {
        return Ok(Key::DirectIp);
    }
    Err(Refusal::new("its IP blocks are about the client", "use `source.ip` or `source.direct_ip`"))
}

/// Whether some test of the attribute has a counterpart.
pub(super) fn is_readable(attribute: &Attribute) -> bool {
    match attribute {
        Attribute::Peer(_) | Attribute::Mesh(_) | Attribute::Header(_) => true,
        Attribute::Destination(part) => *part != DestinationPart::Frameworks,
        Attribute::Request(part) => !matches!(part, RequestPart::Query | RequestPart::Scheme),
        Attribute::Host(path, _) => {
            let [group, name] = path.as_slice() else { return false };
            let known = [("source", "address"), ("destination", "port"), ("connection", "mtls")];
            let more = [("connection", "requested_server_name"), ("filter_state", DIRECT_ADDRESS)];
            known.iter().chain(&more).any(|known| *known == (group, name))
        }
        _ => false,
    }
}

/// Returns the refusal of an attribute.
pub(super) fn unreadable(attribute: &Attribute) -> Refusal {
    let name = match attribute {
        Attribute::Claim(..) => "a claim".to_owned(),
        other => format!("`{}`", attribute_name(other)),
    };
    let (text, help) = match attribute {
        Attribute::Field(..) => {
            ("is a field of the context, which RBAC does not read", "keep the filter for this rule")
        }
        Attribute::Claim(..) => ("is compared only as a text, or as a list of texts", "keep the filter for this rule"),
        Attribute::Request(RequestPart::Path) => ("has the query, which Istio leaves out", "use `request.url_path`"),
        Attribute::Request(RequestPart::Host) => {
            ("is compared with case, which Istio ignores", "use `request.hostname`")
        }
        _ => ("is not among what Istio compares, or not in this way", "keep the filter for this rule"),
    };
    Refusal::new(format!("{name} {text}"), help)
}

/// Returns the test of a regex, which must be that of a template.
pub(super) fn template(regex: &str) -> Result<Test, Refusal> {
    pattern::template(regex).map(Test::Template)
}
