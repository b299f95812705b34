//! Words and colours that the pictures have in common.

use super::{
    Domain,
    picture::{Arrow, End, Look, Mark},
};

/// The colour of a mark: readable on white and on near black.
pub(super) const fn colour(mark: Mark) -> &'static str {
    match mark {
        Mark::Passes => "#16a34a",
        Mark::Varies => "#d97706",
        Mark::Masked => "#8b5cf6",
        Mark::Redacted => "#e11d48",
        Mark::Kept => "#0ea5e9",
    }
}

/// Region and frameworks.
pub(super) fn about(domain: &Domain) -> Vec<&str> {
    let all = std::iter::once(&domain.region).chain(&domain.frameworks);
    all.map(String::as_str).filter(|text| !text.is_empty()).collect()
}

/// A name, and what is said of it in parentheses.
pub(super) fn join(name: &str, about: &[&str]) -> String {
    if about.is_empty() { name.to_owned() } else { format!("{name} ({})", about.join(", ")) }
}

/// So many services.
pub(super) fn services(count: usize) -> String {
    format!("{count} service{}", if count == 1 { "" } else { "s" })
}

/// How the services of a domain call each other.
pub(super) fn inside(look: &Look, count: usize) -> String {
    let who = if count == 2 { "both" } else { "all" };
    let how = if look.conditional { ", on a condition" } else { "" };
    let mark = look.marks.first().map(|mark| format!(": {}", mark.name())).filter(|_| look.marks.len() == 1);
    format!("{who} may call each other{how}{}", mark.unwrap_or_default())
}

/// What stands at an arrow, if anything: what becomes of the one field, or how many of the calls pass.
pub(super) fn label(arrow: &Arrow) -> Option<String> {
    let mark = match arrow.look.marks.as_slice() {
        [Mark::Passes] => None,
        [mark] => Some(mark.name().to_owned()),
        _ => None,
    };
    let domain = |end: End| matches!(end, End::Domain(_));
    let partly = (domain(arrow.from) || domain(arrow.to)) && arrow.calls < arrow.pairs;
    let count = partly.then(|| format!("{} of {}", arrow.calls, arrow.pairs));
    let parts: Vec<String> = count.into_iter().chain(mark).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
