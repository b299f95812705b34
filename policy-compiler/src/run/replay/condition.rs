//! Splits the conditions of an artifact into the operands of `&&`, `||`, `!` and `?:`, by their bytecode.
//!
//! The code of `a && b` is that of `a`, a jump to the end if it is false, that of `b`, and `and`; the others have such
//! forms too. An operand must be a program of its own: it jumps only within itself, and reads no local that is not its
//! own. Code that has another form stays whole. The operands are added to a copy of the program table, which is loaded and
//! verified as any artifact is.

use std::collections::{BTreeSet, HashMap};

use context_mesh_core::{
    artifact::{
        VerifiedProgram, encode, load,
        tables::{Attribute, ProgramTable, Tables},
    },
    index::{self, AttributeIndex, ProgramIndex, VariableIndex},
    vm::op::{Op, Operand},
};

/// Deepest nesting of operands that are split. Deeper ones stay whole.
const MAX_DEPTH: usize = 64;

/// A condition with its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// `&&`
    All(Vec<Self>),
    /// `||`
    Any(Vec<Self>),
    /// `!`
    Not(Box<Self>),
    /// `?:`
    If(Box<[Self; 3]>),
    /// Whether the request has a field.
    Has(AttributeIndex),
    /// The value of a variable.
    Variable(VariableIndex),
    /// Anything else: a program, and the attributes that it reads.
    Whole(ProgramIndex, BTreeSet<AttributeIndex>),
}

/// All programs of an artifact, split.
#[derive(Debug)]
pub(super) struct Conditions {
    /// The programs, with those of the operands.
    pub(super) program: VerifiedProgram,
    /// Each program of the artifact.
    pub(super) programs: Vec<Condition>,
    /// The attributes that each program of the artifact reads, with its variables.
    pub(super) reads: Vec<BTreeSet<AttributeIndex>>,
    /// The program of each variable.
    pub(super) variables: Vec<ProgramIndex>,
}

impl Conditions {
    /// Splits all programs of an artifact, whose tables and verified form are given.
    pub(super) fn of(tables: &Tables, verified: &VerifiedProgram) -> Self {
        let reads = reads(&tables.program);
        let mut splitter = Splitter { reads: &reads, table: tables.program.clone(), known: HashMap::new() };
        let all = (0_u32..).map(ProgramIndex).take(tables.program.programs.len());
        let programs = all.clone().map(|program| splitter.program(program)).collect();
        let table = splitter.table;
        let variables = tables.program.variables.clone();
        match loaded(tables, table) {
            Some(program) => Self { program, programs, reads, variables },
            // A limit of the format is exceeded: each condition stays whole.
            None => Self {
                program: verified.clone(),
                programs: all.zip(&reads).map(|(program, reads)| Condition::Whole(program, reads.clone())).collect(),
                reads,
                variables,
            },
        }
    }
}

fn loaded(tables: &Tables, program: ProgramTable) -> Option<VerifiedProgram> {
    load(&encode(&Tables { program, ..tables.clone() }).ok()?).ok()
}

/// Returns the attributes that each program reads, with its variables. A variable is listed after those that it reads.
fn reads(table: &ProgramTable) -> Vec<BTreeSet<AttributeIndex>> {
    let own = |program: ProgramIndex, of_variables: &[BTreeSet<AttributeIndex>]| {
        let mut found = BTreeSet::new();
        for op in table.code_of(program).unwrap_or_default().iter().filter_map(|word| Op::decode(*word)) {
            match op.operand_kind() {
                Operand::Attribute => drop(found.insert(AttributeIndex(op.operand()))),
                Operand::Variable => found.extend(index::get(of_variables, op.operand()).into_iter().flatten()),
                _ => {}
            }
        }
        found
    };
    let mut of_variables = Vec::with_capacity(table.variables.len());
    for program in &table.variables {
        let found = own(*program, &of_variables);
        of_variables.push(found);
    }
    (0_u32..).map(ProgramIndex).take(table.programs.len()).map(|program| own(program, &of_variables)).collect()
}

struct Splitter<'r> {
    reads: &'r [BTreeSet<AttributeIndex>],
    /// The programs, with those of the operands so far.
    table: ProgramTable,
    /// The program of each operand so far.
    known: HashMap<Vec<u32>, ProgramIndex>,
}

impl Splitter<'_> {
    fn program(&mut self, program: ProgramIndex) -> Condition {
        let whole = Condition::Whole(program, program.get(self.reads).cloned().unwrap_or_default());
        let code = self.table.code_of(program).unwrap_or_default();
        let Some(ops) = code.iter().map(|word| Op::decode(*word)).collect::<Option<Vec<Op>>>() else { return whole };
        self.split(&ops, MAX_DEPTH).unwrap_or(whole)
    }

    /// Returns the operands of code, or `None` if it stays whole.
    fn split(&mut self, ops: &[Op], depth: usize) -> Option<Condition> {
        let depth = depth.checked_sub(1)?;
        if let [op] = ops {
            return match op {
                Op::HasAttr(attribute) => {
                    let field = index::get(&self.table.attributes, *attribute);
                    matches!(field, Some(Attribute::Field(..))).then_some(Condition::Has(AttributeIndex(*attribute)))
                }
                Op::Var(variable) => Some(Condition::Variable(VariableIndex(*variable))),
                _ => None,
            };
        }
        // The second branch of `?:` may end like any of the others.
        if let Some(split) = self.conditional(ops, depth) {
            return Some(split);
        }
        match ops.last()? {
            Op::Not(_) => {
                let operand = part(ops, 0, ops.len() - 1)?;
                Some(Condition::Not(Box::new(self.operand(&operand, depth)?)))
            }
            Op::And(_) => Some(Condition::All(self.joined(ops, Op::JumpIfFalse, Op::And(0), depth)?)),
            Op::Or(_) => Some(Condition::Any(self.joined(ops, Op::JumpIfTrue, Op::Or(0), depth)?)),
            _ => None,
        }
    }

    /// Returns an operand: its own operands, or a program of its own.
    fn operand(&mut self, ops: &[Op], depth: usize) -> Option<Condition> {
        if let Some(split) = self.split(ops, depth) {
            return Some(split);
        }
        let (table, known) = (&mut self.table, &mut self.known);
        let words: Vec<u32> = ops.iter().map(|op| op.encode()).collect();
        let program = match known.get(&words) {
            Some(program) => *program,
            None => {
                let program = ProgramIndex(index::position(table.programs.len())?);
                table.programs.push((index::position(table.code.len())?, index::position(ops.len())?));
                table.code.extend(&words);
                known.insert(words, program);
                program
            }
        };
        let mut reads = BTreeSet::new();
        for op in ops {
            match op.operand_kind() {
                Operand::Attribute => drop(reads.insert(AttributeIndex(op.operand()))),
                Operand::Variable => {
                    let program = index::get(&self.table.variables, op.operand())?;
                    reads.extend(program.get(self.reads)?);
                }
                _ => {}
            }
        }
        Some(Condition::Whole(program, reads))
    }

    /// Splits `&&` or `||`: each operand but the first is between a jump to the end and `join`.
    fn joined(&mut self, ops: &[Op], jump: fn(u32) -> Op, join: Op, depth: usize) -> Option<Vec<Condition>> {
        let exit = jump(index::position(ops.len())?);
        let exits: Vec<usize> = (0..ops.len()).filter(|at| ops.get(*at) == Some(&exit)).collect();
        let mut start = 0;
        let mut operands = Vec::with_capacity(exits.len() + 1);
        for end in exits.iter().copied().chain([ops.len()]) {
            let is_first = start == 0;
            let last = if is_first { end } else { end.checked_sub(1).filter(|at| ops.get(*at) == Some(&join))? };
            let operand = part(ops, start, last)?;
            operands.push(self.operand(&operand, depth)?);
            start = end + 1;
        }
        (operands.len() > 1).then_some(operands)
    }

    /// Splits `?:`: a condition, a jump to the end if it is an error, a jump to the second branch if it is false, the first
    /// branch, a jump to the end, and the second branch.
    fn conditional(&mut self, ops: &[Op], depth: usize) -> Option<Condition> {
        let end = index::position(ops.len())?;
        let failed = ops.iter().position(|op| *op == Op::JumpIfError(end))?;
        let Op::PopJumpIfFalse(no) = *ops.get(failed + 1)? else { return None };
        let no = usize::try_from(no).ok()?;
        let leave = no.checked_sub(1).filter(|at| ops.get(*at) == Some(&Op::Jump(end)))?;
        let parts = [part(ops, 0, failed)?, part(ops, failed + 2, leave)?, part(ops, no, ops.len())?];
        let [condition, then, otherwise] = &parts;
        Some(Condition::If(Box::new([
            self.operand(condition, depth)?,
            self.operand(then, depth)?,
            self.operand(otherwise, depth)?,
        ])))
    }
}

/// Returns a part of the code as a program of its own, or `None` if it is none: it jumps out of itself, or uses a local
/// that it did not begin.
fn part(ops: &[Op], start: usize, end: usize) -> Option<Vec<Op>> {
    let (offset, length) = (index::position(start)?, index::position(end.checked_sub(start)?)?);
    let mut begun = BTreeSet::new();
    let mut code = Vec::with_capacity(end - start);
    for op in ops.get(start..end).filter(|code| !code.is_empty())? {
        code.push(match *op {
            Op::JumpIfFalse(to) => Op::JumpIfFalse(moved(to, offset, length)?),
            Op::JumpIfTrue(to) => Op::JumpIfTrue(moved(to, offset, length)?),
            Op::JumpIfError(to) => Op::JumpIfError(moved(to, offset, length)?),
            Op::PopJumpIfFalse(to) => Op::PopJumpIfFalse(moved(to, offset, length)?),
            Op::Jump(to) => Op::Jump(moved(to, offset, length)?),
            Op::JumpIfNotIterable(to) => Op::JumpIfNotIterable(moved(to, offset, length)?),
            Op::JumpIfPresent(to) => Op::JumpIfPresent(moved(to, offset, length)?),
            Op::JumpIfAbsent(to) => Op::JumpIfAbsent(moved(to, offset, length)?),
            Op::Loop(to) => Op::Loop(moved(to, offset, length)?),
            // Another jump would have to be moved as well.
            other if matches!(other.operand_kind(), Operand::Target | Operand::LoopTarget) => return None,
            other => other,
        });
        match *op {
            Op::Store(local) | Op::IterBegin(local) | Op::ListBegin(local) | Op::MapBegin(local) => {
                begun.insert(local);
            }
            Op::IterNext(local) if begun.contains(&local) => begun.extend([local + 1]),
            Op::IterNext2(local) if begun.contains(&local) => begun.extend([local + 1, local + 2]),
            other if other.operand_kind() == Operand::Local && !begun.contains(&other.operand()) => return None,
            _ => {}
        }
    }
    Some(code)
}

/// Returns the target of a jump in a part that begins at `offset`, or `None` if it is outside.
fn moved(target: u32, offset: u32, length: u32) -> Option<u32> {
    target.checked_sub(offset).filter(|target| *target <= length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{compile::compile_with_model, expression::codegen::attribute_name, report::source::Sources};

    /// Shows the operands of a condition, and what the others read.
    fn shape(condition: &Condition, tables: &Tables, conditions: &Conditions) -> String {
        let shapes = |operands: &[Condition]| {
            operands.iter().map(|operand| shape(operand, tables, conditions)).collect::<Vec<_>>().join(", ")
        };
        let name = |attribute: &AttributeIndex| {
            attribute_name(attribute.get(&tables.program.attributes).unwrap()).replace("context.", "")
        };
        match condition {
            Condition::All(operands) => format!("all({})", shapes(operands)),
            Condition::Any(operands) => format!("any({})", shapes(operands)),
            Condition::Not(operand) => format!("not({})", shape(operand, tables, conditions)),
            Condition::If(parts) => format!("if({})", shapes(parts.as_slice())),
            Condition::Has(attribute) => format!("has {}", name(attribute)),
            Condition::Variable(variable) => {
                let program = variable.get(&conditions.variables).unwrap();
                shape(program.get(&conditions.programs).unwrap(), tables, conditions)
            }
            Condition::Whole(_, reads) => {
                let names: BTreeSet<String> = reads.iter().map(name).collect();
                Vec::from_iter(names).join("+")
            }
        }
    }

    #[test]
    fn conditions_are_split_by_their_code() {
        let cases = [
            ("context.b", "b"),
            ("!context.b", "not(b)"),
            ("has(context.b)", "has b"),
            ("has(request.headers.x)", "request.headers['x']"),
            ("context.b && context.s == 'x' && context.t == context.s", "all(b, s, s+t)"),
            ("context.b || !(context.s == 'x' && context.c)", "any(b, not(all(s, c)))"),
            ("(context.b || context.c) && context.s == 'x'", "all(any(b, c), s)"),
            ("context.b ? context.c : context.s == 'x'", "if(b, c, s)"),
            ("context.b ? context.c : (context.c ? context.s == 'x' : context.b)", "if(b, c, if(c, s, b))"),
            ("context.b && (context.c ? context.s == 'x' : !context.b)", "all(b, if(c, s, not(b)))"),
            ("context.b ? context.c : context.s == 'x' && context.b", "if(b, c, all(s, b))"),
            ("!(context.b ? context.c : context.s == 'x')", "not(if(b, c, s))"),
            ("variables.v && context.b", "all(any(c, s), b)"),
            // What joins its operands otherwise stays whole.
            ("(context.b && context.c) == (context.s == 'x')", "b+c+s"),
            ("context.l.exists(x, x == 'a' && context.b) || context.c", "any(b+l, c)"),
            ("context.l.all(x, x == 'a' || context.b) && context.l.exists(x, x == context.s)", "all(b+l, l+s)"),
            ("cel.bind(x, context.s + 'y', x == 'xy' && x != context.t)", "s+t"),
            ("context.?s.orValue('x') == 'x' && context.b", "all(s, b)"),
        ];
        for (condition, expected) in cases {
            let text = format!(
                "apiVersion: contextmesh.io/v1\nkind: Mesh\nmetadata: {{name: m}}\n\
                 spec: {{trustDomain: a.b, identity: '/ns/default/sa/{{service}}', domains: {{d: {{services: [s]}}}}}}\n---\n\
                 apiVersion: contextmesh.io/v1\nkind: ContextSchema\nmetadata: {{name: c}}\n\
                 spec: {{fields: {{s: {{type: string}}, t: {{type: string}}, l: {{type: 'list<string>'}}, b: {{type: bool}}, c: {{type: bool}}}}}}\n---\n\
                 apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {{name: p, domain: d}}\n\
                 spec:\n  workloads: [s]\n  variables: [{{name: v, expression: context.c || context.s == 'v'}}]\n\
                 \x20 rules:\n    - name: r\n      deny: {{}}\n      when: |\n        {condition}\n"
            );
            let mut sources = Sources::new("t");
            sources.add("a.yaml", text);
            let (compiled, _) = compile_with_model(&sources).unwrap_or_else(|e| panic!("{}", e.to_text(&sources)));
            let conditions = Conditions::of(&compiled.tables, &load(&compiled.artifact).unwrap());
            let program = compiled.tables.rules[0].condition.unwrap();
            let split = program.get(&conditions.programs).unwrap();
            assert_eq!(shape(split, &compiled.tables, &conditions), expected, "{condition}");
        }
    }
}
