//! Checks that common conditions allocate nothing, with an allocator that counts.
#![cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use bumpalo::Bump;
use context_mesh_core::artifact::tables::{
    Attribute, Constant, Effect, FieldType, Layer, MeshTable, OnError, PeerPart, RequestPart, RuleTable, Scalar,
    ScalarConstant, Tables,
};
use context_mesh_core::artifact::{VerifiedProgram, encode, load};
use context_mesh_core::context::Context;
use context_mesh_core::headers::Headers;
use context_mesh_core::host::{Randomness, SharedMemory, VersionChanged};
use context_mesh_core::index::{ProgramIndex, RuleIndex};
use context_mesh_core::memory::Memory;
use context_mesh_core::pipeline::{Host, Routing, Workload, inbound};
use context_mesh_core::vm::op::Op;
use context_mesh_core::vm::{Destination, Machine, MeshView, Peer, Scratch, Snapshot, Value};
use regex_automata::dfa::{StartKind, dense};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the contract is the same, and the caller keeps it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the contract is the same, and the caller keeps it.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the contract is the same, and the caller keeps it.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PATH: Op = Op::Attr(0);
const METHOD: Op = Op::Attr(1);
const PEER: Op = Op::Attr(2);
const TENANT: Op = Op::Attr(3);
const FLAGS: Op = Op::Attr(4);
const LIMITS: Op = Op::Attr(5);
const ABSENT: Op = Op::Attr(6);
const HEADER: Op = Op::Attr(7);

fn tables() -> Tables {
    let mut tables = Tables {
        mesh: MeshTable {
            name: "acme".into(),
            trust_domain: "acme.corp".into(),
            identity_path: "/ns/*/sa/{service}".into(),
            ..MeshTable::of_programs()
        },
        ..Tables::default()
    };
    tables.program.attributes = vec![
        Attribute::Request(RequestPart::UrlPath),
        Attribute::Request(RequestPart::Method),
        Attribute::Peer(PeerPart::Service),
        Attribute::Field("tenant".into(), FieldType::One(Scalar::String)),
        Attribute::Field("flags".into(), FieldType::List(Scalar::String)),
        Attribute::Field("limits".into(), FieldType::One(Scalar::Any)),
        Attribute::Field("absent".into(), FieldType::One(Scalar::String)),
        Attribute::Header("x-level".into()),
    ];
    let scalar = |scalar| Constant::Scalar(scalar);
    tables.program.constants = vec![
        scalar(ScalarConstant::String("tenant_7".into())),
        scalar(ScalarConstant::String("/svc7/".into())),
        Constant::StringSet(vec!["GET".into(), "HEAD".into()]),
        scalar(ScalarConstant::Int(10)),
        scalar(ScalarConstant::String("rate".into())),
        Constant::List(vec![ScalarConstant::Int(1), ScalarConstant::Int(10)]),
        scalar(ScalarConstant::String("beta".into())),
    ];
    let config = dense::Config::new().start_kind(StartKind::Anchored);
    let dfa = dense::Builder::new().configure(config).build("/svc[0-9]+/.*").unwrap();
    tables.regexes = vec![dfa.to_sparse().unwrap().to_bytes_little_endian()];
    tables
}

fn program(code: &[Op]) -> VerifiedProgram {
    let mut tables = tables();
    tables.program.code = code.iter().map(|op| op.encode()).collect();
    tables.program.programs = vec![(0, code.len() as u32)];
    load(&encode(&tables).unwrap()).unwrap()
}

/// The result of a program.
struct Run {
    /// Its value.
    value: String,
    /// Number of allocations of the first run, and of a run after another machine has run.
    first: usize,
    next: usize,
    /// Whether it stores anything in the arena, which is kept for the next decision.
    makes: bool,
}

fn run(code: &[Op]) -> Run {
    let artifact = program(code);
    let entries: Vec<(&[u8], &[u8])> = vec![(b":path", b"/svc7/pay?x=1"), (b":method", b"GET"), (b"x-level", b"high")];
    let headers = Headers::new(entries);
    let mut context = Context::new();
    context.insert("tenant", "\"tenant_7\"").unwrap();
    context.insert("flags", r#"["alpha","beta"]"#).unwrap();
    context.insert("limits", r#"{"rate":10,"burst":2.5}"#).unwrap();
    let peer = Peer { service: "checkout".into(), ..Peer::default() };
    let mesh = MeshView { service: "b", domain: "shop", region: "us", direction: "inbound" };
    let snapshot = Snapshot {
        headers: &headers,
        context: &context,
        peer: &peer,
        mesh,
        destination: Destination::default(),
        attributes: &|_: &[&str]| None,
    };
    let mut scratch: Scratch<'static> = Scratch::new();
    let mut arena = Bump::new();
    let mut runs = Vec::new();
    for _ in 0..3 {
        arena.reset();
        let before = COUNT.get();
        let mut machine = Machine::with_scratch(artifact.code(), snapshot, &arena, std::mem::take(&mut scratch));
        let value = machine.run(ProgramIndex(0));
        scratch = machine.into_scratch().recycle();
        let allocations = COUNT.get() - before;
        let text = match value {
            Value::Error(error) => error.kind.as_str().to_owned(),
            value => value.to_json().unwrap(),
        };
        runs.push((text, allocations));
    }
    let (value, next) = runs.pop().unwrap();
    Run { value, first: runs[0].1, next, makes: arena.allocated_bytes() > 0 }
}

#[test]
fn common_conditions_allocate_nothing() {
    let [tenant, prefix, methods, ten, rate, list, beta] = [0, 1, 2, 3, 4, 5, 6].map(Op::Const);
    let equal = [TENANT, tenant, Op::Eq(0)];
    let starts = [PATH, prefix, Op::StartsWith(0)];
    let cases: Vec<(&str, Vec<Op>)> = vec![
        ("comparison", equal.to_vec()),
        ("order", vec![HEADER, tenant, Op::Lt(0)]),
        ("prefix", starts.to_vec()),
        ("suffix", vec![PATH, prefix, Op::EndsWith(0), Op::Not(0)]),
        ("part", vec![PATH, prefix, Op::Contains(0)]),
        ("size", vec![PATH, Op::Size(0), ten, Op::Le(0)]),
        ("set", vec![METHOD, methods, Op::In(0)]),
        ("peer in a set", vec![PEER, methods, Op::In(0), Op::Not(0)]),
        ("list of constants", vec![ten, list, Op::In(0)]),
        ("list of the context", vec![beta, FLAGS, Op::In(0)]),
        ("member of the context", vec![LIMITS, Op::Member(rate.operand()), ten, Op::Eq(0)]),
        ("number", vec![LIMITS, Op::HasMember(rate.operand())]),
        ("arithmetic", vec![LIMITS, Op::Member(rate.operand()), ten, Op::Add(0), ten, Op::Gt(0)]),
        ("regex", vec![PATH, Op::Matches(0)]),
        ("and", [&equal[..], &[Op::JumpIfFalse(8)], &starts, &[Op::And(0)]].concat()),
        ("or", [&[ABSENT, tenant, Op::Eq(0), Op::JumpIfTrue(8)], &starts[..], &[Op::Or(0)]].concat()),
        ("presence", vec![Op::HasAttr(6), Op::Not(0)]),
        (
            "macro",
            // context.flags.exists(f, f == 'beta')
            vec![
                Op::HasAttr(6),
                Op::Store(2),
                FLAGS,
                Op::IterBegin(0),
                Op::IterNext(0),
                Op::PopJumpIfFalse(13),
                Op::Load(2),
                Op::Load(1),
                beta,
                Op::Eq(0),
                Op::Or(0),
                Op::Store(2),
                Op::Loop(4),
                Op::Load(2),
            ],
        ),
    ];
    for (name, code) in cases {
        let run = run(&code);
        assert_eq!((run.value.as_str(), run.next), ("true", 0), "{name}");
        // Lists and maps of the context are parsed into the arena, once per decision. Nothing else is stored there.
        assert_eq!(run.makes, code.contains(&FLAGS) || code.contains(&LIMITS), "{name}");
    }
}

#[test]
fn the_count_notices_what_is_made() {
    let run = run(&[TENANT, Op::Const(1), Op::Add(0)]);
    assert_eq!(run.value, "\"tenant_7/svc7/\"");
    assert!(run.first > 0 && run.makes);
}

struct NoMemory;

impl SharedMemory for NoMemory {
    fn get(&self, _: &str) -> Option<(Vec<u8>, Option<u32>)> {
        None
    }

    fn set(&self, _: &str, _: &[u8], _: Option<u32>) -> Result<(), VersionChanged> {
        Ok(())
    }
}

impl Randomness for NoMemory {
    fn random(&self) -> [u8; 16] {
        [1; 16]
    }
}

/// Returns the number of allocations of a request in a workload with this rule, from the second request on.
fn allocations_of_a_request(code: &[Op], condition: bool) -> usize {
    let mut tables = tables();
    tables.program.code = code.iter().map(|op| op.encode()).collect();
    tables.program.programs = vec![(0, code.len() as u32)];
    tables.rules = vec![RuleTable {
        name: "enterprise/policy/rule".into(),
        layer: Layer::Enterprise,
        condition: condition.then_some(ProgramIndex(0)),
        on_error: OnError::Ignore,
        shadow: false,
        effect: Effect::Redact { fields: vec!["none".into()] },
        place: "policy.yaml:1".into(),
    }];
    tables.unlisted.inbound = vec![RuleIndex(0)];
    let workload = Workload::new(load(&encode(&tables).unwrap()).unwrap(), "b");
    let entries: Vec<(&[u8], &[u8])> = vec![(b":path", b"/svc7/pay?x=1"), (b"x-request-id", b"r")];
    let headers = Headers::new(entries);
    let requests = Memory::new("b");
    let host = Host {
        attributes: &|_: &[&str]| None,
        memory: &NoMemory,
        requests: &requests,
        randomness: &NoMemory,
        routing: Routing::Fixed,
        now_ms: 1,
        observer: None,
    };
    let mut allocations = 0;
    for _ in 0..3 {
        let before = COUNT.get();
        drop(inbound(&workload, &headers, host));
        allocations = COUNT.get() - before;
    }
    allocations
}

#[test]
fn conditions_of_a_request_use_the_memory_of_the_last_one() {
    // request.url_path + request.url_path == '/svc7/', which needs the stack, an attribute and the arena.
    let code = [PATH, PATH, Op::Add(0), Op::Const(1), Op::Ne(0)];
    assert_eq!(allocations_of_a_request(&code, true), allocations_of_a_request(&code, false));
}
