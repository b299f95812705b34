//! Programs in assembly, and their results.

use bumpalo::Bump;

use super::op::Op;
use super::*;
use crate::headers::Headers;
use crate::index::ProgramIndex;
use crate::tables::{Attribute, Constant, FieldType, HostType, PeerPart, RequestPart, Scalar, ScalarConstant, Tables};
use crate::testing::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns the pools for all programs below.
pub(super) fn pools() -> Tables {
    let mut tables = tables();
    let scalars = [
        ScalarConstant::Bool(true),
        ScalarConstant::Bool(false),
        ScalarConstant::Int(2),
        ScalarConstant::Double(2.0),
        ScalarConstant::Uint(3),
        ScalarConstant::String("acme".into()),
        ScalarConstant::String("ac".into()),
        ScalarConstant::Null,
    ];
    tables.program.constants.extend(scalars.map(Constant::Scalar));
    tables.program.constants.push(Constant::StringSet(vec!["acme".into(), "beta".into()]));
    tables.program.constants.push(Constant::List(vec![ScalarConstant::Int(1), ScalarConstant::Double(2.0)]));
    let attributes = [
        Attribute::Field("tenant".into(), FieldType::One(Scalar::String)),
        Attribute::Field("flags".into(), FieldType::List(Scalar::String)),
        Attribute::Field("absent".into(), FieldType::One(Scalar::String)),
        Attribute::Field("custom".into(), FieldType::One(Scalar::Any)),
        Attribute::Header("x-one".into()),
        Attribute::Header("x-two".into()),
        Attribute::Header("x-odd".into()),
        Attribute::Headers,
        Attribute::Request(RequestPart::UrlPath),
        Attribute::Request(RequestPart::Query),
        Attribute::Peer(PeerPart::Service),
        Attribute::Host(vec!["source".into(), "port".into()], HostType::Int),
        Attribute::Host(vec!["connection".into(), "mtls".into()], HostType::Bool),
        Attribute::Host(vec!["filter_state".into(), "flag".into()], HostType::String),
        metadata("suspended"),
        metadata("level"),
        metadata("roles"),
        metadata("never"),
    ];
    tables.program.attributes.extend(attributes);
    tables
}

fn metadata(key: &str) -> Attribute {
    Attribute::Host(["metadata", "filter_metadata", "a", key].map(str::to_owned).to_vec(), HostType::String)
}

const TRUE: Op = Op::Const(0);
const FALSE: Op = Op::Const(1);
const TWO: Op = Op::Const(2);
const TWO_DOUBLE: Op = Op::Const(3);
const THREE_UINT: Op = Op::Const(4);
const ACME: Op = Op::Const(5);
const AC: Op = Op::Const(6);
const NULL: Op = Op::Const(7);
const SET: Op = Op::Const(8);
const LIST: Op = Op::Const(9);
const TENANT: Op = Op::Attr(0);
const FLAGS: Op = Op::Attr(1);
const ABSENT: Op = Op::Attr(2);
const CUSTOM: Op = Op::Attr(3);
const HEADERS: Op = Op::Attr(7);

/// Runs a program against the same request. Returns its value as text, an error as its name.
fn run(code: &[Op]) -> String {
    let mut tables = pools();
    let program = add_program(&mut tables, code);
    run_tables(&tables, program)
}

pub(super) fn run_tables(tables: &Tables, program: ProgramIndex) -> String {
    let artifact = verified(tables);
    let headers: Vec<(&[u8], &[u8])> =
        vec![(b":path", b"/pay/7?x=1"), (b"x-one", b"1"), (b"x-two", b"a"), (b"x-two", b"b"), (b"x-odd", b"\xff")];
    let fields = [
        ("tenant", "\"acme\""),
        ("flags", r#"["a","n\u0065w"]"#),
        ("custom", r#"{"n":2,"deep":{"l":[1,[2]]},"s":"ac\nme"}"#),
    ];
    let mut host = FakeHost::default();
    host.attributes.insert("source.port".into(), 443_i64.to_le_bytes().to_vec());
    host.attributes.insert("connection.mtls".into(), vec![7]);
    host.attributes.insert("filter_state.flag".into(), vec![1]);
    // The name space `a`, with `suspended` true, `level` 5 and `roles` a list.
    let claims =
        b"\n\x0f\n\tsuspended\x12\x02 \x01\n\x12\n\x05level\x12\t\x11\0\0\0\0\0\0\x14@\n\x0b\n\x05roles\x12\x022\0";
    let space = [&b"\n\x01a\x12"[..], &[claims.len() as u8], claims].concat();
    host.attributes.insert("metadata".into(), [&[b'\n', space.len() as u8], &space[..]].concat());
    let request = Request {
        headers: Headers::new(headers),
        context: context(&fields),
        peer: Peer { service: "a".into(), ..Peer::default() },
        mesh: MeshView { service: "b", domain: "shop", region: "us", direction: "inbound" },
        ..Request::default()
    };
    shown(Machine::new(artifact.code(), request.snapshot(&host), &Bump::new()).run(program))
}

#[test]
fn attributes_read_as_their_types() {
    let cases = [
        (TENANT, "\"acme\""),
        (FLAGS, r#"["a","n\u0065w"]"#),
        (ABSENT, "no-value"),
        (Op::HasAttr(0), "true"),
        (Op::HasAttr(2), "false"),
        (Op::Attr(4), "\"1\""),
        (Op::Attr(5), "repeated"),
        (Op::HasAttr(5), "true"),
        (Op::Attr(6), "not-text"),
        (Op::HasAttr(6), "true"),
        (Op::Attr(8), "\"/pay/7\""),
        (Op::Attr(9), "\"x=1\""),
        (Op::Attr(10), "\"a\""),
        (Op::Attr(11), "443"),
        (Op::Attr(12), "bad-attribute"),
        (Op::Attr(13), "bad-attribute"),
        (Op::Attr(14), "\"true\""),
        (Op::Attr(15), "\"5\""),
        (Op::Attr(16), "bad-attribute"),
        (Op::Attr(17), "no-value"),
        (Op::HasAttr(17), "false"),
    ];
    for (op, expected) in cases {
        assert_eq!(run(&[op]), expected, "{op:?}");
    }
}

#[test]
fn operators_follow_cel() {
    let eq = Op::Eq(0);
    let cases: [(&[Op], &str); 27] = [
        (&[TWO, TWO_DOUBLE, eq], "true"),
        (&[TWO, THREE_UINT, Op::Lt(0)], "true"),
        (&[TWO_DOUBLE, THREE_UINT, Op::Ge(0)], "false"),
        (&[TWO, ACME, eq], "false"),
        (&[TWO, ACME, Op::Lt(0)], "no-such-overload"),
        (&[NULL, NULL, eq], "true"),
        (&[NULL, TRUE, Op::Ne(0)], "true"),
        (&[TENANT, ACME, eq], "true"),
        (&[TENANT, AC, Op::StartsWith(0)], "true"),
        (&[TENANT, AC, Op::EndsWith(0)], "false"),
        (&[TENANT, AC, Op::Contains(0)], "true"),
        (&[TENANT, TWO, Op::Contains(0)], "no-such-overload"),
        (&[TENANT, Op::Size(0)], "4"),
        (&[FLAGS, Op::Size(0)], "2"),
        (&[TRUE, Op::Size(0)], "no-such-overload"),
        (&[TENANT, SET, Op::In(0)], "true"),
        (&[AC, SET, Op::In(0)], "false"),
        (&[TWO, SET, Op::In(0)], "false"),
        (&[TWO, LIST, Op::In(0)], "true"),
        (&[TENANT, TENANT, Op::In(0)], "no-such-overload"),
        (&[TRUE, Op::Not(0)], "false"),
        (&[ACME, Op::Not(0)], "no-such-overload"),
        (&[FLAGS, FALSE, Op::Index(0)], "no-such-overload"),
        (&[FLAGS, TWO, Op::Index(0)], "index-out-of-range"),
        (&[TWO, TENANT, Op::List(2)], "[2,\"acme\"]"),
        (&[TWO, ABSENT, Op::List(2)], "no-value"),
        (&[ABSENT, TWO, eq], "no-value"),
    ];
    for (code, expected) in cases {
        assert_eq!(run(code), expected, "{code:?}");
    }
}

#[test]
fn strings_are_compared_by_content_not_by_their_json_escapes() {
    let mut tables = pools();
    let new = add_string(&mut tables, "new");
    let program = add_program(&mut tables, &[Op::Const(new), FLAGS, Op::In(0)]);
    assert_eq!(run_tables(&tables, program), "true");
}

#[test]
fn members_of_json_and_headers_are_reached_by_name() {
    let mut tables = pools();
    let [n, deep, l, one, gone] = ["n", "deep", "l", "x-one", "gone"].map(|name| add_string(&mut tables, name));
    let cases: [(&[Op], &str); 10] = [
        (&[CUSTOM, Op::Member(n)], "2"),
        (&[CUSTOM, Op::Member(deep), Op::Member(l), Op::Size(0)], "2"),
        (&[CUSTOM, Op::Member(gone)], "no-such-key"),
        (&[CUSTOM, Op::HasMember(gone)], "false"),
        (&[CUSTOM, Op::HasMember(n)], "true"),
        (&[CUSTOM, Op::Const(n), Op::Index(0)], "2"),
        (&[CUSTOM, Op::Member(n), Op::Member(n)], "no-such-overload"),
        (&[HEADERS, Op::Member(one)], "\"1\""),
        (&[HEADERS, Op::HasMember(gone)], "false"),
        (&[Op::Const(one), HEADERS, Op::In(0)], "true"),
    ];
    for (code, expected) in cases {
        let program = add_program(&mut tables, code);
        assert_eq!(run_tables(&tables, program), expected, "{code:?}");
    }
}

#[test]
fn and_or_absorb_errors_from_both_sides() {
    let cases = [
        (TRUE, TRUE, "true", "true"),
        (TRUE, FALSE, "false", "true"),
        (FALSE, ABSENT, "false", "no-value"),
        (ABSENT, FALSE, "false", "no-value"),
        (ABSENT, TRUE, "no-value", "true"),
        (TRUE, ABSENT, "no-value", "true"),
        (ABSENT, ABSENT, "no-value", "no-value"),
        (TWO, TRUE, "no-such-overload", "true"),
        (TWO, FALSE, "false", "no-such-overload"),
    ];
    for (left, right, and, or) in cases {
        assert_eq!(run(&[left, Op::JumpIfFalse(4), right, Op::And(0)]), and, "{left:?} && {right:?}");
        assert_eq!(run(&[left, Op::JumpIfTrue(4), right, Op::Or(0)]), or, "{left:?} || {right:?}");
    }
}

#[test]
fn the_conditional_takes_one_side_and_passes_an_error_on() {
    let cases = [(TRUE, "2"), (FALSE, "\"acme\""), (ABSENT, "no-value"), (TWO, "no-such-overload")];
    for (condition, expected) in cases {
        let code = [condition, Op::JumpIfError(6), Op::PopJumpIfFalse(5), TWO, Op::Jump(6), ACME];
        assert_eq!(run(&code), expected, "{condition:?}");
    }
}

#[test]
fn a_variable_is_computed_once_and_reads_earlier_ones() {
    let mut tables = pools();
    let first = add_program(&mut tables, &[TENANT]);
    let second = add_program(&mut tables, &[Op::Var(0), ACME, Op::Eq(0)]);
    tables.program.variables = vec![first, second];
    let program = add_program(&mut tables, &[Op::Var(1), Op::Var(1), Op::And(0)]);
    assert_eq!(run_tables(&tables, program), "true");
}

#[test]
fn numbers_compare_across_types_as_in_cel_go() {
    let max = ScalarConstant::Int(i64::MAX);
    let cases = [
        // The integer is rounded to the nearest double.
        (max.clone(), ScalarConstant::Double(9_223_372_036_854_775_808.0), "false", "true"),
        (ScalarConstant::Double(-0.5), ScalarConstant::Int(0), "true", "false"),
        (ScalarConstant::Int(0), ScalarConstant::Double(0.5), "true", "false"),
        (ScalarConstant::Int(-1), ScalarConstant::Uint(u64::MAX), "true", "false"),
        (ScalarConstant::Double(f64::NAN), ScalarConstant::Int(1), "invalid-argument", "false"),
        (ScalarConstant::Double(f64::NEG_INFINITY), max, "true", "false"),
        (ScalarConstant::Double(3.0), ScalarConstant::Uint(3), "false", "true"),
    ];
    for (a, b, less, equal) in cases {
        let mut tables = pools();
        let (left, right) = (Constant::Scalar(a.clone()), Constant::Scalar(b.clone()));
        let (left, right) = (add_constant(&mut tables, left), add_constant(&mut tables, right));
        let lt = add_program(&mut tables, &[Op::Const(left), Op::Const(right), Op::Lt(0)]);
        let eq = add_program(&mut tables, &[Op::Const(left), Op::Const(right), Op::Eq(0)]);
        assert_eq!(run_tables(&tables, lt), less, "{a:?} < {b:?}");
        assert_eq!(run_tables(&tables, eq), equal, "{a:?} == {b:?}");
    }
}
