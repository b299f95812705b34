//! Artifacts that must load, and all kinds that must not.

use super::format::{DIGEST_AT, FEATURES_AT, LENGTH_AT, REVISION_AT, VERSION_AT};
use super::*;
use crate::address::Networks;
use crate::index::{PatternIndex, ProgramIndex, RuleIndex, ServiceIndex};
use crate::tables::{
    Attribute, Constant, Effect, FieldType, HostType, Number, Reply, Scalar, ScalarConstant, Tables, ZoneTable,
};
use crate::testing::*;
use crate::vm::op::Op;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns a mesh with a rule of each kind of table entry.
fn sample() -> Tables {
    let mut tables = tables();
    let attribute = add_attribute(&mut tables, Attribute::Field("tenant".into(), FieldType::One(Scalar::String)));
    add_attribute(&mut tables, Attribute::Host(vec!["source".into(), "port".into()], HostType::Int));
    let wanted = add_string(&mut tables, "t1");
    add_constant(&mut tables, Constant::StringSet(vec!["a".into(), "b".into()]));
    add_constant(&mut tables, Constant::List(vec![ScalarConstant::Int(1), ScalarConstant::Null]));
    let condition = add_program(&mut tables, &[Op::Attr(attribute), Op::Const(wanted), Op::Eq(0)]);
    tables.program.variables.push(condition);
    let reply = Reply { status: 403, grpc_status: 7, message: "no".into() };
    let mut deny = rule("enterprise/p/deny", Effect::Deny(reply));
    deny.condition = Some(condition);
    add_inbound(&mut tables, "a", deny);
    tables
}

#[test]
fn tables_read_back_as_they_were_written() {
    let tables = sample();
    let bytes = encode(&tables).unwrap();
    assert_eq!(Decoded::decode(&bytes).unwrap().tables, tables);
    assert_eq!(encode(&tables).unwrap(), bytes, "the same tables give the same bytes");
    assert!(load(&bytes).is_ok());
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    let bytes = encode(&sample()).unwrap();
    assert_eq!(bytes[REVISION_AT], 0, "no revision");
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 1 << (at % 8);
        let error = load(&broken).unwrap_err();
        let expected = match at {
            0..VERSION_AT => matches!(error, LoadError::Magic),
            VERSION_AT..FEATURES_AT => matches!(error, LoadError::Version { .. }),
            FEATURES_AT..LENGTH_AT => matches!(error, LoadError::Features { .. }),
            LENGTH_AT..DIGEST_AT => matches!(error, LoadError::Digest { .. } | LoadError::TooLarge { .. }),
            REVISION_AT => matches!(error, LoadError::Revision),
            _ => matches!(error, LoadError::Digest { .. }),
        };
        assert!(expected, "byte {at}: {error:?}");
    }
}

/// The sample artifact with this in place of its revision: a length and bytes.
fn with_raw_revision(length: u8, text: &[u8]) -> Vec<u8> {
    let bytes = encode(&sample()).unwrap();
    [&bytes[..REVISION_AT], &[length], text, &bytes[REVISION_AT + 1..]].concat()
}

#[test]
fn a_revision_is_read_only_as_it_is_written() {
    let plain = load(&encode(&sample()).unwrap()).unwrap();
    let program = load(&with_raw_revision(4, b"3f2a")).unwrap();
    assert_eq!(program.digest(), plain.digest());
    assert_eq!(program.revision().map(Revision::as_str), Some("3f2a"));
    type Wanted = fn(&LoadError) -> bool;
    let cases: [(u8, &[u8], Wanted); 7] = [
        (3, b"3f2a", |error| matches!(error, LoadError::Digest { .. })),
        (4, b"3f2", |error| matches!(error, LoadError::Revision | LoadError::Digest { .. })),
        (4, b"3 2a", |error| matches!(error, LoadError::Revision)),
        (4, b"-f2a", |error| matches!(error, LoadError::Revision)),
        (2, b"\xc3\xa4", |error| matches!(error, LoadError::Revision)),
        (101, &[b'a'; 101], |error| matches!(error, LoadError::Revision)),
        (255, &[], |error| matches!(error, LoadError::Truncated { .. } | LoadError::Revision)),
    ];
    for (length, text, wanted) in cases {
        let error = load(&with_raw_revision(length, text)).unwrap_err();
        assert!(wanted(&error), "{length} {text:?}: {error:?}");
    }
}

#[test]
fn a_cut_artifact_is_refused() {
    let bytes = encode(&sample()).unwrap();
    for length in 0..bytes.len() {
        let error = load(&bytes[..length]).unwrap_err();
        let expected = match length {
            0..8 => matches!(error, LoadError::Magic),
            8..=REVISION_AT => matches!(error, LoadError::Truncated { .. }),
            _ => matches!(error, LoadError::Digest { .. }),
        };
        assert!(expected, "length {length}: {error:?}");
    }
}

/// Returns the artifact with this body, including digest and length.
fn with_body(body: &[u8]) -> Vec<u8> {
    encode::wrap(body.len() as u32, &lz4_flex::block::compress(body))
}

fn section(number: u16, flags: u16, content: &[u8]) -> Vec<u8> {
    let mut bytes = [number.to_le_bytes(), flags.to_le_bytes()].concat();
    bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
    bytes.extend_from_slice(content);
    bytes
}

/// Returns the body of the sample artifact.
fn body() -> Vec<u8> {
    let bytes = encode(&sample()).unwrap();
    let length = u32::from_le_bytes(bytes[LENGTH_AT..DIGEST_AT].try_into().unwrap());
    lz4_flex::block::decompress(&bytes[REVISION_AT + 1..], length as usize).unwrap()
}

#[test]
fn sections_are_all_there_once_and_fill_the_body() {
    let body = body();
    assert!(load(&with_body(&body)).is_ok());
    let more = |section: Vec<u8>| [body.clone(), section].concat();
    let cases = [
        (with_body(&[]), LoadError::SectionCount { section: "Mesh" }),
        (with_body(&body[..7]), LoadError::SectionBounds),
        (with_body(&more(vec![0])), LoadError::SectionBounds),
        (with_body(&more(section(1, 0, &[]))), LoadError::SectionCount { section: "Mesh" }),
        (with_body(&more(section(99, 0, &[1]))), LoadError::UnknownSection { number: 99 }),
        (encode::wrap(body.len() as u32 + 1, &lz4_flex::block::compress(&body)), LoadError::Compression),
    ];
    for (bytes, error) in cases {
        assert_eq!(load(&bytes).unwrap_err(), error);
    }
}

#[test]
fn an_unknown_section_that_is_optional_is_skipped() {
    let body = [section(99, 1, b"of a later release"), body()].concat();
    assert!(load(&with_body(&body)).is_ok());
}

#[test]
fn every_rule_of_verification_refuses_what_breaks_it() {
    type Break = fn(&mut Tables);
    let cases: [(Break, VerifyError); 49] = [
        (|t| t.mesh.header_value_bytes = 0, VerifyError::Value { of: "longest header value" }),
        (|t| t.mesh.memory_slots = u32::MAX, VerifyError::Value { of: "memory slots" }),
        (|t| t.mesh.memory_bytes = 1, VerifyError::Value { of: "memory bytes" }),
        (|t| t.mesh.memory_bytes = u64::MAX, VerifyError::Value { of: "memory bytes" }),
        (|t| t.mesh.memory_ttl_ms = 1, VerifyError::Value { of: "memory ttl" }),
        (|t| t.mesh.memory_slots = 0, VerifyError::Value { of: "memory slots" }),
        (|t| t.mesh.identity_path = "/sa".into(), VerifyError::Value { of: "identity path" }),
        (|t| t.mesh.trust_domain.clear(), VerifyError::Value { of: "trust domain" }),
        (|t| t.dictionaries[0].id = 0, VerifyError::Value { of: "dictionary id" }),
        (|t| t.words.swap(0, 1), VerifyError::Order { table: "words" }),
        (|t| t.words[1].number = t.words[0].number, VerifyError::Order { table: "words" }),
        (|t| t.words[1].text = t.words[0].text.clone(), VerifyError::Value { of: "word" }),
        (|t| t.words[0].text.clear(), VerifyError::Value { of: "word" }),
        (|t| t.words[0].number = 0, VerifyError::Value { of: "number of a word" }),
        (|t| t.words[3].number = u32::MAX, VerifyError::Value { of: "number of a word" }),
        (|t| t.fields.swap(0, 1), VerifyError::Order { table: "fields" }),
        (|t| t.fields[0].pattern = Some(PatternIndex(0)), VerifyError::Index { of: "regex", index: 0 }),
        (|t| t.fields[0].header = Some("X-Upper".into()), VerifyError::Value { of: "header name" }),
        (|t| t.fields[0].residency = vec![String::new()], VerifyError::Value { of: "region" }),
        (|t| t.fields[0].minimum = Some(Number::Int(1)), VerifyError::Value { of: "limit of a number" }),
        (|t| limit(t, None, Some(Number::Double(f64::NAN))), VerifyError::Value { of: "limit of a number" }),
        (|t| limit(t, Some(Number::Double(f64::NEG_INFINITY)), None), VerifyError::Value { of: "limit of a number" }),
        (|t| limit(t, Some(Number::Int(2)), Some(Number::Double(1.5))), VerifyError::Value { of: "limit of a number" }),
        (|t| t.fields[1].max_items = 1, VerifyError::Value { of: "number of items" }),
        (|t| t.fields[0].owner = Some(9), VerifyError::Index { of: "domain", index: 9 }),
        (|t| t.services.swap(0, 1), VerifyError::Order { table: "services" }),
        (|t| t.services[0].domain = 7, VerifyError::Index { of: "domain", index: 7 }),
        (|t| t.services[0].entry.inbound = vec![RuleIndex(9)], VerifyError::Index { of: "rule", index: 9 }),
        (|t| t.services[0].entry.inbound = vec![RuleIndex(0); 2], VerifyError::Order { table: "rules of a service" }),
        (
            |t| t.names.identities = vec![("b".into(), ServiceIndex(0)), ("a".into(), ServiceIndex(0))],
            VerifyError::Order { table: "names of services" },
        ),
        (
            |t| t.names.hosts = vec![("a".into(), ServiceIndex(0)), ("a".into(), ServiceIndex(0))],
            VerifyError::Order { table: "names of services" },
        ),
        (|t| t.names.workloads = vec![("a".into(), ServiceIndex(99))], VerifyError::Index { of: "service", index: 99 }),
        (|t| t.rules[0].condition = Some(ProgramIndex(5)), VerifyError::Index { of: "program", index: 5 }),
        (|t| t.rules[0].effect = Effect::Deny(Reply::default()), VerifyError::Value { of: "status" }),
        (|t| t.regexes = vec![b"no dfa".to_vec()], VerifyError::Regex { index: 0 }),
        (|t| t.program.code[0] = 0xff, VerifyError::Instruction { at: 0 }),
        (|t| t.program.programs[0].1 = 99, VerifyError::Index { of: "code of program", index: 0 }),
        (
            |t| t.program.programs.extend([t.program.programs[0]; 2]),
            VerifyError::Value { of: "length of the programs in all" },
        ),
        (
            |t| t.program.variables = vec![ProgramIndex(0); 3],
            VerifyError::Value { of: "length of the variables in all" },
        ),
        (
            |t| t.program.constants[1] = Constant::Networks(Networks { v4: vec![(9, 9), (1, 2)], v6: Vec::new() }),
            VerifyError::Order { table: "networks" },
        ),
        (
            |t| t.program.constants[1] = Constant::StringSet(vec!["b".into(), "a".into()]),
            VerifyError::Order { table: "string set" },
        ),
        (|t| t.program.constants[1] = map_of(&[2, 1]), VerifyError::Order { table: "constant map" }),
        (|t| t.program.constants[1] = map_of(&[1, 1]), VerifyError::Order { table: "constant map" }),
        (
            |t| t.program.constants[1] = Constant::Map(vec![(ScalarConstant::Null, ScalarConstant::Null)]),
            VerifyError::Order { table: "constant map" },
        ),
        (
            |t| {
                let point = ScalarConstant::Timestamp { seconds: 0, nanos: 1_000_000_000 };
                t.program.constants[1] = Constant::Scalar(point);
            },
            VerifyError::Value { of: "timestamp" },
        ),
        (|t| t.program.zones = vec![zone("B"), zone("A")], VerifyError::Order { table: "time zones" }),
        (
            |t| t.program.zones = vec![ZoneTable { transitions: vec![(2, 0), (1, 0)], ..zone("A") }],
            VerifyError::Order { table: "transitions of a time zone" },
        ),
        (
            |t| t.program.zones = vec![ZoneTable { initial: 90_000, ..zone("A") }],
            VerifyError::Value { of: "offset of a time zone" },
        ),
        (
            |t| t.program.zones = vec![ZoneTable { transitions: (0..1025).map(|at| (at, 0)).collect(), ..zone("A") }],
            VerifyError::Value { of: "number of transitions" },
        ),
    ];
    for (break_it, error) in cases {
        let mut tables = sample();
        break_it(&mut tables);
        assert_eq!(verify_error(&tables), error);
    }
}

fn limit(tables: &mut Tables, minimum: Option<Number>, maximum: Option<Number>) {
    let field = &mut tables.fields[0];
    field.value = FieldType::List(Scalar::Double);
    (field.minimum, field.maximum) = (minimum, maximum);
}

fn map_of(keys: &[i64]) -> Constant {
    Constant::Map(keys.iter().map(|key| (ScalarConstant::Int(*key), ScalarConstant::Null)).collect())
}

fn zone(name: &str) -> ZoneTable {
    ZoneTable { name: name.into(), initial: 3600, transitions: vec![(0, 7200)] }
}

fn verify_error(tables: &Tables) -> VerifyError {
    match load(&encode(tables).unwrap()) {
        Err(LoadError::Verify { error, .. }) => error,
        other => panic!("expected a verify error, got {other:?}"),
    }
}

#[test]
fn programs_that_could_go_wrong_are_refused() {
    let (program, at) = (0, 0);
    let cases: [(&[Op], VerifyError); 25] = [
        (&[], VerifyError::Result { program }),
        (&[Op::Const(0), Op::Const(0)], VerifyError::Result { program }),
        (&[Op::Not(0)], VerifyError::Stack { program, at }),
        (&[Op::Const(99)], VerifyError::Operand { program, at }),
        (&[Op::Attr(99)], VerifyError::Operand { program, at }),
        (&[Op::Const(1), Op::Member(1)], VerifyError::Operand { program, at: 1 }),
        (&[Op::Const(0), Op::Matches(0)], VerifyError::Operand { program, at: 1 }),
        (&[Op::Const(0), Op::JumpIfTrue(0)], VerifyError::Jump { program, at: 1 }),
        (&[Op::Const(0), Op::JumpIfTrue(9)], VerifyError::Jump { program, at: 1 }),
        (&[Op::Const(0), Op::Jump(3), Op::Const(0)], VerifyError::Stack { program, at: 2 }),
        (&[Op::Const(0), Op::JumpIfTrue(3), Op::Const(0)], VerifyError::Stack { program, at: 2 }),
        (&[Op::Call(999)], VerifyError::Operand { program, at }),
        (&[Op::Fail(99)], VerifyError::Operand { program, at }),
        (&[Op::Const(0), Op::Store(32)], VerifyError::Operand { program, at: 1 }),
        (&[Op::Load(0)], VerifyError::Local { program, at }),
        (&[Op::ListBegin(0), Op::Load(0)], VerifyError::Local { program, at: 1 }),
        (&[Op::MapBegin(0), Op::Const(0), Op::ListPush(0)], VerifyError::Local { program, at: 2 }),
        (&[Op::ListBegin(0), Op::BuildEnd(0), Op::BuildEnd(0)], VerifyError::Local { program, at: 2 }),
        (&[Op::Const(0), Op::Store(0), Op::IterNext(0)], VerifyError::Local { program, at: 2 }),
        (&[Op::Const(0), Op::IterBegin(31), Op::IterNext(31)], VerifyError::Local { program, at: 2 }),
        // Only one of the two branches sets the local.
        (
            &[Op::Const(0), Op::PopJumpIfFalse(4), Op::Const(0), Op::Store(0), Op::Load(0)],
            VerifyError::Local { program, at: 4 },
        ),
        // The loop returns with a deeper stack, without its cursor, to itself or to a later instruction.
        (&[Op::Const(0), Op::JumpIfTrue(4), Op::Const(0), Op::Loop(1)], VerifyError::Jump { program, at: 3 }),
        (
            &[
                Op::Const(0),
                Op::IterBegin(0),
                Op::IterNext(0),
                Op::PopJumpIfFalse(7),
                Op::Const(0),
                Op::Store(0),
                Op::Loop(2),
                Op::Const(0),
            ],
            VerifyError::Local { program, at: 2 },
        ),
        (&[Op::Loop(0)], VerifyError::Jump { program, at }),
        (&[Op::Loop(1)], VerifyError::Jump { program, at }),
    ];
    for (code, error) in cases {
        let mut tables = sample();
        tables.program.code.clear();
        tables.program.programs.clear();
        add_program(&mut tables, code);
        assert_eq!(verify_error(&tables), error, "{code:?}");
    }
    let deep = vec![Op::Const(0); 65];
    let mut tables = sample();
    tables.program.code.clear();
    tables.program.programs.clear();
    add_program(&mut tables, &deep);
    assert_eq!(verify_error(&tables), VerifyError::Stack { program: 0, at: 64 });
}

#[test]
fn variables_lead_only_to_earlier_ones_and_not_too_deep() {
    let mut tables = sample();
    let program = add_program(&mut tables, &[Op::Var(1)]);
    tables.program.variables.push(program);
    assert_eq!(verify_error(&tables), VerifyError::Variables { index: 1 });

    let mut tables = sample();
    for previous in 0..16 {
        let program = add_program(&mut tables, &[Op::Var(previous)]);
        tables.program.variables.push(program);
    }
    assert_eq!(verify_error(&tables), VerifyError::Variables { index: 16 });
}

#[test]
fn a_load_error_says_which_artifact_and_what_to_do() {
    let mut bytes = encode(&sample()).unwrap();
    bytes[8] = 9;
    let message = load(&bytes).unwrap_err().to_string();
    assert_eq!(
        message,
        "the artifact has format version 9, this reader knows version 7: use a filter and a compiler of matching releases"
    );
    let mut tables = sample();
    tables.mesh.memory_slots = 0;
    let bytes = encode(&tables).unwrap();
    let digest = Decoded::decode(&bytes).unwrap().stamp.digest;
    let message = load(&bytes).unwrap_err().to_string();
    assert_eq!(message, format!("artifact {digest} does not verify: memory slots is out of range"));
}

#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
proptest::proptest! {
    /// With a valid header, any body either loads or is rejected.
    #[test]
    fn any_body_behind_a_valid_header_is_read_without_a_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
        let _ = load(&with_body(&body));
    }

    /// A valid artifact with some bytes of its body changed either loads or is rejected.
    #[test]
    fn a_changed_body_is_read_without_a_panic(changes in proptest::collection::vec((0_usize..4000, proptest::num::u8::ANY), 1..8)) {
        let mut body = body();
        for (at, value) in changes {
            let at = at % body.len();
            body[at] = value;
        }
        let _ = load(&with_body(&body));
    }
}
