//! Routes: what they match, write and count by, and where they send copies.

use super::{
    super::found::{How, Mirror, RouteTable, Target, Use},
    filters::names_ours,
};
use crate::{
    read::{
        foreign::{entries, get, is_true, list, path, scalar, text, typed, walk},
        yaml::Node,
    },
    report::source::Spanned,
};

/// Clusters that Istio's agent creates for the proxy's own listeners. They are not calls of the mesh.
const OWN_CLUSTERS: [&str; 2] = ["agent", "prometheus_stats"];

/// Reads routes into a table.
pub(in super::super) struct Routes<'t> {
    table: &'t mut RouteTable,
}

impl<'t> Routes<'t> {
    /// Returns a reader that adds to the table.
    pub(in super::super) fn new(table: &'t mut RouteTable) -> Self {
        Self { table }
    }

    /// Reads a `RouteConfiguration`.
    pub(in super::super) fn configuration(&mut self, message: &Node) {
        let label = format!("the route configuration `{}`", self.table.name);
        self.common(message, &label);
        list(message, "virtual_hosts").iter().for_each(|host| self.virtual_host(host));
        for plugin in list(message, "cluster_specifier_plugins") {
            self.inputs(plugin, &label, How::Matched);
        }
    }

    /// Reads a `VirtualHost`.
    pub(in super::super) fn virtual_host(&mut self, message: &Node) {
        let name = text(message, "name").map(|name| name.value).unwrap_or_default();
        let label = format!("the virtual host `{name}`");
        self.common(message, &label);
        self.limits(message, &label);
        list(message, "routes").iter().for_each(|route| self.route(route, &name));
        if let Some(matcher) = get(message, "matcher") {
            self.matcher(matcher, &name);
        }
    }

    /// Reads a `Route` of a virtual host.
    pub(in super::super) fn route(&mut self, message: &Node, host: &str) {
        let label = match text(message, "name").filter(|name| !name.value.is_empty()) {
            Some(name) => format!("the route `{}`", name.value),
            None => format!("a route of the virtual host `{host}`"),
        };
        self.table.routes += 1;
        if let Some(matched) = get(message, "match") {
            self.names(list(matched, "headers"), &label, How::Matched);
        }
        self.common(message, &label);
        if let Some(action) = get(message, "route") {
            self.action(action, &label);
        }
    }

    /// Reads a `RouteAction`.
    fn action(&mut self, action: &Node, label: &str) {
        let own = text(action, "cluster").is_some_and(|cluster| OWN_CLUSTERS.contains(&cluster.value.as_str()));
        self.table.calls |= !own;
        self.note(text(action, "cluster_header"), label, How::Matched);
        if let Some(weighted) = get(action, "weighted_clusters") {
            self.note(text(weighted, "header_name"), label, How::Matched);
            for cluster in list(weighted, "clusters") {
                self.note(text(cluster, "cluster_header"), label, How::Matched);
                self.common(cluster, label);
            }
        }
        if let Some(plugin) = get(action, "inline_cluster_specifier_plugin") {
            self.inputs(plugin, label, How::Matched);
        }
        for hash in list(action, "hash_policy") {
            self.note(path(hash, &["header", "header_name"]).and_then(scalar), label, How::Hashed);
        }
        self.limits(action, label);
        self.mirrors(action, label);
    }

    /// Reads routes in a matching tree: its inputs, and the routes at its leaves.
    fn matcher(&mut self, matcher: &Node, host: &str) {
        let mut routes = Vec::new();
        walk(matcher, &mut |node| {
            let is_route = typed(node).0.ends_with(".config.route.v3.Route");
            if is_route {
                routes.push(typed(node).1);
            }
            !is_route
        });
        routes.into_iter().for_each(|route| self.route(route, host));
        self.inputs(matcher, &format!("the matcher of the virtual host `{host}`"), How::Matched);
    }

    /// Reads the headers that a matching tree matches. Routes in it are read separately.
    fn inputs(&mut self, node: &Node, label: &str, how: How) {
        let mut headers = Vec::new();
        walk(node, &mut |node| {
            let (kind, message) = typed(node);
            if kind.ends_with(".HttpRequestHeaderMatchInput") {
                headers.push(text(message, "header_name"));
            }
            !kind.ends_with(".config.route.v3.Route")
        });
        headers.into_iter().for_each(|header| self.note(header, label, how));
    }

    /// Reads what route configurations, virtual hosts, routes and weighted clusters have in common.
    fn common(&mut self, message: &Node, label: &str) {
        for add in list(message, "request_headers_to_add") {
            self.note(path(add, &["header", "key"]).and_then(scalar), label, How::Written);
        }
        for name in list(message, "request_headers_to_remove") {
            self.note(scalar(name), label, How::Removed);
        }
        self.mirrors(message, label);
        for (name, config) in get(message, "typed_per_filter_config").into_iter().flat_map(entries) {
            let config = typed(config).1;
            self.limits(config, label);
            if names_ours(&name.value) && is_true(config, "disabled") {
                self.table.off.push(Spanned::new(label.to_owned(), name.span));
            }
        }
    }

    fn mirrors(&mut self, message: &Node, label: &str) {
        for policy in list(message, "request_mirror_policies") {
            let cluster = text(policy, "cluster").filter(|cluster| !cluster.value.is_empty());
            let (place, target) = match (cluster, text(policy, "cluster_header")) {
                (Some(cluster), _) => (cluster.span, Target::Cluster(cluster.value)),
                (None, Some(header)) => (header.span, Target::Header(header.value)),
                (None, None) => continue,
            };
            self.table.mirrors.push(Mirror { span: place, route: label.to_owned(), target });
        }
    }

    /// Reads the descriptors of rate limits.
    fn limits(&mut self, message: &Node, label: &str) {
        for limit in list(message, "rate_limits") {
            for action in list(limit, "actions") {
                self.note(path(action, &["request_headers", "header_name"]).and_then(scalar), label, How::Counted);
                if let Some(matched) = get(action, "header_value_match") {
                    self.names(list(matched, "headers"), label, How::Counted);
                }
            }
            self.inputs(limit, label, How::Counted);
        }
    }

    fn names(&mut self, matchers: &[Node], label: &str, how: How) {
        matchers.iter().for_each(|matcher| self.note(text(matcher, "name"), label, how));
    }

    fn note(&mut self, header: Option<Spanned<String>>, label: &str, how: How) {
        self.table.uses.extend(header.map(|header| Use { header, route: label.to_owned(), how }));
    }
}
