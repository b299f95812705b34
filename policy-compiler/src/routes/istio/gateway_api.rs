//! `HTTPRoute` and `GRPCRoute` of the Kubernetes Gateway API.

use super::{
    super::found::{How, Mirror, RouteTable, Target},
    Resource,
};
use crate::read::{
    foreign::{get, list, path, text},
    yaml::Node,
};

/// Reads the rules of a route into a table.
pub(super) fn read(resource: &Resource<'_>, table: &mut RouteTable) {
    for rule in list(resource.spec, "rules") {
        let label = resource.route(rule);
        table.routes += 1;
        for header in list(rule, "matches").iter().flat_map(|matched| list(matched, "headers")) {
            table.note(text(header, "name"), &label, How::Matched);
        }
        let backends = list(rule, "backend_refs").iter();
        for filter in std::iter::once(rule).chain(backends).flat_map(|node| list(node, "filters")) {
            read_filter(filter, &label, resource, table);
        }
    }
}

fn read_filter(filter: &Node, label: &str, resource: &Resource<'_>, table: &mut RouteTable) {
    if let Some(modifier) = get(filter, "request_header_modifier") {
        for header in list(modifier, "set").iter().chain(list(modifier, "add")) {
            table.note(text(header, "name"), label, How::Written);
        }
        table.note_list(list(modifier, "remove"), label, How::Removed);
    }
    let backend = path(filter, &["request_mirror", "backend_ref"]);
    table.mirrors.extend(backend.and_then(|backend| mirror(backend, label, resource)));
}

fn mirror(backend: &Node, label: &str, resource: &Resource<'_>) -> Option<Mirror> {
    let name = text(backend, "name")?;
    let kind = text(backend, "kind").map(|kind| kind.value);
    let target = match kind.as_deref() {
        // By default the reference names a service in the route's own namespace.
        None | Some("Service") => {
            let other = text(backend, "namespace").map(|namespace| namespace.value);
            Target::Host { host: name.value, namespace: other.or_else(|| resource.namespace.clone()) }
        }
        // Istio's `Hostname`, and any other kind: only the name is known.
        Some(_) => Target::Cluster(format!("outbound|80||{}", name.value)),
    };
    Some(Mirror { span: name.span, route: label.to_owned(), target })
}
