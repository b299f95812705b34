//! Clauses of bytecode: those that a reader would name, and none that could make a decision wrong.
#![cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]

use core::cell::Cell;

use bumpalo::Bump;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::clauses::{self, Atom, Clause, Subject, Test};
use super::op::Op;
use super::{Machine, Value};
use crate::artifact::{VerifiedProgram, encode, load};
use crate::index::ProgramIndex;
use crate::tables::{Attribute, FieldType, ProgramTable, Scalar, Tables};
use crate::testing::programs::Numbers;
use crate::testing::*;

/// Three bools of the context, and three constants.
fn small() -> Tables {
    let mut tables = tables();
    for name in ["a", "b", "c"] {
        add_attribute(&mut tables, Attribute::Field(name.to_owned(), FieldType::One(Scalar::Bool)));
    }
    for text in ["x", "y", "z"] {
        add_string(&mut tables, text);
    }
    tables
}

fn loaded(tables: &Tables, code: &[Op]) -> Option<VerifiedProgram> {
    let mut tables = tables.clone();
    add_program(&mut tables, code);
    load(&encode(&tables).ok()?).ok()
}

/// Returns the clauses as text: the atoms of a clause joined by `|`, a leading clause with `*`.
fn written(clauses: &[Clause]) -> String {
    let subject = |subject| match subject {
        Subject::Attribute(index) => {
            ["a", "b", "c"].get(index.0 as usize).map_or("?".to_owned(), |name| (*name).into())
        }
        Subject::Presence(index) => format!("has({})", ["a", "b", "c"][index.0 as usize]),
        Subject::Variable(index) => format!("variable {index}"),
    };
    let atom = |atom: &Atom| {
        let subject = subject(atom.subject);
        match atom.test {
            Test::Is(true) => subject,
            Test::Is(false) => format!("!{subject}"),
            Test::Equals(constant) => format!("{subject}=={constant}"),
            Test::MemberOf(constant) => format!("{subject} in {constant}"),
            Test::Has(constant) => format!("{constant} in {subject}"),
            Test::StartsWith(constant) => format!("{subject}^{constant}"),
            Test::EndsWith(constant) => format!("{subject}${constant}"),
            Test::Contains(constant) => format!("{subject}*{constant}"),
            Test::Matches(pattern) => format!("{subject}~{pattern}"),
        }
    };
    let clause = |clause: &Clause| {
        let atoms: Vec<String> = clause.atoms.iter().map(atom).collect();
        format!("{}{}", atoms.join("|"), if clause.leads { "*" } else { "" })
    };
    clauses.iter().map(clause).collect::<Vec<_>>().join(" & ")
}

#[test]
fn clauses_are_what_must_hold() {
    use Op::{
        And, Attr, Const, Eq, HasAttr, In, Jump, JumpIfFalse, JumpIfTrue, Not, Or, Pop, PopJumpIfFalse, StartsWith,
    };
    let cases: &[(&str, &[Op], &str)] = &[
        ("a", &[Attr(0)], "a*"),
        ("!a", &[Attr(0), Not(0)], "!a*"),
        ("has(a)", &[HasAttr(0)], "has(a)*"),
        ("a == 'x'", &[Attr(0), Const(0), Eq(0)], "a==0*"),
        ("'x' == a", &[Const(0), Attr(0), Eq(0)], "a==0*"),
        ("'x' in a", &[Const(0), Attr(0), In(0)], "0 in a*"),
        ("a.startsWith('x')", &[Attr(0), Const(0), StartsWith(0)], "a^0*"),
        ("'x'.startsWith(a)", &[Const(0), Attr(0), StartsWith(0)], ""),
        ("a == b", &[Attr(0), Attr(1), Eq(0)], ""),
        ("a && b", &[Attr(0), JumpIfFalse(4), Attr(1), And(0)], "a* & b"),
        ("a && b && c", &[Attr(0), JumpIfFalse(7), Attr(1), And(0), JumpIfFalse(7), Attr(2), And(0)], "a* & b & c"),
        ("a || b", &[Attr(0), JumpIfTrue(4), Attr(1), Or(0)], "a|b*"),
        ("(a || b) && c", &[Attr(0), JumpIfTrue(4), Attr(1), Or(0), JumpIfFalse(7), Attr(2), And(0)], "a|b* & c"),
        ("a && (b || c)", &[Attr(0), JumpIfFalse(7), Attr(1), JumpIfTrue(6), Attr(2), Or(0), And(0)], "a* & b|c"),
        (
            "(a && b == 'x') || c: the equality says more than the bool",
            &[Attr(0), JumpIfFalse(6), Attr(1), Const(0), Eq(0), And(0), JumpIfTrue(9), Attr(2), Or(0)],
            "b==0|c",
        ),
        ("a || b == c", &[Attr(0), JumpIfTrue(6), Attr(1), Attr(2), Eq(0), Or(0)], ""),
        (
            "a ? b : (b && c): the second half ends where the whole ends",
            &[Attr(0), PopJumpIfFalse(4), Attr(1), Jump(8), Attr(1), JumpIfFalse(8), Attr(2), And(0)],
            "",
        ),
        (
            "exits of both kinds: a alone is enough",
            &[Attr(0), JumpIfTrue(7), Attr(1), Or(0), JumpIfFalse(7), Attr(2), And(0)],
            "",
        ),
        ("a part that is thrown away", &[Attr(0), JumpIfFalse(6), Attr(1), Pop(0), Attr(2), And(0)], "a*"),
        (
            "a part of || that takes the value of the part before it",
            &[
                Attr(0),
                Const(0),
                Eq(0),
                JumpIfTrue(15),
                Attr(0),
                Or(0),
                Attr(1),
                Const(0),
                Eq(0),
                JumpIfFalse(14),
                Attr(0),
                Const(0),
                Eq(0),
                And(0),
                Or(0),
            ],
            "",
        ),
        ("a negated conjunction", &[Attr(0), JumpIfFalse(4), Attr(1), And(0), Not(0)], ""),
    ];
    for (name, code, expected) in cases {
        let program = loaded(&small(), code).unwrap_or_else(|| panic!("{name}: {code:?} does not verify"));
        assert_eq!(written(&clauses::of(program.code(), ProgramIndex(0))), *expected, "{name}");
    }
}

/// Writes code that leaves one value: connectives as the compiler writes them, and in other ways.
fn write(numbers: &mut Numbers<'_>, code: &mut Vec<Op>, depth: u32) {
    let leaf = |numbers: &mut Numbers<'_>| numbers.below(3);
    match if depth == 0 { numbers.below(4) } else { numbers.below(9) } {
        0 => code.push(Op::Attr(leaf(numbers))),
        1 => code.extend([Op::Attr(leaf(numbers)), Op::Const(leaf(numbers)), Op::Eq(0)]),
        2 => code.push(Op::HasAttr(leaf(numbers))),
        3 => code.extend([Op::Attr(leaf(numbers)), Op::Not(0)]),
        4 | 5 => joined(numbers, code, depth, Op::JumpIfFalse, Op::And(0)),
        6 => joined(numbers, code, depth, Op::JumpIfTrue, Op::Or(0)),
        7 => {
            write(numbers, code, depth - 1);
            code.push(Op::Not(0));
        }
        _ => {
            write(numbers, code, depth - 1);
            let no = code.len();
            code.push(Op::PopJumpIfFalse(0));
            write(numbers, code, depth - 1);
            let end = code.len();
            code.push(Op::Jump(0));
            code[no] = Op::PopJumpIfFalse(code.len() as u32);
            write(numbers, code, depth - 1);
            code[end] = Op::Jump(code.len() as u32);
        }
    }
}

fn joined(numbers: &mut Numbers<'_>, code: &mut Vec<Op>, depth: u32, jump: fn(u32) -> Op, join: Op) {
    let mut exits = Vec::new();
    for part in 0..2 + numbers.below(2) {
        if part > 0 {
            exits.push(code.len());
            code.push(jump(0));
        }
        write(numbers, code, depth - 1);
        if part > 0 {
            code.push(join);
        }
    }
    for exit in exits {
        code[exit] = jump(code.len() as u32);
    }
}

/// Changes some instructions: other targets of jumps, other connectives.
fn change(numbers: &mut Numbers<'_>, code: &mut [Op]) {
    for _ in 0..numbers.below(3) {
        let at = numbers.below(code.len() as u32) as usize;
        let forward = at as u32 + 1 + numbers.below(code.len() as u32 - at as u32);
        code[at] = match code[at] {
            Op::JumpIfFalse(target) if numbers.below(2) == 0 => Op::JumpIfTrue(target),
            Op::JumpIfTrue(target) if numbers.below(2) == 0 => Op::JumpIfFalse(target),
            Op::JumpIfFalse(_) => Op::JumpIfFalse(forward),
            Op::JumpIfTrue(_) => Op::JumpIfTrue(forward),
            Op::PopJumpIfFalse(_) => Op::PopJumpIfFalse(forward),
            Op::Jump(_) => Op::Jump(forward),
            Op::And(_) => Op::Or(0),
            Op::Or(_) => Op::And(0),
            other => other,
        };
    }
}

/// Returns whether an atom is false for the request of a machine.
fn is_false(machine: &mut Machine<'_>, atom: &Atom, table: &ProgramTable) -> bool {
    let value = machine.subject(atom.subject, true);
    match atom.test {
        Test::Is(holds) => matches!(value, Value::Bool(is) if is != holds),
        Test::Equals(constant) => match (value, constant.get(&table.constants)) {
            (Value::Error(_), _) => false,
            (Value::String(text), Some(crate::tables::Constant::Scalar(other))) => {
                !matches!(other, crate::tables::ScalarConstant::String(other) if other == text)
            }
            _ => true,
        },
        other => panic!("not generated: {other:?}"),
    }
}

#[test]
fn a_condition_with_a_false_clause_is_false() {
    let (all, clauses_found, false_ones) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) };
    let numbers = proptest::collection::vec(any::<u8>(), 8..80);
    let result = TestRunner::new(config).run(&numbers, |numbers| {
        let tables = small();
        let mut numbers = Numbers::new(&numbers);
        let mut code = Vec::new();
        write(&mut numbers, &mut code, 3);
        change(&mut numbers, &mut code);
        all.set(all.get() + 1);
        let Some(program) = loaded(&tables, &code) else { return Ok(()) };
        let found = clauses::of(program.code(), ProgramIndex(0));
        clauses_found.set(clauses_found.get() + usize::from(!found.is_empty()));
        for values in 0..64_u32 {
            // Each field is missing, true, false, or the text `x`.
            let value = |shift: u32| [None, Some("true"), Some("false"), Some("\"x\"")][(values >> shift) as usize % 4];
            let fields = [("a", value(0)), ("b", value(2)), ("c", value(4))];
            let fields: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
            let request = Request { context: context(&fields), ..Request::default() };
            let (arena, no_attributes) = (Bump::new(), |_: &[&str]| None);
            let mut machine = Machine::new(program.code(), request.snapshot(&no_attributes), &arena);
            let table = &program.tables().program;
            let ruled_out =
                found.iter().any(|clause| clause.atoms.iter().all(|atom| is_false(&mut machine, atom, table)));
            let value = machine.run(ProgramIndex(0));
            false_ones.set(false_ones.get() + usize::from(ruled_out));
            prop_assert!(!ruled_out || matches!(value, Value::Bool(false)), "{fields:?}: {value:?}\n{code:?}");
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    let (all, found) = (all.get(), clauses_found.get());
    eprintln!("{found} of {all} programs have clauses; {} requests were ruled out", false_ones.get());
    assert!(found * 3 >= all, "{found} of {all} programs have clauses");
}
