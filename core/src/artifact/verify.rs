//! The proof that a decoded artifact can run: all indices are in bounds, and all instructions are valid.
//!
//! Everything that is proven here is not checked again while a program runs.

use core::cmp::Ordering;

use regex_automata::dfa::sparse;

use super::decode::Decoded;
use super::error::{LoadError, VerifyError};
use super::format::Digest;
use super::revision::Revision;
use super::stamp::Stamp;
use super::verify_code;
use crate::carrier::words::Words;
use crate::context::json;
use crate::index;
use crate::limits::{
    MAX_FIELD_NAME_BYTES, MAX_FRAMEWORKS, MAX_HEADER_VALUE_BYTES, MAX_MEMORY_BYTES, MAX_MEMORY_SLOTS, MAX_WORD_BYTES,
    MAX_WORD_NUMBER, MAX_WORDS, MAX_ZONE_TRANSITIONS, MIN_HEADER_VALUE_BYTES, MIN_MEMORY_BYTES, MIN_MEMORY_TTL_MS,
};
use crate::number;
use crate::schema::Choice;
use crate::sort;
use crate::tables::{
    Attribute, Constant, Effect, EntryTable, FieldTable, FieldType, MeshTable, ProgramTable, Reply, RuleTable, Scalar,
    ScalarConstant, Tables, WordTable, ZoneTable,
};
use crate::vm::fuse::{self, Step};
use crate::vm::op::Op;
use crate::vm::{Program, Timestamp};

/// An artifact that can run.
///
/// INVARIANT (verified): the only constructor is [`VerifiedProgram::verify`], and nothing changes afterwards. So every
/// index in the tables is valid, and every program of the bytecode ends, stays within its stack and leaves one value.
#[derive(Debug, Clone)]
pub struct VerifiedProgram {
    stamp: Stamp,
    program: Program,
    words: Words,
    choices: Vec<Choice>,
}

impl VerifiedProgram {
    /// Checks every table and every instruction.
    ///
    /// # Errors
    /// [`LoadError::Verify`] with the first violated rule.
    pub fn verify(decoded: Decoded) -> Result<Self, LoadError> {
        Self::verify_with(decoded, fuse::fuse)
    }

    /// Verifies like [`VerifiedProgram::verify`], with this function to make the steps of a verified program.
    pub(crate) fn verify_with(decoded: Decoded, steps: fn(&[Op]) -> Box<[Step]>) -> Result<Self, LoadError> {
        let Decoded { stamp, mut tables } = decoded;
        let digest = stamp.digest;
        let wrap = |error| LoadError::Verify { digest, error };
        let regexes = regexes(&tables.regexes).map_err(wrap)?;
        let code = code(&tables.program).map_err(wrap)?;
        check_mesh(&tables.mesh).map_err(wrap)?;
        check_dictionaries(&tables).map_err(wrap)?;
        check_words(&tables.words).map_err(wrap)?;
        check_fields(&tables).map_err(wrap)?;
        check_services(&tables).map_err(wrap)?;
        check_rules(&tables).map_err(wrap)?;
        check_pools(&tables.program).map_err(wrap)?;
        verify_code::check_programs(&tables, &code).map_err(wrap)?;
        let ranges = tables.program.programs.iter().filter_map(|range| bounds(*range));
        let programs = ranges.map(|(start, end)| steps(code.get(start..end).unwrap_or_default())).collect();
        let words = Words::new(&tables.words, &tables.dictionaries, &tables.mesh);
        // Their verified forms are kept separately. Wasm memory never shrinks, so nothing is kept twice.
        tables.words = Vec::new();
        tables.dictionaries = Vec::new();
        tables.regexes = Vec::new();
        tables.program.code = Vec::new();
        let choices = tables.fields.iter().map(|field| Choice::new(&field.allowed)).collect();
        Ok(Self { stamp, program: Program::new(tables, programs, regexes), words, choices })
    }

    /// Identifies the artifact.
    pub fn digest(&self) -> Digest {
        self.stamp.digest
    }

    /// Returns the version of the sources that the artifact was built from, if the build named one.
    pub fn revision(&self) -> Option<&Revision> {
        self.stamp.revision.as_ref()
    }

    /// Returns the digest and the revision.
    pub fn stamp(&self) -> &Stamp {
        &self.stamp
    }

    /// Returns the input of the machine.
    pub fn code(&self) -> &Program {
        &self.program
    }

    /// Returns the tables, as verified. They no longer contain the bytecode, the patterns and the words: see
    /// [`VerifiedProgram::code`] and [`VerifiedProgram::words`].
    pub fn tables(&self) -> &Tables {
        self.program.tables()
    }

    /// Returns the allowed values of each field, in the order of the fields.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// Returns the words of `x-mesh-context`, with the dictionaries of version 1.
    pub fn words(&self) -> &Words {
        &self.words
    }
}

pub(super) type Check = Result<(), VerifyError>;

pub(super) fn exists<T>(items: &[T], index: impl Into<u32>, of: &'static str) -> Check {
    let index = index.into();
    index::get(items, index).map(|_| ()).ok_or(VerifyError::Index { of, index })
}

pub(super) fn ensure(holds: bool, error: VerifyError) -> Check {
    if holds { Ok(()) } else { Err(error) }
}

pub(super) fn bounds((start, length): (u32, u32)) -> Option<(usize, usize)> {
    let start = usize::try_from(start).ok()?;
    Some((start, start.checked_add(usize::try_from(length).ok()?)?))
}

pub(super) fn number(index: usize) -> u32 {
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
    let slots = (1..=MAX_MEMORY_SLOTS).contains(&mesh.memory_slots);
    ensure(slots, VerifyError::Value { of: "memory slots" })?;
    let bytes = (MIN_MEMORY_BYTES..=MAX_MEMORY_BYTES).contains(&mesh.memory_bytes);
    ensure(bytes, VerifyError::Value { of: "memory bytes" })?;
    let header = (MIN_HEADER_VALUE_BYTES..=MAX_HEADER_VALUE_BYTES).contains(&mesh.header_value_bytes);
    ensure(header, VerifyError::Value { of: "longest header value" })?;
    ensure(mesh.memory_ttl_ms >= MIN_MEMORY_TTL_MS, VerifyError::Value { of: "memory ttl" })?;
    ensure(mesh.identity_path.matches("{service}").count() == 1, VerifyError::Value { of: "identity path" })?;
    let namespaces = mesh.identity_path.matches("{namespace}").count();
    ensure(namespaces <= 1, VerifyError::Value { of: "identity path" })?;
    ensure(!mesh.trust_domain.is_empty(), VerifyError::Value { of: "trust domain" })
}

fn check_dictionaries(tables: &Tables) -> Check {
    let mut ids: Vec<u32> = tables.dictionaries.iter().map(|dictionary| dictionary.id).collect();
    sort::sort(&mut ids);
    ensure(ids.windows(2).all(|pair| pair.first() != pair.last()), VerifyError::Order { table: "dictionaries" })?;
    ensure(!ids.contains(&0), VerifyError::Value { of: "dictionary id" })
}

fn check_words(words: &[WordTable]) -> Check {
    let ordered = words.iter().zip(words.iter().skip(1)).all(|(a, b)| a.number < b.number);
    ensure(ordered, VerifyError::Order { table: "words" })?;
    ensure(words.len() <= MAX_WORDS, VerifyError::Value { of: "number of words" })?;
    let sized = words.iter().all(|word| (1..=MAX_WORD_BYTES).contains(&word.text.len()));
    ensure(sized, VerifyError::Value { of: "word" })?;
    let numbered = words.iter().all(|word| (1..=MAX_WORD_NUMBER).contains(&word.number));
    ensure(numbered, VerifyError::Value { of: "number of a word" })?;
    let mut texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    sort::sort(&mut texts);
    ensure(texts.windows(2).all(|pair| pair.first() != pair.last()), VerifyError::Value { of: "word" })
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
        exists(&tables.domains, owner, "domain")?;
    }
    let plain = |header: &String| {
        let token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
        !header.is_empty() && header.bytes().all(token)
    };
    ensure(field.header.as_ref().is_none_or(plain), VerifyError::Value { of: "header name" })?;
    // An unknown destination has the region "", so a field with this region could be sent to unknown destinations.
    ensure(field.residency.iter().all(|region| !region.is_empty()), VerifyError::Value { of: "region" })?;
    check_limits(field)?;
    ensure(field.allowed.iter().all(|text| json::check(text).is_ok()), VerifyError::Value { of: "allowed value" })
}

fn check_limits(field: &FieldTable) -> Check {
    let (scalar, several) = match field.value {
        FieldType::One(scalar) => (scalar, false),
        FieldType::List(scalar) | FieldType::Map(scalar) => (scalar, true),
    };
    let limits = || [field.minimum, field.maximum].into_iter().flatten();
    let numbers = limits().next().is_none() || matches!(scalar, Scalar::Int | Scalar::Double);
    let finite = limits().all(number::is_finite);
    let ordered = match (field.minimum, field.maximum) {
        (Some(minimum), Some(maximum)) => number::order(minimum, maximum).is_le(),
        _ => true,
    };
    ensure(numbers && finite && ordered, VerifyError::Value { of: "limit of a number" })?;
    ensure(field.max_items == 0 || several, VerifyError::Value { of: "number of items" })
}

fn check_services(tables: &Tables) -> Check {
    ensure(sorted_by(&tables.domains, |domain| &domain.name), VerifyError::Order { table: "domains" })?;
    let few = tables.domains.iter().all(|domain| domain.frameworks.len() <= MAX_FRAMEWORKS);
    ensure(few, VerifyError::Value { of: "number of frameworks" })?;
    ensure(sorted_by(&tables.services, |service| &service.name), VerifyError::Order { table: "services" })?;
    for service in &tables.services {
        exists(&tables.domains, service.domain, "domain")?;
        check_entry(tables, &service.entry)?;
    }
    check_entry(tables, &tables.unlisted)?;
    check_names(tables)
}

fn check_names(tables: &Tables) -> Check {
    let names = &tables.names;
    for list in [&names.identities, &names.hosts, &names.workloads] {
        ensure(sorted_by(list, |(name, _)| name), VerifyError::Order { table: "names of services" })?;
        list.iter().try_for_each(|(_, service)| exists(&tables.services, *service, "service"))?;
    }
    Ok(())
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
        Effect::Allow | Effect::Redact { .. } | Effect::Mask { .. } | Effect::Audit => Ok(()),
    }
}

fn check_reply(reply: &Reply) -> Check {
    ensure((400..=599).contains(&reply.status), VerifyError::Value { of: "status" })?;
    ensure((1..=16).contains(&reply.grpc_status), VerifyError::Value { of: "gRPC status" })
}

fn check_constant(constant: &Constant) -> Check {
    match constant {
        Constant::Scalar(scalar) => check_scalar(scalar),
        Constant::List(scalars) => scalars.iter().try_for_each(check_scalar),
        Constant::StringSet(words) => ensure(sorted_by(words, |word| word), VerifyError::Order { table: "string set" }),
        Constant::Networks(networks) => ensure(networks.is_ordered(), VerifyError::Order { table: "networks" }),
        Constant::Map(entries) => {
            entries.iter().try_for_each(|(_, value)| check_scalar(value))?;
            let keys = || entries.iter().map(|(key, _)| key);
            let ordered = keys().zip(keys().skip(1)).all(|(a, b)| a.key_order(b) == Some(Ordering::Less));
            ensure(
                ordered && keys().all(|key| key.key_order(key).is_some()),
                VerifyError::Order { table: "constant map" },
            )
        }
    }
}

fn check_scalar(scalar: &ScalarConstant) -> Check {
    let fits = match scalar {
        ScalarConstant::Timestamp { seconds, nanos } => Timestamp { seconds: *seconds, nanos: *nanos }.is_valid(),
        _ => true,
    };
    ensure(fits, VerifyError::Value { of: "timestamp" })
}

/// No offset is larger than a day, so that local times can be computed without overflow.
const MAX_OFFSET: u32 = 86_400;

fn check_zone(zone: &ZoneTable) -> Check {
    ensure(zone.transitions.len() <= MAX_ZONE_TRANSITIONS, VerifyError::Value { of: "number of transitions" })?;
    let offsets = zone.transitions.iter().map(|(_, offset)| *offset);
    let near = offsets.chain([zone.initial]).all(|offset| offset.unsigned_abs() <= MAX_OFFSET);
    ensure(near, VerifyError::Value { of: "offset of a time zone" })?;
    let times = || zone.transitions.iter().map(|(from, _)| from);
    let ascending = times().zip(times().skip(1)).all(|(a, b)| a < b);
    ensure(ascending, VerifyError::Order { table: "transitions of a time zone" })
}

fn check_pools(program: &ProgramTable) -> Check {
    program.constants.iter().try_for_each(check_constant)?;
    ensure(sorted_by(&program.zones, |zone| &zone.name), VerifyError::Order { table: "time zones" })?;
    program.zones.iter().try_for_each(check_zone)?;
    let empty_path = |attribute: &Attribute| matches!(attribute, Attribute::Host(path, _) if path.is_empty());
    ensure(!program.attributes.iter().any(empty_path), VerifyError::Value { of: "attribute path" })
}
