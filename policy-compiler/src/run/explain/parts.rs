//! Splits a condition into its parts.

use context_mesh_core::index::{ProgramIndex, VariableIndex};
use std::collections::HashMap;

use crate::{
    expression::{
        cel::{Function, TypedExpr, TypedKind},
        codegen::Builder,
        codegen::lower,
    },
    read::document::Expression,
    report::source::Span,
};
use context_mesh_core::artifact::tables::Attribute;

/// A part of a condition.
#[derive(Debug, Clone)]
pub struct Part {
    /// The source text, on one line.
    pub text: String,
    /// Its place.
    pub span: Span,
    /// How it combines its parts.
    pub kind: Kind,
    /// Its program in the artifact of parts. `None` if it alone exceeds a limit, which a part of a compiled rule does
    /// not.
    pub program: Option<ProgramIndex>,
    /// Its own parts.
    pub parts: Vec<Part>,
    /// What it reads, if it has no parts.
    pub reads: Vec<Read>,
    /// The attributes of which it reads the value or whether they have one, with those of its variables.
    pub attributes: Vec<Attribute>,
    /// The field of which it reads whether it has a value, if that is all it does.
    pub has: Option<String>,
}

/// How a part combines its own parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `&&` over its parts.
    All,
    /// `||` over its parts.
    Any,
    /// `!` before its part.
    Not,
    /// `?:` over its three parts.
    If,
    /// It has no parts.
    Atom,
    /// It is the same for every request.
    Constant,
}

/// An attribute or a variable that a part reads.
#[derive(Debug, Clone)]
pub struct Read {
    /// The source text.
    pub text: String,
    /// Its program in the artifact of parts.
    pub program: Option<ProgramIndex>,
    /// For a variable, the parts of its expression.
    pub variable: Option<Part>,
    /// The attributes that it reads.
    pub attributes: Vec<Attribute>,
}

impl Part {
    /// Returns the parts that have no parts of their own, in the order of the text. Constants are left out.
    pub(crate) fn atoms(&self) -> Vec<&Self> {
        match self.kind {
            Kind::Atom => vec![self],
            Kind::Constant => Vec::new(),
            _ => self.parts.iter().flat_map(Self::atoms).collect(),
        }
    }
}

/// Splits the expressions of one policy.
pub(super) struct Splitter<'s> {
    pub(super) builder: &'s mut Builder,
    /// The variables of the policy so far, by index.
    pub(super) variables: &'s HashMap<VariableIndex, Part>,
    pub(super) expression: &'s Expression,
}

impl Splitter<'_> {
    pub(super) fn part(&mut self, expr: &TypedExpr) -> Part {
        let (kind, operands) = match &expr.kind {
            TypedKind::Call(Function::And, _) => (Kind::All, chain(expr, Function::And)),
            TypedKind::Call(Function::Or, _) => (Kind::Any, chain(expr, Function::Or)),
            TypedKind::Call(Function::Not, operands) => (Kind::Not, operands.iter().collect()),
            TypedKind::Call(Function::Conditional, operands) => (Kind::If, operands.iter().collect()),
            _ => (Kind::Atom, Vec::new()),
        };
        let ir = lower(expr);
        let kind = if ir.constant().is_some() { Kind::Constant } else { kind };
        let mut reads = Vec::new();
        if kind == Kind::Atom {
            self.reads(expr, &mut reads);
        }
        let parts = if kind == Kind::Constant { Vec::new() } else { operands };
        let has = match &expr.kind {
            TypedKind::HasAttribute(Attribute::Field(name, _)) => Some(name.clone()),
            _ => None,
        };
        Part {
            text: self.text(expr),
            span: self.expression.map.span(expr.start, expr.end),
            kind,
            program: self.builder.condition(&ir).ok(),
            parts: parts.into_iter().map(|operand| self.part(operand)).collect(),
            reads,
            attributes: self.attributes(expr),
            has,
        }
    }

    fn text(&self, expr: &TypedExpr) -> String {
        let length = expr.end.saturating_sub(expr.start);
        let text: String = self.expression.text.chars().skip(expr.start).take(length).collect();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        lines.join(" ")
    }

    /// Collects the attributes and variables in an expression, each once.
    fn reads(&mut self, expr: &TypedExpr, found: &mut Vec<Read>) {
        let variable = match &expr.kind {
            // A map of all headers, parameters or cookies is not a value that could be shown.
            TypedKind::Attribute(Attribute::Headers | Attribute::QueryParameters | Attribute::Cookies) => return,
            TypedKind::Attribute(_) => None,
            TypedKind::Variable(index) => self.variables.get(index).cloned(),
            _ => return children(expr).into_iter().for_each(|child| self.reads(child, found)),
        };
        let text = self.text(expr);
        if !found.iter().any(|read| read.text == text) {
            let attributes = self.attributes(expr);
            found.push(Read { text, program: self.builder.condition(&lower(expr)).ok(), variable, attributes });
        }
    }
}

impl Splitter<'_> {
    /// Returns the attributes in an expression and in its variables, each once.
    fn attributes(&self, expr: &TypedExpr) -> Vec<Attribute> {
        let mut found = Vec::new();
        let mut left = vec![expr];
        while let Some(expr) = left.pop() {
            let read = match &expr.kind {
                TypedKind::Attribute(of) | TypedKind::HasAttribute(of) | TypedKind::OptionalAttribute(of) => {
                    std::slice::from_ref(of)
                }
                TypedKind::Variable(index) => self.variables.get(index).map_or(&[] as &[_], |part| &part.attributes),
                _ => &[],
            };
            for attribute in read {
                if !found.contains(attribute) {
                    found.push(attribute.clone());
                }
            }
            left.extend(children(expr));
        }
        found
    }
}

/// Returns the operands of a chain of one operator.
fn chain(expr: &TypedExpr, function: Function) -> Vec<&TypedExpr> {
    match &expr.kind {
        TypedKind::Call(of, operands) if *of == function => {
            operands.iter().flat_map(|operand| chain(operand, function)).collect()
        }
        _ => vec![expr],
    }
}

fn children(expr: &TypedExpr) -> Vec<&TypedExpr> {
    match &expr.kind {
        TypedKind::Literal(_)
        | TypedKind::Attribute(_)
        | TypedKind::HasAttribute(_)
        | TypedKind::OptionalAttribute(_)
        | TypedKind::Variable(_)
        | TypedKind::Local(_)
        | TypedKind::Fail => Vec::new(),
        TypedKind::Member(of, _) | TypedKind::OptionalMember(of, _) | TypedKind::HasMember(of, _) => vec![of],
        TypedKind::Let(_, value, body) => vec![value, body],
        TypedKind::List(elements) => elements.iter().map(|element| &element.value).collect(),
        TypedKind::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
        TypedKind::Call(_, arguments) => arguments.iter().collect(),
        TypedKind::WithOptional(with) => vec![&with.of, &with.then],
        TypedKind::Loop(of) => {
            [Some(&of.range), of.filter.as_ref(), Some(of.result.body())].into_iter().flatten().collect()
        }
    }
}
