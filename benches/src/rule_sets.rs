//! The rules of the measurements: sets of 10 to 10,000 deny rules of which none matches, so that every engine has to
//! rule out all of them.
//!
//! A condition is data, so that it can be written in the language of each engine.

use std::fmt::Write as _;

/// The numbers of rules that are measured.
pub const COUNTS: [usize; 4] = [10, 100, 1000, 10_000];

/// The kinds of rule sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    /// Every rule compares the tenant and the beginning of the path.
    Uniform,
    /// Equality, prefixes, membership, patterns, ranges and negation; a tenth cannot be found by a key.
    Mixed,
}

/// Both kinds.
pub const SETS: [Set; 2] = [Set::Uniform, Set::Mixed];

/// What a term reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Path and query of the request.
    Path,
    /// A field of the context.
    Field(&'static str),
    /// A header of the request.
    Header(&'static str),
}

/// One part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// The text is this one.
    Is(Read, String),
    /// The text is another one.
    IsNot(Read, String),
    /// The text begins with this one.
    StartsWith(Read, String),
    /// The text is one of these.
    IsOneOf(Read, Vec<String>),
    /// The path begins with `/<first>/v`, a number, and `/`.
    PathWithVersion(String),
    /// The number is at least the first and less than the second.
    Within(&'static str, usize, usize),
    /// Twice the number is this one. No key finds such a rule.
    TwiceIs(&'static str, usize),
}

/// The condition of a rule: all of its terms.
pub type Condition = Vec<Term>;

impl Set {
    /// Returns the word for the set in the names of figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "rules",
            Self::Mixed => "mixed",
        }
    }

    /// Returns the condition of a rule.
    pub fn condition(self, number: usize) -> Condition {
        match self {
            Self::Uniform => tenant_and_path(Read::Field("tenant_id"), number),
            Self::Mixed => mixed(number),
        }
    }

    /// Returns the conditions of this number of rules.
    pub fn conditions(self, count: usize) -> Vec<Condition> {
        (0..count).map(|number| self.condition(number)).collect()
    }
}

/// Returns the condition of a rule of [`Set::Uniform`], with the tenant from a field or header.
pub fn tenant_and_path(tenant: Read, number: usize) -> Condition {
    vec![Term::Is(tenant, format!("tenant_{number}")), path(number)]
}

fn path(number: usize) -> Term {
    Term::StartsWith(Read::Path, format!("/svc{number}/"))
}

fn mixed(number: usize) -> Condition {
    let tenant = || Term::Is(Read::Field("tenant_id"), format!("tenant_{number}"));
    match number % 10 {
        0..=2 => vec![tenant(), path(number)],
        3 | 4 => {
            let tenants = ["eu", "us", "asia"].map(|region| format!("tenant_{region}_{number}"));
            vec![Term::IsOneOf(Read::Field("tenant_id"), tenants.to_vec()), path(number)]
        }
        5 => vec![Term::StartsWith(Read::Path, format!("/svc{number}/admin/"))],
        6 => vec![tenant(), Term::Within("attempt", 1000 + number, 2000 + number)],
        7 => vec![Term::PathWithVersion(format!("svc{number}")), Term::Is(Read::Field("loyalty_tier"), "none".into())],
        8 => vec![Term::IsNot(Read::Field("loyalty_tier"), "gold".to_owned()), path(number)],
        _ => vec![Term::TwiceIs("attempt", 1000 + number), path(number)],
    }
}

/// Returns a condition in CEL.
pub fn cel(condition: &Condition) -> String {
    condition.iter().map(cel_term).collect::<Vec<_>>().join(" && ")
}

fn cel_term(term: &Term) -> String {
    match term {
        Term::Is(read, text) => format!("{} == '{text}'", cel_read(*read)),
        Term::IsNot(read, text) => format!("{} != '{text}'", cel_read(*read)),
        Term::StartsWith(read, text) => format!("{}.startsWith('{text}')", cel_read(*read)),
        Term::IsOneOf(read, texts) => {
            let texts: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
            format!("{} in [{}]", cel_read(*read), texts.join(", "))
        }
        Term::PathWithVersion(first) => format!("request.path.matches('^/{first}/v[0-9]+/')"),
        Term::Within(field, low, high) => format!("context.{field} >= {low} && context.{field} < {high}"),
        Term::TwiceIs(field, value) => format!("context.{field} * 2 == {value}"),
    }
}

fn cel_read(read: Read) -> String {
    match read {
        Read::Path => "request.path".to_owned(),
        Read::Field(name) => format!("context.{name}"),
        Read::Header(name) => format!("request.headers['{name}']"),
    }
}

/// Returns a policy tree for one workload with these rules. Its mesh and fields are those of the measured sidecar.
pub fn tree(conditions: &[Condition]) -> String {
    let mut tree = format!("{MESH}---\n{SCHEMA}");
    if conditions.is_empty() {
        return tree;
    }
    tree.push_str(
        "---\napiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: many}\nspec:\n  \
         workloads: [checkout-service]\n  rules:\n",
    );
    for (number, condition) in conditions.iter().enumerate() {
        let when = cel(condition);
        let _ =
            writeln!(tree, "    - {{name: rule-{number}, when: \"{when}\", deny: {{status: 403, message: not here}}}}");
    }
    tree
}

const MESH: &str = "apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {name: many}
spec:
  trustDomain: shop.example
  domains:
    shop: {services: [web-frontend, checkout-service, payment-service], namespaces: [default], region: us}
";

const SCHEMA: &str = "apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {name: common, version: 1.0.0}
spec:
  fields:
    tenant_id: {type: string, header: x-tenant-id, maxBytes: 64, description: the customer}
    user_id: {type: string, header: x-user-id, maxBytes: 64, description: the user}
    loyalty_tier: {type: string, maxBytes: 16, description: what the user has earned}
    correlation_id: {type: string, maxBytes: 80, description: one id for all that a request sets in motion}
    environment: {type: string, enum: [production, staging], description: where it runs}
    feature_flags: {type: list<string>, maxItems: 16, maxBytes: 256, description: what is switched on}
    attempt: {type: int, description: how often it was tried}
    caller: {type: string, description: the service that sent the request}
";

#[cfg(test)]
mod tests {
    use policy_compiler::report::source::Sources;

    use super::*;

    #[test]
    fn a_condition_reads_as_people_write_it() {
        let uniform = cel(&Set::Uniform.condition(7));
        assert_eq!(uniform, "context.tenant_id == 'tenant_7' && request.path.startsWith('/svc7/')");
        let mixed: Vec<String> = (3..10).map(|number| cel(&Set::Mixed.condition(number))).collect();
        assert_eq!(
            mixed,
            [
                "context.tenant_id in ['tenant_eu_3', 'tenant_us_3', 'tenant_asia_3'] && \
                 request.path.startsWith('/svc3/')",
                "context.tenant_id in ['tenant_eu_4', 'tenant_us_4', 'tenant_asia_4'] && \
                 request.path.startsWith('/svc4/')",
                "request.path.startsWith('/svc5/admin/')",
                "context.tenant_id == 'tenant_6' && context.attempt >= 1006 && context.attempt < 2006",
                "request.path.matches('^/svc7/v[0-9]+/') && context.loyalty_tier == 'none'",
                "context.loyalty_tier != 'gold' && request.path.startsWith('/svc8/')",
                "context.attempt * 2 == 1009 && request.path.startsWith('/svc9/')",
            ]
        );
    }

    #[test]
    fn every_set_compiles_without_a_warning() {
        for set in SETS {
            let mut sources = Sources::new("many");
            sources.add("policy.yaml", tree(&set.conditions(100)));
            let compiled =
                policy_compiler::compile(&sources).unwrap_or_else(|found| panic!("{}", found.to_text(&sources)));
            assert_eq!(compiled.warnings.to_text(&sources), "");
            assert_eq!(compiled.tables.rules.len(), 100);
        }
    }
}
