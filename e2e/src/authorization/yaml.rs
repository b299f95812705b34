//! YAML as JSON values, for documents of other projects.

use policy_compiler::read::yaml::{self, Node, Scalar};
use policy_compiler::report::diagnostic::Diagnostics;
use policy_compiler::report::source::Sources;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Returns the documents of a text. Empty documents are left out.
///
/// # Errors
/// The text is not YAML. The error is the compiler's whole report.
pub fn documents(name: &str, text: &str) -> Result<Vec<Value>> {
    let mut sources = Sources::new(name);
    let id = sources.add(name, text);
    let mut diagnostics = Diagnostics::default();
    let nodes = sources.file(id).map(|file| yaml::parse(id, file, &mut diagnostics)).unwrap_or_default();
    if diagnostics.is_empty() {
        Ok(nodes.iter().map(value).filter(|value| !value.is_null()).collect())
    } else {
        Err(Error::new(format!("`{name}` is not YAML:\n{}", diagnostics.to_text(&sources))))
    }
}

fn value(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Scalar(scalar) => scalar_value(scalar),
        yaml::Value::Sequence(nodes) => nodes.iter().map(value).collect(),
        yaml::Value::Mapping(entries) => {
            let entries = entries.iter().map(|(key, node)| (key.value.clone(), value(node)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        yaml::Value::Refused => Value::Null,
    }
}

fn scalar_value(scalar: &Scalar) -> Value {
    if scalar.is_null() {
        return Value::Null;
    }
    let number = || scalar.as_int().map(Value::from);
    scalar.as_bool().map(Value::from).or_else(number).unwrap_or_else(|| scalar.text.clone().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_have_their_types() {
        let found = documents("a.yaml", "a: '1'\nb: 1\nc: true\nd: [x, ~]\n---\n---\n- e\n").unwrap();
        assert_eq!(found, [json!({"a": "1", "b": 1, "c": true, "d": ["x", null]}), json!(["e"])]);
        assert!(documents("a.yaml", "a: [").unwrap_err().to_string().starts_with("`a.yaml` is not YAML"));
    }
}
