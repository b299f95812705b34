//! The macros of the standard library, expanded as the `cel` crate's parser expands them.

use cel::IdedExpr;
use cel::common::ast::{
    ComprehensionExpr, EntryExpr, Expr, ListExpr, LiteralValue, MapExpr, SelectExpr, operators as op,
};

use super::tree::{bool, call, ident, int, list, node};

/// The name of a comprehension's accumulator.
const RESULT: &str = "@result";

/// Returns the tree with all macros expanded.
pub(super) fn expanded(tree: &IdedExpr) -> IdedExpr {
    let expr = match &tree.expr {
        Expr::Call(of) => match (of.func_name.as_str(), &of.target, of.args.as_slice()) {
            ("has", None, [argument]) => return presence(argument),
            (name @ ("all" | "exists" | "exists_one" | "map" | "filter"), Some(range), [variable, rest @ ..]) => {
                let Expr::Ident(variable) = &variable.expr else { return tree.clone() };
                let rest = rest.iter().map(expanded).collect();
                return comprehension(name, expanded(range), variable, rest);
            }
            _ => {
                let mut of = of.clone();
                of.args.iter_mut().for_each(|argument| *argument = expanded(argument));
                of.target.iter_mut().for_each(|target| **target = expanded(target));
                Expr::Call(of)
            }
        },
        Expr::Select(of) => Expr::Select(SelectExpr { operand: Box::new(expanded(&of.operand)), ..of.clone() }),
        Expr::List(of) => Expr::List(ListExpr::new(of.elements.iter().map(expanded).collect())),
        Expr::Map(of) => {
            let mut entries = of.entries.clone();
            for entry in &mut entries {
                if let EntryExpr::MapEntry(entry) = &mut entry.expr {
                    (entry.key, entry.value) = (expanded(&entry.key), expanded(&entry.value));
                }
            }
            Expr::Map(MapExpr { entries })
        }
        other => other.clone(),
    };
    node(expr)
}

fn presence(argument: &IdedExpr) -> IdedExpr {
    match &argument.expr {
        Expr::Select(of) => {
            let operand = Box::new(expanded(&of.operand));
            node(Expr::Select(SelectExpr { operand, field: of.field.clone(), test: true }))
        }
        _ => argument.clone(),
    }
}

fn comprehension(name: &str, range: IdedExpr, variable: &str, mut rest: Vec<IdedExpr>) -> IdedExpr {
    let result = || ident(RESULT);
    let body = rest.pop().unwrap_or_default();
    let truth = || node(Expr::Literal(LiteralValue::Boolean(true.into())));
    let appended = |value| call(op::ADD, vec![result(), list(vec![value])]);
    let (init, condition, step, last) = match name {
        "all" => (
            bool(true),
            call(op::NOT_STRICTLY_FALSE, vec![result()]),
            call(op::LOGICAL_AND, vec![result(), body]),
            result(),
        ),
        "exists" => (
            bool(false),
            call(op::NOT_STRICTLY_FALSE, vec![call(op::LOGICAL_NOT, vec![result()])]),
            call(op::LOGICAL_OR, vec![result(), body]),
            result(),
        ),
        "exists_one" => (
            int(0),
            truth(),
            call(op::CONDITIONAL, vec![body, call(op::ADD, vec![result(), int(1)]), result()]),
            call(op::EQUALS, vec![result(), int(1)]),
        ),
        "map" => {
            let step = match rest.pop() {
                Some(filter) => call(op::CONDITIONAL, vec![filter, appended(body), result()]),
                None => appended(body),
            };
            (list(vec![]), truth(), step, result())
        }
        _ => {
            let step = call(op::CONDITIONAL, vec![body, appended(ident(variable)), result()]);
            (list(vec![]), truth(), step, result())
        }
    };
    node(Expr::Comprehension(Box::new(ComprehensionExpr {
        iter_range: range,
        iter_var: variable.to_owned(),
        iter_var2: None,
        accu_var: RESULT.to_owned(),
        accu_init: init,
        loop_cond: condition,
        loop_step: step,
        result: last,
    })))
}

#[cfg(test)]
mod tests {
    use super::super::{print, tests::bytes};
    use super::*;
    use crate::differential::generate::Generator;
    use context_mesh_core::testing::programs::Numbers;

    /// Formats the tree as text, without ids.
    fn shape(tree: &IdedExpr) -> String {
        let text = format!("{tree:?}");
        let mut parts = text.split("id: ");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + part.trim_start_matches(|c: char| c.is_ascii_digit()))
    }

    #[test]
    fn trees_are_what_the_parser_makes_of_their_text() {
        for seed in 0..300 {
            let tree = Generator::new(&mut Numbers::new(&bytes(seed, 100))).whole();
            let text = print::text(&tree);
            let plain = cel::Env::default().parser().parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(shape(&plain), shape(&tree), "{text}");
            let parsed = cel::Env::stdlib().parser().parse(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(shape(&parsed), shape(&expanded(&tree)), "{text}");
        }
    }
}
