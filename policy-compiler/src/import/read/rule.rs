//! The rules of an `AuthorizationPolicy`: `from`, `to` and `when`.

use super::values::{self, rejected};
use crate::{
    import::istio::{Condition, Operation, Rule, Source, Values},
    read::{
        document::{Decoder, Keys},
        yaml::Node,
    },
    report::{
        diagnostic::{Diagnostic, code},
        near,
    },
};

/// The attributes of `when`. Those that end with `[` are followed by names in brackets.
const ATTRIBUTES: [&str; 15] = [
    "connection.sni",
    "destination.ip",
    "destination.port",
    "experimental.envoy.filters.",
    "remote.ip",
    "request.auth.audiences",
    "request.auth.claims[",
    "request.auth.presenter",
    "request.auth.principal",
    "request.experimental.inline.headers[",
    "request.headers[",
    "source.ip",
    "source.namespace",
    "source.principal",
    "source.serviceAccount",
];

/// Reads a rule.
pub(super) fn read(node: &Node, decoder: &mut Decoder<'_>) -> Option<Rule> {
    let mut keys = decoder.keys(node, node.span, "the rule")?;
    let from = some(&mut keys, "from", "everybody", decoder);
    let to = some(&mut keys, "to", "every operation", decoder);
    let when = some(&mut keys, "when", "every request", decoder);
    keys.finish(decoder);
    Some(Rule {
        span: node.span,
        from: from.iter().filter_map(|node| source(inner(node, "source", decoder)?, decoder)).collect(),
        to: to.iter().filter_map(|node| operation(inner(node, "operation", decoder)?, decoder)).collect(),
        when: when.iter().filter_map(|node| condition(node, decoder)).collect(),
    })
}

/// Returns the elements of a list that may be missing, but not empty: an empty list looks like nobody, and is everybody.
fn some<'n>(keys: &mut Keys<'n>, key: &'static str, all: &str, decoder: &mut Decoder<'_>) -> &'n [Node] {
    let Some(node) = keys.get(key) else { return &[] };
    let list = decoder.list(node);
    if list.is_empty() && node.is_list() {
        let help = format!("leave `{key}` out if {all} is meant, and list what matches otherwise");
        rejected(decoder, node.span, format!("`{key}` is an empty list"), &help);
    }
    list
}

/// Returns the only key of an element of `from` or `to`.
fn inner<'n>(node: &'n Node, key: &'static str, decoder: &mut Decoder<'_>) -> Option<&'n Node> {
    let mut keys = decoder.keys(node, node.span, if key == "source" { "`from`" } else { "`to`" })?;
    let found = keys.require(key, decoder);
    keys.finish(decoder);
    found
}

fn source(node: &Node, decoder: &mut Decoder<'_>) -> Option<Source> {
    let mut keys = decoder.keys(node, node.span, "`source`")?;
    let mut list = |key| values::list(&mut keys, key, decoder);
    let source = Source {
        principals: list("principals"),
        not_principals: list("notPrincipals"),
        request_principals: list("requestPrincipals"),
        not_request_principals: list("notRequestPrincipals"),
        namespaces: list("namespaces"),
        not_namespaces: list("notNamespaces"),
        service_accounts: list("serviceAccounts"),
        not_service_accounts: list("notServiceAccounts"),
        ip_blocks: list("ipBlocks"),
        not_ip_blocks: list("notIpBlocks"),
        remote_ip_blocks: list("remoteIpBlocks"),
        not_remote_ip_blocks: list("notRemoteIpBlocks"),
    };
    let blocks = [&source.ip_blocks, &source.not_ip_blocks, &source.remote_ip_blocks, &source.not_remote_ip_blocks];
    blocks.into_iter().for_each(|blocks| values::check_addresses(blocks, decoder));
    let accounts = [&source.service_accounts, &source.not_service_accounts];
    accounts.into_iter().for_each(|accounts| values::check_accounts(accounts, decoder));
    let names = [&source.principals, &source.not_principals, &source.namespaces, &source.not_namespaces];
    let account = accounts.into_iter().flatten().next();
    if let (Some(account), true) = (account, names.iter().any(|names| !names.is_empty())) {
        let help = "write a `source` of its own for them: one of several sources must match";
        let message = "a source has service accounts, or principals and namespaces, not both";
        rejected(decoder, account.span, message, help);
    }
    finish(keys, node, "source", "everybody", decoder);
    Some(source)
}

fn operation(node: &Node, decoder: &mut Decoder<'_>) -> Option<Operation> {
    let mut keys = decoder.keys(node, node.span, "`operation`")?;
    let mut list = |key| values::list(&mut keys, key, decoder);
    let operation = Operation {
        hosts: list("hosts"),
        not_hosts: list("notHosts"),
        ports: list("ports"),
        not_ports: list("notPorts"),
        methods: list("methods"),
        not_methods: list("notMethods"),
        paths: list("paths"),
        not_paths: list("notPaths"),
    };
    [&operation.ports, &operation.not_ports].into_iter().for_each(|ports| values::check_ports(ports, decoder));
    [&operation.paths, &operation.not_paths].into_iter().for_each(|paths| values::check_paths(paths, decoder));
    finish(keys, node, "operation", "everything", decoder);
    Some(operation)
}

/// Reports unknown keys, or that there is no key at all.
fn finish(keys: Keys<'_>, node: &Node, name: &str, all: &str, decoder: &mut Decoder<'_>) {
    if keys.is_empty() {
        let help = format!("list what matches; if {all} is meant, leave it out");
        rejected(decoder, node.span, format!("`{name}` is empty"), &help);
    }
    keys.finish(decoder);
}

fn condition(node: &Node, decoder: &mut Decoder<'_>) -> Option<Condition> {
    let mut keys = decoder.keys(node, node.span, "the condition")?;
    let key = keys.require("key", decoder).and_then(|node| values::text(node, decoder));
    let (values, not_values) =
        (values::list(&mut keys, "values", decoder), values::list(&mut keys, "notValues", decoder));
    if !keys.has("values") && !keys.has("notValues") {
        let help = "add `values` or `notValues`; `\"*\"` among the values matches any that is there";
        rejected(decoder, node.span, "the condition has no values", help);
    }
    keys.finish(decoder);
    let condition = Condition { key: key?, values, not_values };
    check(&condition, decoder);
    Some(condition)
}

fn check(condition: &Condition, decoder: &mut Decoder<'_>) {
    let check: fn(&Values, &mut Decoder<'_>) = match condition.key.value.as_str() {
        "source.ip" | "remote.ip" | "destination.ip" => values::check_addresses,
        "destination.port" => values::check_ports,
        "source.serviceAccount" => values::check_accounts,
        key if is_attribute(key) => return,
        key => return unknown(key, condition, decoder),
    };
    check(&condition.values, decoder);
    check(&condition.not_values, decoder);
}

/// Whether `when` has such an attribute.
fn is_attribute(key: &str) -> bool {
    ATTRIBUTES.iter().any(|known| match key.strip_prefix(known) {
        Some(rest) if known.ends_with('[') => is_bracketed(rest),
        // `FILTER[NAME]`
        Some(rest) if known.ends_with('.') => {
            rest.split_once('[').is_some_and(|(filter, rest)| !filter.is_empty() && is_bracketed(rest))
        }
        Some(rest) => rest.is_empty(),
        None => false,
    })
}

/// Whether a text is the rest of names in brackets, such as `a]` or `a][b]`.
fn is_bracketed(rest: &str) -> bool {
    rest.strip_suffix(']')
        .is_some_and(|names| names.split("][").all(|name| !name.is_empty() && !name.contains(['[', ']'])))
}

fn unknown(key: &str, condition: &Condition, decoder: &mut Decoder<'_>) {
    let help = match key {
        "destination.namespace" => Some("a policy holds in its own namespace".to_owned()),
        "destination.user" | "destination.name" => Some("select the workloads by their labels".to_owned()),
        key if key.starts_with("destination.labels") => Some("select the workloads by their labels".to_owned()),
        key if ATTRIBUTES.iter().any(|known| known.strip_suffix('[').is_some_and(|known| key.starts_with(known))) => {
            Some("its form is `ATTRIBUTE[NAME]`".to_owned())
        }
        key => near::suggestion(key, ATTRIBUTES.map(|known| known.trim_end_matches(['[', '.']))),
    };
    let problem = Diagnostic::error(code::NOT_OF_ISTIO, condition.key.span, format!("there is no attribute `{key}`"));
    decoder.report(problem.maybe_help(help));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_known_by_their_form() {
        let cases = [
            ("source.ip", true),
            ("source.ipx", false),
            ("request.headers[x-token]", true),
            ("request.headers", false),
            ("request.headers[]", false),
            ("request.headers[a", false),
            ("request.headersx[a]", false),
            ("request.auth.claims[iss]", true),
            ("request.auth.claims[a][b]", true),
            ("request.auth.claims[a][]", false),
            ("request.auth.claims[a]b]", false),
            ("request.experimental.inline.headers[a]", true),
            ("experimental.envoy.filters.a.b[c]", true),
            ("experimental.envoy.filters.[c]", false),
            ("experimental.envoy.filters.a", false),
            ("", false),
        ];
        for (key, expected) in cases {
            assert_eq!(is_attribute(key), expected, "{key}");
        }
    }
}
