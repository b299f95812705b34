//! Combinations of constraints: a rule of an AuthorizationPolicy is a clause, and its rules are alternatives.

use std::collections::BTreeSet;

use super::{pattern, refusal::Refusal};

/// Most clauses of one rule of the tree, and of the allow rules of a workload.
pub(super) const MAX_CLAUSES: usize = 128;

/// What a constraint is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The SPIFFE ID of the caller, without `spiffe://`.
    Principal,
    /// The namespace of the caller. [`super::peer::resolve`] turns it into principals.
    Namespace,
    /// The service account of the caller, likewise.
    Account,
    /// The address of the connection.
    DirectIp,
    /// The address of the client behind trusted hops.
    RemoteIp,
    /// The authority, compared without case.
    Host,
    /// The method.
    Method,
    /// The path without the query.
    Path,
    /// The port that the connection was made to.
    Port,
    /// The server name that the client asked for.
    Sni,
    /// A header, by name.
    Header(String),
    /// A claim of the token, by its path: `[realm_access][roles]`.
    Claim(String),
}

impl Key {
    /// Whether a rule can have several constraints of this kind that must all hold: conditions of `when`.
    fn repeats(&self) -> bool {
        !matches!(self, Self::Host | Self::Method | Self::Path)
    }
}

/// Values of which one matches, or none if `negated`. The values are Istio's patterns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Constraint {
    pub(super) key: Key,
    pub(super) negated: bool,
    pub(super) values: BTreeSet<String>,
}

impl Constraint {
    /// Creates a constraint.
    pub(super) fn new(key: Key, negated: bool, values: impl IntoIterator<Item = String>) -> Self {
        Self { key, negated, values: values.into_iter().collect() }
    }

    /// Creates the constraint that something has a value, or has none.
    pub(super) fn present(key: Key, present: bool) -> Self {
        Self::new(key, !present, ["*".to_owned()])
    }

    /// Returns the patterns that match what both constraints match.
    fn values_of(&self, other: &Self) -> Result<BTreeSet<String>, Refusal> {
        let mut both = BTreeSet::new();
        for (left, right) in self.values.iter().flat_map(|left| other.values.iter().map(move |right| (left, right))) {
            both.extend(pattern::intersection(left, right)?);
        }
        Ok(both)
    }

    /// Whether each value stands for the one text that a request has. A network stands for many, and a claim can have
    /// several texts.
    fn is_exact(&self) -> bool {
        let is_text = !matches!(self.key, Key::DirectIp | Key::RemoteIp | Key::Claim(_));
        is_text && self.values.iter().all(|value| pattern::is_exact(value))
    }
}

/// Constraints that must all hold; none holds always. Sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Clause(pub(super) Vec<Constraint>);

/// Clauses of which one must hold; none never holds.
pub(super) type Clauses = Vec<Clause>;

/// Returns what holds always, or never.
pub(super) fn known(value: bool) -> Clauses {
    if value { vec![Clause::default()] } else { Vec::new() }
}

/// Returns what holds if the constraint does.
pub(super) fn one(constraint: Constraint) -> Clauses {
    vec![Clause(vec![constraint])]
}

/// Returns what holds if one of the parts does. Alternatives are joined where that leaves the meaning as it is.
pub(super) fn any(parts: impl IntoIterator<Item = Clauses>) -> Result<Clauses, Refusal> {
    let mut found: Clauses = Vec::new();
    for clause in parts.into_iter().flatten() {
        add(&mut found, clause);
        if found.len() > MAX_CLAUSES {
            return Err(too_many());
        }
    }
    Ok(found)
}

/// Returns what holds if all parts do.
pub(super) fn all(parts: impl IntoIterator<Item = Clauses>) -> Result<Clauses, Refusal> {
    let mut found = known(true);
    for part in parts {
        let mut next = Vec::new();
        for (left, right) in found.iter().flat_map(|left| part.iter().map(move |right| (left, right))) {
            let Some(clause) = left.and(right)? else { continue };
            add(&mut next, clause);
            if next.len() > MAX_CLAUSES {
                return Err(too_many());
            }
        }
        found = next;
    }
    Ok(found)
}

/// Adds an alternative. It is joined with another one, or left out where another one includes it.
fn add(found: &mut Clauses, clause: Clause) {
    if found.iter().any(|known| known.includes(&clause)) {
        return;
    }
    found.retain(|known| !clause.includes(known));
    let joined = found.iter().enumerate().find_map(|(index, known)| Some((index, known.or(&clause)?)));
    match joined.and_then(|(index, joined)| Some((found.get_mut(index)?, joined))) {
        Some((known, joined)) => *known = joined,
        None => found.push(clause),
    }
}

fn too_many() -> Refusal {
    Refusal::new(
        format!("its alternatives multiply to more than {MAX_CLAUSES} rules of Istio"),
        "write it with fewer `||` inside of `&&`",
    )
}

impl Clause {
    /// Returns the clause that holds if both do, or `None` if nothing satisfies both.
    pub(super) fn and(&self, other: &Self) -> Result<Option<Self>, Refusal> {
        let mut found = self.clone();
        for constraint in &other.0 {
            if !found.add(constraint)? {
                return Ok(None);
            }
        }
        found.0.sort();
        found.0.dedup();
        Ok(found.narrowed())
    }

    /// Adds a constraint. Returns whether anything can satisfy the clause still.
    fn add(&mut self, added: &Constraint) -> Result<bool, Refusal> {
        let same = |known: &&mut Constraint| known.key == added.key && known.negated == added.negated;
        let Some(known) = self.0.iter_mut().find(same) else {
            self.0.push(added.clone());
            return Ok(true);
        };
        if added.negated {
            known.values.extend(added.values.iter().cloned());
        } else if known.is_exact() || (added.is_exact() && added.key.repeats()) {
            let (texts, patterns) = if known.is_exact() { (&*known, added) } else { (added, &*known) };
            known.values = texts.values_of(patterns)?;
            return Ok(!known.values.is_empty());
        } else if added.key.repeats() {
            self.0.push(added.clone());
        } else {
            known.values = known.values_of(added)?;
            return Ok(!known.values.is_empty());
        }
        Ok(true)
    }

    /// Removes values that the negated constraints exclude, and constraints that others imply. Returns `None` if nothing
    /// satisfies the clause.
    fn narrowed(mut self) -> Option<Self> {
        // Whoever has a certain value has one.
        let certain: Vec<Key> =
            self.0.iter().filter(|of| !of.negated && !is_any(of)).map(|of| of.key.clone()).collect();
        self.0.retain(|of| of.negated || !is_any(of) || !certain.contains(&of.key));
        let decided: Vec<Key> =
            self.0.iter().filter(|of| !of.negated && of.is_exact()).map(|of| of.key.clone()).collect();
        let excluded: Vec<Constraint> = self
            .0
            .iter()
            .filter(|of| of.negated && decided.contains(&of.key) && !of.values.iter().any(|v| pattern::is_template(v)))
            .cloned()
            .collect();
        for of in self.0.iter_mut().filter(|of| !of.negated && of.is_exact()) {
            for not in excluded.iter().filter(|not| not.key == of.key) {
                of.values.retain(|value| !not.values.iter().any(|pattern| pattern::matches(pattern, value)));
            }
            if of.values.is_empty() {
                return None;
            }
        }
        self.0.retain(|of| !excluded.contains(of));
        // Nothing is at once absent and there.
        let absent = |of: &Constraint| of.negated && of.values.contains("*");
        let contradicts =
            |of: &Constraint| absent(of) && self.0.iter().any(|other| !other.negated && other.key == of.key);
        if self.0.iter().any(contradicts) { None } else { Some(self) }
    }

    /// Whether it holds wherever the other one does, because it asks for less.
    fn includes(&self, other: &Self) -> bool {
        self.0.iter().all(|of| other.0.contains(of))
    }

    /// Returns the clause that holds if one of both does, if they differ in the values of one constraint only.
    fn or(&self, other: &Self) -> Option<Self> {
        if self.0.len() != other.0.len() {
            return None;
        }
        let differ: Vec<usize> =
            self.0.iter().zip(&other.0).enumerate().filter(|(_, (a, b))| a != b).map(|(index, _)| index).collect();
        match *differ.as_slice() {
            [] => Some(self.clone()),
            [at] => {
                let (a, b) = (self.0.get(at)?, other.0.get(at)?);
                if a.key != b.key || a.negated || b.negated {
                    return None;
                }
                let mut joined = self.clone();
                joined.0.get_mut(at)?.values.extend(b.values.iter().cloned());
                joined.0.sort();
                Some(joined)
            }
            _ => None,
        }
    }
}

/// Whether a constraint asks only for some value.
fn is_any(of: &Constraint) -> bool {
    of.values.len() == 1 && of.values.contains("*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: Key, values: &[&str]) -> Clauses {
        one(Constraint::new(key, false, values.iter().map(|value| (*value).to_owned())))
    }

    fn not(key: Key, values: &[&str]) -> Clauses {
        one(Constraint::new(key, true, values.iter().map(|value| (*value).to_owned())))
    }

    fn either(parts: [Clauses; 2]) -> Clauses {
        any(parts).unwrap()
    }

    fn shown(clauses: &Clauses) -> String {
        let constraint = |of: &Constraint| {
            let values: Vec<&str> = of.values.iter().map(String::as_str).collect();
            format!("{}{:?}={}", if of.negated { "!" } else { "" }, of.key, values.join("|"))
        };
        let clause = |clause: &Clause| clause.0.iter().map(constraint).collect::<Vec<_>>().join(" ");
        clauses.iter().map(clause).collect::<Vec<_>>().join(" or ")
    }

    #[test]
    fn clauses_are_combined_and_joined() {
        use Key::{DirectIp, Header, Method, Path, Principal};
        let name = || Header("x".to_owned());
        let claim = || Key::Claim("[c]".to_owned());
        for (parts, expected) in [
            (vec![of(Method, &["GET", "PUT"]), of(Method, &["GET", "POST"])], "Method=GET"),
            (vec![of(Method, &["GET"]), of(Method, &["POST"])], ""),
            (vec![of(Method, &["GET", "PUT"]), not(Method, &["PUT"])], "Method=GET"),
            (vec![of(Method, &["PUT"]), not(Method, &["PUT"])], ""),
            (vec![not(Method, &["PUT"]), not(Method, &["GET"])], "!Method=GET|PUT"),
            (vec![of(Path, &["/a*", "/b"]), of(Path, &["/a/b*", "/b"])], "Path=/a/b*|/b"),
            (vec![of(Path, &["/a*"]), not(Path, &["/a/b"])], "Path=/a* !Path=/a/b"),
            (vec![of(Path, &["/a/b"]), not(Path, &["/a*"])], ""),
            (vec![of(Principal, &["a/*"]), of(Principal, &["a/b*"])], "Principal=a/* Principal=a/b*"),
            (vec![of(Principal, &["*"]), of(Principal, &["a/b"])], "Principal=a/b"),
            (vec![not(Principal, &["*"]), of(Principal, &["a/b"])], ""),
            (vec![of(name(), &["*"]), not(name(), &["a"])], "Header(\"x\")=* !Header(\"x\")=a"),
            (vec![of(name(), &["*"]), not(name(), &["*"])], ""),
            (vec![of(claim(), &["a"]), of(claim(), &["b"])], "Claim(\"[c]\")=a Claim(\"[c]\")=b"),
            (vec![of(claim(), &["a"]), not(claim(), &["b"])], "Claim(\"[c]\")=a !Claim(\"[c]\")=b"),
            (
                vec![of(DirectIp, &["10.0.0.0/8"]), not(DirectIp, &["10.1.0.0/16"])],
                "DirectIp=10.0.0.0/8 !DirectIp=10.1.0.0/16",
            ),
            (
                vec![either([of(Method, &["GET"]), of(Path, &["/a"])]), not(Path, &["/b"])],
                "Method=GET !Path=/b or Path=/a",
            ),
            (vec![either([of(Method, &["GET"]), of(Method, &["PUT"])])], "Method=GET|PUT"),
            (vec![either([not(Method, &["GET"]), not(Method, &["PUT"])])], "!Method=GET or !Method=PUT"),
            (vec![either([of(Method, &["GET"]), known(true)])], ""),
            (vec![either([all([of(Method, &["GET"]), of(Path, &["/a"])]).unwrap(), of(Path, &["/a"])])], "Path=/a"),
        ] {
            assert_eq!(shown(&all(parts.clone()).unwrap()), expected, "{parts:?}");
        }
        assert_eq!(all([known(true)]).unwrap(), known(true));
        assert!(all([of(Path, &["/a*"]), of(Path, &["*.png"])]).is_err());
    }

    #[test]
    fn alternatives_that_multiply_are_refused() {
        let pair =
            |n: usize| either([of(Key::Header(format!("a{n}")), &["1"]), of(Key::Header(format!("b{n}")), &["1"])]);
        assert_eq!(all((0..7).map(pair)).unwrap().len(), MAX_CLAUSES);
        assert!(all((0..8).map(pair)).unwrap_err().text.contains("more than 128"));
    }
}
