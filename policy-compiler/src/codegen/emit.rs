//! One expression to instructions.

use context_mesh_core::limits::MAX_STACK;
use context_mesh_core::vm::op::{MAX_OPERAND, Op};

use super::builder::Builder;
use crate::cel::{Problem, code};
use crate::ir::{Comparison, Ir, Node, TextTest};

/// The instructions of an expression, as words.
pub(super) fn program(builder: &mut Builder, ir: &Ir) -> Result<Vec<u32>, Problem> {
    let mut emitter = Emitter { builder, code: Vec::new(), depth: 0, deepest: 0 };
    emitter.node(&ir.root)?;
    let (code, deepest) = (emitter.code, emitter.deepest);
    let limit = |message: String| Problem::new(code::PROGRAM_LIMIT, (ir.start, ir.end), message);
    if deepest > MAX_STACK {
        let message = format!("the expression needs a stack of {deepest} values; at most {MAX_STACK} are allowed");
        return Err(limit(message).help("split it into variables"));
    }
    if code.iter().any(|op| op.operand() > MAX_OPERAND) {
        return Err(limit("the artifact holds more constants or attributes than an instruction can name".to_owned()));
    }
    Ok(code.into_iter().map(Op::encode).collect())
}

struct Emitter<'b> {
    builder: &'b mut Builder,
    code: Vec<Op>,
    /// Values on the stack at this point, and the most there have been.
    depth: usize,
    deepest: usize,
}

/// A jump whose target is not known yet.
struct Jump {
    at: usize,
    op: fn(u32) -> Op,
}

impl Emitter<'_> {
    fn op(&mut self, op: Op) {
        let (pops, pushes) = (count(op.pops()), count(op.pushes()));
        self.depth = self.depth.saturating_sub(pops) + pushes;
        self.deepest = self.deepest.max(self.depth);
        self.code.push(op);
    }

    fn jump(&mut self, op: fn(u32) -> Op) -> Jump {
        let at = self.code.len();
        self.op(op(0));
        Jump { at, op }
    }

    /// Lets a jump lead to the next instruction.
    fn land(&mut self, jump: &Jump) {
        let target = number(self.code.len());
        if let Some(op) = self.code.get_mut(jump.at) {
            *op = (jump.op)(target);
        }
    }

    fn node(&mut self, node: &Node) -> Result<(), Problem> {
        match node {
            Node::Constant(constant) => {
                let number = self.builder.constant(constant);
                self.op(Op::Const(number));
            }
            Node::Attribute(attribute) => {
                let number = self.builder.attribute(attribute);
                self.op(Op::Attr(number));
            }
            Node::Has(attribute) => {
                let number = self.builder.attribute(attribute);
                self.op(Op::HasAttr(number));
            }
            Node::Variable(number) => self.op(Op::Var(*number)),
            Node::All(parts) => self.connective(parts, Op::JumpIfFalse, Op::And(0))?,
            Node::Any(parts) => self.connective(parts, Op::JumpIfTrue, Op::Or(0))?,
            Node::Not(of) => self.then(of, Op::Not(0))?,
            Node::If(parts) => self.conditional(parts)?,
            Node::Compare(comparison, pair) => self.pair(pair, comparison_op(*comparison))?,
            Node::In(pair) => self.pair(pair, Op::In(0))?,
            Node::Text(test, pair) => self.pair(pair, text_op(*test))?,
            Node::Index(pair) => self.pair(pair, Op::Index(0))?,
            Node::Matches(of, pattern) => {
                let regex = self.builder.pattern(pattern, false)?;
                self.then(of, Op::Matches(regex))?;
            }
            Node::Size(of) => self.then(of, Op::Size(0))?,
            Node::Member(of, name) => {
                let name = self.builder.name(name);
                self.then(of, Op::Member(name))?;
            }
            Node::HasMember(of, name) => {
                let name = self.builder.name(name);
                self.then(of, Op::HasMember(name))?;
            }
            Node::List(elements) => {
                elements.iter().try_for_each(|element| self.node(element))?;
                self.op(Op::List(number(elements.len())));
            }
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

    /// The parts of `&&` or `||`. As soon as the absorbing value is on the stack the rest is skipped.
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
        self.node(then)?;
        let end = self.jump(Op::Jump);
        self.land(&no);
        // Only one of the two values is there.
        self.depth = self.depth.saturating_sub(1);
        self.node(otherwise)?;
        self.land(&failed);
        self.land(&end);
        Ok(())
    }
}

fn comparison_op(comparison: Comparison) -> Op {
    match comparison {
        Comparison::Equal => Op::Eq(0),
        Comparison::NotEqual => Op::Ne(0),
        Comparison::Less => Op::Lt(0),
        Comparison::LessEqual => Op::Le(0),
        Comparison::Greater => Op::Gt(0),
        Comparison::GreaterEqual => Op::Ge(0),
    }
}

fn text_op(test: TextTest) -> Op {
    match test {
        TextTest::Prefix => Op::StartsWith(0),
        TextTest::Suffix => Op::EndsWith(0),
        TextTest::Part => Op::Contains(0),
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn count(values: u32) -> usize {
    usize::try_from(values).unwrap_or(usize::MAX)
}
