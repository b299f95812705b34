//! Compares our machine with the interpreter of the `cel` crate on generated expressions.

mod compare;
mod departures;
mod expand;
mod generate;
mod inputs;
mod ours;
mod print;
mod theirs;
mod tree;

use context_mesh_core::testing::programs::Numbers;
use generate::Generator;
use inputs::INPUTS;
use ours::{How, Outcome};

/// One execution. The first two bytes choose how the expression is run, the rest generates it.
///
/// # Panics
/// The two sides differ and no known departure of the other side explains it.
pub fn run(data: &[u8]) {
    if let Some(difference) = difference(data) {
        panic!("{difference}");
    }
}

/// Returns the results of both sides, if they differ.
fn difference(data: &[u8]) -> Option<String> {
    let [how, input, rest @ ..] = data else { return None };
    let how = How { lenient: how % 8 == 7, folded: (how >> 3) % 4 == 3 };
    let input = &INPUTS[usize::from(*input) % INPUTS.len()];
    let tree = Generator::new(&mut Numbers::new(rest)).whole();
    let expanded = expand::expanded(&tree);
    let theirs = theirs::run(&expanded, input);
    ours::run(&tree, input, how, |ours| match ours {
        Outcome::Refused | Outcome::Limit => None,
        Outcome::Value(value) if compare::same(value, &theirs) => None,
        Outcome::Value(value) if compare::same(value, &theirs::run_corrected(&expanded, input)) => None,
        Outcome::Value(value) => {
            Some(format!("{}\n  with {}\n  ours: {value:?}\n  theirs: {theirs:?}", print::text(&tree), input.name))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns pseudo-random bytes, the same on every run.
    pub(super) fn bytes(seed: u32, length: u32) -> Vec<u8> {
        let mut state = u64::from(seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    #[ignore = "prints the shortest differences among pseudo-random expressions; for adding to the departures"]
    fn differences() {
        let mut found: Vec<String> = (0..400_000).filter_map(|seed| difference(&bytes(seed, 8 + seed % 120))).collect();
        found.sort_by_key(String::len);
        found.dedup_by_key(|text| text.split("\n  with").next().map(str::to_owned));
        println!("{} differences", found.len());
        found.iter().take(40).for_each(|text| println!("{text}"));
        assert!(found.is_empty());
    }

    #[test]
    fn most_expressions_are_run_by_both() {
        let (mut values, mut errors, mut refused) = (0, 0, 0);
        for seed in 0..2000 {
            let tree = Generator::new(&mut Numbers::new(&bytes(seed, 120))).whole();
            let how = How { lenient: false, folded: false };
            ours::run(&tree, &INPUTS[0], how, |ours| match ours {
                Outcome::Refused | Outcome::Limit => refused += 1,
                Outcome::Value(context_mesh_core::vm::Value::Error(_)) => errors += 1,
                Outcome::Value(_) => values += 1,
            });
        }
        println!("{values} values, {errors} errors, {refused} refused");
        assert!(values > 800 && errors > 100 && refused < 400, "{values} values, {errors} errors, {refused} refused");
    }
}
