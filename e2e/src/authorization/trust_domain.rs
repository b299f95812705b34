//! Trust domains that count as the same in principals.

use super::policy::MeshConfig;

/// The trust domain that stands for the mesh's own in any mesh.
const LOCAL: &str = "cluster.local";

/// Returns the principals, each once for each trust domain that counts as the one that it names.
///
/// Only a principal of five parts (`domain/ns/namespace/sa/account`) names a domain, and `*` is not one.
pub fn expand(principals: &[String], mesh: &MeshConfig) -> Vec<String> {
    let domains: Vec<&str> =
        [&mesh.trust_domain].into_iter().chain(&mesh.trust_domain_aliases).map(String::as_str).collect();
    let mut expanded = Vec::new();
    for principal in principals {
        match principal.split_once('/') {
            Some((domain, rest))
                if principal.split('/').count() == 5
                    && domain != "*"
                    && (domain == LOCAL || domains.iter().any(|known| alike(domain, known))) =>
            {
                let mut own: Vec<String> = Vec::new();
                for known in &domains {
                    // A pattern such as `*-td` already matches the domain.
                    let new = if ends_like(known, domain) { principal.clone() } else { format!("{known}/{rest}") };
                    if !own.contains(&new) {
                        own.push(new);
                    }
                }
                expanded.extend(own);
            }
            _ => expanded.push(principal.clone()),
        }
    }
    expanded
}

/// Returns whether one of the two is a pattern for the other.
fn alike(one: &str, other: &str) -> bool {
    one == other
        || other == "*"
        || begins_like(one, other)
        || begins_like(other, one)
        || ends_like(one, other)
        || ends_like(other, one)
}

fn begins_like(text: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|start| text.starts_with(start))
}

fn ends_like(text: &str, pattern: &str) -> bool {
    pattern.strip_prefix('*').is_some_and(|end| text.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_added() {
        let mesh = MeshConfig {
            trust_domain: "td1".to_owned(),
            trust_domain_aliases: vec!["old-td".to_owned()],
            ..MeshConfig::default()
        };
        let cases: [(&str, &[&str]); 7] = [
            ("td1/ns/a/sa/b", &["td1/ns/a/sa/b", "old-td/ns/a/sa/b"]),
            ("cluster.local/ns/a/sa/b", &["td1/ns/a/sa/b", "old-td/ns/a/sa/b"]),
            ("*-td/ns/a/sa/b", &["td1/ns/a/sa/b", "*-td/ns/a/sa/b"]),
            ("strange/ns/a/sa/b", &["strange/ns/a/sa/b"]),
            ("*/ns/a/sa/b", &["*/ns/a/sa/b"]),
            ("td1/ns/a/*", &["td1/ns/a/*"]),
            ("*", &["*"]),
        ];
        for (principal, expected) in cases {
            assert_eq!(expand(&[principal.to_owned()], &mesh), expected, "{principal}");
        }
    }
}
