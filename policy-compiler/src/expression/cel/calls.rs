//! Operators and functions.

use context_mesh_core::address::Networks;
use context_mesh_core::artifact::tables::ScalarConstant;

use super::advice;
use super::check::{Checker, failed, typed};
use super::declarations::{self, Overload, Style};
use super::macros;
use super::names::{path_of, root_of};
use super::parse::{Binary, Expr, ExprKind, Place};
use super::pattern;
use super::problem::Problem;
use super::template;
use super::typed::{Element, Function, TypedExpr, TypedKind};
use super::types::Type;
use super::zone;
use crate::report::diagnostic::code;
use crate::report::near;

/// A call as written.
#[derive(Clone, Copy)]
pub(super) struct Call<'s> {
    pub(super) place: Place,
    pub(super) name: &'s str,
    pub(super) name_place: Place,
    pub(super) target: Option<&'s Expr>,
    pub(super) arguments: &'s [Expr],
}

impl Checker<'_> {
    /// Checks `operand[key]` or `operand[?key]`.
    pub(super) fn index(&mut self, expr: &Expr, operand: &Expr, key: &Expr, optional: bool) -> TypedExpr {
        let named = if optional { self.optional_named(expr, key.place) } else { self.named(expr, key.place) };
        named.unwrap_or_else(|| {
            let name = if optional { "_[?_]" } else { "_[_]" };
            self.operator(expr.place, name, [operand, key])
        })
    }

    /// Checks a binary operator.
    pub(super) fn binary(&mut self, expr: &Expr, operator: Binary, operands: &[Expr; 2]) -> TypedExpr {
        let [left, right] = operands;
        let special = match operator {
            Binary::In => self.membership_of_group(expr.place, left, right),
            Binary::Subtract => self.dashed_name(expr),
            _ => None,
        };
        special.unwrap_or_else(|| self.operator(expr.place, operator.declared(), operands))
    }

    /// Checks an operator, by its name in CEL's declarations.
    pub(super) fn operator<'s>(
        &mut self,
        place: Place,
        name: &str,
        operands: impl IntoIterator<Item = &'s Expr>,
    ) -> TypedExpr {
        let operands: Vec<TypedExpr> = operands.into_iter().map(|operand| self.expr(operand)).collect();
        self.apply(place, name, place, Style::Global, operands)
    }

    /// Reports `request.headers.x-tenant-id`: a name with dashes, which CEL reads as a subtraction.
    fn dashed_name(&mut self, expr: &Expr) -> Option<TypedExpr> {
        let (operand, name) = self.dashed_parts(expr)?;
        let problem =
            Problem::new(code::NOT_A_VALUE, expr.place, format!("`{}` is a subtraction", self.source(expr.place)));
        Some(self.refuse(expr.place, problem.help(format!("write a name with `-` in brackets: `{operand}['{name}']`"))))
    }

    /// Returns the text before the last dot, and the dashed name, if only dashes separate the names and only the first
    /// name is known.
    fn dashed_parts(&self, expr: &Expr) -> Option<(String, String)> {
        match &expr.kind {
            ExprKind::Select { operand, field, optional: false } => {
                Some((self.source(operand.place), field.name.clone()))
            }
            ExprKind::Binary(Binary::Subtract, operands) => {
                let [left, right] = &**operands;
                let ExprKind::Ident(ident) = &right.kind else { return None };
                let joined = right.place.0 == left.place.1 + 1;
                let unknown = self.local(ident).is_none() && self.environment.variable(ident).is_none();
                let (operand, name) = self.dashed_parts(left).filter(|_| joined && unknown)?;
                Some((operand, format!("{name}-{ident}")))
            }
            _ => None,
        }
    }

    /// Checks a call of a function or a macro.
    pub(super) fn call(
        &mut self,
        place: Place,
        name: &str,
        name_place: Place,
        target: Option<&Expr>,
        arguments: &[Expr],
    ) -> TypedExpr {
        let name = name.strip_prefix('.').unwrap_or(name);
        let call = Call { place, name, name_place, target, arguments };
        if let Some(found) = self.macro_call(call) {
            return found;
        }
        if let Some(full) = self.in_name_space(call) {
            let place = target.map_or(name_place, |target| (target.place.0, name_place.1));
            return self.function(Call { name: &full, name_place: place, target: None, ..call });
        }
        self.function(call)
    }

    /// Returns the full name of a function such as `math.ceil`, whose target is not a value.
    fn in_name_space(&self, call: Call<'_>) -> Option<String> {
        let path = path_of(call.target?)?;
        if self.local(root_of(&path)).is_some() {
            return None;
        }
        let full = format!("{path}.{}", call.name);
        let known = self.environment.candidates(&full).find(|name| declarations::exists(name, Style::Global));
        known.or_else(|| declarations::names(Style::Global).any(|name| is_in(name, &path)).then_some(full))
    }

    fn function(&mut self, call: Call<'_>) -> TypedExpr {
        let style = if call.target.is_some() { Style::Member } else { Style::Global };
        // The arguments of a macro cannot be checked without it.
        let meant = FOREIGN.iter().find(|(foreign, _)| *foreign == call.name).map(|(_, meant)| *meant);
        if !declarations::exists(call.name, style) && macros::usage(meant.unwrap_or(call.name)).is_some() {
            if let Some(target) = call.target {
                self.expr(target);
            }
            let problem = unknown_function(call, style);
            return self.refuse(call.place, problem);
        }
        let all: Vec<TypedExpr> = call.target.into_iter().chain(call.arguments).map(|part| self.expr(part)).collect();
        if declarations::exists(call.name, style) {
            return self.apply(call.place, call.name, call.name_place, style, all);
        }
        let problem = unknown_function(call, style);
        self.refuse(call.place, problem)
    }

    /// Finds the signature that accepts the arguments.
    pub(super) fn apply(
        &mut self,
        place: Place,
        name: &str,
        name_place: Place,
        style: Style,
        arguments: Vec<TypedExpr>,
    ) -> TypedExpr {
        let Some((function, ty)) = self.resolve(name, style, &arguments) else {
            if arguments.iter().any(|argument| argument.ty == Type::Error) {
                return failed(place);
            }
            let types: Vec<&Type> = arguments.iter().map(|argument| &argument.ty).collect();
            let sources: Vec<String> = arguments.iter().map(|a| self.source((a.start, a.end))).collect();
            let message = advice::no_overload(name, style, &types);
            let help = advice::overload_help(name, style, &arguments, &sources);
            let at = if declarations::is_word(name) { name_place } else { place };
            return self.refuse(place, Problem::new(code::NO_OVERLOAD, at, message).maybe_help(help));
        };
        match function {
            Function::Matches => self.matches(place, arguments),
            Function::InNetworks => self.in_networks(place, arguments),
            Function::MatchesTemplate => self.matches_template(place, arguments),
            Function::Library(name) if name.starts_with("get") && arguments.len() == 2 => {
                self.check_zone(place, arguments, name)
            }
            function => {
                if let Function::Library(name) = function {
                    self.check_literal(name, &arguments);
                }
                typed(TypedKind::Call(function, arguments), ty, place)
            }
        }
    }

    /// Finds the signatures that accept the arguments (a member function's target first). Returns the function and the
    /// type of its result, which is `dyn` if it depends on types that are not known yet.
    fn resolve(&mut self, name: &str, style: Style, arguments: &[TypedExpr]) -> Option<(Function, Type)> {
        let fitting = |overload: &&Overload| overload.style == style && overload.parameters.len() == arguments.len();
        let mut candidates = declarations::find(name).iter().filter(fitting);
        if self.environment.is_lenient() {
            return candidates.next().map(|overload| (overload.function, Type::Dyn));
        }
        let mut found: Option<(Function, Type)> = None;
        for overload in candidates {
            let Some(result) = self.result(overload, arguments) else { continue };
            found = Some(match found {
                None => (overload.function, result),
                Some((function, ty)) if ty == result => (function, ty),
                Some((function, _)) => (function, Type::Dyn),
            });
        }
        found
    }

    /// Returns the type of a signature's result, if it accepts the arguments.
    fn result(&mut self, overload: &Overload, arguments: &[TypedExpr]) -> Option<Type> {
        let generic = overload.parameters.iter().chain([&overload.result]).any(is_generic);
        if !generic {
            let pairs: Vec<(&Type, &Type)> = arguments.iter().map(|a| &a.ty).zip(&overload.parameters).collect();
            return self.inference.assignable(&pairs).then(|| overload.result.clone());
        }
        let fresh = [self.inference.variable(), self.inference.variable()];
        let parameters: Vec<Type> = overload.parameters.iter().map(|ty| instance(ty, &fresh)).collect();
        let pairs: Vec<(&Type, &Type)> = arguments.iter().map(|a| &a.ty).zip(&parameters).collect();
        let fits = self.inference.assignable(&pairs);
        fits.then(|| self.inference.resolved(&instance(&overload.result, &fresh)))
    }

    /// Checks `matches`, whose pattern is compiled ahead of time.
    fn matches(&mut self, place: Place, arguments: Vec<TypedExpr>) -> TypedExpr {
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
            let help = text.starts_with(['*', '+', '?']).then(|| {
                "`*` repeats what is before it: any text is `.*`, and `endsWith` or `contains` need no pattern"
                    .to_owned()
            });
            return self.fail(place, Problem::new(code::BAD_PATTERN, pattern_place, message).maybe_help(help));
        }
        typed(TypedKind::Call(Function::Matches, arguments), Type::Bool, place)
    }

    /// Checks `matchesTemplate`. Its template is compiled to a pattern.
    fn matches_template(&mut self, place: Place, mut arguments: Vec<TypedExpr>) -> TypedExpr {
        let Some(argument) = arguments.get_mut(1) else { return failed(place) };
        let template_place = (argument.start, argument.end);
        let TypedKind::Literal(ScalarConstant::String(text)) = &mut argument.kind else {
            if argument.ty == Type::Error {
                return failed(place);
            }
            let message = "the template of `matchesTemplate` must be a string literal";
            let help = "templates are compiled ahead; use `startsWith` with a value of the request";
            return self.fail(place, Problem::new(code::NOT_CONSTANT, template_place, message).help(help));
        };
        match template::pattern(text) {
            Ok(pattern) => *text = pattern,
            Err(reason) => {
                let message = format!("`{text}` is not the template of a path: {reason}");
                let help =
                    "write `/orders/{id}/returns`: `{name}` or `{*}` for one part, `{**}` at the end for the rest";
                return self.fail(place, Problem::new(code::BAD_PATTERN, template_place, message).help(help));
            }
        }
        typed(TypedKind::Call(Function::Matches, arguments), Type::Bool, place)
    }

    /// Checks `inNetworks`. Its networks become a set.
    fn in_networks(&mut self, place: Place, arguments: Vec<TypedExpr>) -> TypedExpr {
        let Some(list) = arguments.get(1) else { return failed(place) };
        let literal =
            |element: &Element<TypedExpr>| matches!(element.value.kind, TypedKind::Literal(_)) && !element.optional;
        let elements = match &list.kind {
            TypedKind::List(elements) if elements.iter().all(literal) => elements,
            _ if list.ty == Type::Error => return failed(place),
            _ => {
                let message = "the networks of `inNetworks` must be a list of string literals";
                let help = "write `source.ip.inNetworks(['10.0.0.0/8', '2001:db8::/32'])`; a network of the request is `cidr(...).containsIP(...)`";
                return self.fail(place, Problem::new(code::NOT_CONSTANT, (list.start, list.end), message).help(help));
            }
        };
        for element in elements {
            let TypedKind::Literal(ScalarConstant::String(text)) = &element.value.kind else { continue };
            if Networks::of([text.as_str()]).is_none() {
                let message = format!("`{text}` is not a network");
                let help = match text.parse::<std::net::IpAddr>() {
                    Ok(address) => {
                        format!("write `{text}/{}` for one address", if address.is_ipv4() { 32 } else { 128 })
                    }
                    Err(_) => "write `10.0.0.0/8` or `2001:db8::/32`".to_owned(),
                };
                let at = (element.value.start, element.value.end);
                return self.fail(place, Problem::new(code::BAD_LITERAL, at, message).help(help));
            }
        }
        typed(TypedKind::Call(Function::InNetworks, arguments), Type::Bool, place)
    }

    /// Checks a function of a timestamp and a time zone. The rules of the zone are put into the artifact.
    fn check_zone(&mut self, place: Place, arguments: Vec<TypedExpr>, function: &'static str) -> TypedExpr {
        let Some(argument) = arguments.get(1) else { return failed(place) };
        let zone_place = (argument.start, argument.end);
        match &argument.kind {
            TypedKind::Literal(ScalarConstant::String(name)) if zone::is_known(name) => {}
            TypedKind::Literal(ScalarConstant::String(name)) => {
                let message = format!("there is no time zone `{name}`");
                let help = zone::near(name).map_or_else(
                    || {
                        "write a name of the IANA database such as `Europe/Berlin`, or an offset such as `+05:30`"
                            .to_owned()
                    },
                    |near| format!("did you mean `{near}`?"),
                );
                return self.refuse(place, Problem::new(code::BAD_ZONE, zone_place, message).help(help));
            }
            TypedKind::Literal(_) | TypedKind::Fail => {}
            _ if argument.ty == Type::Error => return failed(place),
            _ => {
                let message = format!("the time zone of `{function}` must be a string literal");
                let help = "the rules of time zones are compiled ahead; choose between literals with `? :`";
                return self.fail(place, Problem::new(code::NOT_CONSTANT, zone_place, message).help(help));
            }
        }
        typed(TypedKind::Call(Function::Library(function), arguments), Type::Int, place)
    }
}

fn is_in(name: &str, name_space: &str) -> bool {
    name.strip_prefix(name_space).is_some_and(|rest| rest.starts_with('.'))
}

fn is_generic(ty: &Type) -> bool {
    matches!(ty, Type::Var(_)) || ty.parameters().into_iter().any(is_generic)
}

/// Returns a type of a signature with fresh type variables.
fn instance(ty: &Type, fresh: &[Type; 2]) -> Type {
    match ty {
        Type::Var(number) => fresh[usize::from(*number != 0)].clone(),
        Type::List(of) => Type::list(instance(of, fresh)),
        Type::Optional(of) => Type::optional(instance(of, fresh)),
        Type::Map(key, value) => Type::map(instance(key, fresh), instance(value, fresh)),
        other => other.clone(),
    }
}

/// Names that other languages use for functions of CEL.
const FOREIGN: &[(&str, &str)] = &[
    ("any", "exists"),
    ("some", "exists"),
    ("every", "all"),
    ("find", "filter"),
    ("len", "size"),
    ("length", "size"),
    ("count", "size"),
    ("isEmpty", "size"),
    ("includes", "contains"),
    ("has", "contains"),
    ("match", "matches"),
    ("hasPrefix", "startsWith"),
    ("hasSuffix", "endsWith"),
    ("strip", "trim"),
    ("lower", "lowerAscii"),
    ("toLower", "lowerAscii"),
    ("toLowerCase", "lowerAscii"),
    ("upper", "upperAscii"),
    ("toUpper", "upperAscii"),
    ("toUpperCase", "upperAscii"),
    ("now", "request.time"),
];

/// Returns the problem of a function that does not exist, or that is called in the other style.
fn unknown_function(call: Call<'_>, style: Style) -> Problem {
    let name = call.name;
    let other = match style {
        Style::Global => Style::Member,
        Style::Member => Style::Global,
    };
    let (message, help) = if declarations::exists(name, other) {
        let signature = declarations::signatures(name, other).join("` or `");
        (format!("`{name}` is not called like this"), Some(format!("it is `{signature}`")))
    } else if let Some(usage) = macros::usage(name) {
        (format!("`{name}` is not called like this"), Some(format!("it is `{usage}`")))
    } else {
        let known = declarations::names(style).chain(macros::names(style));
        let meant = FOREIGN.iter().find(|(foreign, _)| *foreign == name).map(|(_, meant)| *meant);
        let near = meant.or_else(|| near::nearest(name, known)).map(|near| format!("did you mean `{near}`?"));
        (format!("there is no function `{name}`"), near)
    };
    Problem::new(code::UNDECLARED_NAME, call.name_place, message).maybe_help(help)
}
