//! Istio's `EnvoyFilter`: routes of Envoy that are merged into those that Istio generates.

use super::{
    super::{
        envoy::Routes,
        found::{Found, RouteTable, User},
    },
    Resource,
};
use crate::read::foreign::{get, list, path, text};

/// Reads the patches of routes, each into a table of its own.
pub(super) fn read(resource: &Resource<'_>, found: &mut Found) {
    for patch in list(resource.spec, "config_patches") {
        let (Some(kind), Some(value)) = (text(patch, "apply_to"), path(patch, &["patch", "value"])) else { continue };
        let context = get(patch, "match").and_then(|matched| text(matched, "context"));
        let inbound = context.is_some_and(|context| context.value == "SIDECAR_INBOUND");
        let mut table = RouteTable::new(&resource.name, if inbound { User::Inbound } else { User::Outbound });
        let mut routes = Routes::new(&mut table);
        match kind.value.as_str() {
            "ROUTE_CONFIGURATION" => routes.configuration(value),
            "VIRTUAL_HOST" => routes.virtual_host(value),
            "HTTP_ROUTE" => routes.route(value, &resource.name),
            _ => continue,
        }
        found.tables.push(table);
    }
}
