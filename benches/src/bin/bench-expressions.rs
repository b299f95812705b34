//! Compares expressions and rules in our virtual machine and in the interpreter of the `cel` crate, in less than half a
//! minute. `make bench-quick` runs it first. With words as arguments, only the kinds that contain one of them are
//! measured.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use context_mesh_benches::native::expressions::{ALL, Expression};
use context_mesh_benches::native::ours::{self, Side};
use context_mesh_benches::native::rules;
use context_mesh_benches::native::table::{self, Costs};
use context_mesh_benches::native::theirs::{self, Compiler};
use context_mesh_benches::native::timing::{self, Plan};

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match run(Plan::QUICK, &wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench-expressions: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: Plan, wanted: &[String]) -> Result<(), String> {
    let started = Instant::now();
    println!("{}\n{}", about(plan), table::head());
    let is_wanted = |kind: &str| wanted.is_empty() || wanted.iter().any(|word| kind.contains(word.as_str()));
    let mut results = Vec::new();
    for expression in ALL.iter().filter(|expression| is_wanted(expression.kind)) {
        let costs = measure(plan, expression)?;
        println!("{}", table::line(expression, costs));
        results.push((*expression, costs));
    }
    println!(
        "\n{}\n\na decision over deny rules of which none matches: {}",
        table::summary(&results),
        rules::condition(7)
    );
    for count in rules::COUNTS {
        if is_wanted("rules") {
            println!("{}", table::rules_line(count, rules::measure(plan, count)?));
        }
    }
    println!("took {:.0} s\n", started.elapsed().as_secs_f64());
    Ok(())
}

/// Returns our times, and theirs if the other interpreter can run the expression.
fn measure(plan: Plan, expression: &Expression) -> Result<Costs, String> {
    let program = ours::compile(expression.text)?;
    let mut sides = [Side::default(), Side::default()];
    let our_value = sides[0].value(&program).map_err(|error| format!("{}: ours: {error}", expression.text))?;
    let [first, next] = &mut sides;
    let mut first = || first.decide(&program, 1, |value| _ = black_box(value));
    let mut next = || next.decide(&program, ours::EVALUATIONS, |value| _ = black_box(value));
    let costs = |first: f64, next: f64, theirs| Costs { first, next: next / f64::from(ours::EVALUATIONS), theirs };

    let compiler = Compiler::new()?;
    let variables = compiler.variables();
    let their_program = compiler.compile(expression.text);
    let their_program = their_program.and_then(|program| Ok((theirs::value(&program, &variables)?, program)));
    let (their_value, their_program) = match their_program {
        Ok(both) => both,
        Err(error) => {
            eprintln!("not in the cel crate: {}: {error}", expression.text);
            let [first, next] = timing::side_by_side(plan, [&mut first, &mut next]);
            return Ok(costs(first, next, None));
        }
    };
    if our_value != their_value {
        return Err(format!("{}: ours is {our_value}, theirs {their_value}", expression.text));
    }
    let mut theirs = || drop(black_box(their_program.execute(&variables)));
    let [first, next, theirs] = timing::side_by_side(plan, [&mut first, &mut next, &mut theirs]);
    Ok(costs(first, next, Some(theirs)))
}

fn about(plan: Plan) -> String {
    format!(
        "Expressions in the virtual machine of Context Mesh and in the interpreter of the cel crate, in ns an evaluation.
The request has 10 headers and 7 context fields.
  first  ours, alone in a decision of its own: the machine is prepared and every attribute is read from the request anew
  next   ours, as one of {} evaluations in a decision, as with many rules: the attributes are read once a decision,
         the expression itself is computed each time; a share of preparing the machine is in it
  cel    parsed once, run on variables that were converted once, which is not in it
  ratio  cel / next: both sides know the request already. The target, {}, is about it; first is for comparison
Ours is compiled to an artifact, loaded, verified. Equal values are checked first. The fastest of {} rounds, taking turns.
",
        ours::EVALUATIONS,
        table::TARGET,
        plan.rounds
    )
}
