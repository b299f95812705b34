//! Sorting with an order that can fail. All types share one implementation, because each copy of a sort adds some
//! kilobytes to the filter.

use core::cmp::Ordering;

use crate::vm::collection;
use crate::vm::env::Env;
use crate::vm::error::EvalErrorKind;
use crate::vm::value::Value;

/// Sorts the indices from 0 to below `count`; equal ones keep their original order. It is a merge sort from the bottom
/// up.
///
/// # Errors
/// The first error of `order`.
pub(super) fn indices(
    count: usize,
    order: &mut dyn FnMut(usize, usize) -> Result<Ordering, EvalErrorKind>,
) -> Result<Vec<usize>, EvalErrorKind> {
    let mut sorted: Vec<usize> = (0..count).collect();
    let mut next = Vec::with_capacity(count);
    let mut run = 1_usize;
    while run < count {
        next.clear();
        for pair in sorted.chunks(run.saturating_mul(2)) {
            let (left, right) = pair.split_at_checked(run).unwrap_or((pair, &[]));
            merge(left, right, &mut next, order)?;
        }
        core::mem::swap(&mut sorted, &mut next);
        run = run.saturating_mul(2);
    }
    Ok(sorted)
}

fn merge(
    mut left: &[usize],
    mut right: &[usize],
    into: &mut Vec<usize>,
    order: &mut dyn FnMut(usize, usize) -> Result<Ordering, EvalErrorKind>,
) -> Result<(), EvalErrorKind> {
    while let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) {
        if order(*a, *b)?.is_gt() {
            into.push(*b);
            right = right_rest;
        } else {
            into.push(*a);
            left = left_rest;
        }
    }
    into.extend_from_slice(left);
    into.extend_from_slice(right);
    Ok(())
}

/// Largest number of entries that are sorted by exchanging neighbours, which needs no memory.
const FEW: usize = 8;

/// Sorts the entries of a map by their keys.
///
/// # Errors
/// A key is duplicate or cannot be a key, or there is not enough fuel.
pub(in crate::vm) fn entries<'a>(
    entries: &mut [(Value<'a>, Value<'a>)],
    env: &mut Env<'a>,
) -> Result<(), EvalErrorKind> {
    let count = entries.len();
    let units = u64::try_from(count).unwrap_or(u64::MAX);
    env.burn(crate::vm::cost::CostClass::Sorting.fuel(units))?;
    if count <= FEW {
        for end in (1..count).rev() {
            for at in 0..end {
                if compare(entries, at, at.saturating_add(1), env)?.is_gt() {
                    entries.swap(at, at.saturating_add(1));
                }
            }
        }
    } else {
        let order = indices(count, &mut |a, b| compare(entries, a, b, env))?;
        let sorted: Vec<_> = order.iter().filter_map(|index| entries.get(*index).copied()).collect();
        entries.iter_mut().zip(sorted).for_each(|(place, entry)| *place = entry);
    }
    for at in 1..count {
        if compare(entries, at.saturating_sub(1), at, env)?.is_eq() {
            return Err(EvalErrorKind::DuplicateKey);
        }
    }
    Ok(())
}

fn compare<'a>(
    entries: &[(Value<'a>, Value<'a>)],
    a: usize,
    b: usize,
    env: &mut Env<'a>,
) -> Result<Ordering, EvalErrorKind> {
    let (Some((a, _)), Some((b, _))) = (entries.get(a), entries.get(b)) else {
        return Err(EvalErrorKind::UnsupportedKey);
    };
    if let (Value::String(a), Value::String(b)) = (a, b) {
        env.burn_text(a.len().min(b.len()))?;
    }
    collection::key_order(*a, *b).ok_or(EvalErrorKind::UnsupportedKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn equal_elements_keep_their_order() {
        let keys = [3, 1, 2, 1, 3, 0, 2, 9, 0, 5, 4, 4];
        let sorted = indices(keys.len(), &mut |a, b| Ok(keys[a].cmp(&keys[b]))).unwrap();
        assert_eq!(sorted, [5, 8, 1, 3, 2, 6, 0, 4, 10, 11, 9, 7]);
        assert_eq!(indices(0, &mut |_, _| Ok(Ordering::Equal)).unwrap(), [0; 0]);
        assert_eq!(indices(2, &mut |_, _| Err(EvalErrorKind::TooDeep)), Err(EvalErrorKind::TooDeep));
    }
}
