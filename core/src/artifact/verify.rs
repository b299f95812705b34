//! The proof that a decoded artifact can run: every index in bounds, every instruction in order.
//!
//! What is proven here is not checked again while a program runs.

use core::fmt;

use regex_automata::dfa::sparse;

use super::decode::Decoded;
use super::error::LoadError;
use super::format::Digest;
use super::tables::{
    Attribute, Constant, Effect, EntryTable, FieldTable, MeshTable, ProgramTable, Reply, RuleTable, ScalarConstant,
    Tables,
};
use crate::carrier::mesh_header::Dictionaries;
use crate::context::json;
use crate::limits::{MAX_FIELD_NAME_BYTES, MAX_LOCALS, MAX_MEMORY_SLOTS, MAX_STACK, MAX_VARIABLE_DEPTH};
use crate::vm::EvalErrorKind;
use crate::vm::function::Function;
use crate::vm::op::{Op, Operand};

/// An artifact that can run.
///
/// INVARIANT (verified): the only constructor is [`VerifiedProgram::verify`], and nothing changes afterwards.
/// So every index in the tables points at something, and every program of the bytecode ends, stays within
/// its stack and leaves one value.
#[derive(Debug, Clone)]
pub struct VerifiedProgram {
    digest: Digest,
    tables: Tables,
    code: Vec<Op>,
    regexes: Vec<sparse::DFA<Vec<u8>>>,
    dictionaries: Dictionaries,
}

impl VerifiedProgram {
    /// Checks every table and every instruction.
    ///
    /// # Errors
    /// [`LoadError::Verify`] with the first rule that is broken.
    pub fn verify(decoded: Decoded) -> Result<Self, LoadError> {
        let Decoded { digest, mut tables } = decoded;
        let wrap = |error| LoadError::Verify { digest, error };
        let regexes = regexes(&tables.regexes).map_err(wrap)?;
        let code = code(&tables.program).map_err(wrap)?;
        check_mesh(&tables.mesh).map_err(wrap)?;
        check_dictionaries(&tables).map_err(wrap)?;
        check_fields(&tables).map_err(wrap)?;
        check_services(&tables).map_err(wrap)?;
        check_rules(&tables).map_err(wrap)?;
        check_pools(&tables.program).map_err(wrap)?;
        check_programs(&tables, &code).map_err(wrap)?;
        let dictionaries = Dictionaries::new(&tables.dictionaries);
        // Their verified forms stand beside them; wasm memory never shrinks, so keep nothing twice.
        tables.regexes = Vec::new();
        tables.program.code = Vec::new();
        Ok(Self { digest, tables, code, regexes, dictionaries })
    }

    /// Identifies the artifact.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The tables, as verified. The bytecode and the regexes are not among them any more: see
    /// [`VerifiedProgram::code`] and [`VerifiedProgram::regex_matches`].
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The dictionaries of `x-mesh-context`.
    pub fn dictionaries(&self) -> &Dictionaries {
        &self.dictionaries
    }

    /// The instructions of a program; empty for an index that verification never lets through.
    pub fn code(&self, program: u32) -> &[Op] {
        let range = item(&self.tables.program.programs, program).and_then(|range| bounds(*range));
        range.and_then(|(start, end)| self.code.get(start..end)).unwrap_or_default()
    }

    /// Whether the regex matches the whole of `text`.
    pub fn regex_matches(&self, regex: u32, text: &str) -> bool {
        use regex_automata::{Anchored, Input, dfa::Automaton as _};
        item(&self.regexes, regex).is_some_and(|dfa| {
            let input = Input::new(text).anchored(Anchored::Yes);
            matches!(dfa.try_search_fwd(&input), Ok(Some(end)) if end.offset() == text.len())
        })
    }
}

/// Which rule of the artifact is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    /// An index points at nothing.
    Index {
        /// What the index stands in.
        of: &'static str,
        /// The index.
        index: u32,
    },
    /// A table is not sorted by name, or has a name twice.
    Order {
        /// The table.
        table: &'static str,
    },
    /// A value is outside what its place allows.
    Value {
        /// The place.
        of: &'static str,
    },
    /// A regex does not load.
    Regex {
        /// Its index.
        index: u32,
    },
    /// An instruction does not decode.
    Instruction {
        /// Its number in the code.
        at: u32,
    },
    /// An operand does not fit its instruction.
    Operand {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// An instruction takes more values than there are, or leaves more than fit.
    Stack {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// A jump does not lead to a later instruction of its program.
    Jump {
        /// The program.
        program: u32,
        /// The instruction in the program.
        at: u32,
    },
    /// A program does not leave exactly one value.
    Result {
        /// The program.
        program: u32,
    },
    /// Variables refer to each other in a circle or too deeply.
    Variables {
        /// The variable.
        index: u32,
    },
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index { of, index } => write!(f, "{of} {index} does not exist"),
            Self::Order { table } => write!(f, "table {table} is not sorted by distinct names"),
            Self::Value { of } => write!(f, "{of} is out of range"),
            Self::Regex { index } => write!(f, "regex {index} does not load"),
            Self::Instruction { at } => write!(f, "instruction {at} does not decode"),
            Self::Operand { program, at } => write!(f, "program {program}, instruction {at}: wrong operand"),
            Self::Stack { program, at } => write!(f, "program {program}, instruction {at}: wrong stack depth"),
            Self::Jump { program, at } => write!(f, "program {program}, instruction {at}: wrong jump"),
            Self::Result { program } => write!(f, "program {program} does not leave one value"),
            Self::Variables { index } => write!(f, "variable {index} refers to itself or too deeply"),
        }
    }
}

type Check = Result<(), VerifyError>;

fn item<T>(items: &[T], index: u32) -> Option<&T> {
    items.get(usize::try_from(index).ok()?)
}

fn exists<T>(items: &[T], index: u32, of: &'static str) -> Check {
    item(items, index).map(|_| ()).ok_or(VerifyError::Index { of, index })
}

fn ensure(holds: bool, error: VerifyError) -> Check {
    if holds { Ok(()) } else { Err(error) }
}

fn bounds((start, length): (u32, u32)) -> Option<(usize, usize)> {
    let start = usize::try_from(start).ok()?;
    Some((start, start.checked_add(usize::try_from(length).ok()?)?))
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn regexes(serialized: &[Vec<u8>]) -> Result<Vec<sparse::DFA<Vec<u8>>>, VerifyError> {
    let load = |(index, bytes): (usize, &Vec<u8>)| match sparse::DFA::from_bytes(bytes) {
        Ok((dfa, read)) if read == bytes.len() => Ok(dfa.to_owned()),
        _ => Err(VerifyError::Regex { index: number(index) }),
    };
    serialized.iter().enumerate().map(load).collect()
}

fn code(program: &ProgramTable) -> Result<Vec<Op>, VerifyError> {
    let decode = |(at, word): (usize, &u32)| Op::decode(*word).ok_or(VerifyError::Instruction { at: number(at) });
    program.code.iter().enumerate().map(decode).collect()
}

fn check_mesh(mesh: &MeshTable) -> Check {
    let slots = mesh.memory_slots;
    ensure(slots.is_power_of_two() && slots <= MAX_MEMORY_SLOTS, VerifyError::Value { of: "memory slots" })?;
    ensure(mesh.identity_path.matches("{service}").count() == 1, VerifyError::Value { of: "identity path" })?;
    ensure(!mesh.trust_domain.is_empty(), VerifyError::Value { of: "trust domain" })
}

fn check_dictionaries(tables: &Tables) -> Check {
    let mut ids: Vec<u32> = tables.dictionaries.iter().map(|dictionary| dictionary.id).collect();
    ids.sort_unstable();
    ensure(ids.windows(2).all(|pair| pair.first() != pair.last()), VerifyError::Order { table: "dictionaries" })?;
    ensure(!ids.contains(&0), VerifyError::Value { of: "dictionary id" })
}

fn sorted_by<'t, T>(items: &'t [T], name: impl Fn(&'t T) -> &'t str) -> bool {
    items.iter().zip(items.iter().skip(1)).all(|(a, b)| name(a) < name(b))
}

fn check_fields(tables: &Tables) -> Check {
    ensure(sorted_by(&tables.fields, |field| &field.name), VerifyError::Order { table: "fields" })?;
    tables.fields.iter().try_for_each(|field| check_field(tables, field))
}

fn check_field(tables: &Tables, field: &FieldTable) -> Check {
    let length = field.name.len();
    ensure((1..=MAX_FIELD_NAME_BYTES).contains(&length), VerifyError::Value { of: "field name" })?;
    if let Some(pattern) = field.pattern {
        exists(&tables.regexes, pattern, "regex")?;
    }
    if let Some(owner) = field.owner {
        exists(&tables.domains, u32::from(owner), "domain")?;
    }
    let plain = |header: &String| {
        let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
        !header.is_empty() && header.bytes().all(token)
    };
    ensure(field.header.as_ref().is_none_or(plain), VerifyError::Value { of: "header name" })?;
    ensure(field.allowed.iter().all(|text| json::check(text).is_ok()), VerifyError::Value { of: "allowed value" })
}

fn check_services(tables: &Tables) -> Check {
    ensure(sorted_by(&tables.domains, |domain| &domain.name), VerifyError::Order { table: "domains" })?;
    ensure(sorted_by(&tables.services, |service| &service.name), VerifyError::Order { table: "services" })?;
    for service in &tables.services {
        exists(&tables.domains, u32::from(service.domain), "domain")?;
        check_entry(tables, &service.entry)?;
    }
    check_entry(tables, &tables.unlisted)
}

fn check_entry(tables: &Tables, entry: &EntryTable) -> Check {
    for rules in [&entry.inbound, &entry.outbound] {
        rules.iter().try_for_each(|rule| exists(&tables.rules, *rule, "rule"))?;
        let ascending = rules.iter().zip(rules.iter().skip(1)).all(|(a, b)| a < b);
        ensure(ascending, VerifyError::Order { table: "rules of a service" })?;
    }
    Ok(())
}

fn check_rules(tables: &Tables) -> Check {
    tables.rules.iter().try_for_each(|rule| check_rule(tables, rule))
}

fn check_rule(tables: &Tables, rule: &RuleTable) -> Check {
    let programs = &tables.program.programs;
    if let Some(condition) = rule.condition {
        exists(programs, condition, "program")?;
    }
    match &rule.effect {
        Effect::Deny(reply) | Effect::Require { reply, .. } => check_reply(reply),
        Effect::Set { fields } => fields.iter().try_for_each(|(_, program)| exists(programs, *program, "program")),
        Effect::Allow | Effect::Redact { .. } => Ok(()),
    }
}

fn check_reply(reply: &Reply) -> Check {
    ensure((400..=599).contains(&reply.status), VerifyError::Value { of: "status" })?;
    ensure((1..=16).contains(&reply.grpc_status), VerifyError::Value { of: "gRPC status" })
}

fn check_pools(program: &ProgramTable) -> Check {
    for constant in &program.constants {
        if let Constant::StringSet(words) = constant {
            ensure(sorted_by(words, |word| word), VerifyError::Order { table: "string set" })?;
        }
    }
    let empty_path = |attribute: &Attribute| matches!(attribute, Attribute::Host(path, _) if path.is_empty());
    ensure(!program.attributes.iter().any(empty_path), VerifyError::Value { of: "attribute path" })
}

/// Checks all programs, and that variables lead only to variables before them.
fn check_programs(tables: &Tables, code: &[Op]) -> Check {
    let program = &tables.program;
    for index in 0..program.programs.len() {
        check_program(tables, code, number(index))?;
    }
    let mut depths: Vec<usize> = Vec::with_capacity(program.variables.len());
    for (index, variable) in program.variables.iter().enumerate() {
        exists(&program.programs, *variable, "program")?;
        let depth = variable_depth(&depths, instructions(program, code, *variable));
        match depth {
            Some(depth) if depth <= MAX_VARIABLE_DEPTH => depths.push(depth),
            _ => return Err(VerifyError::Variables { index: number(index) }),
        }
    }
    Ok(())
}

/// One more than the deepest variable that `code` reads; `None` when it reads one without a known depth.
fn variable_depth(depths: &[usize], code: &[Op]) -> Option<usize> {
    let mut deepest = 0;
    for op in code {
        if let Op::Var(variable) = op {
            deepest = deepest.max(*item(depths, *variable)?);
        }
    }
    deepest.checked_add(1)
}

fn instructions<'c>(program: &ProgramTable, code: &'c [Op], index: u32) -> &'c [Op] {
    let range = item(&program.programs, index).and_then(|range| bounds(*range));
    range.and_then(|(start, end)| code.get(start..end)).unwrap_or_default()
}

/// Walks a program once, in order. Jumps lead forward only, so every depth is known before it is needed.
fn check_program(tables: &Tables, code: &[Op], program: u32) -> Check {
    let out_of_code = VerifyError::Index { of: "code of program", index: program };
    let (start, end) = item(&tables.program.programs, program).and_then(|range| bounds(*range)).ok_or(out_of_code)?;
    let code = code.get(start..end).ok_or(out_of_code)?;
    let mut depths: Vec<Option<u32>> = vec![None; code.len().saturating_add(1)];
    set_depth(&mut depths, 0, 0, VerifyError::Result { program })?;
    for (index, op) in code.iter().enumerate() {
        let at = number(index);
        let stack = VerifyError::Stack { program, at };
        check_operand(tables, *op, VerifyError::Operand { program, at })?;
        let depth = depths.get(index).copied().flatten().ok_or(stack)?;
        let after = depth.checked_sub(op.pops()).and_then(|depth| depth.checked_add(op.pushes())).ok_or(stack)?;
        ensure(usize::try_from(after).is_ok_and(|after| after <= MAX_STACK), stack)?;
        if op.operand_kind() == Operand::Target {
            let jump = VerifyError::Jump { program, at };
            let target = usize::try_from(op.operand()).map_err(|_| jump)?;
            ensure(target > index, jump)?;
            set_depth(&mut depths, target, after, jump)?;
        }
        if !matches!(op, Op::Jump(_)) {
            set_depth(&mut depths, index.saturating_add(1), after, stack)?;
        }
    }
    ensure(depths.last() == Some(&Some(1)), VerifyError::Result { program })
}

/// Notes the depth before an instruction; two ways to it must agree.
fn set_depth(depths: &mut [Option<u32>], at: usize, depth: u32, error: VerifyError) -> Check {
    let place = depths.get_mut(at).ok_or(error)?;
    ensure(place.is_none_or(|known| known == depth), error)?;
    *place = Some(depth);
    Ok(())
}

fn check_operand(tables: &Tables, op: Op, error: VerifyError) -> Check {
    let program = &tables.program;
    let operand = op.operand();
    let name = |constant: &Constant| matches!(constant, Constant::Scalar(ScalarConstant::String(_)));
    let fits = match op.operand_kind() {
        Operand::Nothing | Operand::Target | Operand::LoopTarget => true,
        Operand::Function => Function::from_number(operand).is_some(),
        Operand::Local => usize::try_from(operand).is_ok_and(|local| local < MAX_LOCALS),
        Operand::Error => EvalErrorKind::from_number(operand).is_some(),
        Operand::Constant => item(&program.constants, operand).is_some(),
        Operand::Name => item(&program.constants, operand).is_some_and(name),
        Operand::Attribute => item(&program.attributes, operand).is_some(),
        Operand::Variable => item(&program.variables, operand).is_some(),
        Operand::Regex => item(&tables.regexes, operand).is_some(),
        Operand::Count => usize::try_from(operand).is_ok_and(|count| count <= MAX_STACK),
    };
    ensure(fits, error)
}
