//! Mirrors: the filter checks the request, and the copy goes to another destination.

use context_mesh_core::{artifact::tables::FieldTable, vm::Destination};

use super::super::{
    found::{Mirror, Target},
    mesh::Mesh,
};
use crate::report::diagnostic::{Diagnostic, Diagnostics, code};

/// Most fields that a message names.
const NAMED: usize = 4;

/// Reports what does not fit in a mirror. `looked_at` returns whether the filter is in a cluster.
pub(super) fn check(mirror: &Mirror, looked_at: &dyn Fn(&str) -> bool, mesh: &Mesh<'_>, diagnostics: &mut Diagnostics) {
    if matches!(&mirror.target, Target::Cluster(cluster) if looked_at(cluster)) {
        return;
    }
    let place = mesh.destination(&mirror.target);
    let regions = place.map(|place| place.regions).unwrap_or_default();
    let reaches_all =
        |field: &FieldTable| !regions.is_empty() && regions.iter().all(|region| field.residency.contains(region));
    let kept: Vec<&FieldTable> = mesh.bound().filter(|field| !reaches_all(field)).collect();
    let message = match (place, kept.is_empty()) {
        (Some(_), true) => return,
        (Some(place), false) => {
            let name = place.service;
            format!(
                "{} mirrors requests to `{name}` in {}, where {} may not be",
                mirror.route,
                whereabouts(place),
                names(&kept)
            )
        }
        (None, false) => {
            format!(
                "{} mirrors requests to {}, where {} may not be",
                mirror.route,
                outside(&mirror.target),
                names(&kept)
            )
        }
        (None, true) => {
            let text = format!(
                "{} mirrors requests to {}: the context leaves the mesh with them",
                mirror.route,
                outside(&mirror.target)
            );
            diagnostics.push(Diagnostic::warning(code::MIRRORED_CONTEXT, mirror.span, text).help(HELP));
            return;
        }
    };
    diagnostics.push(Diagnostic::error(code::MIRRORED_CONTEXT, mirror.span, message).help(HELP));
}

const HELP: &str = "remove the mirror, or put the filter with the role `upstream` into the cluster's own `http_filters` \
                    (`typed_extension_protocol_options`)";

fn whereabouts(place: Destination<'_>) -> String {
    match place.regions {
        [region] if !region.is_empty() => format!("the region `{region}`"),
        [] | [_] => "no region".to_owned(),
        several => format!("the regions {}", several.join(", ")),
    }
}

fn outside(target: &Target) -> String {
    match target {
        Target::Cluster(name) => format!("the cluster `{name}`, which is not a service of the mesh"),
        Target::Header(name) => format!("the cluster that the header `{name}` names, which may be any"),
        Target::Host { host, .. } => format!("`{host}`, which is not a service of the mesh"),
    }
}

/// Lists the first fields with their regions.
fn names(fields: &[&FieldTable]) -> String {
    let named = |field: &&FieldTable| format!("`{}` (only {})", field.name, field.residency.join(", "));
    let first: Vec<String> = fields.iter().take(NAMED).map(named).collect();
    match fields.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
