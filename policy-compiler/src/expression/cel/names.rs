//! Names: groups of attributes, the attributes in them, and members of values.

use context_mesh_core::artifact::tables::{Attribute, HostType, ScalarConstant};

use super::attributes::{self, Origin};
use super::check::{Checker, Declared, typed};
use super::foreign;
use super::misread::quote;
use super::parameter::{ParameterValue, scalar_type};
use super::parse::{Expr, ExprKind, Field, Literal, Place};
use super::problem::Problem;
use super::typed::{Element, Function, TypedExpr, TypedKind};
use super::types::Type;
use crate::report::diagnostic::code;
use crate::report::near;

/// The groups of metadata: each value as text, and the strings of each value as lines.
const METADATA: [&str; 2] = ["filter_metadata", "strings"];

/// A group of attributes, which has a name but no value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Context,
    Variables,
    /// Claims of a verified token.
    Claims,
    /// Constants of the mesh.
    Parameters,
    /// Attributes of the table.
    Attributes(&'static str),
    Metadata,
    FilterState,
    /// Available only later.
    Later(&'static str),
}

const ATTRIBUTE_GROUPS: &[&str] = &["request", "source", "destination", "connection", "peer", "mesh"];

fn group(name: &str) -> Option<Group> {
    let same = |known: &&&'static str| **known == name;
    match name {
        "context" => Some(Group::Context),
        "variables" => Some(Group::Variables),
        "claims" => Some(Group::Claims),
        "parameters" => Some(Group::Parameters),
        "metadata" => Some(Group::Metadata),
        "filter_state" => Some(Group::FilterState),
        _ => (ATTRIBUTE_GROUPS.iter().find(same).map(|name| Group::Attributes(name)))
            .or_else(|| attributes::LATER_GROUPS.iter().find(same).map(|name| Group::Later(name))),
    }
}

fn group_names<'n>() -> impl Iterator<Item = &'n str> {
    ATTRIBUTE_GROUPS.iter().copied().chain(["context", "variables", "claims", "parameters", "metadata", "filter_state"])
}

/// Whether a text is an identifier of CEL. Words that CEL reserves are among them.
pub(crate) fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Removes the leading dot, which excludes local names.
pub(super) fn plain(name: &str) -> &str {
    name.strip_prefix('.').unwrap_or(name)
}

/// Returns the string of a string literal.
pub(super) fn constant_key(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Literal(Literal::String(key)) => Some(key),
        _ => None,
    }
}

/// Returns the path of an expression such as `a.b.c`, including a leading dot.
pub(super) fn path_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Ident(name) => Some(name.clone()),
        ExprKind::Select { operand, field, optional: false } => Some(format!("{}.{}", path_of(operand)?, field.name)),
        _ => None,
    }
}

/// Returns the first name of a path, including a leading dot.
pub(super) fn root_of(path: &str) -> &str {
    let end = path.get(1..).and_then(|rest| rest.find('.')).map_or(path.len(), |at| at + 1);
    path.get(..end).unwrap_or(path)
}

/// Splits `operand.name` and `operand['name']`.
pub(super) fn step(expr: &Expr) -> Option<(&Expr, Option<&str>)> {
    match &expr.kind {
        ExprKind::Select { optional: true, .. } | ExprKind::Index { optional: true, .. } => None,
        _ => any_step(expr),
    }
}

/// Splits `operand.?name` and `operand[?'name']`, and the forms without `?`.
pub(super) fn any_step(expr: &Expr) -> Option<(&Expr, Option<&str>)> {
    match &expr.kind {
        ExprKind::Select { operand, field, .. } => Some((operand, Some(&field.name))),
        ExprKind::Index { operand, key, .. } => Some((operand, constant_key(key))),
        _ => None,
    }
}

/// The names of types, which are values in CEL.
const TYPE_NAMES: &[&str] = &[
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "string",
    "type",
    "uint",
    "optional_type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "net.IP",
    "net.CIDR",
];

impl Checker<'_> {
    /// Returns the group that an expression names, if any.
    pub(super) fn group_of(&self, expr: &Expr) -> Option<Group> {
        match &expr.kind {
            ExprKind::Ident(name) if self.local(name).is_none() => self.group(plain(name)),
            _ => None,
        }
    }

    fn group(&self, name: &str) -> Option<Group> {
        group(name).filter(|_| self.environment.has_attributes())
    }

    /// Whether an expression is `request.headers`.
    /// Whether this is `request.headers`, and what its names mean.
    pub(super) fn headers(&self, expr: &Expr) -> Option<fn(String) -> Attribute> {
        let (operand, name) = step(expr)?;
        if self.group_of(operand) != Some(Group::Attributes("request")) {
            return None;
        }
        match name? {
            "headers" => Some(Attribute::Header),
            "header_values" => Some(Attribute::HeaderValues),
            "header_lines" => Some(Attribute::HeaderLines),
            _ => None,
        }
    }

    /// Returns a name declared by an enclosing macro. A name with a leading dot never refers to one.
    pub(super) fn local(&self, name: &str) -> Option<&Declared> {
        self.scope.iter().rev().find(|declared| declared.name == name)
    }

    /// Returns the variable or type that a name, which may have dots, refers to.
    fn global(&self, name: &str, place: Place) -> Option<TypedExpr> {
        self.environment.candidates(name).find_map(|candidate| {
            let variable = self.environment.variable(&candidate).filter(|_| !self.environment.has_attributes());
            if let Some((ty, index)) = variable {
                return Some(typed(TypedKind::Variable(*index), ty.clone(), place));
            }
            let known = TYPE_NAMES.contains(&candidate.as_str());
            known.then(|| typed(TypedKind::Literal(ScalarConstant::Type(candidate)), Type::Type, place))
        })
    }

    /// Checks an identifier.
    pub(super) fn ident(&mut self, name: &str, place: Place) -> TypedExpr {
        if let Some(declared) = self.local(name) {
            return typed(TypedKind::Local(declared.local), declared.ty.clone(), place);
        }
        if let Some(group) = self.group(plain(name)) {
            let name = plain(name);
            let message = format!("`{name}` is a group of attributes, not a value");
            let example = self.members(group).into_iter().next();
            let help = example.map(|member| format!("name one of them, for example `{name}.{member}`"));
            return self.fail(place, Problem::new(code::NOT_A_VALUE, place, message).maybe_help(help));
        }
        if let Some(found) = self.global(name, place) {
            return found;
        }
        let name = plain(name);
        let message = format!("`{name}` is not declared");
        let known = self.environment.has_attributes();
        let locals = self.scope.iter().map(|declared| declared.name.as_str());
        let near = near::nearest(name, locals.chain(group_names().filter(|_| known))).map(str::to_owned);
        let help = if self.environment.field(name).is_some() {
            Some(format!("did you mean `context.{name}`?"))
        } else if self.environment.variable(name).is_some() {
            Some(format!("did you mean `variables.{name}`?"))
        } else if let Some(near) = near {
            Some(format!("did you mean `{near}`?"))
        } else if let Some((group, name, _)) = attributes::TABLE.iter().find(|(_, of, _)| known && *of == name) {
            Some(format!("did you mean `{group}.{name}`?"))
        } else {
            Some(quote(name))
        };
        self.refuse(place, Problem::new(code::UNDECLARED_NAME, place, message).maybe_help(help))
    }

    /// Checks `operand.field`.
    pub(super) fn select(&mut self, expr: &Expr, operand: &Expr, field: &Field) -> TypedExpr {
        if let Some(found) = self.named(expr, field.place) {
            return found;
        }
        if let Some(found) = self.qualified(expr) {
            return found;
        }
        let of = operand;
        let operand = self.expr(of);
        self.is_read(of);
        let ty = match self.member_type(&operand.ty, field) {
            Ok(ty) => ty,
            Err(problem) => return self.refuse(expr.place, problem),
        };
        typed(TypedKind::Member(Box::new(operand), field.name.clone()), ty, expr.place)
    }

    /// Checks a name with dots, unless it begins with a name declared by a macro.
    fn qualified(&self, expr: &Expr) -> Option<TypedExpr> {
        let path = path_of(expr)?;
        if self.local(root_of(&path)).is_some() {
            return None;
        }
        self.global(&path, expr.place)
    }

    /// Returns the type of a member.
    fn member_type(&self, of: &Type, field: &Field) -> Result<Type, Problem> {
        match of {
            Type::Map(_, value) => Ok((**value).clone()),
            Type::Optional(of) => match self.member_type(of, field)? {
                nested @ Type::Optional(_) => Ok(nested),
                ty => Ok(Type::optional(ty)),
            },
            Type::Error => Ok(Type::Error),
            ty if ty.is_open() => Ok(Type::Dyn),
            ty => {
                let message = format!("`{ty}` has no field `{}`", field.name);
                Err(Problem::new(code::NO_OVERLOAD, field.place, message))
            }
        }
    }

    /// Checks `operand.?field`.
    pub(super) fn optional_select(&mut self, expr: &Expr, operand: &Expr, field: &Field) -> TypedExpr {
        if let Some(found) = self.optional_named(expr, field.place) {
            return found;
        }
        let operand = self.expr(operand);
        let ty = match self.member_type(&operand.ty, field) {
            Ok(ty @ (Type::Optional(_) | Type::Error)) if matches!(operand.ty, Type::Optional(_)) => ty,
            Ok(ty) => Type::optional(ty),
            Err(problem) => return self.refuse(expr.place, problem),
        };
        typed(TypedKind::OptionalMember(Box::new(operand), field.name.clone()), ty, expr.place)
    }

    /// Returns the attribute of `context.?user_id` or `request.headers[?'x']`, as an optional.
    pub(super) fn optional_named(&mut self, expr: &Expr, last: Place) -> Option<TypedExpr> {
        let found = self.named(expr, last)?;
        let ty = Type::optional(found.ty.clone());
        Some(match found.kind {
            TypedKind::Attribute(attribute) => typed(TypedKind::OptionalAttribute(attribute), ty, expr.place),
            TypedKind::Variable(_) => {
                typed(TypedKind::Call(Function::Library("optional.of"), vec![found]), ty, expr.place)
            }
            _ => found,
        })
    }

    /// Checks `has(argument)`.
    pub(super) fn has(&mut self, place: Place, argument: &Expr) -> TypedExpr {
        let ExprKind::Select { operand, field, optional: false } = &argument.kind else {
            return self.has_no_field(argument);
        };
        match self.named(argument, field.place) {
            Some(TypedExpr { kind: TypedKind::Attribute(attribute), .. }) => {
                let attribute = match attribute {
                    // All values, as a list or joined, are always there.
                    Attribute::HeaderValues(name) | Attribute::HeaderLines(name) => Attribute::Header(name),
                    other => other,
                };
                return typed(TypedKind::HasAttribute(attribute), Type::Bool, place);
            }
            Some(TypedExpr { kind: TypedKind::Variable(_), .. }) => {
                let message = format!("`variables.{}` is always there", field.name);
                return self.fail(place, Problem::new(code::NO_OVERLOAD, argument.place, message));
            }
            Some(other) => return TypedExpr { ty: Type::Error, ..other },
            None => {}
        }
        let operand = self.expr(operand);
        let takes = |ty: &Type| matches!(ty, Type::Map(..)) || ty.is_open();
        if !takes(&operand.ty) && !matches!(&operand.ty, Type::Optional(of) if takes(of)) {
            let message = format!("`{}` has no fields", operand.ty);
            return self.refuse(place, Problem::new(code::NO_OVERLOAD, field.place, message));
        }
        typed(TypedKind::HasMember(Box::new(operand), field.name.clone()), Type::Bool, place)
    }

    /// Returns the attribute, field or variable that a path such as `context.user_id` or `request.headers['x']` names,
    /// or `None` if the path leads through a value. `last` is the place of its last part.
    pub(super) fn named(&mut self, expr: &Expr, last: Place) -> Option<TypedExpr> {
        if !self.environment.has_attributes() {
            return None;
        }
        let (operand, name) = any_step(expr)?;
        if let Some(found) = self.metadata(expr, last).or_else(|| self.auth(expr)) {
            return Some(found);
        }
        if let (Some(attribute), Some(name)) = (self.headers(operand), name) {
            return Some(self.header(attribute, name, expr.place, last));
        }
        let group = self.group_of(operand)?;
        let Some(name) = name else {
            let message = format!("the key of `{}` must be a string literal", self.source(operand.place));
            return Some(self.fail(expr.place, Problem::new(code::NOT_CONSTANT, last, message)));
        };
        Some(match group {
            Group::Context => self.field(name, expr.place, last),
            Group::Variables => self.variable(name, expr.place, last),
            Group::Claims => self.claim(name, expr.place, last),
            Group::Parameters => self.parameter(name, expr.place, last),
            Group::Attributes(group) => self.attribute(group, name, expr.place, last),
            Group::Metadata => self.no_such(expr.place, last, "metadata", name, METADATA.map(str::to_owned).to_vec()),
            Group::FilterState => {
                let path = vec!["filter_state".to_owned(), name.to_owned()];
                typed(TypedKind::Attribute(Attribute::Host(path, HostType::String)), Type::String, expr.place)
            }
            Group::Later(group) => self.later(expr.place, &format!("{group}.{name}")),
        })
    }

    fn field(&mut self, name: &str, place: Place, last: Place) -> TypedExpr {
        if let Some(field) = self.environment.field(name) {
            return typed(TypedKind::Attribute(Attribute::Field(name.to_owned(), field)), field.into(), place);
        }
        let message = format!("no schema declares the field `{name}`");
        let help = near::suggestion(name, self.environment.field_names());
        self.fail(place, Problem::new(code::UNDECLARED_FIELD, last, message).maybe_help(help))
    }

    fn claim(&mut self, name: &str, place: Place, last: Place) -> TypedExpr {
        if let Some((path, field)) = self.environment.claim(name) {
            let attribute = Attribute::Claim(path.clone(), *field);
            return typed(TypedKind::Attribute(attribute), (*field).into(), place);
        }
        let message = format!("the Mesh declares no claim `{name}`");
        let near = near::suggestion(name, self.environment.claim_names());
        let help = near.unwrap_or_else(|| foreign::undeclared(name, self.environment));
        self.fail(place, Problem::new(code::UNDECLARED_FIELD, last, message).help(help))
    }

    /// Returns the value of a parameter, as if it were written there.
    fn parameter(&mut self, name: &str, place: Place, last: Place) -> TypedExpr {
        let literal = |value: &ScalarConstant| typed(TypedKind::Literal(value.clone()), scalar_type(value), place);
        match self.environment.parameter(name) {
            Some(ParameterValue::One(value)) => literal(value),
            Some(ParameterValue::List(values)) => {
                let ty = values.first().map_or(Type::Dyn, scalar_type);
                let element = |value| Element { value: literal(value), optional: false };
                typed(TypedKind::List(values.iter().map(element).collect()), Type::list(ty), place)
            }
            None => {
                let message = format!("the Mesh declares no parameter `{name}`");
                let near = near::suggestion(name, self.environment.parameter_names());
                let help = near.unwrap_or_else(|| format!("declare it in the Mesh: `parameters: {{{name}: ...}}`"));
                self.fail(place, Problem::new(code::UNDECLARED_FIELD, last, message).help(help))
            }
        }
    }

    fn variable(&mut self, name: &str, place: Place, last: Place) -> TypedExpr {
        if let Some((ty, index)) = self.environment.variable(name) {
            return typed(TypedKind::Variable(*index), ty.clone(), place);
        }
        let message = format!("the policy has no variable `{name}` before this place");
        let help = near::suggestion(name, self.environment.variable_names());
        self.fail(place, Problem::new(code::UNDECLARED_FIELD, last, message).maybe_help(help))
    }

    fn attribute(&mut self, group: &str, name: &str, place: Place, last: Place) -> TypedExpr {
        match attributes::find(group, name) {
            None => {
                let names = attributes::names(group).map(str::to_owned).collect();
                self.no_such(place, last, group, name, names)
            }
            Some(Origin::HeaderValues | Origin::HeaderLines) => {
                let message = "this is a group of headers, not a value";
                let help = format!("name one: `request.{name}['x-name']`; without any, loop over `request.headers`");
                self.fail(place, Problem::new(code::NOT_A_VALUE, place, message).help(help))
            }
            Some(origin) => match attributes::read(group, name, origin) {
                Some((attribute, ty)) => typed(TypedKind::Attribute(attribute), ty, place),
                None => self.later(place, &format!("{group}.{name}")),
            },
        }
    }

    /// Checks a header with a constant name.
    pub(super) fn header(
        &mut self,
        attribute: fn(String) -> Attribute,
        name: &str,
        place: Place,
        last: Place,
    ) -> TypedExpr {
        let lower = name.to_lowercase();
        if lower != name {
            let message = format!("no header is named `{name}`: header names are in lower case");
            let problem = Problem::new(code::UNDECLARED_FIELD, last, message).help(format!("write `'{lower}'`"));
            return self.fail(place, problem);
        }
        match attribute(lower) {
            values @ Attribute::HeaderValues(_) => typed(TypedKind::Attribute(values), Type::list(Type::String), place),
            value => typed(TypedKind::Attribute(value), Type::String, place),
        }
    }

    /// Checks `metadata.filter_metadata['namespace']['key']` and deeper paths, and the same for `metadata.strings`.
    /// Returns `None` for any other path.
    fn metadata(&mut self, expr: &Expr, last: Place) -> Option<TypedExpr> {
        let mut path = Vec::new();
        let mut at = expr;
        let group = loop {
            let (operand, name) = if std::ptr::eq(at, expr) { any_step(at)? } else { step(at)? };
            let group = METADATA.into_iter().find(|group| name == Some(group));
            if let Some(group) = group.filter(|_| self.group_of(operand) == Some(Group::Metadata)) {
                break group;
            }
            path.push(name.map(str::to_owned));
            at = operand;
        };
        path.reverse();
        let Some(keys) = path.into_iter().collect::<Option<Vec<String>>>() else {
            let message = format!("the keys of `metadata.{group}` must be string literals");
            return Some(self.fail(expr.place, Problem::new(code::NOT_CONSTANT, last, message)));
        };
        if keys.len() < 2 {
            let message = "this is a group of metadata, not a value";
            let help = format!("write `metadata.{group}['name space']['key']`");
            return Some(self.fail(expr.place, Problem::new(code::NOT_A_VALUE, expr.place, message).help(help)));
        }
        let path = ["metadata", group].map(str::to_owned).into_iter().chain(keys).collect();
        let kind = TypedKind::Attribute(Attribute::Host(path, HostType::String));
        Some(typed(kind, Type::String, expr.place))
    }

    fn members(&self, group: Group) -> Vec<String> {
        match group {
            Group::Context => self.environment.field_names().map(str::to_owned).collect(),
            Group::Variables => self.environment.variable_names().map(str::to_owned).collect(),
            Group::Claims => self.environment.claim_names().map(str::to_owned).collect(),
            Group::Parameters => self.environment.parameter_names().map(str::to_owned).collect(),
            Group::Attributes(group) => attributes::names(group).map(str::to_owned).collect(),
            Group::Metadata => METADATA.map(|group| format!("{group}['name space']['key']")).to_vec(),
            Group::FilterState | Group::Later(_) => Vec::new(),
        }
    }
}
