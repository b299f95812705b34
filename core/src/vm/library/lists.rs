//! Functions of lists.

use core::cmp::Ordering;

use super::{sort, strings};
use crate::limits::MAX_VALUE_DEPTH;
use crate::vm::collection;
use crate::vm::compare;
use crate::vm::env::{Env, Outcome};
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

const NO_OVERLOAD: EvalErrorKind = EvalErrorKind::NoSuchOverload;
const INVALID: EvalErrorKind = EvalErrorKind::InvalidArgument;

/// `reverse()` of a list or a string.
pub(in crate::vm) fn reverse<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    match arguments {
        [Value::String(text)] => strings::reverse(env, text),
        [list] => {
            let items = collection::values(*list, env)?;
            env.reserve(size_of_val(items))?;
            Ok(Value::List(env.arena.alloc_slice_fill_iter(items.iter().rev().copied())))
        }
        _ => Err(NO_OVERLOAD),
    }
}

/// `distinct()`: the first of equal elements is kept.
pub(in crate::vm) fn distinct<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list] = arguments else { return Err(NO_OVERLOAD) };
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in collection::values(*list, env)? {
        let mut known = false;
        for earlier in &kept {
            known = known || compare::equal(*item, *earlier, env)?;
        }
        if !known {
            kept.push(*item);
        }
    }
    env.list(&kept)
}

/// Returns a number that is not negative. A number that does not fit an address becomes the largest one, so that all
/// platforms have the same results.
fn amount(number: i64) -> Result<usize, EvalErrorKind> {
    if number < 0 { Err(INVALID) } else { Ok(usize::try_from(number).unwrap_or(usize::MAX)) }
}

/// `flatten()`, down to a depth; 1 if none is given.
pub(in crate::vm) fn flatten<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let (list, depth) = match arguments {
        [list] => (list, 1),
        [list, Value::Int(depth)] => (list, *depth),
        _ => return Err(NO_OVERLOAD),
    };
    // No value is nested deeper than this limit, so a greater depth changes nothing.
    let depth = amount(depth)?.min(MAX_VALUE_DEPTH);
    let mut flat = Vec::new();
    flatten_into(&mut flat, *list, depth, env)?;
    env.list(&flat)
}

fn flatten_into<'a>(
    flat: &mut Vec<Value<'a>>,
    list: Value<'a>,
    depth: usize,
    env: &mut Env<'a>,
) -> Result<(), EvalErrorKind> {
    for item in collection::values(list, env)? {
        env.burn(1)?;
        match depth.checked_sub(1) {
            Some(depth) if item.is_list() => flatten_into(flat, *item, depth, env)?,
            _ => {
                // Paid for while it grows: the same list may be contained many times.
                env.reserve(size_of::<Value<'_>>())?;
                flat.push(*item);
            }
        }
    }
    Ok(())
}

/// `lists.range()`
pub(in crate::vm) fn range<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [Value::Int(end)] = arguments else { return Err(NO_OVERLOAD) };
    let count = amount(*end)?;
    env.reserve(count.saturating_mul(size_of::<Value<'_>>()))?;
    let mut items = bumpalo::collections::Vec::with_capacity_in(count, env.arena);
    items.extend((0..*end).map(Value::Int));
    Ok(Value::List(items.into_bump_slice()))
}

/// `slice()`
pub(in crate::vm) fn slice<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list, Value::Int(start), Value::Int(end)] = arguments else { return Err(NO_OVERLOAD) };
    let items = collection::values(*list, env)?;
    let (start, end) = (usize::try_from(*start), usize::try_from(*end));
    let (Ok(start), Ok(end)) = (start, end) else { return Err(EvalErrorKind::IndexOutOfRange) };
    items.get(start..end).map(Value::List).ok_or(EvalErrorKind::IndexOutOfRange)
}

/// `sort()`
pub(in crate::vm) fn sort<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list] = arguments else { return Err(NO_OVERLOAD) };
    let items = collection::values(*list, env)?;
    sorted(env, items, items)
}

/// The function that `sortBy()` compiles to: the list and a list of the keys of its elements.
pub(in crate::vm) fn sort_by_keys<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list, keys] = arguments else { return Err(NO_OVERLOAD) };
    let (items, keys) = (collection::values(*list, env)?, collection::values(*keys, env)?);
    if items.len() == keys.len() { sorted(env, items, keys) } else { Err(INVALID) }
}

fn sorted<'a>(env: &mut Env<'a>, items: &'a [Value<'a>], keys: &'a [Value<'a>]) -> Outcome<'a> {
    if let [only] = keys {
        compare::order(*only, *only, env)?;
    }
    let order = sort::indices(items.len(), &mut |a, b| {
        let (Some(a), Some(b)) = (keys.get(a), keys.get(b)) else { return Err(INVALID) };
        if core::mem::discriminant(a) != core::mem::discriminant(b) {
            return Err(INVALID);
        }
        env.burn(1)?;
        Ok(compare::order(*a, *b, env)?.unwrap_or(Ordering::Equal))
    })?;
    let sorted: Vec<Value<'a>> = order.iter().filter_map(|index| items.get(*index).copied()).collect();
    env.list(&sorted)
}

/// `first()`, as an optional.
pub(in crate::vm) fn first<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list] = arguments else { return Err(NO_OVERLOAD) };
    end(env, *list, |_| 0)
}

/// `last()`, as an optional.
pub(in crate::vm) fn last<'a>(env: &mut Env<'a>, arguments: &[Value<'a>]) -> Outcome<'a> {
    let [list] = arguments else { return Err(NO_OVERLOAD) };
    end(env, *list, |length| length.saturating_sub(1))
}

fn end<'a>(env: &mut Env<'a>, list: Value<'a>, index: fn(usize) -> usize) -> Outcome<'a> {
    if !list.is_list() {
        return Err(NO_OVERLOAD);
    }
    let index = index(collection::length(list, env)?);
    match collection::element(list, index, env)? {
        Some(element) => env.some(element.or_error()?),
        None => Ok(Value::Optional(None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::Scalar;
    use crate::vm::library::testing::call;
    use Value::{Int, List};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(cases: &[(&str, &[Value<'_>], &str)]) {
        for (function, arguments, expected) in cases {
            assert_eq!(call(function, arguments), *expected, "{function}{arguments:?}");
        }
    }

    const ONE_TWO: Value<'_> = List(&[Int(1), Int(2)]);
    const NESTED: Value<'_> = List(&[Int(0), List(&[ONE_TWO]), List(&[])]);

    #[test]
    fn lists_are_turned_and_cut() {
        check(&[
            ("reverse", &[ONE_TWO], "List([Int(2), Int(1)])"),
            ("reverse", &[Value::Json("[1,2]", Scalar::Int)], "List([Int(2), Int(1)])"),
            ("reverse", &[Int(1)], "no-such-overload"),
            ("slice", &[ONE_TWO, Int(1), Int(2)], "List([Int(2)])"),
            ("slice", &[ONE_TWO, Int(2), Int(2)], "List([])"),
            ("slice", &[ONE_TWO, Int(0), Int(3)], "index-out-of-range"),
            ("slice", &[ONE_TWO, Int(2), Int(1)], "index-out-of-range"),
            ("slice", &[ONE_TWO, Int(-1), Int(1)], "index-out-of-range"),
            ("lists.range", &[Int(3)], "List([Int(0), Int(1), Int(2)])"),
            ("lists.range", &[Int(0)], "List([])"),
            ("lists.range", &[Int(-1)], "invalid-argument"),
            ("lists.range", &[Int(i64::MAX)], "out-of-memory"),
            ("first", &[ONE_TWO], "Optional(Some(Int(1)))"),
            ("last", &[ONE_TWO], "Optional(Some(Int(2)))"),
            ("last", &[List(&[])], "Optional(None)"),
            ("first", &[Value::String("ab")], "no-such-overload"),
        ]);
    }

    #[test]
    fn nested_lists_are_flattened_to_a_depth() {
        check(&[
            ("flatten", &[NESTED], "List([Int(0), List([Int(1), Int(2)])])"),
            ("flatten", &[NESTED, Int(2)], "List([Int(0), Int(1), Int(2)])"),
            ("flatten", &[NESTED, Int(i64::MAX)], "List([Int(0), Int(1), Int(2)])"),
            ("flatten", &[ONE_TWO, Int(0)], "List([Int(1), Int(2)])"),
            ("flatten", &[NESTED, Int(-1)], "invalid-argument"),
            ("flatten", &[Int(1)], "no-such-overload"),
        ]);
    }

    #[test]
    fn order_and_repetition() {
        let mixed = List(&[Int(1), Value::String("a"), Value::Uint(1), Value::Double(1.0), Value::String("a")]);
        let unsorted = List(&[Int(3), Int(1), Int(2)]);
        check(&[
            ("distinct", &[mixed], r#"List([Int(1), String("a")])"#),
            ("sort", &[unsorted], "List([Int(1), Int(2), Int(3)])"),
            ("sort", &[mixed], "invalid-argument"),
            ("sort", &[List(&[])], "List([])"),
            ("sort", &[List(&[Value::Null])], "no-such-overload"),
            ("sort", &[List(&[ONE_TWO, ONE_TWO])], "no-such-overload"),
            ("@sortByAssociatedKeys", &[List(&[Int(7), Int(8), Int(9)]), unsorted], "List([Int(8), Int(9), Int(7)])"),
            ("@sortByAssociatedKeys", &[ONE_TWO, unsorted], "invalid-argument"),
        ]);
    }
}
