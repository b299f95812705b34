//! The steps that the machine runs: instructions, and short sequences of them that run as one step.
//!
//! Steps are made from verified bytecode when an artifact is loaded. A step has the same result as its instructions one
//! after the other, and takes their fuel. No jump leads into the middle of a step.

use super::cost::CostClass;
use super::function::Function;
use super::op::{Op, Operand as Meaning};
use crate::index::{self, AttributeIndex, ConstantIndex};
use crate::sort;

/// One step of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// The fuel of the instructions that always run in this step.
    pub(super) fuel: u8,
    pub(super) action: Action,
}

/// The action of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// One instruction. The target of a jump is the index of a step.
    Single(Op),
    /// A binary operator. If the right operand is on the stack, the left one is below it.
    Operate { left: Operand, right: Operand, operator: Operator },
    /// Calls a library function.
    Call { function: Function, arity: u32, cost: CostClass },
    /// Jumps to a step.
    Jump(u32),
    /// Stores the next element of a list or key of a map in the local after the cursor; with `both` also its index or
    /// value. Jumps to the step `done` if there is none.
    Next { cursor: u32, both: bool, done: u32 },
    /// Takes a bool, and jumps to the step `no` if it is false, which costs one more unit of fuel. Jumps to the step
    /// `failed` if it is not a bool; it then stays on the stack, as an error.
    Branch { failed: u32, no: u32 },
}

/// The source of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operand {
    Stack,
    Attribute(AttributeIndex),
    Constant(ConstantIndex),
    Local(u32),
}

macro_rules! operators {
    ($($operator:ident)+) => {
        /// A binary operator. An error among its operands is its result.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Operator { $($operator,)+ }

        impl Operator {
            pub(super) const fn of(op: Op) -> Option<Self> {
                match op {
                    $(Op::$operator(_) => Some(Self::$operator),)+
                    _ => None,
                }
            }
        }
    };
}

operators! { Eq Ne Lt Le Gt Ge In Index OptIndex Add Sub Mul Div Mod StartsWith EndsWith Contains }

impl Operand {
    /// Returns the operand for an instruction that pushes a value, if a step can read the value from its source.
    const fn of(op: Op) -> Option<Self> {
        match op {
            Op::Attr(index) => Some(Self::Attribute(AttributeIndex(index))),
            Op::Const(index) => Some(Self::Constant(ConstantIndex(index))),
            Op::Load(index) => Some(Self::Local(index)),
            _ => None,
        }
    }
}

/// Returns the steps of a verified program.
pub(crate) fn fuse(code: &[Op]) -> Box<[Step]> {
    steps(code, first_step)
}

/// Returns the steps like [`fuse`], but with one step for each instruction.
#[cfg(test)]
pub(crate) fn plain(code: &[Op]) -> Box<[Step]> {
    steps(code, |code| Some((single(*code.first()?), 1)))
}

/// Divides a program into steps. `first` makes a step of the first of the given instructions, and returns their number.
fn steps(code: &[Op], first: impl Fn(&[Op]) -> Option<(Step, usize)>) -> Box<[Step]> {
    let mut steps = Vec::with_capacity(code.len());
    // The index of the step that begins at an instruction.
    let mut numbers = vec![0; code.len().saturating_add(1)];
    let mut from = 0;
    for end in block_ends(code) {
        let mut block = code.get(from..end).unwrap_or_default();
        while let Some((step, length)) = first(block) {
            let at = end.saturating_sub(block.len());
            if let Some(number) = numbers.get_mut(at) {
                *number = u32::try_from(steps.len()).unwrap_or(u32::MAX);
            }
            steps.push(step);
            block = block.get(length..).unwrap_or_default();
        }
        from = end;
    }
    if let Some(end) = numbers.last_mut() {
        *end = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    }
    steps.iter().map(|step| step.with_targets(&numbers)).collect()
}

/// Returns the ends of the blocks of instructions: before the target of a jump, and at the end of the program.
fn block_ends(code: &[Op]) -> Vec<usize> {
    let targets = code.iter().filter(|op| is_jump(**op)).filter_map(|op| usize::try_from(op.operand()).ok());
    let mut ends: Vec<usize> = targets.chain([code.len()]).collect();
    sort::sort(&mut ends);
    ends.dedup();
    ends
}

/// Returns whether the operand of an instruction is the target of a jump.
pub(super) fn is_jump(op: Op) -> bool {
    matches!(op.operand_kind(), Meaning::Target | Meaning::LoopTarget)
}

/// Returns the longest step at the beginning of the code, and the number of its instructions.
fn first_step(code: &[Op]) -> Option<(Step, usize)> {
    if let [left, right, operator, ..] = code
        && let (Some(left), Some(right), Some(operator)) =
            (Operand::of(*left), Operand::of(*right), Operator::of(*operator))
    {
        return Some((Step { fuel: 3, action: Action::Operate { left, right, operator } }, 3));
    }
    if let [right, operator, ..] = code
        && let (Some(right), Some(operator)) = (Operand::of(*right), Operator::of(*operator))
    {
        return Some((Step { fuel: 2, action: Action::Operate { left: Operand::Stack, right, operator } }, 2));
    }
    let pair = match code {
        [Op::IterNext(cursor), Op::PopJumpIfFalse(done), ..] => {
            Some(Step { fuel: 2, action: Action::Next { cursor: *cursor, both: false, done: *done } })
        }
        [Op::IterNext2(cursor), Op::PopJumpIfFalse(done), ..] => {
            Some(Step { fuel: 2, action: Action::Next { cursor: *cursor, both: true, done: *done } })
        }
        [Op::JumpIfError(failed), Op::PopJumpIfFalse(no), ..] => {
            Some(Step { fuel: 1, action: Action::Branch { failed: *failed, no: *no } })
        }
        _ => None,
    };
    match pair {
        Some(step) => Some((step, 2)),
        None => Some((single(*code.first()?), 1)),
    }
}

fn single(op: Op) -> Step {
    let action = match (op, Operator::of(op)) {
        (_, Some(operator)) => Action::Operate { left: Operand::Stack, right: Operand::Stack, operator },
        (Op::Jump(target) | Op::Loop(target), _) => Action::Jump(target),
        (Op::Call(number), _) => match Function::from_number(number) {
            Some(function) => Action::Call { function, arity: function.arity(), cost: function.cost() },
            None => Action::Single(op),
        },
        _ => Action::Single(op),
    };
    Step { fuel: 1, action }
}

impl Step {
    /// Returns the step with indices of steps as targets instead of indices of instructions.
    fn with_targets(self, numbers: &[u32]) -> Self {
        let step_at = |target: u32| {
            // A target after all steps ends the program.
            index::get(numbers, target).copied().unwrap_or(u32::MAX)
        };
        let action = match self.action {
            Action::Single(op) if is_jump(op) => Action::Single(op.with_operand(step_at(op.operand()))),
            Action::Jump(target) => Action::Jump(step_at(target)),
            Action::Next { cursor, both, done } => Action::Next { cursor, both, done: step_at(done) },
            Action::Branch { failed, no } => Action::Branch { failed: step_at(failed), no: step_at(no) },
            action => action,
        };
        Self { action, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn operate(left: Operand, right: Operand, operator: Operator) -> Action {
        Action::Operate { left, right, operator }
    }

    #[test]
    fn operands_need_no_stack() {
        let steps = fuse(&[Op::Attr(1), Op::Const(2), Op::Lt(0), Op::Load(3), Op::Eq(0), Op::Const(4), Op::And(0)]);
        let expected = [
            (3, operate(Operand::Attribute(AttributeIndex(1)), Operand::Constant(ConstantIndex(2)), Operator::Lt)),
            (2, operate(Operand::Stack, Operand::Local(3), Operator::Eq)),
            (1, Action::Single(Op::Const(4))),
            (1, Action::Single(Op::And(0))),
        ];
        assert_eq!(*steps, expected.map(|(fuel, action)| Step { fuel, action }));
    }

    #[test]
    fn a_condition_is_one_step() {
        let code = [Op::Attr(0), Op::JumpIfError(5), Op::PopJumpIfFalse(4), Op::Loop(0), Op::Jump(6), Op::Pop(0)];
        let expected = [
            Action::Single(Op::Attr(0)),
            Action::Branch { failed: 4, no: 3 },
            Action::Jump(0),
            Action::Jump(5),
            Action::Single(Op::Pop(0)),
        ];
        assert_eq!(*fuse(&code), expected.map(|action| Step { fuel: 1, action }));
        assert_eq!(plain(&code).len(), code.len());
    }

    #[test]
    fn no_jump_leads_into_a_step() {
        // `true ? 'a' : 'b'`, compared with a constant, in a loop that never runs.
        let code = [
            Op::Const(0),
            Op::PopJumpIfFalse(4),
            Op::Const(1),
            Op::Jump(5),
            Op::Const(2),
            Op::Const(3),
            Op::Eq(0),
            Op::Attr(0),
            Op::IterBegin(0),
            Op::IterNext(0),
            Op::PopJumpIfFalse(12),
            Op::Loop(9),
        ];
        let expected = [
            (1, Action::Single(Op::Const(0))),
            (1, Action::Single(Op::PopJumpIfFalse(4))),
            (1, Action::Single(Op::Const(1))),
            (1, Action::Jump(5)),
            (1, Action::Single(Op::Const(2))),
            (2, operate(Operand::Stack, Operand::Constant(ConstantIndex(3)), Operator::Eq)),
            (1, Action::Single(Op::Attr(0))),
            (1, Action::Single(Op::IterBegin(0))),
            (2, Action::Next { cursor: 0, both: false, done: 10 }),
            (1, Action::Jump(8)),
        ];
        assert_eq!(*fuse(&code), expected.map(|(fuel, action)| Step { fuel, action }));
    }
}
