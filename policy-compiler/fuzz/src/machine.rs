//! Loads artifacts and runs those that pass verification.

use context_mesh_core::index::ProgramIndex;
use std::sync::LazyLock;

use context_mesh_core::artifact::tables::Tables;
use context_mesh_core::artifact::{VerifiedProgram, encode, load};
use context_mesh_core::cause::{Cause, MeshCause};
use context_mesh_core::decide::{RuleSet, decide};
use context_mesh_core::headers::Headers;
use context_mesh_core::limits::{MAX_FUEL, MAX_MADE_BYTES};
use context_mesh_core::memory::Memory;
use context_mesh_core::pipeline::{Host, Routing, Workload, egress, gateway, inbound, outbound};
use context_mesh_core::testing::programs::Numbers;
use context_mesh_core::testing::{FakeHost, pools};
use context_mesh_core::vm::{Machine, MeshView, Snapshot};

use crate::artifact::framed;
use crate::programs;
use crate::request::{self, NOW_MS};
use crate::tables;

/// The fuel of all programs in one execution, so that no execution takes long. Decisions and the pipeline are
/// additional, each with the machine's own limit.
const FUEL: u64 = MAX_FUEL;
/// The cause of a refusal because not all rules could run.
const BUDGET: Cause<'static> = Cause::Mesh(MeshCause::Budget);

/// Most services of one artifact for which decisions are made.
const SERVICES: usize = 4;

/// The body of an artifact with programs and rules of every kind, to be mutated.
static BODY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let bytes: Vec<u8> = (0_u32..900).map(|i| (i.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    tables::body_of(&programs::artifact(&mut Numbers::new(&bytes)))
});

/// One execution. The first byte chooses the meaning of the rest.
pub fn run(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind % 8 {
        0 | 1 => load_and_run(&framed(rest)),
        2 => load_and_run(&framed(&changed(rest))),
        3 | 4 => {
            let (changes, rest) = rest.split_at(rest.len().min(8));
            let mut tables = programs::artifact(&mut Numbers::new(rest));
            change_code(&mut tables, changes);
            load_and_run(&encoded(&tables));
        }
        _ => {
            let tables = programs::artifact(&mut Numbers::new(rest));
            let verified = load(&encoded(&tables));
            run_all(verified.unwrap_or_else(|error| panic!("{error}: {:?}", tables.program.code)));
        }
    }
}

fn encoded(tables: &Tables) -> Vec<u8> {
    encode(tables).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the body with changes: a place and the new byte, three bytes each.
fn changed(changes: &[u8]) -> Vec<u8> {
    let mut body = BODY.clone();
    for change in changes.chunks_exact(3) {
        let &[low, high, value] = change else { continue };
        let at = usize::from(u16::from_le_bytes([low, high])) % body.len();
        body[at] = value;
    }
    body
}

/// Changes instructions: a place, and the new opcode or operand.
fn change_code(tables: &mut Tables, changes: &[u8]) {
    let length = tables.program.code.len();
    for change in changes.chunks_exact(4) {
        let &[low, high, what, value] = change else { continue };
        let Some(word) = tables.program.code.get_mut(usize::from(u16::from_le_bytes([low, high])) % length.max(1))
        else {
            continue;
        };
        match what % 4 {
            0 => *word = (*word & !0xff) | u32::from(value),
            1 => *word = (*word & 0xff) | (u32::from(value) << 8),
            2 => *word = word.wrapping_add(u32::from(value) << 8),
            _ => {}
        }
    }
}

fn load_and_run(artifact: &[u8]) {
    if let Ok(verified) = load(artifact) {
        run_all(verified);
    }
}

/// Runs every program, decides for every service, and carries one request through the pipeline.
fn run_all(verified: VerifiedProgram) {
    let tables = verified.tables();
    let mut fuel = 0;
    for program in (0..).take(tables.program.programs.len()) {
        if fuel >= FUEL {
            break;
        }
        fuel += run_program(&verified, ProgramIndex(program));
    }
    let services = tables.services.iter().take(SERVICES).map(|service| (service.name.as_str(), &service.entry));
    for (service, entry) in services.chain([("unlisted", &tables.unlisted)]) {
        for (direction, rules) in [("inbound", &entry.inbound), ("outbound", &entry.outbound)] {
            let arena = Default::default();
            let mesh = MeshView { service, domain: "shop", region: "us", direction };
            let snapshot = Snapshot { mesh, ..request::snapshot() };
            let linear = decide(&verified, &RuleSet::linear(&verified, rules), snapshot, &arena);
            let arena = Default::default();
            let indexed = decide(&verified, &RuleSet::new(&verified, rules), snapshot, &arena);
            // The index saves fuel, so a decision may be complete with it and not without it.
            let complete = !linear.unwatched && !linear.denial.as_ref().is_some_and(|denial| denial.cause == BUDGET);
            assert!(!complete || format!("{linear:?}") == format!("{indexed:?}"), "{linear:?}\n{indexed:?}");
        }
    }
    let service = tables.services.first().map_or_else(|| "unlisted".to_owned(), |service| service.name.clone());
    carry(&Workload::new(verified, &service));
}

/// Runs one program. Returns the fuel that it used.
fn run_program(verified: &VerifiedProgram, program: ProgramIndex) -> u64 {
    // The machine's arena, whose type is private to it. The machine limits how many bytes it may hold.
    let arena = Default::default();
    let mut machine = Machine::new(verified.code(), request::snapshot(), &arena);
    let value = machine.run(program);
    let json = value.to_json();
    assert!(json.is_none_or(|json| json.len() <= 16 * MAX_MADE_BYTES), "the value is too long as JSON");
    let fuel = machine.used_fuel();
    assert!(fuel <= MAX_FUEL, "used {fuel}");
    // Chunks double in size, so at most half of the last one is empty; alignment and map entries add a little.
    let made = arena.allocated_bytes();
    assert!(made <= 4 * MAX_MADE_BYTES, "made {made} bytes");
    fuel
}

fn carry(workload: &Workload) {
    let proxy = FakeHost::default();
    let host = Host {
        attributes: &pools::attribute,
        memory: &proxy,
        requests: &Memory::new(workload.service()),
        randomness: &proxy,
        routing: Routing::Fixed,
        now_ms: NOW_MS,
        observer: None,
    };
    let headers = Headers::new(pools::HEADERS.to_vec());
    inbound(workload, &headers, host);
    outbound(workload, &headers, host);
    gateway(workload, &headers, host);
    egress(workload, &headers);
}
