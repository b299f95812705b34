//! Istio's `VirtualService`.

use super::{
    super::found::{How, Mirror, RouteTable, Target},
    Resource,
};
use crate::read::{
    foreign::{get, list, path, text},
    yaml::Node,
};

/// Reads the HTTP routes of a resource into a table.
pub(super) fn read(resource: &Resource<'_>, table: &mut RouteTable) {
    for route in list(resource.spec, "http") {
        let label = resource.route(route);
        table.routes += 1;
        for matched in list(route, "match") {
            table.note_keys(get(matched, "headers"), &label, How::Matched);
            table.note_keys(get(matched, "without_headers"), &label, How::Matched);
        }
        headers(route, &label, table);
        list(route, "route").iter().for_each(|target| headers(target, &label, table));
        let several = list(route, "mirrors").iter().filter_map(|mirror| get(mirror, "destination"));
        for destination in get(route, "mirror").into_iter().chain(several) {
            table.mirrors.extend(mirror(destination, &label, resource));
        }
    }
}

fn headers(node: &Node, label: &str, table: &mut RouteTable) {
    let Some(request) = path(node, &["headers", "request"]) else { return };
    table.note_keys(get(request, "set"), label, How::Written);
    table.note_keys(get(request, "add"), label, How::Written);
    table.note_list(list(request, "remove"), label, How::Removed);
}

fn mirror(destination: &Node, label: &str, resource: &Resource<'_>) -> Option<Mirror> {
    let host = text(destination, "host")?;
    let target = Target::Host { host: host.value, namespace: resource.namespace.clone() };
    Some(Mirror { span: host.span, route: label.to_owned(), target })
}
