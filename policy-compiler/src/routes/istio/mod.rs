//! Kubernetes resources that configure the routes of proxies: those of Istio and of the Gateway API. Others are
//! skipped.
//!
//! All of them configure calls and gateways, except an `EnvoyFilter`, which names what it changes.

mod envoy_filter;
mod gateway_api;
mod virtual_service;

use super::found::{Found, How, RouteTable, Use, User};
use crate::{
    read::{
        foreign::{entries, get, list, path, scalar, text},
        yaml::Node,
    },
    report::source::Spanned,
};

/// Returns the content of a file's documents.
pub(super) fn read(documents: &[Node]) -> Found {
    let mut found = Found::default();
    documents.iter().for_each(|document| object(document, &mut found));
    found
}

fn object(node: &Node, found: &mut Found) {
    let (Some(version), Some(kind)) = (text(node, "api_version"), text(node, "kind")) else { return };
    found.recognised = true;
    let group = version.value.split('/').next().unwrap_or_default();
    let Some(resource) = Resource::new(node, &kind.value) else {
        // A `List` has no `spec`.
        list(node, "items").iter().for_each(|item| object(item, found));
        return;
    };
    let mut table = RouteTable::new(resource.name.clone(), User::Outbound);
    match (group, kind.value.as_str()) {
        ("networking.istio.io", "VirtualService") => virtual_service::read(&resource, &mut table),
        ("networking.istio.io", "DestinationRule") => destination_rule(&resource, &mut table),
        ("gateway.networking.k8s.io", "HTTPRoute" | "GRPCRoute") => gateway_api::read(&resource, &mut table),
        ("networking.istio.io", "EnvoyFilter") => return envoy_filter::read(&resource, found),
        _ => return,
    }
    found.tables.push(table);
}

/// A resource.
struct Resource<'n> {
    /// Its name in messages.
    label: String,
    name: String,
    namespace: Option<String>,
    spec: &'n Node,
}

impl<'n> Resource<'n> {
    fn new(node: &'n Node, kind: &str) -> Option<Self> {
        let metadata = |key| Some(text(get(node, "metadata")?, key)?.value);
        let name = metadata("name").unwrap_or_default();
        let label = format!("the {kind} `{name}`");
        Some(Self { label, name, namespace: metadata("namespace"), spec: get(node, "spec")? })
    }

    /// Returns the name of one of its routes, for messages.
    fn route(&self, route: &Node) -> String {
        match text(route, "name") {
            Some(name) => format!("the route `{}` of {}", name.value, self.label),
            None => format!("a route of {}", self.label),
        }
    }
}

/// Reads the headers by which a `DestinationRule` chooses endpoints, for all ports or one, for all subsets or one.
fn destination_rule(resource: &Resource<'_>, table: &mut RouteTable) {
    let subsets = list(resource.spec, "subsets");
    let policies = std::iter::once(resource.spec).chain(subsets).filter_map(|node| get(node, "traffic_policy"));
    for policy in policies.flat_map(|policy| std::iter::once(policy).chain(list(policy, "port_level_settings"))) {
        let header = path(policy, &["load_balancer", "consistent_hash", "http_header_name"]).and_then(scalar);
        table.note(header, &resource.label, How::Hashed);
    }
}

impl RouteTable {
    fn note(&mut self, header: Option<Spanned<String>>, label: &str, how: How) {
        self.uses.extend(header.map(|header| Use { header, route: label.to_owned(), how }));
    }

    /// Records headers that are the keys of a mapping.
    fn note_keys(&mut self, mapping: Option<&Node>, label: &str, how: How) {
        for (name, _) in mapping.into_iter().flat_map(entries) {
            self.note(Some(name.clone()), label, how);
        }
    }

    /// Records headers in a list.
    fn note_list(&mut self, names: &[Node], label: &str, how: How) {
        names.iter().for_each(|name| self.note(scalar(name), label, how));
    }
}
