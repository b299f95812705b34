//! A sort whose code is small.
//!
//! Each use of the standard library's sorts adds 5 to 10 KB to the filter, and each KB takes about a millisecond when it
//! is loaded. This one is a heap sort: never slower than n log n, not stable, and about as fast for the few items of a
//! request.

/// Sorts by the order of the items. Equal items may change places.
pub(crate) fn sort<T: Ord>(items: &mut [T]) {
    sort_by(items, |a, b| a < b);
}

/// Sorts so that no item comes before another that is `less`. Equal items may change places.
pub(crate) fn sort_by<T>(items: &mut [T], less: impl Fn(&T, &T) -> bool) {
    // Most lists of a request are in order already.
    if items.is_sorted_by(|a, b| !less(b, a)) {
        return;
    }
    for parent in (0..items.len().div_ceil(2)).rev() {
        sink(items, parent, &less);
    }
    for end in (1..items.len()).rev() {
        items.swap(0, end);
        sink(items.get_mut(..end).unwrap_or_default(), 0, &less);
    }
}

/// Moves an item down until none of its two children is greater.
fn sink<T>(items: &mut [T], mut parent: usize, less: &impl Fn(&T, &T) -> bool) {
    loop {
        let left = parent.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        let child = match (items.get(left), items.get(right)) {
            (Some(one), Some(other)) if less(one, other) => right,
            (Some(_), _) => left,
            (None, _) => return,
        };
        match (items.get(parent), items.get(child)) {
            (Some(above), Some(below)) if less(above, below) => items.swap(parent, child),
            _ => return,
        }
        parent = child;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn lists_of_all_lengths_are_sorted_as_by_the_standard_library() {
        // A linear congruential generator, so that the lists are the same each time.
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        for length in 0..130 {
            let list: Vec<u32> = (0..length).map(|_| next()).collect();
            let mut expected = list.clone();
            expected.sort_unstable();
            let mut sorted = list.clone();
            sort(&mut sorted);
            assert_eq!(sorted, expected, "{list:?}");
            sort_by(&mut sorted, |a, b| a > b);
            expected.reverse();
            assert_eq!(sorted, expected, "{list:?}");
        }
    }
}
