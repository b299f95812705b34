//! The caller: services and namespaces as the principals of their SPIFFE IDs.
//!
//! A service of the mesh has a finite number of IDs, so every test of `peer.service`, `.domain` and `.region` is a list of
//! principals. [`context_mesh_core::identity`] says which ID is which service, as in the filter.

use std::collections::BTreeSet;

use context_mesh_core::{
    artifact::tables::{MeshTable, PeerPart, Tables},
    identity::{self, Peer},
};

use super::{
    clause::{self, Clause, Clauses, Constraint, Key, known, one},
    pattern::Test,
    refusal::Refusal,
};

/// Most IDs of all services.
const MAX_IDS: usize = 10_000;

const SCHEME: &str = "spiffe://";

/// The trust domain that Istio takes for the mesh's own, whatever its name.
const LOCAL: &str = "cluster.local";

/// The identities that the mesh knows.
#[derive(Debug)]
pub(super) struct Callers<'t> {
    mesh: &'t MeshTable,
    /// The IDs of services, or why they cannot be listed.
    services: Result<Vec<Peer>, Refusal>,
}

impl<'t> Callers<'t> {
    /// Lists the IDs of the services.
    pub(super) fn new(tables: &'t Tables) -> Self {
        Self { mesh: &tables.mesh, services: ids(tables) }
    }

    fn trust_domains(&self) -> impl Iterator<Item = &str> {
        [&self.mesh.trust_domain].into_iter().chain(&self.mesh.trust_domain_aliases).map(String::as_str)
    }

    /// Returns the test of a part of the caller, or its opposite. None of these tests is ever an error.
    pub(super) fn test(&self, part: PeerPart, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
        match part {
            PeerPart::Principal => self.principal(test, negated),
            PeerPart::Namespace => named(Key::Namespace, test, negated),
            PeerPart::ServiceAccount => named(Key::Account, test, negated),
            PeerPart::Service => self.service(|peer| &peer.service, test, negated),
            PeerPart::Domain => self.service(|peer| &peer.domain, test, negated),
            PeerPart::Region => self.service(|peer| &peer.region, test, negated),
        }
    }

    fn service(&self, part: fn(&Peer) -> &str, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
        let passes = |text: &str| test.holds(text).map(|holds| holds != negated).ok_or_else(no_template);
        // All other callers have an empty name.
        let others = passes("")?;
        let mut listed = BTreeSet::new();
        for peer in self.services.as_ref().map_err(Clone::clone)? {
            if passes(part(peer))? != others {
                listed.insert(peer.principal.strip_prefix(SCHEME).unwrap_or_default().to_owned());
            }
        }
        if listed.is_empty() {
            return Ok(known(others));
        }
        self.check_aliases(&listed)?;
        Ok(one(Constraint::new(Key::Principal, others, listed)))
    }

    fn principal(&self, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
        let values: Vec<&str> = match test {
            Test::OneOf(values) => values.iter().map(String::as_str).collect(),
            Test::Prefix(prefix) => vec![prefix],
            Test::Template(_) => return Err(no_template()),
            Test::Suffix(_) | Test::Part(_) => {
                return Err(Refusal::new(
                    "Istio matches the end of a principal by a regular expression, whose `.` stands for any character",
                    "compare whole IDs, their beginning, `peer.namespace` or `peer.service`",
                ));
            }
        };
        // Whoever has no certificate has an empty principal.
        let (empty, values): (Vec<&str>, Vec<&str>) = values.into_iter().partition(|value| value.is_empty());
        let mut ids = BTreeSet::new();
        for value in values {
            let id = value.strip_prefix(SCHEME).filter(|id| !id.is_empty()).ok_or_else(|| {
                let help = format!("write the whole ID, which begins with `{SCHEME}`");
                Refusal::new(format!("Istio has no principal `{value}`"), help)
            })?;
            ids.insert(id.to_owned());
        }
        let is_prefix = matches!(test, Test::Prefix(_));
        if is_prefix && !empty.is_empty() {
            return Ok(known(!negated));
        }
        self.check_aliases(&ids)?;
        let patterns = if is_prefix {
            Test::Prefix(ids.into_iter().collect::<String>())
        } else {
            Test::OneOf(ids.into_iter().collect())
        };
        let absent = Constraint::present(Key::Principal, negated);
        match (&patterns, empty.is_empty()) {
            (Test::OneOf(ids), false) if ids.is_empty() => Ok(one(absent)),
            (_, true) => Ok(one(Constraint::new(Key::Principal, negated, patterns.patterns()?))),
            (_, false) => {
                let listed = Constraint::new(Key::Principal, negated, patterns.patterns()?);
                Ok(if negated {
                    vec![Clause(vec![absent, listed])]
                } else {
                    vec![Clause(vec![absent]), Clause(vec![listed])]
                })
            }
        }
    }

    /// Checks that Istio takes the principals for themselves. It takes those of one trust domain of the mesh for those of
    /// all, and `cluster.local` for the mesh's own.
    fn check_aliases(&self, principals: &BTreeSet<String>) -> Result<(), Refusal> {
        for principal in principals {
            let (trust_domain, path) = principal.split_once('/').unwrap_or((principal, ""));
            let own = self.trust_domains().any(|known| known == trust_domain);
            if !own && trust_domain != LOCAL {
                continue;
            }
            let whole = |known: &str| principals.contains(&format!("{known}/{path}"));
            if !self.trust_domains().all(whole) {
                let text = format!("Istio takes `{principal}` for an ID of any trust domain of the mesh");
                return Err(Refusal::new(
                    text,
                    "compare with the ID of each of `trustDomain` and `trustDomainAliases`",
                ));
            }
        }
        Ok(())
    }

    /// Replaces the namespaces and service accounts of a clause by principals.
    pub(super) fn resolve(&self, clause: &Clause) -> Result<Clauses, Refusal> {
        let of = |key: Key, negated: bool| clause.0.iter().find(|of| of.key == key && of.negated == negated);
        let (inside, outside) = (of(Key::Namespace, false), of(Key::Namespace, true));
        let (accounts, others) = (of(Key::Account, false), of(Key::Account, true));
        let is_of_caller = |of: &&Constraint| matches!(of.key, Key::Namespace | Key::Account);
        let mut found: Vec<Constraint> = clause.0.iter().filter(|of| !is_of_caller(of)).cloned().collect();
        if found.len() == clause.0.len() {
            return Ok(vec![clause.clone()]);
        }
        if !matches!(self.mesh.identity_path.as_str(), "/ns/{namespace}/sa/{service}" | "/ns/*/sa/{service}") {
            return Err(Refusal::new(
                format!("`identity: {}` of the Mesh is not the form of Istio's IDs", self.mesh.identity_path),
                "compare `peer.principal` or `peer.service`",
            ));
        }
        let ids = |namespaces: &Constraint, accounts: Option<&Constraint>| -> Vec<String> {
            let any = BTreeSet::from(["*".to_owned()]);
            let accounts = accounts.map_or(&any, |of| &of.values);
            let mut ids = Vec::new();
            for trust_domain in self.trust_domains() {
                for namespace in &namespaces.values {
                    ids.extend(accounts.iter().map(|account| format!("{trust_domain}/ns/{namespace}/sa/{account}")));
                }
            }
            ids
        };
        match (inside, accounts, others) {
            (Some(inside), Some(accounts), _) => {
                found.push(Constraint::new(Key::Principal, false, ids(inside, Some(accounts))));
            }
            (Some(inside), None, others) => {
                found.push(Constraint::new(Key::Principal, false, ids(inside, None)));
                if let Some(others) = others {
                    found.push(Constraint::new(Key::Principal, true, ids(inside, Some(others))));
                }
            }
            (None, None, None) => {}
            (None, ..) => {
                return Err(Refusal::new(
                    "Istio compares a service account only together with a namespace",
                    "add `peer.namespace == '...'` to the condition, or compare `peer.service`",
                ));
            }
        }
        if let Some(outside) = outside {
            found.push(Constraint::new(Key::Principal, true, ids(outside, None)));
        }
        let clauses = found.into_iter().map(one);
        clause::all(clauses)
    }
}

fn no_template() -> Refusal {
    Refusal::new("a regular expression about the caller has no counterpart", "compare with names")
}

/// Returns the test of a namespace or a service account.
fn named(key: Key, test: &Test, negated: bool) -> Result<Clauses, Refusal> {
    let is_name = |name: &String| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    match test {
        Test::OneOf(names) if !names.is_empty() && names.iter().all(is_name) => {
            Ok(one(Constraint::new(key, negated, names.iter().cloned())))
        }
        _ => Err(Refusal::new(
            "a namespace and a service account can only be compared as a whole",
            "compare with names, by `==` or `in`",
        )),
    }
}

/// Lists the IDs of all services.
fn ids(tables: &Tables) -> Result<Vec<Peer>, Refusal> {
    let mesh = &tables.mesh;
    let path = mesh.identity_path.as_str();
    if mesh.trust_domain.is_empty() {
        return Err(Refusal::new("the Mesh has no `trustDomain`", "add it"));
    }
    if path.contains('*') {
        let text = format!("with `identity: {path}` of the Mesh, a service has IDs in any namespace");
        return Err(Refusal::new(
            text,
            "write `{namespace}` in the place of `*`, and list the `namespaces` of each domain",
        ));
    }
    let mut principals = BTreeSet::new();
    let trust_domains: Vec<&str> =
        [&mesh.trust_domain].into_iter().chain(&mesh.trust_domain_aliases).map(String::as_str).collect();
    let mut add = |domain: u16, namespace: Option<&str>, account: &str| {
        let listed = tables.domains.get(usize::from(domain)).map_or(&[][..], |domain| &domain.namespaces);
        // Without a namespace in the path, any text is the right one.
        let mut namespaces: Vec<&str> =
            namespace.map_or_else(|| listed.iter().map(String::as_str).collect(), |one| vec![one]);
        if namespaces.is_empty() {
            namespaces.push("-");
        }
        for (trust_domain, namespace) in trust_domains.iter().flat_map(|of| namespaces.iter().map(move |ns| (of, ns))) {
            principals.insert(format!("{SCHEME}{trust_domain}{}", filled(path, namespace, account)));
        }
    };
    let (before, after) = path.split('/').find_map(|segment| segment.split_once("{service}")).unwrap_or_default();
    for service in tables.services.iter().filter(|service| !service.has_identities) {
        add(service.domain, None, &format!("{before}{}{after}", service.name));
    }
    for (name, service) in &tables.names.identities {
        let Some(service) = service.get(&tables.services) else { continue };
        match name.split_once('/') {
            _ if name.starts_with(SCHEME) => {}
            Some((namespace, account)) => add(service.domain, Some(namespace), account),
            None => add(service.domain, None, name),
        }
    }
    principals
        .extend(tables.names.identities.iter().map(|(name, _)| name.clone()).filter(|name| name.starts_with(SCHEME)));
    if principals.len() > MAX_IDS {
        return Err(Refusal::new(format!("the services have more than {MAX_IDS} IDs"), "emit smaller meshes"));
    }
    let peers = principals.iter().map(|principal| identity::peer(principal, tables));
    Ok(peers.filter(|peer| !peer.service.is_empty()).collect())
}

/// Returns the path of an ID.
fn filled(path: &str, namespace: &str, account: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        "{namespace}" => namespace,
        segment if segment.contains("{service}") => account,
        segment => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}
