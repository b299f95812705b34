//! Any program that verifies ends within its fuel, stays within its memory, and never panics.
#![cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]

use core::cell::Cell;

use bumpalo::Bump;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use regex_automata::dfa::{StartKind, dense};

use super::function::Function;
use super::fuse;
use super::op::{Op, Operand, TABLE};
use super::*;
use crate::artifact::{Decoded, VerifiedProgram, encode, load};
use crate::index::ProgramIndex;
use crate::limits::{MAX_FUEL, MAX_MADE_BYTES};
use crate::tables::{Constant, ScalarConstant, Tables};
use crate::testing::programs::Numbers;
use crate::testing::*;

/// Returns the pools of generated programs, with input for large results: a long list and a large map.
fn many_pools() -> Tables {
    let config = dense::Config::new().start_kind(StartKind::Anchored);
    let regex = dense::Builder::new().configure(config).build("[a-z]+.*").unwrap();
    let mut program = pools::pools();
    let entry = |key: i64| (ScalarConstant::Int(key), ScalarConstant::String(key.to_string()));
    program.constants.push(Constant::List((0..300).map(ScalarConstant::Int).collect()));
    program.constants.push(Constant::Map((0..30).map(entry).collect()));
    Tables { program, regexes: vec![regex.to_sparse().unwrap().to_bytes_little_endian()], ..tables() }
}

fn generate(numbers: &[u8], tables: &Tables) -> Vec<Op> {
    programs::program(&mut Numbers::new(numbers), tables)
}

/// Runs a program that verifies, in fused steps and instruction by instruction. Returns whether it verified.
fn run(tables: &Tables) -> bool {
    let bytes = encode(tables).unwrap();
    let Ok(artifact) = load(&bytes) else { return false };
    let plain = VerifiedProgram::verify_with(Decoded::decode(&bytes).unwrap(), fuse::plain).unwrap();
    assert_eq!(outcome(&artifact), outcome(&plain));
    true
}

/// Returns the value of a program and the fuel that it used.
fn outcome(artifact: &VerifiedProgram) -> (String, u64) {
    let mut request = pools::request();
    let many = format!("[{}]", (0..500).map(|i| format!("\"text\\n{i}\"")).collect::<Vec<_>>().join(","));
    request.context.insert("many", &many).unwrap();
    let arena = Bump::new();
    let mut machine = Machine::new(artifact.code(), request.snapshot(&pools::attribute), &arena);
    let value = machine.run(ProgramIndex(0));
    assert!(machine.used_fuel() <= MAX_FUEL);
    let json = value.to_json();
    assert!(json.as_ref().is_none_or(|json| json.len() <= 16 * MAX_MADE_BYTES));
    // Chunks double in size, so at most half of the last one is empty. Alignment and map entries add a little.
    let made = arena.allocated_bytes();
    assert!(made <= 4 * MAX_MADE_BYTES, "made {made} bytes");
    let text = match value {
        Value::Error(error) => error.kind.as_str().to_owned(),
        value => json.unwrap_or_else(|| format!("{:?}", std::mem::discriminant(&value))),
    };
    (text, machine.used_fuel())
}

/// Returns another instruction that takes and pushes the same number of values, with an operand of the same kind; or
/// the same one with another operand.
fn alike(op: Op, choice: u32, tables: &Tables) -> Op {
    let program = &tables.program;
    let operands = match op.operand_kind() {
        Operand::Nothing => 1,
        Operand::Constant => program.constants.len() as u32,
        Operand::Attribute => program.attributes.len() as u32,
        // Names, targets and locals only make sense at their position.
        _ => return op,
    };
    let same = |candidate: &Op| {
        candidate.operand_kind() == op.operand_kind()
            && candidate.pops() == op.pops()
            && candidate.pushes() == op.pushes()
    };
    let all: Vec<Op> =
        TABLE.iter().filter_map(|known| Op::decode(known.code.into())).filter(|candidate| same(candidate)).collect();
    let chosen = all[choice as usize % all.len()];
    chosen.with_operand(choice / all.len() as u32 % operands)
}

/// Returns a program of random instructions. Each has as many values on the stack as it takes, and one value is left at
/// the end.
fn straight(numbers: &[u16], tables: &Tables) -> Vec<Op> {
    let leaves = [Op::Const(0), Op::Attr(0), Op::HasAttr(0), Op::OptAttr(0)];
    let mut code = Vec::new();
    let mut depth = 0;
    for number in numbers {
        let choice = u32::from(*number);
        let takers: Vec<Op> = TABLE
            .iter()
            .filter(|known| matches!(known.operand, Operand::Nothing | Operand::Function))
            .flat_map(|known| {
                let last = if known.operand == Operand::Function { Function::ALL.len() as u32 } else { 1 };
                (0..last).filter_map(|number| Op::decode(u32::from(known.code) | (number << 8)))
            })
            .filter(|op| (1..=depth).contains(&op.pops()) && depth - op.pops() + op.pushes() > 0)
            .collect();
        let op = if takers.is_empty() || choice % 2 == 0 {
            alike(leaves[choice as usize / 2 % leaves.len()], choice / 8, tables)
        } else {
            takers[choice as usize / 2 % takers.len()]
        };
        depth = depth - op.pops() + op.pushes();
        code.push(op);
    }
    code.extend((1..depth).map(|_| Op::And(0)));
    code
}

/// Runs a property. Each case returns whether its program ran. At least a third must.
fn most_run<S: Strategy>(name: &str, strategy: S, case: impl Fn(S::Value) -> bool) {
    let (all, ran) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) });
    let result = runner.run(&strategy, |value| {
        all.set(all.get() + 1);
        ran.set(ran.get() + usize::from(case(value)));
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{name}: {failure}");
    }
    eprintln!("{name}: {} of {} programs ran", ran.get(), all.get());
    assert!(ran.get() * 3 >= all.get(), "{name}: {} of {} programs ran", ran.get(), all.get());
}

#[test]
fn generated_programs_verify_and_end() {
    most_run("generated", proptest::collection::vec(any::<u8>(), 1..250), |numbers| {
        let mut tables = many_pools();
        let code = generate(&numbers, &tables);
        add_program(&mut tables, &code);
        assert!(run(&tables), "{code:?}");
        true
    });
}

#[test]
fn changed_programs_are_refused_or_end() {
    let numbers = proptest::collection::vec(any::<u8>(), 1..60);
    let changes = proptest::collection::vec((any::<u16>(), any::<u16>()), 1..4);
    most_run("changed", (numbers, changes), |(numbers, changes)| {
        let mut tables = many_pools();
        let mut code = generate(&numbers, &tables);
        for (at, choice) in changes {
            let at = usize::from(at) % code.len();
            code[at] = alike(code[at], choice.into(), &tables);
        }
        add_program(&mut tables, &code);
        run(&tables)
    });
}

#[test]
fn programs_of_random_instructions_are_refused_or_end() {
    most_run("random", proptest::collection::vec(any::<u16>(), 1..40), |numbers| {
        let mut tables = many_pools();
        let code = straight(&numbers, &tables);
        add_program(&mut tables, &code);
        run(&tables)
    });
}

/// Random words: hardly any program verifies, and the test checks that reading them never panics.
#[test]
fn random_words_are_refused_or_end() {
    let words = proptest::collection::vec((any::<u8>(), 0_u32..40), 1..12);
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) });
    let result = runner.run(&words, |words| {
        let mut tables = many_pools();
        tables.program.code = words.iter().map(|(opcode, operand)| u32::from(*opcode) | (operand << 8)).collect();
        tables.program.programs = vec![(0, words.len() as u32)];
        run(&tables);
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}
