//! Compares a decision with many rules, none of which matches, with the same number of programs of the `cel` crate run
//! one after the other.

use std::hint::black_box;

use cel::Value;

use super::decision::{Decision, compile};
use super::theirs::Compiler;
use super::timing::{self, Pair, Plan};
use crate::rule_sets::{self, Set, tree};

/// The numbers of rules that are measured.
pub const COUNTS: [usize; 4] = [10, 100, 1000, 10_000];

/// Returns the condition of a rule.
pub fn condition(number: usize) -> String {
    rule_sets::cel(&Set::Uniform.condition(number))
}

/// Times a decision with this number of rules.
///
/// # Errors
/// The rules do not compile, or one of them matches.
pub fn measure(plan: Plan, count: usize) -> Result<Pair, String> {
    let mut decision = Decision::load(&compile(&tree(&Set::Uniform.conditions(count)))?)?;
    let compiler = Compiler::new()?;
    let variables = compiler.variables();
    let programs: Result<Vec<_>, _> = (0..count).map(|number| compiler.compile(&condition(number))).collect();
    let programs = programs?;
    let run_all = || programs.iter().all(|program| program.execute(&variables) == Ok(Value::Bool(false)));
    if decision.rules() != count || !decision.decide() || !run_all() {
        return Err(format!("of {count} rules, one matched or ended with an error"));
    }
    Ok(timing::pair(plan, || _ = black_box(decision.decide()), || _ = black_box(run_all())))
}
