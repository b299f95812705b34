//! Generates typed expressions from bytes, as the parser's tree before macros are expanded.

use cel::IdedExpr;
use cel::common::ast::{LiteralValue, operators as op};

use super::inputs::{self, Ty};
use super::tree::{bool, call, ident, int, list, literal, map, method, select, string};
use context_mesh_core::testing::programs::Numbers;

/// The depth of an expression.
const LEVELS: u32 = 5;

/// Names that macros declare.
const NAMES: &[&str] = &["x", "y", "z"];

const STRINGS: &[&str] = &[
    "",
    "a",
    "ab",
    "b",
    "acme",
    "é",
    "\u{10ffff}z",
    "12",
    "-5",
    " 1",
    "0x10",
    "1e3",
    "2.5",
    "true",
    "FALSE",
    "NaN",
    "inf",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "+7",
    "x.y",
    "a\nb",
    "\0",
    "1_0",
    "Infinity",
    "t",
    "-0.0",
    ".5",
    "1.",
];

const PATTERNS: &[&str] = &["a", "^a", "b$", "[a-c]+", "^.$", "a|é"];

const DOUBLES: &[f64] = &[
    0.0,
    -0.0,
    0.5,
    1.0,
    -1.5,
    2.0,
    1e300,
    -1e300,
    1e-7,
    5e-324,
    9_007_199_254_740_993.0,
    9_223_372_036_854_775_807.0,
    -9_223_372_036_854_775_808.0,
    18_446_744_073_709_551_615.0,
    123_456_789.125,
    1e21,
    f64::MAX,
];

/// Keys of maps.
const FIELDS: &[&str] = &["a", "b", "acme", "rps"];

pub(super) struct Generator<'n, 'b> {
    numbers: &'n mut Numbers<'b>,
    scope: Vec<(&'static str, &'static Ty)>,
}

impl<'n, 'b> Generator<'n, 'b> {
    pub(super) fn new(numbers: &'n mut Numbers<'b>) -> Self {
        Self { numbers, scope: Vec::new() }
    }

    /// Generates a whole expression.
    pub(super) fn whole(&mut self) -> IdedExpr {
        let ty = self.any_type();
        self.expr(ty, LEVELS)
    }

    fn any_type(&mut self) -> &'static Ty {
        &inputs::TYPES[self.numbers.below(inputs::TYPES.len() as u32) as usize]
    }

    /// Returns one of the types for which `fits` is true, or bool if there is none.
    fn type_that(&mut self, fits: impl Fn(&Ty) -> bool) -> &'static Ty {
        let all: Vec<&'static Ty> = inputs::TYPES.iter().filter(|ty| fits(ty)).collect();
        if all.is_empty() { &Ty::Bool } else { self.numbers.one_of(&all) }
    }

    fn pick(&mut self, names: &[&'static str]) -> &'static str {
        self.numbers.one_of(names)
    }

    fn expr(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        if levels == 0 || self.numbers.is_empty() {
            return self.leaf(ty);
        }
        let levels = levels - 1;
        match self.numbers.below(20) {
            1 | 2 => self.leaf(ty),
            3 => {
                let parts = vec![self.expr(&Ty::Bool, levels), self.expr(ty, levels), self.expr(ty, levels)];
                call(op::CONDITIONAL, parts)
            }
            4 => self.element(ty, levels),
            5 => self.member(ty, levels),
            6 => {
                // A value of another type.
                let ty = self.any_type();
                call("dyn", vec![self.expr(ty, levels)])
            }
            7 => select(ident("context"), "any"),
            _ => self.own(ty, levels),
        }
    }

    /// Generates an element of a list or map of that type.
    fn element(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        let of = self.type_that(|of| of.element() == Some(ty));
        if of.element() != Some(ty) {
            return self.leaf(ty);
        }
        let key = match of {
            Ty::Map(key, _) => key,
            _ => &Ty::Int,
        };
        call(op::INDEX, vec![self.expr(of, levels), self.expr(key, levels)])
    }

    /// Generates a member of a map of that type, by name.
    fn member(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        let of = self.type_that(|of| matches!(of, Ty::Map(Ty::String, value) if *value == ty));
        if of.element() != Some(ty) {
            return self.leaf(ty);
        }
        let operand = self.expr(of, levels);
        select(operand, self.pick(FIELDS))
    }

    fn leaf(&mut self, ty: &'static Ty) -> IdedExpr {
        let declared: Vec<&'static str> =
            self.scope.iter().filter(|(_, known)| *known == ty).map(|(name, _)| *name).collect();
        if !declared.is_empty() && self.numbers.below(2) == 0 {
            return ident(self.numbers.one_of(&declared));
        }
        let fields: Vec<&'static str> =
            inputs::FIELDS.iter().filter(|field| field.ty == Some(ty)).map(|field| field.name).collect();
        if !fields.is_empty() && self.numbers.below(3) == 1 {
            return select(ident("context"), self.numbers.one_of(&fields));
        }
        self.literal(ty)
    }

    fn literal(&mut self, ty: &'static Ty) -> IdedExpr {
        match ty {
            Ty::Null => literal(LiteralValue::Null),
            Ty::Bool => bool(self.numbers.below(2) == 1),
            Ty::Int => int(self.integer()),
            Ty::Uint => literal(LiteralValue::UInt(self.unsigned().into())),
            Ty::Double => literal(LiteralValue::Double(self.numbers.one_of(DOUBLES).into())),
            Ty::String => string(self.pick(STRINGS)),
            Ty::Bytes => {
                let bytes: &[u8] = self.numbers.one_of(&[&b""[..], b"a", b"ab", b"\xff", b"\xc3\xa9"]);
                literal(LiteralValue::Bytes(bytes.to_vec().into()))
            }
            Ty::List(of) => {
                let count = self.numbers.below(4);
                list((0..count).map(|_| self.literal(of)).collect())
            }
            Ty::Map(key, value) => {
                let count = self.numbers.below(4);
                map((0..count).map(|_| (self.key(key), self.literal(value))).collect())
            }
        }
    }

    fn key(&mut self, ty: &'static Ty) -> IdedExpr {
        if *ty == Ty::String { string(self.pick(FIELDS)) } else { self.literal(ty) }
    }

    fn integer(&mut self) -> i64 {
        const EXTREMES: &[i64] = &[i64::MIN, i64::MIN + 1, i64::MAX, i64::MAX - 1, 1 << 53, (1 << 53) + 1, 1 << 32, 63];
        match self.numbers.below(4) {
            1 => self.numbers.one_of(EXTREMES),
            2 => i64::from(self.numbers.below(65_536)) - 32_768,
            _ => i64::from(self.numbers.below(7)) - 3,
        }
    }

    fn unsigned(&mut self) -> u64 {
        const EXTREMES: &[u64] = &[u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, (1 << 53) + 1];
        if self.numbers.below(4) == 1 { self.numbers.one_of(EXTREMES) } else { u64::from(self.numbers.below(5)) }
    }

    /// Generates an operator, function or macro with a result of that type.
    fn own(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        match ty {
            Ty::Null => literal(LiteralValue::Null),
            Ty::Bool => self.truth(levels),
            Ty::Int => self.number(ty, levels),
            Ty::Uint => self.number(ty, levels),
            Ty::Double => self.number(ty, levels),
            Ty::String => match self.numbers.below(3) {
                0 => self.sum(ty, levels),
                _ => {
                    let of = self.type_that(|of| of.is_scalar() && *of != Ty::Null);
                    call("string", vec![self.expr(of, levels)])
                }
            },
            Ty::Bytes => match self.numbers.below(3) {
                0 => self.sum(ty, levels),
                1 => self.literal(ty),
                _ => call("bytes", vec![self.expr(&Ty::String, levels)]),
            },
            Ty::List(of) => match self.numbers.below(6) {
                0 => self.sum(ty, levels),
                1 | 2 => self.looping("map", of, levels),
                3 => self.filter(ty, of, levels),
                _ => {
                    let count = self.numbers.below(4);
                    list((0..count).map(|_| self.expr(of, levels)).collect())
                }
            },
            Ty::Map(key, value) => {
                let count = self.numbers.below(4);
                map((0..count).map(|_| (self.map_key(key, levels), self.expr(value, levels))).collect())
            }
        }
    }

    fn map_key(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        if self.numbers.below(3) == 1 { self.expr(ty, levels) } else { self.key(ty) }
    }

    fn sum(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        call(op::ADD, vec![self.expr(ty, levels), self.expr(ty, levels)])
    }

    fn number(&mut self, ty: &'static Ty, levels: u32) -> IdedExpr {
        let name = match ty {
            Ty::Int => "int",
            Ty::Uint => "uint",
            _ => "double",
        };
        match self.numbers.below(10) {
            0 => call(op::NEGATE, vec![self.expr(if *ty == Ty::Uint { &Ty::Int } else { ty }, levels)]),
            1 | 2 if *ty == Ty::Int => {
                let of = self.type_that(|of| matches!(of, Ty::String | Ty::Bytes) || of.element().is_some());
                let of = self.expr(of, levels);
                if self.numbers.below(2) == 0 { call("size", vec![of]) } else { method(of, "size", vec![]) }
            }
            3 | 4 => {
                let of = self.type_that(|of| of.is_number() || *of == Ty::String);
                call(name, vec![self.expr(of, levels)])
            }
            _ => {
                let all = [op::ADD, op::SUBSTRACT, op::MULTIPLY, op::DIVIDE, op::MODULO];
                let operator = self.pick(if *ty == Ty::Double { &all[..4] } else { &all });
                call(operator, vec![self.expr(ty, levels), self.expr(ty, levels)])
            }
        }
    }

    fn truth(&mut self, levels: u32) -> IdedExpr {
        match self.numbers.below(16) {
            0 | 1 => call(op::LOGICAL_AND, vec![self.expr(&Ty::Bool, levels), self.expr(&Ty::Bool, levels)]),
            2 | 3 => call(op::LOGICAL_OR, vec![self.expr(&Ty::Bool, levels), self.expr(&Ty::Bool, levels)]),
            4 => call(op::LOGICAL_NOT, vec![self.expr(&Ty::Bool, levels)]),
            5 | 6 => {
                let ty = self.any_type();
                let operator = self.pick(&[op::EQUALS, op::NOT_EQUALS]);
                call(operator, vec![self.expr(ty, levels), self.expr(ty, levels)])
            }
            7 => {
                let (one, other) = (self.any_type(), self.any_type());
                let (one, other) = (self.expr(one, levels), self.expr(other, levels));
                call(op::EQUALS, vec![call("dyn", vec![one]), call("dyn", vec![other])])
            }
            8 | 9 => self.order(levels),
            10 => {
                let of = self.type_that(|of| matches!(of, Ty::List(_)));
                let element = of.element().unwrap_or(&Ty::Bool);
                call(op::IN, vec![self.expr(element, levels), self.expr(of, levels)])
            }
            11 => {
                let of = self.type_that(|of| matches!(of, Ty::Map(..)));
                let Ty::Map(key, _) = of else { return self.leaf(&Ty::Bool) };
                call(op::IN, vec![self.expr(key, levels), self.expr(of, levels)])
            }
            12 => self.text(levels),
            13 => self.has(levels),
            _ => {
                let name = self.pick(&["all", "exists", "exists_one"]);
                self.looping(name, &Ty::Bool, levels)
            }
        }
    }

    fn order(&mut self, levels: u32) -> IdedExpr {
        let operator = self.pick(&[op::LESS, op::LESS_EQUALS, op::GREATER, op::GREATER_EQUALS]);
        let one = self.type_that(|ty| ty.is_scalar() && *ty != Ty::Null);
        let other = if one.is_number() { self.type_that(Ty::is_number) } else { one };
        call(operator, vec![self.expr(one, levels), self.expr(other, levels)])
    }

    fn text(&mut self, levels: u32) -> IdedExpr {
        let target = self.expr(&Ty::String, levels);
        match self.numbers.below(16) {
            15 => {
                let pattern = self.pick(PATTERNS);
                method(target, "matches", vec![string(pattern)])
            }
            number => {
                let name = ["startsWith", "endsWith", "contains"][number as usize % 3];
                method(target, name, vec![self.expr(&Ty::String, levels)])
            }
        }
    }

    fn has(&mut self, levels: u32) -> IdedExpr {
        let of = if self.numbers.below(2) == 0 {
            let field = inputs::FIELDS[self.numbers.below(inputs::FIELDS.len() as u32) as usize].name;
            select(ident("context"), field)
        } else {
            let map = self.type_that(|of| matches!(of, Ty::Map(Ty::String, _)));
            let operand = self.expr(map, levels);
            select(operand, self.pick(FIELDS))
        };
        call("has", vec![of])
    }

    /// Generates a macro over a list or map whose last argument is of type `body`.
    fn looping(&mut self, name: &'static str, body: &'static Ty, levels: u32) -> IdedExpr {
        let of = self.type_that(|of| of.element().is_some());
        let declared = match of {
            Ty::Map(key, _) => key,
            _ => of.element().unwrap_or(&Ty::Bool),
        };
        let range = self.expr(of, levels);
        let variable = NAMES[self.scope.len() % NAMES.len()];
        self.scope.push((variable, declared));
        let mut args = vec![ident(variable)];
        if name == "map" && self.numbers.below(3) == 1 {
            args.push(self.expr(&Ty::Bool, levels));
        }
        args.push(self.expr(body, levels));
        self.scope.pop();
        method(range, name, args)
    }

    fn filter(&mut self, ty: &'static Ty, of: &'static Ty, levels: u32) -> IdedExpr {
        let range = self.expr(ty, levels);
        let variable = NAMES[self.scope.len() % NAMES.len()];
        self.scope.push((variable, of));
        let condition = self.expr(&Ty::Bool, levels);
        self.scope.pop();
        method(range, "filter", vec![ident(variable), condition])
    }
}
