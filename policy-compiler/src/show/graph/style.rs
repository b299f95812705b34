//! Words and colours shared by the pictures.

use super::{
    Domain,
    picture::{Arrow, DomainBox, End, Mark},
};

/// Returns the colour of a mark, readable on white and on near black.
pub(super) const fn colour(mark: Mark) -> &'static str {
    match mark {
        Mark::Passes => "#16a34a",
        Mark::Varies => "#d97706",
        Mark::Masked => "#8b5cf6",
        Mark::Redacted => "#e11d48",
        Mark::Kept => "#0ea5e9",
    }
}

/// Returns the region and frameworks of a domain.
pub(super) fn about(domain: &Domain) -> Vec<&str> {
    let all = std::iter::once(&domain.region).chain(&domain.frameworks);
    all.map(String::as_str).filter(|text| !text.is_empty()).collect()
}

/// Formats a name with its attributes in parentheses.
pub(super) fn join(name: &str, about: &[&str]) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} ({})", about.join(", ")) }
}

/// Formats a number of services.
pub(super) fn services(count: usize) -> String {
    format!("{count} service{}", if count == 1 { "" } else { "s" })
}

/// Describes how the services of a domain call each other, if words replace the arrows.
pub(super) fn inside(domain: &DomainBox) -> Option<String> {
    let arrow = domain.inside.as_ref()?;
    let mark = arrow.look.marks.first().map(|mark| format!(": {}", mark.name()));
    let mark = mark.filter(|_| arrow.look.marks.len() == 1).unwrap_or_default();
    let says = if arrow.is_uniform() {
        let who = if domain.count == 2 { "both" } else { "all" };
        let whom = if domain.callable == domain.count { "each other" } else { "each other, but not gateways" };
        format!("{who} may call {whom}{}", if arrow.look.conditional { ", on a condition" } else { "" })
    } else {
        format!("{} calls between them may pass{}", share(arrow), on_condition(arrow))
    };
    Some(format!("{says}{mark}"))
}

/// Returns the label of an arrow, if any: the number of its calls and pairs, and the fate of the one field.
pub(super) fn label(arrow: &Arrow) -> Option<String> {
    let mark = match arrow.look.marks.as_slice() {
        [Mark::Passes] => None,
        [mark] => Some(mark.name().to_owned()),
        _ => None,
    };
    let parts: Vec<String> = count(arrow).into_iter().chain(mark).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns the number of an arrow's calls and pairs, or `None` for a single call.
pub(super) fn count(arrow: &Arrow) -> Option<String> {
    (arrow.pairs > 1 && is_folded(arrow)).then(|| format!("{}{}", share(arrow), on_condition(arrow)))
}

/// Whether an end of an arrow is a domain.
fn is_folded(arrow: &Arrow) -> bool {
    [arrow.from, arrow.to].iter().any(|end| matches!(end, End::Domain(_)))
}

fn share(arrow: &Arrow) -> String {
    match arrow.calls == arrow.pairs {
        true => format!("all {}", arrow.pairs),
        false => format!("{} of {}", arrow.calls, arrow.pairs),
    }
}

/// Returns how many of the calls pass on a condition, if they differ.
fn on_condition(arrow: &Arrow) -> String {
    let some = arrow.conditional > 0 && arrow.conditional < arrow.calls;
    if some { format!(", {} on a condition", arrow.conditional) } else { String::new() }
}
