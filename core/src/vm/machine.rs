//! The run loop.

use bumpalo::Bump;

use super::attribute;
use super::compare;
use super::error::{EvalError, EvalErrorKind};
use super::op::Op;
use super::snapshot::Snapshot;
use super::value::Value;
use crate::artifact::VerifiedProgram;
use crate::artifact::tables::{Constant, ScalarConstant};
use crate::context::json;
use crate::limits::{MAX_FUEL, MAX_STACK};

/// Bytes of text that cost as much fuel as one instruction.
const BYTES_PER_FUEL: usize = 64;

/// Runs the programs of one decision against one snapshot. Attributes and variables are computed at most
/// once; the fuel is one budget for all programs.
pub struct Machine<'a> {
    program: &'a VerifiedProgram,
    snapshot: Snapshot<'a>,
    arena: &'a Bump,
    attributes: Vec<Option<Value<'a>>>,
    variables: Vec<Option<Value<'a>>>,
    stack: Vec<Value<'a>>,
    fuel: u64,
}

impl<'a> Machine<'a> {
    /// A machine with full fuel. `arena` holds what conditions make; it lives as long as the decision.
    pub fn new(program: &'a VerifiedProgram, snapshot: Snapshot<'a>, arena: &'a Bump) -> Self {
        let tables = &program.tables().program;
        Self {
            program,
            snapshot,
            arena,
            attributes: vec![None; tables.attributes.len()],
            variables: vec![None; tables.variables.len()],
            stack: Vec::with_capacity(MAX_STACK),
            fuel: MAX_FUEL,
        }
    }

    /// Runs a program and gives its value, which may be an error.
    ///
    /// Ends always: jumps lead forward, variables only to earlier ones, and every step takes fuel.
    pub fn run(&mut self, program: u32) -> Value<'a> {
        let base = self.stack.len();
        let artifact = self.program;
        let code = artifact.code(program);
        let mut at = 0_usize;
        while let Some(op) = code.get(at) {
            if !self.burn(1) {
                self.stack.truncate(base);
                return Value::error(EvalErrorKind::OutOfFuel);
            }
            let jumps = self.step(*op);
            // A target that does not fit `usize` cannot be in the code, so the loop would end there.
            let target = usize::try_from(op.operand()).unwrap_or(usize::MAX);
            at = if jumps { target } else { at.saturating_add(1) };
        }
        let value = self.pop();
        self.stack.truncate(base);
        value
    }

    /// Runs a condition: a bool or why there is none.
    ///
    /// # Errors
    /// The CEL error that the condition ended with.
    pub fn condition(&mut self, program: u32) -> Result<bool, EvalError> {
        match self.run(program) {
            Value::Bool(value) => Ok(value),
            Value::Error(error) => Err(error),
            _ => Err(EvalErrorKind::NoSuchOverload.into()),
        }
    }

    /// Takes fuel; `false` when there is not enough.
    fn burn(&mut self, amount: u64) -> bool {
        let left = self.fuel.checked_sub(amount);
        self.fuel = left.unwrap_or(0);
        left.is_some()
    }

    /// Takes fuel for reading a text.
    fn burn_text(&mut self, length: usize) -> Result<(), EvalErrorKind> {
        let amount = u64::try_from(length.wrapping_div(BYTES_PER_FUEL)).unwrap_or(u64::MAX);
        if self.burn(amount) { Ok(()) } else { Err(EvalErrorKind::OutOfFuel) }
    }

    /// The top of the stack. Verification proves that it is there.
    fn pop(&mut self) -> Value<'a> {
        self.stack.pop().unwrap_or(Value::error(EvalErrorKind::NoSuchOverload))
    }

    fn top(&self) -> Value<'a> {
        self.stack.last().copied().unwrap_or(Value::error(EvalErrorKind::NoSuchOverload))
    }

    /// Carries out one instruction; says whether it jumps.
    fn step(&mut self, op: Op) -> bool {
        match op {
            Op::JumpIfFalse(_) => return matches!(self.top(), Value::Bool(false)),
            Op::JumpIfTrue(_) => return matches!(self.top(), Value::Bool(true)),
            Op::JumpIfError(_) => return self.jump_if_error(),
            Op::PopJumpIfFalse(_) => return !matches!(self.pop(), Value::Bool(true)),
            Op::Jump(_) => return true,
            Op::Const(index) => self.push_constant(index),
            Op::Attr(index) => {
                let value = self.attribute(index);
                self.stack.push(value);
            }
            Op::HasAttr(index) => {
                let value = self.has_attribute(index);
                self.stack.push(value);
            }
            Op::Var(index) => {
                let value = self.variable(index);
                self.stack.push(value);
            }
            Op::List(count) => self.make_list(count),
            Op::Member(name) => self.unary(|machine, value| machine.member(value, name)),
            Op::HasMember(name) => self.unary(|machine, value| machine.has_member(value, name)),
            Op::Not(_) => self.unary(|_, value| match value {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                _ => Err(EvalErrorKind::NoSuchOverload),
            }),
            Op::Size(_) => self.unary(Self::size),
            Op::Matches(regex) => self.unary(|machine, value| machine.matches(value, regex)),
            Op::And(_) => self.absorb(false),
            Op::Or(_) => self.absorb(true),
            Op::Index(_) => self.binary(Self::index),
            Op::Eq(_) => self.binary(|machine, a, b| machine.equal(a, b).map(Value::Bool)),
            Op::Ne(_) => self.binary(|machine, a, b| machine.equal(a, b).map(|equal| Value::Bool(!equal))),
            Op::Lt(_) => self.order(|ordering| ordering.is_lt()),
            Op::Le(_) => self.order(|ordering| ordering.is_le()),
            Op::Gt(_) => self.order(|ordering| ordering.is_gt()),
            Op::Ge(_) => self.order(|ordering| ordering.is_ge()),
            Op::In(_) => self.binary(|machine, value, of| {
                machine.burn_value(of)?;
                compare::member(value, of, machine.arena).map(Value::Bool)
            }),
            Op::StartsWith(_) => self.text(|text, part| text.starts_with(part)),
            Op::EndsWith(_) => self.text(|text, part| text.ends_with(part)),
            Op::Contains(_) => self.text(|text, part| text.contains(part)),
            other => {
                for _ in 0..other.pops() {
                    self.pop();
                }
                for _ in 0..other.pushes() {
                    self.stack.push(Value::error(EvalErrorKind::NoSuchOverload));
                }
            }
        }
        false
    }

    /// Keeps the top; a value that is neither a bool nor an error becomes one.
    fn jump_if_error(&mut self) -> bool {
        match self.top() {
            Value::Bool(_) => false,
            Value::Error(_) => true,
            _ => {
                self.pop();
                self.stack.push(Value::error(EvalErrorKind::NoSuchOverload));
                true
            }
        }
    }

    fn push_constant(&mut self, index: u32) {
        let program = self.program;
        let constants = &program.tables().program.constants;
        let constant = usize::try_from(index).ok().and_then(|index| constants.get(index));
        self.stack.push(match constant {
            Some(Constant::Scalar(value)) => Value::constant(value),
            Some(Constant::List(items)) => Value::Constants(items),
            Some(Constant::StringSet(words)) => Value::StringSet(words),
            Some(Constant::Map(entries)) => Value::ConstantMap(entries),
            None => Value::error(EvalErrorKind::NoSuchOverload),
        });
    }

    /// The string of a `Name` operand, which verification proves to be there.
    fn name(&self, index: u32) -> &'a str {
        let program = self.program;
        let constants = &program.tables().program.constants;
        match usize::try_from(index).ok().and_then(|index| constants.get(index)) {
            Some(Constant::Scalar(ScalarConstant::String(name))) => name,
            _ => "",
        }
    }

    fn attribute(&mut self, index: u32) -> Value<'a> {
        let missing = Value::error(EvalErrorKind::NoValue);
        let Ok(index) = usize::try_from(index) else { return missing };
        if let Some(Some(value)) = self.attributes.get(index) {
            return *value;
        }
        let program = self.program;
        let Some(attribute) = program.tables().program.attributes.get(index) else { return missing };
        let value = attribute::read(attribute, &self.snapshot, self.arena);
        if let Some(slot) = self.attributes.get_mut(index) {
            *slot = Some(value);
        }
        value
    }

    fn has_attribute(&mut self, index: u32) -> Value<'a> {
        match self.attribute(index) {
            Value::Error(EvalError { kind: EvalErrorKind::NoValue | EvalErrorKind::NoSuchKey }) => Value::Bool(false),
            Value::Error(error) => Value::Error(error),
            _ => Value::Bool(true),
        }
    }

    fn variable(&mut self, index: u32) -> Value<'a> {
        let missing = Value::error(EvalErrorKind::NoValue);
        let Ok(index) = usize::try_from(index) else { return missing };
        if let Some(Some(value)) = self.variables.get(index) {
            return *value;
        }
        let Some(program) = self.program.tables().program.variables.get(index).copied() else { return missing };
        let value = self.run(program);
        if let Some(slot) = self.variables.get_mut(index) {
            *slot = Some(value);
        }
        value
    }

    fn make_list(&mut self, count: u32) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let from = self.stack.len().saturating_sub(count);
        let items = self.arena.alloc_slice_copy(self.stack.get(from..).unwrap_or_default());
        self.stack.truncate(from);
        let error = items.iter().find(|item| matches!(item, Value::Error(_))).copied();
        self.stack.push(error.unwrap_or(Value::List(items)));
    }

    /// Replaces the top by what `apply` makes of it; an error stays as it is.
    fn unary(&mut self, apply: impl FnOnce(&mut Self, Value<'a>) -> Result<Value<'a>, EvalErrorKind>) {
        let value = match self.pop() {
            Value::Error(error) => Value::Error(error),
            value => apply(self, value).unwrap_or_else(Value::error),
        };
        self.stack.push(value);
    }

    /// Replaces the two topmost values by what `apply` makes of them; the first error stays as it is.
    fn binary(&mut self, apply: impl FnOnce(&mut Self, Value<'a>, Value<'a>) -> Result<Value<'a>, EvalErrorKind>) {
        let right = self.pop();
        let left = self.pop();
        let value = match (left, right) {
            (Value::Error(error), _) | (_, Value::Error(error)) => Value::Error(error),
            (left, right) => apply(self, left, right).unwrap_or_else(Value::error),
        };
        self.stack.push(value);
    }

    fn order(&mut self, holds: impl FnOnce(core::cmp::Ordering) -> bool) {
        self.binary(|_, a, b| Ok(Value::Bool(compare::order(a, b)?.is_some_and(holds))));
    }

    fn text(&mut self, holds: impl FnOnce(&str, &str) -> bool) {
        self.binary(|machine, text, part| match (text, part) {
            (Value::String(text), Value::String(part)) => {
                machine.burn_text(text.len())?;
                Ok(Value::Bool(holds(text, part)))
            }
            _ => Err(EvalErrorKind::NoSuchOverload),
        });
    }

    /// CEL's `&&` (`absorbing` is false) and `||` (`absorbing` is true): the absorbing value wins over an error.
    fn absorb(&mut self, absorbing: bool) {
        let right = self.pop();
        let left = self.pop();
        let value = match (left, right) {
            (Value::Bool(left), _) if left == absorbing => Value::Bool(absorbing),
            (_, Value::Bool(right)) if right == absorbing => Value::Bool(absorbing),
            (Value::Bool(_), Value::Bool(_)) => Value::Bool(!absorbing),
            (Value::Error(error), _) | (_, Value::Error(error)) => Value::Error(error),
            _ => Value::error(EvalErrorKind::NoSuchOverload),
        };
        self.stack.push(value);
    }

    fn equal(&mut self, a: Value<'a>, b: Value<'a>) -> Result<bool, EvalErrorKind> {
        self.burn_value(a)?;
        self.burn_value(b)?;
        compare::equal(a, b, self.arena).ok_or(EvalErrorKind::NoSuchOverload)
    }

    /// Takes fuel for looking at every element of a value.
    fn burn_value(&mut self, value: Value<'a>) -> Result<(), EvalErrorKind> {
        match value {
            Value::String(text) | Value::Json(text, _) => self.burn_text(text.len()),
            Value::Constants(items) => self.burn_text(items.len().saturating_mul(BYTES_PER_FUEL)),
            Value::List(items) => self.burn_text(items.len().saturating_mul(BYTES_PER_FUEL)),
            _ => Ok(()),
        }
    }

    fn size(&mut self, value: Value<'a>) -> Result<Value<'a>, EvalErrorKind> {
        self.burn_value(value)?;
        let size = compare::length(value).ok_or(EvalErrorKind::NoSuchOverload)?;
        Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
    }

    fn matches(&mut self, value: Value<'a>, regex: u32) -> Result<Value<'a>, EvalErrorKind> {
        let Value::String(text) = value else { return Err(EvalErrorKind::NoSuchOverload) };
        self.burn_text(text.len())?;
        Ok(Value::Bool(self.program.regex_matches(regex, text)))
    }

    fn member(&mut self, of: Value<'a>, name: u32) -> Result<Value<'a>, EvalErrorKind> {
        self.by_key(of, self.name(name))
    }

    fn has_member(&mut self, of: Value<'a>, name: u32) -> Result<Value<'a>, EvalErrorKind> {
        self.burn_value(of)?;
        compare::member(Value::String(self.name(name)), of, self.arena).map(Value::Bool)
    }

    fn by_key(&mut self, of: Value<'a>, key: &str) -> Result<Value<'a>, EvalErrorKind> {
        self.burn_value(of)?;
        match of {
            Value::Headers(_) => Ok(attribute::header(&self.snapshot, key, EvalErrorKind::NoSuchKey, self.arena)),
            Value::Json(text, scalar) if json::kind(text) == json::JsonKind::Object => {
                let member = compare::find_member(text, key).ok_or(EvalErrorKind::NoSuchKey)?;
                Ok(Value::json(member, scalar, self.arena))
            }
            _ => Err(EvalErrorKind::NoSuchOverload),
        }
    }

    fn index(&mut self, of: Value<'a>, index: Value<'a>) -> Result<Value<'a>, EvalErrorKind> {
        match index {
            Value::String(key) => self.by_key(of, key),
            Value::Int(index) => {
                self.burn_value(of)?;
                let index = usize::try_from(index).map_err(|_| EvalErrorKind::IndexOutOfRange)?;
                compare::length(of).ok_or(EvalErrorKind::NoSuchOverload)?;
                compare::elements(of, self.arena).nth(index).ok_or(EvalErrorKind::IndexOutOfRange)
            }
            _ => Err(EvalErrorKind::NoSuchOverload),
        }
    }
}
