//! Calls library functions in tests.

use std::cell::RefCell;

use bumpalo::Bump;

use crate::tables::ZoneTable;
use crate::vm::env::Env;
use crate::vm::function::Function;
use crate::vm::value::Value;

thread_local! {
    static ZONES: RefCell<Vec<ZoneTable>> = const { RefCell::new(Vec::new()) };
}

/// Runs tests with a time zone of this name.
pub(crate) fn zone_named<T>(name: &str, initial: i32, run: impl FnOnce() -> T) -> T {
    ZONES.set(vec![ZoneTable { name: name.into(), initial, transitions: vec![] }]);
    let result = run();
    ZONES.take();
    result
}

/// Returns the result of a function as debug text; an error by its name.
pub(crate) fn call(name: &str, arguments: &[Value<'_>]) -> String {
    let function = Function::from_name(name, arguments.len() as u32).unwrap();
    let zones = ZONES.with_borrow(Clone::clone);
    let arena = Bump::new();
    let arguments: Vec<Value<'_>> = arguments.to_vec();
    let mut env = Env::new(&arena, &zones);
    match function.call(&mut env, &arguments) {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.as_str().to_owned(),
    }
}
