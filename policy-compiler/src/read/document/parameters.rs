//! `parameters` and `environments` of the Mesh: constants of conditions, whose values differ between environments.

use context_mesh_core::artifact::tables::ScalarConstant;

use super::Decoder;
use crate::{
    expression::cel::{ParameterValue, same_type},
    read::yaml::{Node, Scalar, Value},
    report::source::Spanned,
};

/// A parameter with a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value.
    pub value: ParameterValue,
}

/// An environment: parameters that have other values there.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Its name.
    pub name: Spanned<String>,
    /// The values.
    pub parameters: Vec<Parameter>,
}

pub(super) fn parameters(node: &Node, decoder: &mut Decoder<'_>) -> Vec<Parameter> {
    decoder
        .entries(node)
        .iter()
        .filter_map(|(name, node)| Some(Parameter { name: name.clone(), value: value(node, decoder)? }))
        .collect()
}

pub(super) fn environments(node: &Node, decoder: &mut Decoder<'_>) -> Vec<Environment> {
    let entries = decoder.entries(node);
    let read = |(name, node): &(Spanned<String>, Node)| Environment {
        name: name.clone(),
        parameters: parameters(node, decoder),
    };
    entries.iter().map(read).collect()
}

fn value(node: &Node, decoder: &mut Decoder<'_>) -> Option<ParameterValue> {
    match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => Some(ParameterValue::One(constant(scalar))),
        Value::Sequence(nodes) if !nodes.is_empty() => {
            let mut values: Vec<ScalarConstant> = Vec::new();
            for node in nodes {
                let value = constant(&decoder.scalar(node)?.value);
                if values.first().is_some_and(|first| !same_type(first, &value)) {
                    decoder.invalid(node.span, "the values of this list have different types", "use one type");
                    return None;
                }
                values.push(value);
            }
            Some(ParameterValue::List(values))
        }
        _ => {
            decoder.wrong_kind(node, "a string, a number, a bool, or a list of one of these that is not empty");
            None
        }
    }
}

fn constant(scalar: &Scalar) -> ScalarConstant {
    if scalar.is_string() {
        return ScalarConstant::String(scalar.text.clone());
    }
    let number = || scalar.text.parse().ok().map(ScalarConstant::Double);
    let bool = scalar.as_bool().map(ScalarConstant::Bool);
    let value = bool.or_else(|| scalar.as_int().map(ScalarConstant::Int)).or_else(number);
    value.unwrap_or_else(|| ScalarConstant::String(scalar.text.clone()))
}
