//! Configuration of Envoy in any form: a bootstrap, resources of xDS, or the response to `/config_dump`.
//!
//! The whole tree is searched for messages that are recognised by their type or their keys. The same code therefore
//! reads all of these forms, including future ones.

mod filters;
mod manager;
mod routes;

use std::collections::{HashMap, hash_map::Entry};

use super::found::{FilterKind, Found, RouteTable, User};
use crate::read::{
    foreign::{elements, entries, get, list, scalar, text, typed, walk},
    yaml::Node,
};

pub(super) use routes::Routes;

/// Returns the content of a file's documents.
pub(super) fn read(documents: &[Node]) -> Found {
    let mut reader = Reader { found: Found::default(), extensions: HashMap::new(), dumped: false };
    documents.iter().for_each(|document| walk(document, &mut |node| reader.prepare(node)));
    documents.iter().for_each(|document| reader.visit(document, &Listener::default()));
    reader.finish()
}

/// The listener that contains a message.
#[derive(Debug, Clone, Default)]
struct Listener {
    name: String,
    inbound: bool,
}

struct Reader {
    found: Found,
    /// Filters that are defined elsewhere, by name.
    extensions: HashMap<String, FilterKind>,
    /// Whether the file has the listeners a second time, beside the bootstrap.
    dumped: bool,
}

impl Reader {
    /// Collects what must be known before listeners are read. Returns whether to descend into the node.
    fn prepare(&mut self, node: &Node) -> bool {
        let (kind, message) = typed(node);
        self.dumped |= kind.ends_with(".ListenersConfigDump");
        if kind.ends_with(".TypedExtensionConfig")
            && let Some(name) = text(message, "name")
        {
            let filter = filters::kind(message, &self.extensions);
            // The listeners of a proxy may each have a file with a filter of the same name, and nothing links a file to
            // its listener.
            match self.extensions.entry(name.value) {
                Entry::Vacant(place) => _ = place.insert(filter),
                Entry::Occupied(mut place) => place.get_mut().join(filter),
            }
            return false;
        }
        true
    }

    fn visit(&mut self, node: &Node, listener: &Listener) {
        let (kind, message) = typed(node);
        self.found.recognised |= kind.starts_with("envoy.");
        if kind.ends_with(".BootstrapConfigDump") {
            if let Some(bootstrap) = get(message, "bootstrap") {
                self.node(bootstrap);
                if !self.dumped {
                    self.below(bootstrap, listener);
                }
            }
        } else if manager::is_manager(kind, message) {
            self.manager(message, listener);
        } else if kind.ends_with(".RouteConfiguration") || get(message, "virtual_hosts").is_some() {
            self.table(message, User::WhoNamesIt);
        } else if kind.ends_with(".VirtualHost") {
            let mut table = RouteTable::new("", User::WhoNamesIt);
            Routes::new(&mut table).virtual_host(message);
            self.add(table);
        } else if is_listener(kind, message) {
            let listener = Listener {
                name: text(message, "name").map(|name| name.value).unwrap_or_default(),
                inbound: text(message, "traffic_direction")
                    .is_some_and(|way| matches!(way.value.as_str(), "INBOUND" | "1")),
            };
            self.found.recognised = true;
            self.below(message, &listener);
        } else {
            self.node(message);
            self.cluster(message);
            let bootstrap = ["static_resources", "dynamic_resources"].iter().any(|key| get(message, key).is_some());
            self.found.recognised |= bootstrap;
            self.below(message, listener);
        }
    }

    fn below(&mut self, node: &Node, listener: &Listener) {
        elements(node).iter().for_each(|node| self.visit(node, listener));
        for (key, node) in entries(node) {
            // Skip what is no longer used, and what was never accepted.
            if !matches!(key.value.as_str(), "draining_state" | "drainingState" | "error_state" | "errorState") {
                self.visit(node, listener);
            }
        }
    }

    /// Reads the names of the proxy.
    fn node(&mut self, message: &Node) {
        let Some(node) = get(message, "node") else { return };
        let names = ["id", "cluster"].into_iter().filter_map(|key| text(node, key));
        self.found.node.extend(names.map(|name| name.value));
    }

    /// Reads a cluster, which is recognised by keys that only clusters have.
    fn cluster(&mut self, message: &Node) {
        let options = get(message, "typed_extension_protocol_options");
        if options.is_none() && get(message, "load_assignment").is_none() && get(message, "connect_timeout").is_none() {
            return;
        }
        let Some(name) = text(message, "name") else { return };
        let filters = options.into_iter().flat_map(entries).flat_map(|(_, node)| list(typed(node).1, "http_filters"));
        let ours = filters.into_iter().any(|filter| filters::is_upstream(filter, &self.extensions));
        self.found.recognised = true;
        *self.found.clusters.entry(name.value).or_default() |= ours;
    }

    fn manager(&mut self, message: &Node, listener: &Listener) {
        let index = self.found.managers.len();
        let manager = manager::read(message, listener, &self.extensions);
        self.found.managers.push(manager);
        get(message, "route_config").into_iter().for_each(|node| self.table(node, User::Manager(index)));
        for scope in manager::scopes(message) {
            get(scope, "route_configuration").into_iter().for_each(|node| self.table(node, User::Manager(index)));
        }
        self.found.recognised = true;
    }

    fn table(&mut self, message: &Node, user: User) {
        let name = get(message, "name").and_then(scalar).map(|name| name.value).unwrap_or_default();
        let mut table = RouteTable::new(name, user);
        Routes::new(&mut table).configuration(message);
        self.add(table);
    }

    fn add(&mut self, table: RouteTable) {
        self.found.recognised = true;
        self.found.tables.push(table);
    }

    /// Removes duplicates: a dump repeats the route configurations of listeners beside them.
    fn finish(mut self) -> Found {
        if self.dumped {
            let inline = self.found.tables.iter().filter(|table| matches!(table.user, User::Manager(_)));
            let inline: Vec<String> = inline.map(|table| table.name.clone()).collect();
            let named: Vec<&String> = self.found.managers.iter().flat_map(|manager| &manager.named).collect();
            self.found.tables.retain(|table| {
                let twice = table.user == User::WhoNamesIt && inline.contains(&table.name);
                !twice || named.contains(&&table.name)
            });
        }
        self.found
    }
}

fn is_listener(kind: &str, message: &Node) -> bool {
    let has = |key| get(message, key).is_some();
    kind.ends_with(".config.listener.v3.Listener")
        || has("filter_chains")
        || has("default_filter_chain")
        || has("api_listener")
}
