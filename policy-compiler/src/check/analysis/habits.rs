//! Comparisons that look right but can be bypassed: with attributes that hold more than their names say, and with names
//! that do not exist.

use std::net::SocketAddr;

use context_mesh_core::artifact::tables::{
    Attribute, Constant, DestinationPart, HostType, MeshPart, PeerPart, RequestPart, ScalarConstant,
};

use super::Finding;
use super::facts::{Facts, Knowledge};
use crate::check::model::{Directory, Model};
use crate::expression::ir::{Comparison, Node, TextTest};
use crate::report::diagnostic::{Diagnostic, code};
use crate::report::near;

pub(super) fn find<'k>(knowledge: &'k Knowledge<'_>, findings: &mut Vec<Finding<'k>>) {
    for facts in &knowledge.rules {
        let mut found = Vec::new();
        if let Some(root) = facts.condition() {
            walk(root, knowledge, &mut found);
        }
        found.sort();
        found.dedup();
        findings.extend(found.into_iter().map(|habit| Finding::new(diagnostic(&habit, facts, knowledge.model))));
    }
}

/// A comparison worth a warning.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Habit {
    /// The end of `request.path` is compared with a text without a query.
    PathWithQuery(String),
    /// `request.host` is compared with a name.
    HostAsWritten(String),
    /// An address with a port is taken for an address: the attribute without the port.
    AddressWithPort(&'static str),
    /// A text of several pairs is searched: the text, and the attribute that holds them apart.
    TextOfPairs(&'static str, &'static str),
    /// Nothing has this name: the attribute, and the name.
    UnknownName(&'static str, String),
}

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Whole,
    End,
    Beginning,
    Part,
}

fn walk(node: &Node, knowledge: &Knowledge<'_>, found: &mut Vec<Habit>) {
    if let Node::Variable(variable) = node
        && let Some(inner) = variable.get(knowledge.variables)
    {
        walk(inner, knowledge, found);
    }
    found.extend(parsed_address(node).map(Habit::AddressWithPort));
    if let Some((attribute, how, words)) = comparison(node) {
        found.extend(words.into_iter().filter_map(|word| habit(attribute, how, word, knowledge.model)));
    }
    for child in node.children() {
        walk(child, knowledge, found);
    }
}

/// Returns the attribute to read in place of an address with a port that a node takes for an address.
fn parsed_address(node: &Node) -> Option<&'static str> {
    match node {
        Node::In(pair) => match &**pair {
            [Node::Attribute(attribute), Node::Constant(Constant::Networks(_))] => with_port(attribute),
            _ => None,
        },
        Node::Call(function, arguments) => {
            let parses = ["ip", "containsIP", "isIP", "ip.isCanonical"].contains(&function.name());
            let address =
                |argument: &Node| if let Node::Attribute(attribute) = argument { with_port(attribute) } else { None };
            arguments.iter().find_map(address).filter(|_| parses)
        }
        _ => None,
    }
}

/// Returns the attribute of the address alone.
fn with_port(attribute: &Attribute) -> Option<&'static str> {
    let Attribute::Host(path, HostType::String) = attribute else { return None };
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["source", "address"] => Some("source.ip"),
        ["destination", "address"] => Some("destination.ip"),
        _ => None,
    }
}

/// Returns the attribute that a node compares, the kind of comparison, and the texts that it is compared with.
fn comparison(node: &Node) -> Option<(&Attribute, How, Vec<&str>)> {
    let (pair, how) = match node {
        Node::Compare(Comparison::Equal | Comparison::NotEqual, pair) | Node::In(pair) => (pair, How::Whole),
        Node::Text(TextTest::Prefix, pair) => (pair, How::Beginning),
        Node::Text(TextTest::Suffix, pair) => (pair, How::End),
        Node::Text(TextTest::Part, pair) => (pair, How::Part),
        _ => return None,
    };
    let [Node::Attribute(attribute), Node::Constant(constant)] = &**pair else { return None };
    let text = |value: &'_ ScalarConstant| matches!(value, ScalarConstant::String(_));
    let words = match constant {
        Constant::Scalar(ScalarConstant::String(word)) => vec![word.as_str()],
        Constant::StringSet(words) => words.iter().map(String::as_str).collect(),
        Constant::List(items) if items.iter().all(text) => items
            .iter()
            .filter_map(|item| if let ScalarConstant::String(word) = item { Some(word.as_str()) } else { None })
            .collect(),
        _ => return None,
    };
    Some((attribute, how, words))
}

fn habit(attribute: &Attribute, how: How, word: &str, model: &Model) -> Option<Habit> {
    let directory = &model.directory;
    match attribute {
        Attribute::Request(RequestPart::Path) => path(how, word),
        Attribute::Header(name) if name == ":path" => path(how, word),
        Attribute::Request(RequestPart::Host) => host(how, word),
        Attribute::Host(..) if how == How::Whole && word.parse::<SocketAddr>().is_err() => {
            with_port(attribute).map(Habit::AddressWithPort)
        }
        Attribute::Request(RequestPart::Query) if !word.is_empty() => {
            Some(Habit::TextOfPairs("request.query", "request.query_params"))
        }
        Attribute::Header(name) if name == "cookie" && !word.is_empty() => {
            Some(Habit::TextOfPairs("request.headers['cookie']", "request.cookies"))
        }
        Attribute::Header(name) if name == "host" || name == ":authority" => host(how, word),
        _ if how != How::Whole || word.is_empty() => None,
        Attribute::Peer(PeerPart::Service) => unknown("peer.service", word, services(directory)),
        Attribute::Destination(DestinationPart::Service) => unknown("destination.service", word, services(directory)),
        Attribute::Peer(PeerPart::Domain) => unknown("peer.domain", word, domains(directory)),
        Attribute::Destination(DestinationPart::Domain) => unknown("destination.domain", word, domains(directory)),
        Attribute::Mesh(MeshPart::Domain) => unknown("mesh.domain", word, domains(directory)),
        Attribute::Peer(PeerPart::Region) => unknown("peer.region", word, regions(directory)),
        Attribute::Destination(DestinationPart::Region) => unknown("destination.region", word, regions(directory)),
        Attribute::Mesh(MeshPart::Region) => unknown("mesh.region", word, regions(directory)),
        Attribute::Peer(PeerPart::Principal) => principal(word, model),
        _ => None,
    }
}

fn path(how: How, word: &str) -> Option<Habit> {
    let to_the_end = matches!(how, How::Whole | How::End);
    (to_the_end && !word.contains('?')).then(|| Habit::PathWithQuery(word.to_owned()))
}

fn host(how: How, word: &str) -> Option<Habit> {
    (how != How::Part && !word.is_empty()).then(|| Habit::HostAsWritten(word.to_owned()))
}

fn unknown<'d>(attribute: &'static str, word: &str, mut known: impl Iterator<Item = &'d str>) -> Option<Habit> {
    (!known.any(|name| name == word)).then(|| Habit::UnknownName(attribute, word.to_owned()))
}

/// Checks a principal. One of another trust domain has no certificate that the mesh trusts.
fn principal(word: &str, model: &Model) -> Option<Habit> {
    let domain = word.strip_prefix("spiffe://").and_then(|id| id.split_once('/')).map(|(domain, _)| domain);
    let aliases = &model.mesh.trust_domain_aliases;
    let known = domain.is_some_and(|domain| domain == model.mesh.trust_domain || aliases.iter().any(|a| a == domain));
    (!known).then(|| Habit::UnknownName("peer.principal", word.to_owned()))
}

fn services(directory: &Directory) -> impl Iterator<Item = &str> {
    directory.services.iter().map(|service| service.name.as_str())
}

fn domains(directory: &Directory) -> impl Iterator<Item = &str> {
    directory.domains.iter().map(|domain| domain.name.as_str())
}

fn regions(directory: &Directory) -> impl Iterator<Item = &str> {
    directory.all_regions()
}

fn diagnostic(habit: &Habit, facts: &Facts<'_>, model: &Model) -> Diagnostic {
    let directory = &model.directory;
    match habit {
        Habit::PathWithQuery(word) => {
            let message = format!("`request.path` has the query in it: `{word}?` is another path than `{word}`");
            let problem = Diagnostic::warning(code::PATH_WITH_QUERY, facts.span(), message);
            problem.help("compare `request.url_path`, which ends before the `?`")
        }
        Habit::HostAsWritten(word) => {
            let message = format!(
                "`request.host` is as the client writes it: `{word}` may come with a port, a final dot, or in other letters"
            );
            let problem = Diagnostic::warning(code::HOST_AS_WRITTEN, facts.span(), message);
            problem.help("compare `request.hostname`: in lower case, without port and final dot")
        }
        Habit::AddressWithPort(ip) => {
            let address = ip.replace(".ip", ".address");
            let message = format!("`{address}` has a port, so it is never an address alone");
            let problem = Diagnostic::warning(code::ADDRESS_WITH_PORT, facts.span(), message);
            problem.help(format!("read `{ip}`"))
        }
        Habit::TextOfPairs(text, pairs) => {
            let message = format!("`{text}` is one text, which clients write in many ways");
            let problem = Diagnostic::warning(code::TEXT_OF_PAIRS, facts.span(), message);
            problem.help(format!("read `{pairs}['name']`"))
        }
        Habit::UnknownName(attribute, word) => {
            let message = format!("the mesh has no `{attribute}` `{word}`");
            let problem = Diagnostic::warning(code::NOBODYS_NAME, facts.span(), message);
            let near = match *attribute {
                "peer.principal" => Some(format!("identities begin with `spiffe://{}/`", model.mesh.trust_domain)),
                "peer.service" | "destination.service" => near::suggestion(word, services(directory)),
                "peer.region" | "destination.region" | "mesh.region" => {
                    near::suggestion(word, regions(directory).filter(|region| !region.is_empty()))
                }
                _ => near::suggestion(word, domains(directory)),
            };
            problem.maybe_help(near)
        }
    }
}
