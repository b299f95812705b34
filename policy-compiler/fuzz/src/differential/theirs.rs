//! The other side: the interpreter of the `cel` crate.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Once};

use cel::{Context, Env, IdedExpr, Value};

use super::departures;
use super::inputs::Input;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Treats a panic of the interpreter as an outcome. Any other panic is still a finding of libFuzzer.
fn expect_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let outer = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !RUNNING.get() {
                outer(info);
            }
        }));
    });
}

/// The result of the interpreter.
#[derive(Debug)]
pub(super) enum Theirs {
    Value(Value),
    Error,
    /// It panicked.
    Panic,
}

/// Runs a tree without macros.
pub(super) fn run(tree: &IdedExpr, input: &Input) -> Theirs {
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.add_variable_from_value("context", input.variable.clone());
    resolve(tree, &context)
}

/// Runs a tree without macros, with departures from the specification corrected.
pub(super) fn run_corrected(tree: &IdedExpr, input: &Input) -> Theirs {
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.add_variable_from_value("context", input.variable.clone());
    departures::add_functions(&mut context);
    resolve(&departures::corrected(tree), &context)
}

fn resolve(tree: &IdedExpr, context: &Context<'_, '_>) -> Theirs {
    expect_panics();
    RUNNING.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| Value::resolve(tree, context)));
    RUNNING.set(false);
    match result {
        Ok(Ok(value)) => Theirs::Value(value),
        Ok(Err(_)) => Theirs::Error,
        Err(_) => Theirs::Panic,
    }
}
