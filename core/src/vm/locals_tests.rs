//! Programs with loops, builders and optionals, and their results.

use super::function::Function;
use super::op::Op;
use super::tests::{pools, run_tables};
use crate::tables::{Attribute, Constant, FieldType, Scalar, ScalarConstant, Tables};
use crate::testing::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A program under construction, with its constants.
struct Program {
    tables: Tables,
}

impl Program {
    fn new() -> Self {
        Self { tables: pools() }
    }

    fn int(&mut self, value: i64) -> Op {
        Op::Const(add_constant(&mut self.tables, Constant::Scalar(ScalarConstant::Int(value))))
    }

    fn text(&mut self, value: &str) -> Op {
        Op::Const(add_string(&mut self.tables, value))
    }

    fn list(&mut self, values: &[i64]) -> Op {
        let values = values.iter().map(|value| ScalarConstant::Int(*value)).collect();
        Op::Const(add_constant(&mut self.tables, Constant::List(values)))
    }

    fn field(&mut self, name: &str) -> Op {
        Op::Attr(add_attribute(&mut self.tables, Attribute::Field(name.into(), FieldType::One(Scalar::Any))))
    }

    fn run(mut self, code: &[Op]) -> String {
        let program = add_program(&mut self.tables, code);
        run_tables(&self.tables, program)
    }
}

fn call(name: &str, arity: u32) -> Op {
    Op::Call(Function::from_name(name, arity).unwrap().number())
}

#[test]
fn arithmetic_is_exact_or_an_error() {
    let mut p = Program::new();
    let (max, one, zero, min) = (p.int(i64::MAX), p.int(1), p.int(0), p.int(i64::MIN));
    let tables = p.tables;
    let cases: [(&[Op], &str); 10] = [
        (&[one, one, Op::Add(0)], "2"),
        (&[max, one, Op::Add(0)], "overflow"),
        (&[min, one, Op::Sub(0)], "overflow"),
        (&[max, max, Op::Mul(0)], "overflow"),
        (&[one, zero, Op::Div(0)], "division-by-zero"),
        (&[one, zero, Op::Mod(0)], "division-by-zero"),
        (&[min, Op::Neg(0)], "overflow"),
        (&[one, Op::Const(3), Op::Add(0)], "no-such-overload"),
        (&[Op::Const(5), Op::Const(6), Op::Add(0)], "\"acmeac\""),
        (&[Op::Const(9), Op::Const(8), Op::Add(0)], "[1,2.0,\"acme\",\"beta\"]"),
    ];
    for (code, expected) in cases {
        let mut tables = tables.clone();
        let program = add_program(&mut tables, code);
        assert_eq!(run_tables(&tables, program), expected, "{code:?}");
    }
}

/// `LIST.map(x, x + 1)`: list in local 0, cursor in 1, element in 2.
fn map_code(list: Op, one: Op) -> [Op; 12] {
    [
        list,
        Op::JumpIfNotIterable(12),
        Op::ListBegin(0),
        Op::IterBegin(1),
        Op::IterNext(1),
        Op::PopJumpIfFalse(11),
        Op::Load(2),
        one,
        Op::Add(0),
        Op::ListPush(0),
        Op::Loop(4),
        Op::BuildEnd(0),
    ]
}

#[test]
fn a_loop_visits_each_element_in_order() {
    let mut p = Program::new();
    let (list, one) = (p.list(&[3, 1, 2]), p.int(1));
    assert_eq!(p.run(&map_code(list, one)), "[4,2,3]");
    let mut p = Program::new();
    let (list, one) = (p.list(&[]), p.int(1));
    assert_eq!(p.run(&map_code(list, one)), "[]");
}

#[test]
fn a_loop_over_something_else_is_an_error() {
    let mut p = Program::new();
    let one = p.int(1);
    assert_eq!(p.run(&map_code(one, one)), "no-such-overload");
    let mut p = Program::new();
    let (absent, one) = (p.field("absent-field"), p.int(1));
    assert_eq!(p.run(&map_code(absent, one)), "no-value");
}

#[test]
fn the_first_error_put_into_a_list_is_its_value() {
    let mut p = Program::new();
    let (list, text) = (p.list(&[1, 2]), p.text("a"));
    assert_eq!(p.run(&map_code(list, text)), "no-such-overload");
}

#[test]
fn json_maps_give_their_keys_or_their_entries() {
    let mut p = Program::new();
    let custom = p.field("custom");
    let keys = [
        Op::ListBegin(0),
        custom,
        Op::IterBegin(1),
        Op::IterNext(1),
        Op::PopJumpIfFalse(8),
        Op::Load(2),
        Op::ListPush(0),
        Op::Loop(3),
        Op::BuildEnd(0),
    ];
    assert_eq!(p.run(&keys), r#"["n","deep","s"]"#);

    let mut p = Program::new();
    let custom = p.field("custom");
    let copy = [
        Op::MapBegin(0),
        custom,
        Op::IterBegin(1),
        Op::IterNext2(1),
        Op::PopJumpIfFalse(9),
        Op::Load(2),
        Op::Load(3),
        Op::MapPut(0),
        Op::Loop(3),
        Op::BuildEnd(0),
    ];
    assert_eq!(p.run(&copy), r#"{"deep":{"l":[1,[2]]},"n":2,"s":"ac\nme"}"#);
}

#[test]
fn headers_are_a_map_of_distinct_names() {
    let mut p = Program::new();
    let headers = Op::Attr(add_attribute(&mut p.tables, Attribute::Headers));
    let code = [
        Op::ListBegin(0),
        headers,
        Op::IterBegin(1),
        Op::IterNext2(1),
        Op::PopJumpIfFalse(8),
        Op::Load(2),
        Op::ListPush(0),
        Op::Loop(3),
        Op::BuildEnd(0),
    ];
    assert_eq!(p.run(&code), r#"[":path","x-one","x-two","x-odd"]"#);
}

#[test]
fn lists_have_indices_in_the_form_with_two_variables() {
    let mut p = Program::new();
    let list = p.list(&[7, 8]);
    let code = [
        Op::MapBegin(0),
        list,
        Op::IterBegin(1),
        Op::IterNext2(1),
        Op::PopJumpIfFalse(9),
        Op::Load(2),
        Op::Load(3),
        Op::MapPut(0),
        Op::Loop(3),
        Op::BuildEnd(0),
    ];
    assert_eq!(p.run(&code), r#"{"0":7,"1":8}"#);
}

#[test]
fn maps_refuse_repeated_and_unsuitable_keys() {
    let map = |first: Constant, second: Constant| {
        let mut p = Program::new();
        let keys = [first, second].map(|key| Op::Const(add_constant(&mut p.tables, key)));
        let one = p.int(1);
        p.run(&[Op::MapBegin(0), keys[0], one, Op::MapPut(0), keys[1], one, Op::MapPut(0), Op::BuildEnd(0)])
    };
    let scalar = |scalar| Constant::Scalar(scalar);
    let (one, text) = (scalar(ScalarConstant::Int(1)), scalar(ScalarConstant::String("a".into())));
    assert_eq!(map(text.clone(), one.clone()), r#"{"1":1,"a":1}"#);
    assert_eq!(map(text.clone(), text.clone()), "duplicate-key");
    assert_eq!(map(one.clone(), scalar(ScalarConstant::Uint(1))), "duplicate-key");
    assert_eq!(map(one.clone(), scalar(ScalarConstant::Double(2.0))), "unsupported-key");
    assert_eq!(map(scalar(ScalarConstant::Null), one), "unsupported-key");
}

#[test]
fn many_entries_are_found_again() {
    let mut p = Program::new();
    let keys: Vec<i64> = (0..100).map(|i| (i * 37) % 100).collect();
    let (list, key) = (p.list(&keys), p.int(63));
    let double = Op::Const(add_constant(&mut p.tables, Constant::Scalar(ScalarConstant::Double(63.0))));
    let code = [
        Op::MapBegin(0),
        list,
        Op::IterBegin(1),
        Op::IterNext2(1),
        Op::PopJumpIfFalse(9),
        Op::Load(3),
        Op::Load(2),
        Op::MapPut(0),
        Op::Loop(3),
        Op::BuildEnd(0),
        Op::Store(0),
        Op::Load(0),
        key,
        Op::Index(0),
        Op::Load(0),
        double,
        Op::Index(0),
        Op::List(2),
    ];
    let at = keys.iter().position(|key| *key == 63).unwrap();
    assert_eq!(p.run(&code), format!("[{at},{at}]"));
}

#[test]
fn constant_maps_are_looked_into() {
    let mut p = Program::new();
    let entry = |key, value| (key, ScalarConstant::Int(value));
    let entries = vec![
        entry(ScalarConstant::Bool(true), 1),
        entry(ScalarConstant::Int(-1), 2),
        entry(ScalarConstant::Uint(7), 3),
        entry(ScalarConstant::String("k".into()), 4),
    ];
    let map = Op::Const(add_constant(&mut p.tables, Constant::Map(entries)));
    let (seven, k, gone) = (p.int(7), p.text("k"), p.int(8));
    let name = |op: Op| op.operand();
    let tables = p.tables;
    let cases: [(&[Op], &str); 8] = [
        (&[map, Op::Const(0), Op::Index(0)], "1"),
        (&[map, seven, Op::Index(0)], "3"),
        (&[map, k, Op::Index(0)], "4"),
        (&[map, Op::Member(name(k))], "4"),
        (&[map, gone, Op::Index(0)], "no-such-key"),
        (&[gone, map, Op::In(0)], "false"),
        (&[map, Op::Size(0)], "4"),
        (&[map, map, Op::Eq(0)], "true"),
    ];
    for (code, expected) in cases {
        let mut tables = tables.clone();
        let program = add_program(&mut tables, code);
        assert_eq!(run_tables(&tables, program), expected, "{code:?}");
    }
}

#[test]
fn an_abandoned_inner_list_leaves_nothing_behind() {
    let mut p = Program::new();
    let (one, two) = (p.int(1), p.int(2));
    let code = [
        Op::ListBegin(0),
        one,
        Op::ListPush(0),
        Op::ListBegin(1),
        one,
        Op::ListPush(1),
        two,
        Op::ListPush(0),
        Op::BuildEnd(0),
    ];
    assert_eq!(p.run(&code), "[1,2]");
}

#[test]
fn optionals_spread_along_their_chain() {
    let mut p = Program::new();
    let custom = p.field("custom");
    let [deep, gone, l] = ["deep", "gone", "l"].map(|name| p.text(name).operand());
    let (zero, nine) = (p.int(0), p.int(9));
    let absent =
        Op::OptAttr(add_attribute(&mut p.tables, Attribute::Field("gone".into(), FieldType::One(Scalar::Any))));
    let value = call("value", 1);
    let has = call("hasValue", 1);
    let tables = p.tables;
    let cases: [(&[Op], &str); 12] = [
        (&[custom, Op::OptMember(deep), value], r#"{"l":[1,[2]]}"#),
        (&[custom, Op::OptMember(gone), has], "false"),
        (&[custom, Op::OptMember(gone), value], "empty-optional"),
        (&[custom, Op::OptMember(deep), Op::Member(l), zero, Op::Index(0), value], "1"),
        (&[custom, Op::OptMember(gone), Op::Member(l), zero, Op::Index(0), has], "false"),
        (&[custom, Op::OptMember(deep), Op::Member(gone), has], "false"),
        (&[custom, Op::OptMember(deep), Op::HasMember(l)], "true"),
        (&[custom, Op::OptMember(gone), Op::HasMember(l)], "false"),
        (&[custom, Op::Member(deep), Op::Member(l), nine, Op::OptIndex(0), has], "false"),
        (&[nine, Op::OptMember(l)], "no-such-overload"),
        (&[absent, has], "false"),
        (&[absent, absent, Op::Eq(0)], "true"),
    ];
    for (code, expected) in cases {
        let mut tables = tables.clone();
        let program = add_program(&mut tables, code);
        assert_eq!(run_tables(&tables, program), expected, "{code:?}");
    }
}

#[test]
fn an_alternative_is_computed_only_for_an_empty_optional() {
    let or_value = |optional: &[Op], otherwise: Op| {
        let mut code = optional.to_vec();
        let some = optional.len() as u32 + 4;
        code.extend([Op::JumpIfPresent(some), Op::Pop(0), otherwise, Op::Jump(some + 1), call("value", 1)]);
        Program::new().run(&code)
    };
    let none = [call("optional.none", 0)];
    let two = [Op::Const(2), call("optional.of", 1)];
    assert_eq!(or_value(&none, Op::Const(5)), "\"acme\"");
    assert_eq!(or_value(&two, Op::Fail(8)), "2");
    assert_eq!(or_value(&none, Op::Fail(8)), "overflow");
    assert_eq!(or_value(&[Op::Fail(9)], Op::Const(5)), "division-by-zero");
    assert_eq!(or_value(&[Op::Const(2)], Op::Const(5)), "no-such-overload");
}

#[test]
fn optional_elements_are_put_or_left_out() {
    let mut p = Program::new();
    let key = p.text("k");
    let (of, none) = (call("optional.of", 1), call("optional.none", 0));
    let code = [
        Op::ListBegin(0),
        Op::Const(2),
        of,
        Op::ListPushOptional(0),
        none,
        Op::ListPushOptional(0),
        Op::MapBegin(1),
        key,
        none,
        Op::MapPutOptional(1),
        Op::BuildEnd(1),
        Op::ListPush(0),
        Op::BuildEnd(0),
    ];
    assert_eq!(p.run(&code), "[2,{}]");
    let code = [Op::ListBegin(0), Op::Const(2), Op::ListPushOptional(0), Op::BuildEnd(0)];
    assert_eq!(Program::new().run(&code), "no-such-overload");
}

#[test]
fn maps_are_put_into_maps() {
    let mut p = Program::new();
    let custom = p.field("custom");
    let (key, n) = (p.text("k"), p.text("n"));
    let code = |own| {
        [Op::MapBegin(0), own, Op::Const(2), Op::MapPut(0), custom, Op::MapPutAll(0), Op::BuildEnd(0), Op::Size(0)]
    };
    let tables = p.tables.clone();
    assert_eq!(p.run(&code(key)), "4");
    assert_eq!(Program { tables }.run(&code(n)), "duplicate-key");
}

#[test]
fn a_program_without_an_end_runs_out_of_fuel() {
    let code = [Op::Const(0), Op::PopJumpIfFalse(3), Op::Loop(0), Op::Const(0)];
    assert_eq!(Program::new().run(&code), "out-of-fuel");
}

#[test]
fn a_text_that_doubles_runs_out_of_memory() {
    let code = [
        Op::Const(5),
        Op::Store(0),
        Op::Const(0),
        Op::PopJumpIfFalse(9),
        Op::Load(0),
        Op::Load(0),
        Op::Add(0),
        Op::Store(0),
        Op::Loop(2),
        Op::Load(0),
    ];
    // The loop itself never ends: the text becomes an error, and the exhausted fuel ends it.
    assert_eq!(Program::new().run(&code), "out-of-fuel");
    let mut unrolled = vec![Op::Const(5), Op::Store(0)];
    for _ in 0..24 {
        unrolled.extend([Op::Load(0), Op::Load(0), Op::Add(0), Op::Store(0)]);
    }
    unrolled.push(Op::Load(0));
    assert_eq!(Program::new().run(&unrolled), "out-of-memory");
}
