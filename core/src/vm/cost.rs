//! The growth of costs: for the machine, which burns them as fuel, and for the compiler, which adds them up with upper
//! bounds of the sizes. The tables of instructions and functions contain the class of each.
//!
//! The unit of fuel is one simple instruction. The unit of size is one element of a list, one entry of a map or 64
//! bytes of text. Sizes are deep: a list costs one for each element, plus the costs of the elements themselves. Values
//! that a condition makes also cost one for every 64 bytes, and are limited to [`crate::limits::MAX_MADE_BYTES`] per
//! decision.

use super::value::Value;

/// Number of bytes of text that cost as much as one element.
pub const BYTES_PER_UNIT: usize = 64;

/// How the cost of an instruction or a function grows with the sizes of its operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CostClass {
    /// It does not grow.
    Fixed,
    /// The operands are read once.
    Linear,
    /// The operands are read once for each doubling of the number of elements.
    Sorting,
    /// Every element of the operands is compared with every other one.
    Quadratic,
}

impl CostClass {
    /// Returns the fuel for operands of this total size, in addition to the one unit of the instruction itself.
    pub const fn fuel(self, units: u64) -> u64 {
        match self {
            Self::Fixed => 0,
            Self::Linear => units,
            Self::Sorting => {
                let doublings = match units.checked_ilog2() {
                    Some(log) => log.saturating_add(1),
                    None => 0,
                };
                #[expect(clippy::as_conversions, reason = "a conversion that loses nothing, in a const function")]
                units.saturating_mul(doublings as u64)
            }
            Self::Quadratic => units.saturating_mul(units),
        }
    }
}

impl CostClass {
    /// Returns the most fuel that an instruction or function of this class takes, including itself, for operands of
    /// this total deep size. Reading may take several passes: one to measure, one to convert, one to use. The result is
    /// not included: it costs one unit for every 64 bytes, and a decision may make [`crate::limits::MAX_MADE_BYTES`].
    pub const fn bound(self, units: u64) -> u64 {
        self.fuel(units).saturating_mul(4).saturating_add(1)
    }
}

/// Returns the size of a text or bytes, in units.
pub(crate) fn text_units(bytes: usize) -> u64 {
    u64::try_from(bytes.wrapping_div(BYTES_PER_UNIT)).unwrap_or(u64::MAX)
}

/// Returns the size of a value in units of fuel, as far as it is known without reading the value. The contents of the
/// elements of a list that a condition made are not included.
pub(super) fn units(value: Value<'_>) -> u64 {
    let elements = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    match value {
        Value::String(text) | Value::Json(text, _) => text_units(text.len()),
        Value::Bytes(bytes) => text_units(bytes.len()),
        Value::JsonList(list) => text_units(list.text.len()),
        Value::JsonMap(map) => text_units(map.text.len()),
        Value::Constants(items) => elements(items.len()),
        Value::List(items) => elements(items.len()),
        // One look-up, if the set is not empty.
        Value::StringSet(words) => elements(words.len().min(1)),
        Value::ConstantMap(entries) => elements(entries.len().min(1)),
        Value::Map(entries) => elements(entries.len().min(1)),
        Value::Headers(headers) => elements(headers.len()),
        Value::Pairs(pairs) => elements(pairs.len()),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;

    use super::*;
    use crate::tables::Scalar;
    use crate::vm::collection;
    use crate::vm::env::Env;
    use crate::vm::function::Function;
    use crate::vm::fuse::Operator;
    use crate::vm::library::arithmetic;
    use crate::vm::op::{Op, TABLE};
    use crate::vm::operator;
    use crate::vm::parsed;
    use crate::vm::select;
    use crate::vm::value::{Parsed, Timestamp, Value};
    use Value::{Int, List, String as Text};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Returns the deep size of a value.
    fn size(value: Value<'_>) -> u64 {
        match value {
            Value::List(items) => items.iter().map(|item| 1 + size(*item)).sum(),
            Value::Map(entries) => entries.iter().map(|(key, value)| 1 + size(*key) + size(*value)).sum(),
            Value::Json(text, _) | Value::JsonList(&Parsed { text, .. }) | Value::JsonMap(&Parsed { text, .. }) => {
                text_units(text.len()) + text.matches(',').count() as u64 + 1
            }
            Value::Optional(Some(value)) => 1 + size(*value),
            value => units(value),
        }
    }

    type Run<'r, 'a> = &'r dyn Fn(&mut Env<'a>, &[Value<'a>]);

    fn check<'a>(arena: &'a Bump, name: &str, class: CostClass, arguments: &[Value<'a>], run: Run<'_, 'a>) {
        let mut env = Env::new(arena, &[]);
        let full = env.fuel();
        run(&mut env, arguments);
        let used = full - env.fuel() + 1;
        let units = arguments.iter().map(|argument| size(*argument)).sum();
        let bound = class.bound(units) + text_units(env.made());
        assert!(used <= bound, "{name}: used {used}, bound {bound}, for {arguments:?}");
    }

    /// Calls `act` with all selections of this number of values.
    fn for_each<'a>(pool: &[Value<'a>], count: u32, chosen: &mut Vec<Value<'a>>, act: &mut dyn FnMut(&[Value<'a>])) {
        let Some(rest) = count.checked_sub(1) else { return act(chosen) };
        for value in pool {
            chosen.push(*value);
            for_each(pool, rest, chosen, act);
            chosen.pop();
        }
    }

    #[test]
    fn nothing_costs_more_than_its_bound() {
        let long = "long text ".repeat(100);
        let texts: Vec<Value<'_>> = (0..20).map(|at| Text(long.get(at..).unwrap())).collect();
        let numbers: Vec<Value<'_>> = (0..40).map(Int).collect();
        let nested = [List(&texts), List(&numbers)];
        let optionals = [Value::Optional(Some(&Int(1))), Value::Optional(None)];
        let entries: Vec<_> = (0..40).map(|key| (Int(key), Text(&long))).collect();
        let json = format!("[{}]", vec!["\"an \\n escape\""; 50].join(","));
        let object = format!("{{{}}}", (0..50).map(|key| format!("\"k{key}\":[1,2,3]")).collect::<Vec<_>>().join(","));
        let arena = Bump::new();
        let parse = |value| parsed::parse(value, &mut Env::new(&arena, &[]));
        let pool = [
            Int(3),
            Text("long"),
            Text(&long),
            Value::Bytes(long.as_bytes()),
            List(&texts),
            List(&numbers),
            List(&nested),
            List(&optionals),
            Value::Map(&entries),
            Value::Json(&json, Scalar::String),
            Value::Json(&object, Scalar::Any),
            parse(Value::Json(&json, Scalar::String)),
            parse(Value::Json(&object, Scalar::Any)),
            Value::Timestamp(Timestamp { seconds: 0, nanos: 0 }),
            Text("%s"),
        ];
        for function in Function::ALL {
            for_each(&pool, function.arity(), &mut Vec::new(), &mut |arguments| {
                check(&arena, function.name(), function.cost(), arguments, &|env, arguments| {
                    let shallow = arguments.iter().map(|argument| units(*argument)).sum();
                    env.burn(function.cost().fuel(shallow)).unwrap();
                    let _ = function.call(env, arguments);
                });
            });
        }
        let unary: [(Op, Run<'_, '_>); 5] = [
            (Op::Size(0), &|env, of| {
                let _ = collection::length(of[0], env);
            }),
            (Op::Member(0), &|env, of| {
                let _ = select::select(of[0], Text("k7"), env);
            }),
            (Op::HasMember(0), &|env, of| {
                let _ = select::has(of[0], Text("k7"), env);
            }),
            (Op::OptMember(0), &|env, of| {
                let _ = select::select_optional(of[0], Text("k7"), env);
            }),
            (Op::Neg(0), &|_, of| {
                let _ = arithmetic::negate(of[0]);
            }),
        ];
        for (op, run) in unary {
            for_each(&pool, 1, &mut Vec::new(), &mut |of| check(&arena, op.mnemonic(), op.cost(), of, run));
        }
        let mut checked = 0;
        for op in TABLE.iter().filter_map(|known| Op::decode(known.code.into())) {
            let Some(operator) = Operator::of(op) else { continue };
            for_each(&pool, 2, &mut Vec::new(), &mut |pair| {
                check(&arena, op.mnemonic(), op.cost(), pair, &|env, pair| {
                    let _ = operator::apply(operator, env, pair[0], pair[1]);
                });
            });
            checked += 1;
        }
        assert_eq!(checked, 17, "the operators of two values");
    }
}
