//! Headers of the context in routes: matched, hashed, counted, written, removed.

use super::super::{
    found::{Found, How, Manager, Routing, Use},
    mesh::{Mapped, Meaning, Mesh},
};
use crate::report::diagnostic::{Diagnostic, Diagnostics, Severity, code};

/// The side of a service on which routes are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// For inbound requests: the filter shows the context to the application.
    Inbound,
    /// For outbound calls, and at gateways: the filter removes what applications and clients send.
    Outbound,
}

impl Side {
    /// Returns the side of a connection manager. The filter's own configuration takes precedence, then whether the
    /// proxy is a gateway, then the direction of the listener.
    pub(super) fn of(manager: &Manager, found: &Found, mesh: &Mesh<'_>) -> Self {
        let settings = manager.ours().map(|(_, settings)| settings);
        let role = settings.and_then(|settings| settings.role.as_deref());
        let service = settings.and_then(|settings| settings.service.as_deref());
        // Istio writes `router~` into the ids of gateways.
        let is_gateway = |name: &str| mesh.is_gateway(name) || name.starts_with("router~");
        let gateway = || service.into_iter().chain(found.node.iter().map(String::as_str)).any(is_gateway);
        match role {
            Some("inbound") => Self::Inbound,
            None if manager.inbound && !gateway() => Self::Inbound,
            _ => Self::Outbound,
        }
    }
}

/// Reports what does not fit in the use of a header.
pub(super) fn check(used: &Use, side: Side, users: &[&Manager], mesh: &Mesh<'_>, diagnostics: &mut Diagnostics) {
    let Some(meaning) = mesh.meaning(&used.header.value) else { return };
    let shown = side == Side::Inbound && mesh.shows_headers();
    let problem = match (used.how, meaning) {
        (How::Matched, Meaning::Field(field)) if field.routed => not_behind_router(used, side, users),
        (How::Matched, Meaning::Field(_)) if shown => None,
        (How::Matched, Meaning::Field(field)) => Some(contradicted(by_field(used, field, side), side, users)),
        (How::Matched, Meaning::Carrier | Meaning::Id) => Some(contradicted(by_carrier(used, meaning), side, users)),
        (How::Hashed | How::Counted, Meaning::Field(field)) if shown || field.routed => None,
        (How::Hashed | How::Counted, Meaning::Field(field)) => Some(counted_by_field(used, field, side)),
        (How::Hashed | How::Counted, Meaning::Carrier) => Some(counted_by_carrier(used)),
        (How::Written, Meaning::Field(_) | Meaning::Carrier) => Some(written(used, meaning)),
        (How::Removed, Meaning::Field(_) | Meaning::Carrier) => Some(removed(used, meaning)),
        (_, Meaning::Id) => None,
    };
    diagnostics.extend(problem);
}

/// CM0702: a route matches the header of a field.
fn by_field(used: &Use, field: &Mapped, side: Side) -> Diagnostic {
    let message = format!(
        "{} matches `{}`, which the filter removes before the route is chosen again",
        used.route, used.header.value
    );
    Diagnostic::warning(code::ROUTE_BY_FIELD, used.header.span, message).help(show(field, side))
}

/// Returns how a route can see a field.
fn show(field: &Mapped, side: Side) -> String {
    match side {
        Side::Inbound => "let the Mesh document show headers: `carriers: {present: [headers]}`".to_owned(),
        Side::Outbound => format!(
            "write `routing: {{fields: [{}]}}` in the Mesh document, and let the filter run after the router as well (`--routing upstream`)",
            field.field
        ),
    }
}

/// Raises a warning to an error if the filter is configured to assume that no route matches what it changes, because it
/// then takes no precautions.
fn contradicted(problem: Diagnostic, side: Side, users: &[&Manager]) -> Diagnostic {
    let told = |manager: &&&Manager| manager.ours().is_some_and(|(_, ours)| ours.routing == Some(Routing::Fixed));
    match users.iter().find(told) {
        Some(manager) if side == Side::Outbound => Diagnostic { severity: Severity::Error, ..problem }
            .label(manager.span, "the filter of this connection manager is configured for `fixed` routes"),
        _ => problem,
    }
}

/// CM0703: a route matches a routed field, and the filter does not run after the router.
fn not_behind_router(used: &Use, side: Side, users: &[&Manager]) -> Option<Diagnostic> {
    if side == Side::Inbound {
        return None;
    }
    let untold = |manager: &&&Manager| {
        let routing = manager.ours().and_then(|(_, ours)| ours.routing);
        routing.is_some_and(|routing| routing != Routing::Upstream)
    };
    if let Some(first) = users.iter().find(untold) {
        let message = format!(
            "{} matches `{}`, which the filter does not show: it is not configured to run after the router of {} as well",
            used.route, used.header.value, first.label
        );
        let help = "give the filter a configuration of `policyc emit envoy --routing upstream`";
        let problem = Diagnostic::error(code::NOT_BEHIND_ROUTER, used.header.span, message).help(help);
        return Some(problem.label(first.span, "the filter is here"));
    }
    let first = users.iter().find(|manager| !manager.behind_router)?;
    let message = format!(
        "{} matches `{}`, which nothing removes after the router of {}",
        used.route, used.header.value, first.label
    );
    let help = "put the filter into `upstream_http_filters` of the router: `policyc emit envoy --role upstream` writes the entry";
    let problem = Diagnostic::error(code::NOT_BEHIND_ROUTER, used.header.span, message).help(help);
    Some(problem.label(first.span, "the filter does not run after this router"))
}

/// CM0704: a route matches a carrier.
fn by_carrier(used: &Use, meaning: Meaning<'_>) -> Diagnostic {
    let message = format!("{} matches `{}`, which the filter rewrites", used.route, used.header.value);
    let help = match meaning {
        Meaning::Id => {
            "match something that stays as it is: the filter takes out ids that are broken, and gateways may make new ones"
        }
        _ => "match the header of a field that the Mesh document lists in `routing`",
    };
    Diagnostic::warning(code::ROUTE_BY_CARRIER, used.header.span, message).help(help)
}

/// CM0707: a route hashes or counts by the header of a field.
fn counted_by_field(used: &Use, field: &Mapped, side: Side) -> Diagnostic {
    let message = format!("{} `{}`, which the filter removes", counts(used), used.header.value);
    Diagnostic::warning(code::COUNTED_BY_FIELD, used.header.span, message).help(show(field, side))
}

/// CM0707: a route hashes or counts by a carrier.
fn counted_by_carrier(used: &Use) -> Diagnostic {
    let message = format!("{} `{}`, which is another text in every request", counts(used), used.header.value);
    let help = "use the header of a field that the Mesh document lists in `routing`";
    Diagnostic::warning(code::COUNTED_BY_FIELD, used.header.span, message).help(help)
}

fn counts(used: &Use) -> String {
    match used.how {
        How::Hashed => format!("{} chooses endpoints by", used.route),
        _ => format!("{} limits rates by", used.route),
    }
}

/// CM0706: a route writes a header of the context.
fn written(used: &Use, meaning: Meaning<'_>) -> Diagnostic {
    let message = format!(
        "{} writes `{}` after the filter: the receiver sees another value than the rules",
        used.route, used.header.value
    );
    let help = match meaning {
        Meaning::Field(field) => format!("remove it; a rule sets the field: `set: {{{}: ...}}`", field.field),
        _ => "remove it; rules set the fields of the context".to_owned(),
    };
    Diagnostic::error(code::CHANGED_BY_ROUTE, used.header.span, message).help(help)
}

/// CM0706: a route removes a header of the context.
fn removed(used: &Use, meaning: Meaning<'_>) -> Diagnostic {
    let message = format!(
        "{} removes `{}` after the filter: the receiver sees less than the rules",
        used.route, used.header.value
    );
    let help = match meaning {
        Meaning::Field(field) => format!("remove it; a rule keeps the field back: `redact: [{}]`", field.field),
        _ => "remove it; what leaves the mesh carries no context".to_owned(),
    };
    Diagnostic::warning(code::CHANGED_BY_ROUTE, used.header.span, message).help(help)
}
