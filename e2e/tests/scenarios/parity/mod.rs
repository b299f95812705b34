//! AuthorizationPolicies and the tree that is imported from them decide the same.
//!
//! Envoy's RBAC filter, configured as Istio configures it, and our filter decide about the same requests in one Envoy.

mod ask;
mod draw;
mod imported;
mod proxy;
mod random_sets;
mod requests;
mod sets;
mod texts;

use std::collections::BTreeMap;

use context_mesh_e2e::authorization::select::policies_of;
use context_mesh_e2e::client::Request;
use context_mesh_e2e::ports::ReservedPort;

use ask::{Answer, Decided, Talk, ask};
use draw::Draw;
use imported::{Imported, import};
use proxy::{Proxy, SECOND_URI};
use sets::{Mark, Set};

/// A difference that is known.
struct Known {
    name: &'static str,
    /// Why ours is right.
    #[expect(dead_code, reason = "for readers")]
    reason: &'static str,
    /// Whether it explains the case, in which ours denies what RBAC allows.
    explains: fn(&Case<'_>) -> bool,
}

/// What differs, in the order in which cases are explained: RBAC allows and ours denies. Each is a reason that the
/// importer has given for the policies of the set, but for the second URI, which the bootstrap refuses.
const KNOWN: [Known; 4] = [
    Known {
        name: "a certificate with two URIs",
        reason: "RBAC takes the peer for both, and the filter would only know the first: the shipped bootstraps refuse it",
        explains: |case| case.decided.report["rule"] == SECOND_URI,
    },
    Known {
        name: "a path with several readings",
        reason: "RBAC decides about one reading of the path, and the application may have another",
        explains: |case| {
            let is_odd = ["//", ";", "%", "/./", "/../"].iter().any(|part| case.request.path.contains(part));
            // The report has the readings only if they decided.
            if case.is_only_watched() { is_odd } else { case.is_stricter() && case.has("problems", ":path: ") }
        },
    },
    Known {
        name: "a header that is not UTF-8",
        reason: "conditions compare text, and a header that is none may be read in several ways",
        explains: |case| case.is_stricter() && case.has("errors", ": not-text") && case.sends_bytes(),
    },
    Known {
        name: "a claim with a line break",
        reason: "conditions read the strings of a claim as lines, and nobody who grants rights names them so",
        explains: |case| case.is_stricter() && case.has("errors", ": bad-attribute"),
    },
];

/// A request about which the two differ.
struct Case<'c> {
    set: &'c Set,
    imported: &'c Imported,
    talk: &'c Talk,
    request: &'c Request,
    decided: &'c Decided,
}

impl Case<'_> {
    /// Returns whether the importer said that a policy of the set is stricter than its source.
    fn is_stricter(&self) -> bool {
        !self.imported.stricter.is_empty()
    }

    /// Returns whether one of the texts of a list of the report contains this.
    fn has(&self, list: &str, part: &str) -> bool {
        let texts = self.decided.report[list].as_array();
        texts.is_some_and(|texts| texts.iter().any(|text| text.as_str().is_some_and(|text| text.contains(part))))
    }

    /// Returns whether both decide alike.
    fn is_only_watched(&self) -> bool {
        self.decided.rbac == self.decided.ours()
    }

    /// Returns whether audit and dry-run policies match in both.
    fn is_watched_alike(&self) -> bool {
        let [audit, deny, allow] = self.watched();
        let [dry_deny, dry_allow] = self.decided.rbac_dry;
        self.decided.report["rule"] == SECOND_URI
            || [Some(self.decided.rbac_audit), Some(dry_deny), Some(dry_allow)]
                .into_iter()
                .zip([audit, deny, allow])
                .all(|(theirs, ours)| ours.is_none() || theirs == ours)
    }

    /// Returns whether ours reports at least what RBAC does.
    fn watches_more(&self) -> bool {
        let [dry_deny, dry_allow] = self.decided.rbac_dry;
        let theirs = [self.decided.rbac_audit, dry_deny, dry_allow];
        theirs.into_iter().zip(self.watched()).all(|(theirs, ours)| ours.is_none_or(|ours| ours || !theirs))
    }

    /// Returns what the filter reports about policies that decide nothing: whether one of AUDIT matched, whether those
    /// of a dry-run DENY and ALLOW would reject the request. `None` where it reports more than one of them together.
    fn watched(&self) -> [Option<bool>; 3] {
        let texts = |list: &str| -> Vec<&str> {
            self.decided.report[list].as_array().into_iter().flatten().filter_map(|text| text.as_str()).collect()
        };
        let policies = policies_of(&self.set.resources, self.set.workload());
        let has = |action: &str, dry_run: bool| {
            policies.iter().any(|policy| {
                let own = if policy.spec.action.is_empty() { "ALLOW" } else { &policy.spec.action };
                own == action && policy.dry_run == dry_run
            })
        };
        let shadow = texts("shadow");
        let no_allow = shadow.iter().any(|name| name.ends_with("allow rules"));
        let deny = shadow.iter().any(|name| !name.ends_with("allow rules"));
        [
            Some(!texts("audited").is_empty()),
            (!has("ALLOW", true)).then_some(deny),
            (!has("ALLOW", false) && !has("DENY", true)).then_some(no_allow),
        ]
    }

    fn sends_bytes(&self) -> bool {
        self.request.headers.iter().any(|(_, value)| std::str::from_utf8(value).is_err())
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { set, talk, request, decided, .. } = self;
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value);
                format!("{name}: {}", value.chars().take(120).collect::<String>())
            })
            .collect();
        let said = |allowed: bool| if allowed { "allows" } else { "denies" };
        write!(
            f,
            "{}: RBAC {}, ours {}\n  {} {} host {:?} {headers:?}\n  {:?}\n  {}",
            set.name,
            said(decided.rbac),
            said(decided.ours()),
            request.method,
            request.path,
            request.authority,
            talk.link,
            decided.report
        )
    }
}

/// The size of a comparison.
struct Size {
    seed: u64,
    connections: usize,
    /// Requests on each connection.
    requests: usize,
    /// How many percent of the requests of a set each answer has at least, but for sets with only one answer. With 0, a
    /// few sets may have only one by chance.
    share: usize,
}

/// What was found about a set.
#[derive(Debug, Default)]
struct Found {
    allowed: usize,
    denied: usize,
    /// Answers before both, by status.
    before: BTreeMap<u16, usize>,
    /// How often a known difference was met.
    known: BTreeMap<&'static str, usize>,
    /// Other differences.
    different: Vec<String>,
}

impl Found {
    fn add(&mut self, set: &Set, imported: &Imported, talk: &Talk, request: &Request, answer: &Answer) {
        let decided = match answer {
            Answer::Before(status) => {
                *self.before.entry(*status).or_default() += 1;
                return;
            }
            Answer::Decided(decided) => decided,
        };
        if decided.rbac {
            self.allowed += 1
        } else {
            self.denied += 1
        }
        let case = Case { set, imported, talk, request, decided };
        let what = if !case.is_only_watched() {
            "the decision"
        } else if !case.is_watched_alike() {
            "what is only watched"
        } else {
            return;
        };
        // Ours may be stricter, and may watch more. It is never the other way round.
        let is_stricter = if case.is_only_watched() { case.watches_more() } else { decided.rbac };
        match KNOWN.iter().find(|known| is_stricter && (known.explains)(&case)) {
            Some(kind) => *self.known.entry(kind.name).or_default() += 1,
            None => self.different.push(format!("{what} differs: {case}")),
        }
    }

    /// Returns what is wrong with the requests of a set: that they say too little.
    fn one_sided(&self, set: &Set, share: usize) -> Option<String> {
        let percent = |part: usize| part * 100 / (self.allowed + self.denied).max(1);
        let fine = match set.mark {
            Some(Mark::AlwaysAllowed) => self.denied == 0 && self.allowed > 0,
            Some(Mark::AlwaysDenied) => self.allowed == 0 && self.denied > 0,
            _ => self.allowed > 0 && self.denied > 0 && percent(self.allowed.min(self.denied)) >= share,
        };
        let Self { allowed, denied, .. } = self;
        (!fine).then(|| format!("{}: RBAC allows {allowed} requests and denies {denied}", set.name))
    }
}

/// Compares sets, by name and text. Returns how many requests both decided.
fn compare(texts: &[(String, String)], size: &Size) -> usize {
    let (mut sets, mut ports, mut wrong, mut refused) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for (name, text) in texts {
        let port = ReservedPort::reserve().unwrap();
        let set = Set::new(name, text, port.port());
        match (import(&set), set.mark == Some(Mark::Refused)) {
            (Ok(imported), false) => {
                sets.push((set, imported));
                ports.push(port);
            }
            (Err(_), true) => {}
            (Ok(_), true) => wrong.push(format!("{name} is imported, and marked as refused")),
            // A random one may be too large.
            (Err(why), false) if name.starts_with(RANDOM) && why.contains("units of fuel") => refused += 1,
            (Err(why), false) => wrong.push(format!("{name} is refused: {why}")),
        }
    }
    let proxy = Proxy::start(&sets, ports);
    let talks: Vec<Talk> = sets
        .iter()
        .enumerate()
        .flat_map(|(at, (set, _))| {
            let seed = size.seed.wrapping_add(u64::try_from(at).unwrap().wrapping_mul(7919));
            requests::talks(set, at, &proxy.signer, seed, size.connections, size.requests)
        })
        .collect();
    let answers = ask(&proxy, &talks);
    let mut found: Vec<Found> = sets.iter().map(|_| Found::default()).collect();
    for (talk, answers) in talks.iter().zip(&answers) {
        let (set, imported) = &sets[talk.set];
        for (request, answer) in talk.requests.iter().zip(answers) {
            found[talk.set].add(set, imported, talk, request, answer);
        }
    }
    let decided: usize = found.iter().map(|found| found.allowed + found.denied).sum();
    let mut one_sided = Vec::new();
    let (mut known, mut before) = (BTreeMap::<&str, usize>::new(), BTreeMap::<u16, usize>::new());
    for ((set, imported), found) in sets.iter().zip(&found) {
        found.known.iter().for_each(|(name, count)| *known.entry(name).or_default() += count);
        found.before.iter().for_each(|(status, count)| *before.entry(*status).or_default() += count);
        if !found.different.is_empty() {
            let shown = found.different.iter().take(3).cloned().collect::<Vec<_>>().join("\n");
            wrong.push(format!("{} differences, of the tree\n{}{shown}", found.different.len(), imported.text));
        }
        if !set.name.starts_with(RANDOM) {
            one_sided.extend(found.one_sided(set, size.share));
        }
    }
    eprintln!(
        "{decided} requests about {} sets; {refused} sets refused; before both: {before:?}; known: {known:?}",
        sets.len()
    );
    // With few requests of each set, chance may leave out an answer.
    if size.share > 0 || one_sided.len() * 20 > sets.len() {
        wrong.extend(one_sided);
    }
    assert!(wrong.is_empty(), "{} of {} sets:\n{}", wrong.len(), texts.len(), wrong.join("\n"));
    assert!(refused * 10 <= texts.len(), "{refused} of {} sets are refused", texts.len());
    let log = proxy.envoy.log().unwrap();
    assert!(!log.contains("panicked") && !log.contains("Uncaught"), "{log}");
    decided
}

/// How the names of random sets begin.
const RANDOM: &str = "random";

#[test]
fn imported_policies_decide_as_rbac_does() {
    let mut texts = sets::written();
    assert!(texts.len() >= 150, "{} sets", texts.len());
    texts.extend(random_sets::sets(1, 10));
    let decided = compare(&texts, &Size { seed: 1, connections: 6, requests: 4, share: 0 });
    assert!(decided >= 4500, "{decided} requests");
}

#[test]
#[ignore = "minutes: `make prove` runs it"]
fn prove_that_imported_policies_decide_as_rbac_does() {
    let mut decided = 0;
    for seed in 1..=2 {
        let mut texts = sets::written();
        texts.extend(random_sets::sets(seed * 1000, 60));
        for policies in [30, 100] {
            texts.push(random_sets::set(&mut Draw::new(seed), &format!("{policies} policies"), policies));
        }
        decided += compare(&texts, &Size { seed, connections: 24, requests: 5, share: 3 });
    }
    assert!(decided >= 40_000, "{decided} requests");
}
