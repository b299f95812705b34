//! Any program that verifies ends within its fuel, makes no more than its memory, and never panics.
#![cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]

use core::cell::Cell;

use bumpalo::Bump;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::function::Function;
use super::fuse;
use super::op::{Op, Operand, TABLE};
use super::tests::pools;
use super::*;
use crate::artifact::{Decoded, VerifiedProgram, encode, load};
use crate::context::Context;
use crate::headers::Headers;
use crate::index::ProgramIndex;
use crate::limits::{MAX_FUEL, MAX_MADE_BYTES};
use crate::tables::{Attribute, Constant, FieldType, Scalar, ScalarConstant, Tables, ZoneTable};
use crate::testing::*;

/// The pools of the other tests, and constants of every type.
fn many_pools() -> Tables {
    let mut tables = pools();
    let scalars = [
        ScalarConstant::Int(i64::MIN),
        ScalarConstant::Int(i64::MAX),
        ScalarConstant::Int(-1),
        ScalarConstant::Int(0),
        ScalarConstant::Uint(u64::MAX),
        ScalarConstant::Double(f64::NAN),
        ScalarConstant::Double(f64::NEG_INFINITY),
        ScalarConstant::Double(-1e300),
        ScalarConstant::String(String::new()),
        ScalarConstant::String("ä\u{10ffff}-%s %.3f".into()),
        ScalarConstant::String("2001:db8::/32".into()),
        ScalarConstant::String("10.0.0.1".into()),
        ScalarConstant::String("2024-02-29T23:59:60Z".into()),
        ScalarConstant::String("-1h2.5s".into()),
        ScalarConstant::String("%d %x %e %b %o %X %f %s %%".into()),
        ScalarConstant::String("Europe/Berlin".into()),
        ScalarConstant::String("aGVsbG8".into()),
        ScalarConstant::Bytes(vec![0xff, 0, b'a']),
        ScalarConstant::Duration(i64::MIN),
        ScalarConstant::Duration(1),
        ScalarConstant::Timestamp { seconds: -62_135_596_800, nanos: 0 },
        ScalarConstant::Timestamp { seconds: 253_402_300_799, nanos: 999_999_999 },
        ScalarConstant::Type("int".into()),
    ];
    tables.program.constants.extend(scalars.map(Constant::Scalar));
    tables.program.constants.push(Constant::List((0..300).map(ScalarConstant::Int).collect()));
    let entry = |key: i64| (ScalarConstant::Int(key), ScalarConstant::String(key.to_string()));
    tables.program.constants.push(Constant::Map((0..30).map(entry).collect()));
    tables.program.attributes.push(Attribute::Field("many".into(), FieldType::One(Scalar::Any)));
    tables.program.zones = vec![ZoneTable {
        name: "Europe/Berlin".into(),
        initial: -86_400,
        transitions: vec![(i64::MIN, 86_400), (0, 3600), (i64::MAX, 1)],
    }];
    tables
}

/// Makes valid programs out of random numbers, the shape of an expression first.
struct Generator<'n> {
    numbers: std::slice::Iter<'n, u16>,
    constants: u32,
    attributes: u32,
    code: Vec<Op>,
    locals: u32,
}

impl Generator<'_> {
    fn number(&mut self, below: u32) -> u32 {
        u32::from(self.numbers.next().copied().unwrap_or(0)) % below.max(1)
    }

    fn leaf(&mut self) {
        let op = match self.number(8) {
            0 => Op::Attr(self.number(self.attributes)),
            1 => Op::HasAttr(self.number(self.attributes)),
            2 => Op::OptAttr(self.number(self.attributes)),
            3 => Op::Fail(1 + self.number(16)),
            _ => Op::Const(self.number(self.constants)),
        };
        self.code.push(op);
    }

    /// Code that puts one value onto the stack, with at most `levels` values below it that it put there itself.
    fn expression(&mut self, levels: u32) {
        if levels == 0 || self.numbers.len() == 0 {
            return self.leaf();
        }
        let levels = levels - 1;
        match self.number(12) {
            0 => self.leaf(),
            1 => {
                self.expression(levels);
                let unary = [Op::Not(0), Op::Neg(0), Op::Size(0), Op::Member(5), Op::HasMember(5), Op::OptMember(5)];
                let op = unary[self.number(6) as usize];
                self.code.push(op);
            }
            2 | 3 => {
                self.expression(levels);
                self.expression(levels);
                let binary = [
                    Op::Eq(0),
                    Op::Ne(0),
                    Op::Lt(0),
                    Op::Ge(0),
                    Op::In(0),
                    Op::Add(0),
                    Op::Sub(0),
                    Op::Mul(0),
                    Op::Div(0),
                    Op::Mod(0),
                    Op::Index(0),
                    Op::OptIndex(0),
                    Op::And(0),
                    Op::Or(0),
                    Op::Contains(0),
                    Op::List(2),
                ];
                let op = binary[self.number(16) as usize];
                self.code.push(op);
            }
            4..=6 => {
                let function = Function::ALL[self.number(Function::ALL.len() as u32) as usize];
                (0..function.arity()).for_each(|_| self.expression(levels));
                self.code.push(Op::Call(function.number()));
            }
            7 => self.branch(levels),
            8 => self.build_list(levels),
            9 => self.build_map(levels),
            10 => self.fold(levels),
            _ => {
                self.expression(levels);
                let local = self.take_locals(1);
                let Some(local) = local else { return };
                self.code.extend([Op::Store(local), Op::Load(local)]);
                self.locals -= 1;
            }
        }
    }

    fn take_locals(&mut self, count: u32) -> Option<u32> {
        let first = self.locals;
        (first + count <= 32).then(|| self.locals += count)?;
        Some(first)
    }

    fn patch(&mut self, at: usize, op: fn(u32) -> Op) {
        self.code[at] = op(self.code.len() as u32);
    }

    fn branch(&mut self, levels: u32) {
        let jumps: [fn(u32) -> Op; 6] = [
            Op::JumpIfFalse,
            Op::JumpIfTrue,
            Op::JumpIfError,
            Op::JumpIfNotIterable,
            Op::JumpIfPresent,
            Op::JumpIfAbsent,
        ];
        self.expression(levels);
        let jump = jumps[self.number(6) as usize];
        let at = self.code.len();
        self.code.extend([jump(0), Op::Pop(0)]);
        self.expression(levels);
        self.patch(at, jump);
    }

    fn build_list(&mut self, levels: u32) {
        let Some(list) = self.take_locals(1) else { return self.leaf() };
        self.code.push(Op::ListBegin(list));
        for _ in 0..self.number(4) {
            self.expression(levels);
            self.code.push(Op::ListPush(list));
        }
        self.each(levels, Some(Op::ListPush(list)), 1);
        self.code.push(Op::BuildEnd(list));
        self.locals -= 1;
    }

    fn build_map(&mut self, levels: u32) {
        let Some(map) = self.take_locals(1) else { return self.leaf() };
        self.code.push(Op::MapBegin(map));
        for _ in 0..self.number(4) {
            self.expression(levels);
            self.expression(levels);
            let put = if self.number(2) == 0 { Op::MapPut(map) } else { Op::MapPutOptional(map) };
            self.code.push(put);
        }
        let (op, values) = if self.number(2) == 0 { (Op::MapPut(map), 2) } else { (Op::MapPutAll(map), 1) };
        self.each(levels, Some(op), values);
        self.code.push(Op::BuildEnd(map));
        self.locals -= 1;
    }

    /// A loop that keeps the last value.
    fn fold(&mut self, levels: u32) {
        let Some(result) = self.take_locals(1) else { return self.leaf() };
        self.leaf();
        self.code.push(Op::Store(result));
        self.each(levels, Some(Op::Store(result)), 1);
        self.code.push(Op::Load(result));
        self.locals -= 1;
    }

    /// A loop that computes so many values each time and ends with an instruction that takes them.
    fn each(&mut self, levels: u32, take: Option<Op>, values: u32) {
        let Some(cursor) = self.take_locals(3) else { return };
        self.expression(levels);
        self.code.push(Op::IterBegin(cursor));
        let start = self.code.len() as u32;
        let both = self.number(2) == 0;
        self.code.push(if both { Op::IterNext2(cursor) } else { Op::IterNext(cursor) });
        let exit = self.code.len();
        self.code.push(Op::PopJumpIfFalse(0));
        for _ in 0..values {
            if self.number(2) == 0 {
                let behind = 1 + self.number(if both { 2 } else { 1 });
                self.code.push(Op::Load(cursor + behind));
            } else {
                self.expression(levels);
            }
        }
        self.code.extend(take);
        self.code.push(Op::Loop(start));
        self.patch(exit, Op::PopJumpIfFalse);
        self.locals -= 3;
    }
}

fn generate(numbers: &[u16], tables: &Tables) -> Vec<Op> {
    let mut generator = Generator {
        numbers: numbers.iter(),
        constants: tables.program.constants.len() as u32,
        attributes: tables.program.attributes.len() as u32,
        code: Vec::new(),
        locals: 0,
    };
    generator.expression(6);
    generator.code
}

/// Runs what verifies, in fused steps and instruction by instruction; says whether it did.
fn run(tables: &Tables) -> bool {
    let bytes = encode(tables).unwrap();
    let Ok(artifact) = load(&bytes) else { return false };
    let plain = VerifiedProgram::verify_with(Decoded::decode(&bytes).unwrap(), fuse::plain).unwrap();
    assert_eq!(outcome(&artifact), outcome(&plain));
    true
}

/// The value of a program and the fuel that it took.
fn outcome(artifact: &VerifiedProgram) -> (String, u64) {
    let headers =
        Headers::new(vec![(b":path", b"/pay/7?x=1"), (b"x-two", b"a"), (b"x-two", b"b"), (b"x-odd", b"\xff")]);
    let mut context = Context::new();
    context.insert("tenant", "\"acme\"").unwrap();
    context.insert("flags", r#"["a","n\u0065w",1]"#).unwrap();
    context.insert("custom", r#"{"n":2,"n":3,"deep":{"l":[1,[2]]},"s":"ac\nme","2":null,"d":1.5e3}"#).unwrap();
    let many = format!("[{}]", (0..500).map(|i| format!("\"text\\n{i}\"")).collect::<Vec<_>>().join(","));
    context.insert("many", &many).unwrap();
    let host = FakeHost::default();
    let peer = Peer::default();
    let mesh = MeshView { service: "b", domain: "shop", region: "us", direction: "inbound" };
    let snapshot = Snapshot {
        headers: &headers,
        context: &context,
        peer: &peer,
        mesh,
        destination: Destination::default(),
        attributes: &host,
    };
    let arena = Bump::new();
    let mut machine = Machine::new(artifact.code(), snapshot, &arena);
    let value = machine.run(ProgramIndex(0));
    assert!(machine.used_fuel() <= MAX_FUEL);
    let json = value.to_json();
    assert!(json.as_ref().is_none_or(|json| json.len() <= 16 * MAX_MADE_BYTES));
    // Chunks double, so at most half of the last one is empty; alignment and map entries add a little.
    let made = arena.allocated_bytes();
    assert!(made <= 4 * MAX_MADE_BYTES, "made {made} bytes");
    let text = match value {
        Value::Error(error) => error.kind.as_str().to_owned(),
        value => json.unwrap_or_else(|| format!("{:?}", std::mem::discriminant(&value))),
    };
    (text, machine.used_fuel())
}

/// Another instruction that takes and gives as many values, with an operand of the same kind; or the same one with another operand.
fn alike(op: Op, choice: u32, tables: &Tables) -> Op {
    let program = &tables.program;
    let operands = match op.operand_kind() {
        Operand::Nothing => 1,
        Operand::Constant => program.constants.len() as u32,
        Operand::Attribute => program.attributes.len() as u32,
        // Names, targets and locals stand for something at their place.
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

/// A program of random instructions, each with as many values on the stack as it takes, and one value at its end.
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

/// Runs a property; each case says whether its program ran. At least a third must.
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
    most_run("generated", proptest::collection::vec(any::<u16>(), 1..250), |numbers| {
        let mut tables = many_pools();
        let code = generate(&numbers, &tables);
        add_program(&mut tables, &code);
        assert!(run(&tables), "{code:?}");
        true
    });
}

#[test]
fn changed_programs_are_refused_or_end() {
    let numbers = proptest::collection::vec(any::<u16>(), 1..60);
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

/// Any words at all: hardly one program verifies, and what is asked is that reading them never panics.
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
