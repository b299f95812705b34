//! Operators and functions.

use super::advice;
use super::check::{Checker, failed, typed};
use super::overloads::{self, Style};
use super::pattern;
use super::problem::{Problem, code};
use super::syntax::{Expr, ExprKind, Place};
use super::typed::{Function, TypedExpr, TypedKind};
use super::types::Type;
use super::unsupported;
use crate::near;

impl Checker<'_> {
    /// An operator, by its name in CEL's declarations.
    pub(super) fn operator(&mut self, expr: &Expr, name: &str, name_place: Place, arguments: &[Expr]) -> TypedExpr {
        if let Some(written) = unsupported::operator(name) {
            for argument in arguments {
                self.expr(argument);
            }
            self.not_supported(name_place, written);
            return failed(expr.place);
        }
        match (name, arguments) {
            ("_[_]", [_, key]) => {
                if let Some(found) = self.named(expr, key.place) {
                    return found;
                }
            }
            ("@in", [key, of]) => {
                if let Some(found) = self.membership_of_group(expr.place, key, of) {
                    return found;
                }
            }
            _ => {}
        }
        let arguments: Vec<TypedExpr> = arguments.iter().map(|argument| self.expr(argument)).collect();
        self.apply(expr.place, name, name_place, Style::Global, arguments)
    }

    /// A call of a function, or of a macro.
    pub(super) fn call(
        &mut self,
        place: Place,
        name: &str,
        name_place: Place,
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> TypedExpr {
        let name = name.strip_prefix('.').unwrap_or(name);
        if let (None, "has", [argument]) = (target, name, arguments) {
            return self.has(place, argument);
        }
        let style = if target.is_some() { Style::Member } else { Style::Global };
        let target_name = target.and_then(|target| match &target.kind {
            ExprKind::Ident(name) => Some(name.as_str()),
            _ => None,
        });
        if !overloads::exists(name, style) {
            return self.other_call(place, name, name_place, style, target_name, target, arguments);
        }
        let all: Vec<TypedExpr> = target.into_iter().chain(arguments).map(|argument| self.expr(argument)).collect();
        self.apply(place, name, name_place, style, all)
    }

    /// A call of what this version does not have, or nobody has.
    #[expect(clippy::too_many_arguments, reason = "they are the parts of one call")]
    fn other_call(
        &mut self,
        place: Place,
        name: &str,
        name_place: Place,
        style: Style,
        target_name: Option<&str>,
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> TypedExpr {
        if unsupported::function(name, style, target_name) {
            // A macro declares names for its arguments, and a name space is no value: neither can be checked.
            if let Some(target) = target.filter(|_| !target_name.is_some_and(unsupported::name)) {
                self.expr(target);
            }
            if !unsupported::is_macro(name) {
                arguments.iter().for_each(|argument| drop(self.expr(argument)));
            }
            self.not_supported(name_place, name);
            return failed(place);
        }
        for part in target.into_iter().chain(arguments) {
            self.expr(part);
        }
        let (message, help) = if overloads::exists(name, other(style)) {
            let signature = overloads::signatures(name, other(style)).join(" or ");
            (format!("`{name}` is not called like this"), Some(format!("it is `{signature}`")))
        } else if name == "has" {
            (format!("`has` takes one field, not {} values", arguments.len()), None)
        } else {
            let known = overloads::names(style).chain((style == Style::Global).then_some("has"));
            (
                format!("there is no function `{name}`"),
                near::nearest(name, known).map(|near| format!("did you mean `{near}`?")),
            )
        };
        self.fail(place, Problem::new(code::UNDECLARED_NAME, name_place, message).maybe_help(help))
    }

    /// Finds the signature that takes the arguments.
    fn apply(
        &mut self,
        place: Place,
        name: &str,
        name_place: Place,
        style: Style,
        arguments: Vec<TypedExpr>,
    ) -> TypedExpr {
        let types: Vec<&Type> = arguments.iter().map(|argument| &argument.ty).collect();
        let Some((function, ty)) = overloads::resolve(name, style, &types) else {
            if types.contains(&&Type::Error) {
                return failed(place);
            }
            let sources: Vec<String> = arguments.iter().map(|a| self.source((a.start, a.end))).collect();
            let message = advice::no_overload(name, style, &types);
            let help = advice::overload_help(name, style, &arguments, &sources);
            let at = self.blame(name, name_place, place);
            return self.fail(place, Problem::new(code::NO_OVERLOAD, at, message).maybe_help(help));
        };
        if function == Function::Matches {
            return self.matches(place, arguments);
        }
        typed(TypedKind::Call(function, arguments), ty, place)
    }

    /// Where a wrong overload is shown: an operator with its operands, a function by its name.
    fn blame(&self, name: &str, name_place: Place, place: Place) -> Place {
        if name.chars().all(char::is_alphanumeric) { name_place } else { place }
    }

    /// `matches`, whose pattern is compiled ahead.
    fn matches(&mut self, place: Place, arguments: Vec<TypedExpr>) -> TypedExpr {
        use context_mesh_core::artifact::tables::ScalarConstant;
        let Some(argument) = arguments.get(1) else { return failed(place) };
        let pattern_place = (argument.start, argument.end);
        let TypedKind::Literal(ScalarConstant::String(text)) = &argument.kind else {
            if argument.ty == Type::Error {
                return failed(place);
            }
            let message = "the pattern of `matches` must be a string literal";
            let help =
                "patterns are compiled ahead; use `startsWith`, `endsWith` or `contains` with a value of the request";
            return self.fail(place, Problem::new(code::NOT_CONSTANT, pattern_place, message).help(help));
        };
        if let Err(reason) = pattern::translate(text) {
            let message = format!("the pattern is not a regular expression: {reason}");
            return self.fail(place, Problem::new(code::BAD_PATTERN, pattern_place, message));
        }
        typed(TypedKind::Call(Function::Matches, arguments), Type::Bool, place)
    }
}

fn other(style: Style) -> Style {
    match style {
        Style::Global => Style::Member,
        Style::Member => Style::Global,
    }
}
