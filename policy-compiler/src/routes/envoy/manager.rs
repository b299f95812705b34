//! HTTP connection managers: their filters, and the routes that they use.

use std::collections::HashMap;

use super::{
    super::found::{FilterKind, How, Manager, Removed, Use},
    Listener, filters,
};
use crate::read::{
    foreign::{get, list, path, scalar, text, typed},
    yaml::Node,
};

/// Returns whether a message is an HTTP connection manager, by its type or by keys that only these have.
pub(super) fn is_manager(kind: &str, message: &Node) -> bool {
    let has = |key| get(message, key).is_some();
    kind.ends_with(".HttpConnectionManager")
        || (has("http_filters") && (has("route_config") || has("rds") || has("scoped_routes")))
}

/// Returns the content of a connection manager, without the routes in it.
pub(super) fn read(message: &Node, listener: &Listener, extensions: &HashMap<String, FilterKind>) -> Manager {
    let entries = list(message, "http_filters");
    let all: Vec<_> = entries.iter().filter_map(|entry| Some((entry, filters::read(entry, extensions)?))).collect();
    let routers = all.iter().filter(|(_, filter)| filter.kind == FilterKind::Router);
    let behind = routers.filter_map(|(entry, _)| get(entry, "typed_config")).map(|config| typed(config).1);
    let behind_router = behind
        .flat_map(|router| list(router, "upstream_http_filters"))
        .any(|entry| filters::is_upstream(entry, extensions));
    let prefix = text(message, "stat_prefix").map(|prefix| prefix.value).unwrap_or_default();
    let name = if listener.name.is_empty() { &prefix } else { &listener.name };
    let rds = path(message, &["rds", "route_config_name"]).and_then(scalar);
    let scoped = scopes(message).filter_map(|scope| text(scope, "route_configuration_name"));
    Manager {
        span: text(message, "stat_prefix").map_or(message.span, |prefix| prefix.span),
        label: format!("the connection manager of the listener `{name}`"),
        inbound: listener.inbound,
        filters: all.into_iter().map(|(_, filter)| filter).collect(),
        behind_router,
        removed: removed(message),
        named: rds.into_iter().chain(scoped).map(|name| name.value).collect(),
        scopes: scope_headers(message, name),
    }
}

/// Returns the scopes of routes in the connection manager.
pub(super) fn scopes(message: &Node) -> impl Iterator<Item = &Node> {
    let scopes = path(message, &["scoped_routes", "scoped_route_configurations_list"]);
    scopes.into_iter().flat_map(|scopes| list(scopes, "scoped_route_configurations"))
}

/// Returns the headers by which a scope of routes is chosen.
fn scope_headers(message: &Node, name: &str) -> Vec<Use> {
    let builder = path(message, &["scoped_routes", "scope_key_builder"]);
    let fragments = builder.into_iter().flat_map(|builder| list(builder, "fragments"));
    let headers = fragments.filter_map(|fragment| text(get(fragment, "header_value_extractor")?, "name"));
    let route = format!("the scope of routes of the listener `{name}`");
    headers.map(|header| Use { header, route: route.clone(), how: How::Matched }).collect()
}

/// Returns the headers that `early_header_mutation_extensions` remove from requests or overwrite.
fn removed(message: &Node) -> Vec<Removed> {
    let extensions = list(message, "early_header_mutation_extensions");
    let configs = extensions.iter().filter_map(|extension| get(extension, "typed_config"));
    configs.flat_map(|config| list(typed(config).1, "mutations")).flat_map(of_mutation).collect()
}

fn of_mutation(mutation: &Node) -> Option<Removed> {
    if let Some(name) = text(mutation, "remove") {
        return Some(Removed::Exact(name.value));
    }
    if let Some(append) = get(mutation, "append") {
        let action = text(append, "append_action").map(|action| action.value);
        let overwrites =
            matches!(action.as_deref(), Some("OVERWRITE_IF_EXISTS_OR_ADD" | "OVERWRITE_IF_EXISTS" | "2" | "3"));
        return overwrites
            .then(|| path(append, &["header", "key"]).and_then(scalar))?
            .map(|key| Removed::Exact(key.value));
    }
    let matcher = path(mutation, &["remove_on_match", "key_matcher"])?;
    let says = |key, make: fn(String) -> Removed| text(matcher, key).map(|found| make(found.value));
    says("exact", Removed::Exact)
        .or_else(|| says("prefix", Removed::Prefix))
        .or_else(|| says("suffix", Removed::Suffix))
        .or_else(|| says("contains", Removed::Contains))
}
