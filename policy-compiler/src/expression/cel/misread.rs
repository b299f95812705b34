//! What people write in place of a name: groups as values, names of other systems, strings without quotes.

use context_mesh_core::artifact::tables::Attribute;

use super::advice;
use super::check::{Checker, typed};
use super::foreign;
use super::names::{Group, any_step, constant_key, is_identifier, plain, step};
use super::parse::{Expr, ExprKind, Place};
use super::problem::Problem;
use super::typed::{TypedExpr, TypedKind};
use super::types::Type;
use crate::report::diagnostic::code;
use crate::report::near;

/// Returns the advice for a string without quotes.
pub(super) fn quote(name: &str) -> String {
    format!("quote strings: `'{name}'`")
}

/// Returns a string literal.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

impl Checker<'_> {
    /// Corrects the advice for an undeclared name that something is read of: it is no string without quotes.
    pub(super) fn is_read(&mut self, operand: &Expr) {
        let ExprKind::Ident(name) = &operand.kind else { return };
        let is_token = foreign::TOKENS.contains(&plain(name)) && self.environment.has_attributes();
        let token = is_token.then(|| foreign::auth(&[], self.environment));
        let last = self.problems.last_mut().filter(|problem| problem.help == Some(quote(plain(name))));
        if let Some(problem) = last {
            problem.help = token.or_else(|| {
                self.environment.has_attributes().then(|| {
                    "attributes begin with `context`, `request`, `peer`, `mesh`, `destination`, `claims` or `variables`"
                        .to_owned()
                })
            });
        }
    }

    /// Reports a `has` whose argument is not a field.
    pub(super) fn has_no_field(&mut self, argument: &Expr) -> TypedExpr {
        let message = "`has` takes a field, for example `has(context.user_id)`";
        let help = step(argument).and_then(|(operand, key)| {
            let (operand, key, place) = (operand, key?, operand.place);
            let grouped = self.group_of(operand).is_some();
            Some(match grouped && is_identifier(key) {
                true => format!("write `has({}.{key})`", self.source(place)),
                false if grouped || self.group_path(operand) => {
                    let optional = advice::optional(&self.source(argument.place))?;
                    format!("write `{optional}.hasValue()`")
                }
                false => format!("write `{} in {}`", quoted(key), self.source(place)),
            })
        });
        self.fail(argument.place, Problem::new(code::NO_OVERLOAD, argument.place, message).maybe_help(help))
    }

    /// Whether a path leads into metadata, which is no map.
    pub(super) fn group_path(&self, expr: &Expr) -> bool {
        let mut at = expr;
        while let Some((operand, _)) = step(at) {
            if self.group_of(operand) == Some(Group::Metadata) {
                return true;
            }
            at = operand;
        }
        false
    }

    /// Reports `request.auth` and what follows it, which Istio has for claims. Returns `None` for any other path.
    pub(super) fn auth(&mut self, expr: &Expr) -> Option<TypedExpr> {
        let mut path = Vec::new();
        let mut at = expr;
        loop {
            let (operand, name) = any_step(at)?;
            if name == Some("auth") && self.group_of(operand) == Some(Group::Attributes("request")) {
                break;
            }
            path.push(name);
            at = operand;
        }
        path.reverse();
        let help = foreign::auth(&path, self.environment);
        let problem = Problem::new(code::UNDECLARED_FIELD, expr.place, "`request` has no attribute `auth`");
        Some(self.fail(expr.place, problem.help(help)))
    }

    pub(super) fn no_such(
        &mut self,
        place: Place,
        last: Place,
        group: &str,
        name: &str,
        known: Vec<String>,
    ) -> TypedExpr {
        let message = format!("`{group}` has no attribute `{name}`");
        let help = match foreign::meant(group, name) {
            _ if (group, name) == ("request", "body") => {
                Some("a request is decided before its body arrives: send what rules need in a header".to_owned())
            }
            Some("peer.principal") => Some("did you mean `peer.principal`? It begins with `spiffe://`".to_owned()),
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None => near::suggestion(name, known.iter().map(String::as_str)),
        };
        self.fail(place, Problem::new(code::UNDECLARED_FIELD, last, message).maybe_help(help))
    }

    pub(super) fn later(&mut self, place: Place, name: &str) -> TypedExpr {
        let message = format!("`{name}` is not known when the request is decided");
        self.fail(place, Problem::new(code::NOT_KNOWN_YET, place, message))
    }

    /// Checks `'key' in group`, which is meant as a test for a value.
    pub(super) fn membership_of_group(&mut self, place: Place, key: &Expr, of: &Expr) -> Option<TypedExpr> {
        let key_text = constant_key(key);
        if let (Some(_), Some(name)) = (self.headers(of), key_text) {
            let header = self.header(Attribute::Header, name, place, key.place);
            return Some(match header.kind {
                TypedKind::Attribute(attribute) => typed(TypedKind::HasAttribute(attribute), Type::Bool, place),
                _ => header,
            });
        }
        let group = self.group_of(of)?;
        let name = self.source(of.place);
        let message = format!("`{name}` is a group of attributes, not a map");
        let known = key_text.filter(|key| matches!(group, Group::Context | Group::Attributes(_)) && !key.is_empty());
        let help = known.map(|key| match is_identifier(key) {
            true => format!("write `has({name}.{key})`"),
            false => format!("write `{name}[?{}].hasValue()`", quoted(key)),
        });
        Some(self.fail(place, Problem::new(code::NOT_A_VALUE, of.place, message).maybe_help(help)))
    }
}
