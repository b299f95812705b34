//! New policies reach one sidecar after the other. At every moment all sidecars understand each other.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_core::artifact::load;
use context_mesh_core::carrier::mesh_header;
use context_mesh_e2e::client::{Request, Response};
use context_mesh_e2e::mesh::{Mesh, MeshBuilder, PushOutcome};
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Role;
use policy_compiler::check::lock;

use crate::support::*;

/// The services of the chain, each calling the next.
const CHAIN: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// Number of simultaneous requests while sidecars are updated.
const SENDERS: usize = 4;

/// A change of a schema: its row in `docs/schemas.md`, the field before and after (`None`: not declared), and a value
/// that is valid for both.
struct Row(&'static str, Option<&'static str>, Option<&'static str>, &'static str);

const ROWS: [Row; 41] = [
    Row("optional field added", None, Some("type: string"), "\"a\""),
    Row("field added with residency", None, Some("type: string, residency: [eu]"), "\"a\""),
    Row("field added above internal", None, Some("type: string, classification: pii"), "\"a\""),
    Row("required field added", None, Some("type: string, required: true"), "\"a\""),
    Row("optional field removed", Some("type: string"), None, "\"a\""),
    Row("required field removed", Some("type: string, required: true"), None, "\"a\""),
    Row("required set", Some("type: string"), Some("type: string, required: true"), "\"a\""),
    Row("int to double", Some("type: int"), Some("type: double"), "5"),
    Row("anything to json", Some("type: list<string>"), Some("type: json"), "[\"a\",\"b\"]"),
    Row("any other change of type", Some("type: double"), Some("type: int"), "5"),
    Row(
        "enum widened",
        Some("type: string, enum: [low, high]"),
        Some("type: string, enum: [low, mid, high]"),
        "\"low\"",
    ),
    Row("enum taken away", Some("type: string, enum: [low, high]"), Some("type: string"), "\"high\""),
    Row("enum narrowed", Some("type: string, enum: [low, high]"), Some("type: string, enum: [low]"), "\"low\""),
    Row("enum set", Some("type: string"), Some("type: string, enum: [fast, slow]"), "\"fast\""),
    Row(
        "enum of a list set",
        Some("type: list<string>"),
        Some("type: list<string>, enum: [x1, x2]"),
        "[\"x1\",\"x2\"]",
    ),
    Row("pattern takes more", Some("type: string, pattern: 'a+'"), Some("type: string, pattern: '[ab]+'"), "\"aa\""),
    Row("pattern takes fewer", Some("type: string, pattern: '[ab]+'"), Some("type: string, pattern: 'a+'"), "\"aa\""),
    Row(
        "pattern takes others",
        Some("type: string, pattern: '[ab]+'"),
        Some("type: string, pattern: '[ac]+'"),
        "\"a\"",
    ),
    Row("limits loosened", Some("type: int, minimum: 3, maximum: 7"), Some("type: int, minimum: 0, maximum: 9"), "5"),
    Row("limits tightened", Some("type: int, minimum: 0, maximum: 9"), Some("type: int, minimum: 3, maximum: 7"), "5"),
    Row("items loosened", Some("type: list<int>, maxItems: 3"), Some("type: list<int>, maxBytes: 99"), "[1,2,3]"),
    Row("ttl longer", Some("type: string, ttl: 60s"), Some("type: string, ttl: 1h"), "\"a\""),
    Row("ttl taken away", Some("type: string, ttl: 60s"), Some("type: string"), "\"a\""),
    Row("ttl shorter", Some("type: string, ttl: 1h"), Some("type: string, ttl: 60s"), "\"a\""),
    Row("ttl set", Some("type: string"), Some("type: string, ttl: 60s"), "\"a\""),
    Row("immutable set", Some("type: string"), Some("type: string, immutable: true"), "\"a\""),
    Row("immutable taken away", Some("type: string, immutable: true"), Some("type: string"), "\"a\""),
    Row("consistency made strong", Some("type: string"), Some("type: string, consistency: strong"), "\"a\""),
    Row("consistency no longer strong", Some("type: string, consistency: strong"), Some("type: string"), "\"a\""),
    Row("session to eventual", Some("type: string"), Some("type: string, consistency: eventual"), "\"a\""),
    Row("merge changed", Some("type: list<string>"), Some("type: list<string>, merge: union"), "[\"a\"]"),
    Row("header added", Some("type: string"), Some("type: string, header: x-added"), "\"a\""),
    Row("header changed", Some("type: string, header: x-one"), Some("type: string, header: x-two"), "\"a\""),
    Row("header removed", Some("type: string, header: x-gone"), Some("type: string"), "\"a\""),
    Row("classification loosened", Some("type: string, classification: pii"), Some("type: string"), "\"a\""),
    Row("classification tightened", Some("type: string"), Some("type: string, classification: phi"), "\"a\""),
    Row("pii to phi", Some("type: string, classification: pii"), Some("type: string, classification: phi"), "\"a\""),
    Row(
        "residency with more regions",
        Some("type: string, residency: [eu]"),
        Some("type: string, residency: [eu, us]"),
        "\"a\"",
    ),
    Row(
        "residency with fewer regions",
        Some("type: string, residency: [eu, us]"),
        Some("type: string, residency: [eu]"),
        "\"a\"",
    ),
    Row("residency set", Some("type: string"), Some("type: string, residency: [eu]"), "\"a\""),
    Row("description changed", Some("type: string, description: one"), Some("type: string, description: two"), "\"a\""),
];

/// One of two versions of the tree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    Old,
    New,
}

/// Returns a tree with these rows. The new one also has another service, another domain, and a rule with a constant and
/// an enum value that the old one does not have. One field moves to the schema of another domain.
fn tree(rows: &[(usize, &Row)], version: Version, window: &str) -> String {
    let declared = |(number, row): &(usize, &Row)| {
        let options = if version == Version::Old { row.1 } else { row.2 };
        options.map(|options| format!("    f{number}: {{{options}}}\n"))
    };
    let fields: String = rows.iter().filter_map(declared).collect();
    let (services, domains, moved, rule) = match version {
        Version::Old => ("s1, s2, s3, s4, client", "", "", ""),
        Version::New => (
            "s1, s2, s3, s4, client, s5",
            "    added: {services: [s6], region: eu}\n",
            ", domain: other",
            r#"
---
apiVersion: contextmesh.io/v1
kind: ContextPolicy
metadata: {name: new-rule}
spec:
  workloads: ["*"]
  rules:
    - name: new-constant
      when: "context.moved == 'a-new-constant'"
      deny: {status: 403, message: never}
"#,
        ),
    };
    format!(
        r#"
apiVersion: contextmesh.io/v1
kind: Mesh
metadata: {{name: chain}}
spec:
  trustDomain: chain.example
  identity: /ns/default/sa/{{service}}
  carriers: {{present: [headers, baggage, mesh]}}
  rollout: {{window: {window}}}
  onInvalid: deny
  domains:
    all: {{services: [{services}], region: eu}}
    other: {{services: [elsewhere], region: us}}
{domains}---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {{name: fields, domain: all}}
spec:
  fields:
    tenant_id: {{type: string, immutable: true, required: true, header: x-tenant-id}}
{fields}---
apiVersion: contextmesh.io/v1
kind: ContextSchema
metadata: {{name: moved{moved}}}
spec:
  fields:
    moved: {{type: string}}
{rule}"#
    )
}

/// Returns the current time in the format of the lock file.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    lock::date_at(u64::try_from(since.as_millis()).unwrap()).unwrap()
}

fn chain(policy: &Policy) -> Mesh {
    let policy = policy.clone();
    let mut mesh = MeshBuilder::new("chain.example");
    for (place, service) in CHAIN.iter().enumerate() {
        let next: Vec<&str> = CHAIN.get(place + 1).copied().into_iter().collect();
        mesh = mesh.service(service, &next);
    }
    mesh.filter(policy::filter().unwrap(), move |s, r| policy.configuration(s, r)).start().unwrap()
}

/// Updates the policy of one sidecar, inbound first.
fn update(mesh: &Mesh, service: &str, policy: &Policy) {
    for role in [Role::Inbound, Role::Outbound] {
        let outcome = mesh.push_filter_config(service, role, &policy.configuration(service, role)).unwrap();
        assert_eq!(outcome, PushOutcome::Accepted, "{service} {role}");
    }
}

/// The fields that every request has, and must still have at every hop.
struct Sent {
    fields: Vec<(String, String)>,
    /// Lists every word, for reading what applications were shown.
    reader: VerifiedProgram,
}

impl Sent {
    fn new(rows: &[(usize, &Row)], newest: &Policy) -> Self {
        let mut fields: Vec<(String, String)> =
            rows.iter().map(|(number, row)| (format!("f{number}"), row.3.to_owned())).collect();
        fields.push(("moved".to_owned(), "\"x1\"".to_owned()));
        fields.push(("undeclared".to_owned(), "{\"a\": [1.0, \"b\"]}".to_owned()));
        Self { fields, reader: load(&newest.artifact).unwrap() }
    }

    fn request(&self, number: usize) -> Request {
        let members: Vec<String> = self.fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let context = format!("{{\"tenant_id\":\"t{number}\",{}}}", members.join(","));
        Request::get("/")
            .header("traceparent", format!("00-{:032x}-{:016x}-01", number + 1, number + 1))
            .header("x-mesh-context", context)
    }

    /// Returns the problem of the answer to request `number`, if there is one.
    fn problem(&self, number: usize, response: &Response) -> Option<String> {
        if response.status != 200 {
            return Some(format!("status {}: {}", response.status, response.text()));
        }
        for service in CHAIN {
            let hop = match response.hop(service) {
                Ok(hop) => hop,
                Err(error) => return Some(format!("{error}: {}", response.text())),
            };
            let shown = hop["saw"]["x-mesh-context"].as_str().unwrap_or_default().to_owned();
            let Ok(header) = mesh_header::decode(shown.as_bytes(), self.reader.words()) else {
                return Some(format!("{service} saw {shown}"));
            };
            let tenant = format!("\"t{number}\"");
            let expected = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            for (name, value) in expected.chain([("tenant_id", tenant.as_str())]) {
                if header.context.get(name) != Some(value) {
                    return Some(format!("{service}: {name} is {:?}, not {value}", header.context.get(name)));
                }
            }
        }
        None
    }
}

/// Sends requests continuously while `work` runs. No request may be refused, and none may lose a field.
fn under_load(mesh: &Mesh, sent: &Sent, work: impl FnOnce()) -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let problems = Mutex::new(Vec::new());
    let endpoint = peer(mesh, CHAIN[0]);
    // Ends the senders even if `work` fails.
    struct Ending<'a>(&'a AtomicBool);
    impl Drop for Ending<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    let problem = match mesh.send(&endpoint, sent.request(number)) {
                        Ok(response) => sent.problem(number, &response),
                        Err(error) => Some(error.to_string()),
                    };
                    answered.fetch_add(1, Ordering::Relaxed);
                    problems.lock().unwrap_or_else(PoisonError::into_inner).extend(problem);
                }
            });
        }
        let _ending = Ending(&done);
        work();
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{} of {answered:?}: {:#?}", problems.len(), &problems[..problems.len().min(5)]);
    answered.into_inner()
}

/// Updates the chain and reverts it, from each end, under load.
fn there_and_back(mesh: &Mesh, sent: &Sent, old: &Policy, new: &Policy) -> usize {
    let mut backwards = CHAIN;
    backwards.reverse();
    under_load(mesh, sent, || {
        for order in [CHAIN, backwards] {
            for policy in [new, old] {
                order.iter().for_each(|service| update(mesh, service, policy));
            }
        }
    })
}

/// Returns how often all sidecars of the chain counted this.
fn counted(mesh: &Mesh, name: &str) -> u64 {
    CHAIN.iter().map(|service| counter(mesh, service, name)).sum()
}

#[test]
fn no_change_of_schemas_cuts_the_context_while_it_is_rolled_out() {
    let rows: Vec<(usize, &Row)> = ROWS.iter().enumerate().collect();
    let (before, after) = (tree(&rows, Version::Old, "1h"), tree(&rows, Version::New, "1h"));
    // Without a lock file, and with one whose new words are released now.
    let before_lock = locked(&before, "", LONG_AGO);
    let after_lock = locked(&after, &before_lock, &now());
    let plain = [&before, &after].map(|tree| Policy::from_text(tree).unwrap());
    let numbered = [(&before, &before_lock), (&after, &after_lock)];
    let numbered = numbered.map(|(tree, lock)| Policy::from_text_and_lock(tree, lock).unwrap());
    let mesh = chain(&plain[0]);
    let sent = Sent::new(&rows, &numbered[1]);
    let mut answered = there_and_back(&mesh, &sent, &plain[0], &plain[1]);
    // A lock file is introduced like any other change. From then on its words count as long known.
    let adopted = Policy::from_text_and_lock(&before, &locked(&before, "", &now())).unwrap();
    answered += under_load(&mesh, &sent, || {
        for policy in [&adopted, &numbered[0]] {
            CHAIN.iter().for_each(|service| update(&mesh, service, policy));
        }
    });
    answered += there_and_back(&mesh, &sent, &numbered[0], &numbered[1]);
    assert!(answered > 100, "{answered}");
    assert_eq!((counted(&mesh, "carrier_invalid"), counted(&mesh, "word_unknown")), (0, 0));
    assert_no_trap(&mesh);
}

#[test]
fn a_word_is_written_as_its_number_after_the_window_and_a_rollback_reads_it() {
    let rows: Vec<(usize, &Row)> = ROWS.iter().enumerate().filter(|(_, row)| row.0 == "enum set").collect();
    let number = rows[0].0;
    let (before, after) = (tree(&rows, Version::Old, "6s"), tree(&rows, Version::New, "6s"));
    let before_lock = locked(&before, "", LONG_AGO);
    let old = Policy::from_text_and_lock(&before, &before_lock).unwrap();
    let mesh = chain(&old);
    let released = Instant::now();
    let after_lock = locked(&after, &before_lock, &now());
    let new = Policy::from_text_and_lock(&after, &after_lock).unwrap();
    // The rollback in the right way, with the current lock file, and in the wrong way.
    let back = Policy::from_text_and_lock(&before, &after_lock).unwrap();
    let sent = Sent::new(&rows, &new);
    // Whether the value is a number in the header that the last hop wrote, which only an artifact with the word can
    // read.
    let reader = load(&old.artifact).unwrap();
    let is_number = || {
        let response = mesh.send(&peer(&mesh, CHAIN[0]), sent.request(0)).unwrap();
        let shown = saw(&response, CHAIN[3], "x-mesh-context").as_str().unwrap().to_owned();
        let read = mesh_header::decode(shown.as_bytes(), reader.words()).unwrap().context;
        assert!(read.contains("tenant_id"));
        read.is_unread(&format!("f{number}"))
    };
    under_load(&mesh, &sent, || CHAIN.iter().for_each(|service| update(&mesh, service, &new)));
    if released.elapsed() < Duration::from_secs(5) {
        assert!(!is_number(), "the window is not over");
    }
    std::thread::sleep(Duration::from_secs(7).saturating_sub(released.elapsed()));
    assert!(is_number());
    under_load(&mesh, &sent, || {
        for policy in [&back, &new] {
            CHAIN.iter().for_each(|service| update(&mesh, service, policy));
        }
    });
    assert_eq!(counted(&mesh, "word_unknown"), 0);
    // A sidecar whose artifact does not list the number cannot read the field. All others can.
    update(&mesh, CHAIN[1], &old);
    let response = mesh.send(&peer(&mesh, CHAIN[0]), sent.request(1)).unwrap();
    assert_eq!(sent.problem(1, &response), None);
    assert!(counter(&mesh, CHAIN[1], "word_unknown") > 0);
    assert_eq!(report(&mesh, CHAIN[1], "inbound")["decision"], "continue");
    assert_eq!(counted(&mesh, "carrier_invalid"), 0);
    assert_no_trap(&mesh);
}

#[test]
#[ignore = "minutes: `make prove` runs it"]
fn prove_each_change_of_a_schema_alone() {
    let nothing: Vec<(usize, &Row)> = Vec::new();
    let mesh = chain(&Policy::from_text(&tree(&nothing, Version::Old, "1h")).unwrap());
    for row in ROWS.iter().enumerate() {
        let rows = [row];
        let (before, after) = (tree(&rows, Version::Old, "1h"), tree(&rows, Version::New, "1h"));
        let before_lock = locked(&before, "", LONG_AGO);
        let after_lock = locked(&after, &before_lock, &now());
        let old = Policy::from_text_and_lock(&before, &before_lock).unwrap();
        let new = Policy::from_text_and_lock(&after, &after_lock).unwrap();
        CHAIN.iter().for_each(|service| update(&mesh, service, &old));
        let answered = there_and_back(&mesh, &Sent::new(&rows, &new), &old, &new);
        eprintln!("{}: {answered} requests", row.1.0);
    }
    assert_eq!(counted(&mesh, "carrier_invalid"), 0);
    assert_no_trap(&mesh);
}
