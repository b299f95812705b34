//! The type checker.

use context_mesh_core::artifact::tables::{Attribute, FieldType, Scalar, ScalarConstant};

use super::environment::Environment;
use super::infer::Inference;
use super::parse::{self, Expr, ExprKind, Literal, Place};
use super::problem::Problem;
use super::typed::{Element, Entry, TypedExpr, TypedKind};
use super::types::Type;
use crate::report::diagnostic::code;

/// The type that the place of an expression requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A condition: a bool. `dyn` is accepted; a value of another type is then an error at run time.
    Bool,
    /// The new value of a field of this type.
    Field(FieldType),
    /// Any value that a variable may have.
    Any,
}

/// Checks an expression: parses it, resolves every name and finds every type.
///
/// # Errors
/// Everything that is wrong with it, sorted by place.
pub fn check(environment: &Environment, text: &str, expected: Expected) -> Result<TypedExpr, Vec<Problem>> {
    check_expr(environment, text, &parse::parse(text)?, expected)
}

fn check_expr(
    environment: &Environment,
    text: &str,
    expr: &Expr,
    expected: Expected,
) -> Result<TypedExpr, Vec<Problem>> {
    let mut checker = Checker::new(environment, text);
    let mut typed = checker.expr(expr);
    let inference = &checker.inference;
    typed.visit(&mut |part| part.ty = inference.closed(&part.ty));
    checker.expect(&typed, expected);
    let mut problems = checker.problems;
    if problems.is_empty() {
        return Ok(typed);
    }
    problems.sort_by_key(|problem| (problem.start, problem.end));
    problems.dedup();
    Err(problems)
}

/// A name declared by a macro.
pub(super) struct Declared {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) local: u32,
}

/// Walks a syntax tree and collects problems. A part with a problem has [`Type::Error`], which fits anywhere.
pub(super) struct Checker<'e> {
    pub(super) environment: &'e Environment,
    pub(super) text: &'e str,
    pub(super) problems: Vec<Problem>,
    pub(super) inference: Inference,
    /// The names declared by the macros around the current place, innermost last.
    pub(super) scope: Vec<Declared>,
    pub(super) locals: u32,
}

impl<'e> Checker<'e> {
    fn new(environment: &'e Environment, text: &'e str) -> Self {
        let (problems, scope) = (Vec::new(), Vec::new());
        Self { environment, text, problems, inference: Inference::default(), scope, locals: 0 }
    }
}

impl Checker<'_> {
    /// Records a problem and returns an expression that causes no further ones.
    pub(super) fn fail(&mut self, place: Place, problem: Problem) -> TypedExpr {
        self.problems.push(problem);
        failed(place)
    }

    /// Records a problem that a static check finds. If the check is lenient, the expression fails at run time instead.
    pub(super) fn refuse(&mut self, place: Place, problem: Problem) -> TypedExpr {
        if self.environment.is_lenient() {
            return typed(TypedKind::Fail, Type::Dyn, place);
        }
        self.fail(place, problem)
    }

    /// Returns the text of a place, for messages.
    pub(super) fn source(&self, place: Place) -> String {
        self.text.chars().skip(place.0).take(place.1.saturating_sub(place.0)).collect()
    }

    /// Checks an expression. Its type is what is known so far.
    pub(super) fn expr(&mut self, expr: &Expr) -> TypedExpr {
        let mut typed = self.part(expr);
        typed.ty = if self.environment.is_lenient() { Type::Dyn } else { self.inference.resolved(&typed.ty) };
        typed
    }

    fn part(&mut self, expr: &Expr) -> TypedExpr {
        match &expr.kind {
            ExprKind::Literal(value) => literal(value, expr.place),
            ExprKind::Ident(name) => self.ident(name, expr.place),
            ExprKind::Select { operand, field, optional: false } => self.select(expr, operand, field),
            ExprKind::Select { operand, field, optional: true } => self.optional_select(expr, operand, field),
            ExprKind::Index { operand, key, optional } => self.index(expr, operand, key, *optional),
            ExprKind::Unary(operator, operand) => self.operator(expr.place, operator.declared(), [&**operand]),
            ExprKind::Binary(operator, operands) => self.binary(expr, *operator, operands),
            ExprKind::Conditional(parts) => self.operator(expr.place, "_?_:_", parts.iter()),
            ExprKind::Call { name, name_place, target, arguments } => {
                self.call(expr.place, name, *name_place, target.as_deref(), arguments)
            }
            ExprKind::List(elements) => self.list(expr.place, elements),
            ExprKind::Map(entries) => self.map(expr.place, entries),
            ExprKind::Message(name, _) => {
                let message = format!("`{name}{{...}}` is a protobuf message, which policies do not have");
                self.fail(expr.place, Problem::new(code::CEL_NOT_SUPPORTED, expr.place, message))
            }
        }
    }

    fn list(&mut self, place: Place, elements: &[(Expr, bool)]) -> TypedExpr {
        let mut all = Vec::new();
        let mut joined: Option<Type> = None;
        for (element, optional) in elements {
            let value = self.expr(element);
            let ty = if *optional { self.unwrapped(&value) } else { value.ty.clone() };
            joined = Some(match joined {
                Some(joined) => self.inference.join(&joined, &ty),
                None => ty,
            });
            all.push(Element { value, optional: *optional });
        }
        let element = joined.unwrap_or_else(|| self.inference.variable());
        typed(TypedKind::List(all), Type::list(element), place)
    }

    fn map(&mut self, place: Place, entries: &[(Expr, Expr, bool)]) -> TypedExpr {
        let mut all = Vec::new();
        let mut joined: Option<(Type, Type)> = None;
        for (key, value, optional) in entries {
            let (key, value) = (self.expr(key), self.expr(value));
            self.check_key(&key);
            let ty = if *optional { self.unwrapped(&value) } else { value.ty.clone() };
            joined = Some(match joined {
                Some((keys, values)) => (self.inference.join(&keys, &key.ty), self.inference.join(&values, &ty)),
                None => (key.ty.clone(), ty),
            });
            all.push(Entry { key, value, optional: *optional });
        }
        let (key, value) = joined.unwrap_or_else(|| (self.inference.variable(), self.inference.variable()));
        typed(TypedKind::Map(all), Type::map(key, value), place)
    }

    fn check_key(&mut self, key: &TypedExpr) {
        if !matches!(key.ty, Type::Bool | Type::Int | Type::Uint | Type::String) && !key.ty.is_open() {
            let place = (key.start, key.end);
            let message = format!("the key of a map cannot be `{}`", key.ty);
            let problem = Problem::new(code::NO_OVERLOAD, place, message);
            self.problems.push(problem.help("keys are `string`, `int`, `uint` or `bool`"));
        }
    }

    /// Returns the type of the value of an operand marked with `?`.
    fn unwrapped(&mut self, value: &TypedExpr) -> Type {
        match &value.ty {
            Type::Optional(of) => (**of).clone(),
            ty if ty.is_open() => Type::Dyn,
            ty => {
                let message = format!("`?` takes an optional, and this is `{ty}`");
                let problem = Problem::new(code::NO_OVERLOAD, (value.start, value.end), message);
                self.problems.push(problem.help("remove the `?`, or write `optional.of(...)`"));
                Type::Error
            }
        }
    }

    /// Checks the type of the whole expression against what its place requires.
    fn expect(&mut self, typed: &TypedExpr, expected: Expected) {
        let place = (typed.start, typed.end);
        match expected {
            Expected::Bool if !Type::Bool.fits(&typed.ty) => {
                let message = format!("a condition must be `bool`, and this is `{}`", typed.ty);
                let help = self.condition_help(typed);
                self.problems.push(Problem::new(code::WRONG_TYPE, place, message).maybe_help(help));
            }
            Expected::Field(field) if !assignable(field, &typed.ty) => {
                let message = format!("the field needs `{}`, and this is `{}`", Type::from(field), typed.ty);
                self.problems.push(Problem::new(code::WRONG_TYPE, place, message));
            }
            Expected::Field(_) if let Some((all, one)) = all_of(typed) => {
                let message = format!("all {all} together cannot become a field");
                let help = format!("name one: `{one}`");
                self.problems.push(Problem::new(code::WRONG_TYPE, place, message).help(help));
            }
            Expected::Bool | Expected::Field(_) | Expected::Any => {}
        }
    }

    fn condition_help(&self, typed: &TypedExpr) -> Option<String> {
        let source = self.source((typed.start, typed.end));
        match (&typed.ty, &typed.kind) {
            (_, TypedKind::Attribute(Attribute::Field(..))) => {
                Some(format!("compare it, or write `has({source})` to test whether it is there"))
            }
            (Type::String, _) => Some(format!("compare it, for example `{source} == '...'`")),
            (Type::Optional(of), _) if Type::Bool.fits(of) => Some(format!("write `{source}.orValue(false)`")),
            (Type::Optional(_), _) => Some(format!("write `{source}.hasValue()` to test whether it is there")),
            (Type::List(_), _) => Some(format!("write `size({source}) > 0` to test whether it has elements")),
            _ => None,
        }
    }
}

/// Returns an expression whose problem has already been reported.
pub(super) fn failed(place: Place) -> TypedExpr {
    typed(TypedKind::Literal(ScalarConstant::Null), Type::Error, place)
}

pub(super) fn typed(kind: TypedKind, ty: Type, (start, end): Place) -> TypedExpr {
    TypedExpr { kind, ty, start, end }
}

fn literal(value: &Literal, place: Place) -> TypedExpr {
    let (constant, ty) = match value {
        Literal::Null => (ScalarConstant::Null, Type::Null),
        Literal::Bool(value) => (ScalarConstant::Bool(*value), Type::Bool),
        Literal::Int(value) => (ScalarConstant::Int(*value), Type::Int),
        Literal::Uint(value) => (ScalarConstant::Uint(*value), Type::Uint),
        Literal::Double(value) => (ScalarConstant::Double(*value), Type::Double),
        Literal::String(value) => (ScalarConstant::String(value.clone()), Type::String),
        Literal::Bytes(value) => (ScalarConstant::Bytes(value.clone()), Type::Bytes),
    };
    typed(TypedKind::Literal(constant), ty, place)
}

/// Returns what a map of the request holds, and how one of it is written.
fn all_of(typed: &TypedExpr) -> Option<(&'static str, &'static str)> {
    match typed.kind {
        TypedKind::Attribute(Attribute::Headers) => Some(("headers", "request.headers['x-name']")),
        TypedKind::Attribute(Attribute::QueryParameters) => Some(("query parameters", "request.query_params['name']")),
        TypedKind::Attribute(Attribute::Cookies) => Some(("cookies", "request.cookies['name']")),
        _ => None,
    }
}

/// Whether a value of this type can be written into a field. JSON has one kind of numbers, so an `int` may become a
/// double. It has no bytes and no times.
fn assignable(field: FieldType, ty: &Type) -> bool {
    match (field, ty) {
        (_, ty) if ty.is_open() => true,
        (FieldType::One(scalar), ty) => scalar_assignable(scalar, ty),
        (FieldType::List(scalar), Type::List(element)) => scalar_assignable(scalar, element),
        (FieldType::Map(scalar), Type::Map(key, value)) => Type::String.fits(key) && scalar_assignable(scalar, value),
        (FieldType::List(_) | FieldType::Map(_), _) => false,
    }
}

fn scalar_assignable(scalar: Scalar, ty: &Type) -> bool {
    match scalar {
        Scalar::Any => is_json(ty),
        Scalar::Double => ty.is_open() || ty.is_number(),
        Scalar::String | Scalar::Int | Scalar::Bool => Type::from(scalar).fits(ty),
    }
}

fn is_json(ty: &Type) -> bool {
    match ty {
        Type::Bytes | Type::Timestamp | Type::Duration | Type::Type | Type::Optional(_) | Type::Ip | Type::Cidr => {
            false
        }
        Type::List(element) => is_json(element),
        Type::Map(key, value) => Type::String.fits(key) && is_json(value),
        _ => true,
    }
}
