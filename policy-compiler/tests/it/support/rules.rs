//! Runs the CEL rules of a resource definition (`x-kubernetes-validations`) with our own compiler and machine.

use context_mesh_core::vm::{EvalErrorKind, Value as Cel};
use policy_compiler::expression::{
    cel::{Environment, Expected, TypedExpr, check},
    codegen::{Builder, load_programs, lower, run_alone},
};
use serde_json::Value;

/// The results of the rules for a resource.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Rules that held.
    pub(crate) held: usize,
    /// Rules that did not hold, each as `path: message`.
    pub(crate) broken: Vec<String>,
    /// Rules that use functions unknown to our CEL, each as `path: message`.
    pub(crate) not_run: Vec<String>,
}

/// Runs the rules of the schema, and of all schemas in it, on the values that they apply to.
pub(crate) fn run(schema: &Value, value: &Value) -> Outcome {
    let mut outcome = Outcome::default();
    walk(schema, value, "$", &mut outcome);
    outcome
}

fn walk(schema: &Value, value: &Value, path: &str, outcome: &mut Outcome) {
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        let text = format!("{path}: {}", rule["message"].as_str().unwrap());
        match holds(rule["rule"].as_str().unwrap(), &visible(schema, value)) {
            Some(true) => outcome.held += 1,
            Some(false) => outcome.broken.push(text),
            None => outcome.not_run.push(text),
        }
    }
    for (key, member) in value.as_object().into_iter().flatten() {
        let below = schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
        if let Some(below) = below {
            walk(below, member, &format!("{path}.{key}"), outcome);
        }
    }
    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
        walk(&schema["items"], element, &format!("{path}[{index}]"), outcome);
    }
}

/// Returns the value as rules see it: without what the schema does not describe.
fn visible(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let below = |key: &String| schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
            members.iter().filter_map(|(key, member)| Some((key.clone(), visible(below(key)?, member)))).collect()
        }
        Value::Array(elements) => elements.iter().map(|element| visible(&schema["items"], element)).collect(),
        value => value.clone(),
    }
}

/// Returns whether the rule holds for `self`, or `None` if it calls a function that our CEL does not have.
fn holds(rule: &str, this: &Value) -> Option<bool> {
    let mut builder = Builder::new();
    // JSON is valid CEL.
    let value = typed(&Environment::plain(""), &this.to_string());
    let index = builder.variable(&lower(&value)).expect("a value compiles");
    let environment = Environment::plain("").with_variable("self", value.ty.clone(), index);
    let condition = typed(&environment, rule);
    let program = builder.condition(&lower(&condition)).expect("the rule compiles");
    let verified = load_programs(builder.finish()).expect("the rule loads");
    run_alone(&verified, program, |value| match value {
        Cel::Bool(held) => Some(held),
        Cel::Error(error) if error.kind == EvalErrorKind::Undeclared => None,
        other => panic!("`{rule}` gives {other:?}"),
    })
}

/// Checks an expression without static types, because the schema has checked them. An undeclared name is an error only
/// at run time.
fn typed(environment: &Environment, text: &str) -> TypedExpr {
    check(&environment.clone().without_check(), text, Expected::Any)
        .unwrap_or_else(|problems| panic!("`{text}`: {problems:?}"))
}
