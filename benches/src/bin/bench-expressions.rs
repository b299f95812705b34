//! Expressions and rules in our virtual machine and in the interpreter of the `cel` crate, in less than half a minute.
//! `make bench-quick` runs it first. With words as arguments it measures only the kinds that contain one of them.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use context_mesh_benches::native::expressions::{ALL, Expression};
use context_mesh_benches::native::ours::{self, Side};
use context_mesh_benches::native::rules;
use context_mesh_benches::native::table;
use context_mesh_benches::native::theirs::{self, Compiler};
use context_mesh_benches::native::timing::{self, Pair, Plan};

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
        let (ours, pair) = measure(plan, expression)?;
        println!("{}", table::line(expression, ours, pair));
        results.extend(pair.map(|pair| (*expression, pair)));
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

/// Our time, and both, where the other interpreter can run the expression.
fn measure(plan: Plan, expression: &Expression) -> Result<(f64, Option<Pair>), String> {
    let program = ours::compile(expression.text)?;
    let mut side = Side::default();
    let our_value = side.value(&program).map_err(|error| format!("{}: ours: {error}", expression.text))?;
    let mut run_ours = || side.evaluate(&program, |value| _ = black_box(value));

    let compiler = Compiler::new()?;
    let variables = compiler.variables();
    let their_program = compiler.compile(expression.text);
    let their_program = their_program.and_then(|program| Ok((theirs::value(&program, &variables)?, program)));
    let (their_value, their_program) = match their_program {
        Ok(both) => both,
        Err(error) => {
            eprintln!("not in the cel crate: {}: {error}", expression.text);
            return Ok((timing::pair(plan, &mut run_ours, || {}).ours, None));
        }
    };
    if our_value != their_value {
        return Err(format!("{}: ours is {our_value}, theirs {their_value}", expression.text));
    }
    let pair = timing::pair(plan, run_ours, || drop(black_box(their_program.execute(&variables))));
    Ok((pair.ours, Some(pair)))
}

fn about(plan: Plan) -> String {
    format!(
        "Expressions in the virtual machine of Context Mesh and in the interpreter of the cel crate, in ns an evaluation.
The request has 10 headers and 7 context fields. Ours: compiled to an artifact, loaded, verified; each evaluation is a
decision of its own on kept memory, so it reads its attributes from the request anew. cel: parsed once, run on
variables that were made once. Equal values are checked first. Medians of {} rounds, the two sides taking turns.
",
        plan.rounds
    )
}
