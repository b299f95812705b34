//! Checks that the configuration found fits the mesh. Each file has one group of rules.

mod filters;
mod links;
mod mirrors;
mod uses;

use super::{
    found::{Found, Manager},
    mesh::Mesh,
};
use crate::report::diagnostic::Diagnostics;
use links::Links;

/// Reports everything that does not fit.
pub(super) fn check(files: &[Found], mesh: &Mesh<'_>, diagnostics: &mut Diagnostics) {
    let links = Links::new(files);
    for (file, found) in files.iter().enumerate() {
        for (index, table) in found.tables.iter().enumerate() {
            let users: Vec<&Manager> = links.users(file, index).map(|(_, manager)| manager).collect();
            let side = side(&links, (file, index), mesh);
            table.uses.iter().for_each(|used| uses::check(used, side, &users, mesh, diagnostics));
            let looked_at = |cluster: &str| links.looks_at(file, cluster);
            table.mirrors.iter().for_each(|mirror| mirrors::check(mirror, &looked_at, mesh, diagnostics));
        }
        for (index, manager) in found.managers.iter().enumerate() {
            let side = uses::Side::of(manager, found, mesh);
            manager.scopes.iter().for_each(|used| uses::check(used, side, &[manager], mesh, diagnostics));
            filters::told(manager, links.clusters_have_it(), diagnostics);
            filters::in_front(manager, links.tables(file, index), mesh, diagnostics);
        }
        filters::without(file, found, &links, diagnostics);
    }
}

/// Returns the side on which the routes of a table are used. A header is certain to be shown only if all users are
/// inbound.
fn side(links: &Links<'_>, (file, table): (usize, usize), mesh: &Mesh<'_>) -> uses::Side {
    let mut sides = links.users(file, table).map(|(found, manager)| uses::Side::of(manager, found, mesh));
    let Some(first) = sides.next() else { return links.side_without_users(file, table) };
    if sides.all(|side| side == first) { first } else { uses::Side::Outbound }
}
