//! HTTP filters that decide before ours, and requests that bypass ours.

use super::{
    super::{
        found::{FilterKind, Found, How, Manager, RouteTable, Routing, Use},
        mesh::{Meaning, Mesh},
    },
    links::Links,
};
use crate::report::diagnostic::{Diagnostic, Diagnostics, code};

/// CM0708: filters before ours see a route that the client's own header chose.
pub(super) fn in_front<'f>(
    manager: &Manager,
    tables: impl Iterator<Item = &'f RouteTable>,
    mesh: &Mesh<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Some((place, _)) = manager.ours() else { return };
    let before = manager.filters.iter().take(place).filter(|filter| filter.kind == FilterKind::Decides);
    let mut before = before.peekable();
    if before.peek().is_none() {
        return;
    }
    let open = |used: &&Use| {
        let header = used.header.value.to_ascii_lowercase();
        used.how == How::Matched
            && matches!(mesh.meaning(&header), Some(Meaning::Field(_) | Meaning::Carrier))
            && !manager.removed.iter().any(|removed| removed.has(&header))
    };
    let mut found: Vec<&Use> = tables.flat_map(|table| &table.uses).filter(open).collect();
    found.extend(manager.scopes.iter().filter(open));
    let Some(first) = found.first() else { return };
    let mut headers: Vec<String> =
        found.iter().map(|used| format!("`{}`", used.header.value.to_ascii_lowercase())).collect();
    headers.sort_unstable();
    headers.dedup();
    let headers = headers.join(", ");
    for filter in before {
        let message = format!(
            "`{}` runs before the filter, and sees the route that the client's own {headers} chose",
            filter.name.value
        );
        let help = format!(
            "take {headers} out of requests before the first route is chosen, with `early_header_mutation_extensions` of the \
             connection manager, or put the filter of the mesh first"
        );
        let problem = Diagnostic::warning(code::FILTER_IN_FRONT, filter.name.span, message).help(help);
        diagnostics.push(problem.label(first.header.span, "a route matches it here"));
    }
}

/// CM0703: the filter is configured to run after the router as well, and does not.
pub(super) fn told(manager: &Manager, clusters_have_it: bool, diagnostics: &mut Diagnostics) {
    let told = manager.ours().filter(|(_, settings)| settings.routing == Some(Routing::Upstream));
    let Some(filter) = told.and_then(|(place, _)| manager.filters.get(place)) else { return };
    if manager.behind_router || clusters_have_it {
        return;
    }
    let message = format!(
        "the filter of {} is configured to run after the router as well (`routing`), but does not",
        manager.label
    );
    let help = "put the filter into `upstream_http_filters` of the router: `policyc emit envoy --role upstream` writes the entry";
    diagnostics.push(Diagnostic::error(code::NOT_BEHIND_ROUTER, filter.name.span, message).help(help));
}

/// CM0709: requests that bypass the filter, while other requests of the proxy pass through it.
pub(super) fn without(file: usize, found: &Found, links: &Links<'_>, diagnostics: &mut Diagnostics) {
    if !found.managers.iter().any(|manager| manager.ours().is_some()) {
        return;
    }
    for (index, manager) in found.managers.iter().enumerate().filter(|(_, manager)| manager.ours().is_none()) {
        let mut tables = links.tables(file, index).peekable();
        // Unknown routes may call any service.
        if tables.peek().is_some() && !tables.any(|table| table.calls) {
            continue;
        }
        let message = format!("{} routes requests without the filter of the mesh, which others have", manager.label);
        let help = "put the filter before its router: `policyc emit envoy` writes the entry";
        diagnostics.push(Diagnostic::warning(code::WITHOUT_FILTER, manager.span, message).help(help));
    }
    for route in found.tables.iter().flat_map(|table| &table.off) {
        let message = format!("{} switches the filter of the mesh off", route.value);
        let help = "remove it; rules say for which requests they hold";
        diagnostics.push(Diagnostic::warning(code::WITHOUT_FILTER, route.span, message).help(help));
    }
}
