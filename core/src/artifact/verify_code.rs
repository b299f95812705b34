//! The proof that every program of the bytecode can run: it ends, stays within its stack, only reads locals that are
//! set, and leaves one value.

use super::error::VerifyError;
use super::verify::{Check, bounds, ensure, exists, number};
use crate::index::{self, ProgramIndex};
use crate::limits::{MAX_LOCALS, MAX_STACK, MAX_VARIABLE_DEPTH};
use crate::tables::{Constant, ProgramTable, ScalarConstant, Tables};
use crate::vm::EvalErrorKind;
use crate::vm::function::Function;
use crate::vm::op::{Op, Operand};

/// Checks all programs, and that variables only refer to variables before them.
///
/// Programs share no instructions and variables no programs, so that the time is proportional to the size of the code.
/// Otherwise a small artifact with many programs over the same code would take minutes.
pub(super) fn check_programs(tables: &Tables, code: &[Op]) -> Check {
    let program = &tables.program;
    let mut left = code.len();
    for index in 0..program.programs.len() {
        let length = instructions(program, code, ProgramIndex(number(index))).len();
        left = left.checked_sub(length).ok_or(VerifyError::Value { of: "length of the programs in all" })?;
        check_program(tables, code, number(index))?;
    }
    let mut left = code.len();
    let mut depths: Vec<usize> = Vec::with_capacity(program.variables.len());
    for (index, variable) in program.variables.iter().enumerate() {
        exists(&program.programs, *variable, "program")?;
        let code = instructions(program, code, *variable);
        left = left.checked_sub(code.len()).ok_or(VerifyError::Value { of: "length of the variables in all" })?;
        let depth = variable_depth(&depths, code);
        match depth {
            Some(depth) if depth <= MAX_VARIABLE_DEPTH => depths.push(depth),
            _ => return Err(VerifyError::Variables { index: number(index) }),
        }
    }
    Ok(())
}

/// Returns one more than the depth of the deepest variable that `code` reads, or `None` if it reads one without a known
/// depth.
fn variable_depth(depths: &[usize], code: &[Op]) -> Option<usize> {
    let mut deepest = 0;
    for op in code {
        if let Op::Var(variable) = op {
            deepest = deepest.max(*index::get(depths, *variable)?);
        }
    }
    deepest.checked_add(1)
}

fn instructions<'c>(table: &ProgramTable, code: &'c [Op], program: ProgramIndex) -> &'c [Op] {
    let range = program.get(&table.programs).and_then(|range| bounds(*range));
    range.and_then(|(start, end)| code.get(start..end)).unwrap_or_default()
}

/// What is known before an instruction, on all paths to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    /// Number of values on the stack.
    depth: u32,
    locals: Locals,
}

/// The content of each local, as bits: at most one of the four is set for each local.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Locals {
    values: u32,
    cursors: u32,
    lists: u32,
    maps: u32,
}

const _: () = assert!(MAX_LOCALS <= 32, "one bit a local");

impl Locals {
    /// Returns what is known if either of the two is true.
    fn join(self, other: Self) -> Self {
        Self {
            values: self.values & other.values,
            cursors: self.cursors & other.cursors,
            lists: self.lists & other.lists,
            maps: self.maps & other.maps,
        }
    }

    fn clear(&mut self, bit: u32) {
        self.values &= !bit;
        self.cursors &= !bit;
        self.lists &= !bit;
        self.maps &= !bit;
    }

    /// Returns what is known after an instruction, or `None` if a local does not hold what the instruction needs.
    fn after(mut self, op: Op) -> Option<Self> {
        let bit = |behind: u32| op.operand().checked_add(behind).and_then(|local| 1_u32.checked_shl(local));
        let local = |behind: u32| bit(behind).filter(|_| op.operand_kind() == Operand::Local);
        let holds = |kind: u32| Some(()).filter(|()| local(0).is_some_and(|bit| kind & bit != 0));
        match op {
            Op::Load(_) => holds(self.values)?,
            Op::ListPush(_) | Op::ListPushOptional(_) => holds(self.lists)?,
            Op::MapPut(_) | Op::MapPutOptional(_) | Op::MapPutAll(_) => holds(self.maps)?,
            Op::Store(_) => {
                self.clear(local(0)?);
                self.values |= local(0)?;
            }
            Op::IterBegin(_) => {
                self.clear(local(0)?);
                self.cursors |= local(0)?;
            }
            Op::ListBegin(_) => {
                self.clear(local(0)?);
                self.lists |= local(0)?;
            }
            Op::MapBegin(_) => {
                self.clear(local(0)?);
                self.maps |= local(0)?;
            }
            Op::BuildEnd(_) => {
                holds(self.lists | self.maps)?;
                self.clear(local(0)?);
            }
            Op::IterNext(_) | Op::IterNext2(_) => {
                holds(self.cursors)?;
                self.clear(local(1)?);
                self.values |= local(1)?;
                if matches!(op, Op::IterNext2(_)) {
                    self.clear(local(2)?);
                    self.values |= local(2)?;
                }
            }
            _ => {}
        }
        Some(self)
    }
}

/// Most walks over one program. Each one finds the locals that the loops of one more level of nesting overwrite.
const MAX_WALKS: usize = 16;

/// Checks one program. If a loop overwrites locals, less is known about them at its end than at its beginning. The
/// program is then walked again with this knowledge.
fn check_program(tables: &Tables, code: &[Op], program: u32) -> Check {
    let out_of_code = VerifyError::Index { of: "code of program", index: program };
    let (start, end) =
        ProgramIndex(program).get(&tables.program.programs).and_then(|range| bounds(*range)).ok_or(out_of_code)?;
    let code = code.get(start..end).ok_or(out_of_code)?;
    let mut walk = Walk { tables, program, code, states: Vec::new(), known: Vec::new(), changed: None };
    for _ in 0..MAX_WALKS {
        walk.run()?;
        if walk.changed.is_none() {
            return Ok(());
        }
    }
    Err(VerifyError::Local { program, at: walk.changed.unwrap_or(0) })
}

/// Walks over a program in order. Only loops lead backwards, so every state is known before it is needed.
struct Walk<'t> {
    tables: &'t Tables,
    program: u32,
    code: &'t [Op],
    /// What is known before each instruction.
    states: Vec<Option<State>>,
    /// What remains known before an instruction after the loops that return to it; empty while all of it remains.
    known: Vec<Option<Locals>>,
    /// A loop that returned with less knowledge than that.
    changed: Option<u32>,
}

impl Walk<'_> {
    fn run(&mut self) -> Check {
        let program = self.program;
        self.changed = None;
        self.states.clear();
        self.states.resize(self.code.len().saturating_add(1), None);
        self.reach(0, State { depth: 0, locals: Locals::default() }, VerifyError::Result { program })?;
        for (index, op) in self.code.iter().enumerate() {
            self.step(index, *op)?;
        }
        let last = self.states.last().copied().flatten();
        ensure(last.is_some_and(|state| state.depth == 1), VerifyError::Result { program })
    }

    fn step(&mut self, index: usize, op: Op) -> Check {
        let (program, at) = (self.program, number(index));
        let stack = VerifyError::Stack { program, at };
        check_operand(self.tables, op, VerifyError::Operand { program, at })?;
        let mut before = self.states.get(index).copied().flatten().ok_or(stack)?;
        if let Some(Some(known)) = self.known.get(index) {
            before.locals = before.locals.join(*known);
        }
        let depth =
            before.depth.checked_sub(op.pops()).and_then(|depth| depth.checked_add(op.pushes())).ok_or(stack)?;
        ensure(usize::try_from(depth).is_ok_and(|depth| depth <= MAX_STACK), stack)?;
        let locals = before.locals.after(op).ok_or(VerifyError::Local { program, at })?;
        let after = State { depth, locals };
        let jump = VerifyError::Jump { program, at };
        let target = usize::try_from(op.operand()).map_err(|_| jump);
        match op.operand_kind() {
            Operand::Target => {
                ensure(target? > index, jump)?;
                self.reach(target?, after, jump)?;
            }
            Operand::LoopTarget => {
                ensure(target? < index, jump)?;
                self.come_back(target?, after, jump)?;
            }
            _ => {}
        }
        if matches!(op, Op::Jump(_) | Op::Loop(_)) { Ok(()) } else { self.reach(index.saturating_add(1), after, stack) }
    }

    /// Records what is known before a later instruction. All paths to it must have the same stack depth.
    fn reach(&mut self, at: usize, state: State, error: VerifyError) -> Check {
        let place = self.states.get_mut(at).ok_or(error)?;
        let joined = match *place {
            None => state,
            Some(known) => {
                ensure(known.depth == state.depth, error)?;
                State { depth: known.depth, locals: known.locals.join(state.locals) }
            }
        };
        *place = Some(joined);
        Ok(())
    }

    /// Checks what is known at the end of a loop against what was known at its beginning.
    fn come_back(&mut self, target: usize, state: State, error: VerifyError) -> Check {
        let there = self.states.get(target).copied().flatten().ok_or(error)?;
        ensure(there.depth == state.depth, error)?;
        let known = self.known.get(target).copied().flatten();
        let there = known.map_or(there.locals, |known| there.locals.join(known));
        let joined = there.join(state.locals);
        if joined != there {
            self.changed = Some(number(target));
            self.known.resize(self.code.len(), None);
            if let Some(place) = self.known.get_mut(target) {
                *place = Some(joined);
            }
        }
        Ok(())
    }
}

fn check_operand(tables: &Tables, op: Op, error: VerifyError) -> Check {
    let program = &tables.program;
    let operand = op.operand();
    let name = |constant: &Constant| matches!(constant, Constant::Scalar(ScalarConstant::String(_)));
    let fits = match op.operand_kind() {
        Operand::Nothing | Operand::Target | Operand::LoopTarget => true,
        Operand::Constant => index::get(&program.constants, operand).is_some(),
        Operand::Name => index::get(&program.constants, operand).is_some_and(name),
        Operand::Attribute => index::get(&program.attributes, operand).is_some(),
        Operand::Variable => index::get(&program.variables, operand).is_some(),
        Operand::Regex => index::get(&tables.regexes, operand).is_some(),
        Operand::Count => usize::try_from(operand).is_ok_and(|count| count <= MAX_STACK),
        Operand::Function => Function::from_number(operand).is_some(),
        Operand::Local => usize::try_from(operand).is_ok_and(|local| local < MAX_LOCALS),
        Operand::Error => EvalErrorKind::from_number(operand).is_some(),
    };
    ensure(fits, error)
}
