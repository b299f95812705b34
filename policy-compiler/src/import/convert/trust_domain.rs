//! Principals of all trust domains of the mesh: a principal of one of them means the same workload in each.

use crate::import::istio::MeshConfig;

/// The trust domain that stands for the mesh's own, whatever that is called.
const LOCAL: &str = "cluster.local";

/// Returns the principals, without `spiffe://`, that a principal of a policy stands for.
pub(super) fn expand(principal: &str, mesh: &MeshConfig) -> Vec<String> {
    let unchanged = vec![principal.to_owned()];
    let Some((domain, rest)) = principal.split_once('/') else { return unchanged };
    // Only the five parts of `DOMAIN/ns/NAMESPACE/sa/ACCOUNT` have a trust domain, and `*` is any.
    if rest.split('/').count() != 4 || domain == "*" {
        return unchanged;
    }
    let own = || std::iter::once(&mesh.trust_domain).chain(&mesh.trust_domain_aliases);
    if domain != LOCAL && !own().any(|known| is_of(domain, known)) {
        return unchanged;
    }
    let mut found: Vec<String> = Vec::new();
    for known in own() {
        let replaced = if ends_as(known, domain) { principal.to_owned() } else { format!("{known}/{rest}") };
        if !found.contains(&replaced) {
            found.push(replaced);
        }
    }
    found
}

/// Whether one of two trust domains, each of which may be a pattern, matches the other.
fn is_of(domain: &str, known: &str) -> bool {
    domain == known
        || known == "*"
        || begins_as(domain, known)
        || begins_as(known, domain)
        || ends_as(domain, known)
        || ends_as(known, domain)
}

fn begins_as(text: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|begin| text.starts_with(begin))
}

fn ends_as(text: &str, pattern: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_is_one_of_each_trust_domain() {
        let mesh = MeshConfig {
            trust_domain: "new-td".to_owned(),
            trust_domain_aliases: vec!["old-td".to_owned(), "third".to_owned()],
            ..MeshConfig::default()
        };
        for (principal, expected) in [
            ("new-td/ns/a/sa/b", &["new-td/ns/a/sa/b", "old-td/ns/a/sa/b", "third/ns/a/sa/b"][..]),
            ("old-td/ns/a/sa/b", &["new-td/ns/a/sa/b", "old-td/ns/a/sa/b", "third/ns/a/sa/b"]),
            ("cluster.local/ns/a/sa/b", &["new-td/ns/a/sa/b", "old-td/ns/a/sa/b", "third/ns/a/sa/b"]),
            ("*-td/ns/a/sa/b", &["*-td/ns/a/sa/b", "third/ns/a/sa/b"]),
            ("foreign/ns/a/sa/b", &["foreign/ns/a/sa/b"]),
            ("*/ns/a/sa/b", &["*/ns/a/sa/b"]),
            ("new-td/ns/a/*", &["new-td/ns/a/*"]),
            ("*", &["*"]),
            ("new-td/ns/a/sa/b*", &["new-td/ns/a/sa/b*", "old-td/ns/a/sa/b*", "third/ns/a/sa/b*"]),
        ] {
            assert_eq!(expand(principal, &mesh), expected, "{principal}");
        }
    }
}
