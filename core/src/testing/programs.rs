//! Makes programs that verify from any bytes.

use crate::limits::MAX_LOCALS;
use crate::tables::{Constant, ScalarConstant, Tables};
use crate::vm::EvalErrorKind;
use crate::vm::function::Function;
use crate::vm::op::Op;

/// The number of levels of one expression. Each holds at most two values on the stack.
const LEVELS: u32 = 6;

/// Returns a program that verifies with these tables, whatever the numbers are. The tables must have constants,
/// including strings, attributes and regexes.
pub fn program(numbers: &mut Numbers<'_>, tables: &Tables) -> Vec<Op> {
    let mut generator = Generator::new(numbers, tables);
    generator.expression(LEVELS);
    generator.code
}

/// Numbers from bytes; zeros after the end.
#[derive(Debug)]
pub struct Numbers<'b> {
    bytes: &'b [u8],
}

impl<'b> Numbers<'b> {
    /// Returns the numbers of these bytes.
    pub fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// Returns whether no bytes are left.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the next number, less than `limit`, which must not be 0.
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

    /// Returns one of these.
    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(count(items)) as usize]
    }

    /// Returns true with a probability of one in `of`.
    pub fn chance(&mut self, of: u32) -> bool {
        self.below(of) == 1
    }
}

/// Returns the number of items, in the type of the tables.
pub fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Makes one program, starting with the shape of an expression.
struct Generator<'n, 'b> {
    numbers: &'n mut Numbers<'b>,
    constants: u32,
    attributes: u32,
    variables: u32,
    /// The constants that are strings, for names.
    names: Vec<u32>,
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
            names: (0..)
                .zip(&tables.program.constants)
                .filter(|(_, constant)| is_string(constant))
                .map(|(at, _)| at)
                .collect(),
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

    /// Writes code that pushes one value onto the stack.
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
        let name = self.numbers.one_of(&self.names);
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

    /// `a ? b : c`, without the error of a condition that is not a bool.
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

    /// Writes a value that is computed once and used twice.
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

    /// Writes a loop that keeps its last value.
    fn fold(&mut self, levels: u32) {
        let Some(result) = self.take_locals(1) else { return self.leaf() };
        self.leaf();
        self.code.push(Op::Store(result));
        self.each(levels, Op::Store(result), 1);
        self.code.push(Op::Load(result));
        self.locals -= 1;
    }

    /// Writes a loop that computes this number of values in each iteration and ends with an instruction that takes
    /// them.
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

fn is_string(constant: &Constant) -> bool {
    matches!(constant, Constant::Scalar(ScalarConstant::String(_)))
}
