//! Helpers for the derived schemas, so that they describe the documents exactly.

use std::borrow::Cow;

use schemars::{
    JsonSchema, Schema, SchemaGenerator, json_schema,
    transform::{Transform, transform_subschemas},
};
use serde_json::Value;

/// Removes `null` from optional keys, because a key without a value is a mistake. Puts descriptions on one line, which
/// editors wrap as they need.
#[derive(Debug, Clone)]
pub(super) struct Tidy;

impl Transform for Tidy {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = text.replace('\n', " ");
        }
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.iter_mut().for_each(|(_, property)| without_null(property));
        }
        transform_subschemas(self, schema);
    }
}

fn without_null(property: &mut Value) {
    let Value::Object(property) = property else { return };
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = property.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(alternatives)) = property.get_mut("anyOf") {
        alternatives.retain(|alternative| alternative.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = alternatives.as_slice() {
            let only = only.clone();
            property.shift_remove("anyOf");
            if property.is_empty() || !only.contains_key("$ref") {
                property.extend(only);
            } else {
                // Draft 07 ignores everything beside a `$ref`.
                property.insert("allOf".to_owned(), Value::from(vec![only]));
            }
        }
    }
}

/// Defines types of the given shape, which is inlined wherever they are used.
macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $shape:tt;)*) => {$(
        $(#[$doc])*
        pub(super) struct $name;

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($shape)
            }
        }
    )*};
}

shapes! {
    /// A single value: a string, a number or a bool.
    Scalar = {"type": ["string", "number", "boolean"]};
    /// Single values, at least one.
    Scalars = {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1};
    /// A mapping from header names to texts; a null value means that the header is absent.
    Headers = {
        "type": "object",
        "propertyNames": {"pattern": "^[^:]"},
        "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
    };
    /// The same for headers that are sent: a list of texts is a header that is sent several times.
    SentHeaders = {
        "type": "object",
        "propertyNames": {"pattern": "^[^:]"},
        "additionalProperties": {
            "type": ["string", "number", "boolean", "null", "array"],
            "items": {"type": ["string", "number", "boolean"]},
        },
    };
    /// A mapping from names to single values.
    Attributes = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}};
    /// A mapping from names to anything.
    Mapping = {"type": "object"};
    /// The value of an effect without settings.
    PlainEffect = {"anyOf": [{"type": "object", "maxProperties": 0}, {"const": true}]};
    /// A setting that can only be switched off.
    False = {"enum": [false]};
}
