//! Converts JSON text, the form of the fields of the context, to values.

use std::borrow::Cow;

use super::env::Env;
use super::error::EvalErrorKind;
use super::value::Value;
use crate::context::json::{self, JsonKind};
use crate::tables::Scalar;

impl<'a> Value<'a> {
    /// Returns the value of a JSON text whose type the schema declares. A text of another type is an error.
    pub(super) fn json(text: &'a str, scalar: Scalar, env: &mut Env<'a>) -> Self {
        match (scalar, json::kind(text)) {
            (Scalar::String, JsonKind::String) => Self::json_string(text, env),
            (Scalar::Int, JsonKind::Number) => json::as_i64(text).map_or(NO_OVERLOAD, Self::Int),
            (Scalar::Double, JsonKind::Number) => json::as_f64(text).map_or(NO_OVERLOAD, Self::Double),
            (Scalar::Any, _) | (Scalar::Bool, JsonKind::Bool) => Self::any_json(text, env),
            _ => NO_OVERLOAD,
        }
    }

    /// Returns the value of any JSON text. Numbers without fraction become integers if they fit, so that ids stay
    /// exact.
    fn any_json(text: &'a str, env: &mut Env<'a>) -> Self {
        match json::kind(text) {
            JsonKind::Null => Self::Null,
            JsonKind::Bool => Self::Bool(text == "true"),
            JsonKind::Number => json::as_i64(text)
                .map(Self::Int)
                .or_else(|| json::as_u64(text).map(Self::Uint))
                .or_else(|| json::as_f64(text).map(Self::Double))
                .unwrap_or(NO_OVERLOAD),
            JsonKind::String => Self::json_string(text, env),
            JsonKind::Array | JsonKind::Object => Self::Json(text, Scalar::Any),
        }
    }

    /// Returns the content of a JSON string: borrowed, unless it has escapes.
    pub(super) fn json_string(text: &'a str, env: &mut Env<'a>) -> Self {
        match json::string_content(text) {
            Some(Cow::Borrowed(content)) => Self::String(content),
            Some(Cow::Owned(content)) => env.text(&content).unwrap_or_else(Self::error),
            None => NO_OVERLOAD,
        }
    }
}

const NO_OVERLOAD: Value<'static> = Value::error(EvalErrorKind::NoSuchOverload);
