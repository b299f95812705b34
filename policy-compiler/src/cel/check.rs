//! The type checker.

use context_mesh_core::artifact::tables::{Attribute, FieldType, Scalar, ScalarConstant};

use super::environment::Environment;
use super::parse;
use super::problem::{Problem, code};
use super::syntax::{Expr, ExprKind, Literal, Place};
use super::typed::{TypedExpr, TypedKind};
use super::types::Type;

/// What the place of an expression needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// A condition: a bool. `dyn` is accepted; a value of another type is then an error when it runs.
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
    let expr = parse::parse(text)?;
    let mut checker = Checker { environment, text, problems: Vec::new() };
    let typed = checker.expr(&expr);
    checker.expect(&typed, expected);
    let mut problems = checker.problems;
    if problems.is_empty() {
        return Ok(typed);
    }
    problems.sort_by_key(|problem| (problem.start, problem.end));
    problems.dedup();
    Err(problems)
}

/// Walks a syntax tree and collects problems. A part with a problem has [`Type::Error`], which fits anywhere.
pub(super) struct Checker<'e> {
    pub(super) environment: &'e Environment,
    pub(super) text: &'e str,
    pub(super) problems: Vec<Problem>,
}

impl Checker<'_> {
    /// Notes a problem and gives an expression that causes no further ones.
    pub(super) fn fail(&mut self, place: Place, problem: Problem) -> TypedExpr {
        self.problems.push(problem);
        failed(place)
    }

    /// The text of a place, for messages.
    pub(super) fn source(&self, place: Place) -> String {
        self.text.chars().skip(place.0).take(place.1.saturating_sub(place.0)).collect()
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> TypedExpr {
        match &expr.kind {
            ExprKind::Literal(value) => literal(value, expr.place),
            ExprKind::Ident(name) => self.ident(name, expr.place),
            ExprKind::Select { operand, field, field_place } => self.select(expr, operand, field, *field_place),
            ExprKind::Operator { name, name_place, arguments } => self.operator(expr, name, *name_place, arguments),
            ExprKind::Call { name, name_place, target, arguments } => {
                self.call(expr.place, name, *name_place, target.as_deref(), arguments)
            }
            ExprKind::List { optional: true, .. } => self.not_supported(expr.place, "[?...]"),
            ExprKind::List { elements, .. } => self.list(expr.place, elements),
            ExprKind::Map(entries) => {
                for (key, value) in entries {
                    self.expr(key);
                    self.expr(value);
                }
                self.not_supported(expr.place, "{...}")
            }
            ExprKind::Message(name) => self.not_supported(expr.place, &format!("{name}{{...}}")),
        }
    }

    pub(super) fn not_supported(&mut self, place: Place, what: &str) -> TypedExpr {
        let message = format!("`{what}` is not supported yet");
        self.fail(place, Problem::new(code::NOT_SUPPORTED, place, message))
    }

    fn list(&mut self, place: Place, elements: &[Expr]) -> TypedExpr {
        let elements: Vec<TypedExpr> = elements.iter().map(|element| self.expr(element)).collect();
        let joined = elements.iter().map(|element| element.ty.clone()).reduce(|a, b| a.join(&b));
        let ty = Type::list(joined.unwrap_or(Type::Dyn));
        typed(TypedKind::List(elements), ty, place)
    }

    /// Checks the type of the whole expression against what its place needs.
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
            Expected::Field(_) if typed.kind == TypedKind::Attribute(Attribute::Headers) => {
                let message = "all headers together cannot become a field";
                self.problems
                    .push(Problem::new(code::WRONG_TYPE, place, message).help("name one: `request.headers['x-name']`"));
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
            (Type::List(_), _) => Some(format!("write `size({source}) > 0` to test whether it has elements")),
            _ => None,
        }
    }
}

/// An expression that is already reported.
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

/// Whether a value of this type can be written into a field. JSON has one kind of numbers, so an `int` may
/// become a double; it has no bytes and no times.
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
        Type::Bytes | Type::Timestamp | Type::Duration | Type::Type | Type::Optional(_) => false,
        Type::List(element) => is_json(element),
        Type::Map(key, value) => Type::String.fits(key) && is_json(value),
        _ => true,
    }
}
