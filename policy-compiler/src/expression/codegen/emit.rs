//! Compiles one expression to instructions.

use context_mesh_core::index::{AttributeIndex, ConstantIndex, PatternIndex};
use std::collections::HashMap;

use context_mesh_core::artifact::tables::{Constant, ScalarConstant};
use context_mesh_core::limits::{MAX_LOCALS, MAX_STACK};
use context_mesh_core::vm::EvalErrorKind;
use context_mesh_core::vm::function::Function;
use context_mesh_core::vm::op::{MAX_OPERAND, Op};

use super::builder::Builder;
use crate::expression::cel::Problem;
use crate::expression::ir::{Arithmetic, Comparison, Element, Entry, Ir, Node, TextTest, WithOptional};
use crate::report::diagnostic::code;

/// Most values of a list that are put on the stack together. Longer lists are built one value at a time, so that they
/// do not need a deeper stack.
const MAX_STACKED: usize = 8;

/// The instructions of an expression, as words.
pub(super) fn program(builder: &mut Builder, ir: &Ir) -> Result<Vec<u32>, Problem> {
    let mut emitter = Emitter::new(builder);
    emitter.node(&ir.root)?;
    let (code, deepest, slots) = (emitter.code, emitter.deepest, emitter.most_slots);
    let limit = |message: String| Problem::new(code::PROGRAM_LIMIT, (ir.start, ir.end), message);
    if deepest > MAX_STACK {
        let message = format!("the expression needs a stack of {deepest} values; at most {MAX_STACK} are allowed");
        return Err(limit(message).help("split it into variables"));
    }
    if slots > MAX_LOCALS {
        let message = "the expression nests too many macros, lists and maps into each other";
        return Err(limit(message.to_owned()).help("split it into variables"));
    }
    if code.iter().any(|op| op.operand() > MAX_OPERAND) {
        return Err(limit("the artifact holds more constants or attributes than an instruction can name".to_owned()));
    }
    Ok(code.into_iter().map(Op::encode).collect())
}

pub(super) struct Emitter<'b> {
    builder: &'b mut Builder,
    pub(super) code: Vec<Op>,
    /// The number of values on the stack at this point, and the greatest so far.
    depth: usize,
    deepest: usize,
    /// The number of machine locals in use at this point, and the greatest so far.
    slots: usize,
    most_slots: usize,
    /// The machine local of each local of the expression.
    homes: HashMap<u32, u32>,
}

/// A jump whose target is not known yet.
pub(super) struct Jump {
    at: usize,
    op: fn(u32) -> Op,
}

impl<'b> Emitter<'b> {
    fn new(builder: &'b mut Builder) -> Self {
        let code = Vec::new();
        Self { builder, code, depth: 0, deepest: 0, slots: 0, most_slots: 0, homes: HashMap::new() }
    }
}

impl Emitter<'_> {
    pub(super) fn op(&mut self, op: Op) {
        let (pops, pushes) = (count(op.pops()), count(op.pushes()));
        self.depth = self.depth.saturating_sub(pops) + pushes;
        self.deepest = self.deepest.max(self.depth);
        self.code.push(op);
    }

    pub(super) fn jump(&mut self, op: fn(u32) -> Op) -> Jump {
        let at = self.code.len();
        self.op(op(0));
        Jump { at, op }
    }

    /// Sets the target of a jump to the next instruction.
    pub(super) fn land(&mut self, jump: &Jump) {
        let target = number(self.code.len());
        if let Some(op) = self.code.get_mut(jump.at) {
            *op = (jump.op)(target);
        }
    }

    /// Returns the index of the next instruction, for [`Op::Loop`].
    pub(super) fn here(&self) -> u32 {
        number(self.code.len())
    }

    /// Returns the number of values on the stack.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Sets the number of values on the stack at a place that only jumps reach.
    pub(super) fn set_depth(&mut self, depth: usize) {
        self.depth = depth;
    }

    /// Reserves adjacent machine locals. Returns the first.
    pub(super) fn take_slots(&mut self, count: usize) -> u32 {
        let first = number(self.slots);
        self.slots += count;
        self.most_slots = self.most_slots.max(self.slots);
        first
    }

    pub(super) fn free_slots(&mut self, count: usize) {
        self.slots = self.slots.saturating_sub(count);
    }

    /// Sets the machine local of a local of the expression.
    pub(super) fn house(&mut self, local: u32, slot: u32) {
        self.homes.insert(local, slot);
    }

    pub(super) fn node(&mut self, node: &Node) -> Result<(), Problem> {
        match node {
            Node::Constant(constant) => {
                let ConstantIndex(number) = self.builder.constant(constant);
                self.op(Op::Const(number));
            }
            Node::Attribute(attribute) => {
                let AttributeIndex(number) = self.builder.attribute(attribute);
                self.op(Op::Attr(number));
            }
            Node::Has(attribute) => {
                let AttributeIndex(number) = self.builder.attribute(attribute);
                self.op(Op::HasAttr(number));
            }
            Node::OptionalAttribute(attribute) => {
                let AttributeIndex(number) = self.builder.attribute(attribute);
                self.op(Op::OptAttr(number));
            }
            Node::Variable(variable) => self.op(Op::Var(variable.0)),
            Node::Local(local) => match self.homes.get(local).copied() {
                Some(slot) => self.op(Op::Load(slot)),
                None => self.op(Op::Fail(EvalErrorKind::Undeclared.number())),
            },
            Node::Fail => self.op(Op::Fail(EvalErrorKind::Undeclared.number())),
            Node::Let(local, pair) => self.let_in(*local, pair)?,
            Node::All(parts) => self.connective(parts, Op::JumpIfFalse, Op::And(0))?,
            Node::Any(parts) => self.connective(parts, Op::JumpIfTrue, Op::Or(0))?,
            Node::Not(of) => self.then(of, Op::Not(0))?,
            Node::Negate(of) => self.then(of, Op::Neg(0))?,
            Node::If(parts) => self.conditional(parts)?,
            Node::Compare(comparison, pair) => self.pair(pair, comparison_op(*comparison))?,
            Node::Arithmetic(arithmetic, pair) => self.pair(pair, arithmetic_op(*arithmetic))?,
            Node::Call(function, arguments) => self.call(*function, arguments)?,
            Node::In(pair) => self.pair(pair, Op::In(0))?,
            Node::Text(test, pair) => self.pair(pair, text_op(*test))?,
            Node::Index(pair) => self.pair(pair, Op::Index(0))?,
            Node::OptionalIndex(pair) => self.pair(pair, Op::OptIndex(0))?,
            Node::Matches(of, pattern) => {
                let PatternIndex(regex) = self.builder.pattern(pattern, false)?;
                self.then(of, Op::Matches(regex))?;
            }
            Node::Size(of) => self.then(of, Op::Size(0))?,
            Node::Member(of, name) => {
                let ConstantIndex(name) = self.builder.name(name);
                self.then(of, Op::Member(name))?;
            }
            Node::OptionalMember(of, name) => {
                let ConstantIndex(name) = self.builder.name(name);
                self.then(of, Op::OptMember(name))?;
            }
            Node::HasMember(of, name) => {
                let ConstantIndex(name) = self.builder.name(name);
                self.then(of, Op::HasMember(name))?;
            }
            Node::FirstPresent(pair) => self.first_present(pair)?,
            Node::ValueOr(pair) => self.value_or(pair)?,
            Node::WithOptional(with) => self.with_optional(with)?,
            Node::List(elements) => self.list(elements)?,
            Node::Map(entries) => self.map(entries)?,
            Node::Loop(of) => self.loop_over(of)?,
        }
        Ok(())
    }

    fn then(&mut self, of: &Node, op: Op) -> Result<(), Problem> {
        self.node(of)?;
        self.op(op);
        Ok(())
    }

    fn pair(&mut self, pair: &[Node; 2], op: Op) -> Result<(), Problem> {
        self.node(&pair[0])?;
        self.then(&pair[1], op)
    }

    /// Compiles a library function. The rules of the time zone that it names go into the artifact.
    fn call(&mut self, function: Function, arguments: &[Node]) -> Result<(), Problem> {
        if let ("get", [_, Node::Constant(Constant::Scalar(ScalarConstant::String(zone)))]) =
            (function.name().get(..3).unwrap_or_default(), arguments)
        {
            self.builder.zone(zone);
        }
        arguments.iter().try_for_each(|argument| self.node(argument))?;
        self.op(Op::Call(function.number()));
        Ok(())
    }

    fn let_in(&mut self, local: u32, [value, body]: &[Node; 2]) -> Result<(), Problem> {
        self.node(value)?;
        let slot = self.take_slots(1);
        self.op(Op::Store(slot));
        self.house(local, slot);
        self.node(body)?;
        self.free_slots(1);
        Ok(())
    }

    /// Compiles `&&` or `||`. As soon as the absorbing value is on the stack, the rest is skipped.
    fn connective(&mut self, parts: &[Node], jump: fn(u32) -> Op, join: Op) -> Result<(), Problem> {
        let mut exits = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                exits.push(self.jump(jump));
            }
            self.node(part)?;
            if index > 0 {
                self.op(join);
            }
        }
        exits.iter().for_each(|exit| self.land(exit));
        Ok(())
    }

    fn conditional(&mut self, [condition, then, otherwise]: &[Node; 3]) -> Result<(), Problem> {
        self.node(condition)?;
        let failed = self.jump(Op::JumpIfError);
        let no = self.jump(Op::PopJumpIfFalse);
        let depth = self.depth;
        self.node(then)?;
        let end = self.jump(Op::Jump);
        self.land(&no);
        // Only one of the two values is on the stack.
        self.depth = depth;
        self.node(otherwise)?;
        self.land(&failed);
        self.land(&end);
        Ok(())
    }

    /// Compiles `a.or(b)`.
    fn first_present(&mut self, [one, other]: &[Node; 2]) -> Result<(), Problem> {
        self.node(one)?;
        let present = self.jump(Op::JumpIfPresent);
        self.op(Op::Pop(0));
        self.node(other)?;
        self.land(&present);
        Ok(())
    }

    /// Compiles `a.orValue(b)`.
    fn value_or(&mut self, [of, otherwise]: &[Node; 2]) -> Result<(), Problem> {
        self.node(of)?;
        let present = self.jump(Op::JumpIfPresent);
        self.op(Op::Pop(0));
        self.node(otherwise)?;
        let end = self.jump(Op::Jump);
        self.land(&present);
        self.op(Op::Call(Function::OptionalValue.number()));
        self.land(&end);
        Ok(())
    }

    fn with_optional(&mut self, with: &WithOptional<Node>) -> Result<(), Problem> {
        self.node(&with.of)?;
        let absent = self.jump(Op::JumpIfAbsent);
        self.op(Op::Call(Function::OptionalValue.number()));
        let slot = self.take_slots(1);
        self.op(Op::Store(slot));
        self.house(with.local, slot);
        self.node(&with.then)?;
        if !with.flat {
            self.op(Op::Call(Function::OptionalOf.number()));
        }
        self.free_slots(1);
        self.land(&absent);
        Ok(())
    }

    fn list(&mut self, elements: &[Element<Node>]) -> Result<(), Problem> {
        if elements.len() <= MAX_STACKED && elements.iter().all(|element| !element.optional) {
            elements.iter().try_for_each(|element| self.node(&element.value))?;
            self.op(Op::List(number(elements.len())));
            return Ok(());
        }
        let list = self.take_slots(1);
        self.op(Op::ListBegin(list));
        for element in elements {
            let push = if element.optional { Op::ListPushOptional(list) } else { Op::ListPush(list) };
            self.then(&element.value, push)?;
        }
        self.op(Op::BuildEnd(list));
        self.free_slots(1);
        Ok(())
    }

    fn map(&mut self, entries: &[Entry<Node>]) -> Result<(), Problem> {
        let map = self.take_slots(1);
        self.op(Op::MapBegin(map));
        for entry in entries {
            self.node(&entry.key)?;
            let put = if entry.optional { Op::MapPutOptional(map) } else { Op::MapPut(map) };
            self.then(&entry.value, put)?;
        }
        self.op(Op::BuildEnd(map));
        self.free_slots(1);
        Ok(())
    }
}

pub(super) fn comparison_op(comparison: Comparison) -> Op {
    match comparison {
        Comparison::Equal => Op::Eq(0),
        Comparison::NotEqual => Op::Ne(0),
        Comparison::Less => Op::Lt(0),
        Comparison::LessEqual => Op::Le(0),
        Comparison::Greater => Op::Gt(0),
        Comparison::GreaterEqual => Op::Ge(0),
    }
}

pub(super) fn arithmetic_op(arithmetic: Arithmetic) -> Op {
    match arithmetic {
        Arithmetic::Add => Op::Add(0),
        Arithmetic::Subtract => Op::Sub(0),
        Arithmetic::Multiply => Op::Mul(0),
        Arithmetic::Divide => Op::Div(0),
        Arithmetic::Modulo => Op::Mod(0),
    }
}

pub(super) fn text_op(test: TextTest) -> Op {
    match test {
        TextTest::Prefix => Op::StartsWith(0),
        TextTest::Suffix => Op::EndsWith(0),
        TextTest::Part => Op::Contains(0),
    }
}

pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

pub(super) fn count(values: u32) -> usize {
    usize::try_from(values).unwrap_or(usize::MAX)
}
