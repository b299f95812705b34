//! Departures of the `cel` crate from the specification of CEL or from cel-go. `docs/fuzzing.md` describes each under
//! its number here.
//!
//! A difference is known if the interpreter's result equals ours for the expression with all departures corrected.

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, ListExpr, MapExpr, SelectExpr, operators as op};
use cel::objects::Key;
use cel::{Context, IdedExpr, Value};

use super::tree::{bool, call, int, node};

/// Adds the functions that corrected trees call.
pub(super) fn add_functions(context: &mut Context<'_, '_>) {
    let added = [
        context.add_function("fix_is_double", |value: Value| matches!(value, Value::Float(_))),
        context.add_function("fix_text", |value: f64| general(value)),
        context.add_function("fix_is_sum", |a: Value, b: Value| !matches!((a, b), (Value::List(_), Value::Map(_)))),
        context.add_function("fix_is_in", |key: Value, of: Value| {
            let is_key =
                matches!(key, Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_) | Value::String(_));
            is_key || !matches!(of, Value::Map(_))
        }),
        context.add_function("fix_is_unsigned", |of: Value| match of {
            Value::String(text) => !text.starts_with('+'),
            _ => true,
        }),
        context.add_function("fix_fits_double", |of: Value| match of {
            // Infinity by its name is a valid text of a number.
            Value::String(text) => {
                text.to_ascii_lowercase().contains("inf") || !text.parse().is_ok_and(f64::is_infinite)
            }
            _ => true,
        }),
        context.add_function("fix_range", in_order),
    ];
    assert!(added.iter().all(Result::is_ok), "{added:?}");
}

/// Returns the tree with every departing operation corrected. Operands occur repeatedly in it, so it is slow.
pub(super) fn corrected(tree: &IdedExpr) -> IdedExpr {
    let expr = match &tree.expr {
        Expr::Call(of) => {
            let args: Vec<IdedExpr> = of.args.iter().map(corrected).collect();
            let target = of.target.as_deref().map(|target| Box::new(corrected(target)));
            return corrected_call(CallExpr { func_name: of.func_name.clone(), target, args });
        }
        Expr::Select(of) => Expr::Select(SelectExpr { operand: Box::new(corrected(&of.operand)), ..of.clone() }),
        Expr::List(of) => Expr::List(ListExpr::new(of.elements.iter().map(corrected).collect())),
        Expr::Map(of) => {
            let mut entries = of.entries.clone();
            for entry in &mut entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    (entry.key, entry.value) = (corrected(&entry.key), corrected(&entry.value));
                }
            }
            Expr::Map(MapExpr { entries })
        }
        Expr::Comprehension(of) => Expr::Comprehension(Box::new(ComprehensionExpr {
            // The order of a map's keys is not specified; the corrected tree uses ours.
            iter_range: call("fix_range", vec![corrected(&of.iter_range)]),
            loop_step: corrected_step(&of.loop_step),
            ..(**of).clone()
        })),
        other => other.clone(),
    };
    node(expr)
}

/// Corrects the step of a macro. What it appends to its result stays unchanged.
fn corrected_step(step: &IdedExpr) -> IdedExpr {
    let Expr::Call(of) = &step.expr else { return corrected(step) };
    match (of.func_name.as_str(), of.args.as_slice()) {
        (op::CONDITIONAL, [condition, then, otherwise]) => {
            call(op::CONDITIONAL, vec![corrected(condition), corrected_step(then), otherwise.clone()])
        }
        (op::ADD, [result, value]) => call(op::ADD, vec![result.clone(), corrected(value)]),
        _ => corrected(step),
    }
}

fn corrected_call(of: CallExpr) -> IdedExpr {
    let when = |guard: &str, then: IdedExpr, otherwise: IdedExpr| {
        call(op::CONDITIONAL, vec![call(guard, of.args.clone()), then, otherwise])
    };
    let this = node(Expr::Call(of.clone()));
    let error = || call(op::DIVIDE, vec![int(1), int(0)]);
    match (of.func_name.as_str(), of.args.len()) {
        // 1. The text of a double.
        ("string", 1) => when("fix_is_double", call("fix_text", of.args.clone()), this),
        // 2. A list plus a map.
        (op::ADD, 2) => when("fix_is_sum", this, error()),
        // 3. An invalid key, in a map.
        (op::IN, 2) => when("fix_is_in", this, bool(false)),
        // 4. A sign in the text of a uint.
        ("uint", 1) => when("fix_is_unsigned", this, error()),
        // 5. The text of a number that is larger than any double.
        ("double", 1) => when("fix_fits_double", this, error()),
        _ => this,
    }
}

/// Returns the keys of a map in our order: bools, numbers, strings. Any other value is returned unchanged.
fn in_order(of: Value) -> Value {
    let Value::Map(map) = of else { return of };
    let mut keys: Vec<&Key> = map.map.keys().collect();
    keys.sort_by_key(|key| match key {
        Key::Bool(value) => (0, i128::from(*value), ""),
        Key::Int(value) => (1, i128::from(*value), ""),
        Key::Uint(value) => (1, i128::from(*value), ""),
        Key::String(text) => (2, 0, text.as_str()),
    });
    keys.into_iter().map(Value::from).collect::<Vec<Value>>().into()
}

/// Formats a double as Go does with `%g`.
fn general(value: f64) -> String {
    if !value.is_finite() {
        let name = if value.is_nan() { "NaN" } else { "Inf" };
        let sign = if value.is_nan() {
            ""
        } else if value > 0.0 {
            "+"
        } else {
            "-"
        };
        return format!("{sign}{name}");
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ours::{self, How, Outcome};
    use super::super::theirs::{self, Theirs};
    use super::super::{compare, expand, inputs::INPUTS};
    use super::*;
    use context_mesh_core::vm::Value as Our;

    /// The list in `docs/fuzzing.md`: the number, the expression, our result and that of the `cel` crate.
    const DEPARTURES: &[(u8, &str, &str, &str)] = &[
        (1, "string(1e-7)", "1e-07", "0.0000001"),
        (1, "string(1234567.0)", "1.234567e+06", "1234567"),
        (1, "string(-1.0 / 0.0)", "-Inf", "-inf"),
        (2, "dyn([1]) + dyn({'a': 2})", "error", "[1, a]"),
        (3, "dyn([]) in {'a': 1}", "false", "error"),
        (3, "null in dyn({1: 2})", "false", "error"),
        (4, "uint('+' + '7')", "error", "7"),
        (5, "double('1e99' + '9')", "error", "inf"),
    ];

    fn their_text(theirs: &Theirs) -> String {
        fn text(value: &Value) -> String {
            match value {
                Value::Bool(value) => value.to_string(),
                Value::Int(value) => value.to_string(),
                Value::UInt(value) => value.to_string(),
                Value::Float(value) => value.to_string(),
                Value::String(value) => value.to_string(),
                Value::List(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
                other => format!("{other:?}"),
            }
        }
        match theirs {
            Theirs::Value(value) => text(value),
            Theirs::Error => "error".to_owned(),
            Theirs::Panic => "panic".to_owned(),
        }
    }

    fn our_text(ours: &Our<'_>) -> String {
        match ours {
            Our::Error(_) => "error".to_owned(),
            Our::String(text) => (*text).to_owned(),
            other => other.to_json().unwrap_or_else(|| format!("{other:?}")),
        }
    }

    #[test]
    fn the_list_says_what_both_sides_give() {
        for (number, text, expected, departure) in DEPARTURES {
            let tree = cel::Env::default().parser().parse(text).unwrap();
            let expanded = expand::expanded(&tree);
            let theirs = theirs::run(&expanded, &INPUTS[0]);
            assert_eq!(their_text(&theirs), *departure, "{number}. {text}");
            let how = How { lenient: true, folded: false };
            ours::run(&tree, &INPUTS[0], how, |ours| {
                let Outcome::Value(ours) = ours else { panic!("{text} does not run") };
                assert_eq!(our_text(&ours), *expected, "{number}. {text}");
                assert!(!compare::same(ours, &theirs), "{number}. {text}");
                assert!(compare::same(ours, &theirs::run_corrected(&expanded, &INPUTS[0])), "{number}. {text}");
            });
        }
    }
}
