//! Random conditions over a few values. The claims of the analysis are compared with the machine, for every request
//! that these values make.

use bumpalo::Bump;
use context_mesh_core::artifact::{VerifiedProgram, encode, load, tables::Tables};
use context_mesh_core::headers::Headers;
use context_mesh_core::index::ProgramIndex;
use context_mesh_core::vm::{Machine, MeshView};
use context_mesh_core::{destination, identity, testing};
use proptest::prelude::*;

use super::formula::{Ask, Formulas};
use super::testing::{Tree, policy, quoted};
use crate::expression::ir::Node;

/// A property of a request: its name, its possible values, and tests of it.
struct Subject {
    name: &'static str,
    values: &'static [&'static str],
    tests: &'static [&'static str],
}

/// Marks a missing value.
const MISSING: &str = "-";

const SUBJECTS: &[Subject] = &[
    Subject {
        name: "tier",
        values: &[MISSING, "\"gold\"", "\"silver\""],
        tests: &[
            "context.tier == 'gold'",
            "context.tier != 'silver'",
            "context.tier == 'iron'",
            "has(context.tier)",
            "context.tier < 'h'",
        ],
    },
    Subject {
        name: "name",
        values: &[MISSING, "\"\"", "\"a\"", "\"ab\"", "\"b\"", "\"xa\""],
        tests: &[
            "context.name == 'a'",
            "context.name in ['a', 'ab']",
            "context.name.startsWith('a')",
            "context.name.startsWith('ab')",
            "context.name.endsWith('a')",
            "context.name.contains('a')",
            "context.name.matches('^[ab]+$')",
            "context.name.matches('a')",
            "context.name >= 'ab'",
            "has(context.name)",
            "size(context.name) == 1",
            "context.?name.orValue('a') == 'a'",
            "(has(context.name) ? context.name : 'b') in ['b', 'ab']",
        ],
    },
    Subject {
        name: "id",
        values: &[MISSING, "\"tenant_a\"", "\"tenant_ab\""],
        tests: &[
            "context.id == 'tenant_a'",
            "context.id.startsWith('tenant_')",
            "context.id.matches('^acme')",
            "context.id.endsWith('b')",
        ],
    },
    Subject {
        name: "n",
        values: &[MISSING, "-1", "0", "1", "2", "9007199254740993"],
        tests: &[
            "context.n == 1",
            "context.n > 0",
            "context.n >= 1",
            "context.n < 2",
            "context.n in [0, 2]",
            "context.n != 0",
            "context.n < 1.5",
            "context.n == 9007199254740992",
        ],
    },
    Subject {
        name: "d",
        values: &[MISSING, "0", "0.5", "1", "2.25"],
        tests: &["context.d == 1.0", "context.d > 0.0", "context.d < 1.0", "context.d <= 1", "context.d != 0.5"],
    },
    Subject {
        name: "flags",
        values: &[MISSING, "[]", "[\"a\"]", "[\"b\"]", "[\"a\",\"b\"]"],
        tests: &[
            "'a' in context.flags",
            "'b' in context.flags",
            "size(context.flags) > 1",
            "context.flags.exists(f, f == 'a')",
            "context.flags.all(f, f.startsWith('a'))",
        ],
    },
    Subject {
        name: "beta",
        values: &[MISSING, "true", "false"],
        tests: &["context.beta", "context.beta == true", "has(context.beta)", "context.?beta.orValue(false)"],
    },
    Subject {
        name: "j",
        values: &[MISSING, "\"a\"", "1", "1.5", "true", "null", "{}", "{\"k\":\"a\"}", "{\"k\":1}", "[1]"],
        tests: &[
            "context.j == 'a'",
            "context.j == 1",
            "context.j != 'a'",
            "context.j.k == 'a'",
            "has(context.j.k)",
            "context.j",
            "context.j.startsWith('a')",
            "context.j > 1",
            "context.j in ['a', 'b']",
            "context.j.k in ['a', 1]",
            "size(context.j) == 1",
            "dyn(context.j) == true",
        ],
    },
    Subject {
        name: "method",
        values: &[MISSING, "GET", "POST"],
        tests: &["request.method == 'GET'", "request.method in ['POST', 'PUT']", "has(request.method)"],
    },
    Subject {
        name: "header",
        values: &[MISSING, "a", "b", "\u{1}"],
        tests: &["request.headers['x-a'] == 'a'", "'x-a' in request.headers", "request.headers['x-a'].startsWith('b')"],
    },
    Subject {
        name: "peer",
        values: &[MISSING, "front", "cart", "ledger", "stranger"],
        tests: &[
            "peer.service == 'front'",
            "peer.domain == 'shop'",
            "peer.domain != ''",
            "peer.region == 'eu'",
            "peer.service.startsWith('s')",
            "peer.service in ['ledger', 'stranger']",
            "peer.domain == mesh.domain",
            "has(peer.service)",
        ],
    },
    Subject {
        name: "own",
        values: &["front", "cart", "ledger", "gate", "unlisted"],
        tests: &[
            "mesh.service == 'front'",
            "mesh.domain in ['shop', '']",
            "mesh.region == 'us'",
            "mesh.direction == 'inbound'",
            "destination.service == 'front'",
            "destination.domain == 'payments'",
            "'gdpr' in destination.frameworks",
        ],
    },
];

/// The shape of a condition. A leaf is one of three subjects with a test of it.
#[derive(Debug, Clone)]
enum Shape {
    Leaf(usize, usize),
    Known(bool),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<Self>, Box<Self>, Box<Self>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        30 => (0..3_usize, any::<usize>()).prop_map(|(subject, test)| Shape::Leaf(subject, test)),
        1 => any::<bool>().prop_map(Shape::Known),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let pair = || (inner.clone(), inner.clone()).prop_map(|(a, b)| (Box::new(a), Box::new(b)));
        prop_oneof![
            2 => inner.clone().prop_map(|of| Shape::Not(Box::new(of))),
            4 => pair().prop_map(|(a, b)| Shape::And(a, b)),
            4 => pair().prop_map(|(a, b)| Shape::Or(a, b)),
            1 => (inner.clone(), pair()).prop_map(|(a, (b, c))| Shape::If(Box::new(a), b, c)),
        ]
    })
}

fn text(shape: &Shape, subjects: &[usize; 3]) -> String {
    let text = |shape: &Shape| text(shape, subjects);
    match shape {
        Shape::Leaf(subject, test) => {
            let tests = SUBJECTS[subjects[*subject]].tests;
            tests[test % tests.len()].to_owned()
        }
        Shape::Known(value) => value.to_string(),
        Shape::Not(of) => format!("!({})", text(of)),
        Shape::And(a, b) => format!("({}) && ({})", text(a), text(b)),
        Shape::Or(a, b) => format!("({}) || ({})", text(a), text(b)),
        Shape::If(a, b, c) => format!("(({}) ? ({}) : ({}))", text(a), text(b), text(c)),
    }
}

/// The result of each rule's condition in the machine; `None` is an error.
type Says = Vec<Option<bool>>;

/// A request: a value for each subject.
struct Request<'r> {
    values: Vec<(&'r str, &'r str)>,
}

impl Request<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).filter(|value| *value != MISSING)
    }

    fn ask(&self, program: &VerifiedProgram, conditions: &[ProgramIndex]) -> Says {
        let tables = program.tables();
        let fields = ["tier", "name", "id", "n", "d", "flags", "beta", "j"];
        let fields: Vec<_> = fields.into_iter().filter_map(|field| Some((field, self.get(field)?))).collect();
        let mut headers: Vec<(&[u8], &[u8])> = Vec::new();
        headers.extend(self.get("method").map(|value| (&b":method"[..], value.as_bytes())));
        // A header that is not valid text is present, but cannot be read.
        let header = self.get("header").map(|value| if value == "\u{1}" { &b"\xff"[..] } else { value.as_bytes() });
        headers.extend(header.map(|value| (&b"x-a"[..], value)));
        let principal = self.get("peer").map(|name| format!("spiffe://small.example/ns/x/sa/{name}"));
        let service = self.get("own").unwrap_or("front");
        let (domain, region) = identity::domain_of(service, tables).unwrap_or_default();
        let request = testing::Request {
            headers: Headers::new(headers),
            context: testing::context(&fields),
            peer: identity::peer(&principal.unwrap_or_default(), tables),
            mesh: MeshView { service, domain, region, direction: "inbound" },
            destination: destination::of_service(service, tables).unwrap_or_default(),
        };
        let arena = Bump::new();
        let mut machine = Machine::new(program.code(), request.snapshot(&|_: &[&str]| None), &arena);
        conditions.iter().map(|condition| machine.condition(*condition).ok()).collect()
    }
}

/// Returns the results in the machine for every request that the subjects make.
fn every_request(tree: &Tree, subjects: &[usize; 3]) -> Vec<Says> {
    let directory = &tree.model.directory;
    let service = |service: &crate::check::model::Service| context_mesh_core::artifact::tables::ServiceTable {
        name: service.name.clone(),
        domain: service.domain,
        ..Default::default()
    };
    let tables = Tables {
        mesh: tree.model.mesh.clone(),
        services: directory.services.iter().map(service).collect(),
        domains: directory.domains.clone(),
        program: tree.programs.table.clone(),
        regexes: tree.programs.regexes.clone(),
        ..Tables::default()
    };
    let program = load(&encode(&tables).unwrap()).unwrap();
    let conditions: Vec<ProgramIndex> = tree.programs.rules[0].iter().map(|rule| rule.when.unwrap()).collect();
    let mut requests: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
    let mut chosen = subjects.to_vec();
    chosen.sort_unstable();
    chosen.dedup();
    for subject in chosen {
        let Subject { name, values, .. } = &SUBJECTS[subject];
        let with = |request: &Vec<(&'static str, &'static str)>, value: &'static str| {
            let mut longer = request.clone();
            longer.push((*name, value));
            longer
        };
        requests = requests.iter().flat_map(|request| values.iter().map(move |value| with(request, value))).collect();
    }
    requests.into_iter().map(|values| Request { values }.ask(&program, &conditions)).collect()
}

fn answers(says: Option<bool>, ask: Ask) -> bool {
    let (yes, no, error) = ask.accepts();
    match says {
        Some(true) => yes,
        Some(false) => no,
        None => error,
    }
}

const ASKS: [Ask; 4] = [Ask::True, Ask::False, Ask::NotTrue, Ask::NotFalse];

proptest! {
    /// Tests each question about each condition, and each pair of questions about two conditions: if the analysis
    /// claims that no request answers yes, none does.
    #[test]
    fn what_is_proven_holds(
        subjects in prop::array::uniform3(0..SUBJECTS.len()),
        first in shape(),
        second in shape(),
    ) {
        let conditions = [text(&first, &subjects), text(&second, &subjects)];
        let rule = |(index, condition): (usize, &String)| format!("{{name: r{index}, when: {}, audit: true}}", quoted(condition));
        let rules: Vec<String> = conditions.iter().enumerate().map(rule).collect();
        let tree = Tree::new(&policy("p", None, "['*']", &rules));
        let says = every_request(&tree, &subjects);
        let mut knowledge = tree.knowledge();
        let whens: Vec<Option<Node>> = knowledge.rules.iter().map(|facts| facts.condition().cloned()).collect();
        let mut formulas = Formulas::new(&mut knowledge.terms, knowledge.variables, &knowledge.patterns);
        let mut questions = |when: &Option<Node>| ASKS.map(|ask| (ask, formulas.formula(when.as_ref().unwrap(), ask)));
        let (first, second) = (questions(&whens[0]), questions(&whens[1]));
        let scope = knowledge.rules[0].scope(&tree.model);
        for (ask, one) in &first {
            for (other_ask, other) in &second {
                let yes = |says: &&Says| answers(says[0], *ask) && answers(says[1], *other_ask);
                if knowledge.is_impossible(&scope, &[one, other]) {
                    let found = says.iter().find(yes);
                    prop_assert!(found.is_none(), "{ask:?} and {other_ask:?} of {conditions:?}: {found:?}");
                }
            }
        }
    }
}
