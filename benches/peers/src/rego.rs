//! `regorus`: one rule body for each rule, in the faster of its two modes: its virtual machine, which is reused, or its
//! interpreter of compiled policies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use context_mesh_benches::rule_sets::{Condition, Read, Term};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{CompiledPolicy, Engine, Value};

use crate::cedar;
use crate::engine::Decide;

const DENY: &str = "data.bench.deny";

pub fn prepare(conditions: &[Condition]) -> Result<Decide, String> {
    let mut text = "package bench\nimport rego.v1\ndefault deny := false\n".to_owned();
    for condition in conditions {
        let terms: Vec<String> = condition.iter().map(term).collect();
        text.push_str(&format!("deny if {{ {} }}\n", terms.join("; ")));
    }
    let mut engine = Engine::new();
    engine.add_policy("rules.rego".to_owned(), text).map_err(|error| error.to_string())?;
    let policy = engine.compile_with_entrypoint(&DENY.into()).map_err(|error| error.to_string())?;
    let input: Value = Value::from_json_str(&cedar::context().to_string()).map_err(|error| error.to_string())?;
    let mut modes = vec![("its interpreter", interpreter(policy.clone(), input.clone()))];
    match machine(&policy, input) {
        Ok(decide) => modes.push(("its virtual machine", decide)),
        Err(problem) => eprintln!("regorus, {} rules: no virtual machine: {problem:.200}", conditions.len()),
    }
    modes.retain_mut(|(_, decide)| decide());
    let (name, decide) = modes
        .into_iter()
        .map(|(name, mut decide)| (fastest(&mut decide), name, decide))
        .min_by_key(|(took, ..)| *took)
        .map(|(_, name, decide)| (name, decide))
        .ok_or("a rule matched or failed in every mode")?;
    eprintln!("regorus, {} rules: {name} is faster", conditions.len());
    Ok(decide)
}

fn interpreter(policy: CompiledPolicy, input: Value) -> Decide {
    Box::new(move || policy.eval_with_input(input.clone()).is_ok_and(|value| value == Value::from(false)))
}

fn machine(policy: &CompiledPolicy, input: Value) -> Result<Decide, String> {
    let program = Compiler::compile_from_policy(policy, &[DENY]).map_err(|error| error.to_string())?;
    let mut machine = RegoVM::new();
    machine.load_program(Arc::clone(&program));
    machine.set_max_instructions(usize::MAX);
    machine.set_input(input.clone());
    machine.execute().map_err(|error| error.to_string())?;
    Ok(Box::new(move || {
        machine.set_input(input.clone());
        machine.execute().is_ok_and(|value| value == Value::from(false))
    }))
}

fn fastest(decide: &mut Decide) -> Duration {
    let time = |_| {
        let started = Instant::now();
        decide();
        started.elapsed()
    };
    (0..20).map(time).min().unwrap_or_default()
}

fn term(term: &Term) -> String {
    match term {
        Term::Is(read, text) => format!("{} == \"{text}\"", value(*read)),
        Term::IsNot(read, text) => format!("{} != \"{text}\"", value(*read)),
        Term::StartsWith(read, text) => format!("startswith({}, \"{text}\")", value(*read)),
        Term::IsOneOf(read, texts) => {
            let texts: Vec<String> = texts.iter().map(|text| format!("{text:?}")).collect();
            format!("{} in {{{}}}", value(*read), texts.join(", "))
        }
        Term::PathWithVersion(first) => format!("regex.match(`^/{first}/v[0-9]+/`, input.path)"),
        Term::Within(field, low, high) => format!("input.{field} >= {low}; input.{field} < {high}"),
        Term::TwiceIs(field, number) => format!("input.{field} * 2 == {number}"),
    }
}

fn value(read: Read) -> String {
    match read {
        Read::Path => "input.path".to_owned(),
        Read::Field(name) => format!("input.{name}"),
        Read::Header(name) => format!("input[\"{name}\"]"),
    }
}
