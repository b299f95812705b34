//! Sets of services, and rules, in words: `all 100 services`, `all 25 of shop but cart`, `cart, front`.

use std::collections::BTreeSet;

use super::Graph;

/// Fewer services than this are always named.
const FEW: usize = 6;

/// Most services that are named as exceptions.
const MAX_BUT: usize = 3;

/// Describes a set of services as terms, to be joined by commas. Together they name exactly the services of the set.
pub(super) fn terms(graph: &Graph, set: &BTreeSet<usize>) -> Vec<String> {
    let everybody: Vec<usize> = (0..graph.services.len()).collect();
    if let Some(term) = all_but(graph, set, &everybody, "services") {
        return vec![term];
    }
    let mut terms = Vec::new();
    for domain in &graph.domains {
        if let Some(term) = all_but(graph, set, &domain.services, &format!("of {}", domain.name)) {
            terms.push(term);
            continue;
        }
        let named = domain.services.iter().filter(|service| set.contains(service));
        terms.extend(named.map(|service| graph.service_name(*service).to_owned()));
    }
    terms
}

/// Returns `all N of ...`, or all but a few, if the set contains that many of these services. N counts all of them.
fn all_but(graph: &Graph, set: &BTreeSet<usize>, services: &[usize], of: &str) -> Option<String> {
    let missing: Vec<usize> = services.iter().copied().filter(|service| !set.contains(service)).collect();
    if services.len() < FEW || missing.len() > MAX_BUT || missing.len() * 4 > services.len() {
        return None;
    }
    let all = format!("all {} {of}", services.len());
    let missing: Vec<&str> = missing.into_iter().map(|service| graph.service_name(service)).collect();
    Some(if missing.is_empty() { all } else { format!("{all} but {}", missing.join(" and ")) })
}

/// Formats the names of rules. If there are many, only the first ones.
pub(super) fn rules<S: AsRef<str>>(rules: &[S]) -> String {
    const NAMED: usize = 12;
    let named: Vec<&str> = rules.iter().take(NAMED).map(AsRef::as_ref).collect();
    match rules.len().saturating_sub(NAMED) {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
