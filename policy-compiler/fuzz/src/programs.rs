//! Artifacts of plausible shape out of bytes: programs that verify, rules that refer to them.

use context_mesh_core::index::{ProgramIndex, RuleIndex};
use context_mesh_core::artifact::tables::{
    Effect, Layer, MaskMethod, OnError, OnInvalid, OnMismatch, Reply, RuleTable, Tables,
};
use context_mesh_core::limits::MAX_LOCALS;
use context_mesh_core::vm::EvalErrorKind;
use context_mesh_core::vm::function::Function;
use context_mesh_core::vm::op::Op;

use crate::tables;

/// The levels of one expression: each holds at most two values on the stack.
const LEVELS: u32 = 6;

/// Numbers out of bytes; zeros when there are no more.
pub struct Numbers<'b> {
    bytes: &'b [u8],
}

impl<'b> Numbers<'b> {
    /// The numbers that these bytes give.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// Whether there are no more.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next number, less than `limit`, which must not be 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        match self.bytes {
            [first, rest @ ..] if limit <= 256 => {
                self.bytes = rest;
                u32::from(*first) % limit
            }
            [first, second, rest @ ..] => {
                self.bytes = rest;
                u32::from(u16::from_le_bytes([*first, *second])) % limit
            }
            _ => {
                self.bytes = &[];
                0
            }
        }
    }

    /// One of these.
    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(count(items)) as usize]
    }

    fn chance(&mut self, of: u32) -> bool {
        self.below(of) == 1
    }
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// An artifact that verifies, whatever the numbers are.
pub fn artifact(numbers: &mut Numbers<'_>) -> Tables {
    let mut tables = tables::tables().clone();
    for index in 0..=numbers.below(4) {
        let mut generator = Generator::new(numbers, &tables);
        generator.expression(LEVELS);
        let code = generator.code;
        let program = &mut tables.program;
        program.programs.push((count(&program.code), count(&code)));
        program.code.extend(code.iter().map(|op| op.encode()));
        if numbers.below(2) == 1 {
            program.variables.push(ProgramIndex(index));
        }
    }
    let programs = count(&tables.program.programs);
    for _ in 0..numbers.below(6) {
        let rule = rule(numbers, programs);
        add_rule(numbers, &mut tables, rule);
    }
    let mesh = &mut tables.mesh;
    if numbers.chance(4) {
        mesh.caller_mismatch = OnMismatch::Deny;
    }
    if numbers.chance(4) {
        mesh.on_invalid = OnInvalid::Deny;
    }
    mesh.require_peer = !numbers.chance(4);
    tables
}

fn rule(numbers: &mut Numbers<'_>, programs: u32) -> RuleTable {
    const FIELDS: &[&str] = &["tenant", "user", "n", "flags", "limits", "any", "b", "d"];
    let fields = |numbers: &mut Numbers<'_>| -> Vec<String> {
        (0..=numbers.below(3)).map(|_| numbers.one_of(FIELDS).to_owned()).collect()
    };
    let reply = Reply { status: 403, grpc_status: 7, message: "no".to_owned() };
    let effect = match numbers.below(9) {
        0 => Effect::Deny(reply),
        1 => Effect::Allow,
        2 => Effect::Require { fields: fields(numbers), reply },
        3 => Effect::Redact { fields: fields(numbers) },
        4 => Effect::Audit,
        5 => {
            let fields = (0..=numbers.below(2)).map(|_| numbers.one_of(&["tenant", "user", "flags"]).to_owned());
            let fields = fields.collect();
            let keep = MaskMethod::KeepLast(numbers.below(4) as u16);
            Effect::Mask { fields, method: numbers.one_of(&[keep, MaskMethod::Hash, MaskMethod::Pseudonym]) }
        }
        _ => {
            Effect::Set { fields: fields(numbers).into_iter().map(|field| (field, ProgramIndex(numbers.below(programs)))).collect() }
        }
    };
    RuleTable {
        name: "shop/p/r".to_owned(),
        layer: if numbers.below(2) == 0 { Layer::Domain } else { Layer::Enterprise },
        condition: (numbers.below(3) > 0).then(|| ProgramIndex(numbers.below(programs))),
        on_error: if numbers.below(2) == 0 { OnError::Deny } else { OnError::Ignore },
        shadow: numbers.chance(5),
        effect,
        place: "p.yaml:1".to_owned(),
    }
}

/// Lets the rule apply somewhere.
fn add_rule(numbers: &mut Numbers<'_>, tables: &mut Tables, rule: RuleTable) {
    let index = count(&tables.rules);
    tables.rules.push(rule);
    let place = numbers.below(16);
    for (service, bit) in tables.services.iter_mut().zip([1, 2, 4]) {
        if place & bit == 0 {
            service.entry.inbound.push(RuleIndex(index));
        }
        if place & 8 == 0 {
            service.entry.outbound.push(RuleIndex(index));
        }
    }
    if place & 6 == 0 {
        tables.unlisted.inbound.push(RuleIndex(index));
    }
}

/// Makes one program, the shape of an expression first.
struct Generator<'n, 'b> {
    numbers: &'n mut Numbers<'b>,
    constants: u32,
    attributes: u32,
    variables: u32,
    /// The constants that are strings, for names.
    names: u32,
    regexes: u32,
    code: Vec<Op>,
    locals: u32,
}

impl<'n, 'b> Generator<'n, 'b> {
    fn new(numbers: &'n mut Numbers<'b>, tables: &Tables) -> Self {
        Self {
            numbers,
            constants: count(&tables.program.constants),
            attributes: count(&tables.program.attributes),
            variables: count(&tables.program.variables),
            names: 19,
            regexes: count(&tables.regexes),
            code: Vec::new(),
            locals: 0,
        }
    }

    fn leaf(&mut self) {
        let op = match self.numbers.below(10) {
            1 => Op::HasAttr(self.numbers.below(self.attributes)),
            2 => Op::OptAttr(self.numbers.below(self.attributes)),
            3 => Op::Fail(1 + self.numbers.below(count(EvalErrorKind::ALL))),
            4 if self.variables > 0 => Op::Var(self.numbers.below(self.variables)),
            5..=7 => Op::Attr(self.numbers.below(self.attributes)),
            _ => Op::Const(self.numbers.below(self.constants)),
        };
        self.code.push(op);
    }

    /// Code that puts one value onto the stack.
    fn expression(&mut self, levels: u32) {
        if levels == 0 || self.numbers.is_empty() {
            return self.leaf();
        }
        let levels = levels - 1;
        match self.numbers.below(14) {
            1 => self.unary(levels),
            2 | 3 => self.binary(levels),
            4..=6 => {
                let function = self.numbers.one_of(Function::ALL);
                (0..function.arity()).for_each(|_| self.expression(levels));
                self.code.push(Op::Call(function.number()));
            }
            7 => self.branch(levels),
            8 => self.build_list(levels),
            9 => self.build_map(levels),
            10 => self.fold(levels),
            11 => self.share(levels),
            12 => self.conditional(levels),
            _ => self.leaf(),
        }
    }

    fn unary(&mut self, levels: u32) {
        self.expression(levels);
        let name = self.numbers.below(self.names);
        let regex = self.numbers.below(self.regexes);
        let op = self.numbers.one_of(&[
            Op::Not(0),
            Op::Neg(0),
            Op::Size(0),
            Op::Member(name),
            Op::HasMember(name),
            Op::OptMember(name),
            Op::Matches(regex),
            Op::List(1),
        ]);
        self.code.push(op);
    }

    fn binary(&mut self, levels: u32) {
        const BINARY: &[Op] = &[
            Op::Eq(0),
            Op::Ne(0),
            Op::Lt(0),
            Op::Le(0),
            Op::Gt(0),
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
            Op::StartsWith(0),
            Op::EndsWith(0),
            Op::Contains(0),
            Op::List(2),
        ];
        self.expression(levels);
        self.expression(levels);
        let op = self.numbers.one_of(BINARY);
        self.code.push(op);
    }

    fn take_locals(&mut self, count: u32) -> Option<u32> {
        let first = self.locals;
        (usize::try_from(first + count).ok()? <= MAX_LOCALS).then(|| self.locals += count)?;
        Some(first)
    }

    fn here(&self) -> u32 {
        count(&self.code)
    }

    fn patch(&mut self, at: u32, op: fn(u32) -> Op) {
        let target = self.here();
        self.code[at as usize] = op(target);
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
        let jump = self.numbers.one_of(&jumps);
        let at = self.here();
        self.code.extend([jump(0), Op::Pop(0)]);
        self.expression(levels);
        self.patch(at, jump);
    }

    /// `a ? b : c`, without the error of a condition that is no bool.
    fn conditional(&mut self, levels: u32) {
        self.expression(levels);
        let otherwise = self.here();
        self.code.push(Op::PopJumpIfFalse(0));
        self.expression(levels);
        let end = self.here();
        self.code.push(Op::Jump(0));
        self.patch(otherwise, Op::PopJumpIfFalse);
        self.expression(levels);
        self.patch(end, Op::Jump);
    }

    /// A value that is computed once and used twice.
    fn share(&mut self, levels: u32) {
        self.expression(levels);
        let Some(local) = self.take_locals(1) else { return };
        self.code.extend([Op::Store(local), Op::Load(local), Op::Load(local), Op::List(2)]);
        self.locals -= 1;
    }

    fn build_list(&mut self, levels: u32) {
        let Some(list) = self.take_locals(1) else { return self.leaf() };
        self.code.push(Op::ListBegin(list));
        for _ in 0..self.numbers.below(4) {
            self.expression(levels);
            let push = self.numbers.one_of(&[Op::ListPush(list), Op::ListPushOptional(list)]);
            self.code.push(push);
        }
        self.each(levels, Op::ListPush(list), 1);
        self.code.push(Op::BuildEnd(list));
        self.locals -= 1;
    }

    fn build_map(&mut self, levels: u32) {
        let Some(map) = self.take_locals(1) else { return self.leaf() };
        self.code.push(Op::MapBegin(map));
        for _ in 0..self.numbers.below(4) {
            self.expression(levels);
            self.expression(levels);
            let put = self.numbers.one_of(&[Op::MapPut(map), Op::MapPutOptional(map)]);
            self.code.push(put);
        }
        let (op, values) = self.numbers.one_of(&[(Op::MapPut(map), 2), (Op::MapPutAll(map), 1)]);
        self.each(levels, op, values);
        self.code.push(Op::BuildEnd(map));
        self.locals -= 1;
    }

    /// A loop that keeps the last value.
    fn fold(&mut self, levels: u32) {
        let Some(result) = self.take_locals(1) else { return self.leaf() };
        self.leaf();
        self.code.push(Op::Store(result));
        self.each(levels, Op::Store(result), 1);
        self.code.push(Op::Load(result));
        self.locals -= 1;
    }

    /// A loop that computes so many values each time and ends with an instruction that takes them.
    fn each(&mut self, levels: u32, take: Op, values: u32) {
        if self.numbers.is_empty() {
            return;
        }
        let Some(cursor) = self.take_locals(3) else { return };
        self.expression(levels);
        self.code.push(Op::IterBegin(cursor));
        let start = self.here();
        let both = self.numbers.below(2) == 0;
        self.code.push(if both { Op::IterNext2(cursor) } else { Op::IterNext(cursor) });
        let exit = self.here();
        self.code.push(Op::PopJumpIfFalse(0));
        for _ in 0..values {
            if self.numbers.below(2) == 0 {
                let behind = 1 + self.numbers.below(if both { 2 } else { 1 });
                self.code.push(Op::Load(cursor + behind));
            } else {
                self.expression(levels);
            }
        }
        self.code.push(take);
        self.code.push(Op::Loop(start));
        self.patch(exit, Op::PopJumpIfFalse);
        self.locals -= 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use context_mesh_core::artifact::{encode, load};

    #[test]
    fn whatever_the_numbers_are_the_artifact_verifies() {
        for seed in 0_u32..300 {
            let byte =
                |i: u32| (seed.wrapping_add(1).wrapping_mul(i.wrapping_add(7)).wrapping_mul(2_654_435_761) >> 11) as u8;
            let bytes: Vec<u8> = (0..seed * 2).map(byte).collect();
            let tables = artifact(&mut Numbers::new(&bytes));
            let loaded = load(&encode(&tables).unwrap());
            assert!(loaded.is_ok(), "{seed}: {}", loaded.unwrap_err());
        }
    }
}
