//! Macros: calls that declare names, or whose arguments are not values.
//!
//! They are checked as written, not in their expanded form, so that problems refer to the source.

use super::calls::Call;
use super::check::{Checker, Declared, typed};
use super::declarations::Style;
use super::parse::{Expr, ExprKind, Literal, Place};
use super::problem::Problem;
use super::typed::{Element, Function, Loop, LoopResult, TypedExpr, TypedKind, WithOptional};
use super::types::Type;
use crate::report::diagnostic::code;

/// The usage of each macro, for help.
const USAGES: &[(&str, &str)] = &[
    ("has", "has(context.field)"),
    ("all", "list.all(x, condition)"),
    ("exists", "list.exists(x, condition)"),
    ("exists_one", "list.exists_one(x, condition)"),
    ("existsOne", "list.existsOne(x, condition)"),
    ("map", "list.map(x, value)` or `list.map(x, condition, value)"),
    ("filter", "list.filter(x, condition)"),
    ("transformList", "map.transformList(key, value, result)` or `map.transformList(key, value, condition, result)"),
    ("transformMap", "map.transformMap(key, value, result)` or `map.transformMap(key, value, condition, result)"),
    ("transformMapEntry", "map.transformMapEntry(key, value, {newKey: newValue})"),
    ("sortBy", "list.sortBy(x, key)"),
    ("optMap", "optional.optMap(x, value)"),
    ("optFlatMap", "optional.optFlatMap(x, optionalValue)"),
    ("cel.bind", "cel.bind(name, value, expression)"),
    ("math.greatest", "math.greatest(a, b, ...)` or `math.greatest(list)"),
    ("math.least", "math.least(a, b, ...)` or `math.least(list)"),
];

/// Returns the usage of a macro, or `None` if there is no such macro.
pub(super) fn usage(name: &str) -> Option<&'static str> {
    USAGES.iter().find(|(known, _)| *known == name).map(|(_, usage)| *usage)
}

/// Returns the names of the macros that are called in that style.
pub(super) fn names(style: Style) -> impl Iterator<Item = &'static str> {
    let is_global = |name: &str| name == "has" || name.contains('.');
    USAGES.iter().map(|(name, _)| *name).filter(move |name| is_global(name) == (style == Style::Global))
}

/// The names that a macro declares, with their types.
struct Names<'s> {
    first: (&'s str, Type),
    second: Option<(&'s str, Type)>,
}

impl Checker<'_> {
    /// Checks a call of a macro. Returns `None` if it is not a macro.
    pub(super) fn macro_call(&mut self, call: Call<'_>) -> Option<TypedExpr> {
        let Some(target) = call.target else {
            return match (call.name, call.arguments) {
                ("has", [argument]) => Some(self.has(call.place, argument)),
                _ => None,
            };
        };
        if let ExprKind::Ident(space) = &target.kind {
            let space = space.strip_prefix('.').unwrap_or(space);
            let known = match (space, call.name) {
                ("cel", "bind") => self.bind(call),
                ("cel", "block") => self.block(call),
                ("cel", "index" | "iterVar" | "accuVar") => self.generated(call),
                ("math", "greatest" | "least") => Some(self.extreme(call)),
                _ => None,
            };
            if known.is_some() {
                return known;
            }
        }
        self.member_macro(call, target)
    }

    fn member_macro(&mut self, call: Call<'_>, target: &Expr) -> Option<TypedExpr> {
        match (call.name, call.arguments) {
            ("all" | "exists" | "exists_one" | "existsOne" | "filter", [x, condition]) => {
                Some(self.over(call, target, [x, x], None, condition))
            }
            ("map", [x, value]) => Some(self.over(call, target, [x, x], None, value)),
            ("map", [x, condition, value]) => Some(self.over(call, target, [x, x], Some(condition), value)),
            ("all" | "exists" | "exists_one" | "existsOne", [x, y, condition]) => {
                Some(self.over(call, target, [x, y], None, condition))
            }
            ("transformList" | "transformMap" | "transformMapEntry", [x, y, value]) => {
                Some(self.over(call, target, [x, y], None, value))
            }
            ("transformList" | "transformMap" | "transformMapEntry", [x, y, condition, value]) => {
                Some(self.over(call, target, [x, y], Some(condition), value))
            }
            ("optMap" | "optFlatMap", [x, value]) => Some(self.with_optional(call, target, x, value)),
            ("sortBy", [x, key]) => Some(self.sort_by(call, target, x, key)),
            _ => None,
        }
    }

    /// Checks a macro over the elements of a list or the keys of a map. With two names it iterates over indices and
    /// elements, or over keys and values.
    fn over(
        &mut self,
        call: Call<'_>,
        target: &Expr,
        [first, second]: [&Expr; 2],
        filter: Option<&Expr>,
        value: &Expr,
    ) -> TypedExpr {
        let range = self.expr(target);
        let two = !std::ptr::eq(first, second);
        let (first_name, second_name) = match (self.name(call, first), self.name(call, second)) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(problem), _) | (_, Err(problem)) => return self.fail(call.place, problem),
        };
        if two && first_name == second_name {
            let message = format!("`{first_name}` is declared twice");
            return self.fail(call.place, Problem::new(code::NO_OVERLOAD, second.place, message));
        }
        let types = match &range.ty {
            Type::List(element) if two => (Type::Int, (**element).clone()),
            Type::List(element) => ((**element).clone(), Type::Dyn),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Error => (Type::Error, Type::Error),
            ty if ty.is_open() => (Type::Dyn, Type::Dyn),
            ty => {
                let message = format!("`{}` goes over a list or a map, and this is `{ty}`", call.name);
                let problem = Problem::new(code::NO_OVERLOAD, (range.start, range.end), message);
                return self.refuse(call.place, problem);
            }
        };
        let names =
            Names { first: (&first_name, types.0.clone()), second: two.then_some((second_name.as_str(), types.1)) };
        let ((filter, value), locals) = self
            .with_names(names, |checker| (filter.map(|filter| checker.condition(call, filter)), checker.expr(value)));
        self.loop_of(call, range, types.0, locals, filter, value)
    }

    fn loop_of(
        &mut self,
        call: Call<'_>,
        range: TypedExpr,
        key: Type,
        (first, second): (u32, Option<u32>),
        filter: Option<TypedExpr>,
        value: TypedExpr,
    ) -> TypedExpr {
        let value_type = value.ty.clone();
        let (result, filter, ty) = match call.name {
            "all" => (LoopResult::All(self.bool(call, value)), filter, Type::Bool),
            "exists" => (LoopResult::Exists(self.bool(call, value)), filter, Type::Bool),
            "exists_one" | "existsOne" => (LoopResult::ExistsOne(self.bool(call, value)), filter, Type::Bool),
            "filter" => {
                let element = typed(TypedKind::Local(first), key.clone(), (value.start, value.end));
                (LoopResult::List(element), Some(self.bool(call, value)), Type::list(key))
            }
            "transformMap" => (LoopResult::Map(value), filter, Type::map(key, value_type)),
            "transformMapEntry" => {
                let ty = self.entries(&value);
                (LoopResult::Entries(value), filter, ty)
            }
            _ => (LoopResult::List(value), filter, Type::list(value_type)),
        };
        typed(TypedKind::Loop(Box::new(Loop { range, first, second, filter, result })), ty, call.place)
    }

    /// Returns the type of the map that `transformMapEntry` builds from maps.
    fn entries(&mut self, value: &TypedExpr) -> Type {
        match &value.ty {
            Type::Map(..) | Type::Error => value.ty.clone(),
            ty if ty.is_open() => Type::map(Type::Dyn, Type::Dyn),
            ty => {
                let message = format!("`transformMapEntry` makes a map of each entry, and this is `{ty}`");
                let problem = Problem::new(code::NO_OVERLOAD, (value.start, value.end), message);
                self.problems.push(problem.help("write `{newKey: newValue}`"));
                Type::Error
            }
        }
    }

    fn condition(&mut self, call: Call<'_>, condition: &Expr) -> TypedExpr {
        let condition = self.expr(condition);
        self.bool(call, condition)
    }

    /// Checks that the condition of a macro is a bool.
    fn bool(&mut self, call: Call<'_>, condition: TypedExpr) -> TypedExpr {
        if !self.inference.assignable(&[(&Type::Bool, &condition.ty)]) {
            let place = (condition.start, condition.end);
            let message = format!("the condition of `{}` must be `bool`, and this is `{}`", call.name, condition.ty);
            self.problems.push(Problem::new(code::WRONG_TYPE, place, message));
        }
        condition
    }

    /// Checks `optMap` and `optFlatMap`.
    fn with_optional(&mut self, call: Call<'_>, target: &Expr, x: &Expr, value: &Expr) -> TypedExpr {
        let of = self.expr(target);
        let name = match self.name(call, x) {
            Ok(name) => name,
            Err(problem) => return self.fail(call.place, problem),
        };
        let inner = match &of.ty {
            Type::Optional(inner) => (**inner).clone(),
            ty if ty.is_open() => Type::Dyn,
            ty => {
                let message = format!("`{}` takes an optional, and this is `{ty}`", call.name);
                return self.refuse(call.place, Problem::new(code::NO_OVERLOAD, (of.start, of.end), message));
            }
        };
        let names = Names { first: (&name, inner), second: None };
        let (then, (local, _)) = self.with_names(names, |checker| checker.expr(value));
        let flat = call.name == "optFlatMap";
        let ty = match &then.ty {
            ty if !flat => Type::optional(ty.clone()),
            Type::Optional(_) => then.ty.clone(),
            ty if ty.is_open() => Type::optional(Type::Dyn),
            ty => {
                let message = format!("`optFlatMap` makes an optional, and this is `{ty}`");
                let problem = Problem::new(code::NO_OVERLOAD, (then.start, then.end), message);
                return self.refuse(call.place, problem.help("use `optMap`"));
            }
        };
        typed(TypedKind::WithOptional(Box::new(WithOptional { of, local, then, flat })), ty, call.place)
    }

    /// Checks `list.sortBy(x, key)`: the list is sorted by the list of its keys.
    fn sort_by(&mut self, call: Call<'_>, target: &Expr, x: &Expr, key: &Expr) -> TypedExpr {
        let list = self.expr(target);
        let name = match self.name(call, x) {
            Ok(name) => name,
            Err(problem) => return self.fail(call.place, problem),
        };
        let element = match &list.ty {
            Type::List(element) => (**element).clone(),
            ty if ty.is_open() => Type::Dyn,
            ty => {
                let message = format!("`sortBy` sorts a list, and this is `{ty}`");
                return self.refuse(call.place, Problem::new(code::NO_OVERLOAD, (list.start, list.end), message));
            }
        };
        let names = Names { first: (&name, element), second: None };
        let (key, (first, _)) = self.with_names(names, |checker| checker.expr(key));
        if !is_ordered(&key.ty) {
            let message = format!("`{}` has no order to sort by", key.ty);
            return self.refuse(call.place, Problem::new(code::NO_OVERLOAD, (key.start, key.end), message));
        }
        let (place, ty, keys) = ((list.start, list.end), list.ty.clone(), Type::list(key.ty.clone()));
        let whole = self.new_local();
        let of = || typed(TypedKind::Local(whole), ty.clone(), place);
        let result = LoopResult::List(key);
        let keys = typed(
            TypedKind::Loop(Box::new(Loop { range: of(), first, second: None, filter: None, result })),
            keys,
            call.place,
        );
        let sorted = TypedKind::Call(Function::Library("@sortByAssociatedKeys"), vec![of(), keys]);
        let sorted = typed(sorted, ty.clone(), call.place);
        typed(TypedKind::Let(whole, Box::new(list), Box::new(sorted)), ty, call.place)
    }

    /// Checks `cel.bind(name, value, expression)`.
    fn bind(&mut self, call: Call<'_>) -> Option<TypedExpr> {
        let [x, value, body] = call.arguments else { return None };
        let value = self.expr(value);
        Some(match self.name(call, x) {
            Ok(name) => self.let_in(call.place, &name, value, |checker| checker.expr(body)),
            Err(problem) => self.fail(call.place, problem),
        })
    }

    fn let_in(
        &mut self,
        place: Place,
        name: &str,
        value: TypedExpr,
        body: impl FnOnce(&mut Self) -> TypedExpr,
    ) -> TypedExpr {
        let names = Names { first: (name, value.ty.clone()), second: None };
        let (body, (local, _)) = self.with_names(names, body);
        let ty = body.ty.clone();
        typed(TypedKind::Let(local, Box::new(value), Box::new(body)), ty, place)
    }

    /// Checks `cel.block([values], expression)`, which tools generate. The expression refers to the values as
    /// `cel.index(n)`.
    fn block(&mut self, call: Call<'_>) -> Option<TypedExpr> {
        let [values, body] = call.arguments else { return None };
        let ExprKind::List(values) = &values.kind else { return None };
        let values: Vec<&Expr> = values.iter().map(|(value, _)| value).collect();
        Some(self.block_from(call.place, 0, &values, body))
    }

    fn block_from(&mut self, place: Place, index: usize, values: &[&Expr], body: &Expr) -> TypedExpr {
        let Some((value, rest)) = values.split_first() else { return self.expr(body) };
        let value = self.expr(value);
        let name = format!("@index{index}");
        self.let_in(place, &name, value, |checker| checker.block_from(place, index + 1, rest, body))
    }

    /// Checks `cel.index(n)`, `cel.iterVar(n, m)` and `cel.accuVar(n, m)`: names that tools generate.
    fn generated(&mut self, call: Call<'_>) -> Option<TypedExpr> {
        let name = generated_name(call.name, call.arguments)?;
        Some(self.ident(&name, call.place))
    }

    /// Checks `math.greatest` and `math.least`, of a list of numbers or of any number of arguments.
    fn extreme(&mut self, call: Call<'_>) -> TypedExpr {
        let name = if call.name == "greatest" { "math.greatest" } else { "math.least" };
        let all: Vec<TypedExpr> = call.arguments.iter().map(|argument| self.expr(argument)).collect();
        if all.is_empty() {
            let message = format!("`{name}` takes at least one number");
            return self.refuse(call.place, Problem::new(code::NO_OVERLOAD, call.name_place, message));
        }
        let is_number = |ty: &Type| ty.is_number() || ty.is_open();
        if let [one] = all.as_slice()
            && let Type::List(element) = &one.ty
            && is_number(element)
        {
            let ty = (**element).clone();
            return typed(TypedKind::Call(Function::Library(name), all), ty, call.place);
        }
        // A single argument of an open type may turn out to be a list.
        if let [one] = all.as_slice()
            && one.ty.is_open()
            && !matches!(one.kind, TypedKind::Literal(_))
        {
            return typed(TypedKind::Call(Function::Library(name), all), Type::Dyn, call.place);
        }
        for argument in &all {
            if !is_number(&argument.ty) || matches!(&argument.kind, TypedKind::List(_)) {
                let message = format!("`{name}` compares numbers, and this is `{}`", argument.ty);
                let place = (argument.start, argument.end);
                return self.refuse(call.place, Problem::new(code::NO_OVERLOAD, place, message));
            }
        }
        let same = all.windows(2).all(|pair| matches!(pair, [a, b] if a.ty == b.ty));
        let ty = all.first().filter(|_| same).map_or(Type::Dyn, |first| first.ty.clone());
        let elements = all.into_iter().map(|value| Element { value, optional: false }).collect();
        let list = typed(TypedKind::List(elements), Type::list(ty.clone()), call.place);
        typed(TypedKind::Call(Function::Library(name), vec![list]), ty, call.place)
    }

    /// Declares names while `work` runs. Returns its result, and the locals of the names.
    fn with_names<R>(&mut self, names: Names<'_>, work: impl FnOnce(&mut Self) -> R) -> (R, (u32, Option<u32>)) {
        let depth = self.scope.len();
        let mut declare = |(name, ty): (&str, Type)| {
            let local = self.new_local();
            self.scope.push(Declared { name: name.to_owned(), ty, local });
            local
        };
        let first = declare(names.first);
        let second = names.second.map(declare);
        let result = work(self);
        self.scope.truncate(depth);
        (result, (first, second))
    }

    fn new_local(&mut self) -> u32 {
        self.locals += 1;
        self.locals
    }

    /// Returns the name that a macro declares.
    fn name(&self, call: Call<'_>, expr: &Expr) -> Result<String, Problem> {
        match &expr.kind {
            ExprKind::Ident(name) if !name.starts_with('.') => return Ok(name.clone()),
            ExprKind::Call { name, arguments, .. } => {
                if let Some(name) = generated_name(name, arguments) {
                    return Ok(name);
                }
            }
            _ => {}
        }
        let message = format!("`{}` declares a name here, for example `x`", call.name);
        let usage = usage(call.name).or_else(|| usage(&format!("cel.{}", call.name)));
        let help = usage.map(|usage| format!("it is `{usage}`"));
        Err(Problem::new(code::NO_OVERLOAD, expr.place, message).maybe_help(help))
    }
}

fn generated_name(function: &str, arguments: &[Expr]) -> Option<String> {
    let number = |expr: &Expr| match &expr.kind {
        ExprKind::Literal(Literal::Int(number)) => Some(*number),
        _ => None,
    };
    match (function, arguments) {
        ("index", [n]) => Some(format!("@index{}", number(n)?)),
        ("iterVar", [n, m]) => Some(format!("@it:{}:{}", number(n)?, number(m)?)),
        ("accuVar", [n, m]) => Some(format!("@ac:{}:{}", number(n)?, number(m)?)),
        _ => None,
    }
}

/// Whether values of a type can be sorted.
fn is_ordered(ty: &Type) -> bool {
    let ordered = matches!(ty, Type::Bool | Type::String | Type::Bytes | Type::Timestamp | Type::Duration);
    ordered || ty.is_number() || ty.is_open()
}
