//! The run loop.

use bumpalo::Bump;

use super::attribute;
use super::clauses::Subject;
use super::collection;
use super::cost::{CostClass, units};
use super::env::{Env, Outcome};
use super::error::{EvalError, EvalErrorKind};
use super::function::Function;
use super::fuse::{Action, Operand, Operator, Step};
use super::library::arithmetic;
use super::op::Op;
use super::operator;
use super::parsed;
use super::program::Program;
use super::scratch::Scratch;
use super::select;
use super::snapshot::Snapshot;
use super::value::Value;
use crate::index::{self, AttributeIndex, ConstantIndex, PatternIndex, ProgramIndex, VariableIndex};
use crate::limits::{MAX_FUEL, MAX_STACK};
use crate::tables::{Constant, ScalarConstant};

/// Runs the programs of one decision against one snapshot. Attributes and variables are computed at most once. All
/// programs share one budget of fuel and memory.
pub struct Machine<'a> {
    pub(super) program: &'a Program,
    pub(super) snapshot: Snapshot<'a>,
    pub(super) env: Env<'a>,
    pub(super) scratch: Scratch<'a>,
    /// The index of the first local of the running program.
    pub(super) locals: usize,
}

impl<'a> Machine<'a> {
    /// Returns a machine with full fuel. `arena` holds the values that conditions make. It lives as long as the
    /// decision.
    pub fn new(program: &'a Program, snapshot: Snapshot<'a>, arena: &'a Bump) -> Self {
        Self::with_scratch(program, snapshot, arena, Scratch::new())
    }

    /// Returns a machine like [`Machine::new`], with the memory of an earlier machine, whatever its content.
    pub fn with_scratch(
        program: &'a Program,
        snapshot: Snapshot<'a>,
        arena: &'a Bump,
        mut scratch: Scratch<'a>,
    ) -> Self {
        let tables = &program.tables().program;
        scratch.clear();
        scratch.known.resize(tables.attributes.len().saturating_add(tables.variables.len()), None);
        scratch.stack.reserve(MAX_STACK);
        let mut env = Env::new(arena, &tables.zones);
        env.buffer = core::mem::take(&mut scratch.buffer);
        env.header_bytes = usize::try_from(program.tables().mesh.header_value_bytes).unwrap_or(usize::MAX);
        Self { program, snapshot, env, scratch, locals: 0 }
    }

    /// Returns the memory of the machine, for the next one.
    pub fn into_scratch(self) -> Scratch<'a> {
        Scratch { buffer: self.env.buffer, ..self.scratch }
    }

    /// Returns the fuel that was used so far.
    pub fn used_fuel(&self) -> u64 {
        MAX_FUEL.saturating_sub(self.env.fuel())
    }

    /// Continues with another budget: this amount of fuel, and all the memory. Returns the fuel that was left.
    pub(crate) fn refill(&mut self, fuel: u64) -> u64 {
        self.env.refill(fuel)
    }

    /// Returns whether fuel or memory was exhausted, even if a condition absorbed the error.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.env.is_exhausted()
    }

    /// Takes fuel for the processing of a program's value.
    ///
    /// # Errors
    /// [`EvalErrorKind::OutOfFuel`]: there is not enough.
    pub(crate) fn burn(&mut self, amount: u64) -> Result<(), EvalErrorKind> {
        self.env.burn(amount)
    }

    /// Runs a program and returns its value, which may be an error.
    ///
    /// Always ends: every step takes fuel, and variables only refer to earlier ones.
    pub fn run(&mut self, program: ProgramIndex) -> Value<'a> {
        let base = self.scratch.stack.len();
        let outer_locals = core::mem::replace(&mut self.locals, self.scratch.locals.len());
        let artifact = self.program;
        let value = match self.run_steps(artifact.steps(program)) {
            Ok(()) => self.pop(),
            Err(error) => Value::error(error),
        };
        self.scratch.stack.truncate(base);
        self.scratch.locals.truncate(self.locals);
        self.locals = outer_locals;
        value
    }

    /// Runs steps until the last one is done.
    ///
    /// # Errors
    /// There is not enough fuel for the next one.
    fn run_steps(&mut self, steps: &[Step]) -> Result<(), EvalErrorKind> {
        let mut at = 0_usize;
        while let Some(step) = steps.get(at) {
            self.env.burn(u64::from(step.fuel))?;
            at = at.wrapping_add(1);
            match step.action {
                Action::Single(op) => {
                    if self.step(op) {
                        at = place(op.operand());
                    }
                }
                Action::Operate { left, right, operator } => self.operate(left, right, operator),
                Action::Call { function, arity, cost } => self.call(function, arity, cost),
                Action::Jump(target) => at = place(target),
                Action::Next { cursor, both, done } => {
                    if !self.advance(cursor, both) {
                        at = place(done);
                    }
                }
                Action::Branch { failed, no } => {
                    if let Value::Bool(holds) = self.top() {
                        self.env.burn(1)?;
                        self.pop();
                        if !holds {
                            at = place(no);
                        }
                    } else {
                        self.fail_top();
                        at = place(failed);
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs a condition, whose value must be a bool.
    ///
    /// # Errors
    /// The CEL error of the condition.
    pub fn condition(&mut self, program: ProgramIndex) -> Result<bool, EvalError> {
        match self.run(program) {
            Value::Bool(value) => Ok(value),
            Value::Error(error) => Err(error),
            _ => Err(EvalErrorKind::NoSuchOverload.into()),
        }
    }

    /// Takes the memory for a list of rules; see [`Self::keep_places`].
    pub(crate) fn take_places(&mut self) -> Vec<u32> {
        core::mem::take(&mut self.scratch.places)
    }

    /// Keeps the memory for the next list of rules.
    pub(crate) fn keep_places(&mut self, places: Vec<u32>) {
        self.scratch.places = places;
    }

    /// Returns what an atom of a clause looks at. It is read once, also for the conditions that run later. Only a list of
    /// the context is parsed, and only if `parsed`.
    pub(crate) fn subject(&mut self, subject: Subject, parsed: bool) -> Value<'a> {
        match subject {
            Subject::Attribute(index) if parsed => self.parsed_attribute(index),
            Subject::Attribute(index) => self.attribute(index),
            Subject::Presence(index) => self.has_attribute(index),
            Subject::Variable(index) => self.variable(index),
        }
    }

    /// Takes the top of the stack. Verification proves that it exists.
    pub(super) fn pop(&mut self) -> Value<'a> {
        self.scratch.stack.pop().unwrap_or(Value::error(EvalErrorKind::NoSuchOverload))
    }

    pub(super) fn push(&mut self, value: Value<'a>) {
        self.scratch.stack.push(value);
    }

    fn top(&self) -> Value<'a> {
        self.scratch.stack.last().copied().unwrap_or(Value::error(EvalErrorKind::NoSuchOverload))
    }

    /// Runs one instruction. Returns whether it jumps.
    fn step(&mut self, op: Op) -> bool {
        match op {
            Op::JumpIfFalse(_) => return matches!(self.top(), Value::Bool(false)),
            Op::JumpIfTrue(_) => return matches!(self.top(), Value::Bool(true)),
            Op::JumpIfError(_) => {
                return self.jump_unless(|value| matches!(value, Value::Bool(_)), |_| false);
            }
            Op::JumpIfNotIterable(_) => {
                return self.jump_unless(|value| value.is_list() || value.is_map(), |_| false);
            }
            Op::JumpIfPresent(_) => {
                return self.jump_unless(Value::is_optional, |value| matches!(value, Value::Optional(Some(_))));
            }
            Op::JumpIfAbsent(_) => {
                return self.jump_unless(Value::is_optional, |value| matches!(value, Value::Optional(None)));
            }
            Op::PopJumpIfFalse(_) => return !matches!(self.pop(), Value::Bool(true)),
            Op::Const(index) => {
                let value = self.constant(ConstantIndex(index));
                self.push(value);
            }
            Op::Attr(index) => {
                let value = self.parsed_attribute(AttributeIndex(index));
                self.push(value);
            }
            Op::HasAttr(index) => {
                let value = self.has_attribute(AttributeIndex(index));
                self.push(value);
            }
            Op::OptAttr(index) => {
                let value = self.optional_attribute(AttributeIndex(index));
                self.push(value);
            }
            Op::Var(index) => {
                let value = self.variable(VariableIndex(index));
                self.push(value);
            }
            Op::Fail(number) => {
                let kind = EvalErrorKind::from_number(number).unwrap_or(EvalErrorKind::NoSuchOverload);
                self.push(Value::error(kind));
            }
            Op::Pop(_) => {
                self.pop();
            }
            Op::List(count) => self.make_list(count),
            Op::Member(name) => {
                let name = Value::String(self.name(ConstantIndex(name)));
                self.unary(|env, value| select::select(value, name, env));
            }
            Op::OptMember(name) => {
                let name = Value::String(self.name(ConstantIndex(name)));
                self.unary(|env, value| select::select_optional(value, name, env));
            }
            Op::HasMember(name) => {
                let name = Value::String(self.name(ConstantIndex(name)));
                self.unary(|env, value| select::has(value, name, env));
            }
            Op::Not(_) => self.unary(|_, value| match value {
                Value::Bool(value) => Ok(Value::Bool(!value)),
                _ => Err(EvalErrorKind::NoSuchOverload),
            }),
            Op::Neg(_) => self.unary(|_, value| arithmetic::negate(value)),
            Op::Size(_) => self.unary(|env, value| {
                let size = collection::length(value, env)?;
                Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
            }),
            Op::Matches(regex) => {
                let program = self.program;
                self.unary(|env, value| {
                    let Value::String(text) = value else { return Err(EvalErrorKind::NoSuchOverload) };
                    env.burn_text(text.len())?;
                    Ok(Value::Bool(program.regex_matches(PatternIndex(regex), text)))
                });
            }
            Op::And(_) => self.absorb(false),
            Op::Or(_) => self.absorb(true),
            // These are other actions of a step.
            Op::Jump(_)
            | Op::Loop(_)
            | Op::Call(_)
            | Op::Index(_)
            | Op::OptIndex(_)
            | Op::Eq(_)
            | Op::Ne(_)
            | Op::Lt(_)
            | Op::Le(_)
            | Op::Gt(_)
            | Op::Ge(_)
            | Op::In(_)
            | Op::Add(_)
            | Op::Sub(_)
            | Op::Mul(_)
            | Op::Div(_)
            | Op::Mod(_)
            | Op::StartsWith(_)
            | Op::EndsWith(_)
            | Op::Contains(_) => {}
            Op::Load(_)
            | Op::Store(_)
            | Op::IterBegin(_)
            | Op::IterNext(_)
            | Op::IterNext2(_)
            | Op::ListBegin(_)
            | Op::ListPush(_)
            | Op::ListPushOptional(_)
            | Op::MapBegin(_)
            | Op::MapPut(_)
            | Op::MapPutOptional(_)
            | Op::MapPutAll(_)
            | Op::BuildEnd(_) => self.local_step(op),
        }
        false
    }

    /// Jumps if the top is an error, or does not fit, in which case it becomes an error, or if `jumps` returns true for
    /// it. The top stays on the stack.
    fn jump_unless(&mut self, fits: impl FnOnce(Value<'a>) -> bool, jumps: impl FnOnce(Value<'a>) -> bool) -> bool {
        match self.top() {
            Value::Error(_) => true,
            value if fits(value) => jumps(value),
            _ => {
                self.fail_top();
                true
            }
        }
    }

    /// Replaces the top, which does not fit, by an error. An error stays unchanged.
    fn fail_top(&mut self) {
        self.unary(|_, _| Err(EvalErrorKind::NoSuchOverload));
    }

    #[inline]
    fn constant(&self, index: ConstantIndex) -> Value<'a> {
        let program = self.program;
        match index.get(&program.tables().program.constants) {
            Some(Constant::Scalar(value)) => Value::constant(value),
            Some(Constant::List(items)) => Value::Constants(items),
            Some(Constant::StringSet(words)) => Value::StringSet(words),
            Some(Constant::Map(entries)) => Value::ConstantMap(entries),
            Some(Constant::Networks(networks)) => Value::Networks(networks),
            None => Value::error(EvalErrorKind::NoSuchOverload),
        }
    }

    /// Returns the string of a `Name` operand. Verification proves that it exists.
    fn name(&self, index: ConstantIndex) -> &'a str {
        let program = self.program;
        match index.get(&program.tables().program.constants) {
            Some(Constant::Scalar(ScalarConstant::String(name))) => name,
            _ => "",
        }
    }

    #[inline]
    fn attribute(&mut self, index: AttributeIndex) -> Value<'a> {
        match index.get(&self.scratch.known) {
            Some(Some(value)) => *value,
            _ => self.read_attribute(index),
        }
    }

    /// Returns the attribute with the elements of a list or map parsed. This happens at most once per decision.
    #[inline]
    fn parsed_attribute(&mut self, index: AttributeIndex) -> Value<'a> {
        match self.attribute(index) {
            value @ Value::Json(..) => self.parse_attribute(index, value),
            value => value,
        }
    }

    #[inline(never)]
    fn parse_attribute(&mut self, index: AttributeIndex, value: Value<'a>) -> Value<'a> {
        let value = parsed::parse(value, &mut self.env);
        self.remember(index.0, value)
    }

    #[inline(never)]
    fn read_attribute(&mut self, index: AttributeIndex) -> Value<'a> {
        let missing = Value::error(EvalErrorKind::NoValue);
        let program = self.program;
        let Some(attribute) = index.get(&program.tables().program.attributes) else { return missing };
        let value = attribute::read(attribute, &self.snapshot, &mut self.env);
        self.remember(index.0, value)
    }

    /// Keeps a value for the rest of the decision.
    fn remember(&mut self, place: u32, value: Value<'a>) -> Value<'a> {
        if let Some(slot) = index::get_mut(&mut self.scratch.known, place) {
            *slot = Some(value);
        }
        value
    }

    fn has_attribute(&mut self, index: AttributeIndex) -> Value<'a> {
        match self.attribute(index) {
            Value::Error(EvalError { kind: EvalErrorKind::NoValue | EvalErrorKind::NoSuchKey }) => Value::Bool(false),
            // The attribute is present, whatever its value.
            Value::Error(EvalError {
                kind: EvalErrorKind::Repeated | EvalErrorKind::NotText | EvalErrorKind::TooLong,
            }) => Value::Bool(true),
            Value::Error(error) => Value::Error(error),
            _ => Value::Bool(true),
        }
    }

    fn optional_attribute(&mut self, index: AttributeIndex) -> Value<'a> {
        match self.parsed_attribute(index) {
            Value::Error(EvalError { kind: EvalErrorKind::NoValue | EvalErrorKind::NoSuchKey }) => {
                Value::Optional(None)
            }
            Value::Error(error) => Value::Error(error),
            value => self.env.some(value).unwrap_or_else(Value::error),
        }
    }

    fn variable(&mut self, variable: VariableIndex) -> Value<'a> {
        let missing = Value::error(EvalErrorKind::NoValue);
        let tables = &self.program.tables().program;
        // The values of variables are kept after those of the attributes.
        let attributes = index::position(tables.attributes.len());
        let Some(place) = attributes.and_then(|count| count.checked_add(variable.0)) else { return missing };
        if let Some(Some(value)) = index::get(&self.scratch.known, place) {
            return *value;
        }
        let Some(program) = variable.get(&tables.variables).copied() else { return missing };
        let value = self.run(program);
        self.remember(place, value)
    }

    /// Replaces this number of values on top of the stack by the result of `make`. If one of them is an error, the
    /// first error is the result.
    #[inline]
    fn replace(&mut self, count: u32, make: impl FnOnce(&mut Env<'a>, &[Value<'a>]) -> Outcome<'a>) {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let stack = &mut self.scratch.stack;
        let from = stack.len().saturating_sub(count);
        let values = stack.get(from..).unwrap_or_default();
        let error = values.iter().find(|value| matches!(value, Value::Error(_)));
        let value = match error {
            Some(error) => *error,
            None => make(&mut self.env, values).unwrap_or_else(Value::error),
        };
        stack.truncate(from);
        stack.push(value);
    }

    fn make_list(&mut self, count: u32) {
        self.replace(count, |env, items| env.list(items));
    }

    fn call(&mut self, function: Function, arity: u32, cost: CostClass) {
        self.replace(arity, |env, arguments| {
            if cost != CostClass::Fixed {
                let sizes = arguments.iter().map(|argument| units(*argument));
                env.burn(cost.fuel(sizes.fold(0, u64::saturating_add)))?;
            }
            function.call(env, arguments)
        });
    }

    /// Replaces the top by the result of `apply`. An error stays unchanged.
    fn unary(&mut self, apply: impl FnOnce(&mut Env<'a>, Value<'a>) -> Outcome<'a>) {
        let Some(top) = self.scratch.stack.last_mut() else { return };
        if !matches!(top, Value::Error(_)) {
            *top = apply(&mut self.env, *top).unwrap_or_else(Value::error);
        }
    }

    /// Pushes the result of an operator. The first error among its operands is the result.
    #[inline]
    fn operate(&mut self, left: Operand, right: Operand, operator: Operator) {
        // The right operand is above the left one, but is read last.
        let (left, right) = match right {
            Operand::Stack => {
                let right = self.pop();
                (self.pop(), right)
            }
            right => (self.operand(left), self.operand(right)),
        };
        let value = operator::apply(operator, &mut self.env, left, right);
        self.push(value);
    }

    // Small, and part of nearly every step: a call would cost as much as the function itself.
    #[inline(always)]
    fn operand(&mut self, operand: Operand) -> Value<'a> {
        match operand {
            Operand::Stack => self.pop(),
            Operand::Attribute(index) => self.parsed_attribute(index),
            Operand::Constant(index) => self.constant(index),
            Operand::Local(local) => self.load(local),
        }
    }

    /// Implements CEL's `&&` (`absorbing` is false) and `||` (`absorbing` is true): the absorbing value takes
    /// precedence over an error.
    fn absorb(&mut self, absorbing: bool) {
        let right = self.pop();
        let Some(left) = self.scratch.stack.last_mut() else { return };
        *left = match (*left, right) {
            (Value::Bool(left), _) if left == absorbing => Value::Bool(absorbing),
            (_, Value::Bool(right)) if right == absorbing => Value::Bool(absorbing),
            (Value::Bool(_), Value::Bool(_)) => Value::Bool(!absorbing),
            (Value::Error(error), _) | (_, Value::Error(error)) => Value::Error(error),
            _ => Value::error(EvalErrorKind::NoSuchOverload),
        };
    }
}

/// Returns the index of a step. A number that does not fit `usize` cannot be a step, so a program would end there.
fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
