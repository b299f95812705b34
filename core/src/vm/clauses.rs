//! What must hold if a condition is not false, read from its steps.
//!
//! A clause of a condition is a set of atoms. If all of its atoms are false, the condition is false, whatever its other
//! parts are: errors too, because `&&` absorbs them. The decision index files a rule under the atoms of one clause, and
//! the rule need not run for a request for which none of them is true or an error.
//!
//! Clauses are derived from verified steps when a workload is made, not read from the artifact, so no artifact can
//! contain wrong ones. Only what `&&`, `||`, variables and single comparisons compile to is recognised. Any other code
//! has no clauses.

use core::ops::Range;

use super::fuse::{self, Action, Operand, Operator, Step};
use super::op::Op;
use super::program::Program;
use crate::index::{AttributeIndex, ConstantIndex, PatternIndex, ProgramIndex, VariableIndex};

/// The deepest nesting of connectives and variables that is searched.
const MAX_DEPTH: usize = 8;
/// Most atoms of a clause.
const MAX_ATOMS: usize = 64;
/// Most clauses of a condition.
const MAX_CLAUSES: usize = 16;

/// What an atom looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// The value of an attribute.
    Attribute(AttributeIndex),
    /// Whether an attribute has a value, as `has` returns it.
    Presence(AttributeIndex),
    /// The value of a variable.
    Variable(VariableIndex),
}

/// What an atom says about its subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// It is this bool.
    Is(bool),
    /// It equals the constant.
    Equals(ConstantIndex),
    /// It is a member of the constant.
    MemberOf(ConstantIndex),
    /// It is a list with this constant as a member.
    Has(ConstantIndex),
    /// It is a string that begins with the constant.
    StartsWith(ConstantIndex),
    /// It is a string that ends with the constant.
    EndsWith(ConstantIndex),
    /// It is a string that contains the constant.
    Contains(ConstantIndex),
    /// It is a string that the pattern matches as a whole.
    Matches(PatternIndex),
}

/// A statement about one attribute or variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Atom {
    pub(crate) subject: Subject,
    pub(crate) test: Test,
}

/// Atoms of which one is true or an error if the condition is not false.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    pub(crate) atoms: Vec<Atom>,
    /// Whether every run of the condition reads the first atom, so that reading it for the index costs nothing more.
    pub(crate) leads: bool,
}

/// Returns the clauses of a condition, the first part of the condition first.
pub(crate) fn of(program: &Program, condition: ProgramIndex) -> Vec<Clause> {
    let mut found = Search { program }.whole(condition, MAX_DEPTH);
    found.truncate(MAX_CLAUSES);
    found
}

struct Search<'p> {
    program: &'p Program,
}

/// The steps of a program, with the size of the stack.
struct Code<'p> {
    steps: &'p [Step],
    stack: Stack,
}

/// The number of values on the stack at each step.
struct Stack {
    /// Before each step, and at the end.
    before: Vec<u32>,
    /// When the step has taken its operands.
    least: Vec<u32>,
}

impl Stack {
    /// Returns `None` for code that no way leads to, which the compiler never writes.
    fn of(steps: &[Step]) -> Option<Self> {
        let mut before: Vec<Option<u32>> = vec![None; steps.len().checked_add(1)?];
        let mut least = Vec::with_capacity(steps.len());
        *before.first_mut()? = Some(0);
        for (at, step) in steps.iter().enumerate() {
            let now = (*before.get(at)?)?;
            let (pops, pushes) = effect(step);
            let taken = now.checked_sub(pops)?;
            let after = taken.checked_add(pushes)?;
            least.push(taken);
            let failed = if let Action::Branch { failed, .. } = step.action { Some(failed) } else { None };
            // Verified code has the same size on every way to a step. A loop's way back leads to a known one.
            for target in targets(step) {
                let size = if failed == Some(target) { now } else { after };
                let target = usize::try_from(target).unwrap_or(usize::MAX).min(steps.len());
                *before.get_mut(target)? = Some(size);
            }
            if !matches!(step.action, Action::Jump(_)) {
                *before.get_mut(at.checked_add(1)?)? = Some(after);
            }
        }
        Some(Self { before: before.into_iter().collect::<Option<_>>()?, least })
    }

    /// Returns whether steps push one value and use none of those below it.
    fn pushes_one(&self, range: &Range<usize>) -> bool {
        let (Some(base), Some(end)) = (self.before.get(range.start), self.before.get(range.end)) else { return false };
        let least = self.least.get(range.clone()).unwrap_or_default();
        base.checked_add(1) == Some(*end) && least.iter().all(|least| least >= base)
    }
}

/// Returns the number of values that a step takes and pushes.
fn effect(step: &Step) -> (u32, u32) {
    let from_stack = |operand| u32::from(operand == Operand::Stack);
    match step.action {
        Action::Single(op) => (op.pops(), op.pushes()),
        Action::Operate { left, right, .. } => (from_stack(left).saturating_add(from_stack(right)), 1),
        Action::Call { arity, .. } => (arity, 1),
        Action::Branch { .. } => (1, 0),
        Action::Jump(_) | Action::Next { .. } => (0, 0),
    }
}

/// The connective of a part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connective {
    All,
    Any,
}

impl Search<'_> {
    /// Returns the clauses of a program.
    fn whole(&self, program: ProgramIndex, depth: usize) -> Vec<Clause> {
        let steps = self.program.steps(program);
        let Some(stack) = Stack::of(steps) else { return Vec::new() };
        self.part(&Code { steps, stack }, 0..steps.len(), depth)
    }

    /// Returns the clauses of steps that push one value.
    fn part(&self, code: &Code<'_>, range: Range<usize>, depth: usize) -> Vec<Clause> {
        let Some(depth) = depth.checked_sub(1).filter(|_| code.stack.pushes_one(&range)) else { return Vec::new() };
        let (all, steps) = (code, code.steps);
        let code = steps.get(range.clone()).unwrap_or_default();
        let mut clauses: Vec<Clause> =
            atom(code).map(|atom| Clause { atoms: vec![atom], leads: true }).into_iter().collect();
        if let [Step { action: Action::Single(Op::Var(variable)), .. }] = code {
            clauses.extend(self.variable(VariableIndex(*variable), depth));
        }
        if !clauses.is_empty() {
            return clauses;
        }
        match operands(steps, range) {
            Some((Connective::All, parts)) => self.all(all, parts, depth),
            Some((Connective::Any, parts)) => self.any(all, parts, depth),
            None => Vec::new(),
        }
    }

    /// Returns the clauses of a variable's program: they are those of the variable.
    fn variable(&self, variable: VariableIndex, depth: usize) -> Vec<Clause> {
        let Some(program) = variable.get(&self.program.tables().program.variables) else { return Vec::new() };
        self.whole(*program, depth)
    }

    /// Returns the clauses of all operands of `&&`: each of them makes the whole false.
    fn all(&self, code: &Code<'_>, parts: Vec<Range<usize>>, depth: usize) -> Vec<Clause> {
        let of = |(number, part): (usize, Range<usize>)| {
            let clauses = self.part(code, part, depth).into_iter();
            clauses.map(move |clause| Clause { leads: clause.leads && number == 0, ..clause })
        };
        parts.into_iter().enumerate().flat_map(of).take(MAX_CLAUSES).collect()
    }

    /// Returns one clause with a clause of each operand of `||`, or none if an operand has none.
    fn any(&self, code: &Code<'_>, parts: Vec<Range<usize>>, depth: usize) -> Vec<Clause> {
        let mut joined = Clause { atoms: Vec::new(), leads: true };
        for (number, part) in parts.into_iter().enumerate() {
            let clauses = self.part(code, part, depth);
            let Some(clause) = clauses.into_iter().min_by_key(|clause| (rank(clause), !clause.leads)) else {
                return Vec::new();
            };
            if number == 0 {
                joined.leads = clause.leads;
            }
            joined.atoms.extend(clause.atoms);
            if joined.atoms.len() > MAX_ATOMS {
                return Vec::new();
            }
        }
        vec![joined]
    }
}

/// Returns how much a clause probably lets through; a lower rank is better.
fn rank(clause: &Clause) -> usize {
    let of = |atom: &Atom| match atom.test {
        Test::Equals(_) | Test::MemberOf(_) => 0,
        Test::StartsWith(_) | Test::EndsWith(_) | Test::Contains(_) | Test::Has(_) => 1,
        Test::Matches(_) => 2,
        Test::Is(_) => 3,
    };
    clause.atoms.iter().map(of).max().unwrap_or(usize::MAX)
}

/// Returns the atom of steps that are nothing else.
fn atom(code: &[Step]) -> Option<Atom> {
    let is = |subject, holds| Some(Atom { subject, test: Test::Is(holds) });
    match code {
        [step] => match step.action {
            Action::Operate { left, right, operator } => comparison(left, right, operator),
            Action::Single(op) => is(subject(op)?, true),
            _ => None,
        },
        [first, second] => match (first.action, second.action) {
            (Action::Single(op), Action::Single(Op::Not(_))) => is(subject(op)?, false),
            (Action::Single(op), Action::Single(Op::Matches(pattern))) => {
                Some(Atom { subject: subject(op)?, test: Test::Matches(PatternIndex(pattern)) })
            }
            (Action::Single(op), Action::Operate { left: Operand::Stack, right, operator }) => {
                let (Operand::Constant(constant), subject) = (right, subject(op)?) else { return None };
                Some(Atom { subject, test: test(operator, constant)? })
            }
            _ => None,
        },
        _ => None,
    }
}

/// Returns what an instruction reads.
fn subject(op: Op) -> Option<Subject> {
    match op {
        Op::Attr(index) => Some(Subject::Attribute(AttributeIndex(index))),
        Op::HasAttr(index) => Some(Subject::Presence(AttributeIndex(index))),
        Op::Var(index) => Some(Subject::Variable(VariableIndex(index))),
        _ => None,
    }
}

fn comparison(left: Operand, right: Operand, operator: Operator) -> Option<Atom> {
    let (attribute, test) = match (left, right) {
        (Operand::Attribute(attribute), Operand::Constant(constant)) => (attribute, test(operator, constant)?),
        (Operand::Constant(constant), Operand::Attribute(attribute)) => match operator {
            Operator::Eq => (attribute, Test::Equals(constant)),
            Operator::In => (attribute, Test::Has(constant)),
            _ => return None,
        },
        _ => return None,
    };
    Some(Atom { subject: Subject::Attribute(attribute), test })
}

/// Returns the test of a subject on the left of a constant.
fn test(operator: Operator, constant: ConstantIndex) -> Option<Test> {
    match operator {
        Operator::Eq => Some(Test::Equals(constant)),
        Operator::In => Some(Test::MemberOf(constant)),
        Operator::StartsWith => Some(Test::StartsWith(constant)),
        Operator::EndsWith => Some(Test::EndsWith(constant)),
        Operator::Contains => Some(Test::Contains(constant)),
        _ => None,
    }
}

/// Returns the connective of steps that push one value, with the steps of its operands.
///
/// The compiler writes `a && b && c` as `a; exit; b; And; exit; c; And`, where each exit jumps behind the last step if
/// the value is false. An exit of this range has the value of the operands so far as the only one above the stack at
/// its beginning, because verified code has the same depth on every way to a step. An operand from which a jump leads
/// out is not recognised, and neither are the others: the steps after it might be skipped.
fn operands(steps: &[Step], range: Range<usize>) -> Option<(Connective, Vec<Range<usize>>)> {
    let exit = |at: usize| match steps.get(at)?.action {
        Action::Single(Op::JumpIfFalse(target)) if leads_to(target, range.end, steps) => Some(Connective::All),
        Action::Single(Op::JumpIfTrue(target)) if leads_to(target, range.end, steps) => Some(Connective::Any),
        _ => None,
    };
    let exits: Vec<(usize, Connective)> = range.clone().filter_map(|at| Some((at, exit(at)?))).collect();
    let (_, connective) = *exits.first()?;
    if exits.iter().any(|(_, other)| *other != connective) {
        return None;
    }
    let ends = exits.iter().map(|(at, _)| *at).chain([range.end]);
    let mut parts = Vec::new();
    let mut start = range.start;
    for (number, end) in ends.enumerate() {
        // After all operands but the first, the connective joins the value with that of the operands before.
        let joined =
            if number == 0 { Some(end) } else { end.checked_sub(1).filter(|at| joins(steps, *at, connective)) };
        let part = start..joined?;
        if part.is_empty() || leaves(steps, part.clone()) {
            return None;
        }
        parts.push(part);
        start = end.checked_add(1)?;
    }
    Some((connective, parts))
}

fn joins(steps: &[Step], at: usize, connective: Connective) -> bool {
    match steps.get(at).map(|step| step.action) {
        Some(Action::Single(Op::And(_))) => connective == Connective::All,
        Some(Action::Single(Op::Or(_))) => connective == Connective::Any,
        _ => false,
    }
}

/// Returns whether a target is this step. All targets after the last step are the end of the program.
fn leads_to(target: u32, step: usize, steps: &[Step]) -> bool {
    let target = usize::try_from(target).unwrap_or(usize::MAX);
    target == step || (target >= steps.len() && step == steps.len())
}

/// Returns whether a jump leads out of these steps. To their end, which joins them with the next step, is not out.
fn leaves(steps: &[Step], part: Range<usize>) -> bool {
    let out = |target: u32| usize::try_from(target).is_ok_and(|target| target > part.end) || target == u32::MAX;
    let first = |target: u32| usize::try_from(target).is_ok_and(|target| target < part.start);
    steps.get(part.clone()).unwrap_or_default().iter().flat_map(targets).any(|target| out(target) || first(target))
}

/// Returns the targets of a step's jumps.
fn targets(step: &Step) -> impl Iterator<Item = u32> {
    let (first, second) = match step.action {
        Action::Single(op) => (fuse::is_jump(op).then(|| op.operand()), None),
        Action::Jump(target) => (Some(target), None),
        Action::Next { done, .. } => (Some(done), None),
        Action::Branch { failed, no } => (Some(failed), Some(no)),
        Action::Operate { .. } | Action::Call { .. } => (None, None),
    };
    [first, second].into_iter().flatten()
}
