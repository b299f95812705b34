//! HTTP filters: recognises ours, and those that decide about requests.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::super::found::{Filter, FilterKind, Routing, Settings};
use crate::{
    pack::emit::{FILTER_NAME, VM_ID},
    read::{
        foreign::{get, is_true, list, path, scalar, text, typed},
        yaml::Node,
    },
};

/// Filters that decide by the route or by headers, as in their types and conventional names.
const DECIDING: [&str; 7] = ["rbac", "ext_authz", "ext_proc", "lua", "wasm", "ratelimit", "local_ratelimit"];

/// Returns the filter of an entry of `http_filters`, or `None` if it is disabled.
pub(super) fn read(entry: &Node, extensions: &HashMap<String, FilterKind>) -> Option<Filter> {
    if is_true(entry, "disabled") {
        return None;
    }
    let name = text(entry, "name")?;
    Some(Filter { name, kind: kind(entry, extensions) })
}

/// Returns the kind of a filter: of an entry of `http_filters`, or of what it refers to.
pub(super) fn kind(entry: &Node, extensions: &HashMap<String, FilterKind>) -> FilterKind {
    let name = text(entry, "name").map(|name| name.value).unwrap_or_default();
    let config = get(entry, "typed_config").map(typed);
    let discovered = get(entry, "config_discovery");
    if discovered.is_some()
        && let Some(known) = extensions.get(&name)
    {
        return known.clone();
    }
    let mut types: Vec<String> = config.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    types.extend(discovered.iter().flat_map(|node| list(node, "type_urls")).filter_map(scalar).map(|url| url.value));
    let is = |filter: &str| {
        let part = format!(".filters.http.{filter}.");
        name == format!("envoy.filters.http.{filter}") || types.iter().any(|kind| kind.contains(&part))
    };
    if is("router") {
        FilterKind::Router
    } else if names_ours(&name) || config.is_some_and(|(_, config)| is_ours(config)) {
        FilterKind::Ours(config.map(|(_, config)| settings(config)).unwrap_or_default())
    } else if DECIDING.iter().any(|filter| is(filter)) {
        FilterKind::Decides
    } else {
        FilterKind::Other
    }
}

/// Returns whether an entry is the filter of the mesh as an upstream filter.
pub(super) fn is_upstream(entry: &Node, extensions: &HashMap<String, FilterKind>) -> bool {
    match read(entry, extensions).map(|filter| filter.kind) {
        Some(FilterKind::Ours(settings)) => settings.role.is_none_or(|role| role == "upstream"),
        _ => false,
    }
}

/// Returns whether a filter of this name is ours. Istio puts namespace and resource into the name.
pub(super) fn names_ours(name: &str) -> bool {
    name.contains(FILTER_NAME) || name.contains(VM_ID)
}

/// Returns whether the configuration of a Wasm filter is ours.
fn is_ours(config: &Node) -> bool {
    let says = |names: &[&str], expected: &str| {
        path(config, names).and_then(scalar).is_some_and(|found| found.value == expected)
    };
    says(&["config", "vm_config", "vm_id"], VM_ID)
        || says(&["config", "name"], FILTER_NAME)
        || says(&["config", "root_id"], FILTER_NAME)
}

/// Returns the configuration of our filter, which is JSON in a string, or the same as a mapping.
fn settings(config: &Node) -> Settings {
    let Some(value) = path(config, &["config", "configuration"]) else { return Settings::default() };
    let value = get(value, "value").unwrap_or(value);
    let json: Json = scalar(value).and_then(|json| serde_json::from_str(&json.value).ok()).unwrap_or_default();
    let says = |key: &str| match json.get(key) {
        Some(found) => found.as_str().map(str::to_owned),
        None => text(value, key).map(|found| found.value),
    };
    let routing = match says("routing").as_deref() {
        Some("fixed") => Routing::Fixed,
        Some("upstream") => Routing::Upstream,
        _ => Routing::NotSaid,
    };
    Settings { role: says("role"), service: says("service"), routing: Some(routing) }
}
