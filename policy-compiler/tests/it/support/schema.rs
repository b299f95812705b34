//! A validator for the keywords that our JSON Schemas and Istio's resource definitions use. It panics on an unknown
//! keyword, so that nothing is ignored.
//!
//! The crate `jsonschema` would add 27 crates that nothing else needs. It does not support the structural schemas of
//! Kubernetes, and ignores keywords that it does not know.

use regex_automata::{Input, dfa::Automaton as _, dfa::dense};
use serde_json::Value;

/// The dialect of a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// JSON Schema, draft 07.
    Draft07,
    /// The structural schema of a resource definition: keys that it does not list are mistakes.
    Kubernetes,
}

/// Returns the problems of the value, each as `path: reason`.
pub(crate) fn problems(schema: &Value, value: &Value, dialect: Dialect) -> Vec<String> {
    let mut found = Vec::new();
    let validator = Validator { root: schema, dialect };
    validator.check(schema, value, "$", true, &mut found);
    found
}

struct Validator<'a> {
    root: &'a Value,
    dialect: Dialect,
}

/// Keywords that do not affect validity.
const ANNOTATIONS: [&str; 13] = [
    "$schema",
    "$id",
    "title",
    "description",
    "default",
    "examples",
    "definitions",
    "nullable",
    "x-kubernetes-validations",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string",
    "x-kubernetes-preserve-unknown-fields",
];

impl Validator<'_> {
    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut found = Vec::new();
        self.check(schema, value, "", false, &mut found);
        found.is_empty()
    }

    /// With `structural` the schema describes the value as a whole, not only an aspect of it.
    fn check(&self, schema: &Value, value: &Value, path: &str, structural: bool, found: &mut Vec<String>) {
        let keywords = match schema {
            Value::Bool(true) => return,
            Value::Bool(false) => return found.push(format!("{path}: nothing is allowed here")),
            schema => schema.as_object().expect("a schema is an object or a bool"),
        };
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        let mut say = |reason: String| found.push(format!("{path}: {reason}"));
        // One keyword a line: the reason is what a reader of a failed test sees.
        for (keyword, argument) in keywords {
            match keyword.as_str() {
                "type" if !has_type(value, argument) => return say(format!("is not of type {argument}")),
                "enum" if !argument.as_array().unwrap().contains(value) => {
                    say(format!("{value} is none of {argument}"))
                }
                "const" if value != argument => say(format!("{value} is not {argument}")),
                "pattern" if value.as_str().is_some_and(|text| !matches(text, argument)) => {
                    say(format!("{value} does not match {argument}"));
                }
                "format" if !has_format(value, argument) => say(format!("{value} has not the format {argument}")),
                "minimum" if value.as_f64().is_some_and(|n| n < argument.as_f64().unwrap()) => {
                    say(format!("{value} is less than {argument}"));
                }
                "maximum" if value.as_f64().is_some_and(|n| n > argument.as_f64().unwrap()) => {
                    say(format!("{value} is more than {argument}"));
                }
                "minLength" if length(value, Value::is_string) < argument.as_u64() => say("is too short".to_owned()),
                "maxLength" if length(value, Value::is_string) > argument.as_u64() => say("is too long".to_owned()),
                "minItems" if length(value, Value::is_array) < argument.as_u64() => {
                    say("has too few elements".to_owned())
                }
                "maxItems" if length(value, Value::is_array) > argument.as_u64() => {
                    say("has too many elements".to_owned())
                }
                "minProperties" if length(value, Value::is_object) < argument.as_u64() => {
                    say("has too few keys".to_owned())
                }
                "maxProperties" if length(value, Value::is_object) > argument.as_u64() => {
                    say("has too many keys".to_owned())
                }
                "uniqueItems" if !is_unique(value) => say("has an element twice".to_owned()),
                "required" if value.is_object() => {
                    for key in
                        argument.as_array().unwrap().iter().filter(|key| value.get(key.as_str().unwrap()).is_none())
                    {
                        say(format!("{key} is missing"));
                    }
                }
                "not" if self.fits(argument, value) => say("fits what it must not".to_owned()),
                "anyOf" if !schemas(argument).iter().any(|schema| self.fits(schema, value)) => {
                    say("fits none of the alternatives".to_owned());
                }
                "oneOf" => {
                    let count = schemas(argument).iter().filter(|schema| self.fits(schema, value)).count();
                    if count != 1 {
                        say(format!("fits {count} of the alternatives, not one"));
                    }
                }
                _ => {}
            }
        }
        for (keyword, argument) in keywords {
            match keyword.as_str() {
                "$ref" => self.check(self.definition(argument), value, path, structural, found),
                "allOf" => {
                    schemas(argument).iter().for_each(|schema| self.check(schema, value, path, false, found));
                }
                "if" => {
                    let branch = if self.fits(argument, value) { "then" } else { "else" };
                    if let Some(branch) = keywords.get(branch) {
                        self.check(branch, value, path, false, found);
                    }
                }
                "items" => {
                    for (index, element) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(argument, element, &format!("{path}[{index}]"), true, found);
                    }
                }
                "propertyNames" => {
                    for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
                        self.check(
                            argument,
                            &Value::from(key.as_str()),
                            &format!("{path}.{key} (the key)"),
                            true,
                            found,
                        );
                    }
                }
                "type"
                | "enum"
                | "const"
                | "pattern"
                | "format"
                | "minimum"
                | "maximum"
                | "minLength"
                | "maxLength"
                | "minItems"
                | "maxItems"
                | "minProperties"
                | "maxProperties"
                | "uniqueItems"
                | "required"
                | "not"
                | "anyOf"
                | "oneOf"
                | "then"
                | "else"
                | "properties"
                | "additionalProperties" => {}
                keyword => assert!(ANNOTATIONS.contains(&keyword), "the keyword `{keyword}` is not known here"),
            }
        }
        self.members(schema, value, path, structural, found);
    }

    fn members(&self, schema: &Value, value: &Value, path: &str, structural: bool, found: &mut Vec<String>) {
        for (key, member) in value.as_object().into_iter().flatten() {
            let below = format!("{path}.{key}");
            let open = schema["x-kubernetes-preserve-unknown-fields"] == true
                || (path == "$" && ["apiVersion", "kind", "metadata"].contains(&key.as_str()));
            match (schema["properties"].get(key), schema.get("additionalProperties")) {
                (Some(known), _) => self.check(known, member, &below, structural, found),
                (None, Some(Value::Bool(false))) => found.push(format!("{path}: the key `{key}` is not known")),
                (None, Some(any)) => self.check(any, member, &below, structural, found),
                (None, None) if self.dialect == Dialect::Kubernetes && structural && !open => {
                    found.push(format!("{path}: the key `{key}` is not known"));
                }
                (None, None) => {}
            }
        }
    }

    fn definition(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().unwrap().strip_prefix('#').expect("a reference into the same document");
        self.root.pointer(pointer).unwrap_or_else(|| panic!("there is no {reference}"))
    }
}

fn schemas(argument: &Value) -> &[Value] {
    argument.as_array().unwrap()
}

fn has_type(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        name => panic!("no type {name}"),
    };
    types.as_array().map_or_else(|| is(types), |types| types.iter().any(is))
}

/// Checks formats of numbers. Formats of strings are annotations in all dialects.
fn has_format(value: &Value, format: &Value) -> bool {
    match format.as_str().unwrap() {
        "int32" => value.as_i64().is_none_or(|n| i32::try_from(n).is_ok()),
        "uint8" | "uint16" | "uint32" | "uint64" => value.as_i64().is_none_or(|n| n >= 0),
        "int64" | "double" | "date-time" => true,
        format => panic!("the format `{format}` is not known here"),
    }
}

/// Returns the length of the value, if the keyword applies to its type.
fn length(value: &Value, is_meant: impl Fn(&Value) -> bool) -> Option<u64> {
    let length = match value {
        Value::String(text) => text.chars().count(),
        Value::Array(elements) => elements.len(),
        Value::Object(members) => members.len(),
        _ => return None,
    };
    is_meant(value).then(|| u64::try_from(length).unwrap())
}

fn is_unique(value: &Value) -> bool {
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    elements.iter().enumerate().all(|(index, element)| !elements[..index].contains(element))
}

/// Whether the pattern matches somewhere in the text.
fn matches(text: &str, pattern: &Value) -> bool {
    let pattern = pattern.as_str().unwrap();
    let dfa = dense::DFA::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    dfa.try_search_fwd(&Input::new(text)).unwrap().is_some()
}
