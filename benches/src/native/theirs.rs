//! Runs an expression in the interpreter of the `cel` crate. It is parsed once, and run with variables that were made
//! once.

use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::{Key, Value};
use cel::{Context, Env, Program, extensions};

use super::request::{self, MESH};

/// Compiles expressions.
pub struct Compiler {
    env: Arc<Env>,
}

impl Compiler {
    /// Returns the standard environment with the extensions that the measurement needs.
    ///
    /// # Errors
    /// Two extensions are incompatible, which would be a bug of the crate.
    pub fn new() -> Result<Self, String> {
        let mut env = Env::stdlib();
        for extension in [extensions::strings, extensions::lists, extensions::math] {
            env.add_extension(extension).map_err(|error| error.to_string())?;
        }
        Ok(Self { env: Arc::new(env) })
    }

    /// Compiles an expression.
    ///
    /// # Errors
    /// It cannot be parsed.
    pub fn compile(&self, text: &str) -> Result<Program, String> {
        self.env.compile(text).map_err(|error| format!("{text}: {error}"))
    }

    /// Returns the request as variables: maps of strings, in the crate's own values.
    pub fn variables(&self) -> Context<'static, 'static> {
        let mut variables = Context::with_env(Arc::clone(&self.env));
        let fields = request::FIELDS.iter().map(|(name, _, json)| {
            let value: serde_json::Value = serde_json::from_str(json).expect("the fields are JSON");
            (*name, from_json(&value))
        });
        variables.add_variable_from_value("context", map(fields));
        variables.add_variable_from_value("request", map(request_variables()));
        let peer = request::peer();
        let peer = [
            ("principal", peer.principal),
            ("service", peer.service),
            ("domain", peer.domain),
            ("region", peer.region),
        ];
        variables.add_variable_from_value("peer", map(peer.map(|(name, value)| (name, value.into()))));
        let mesh = [
            ("service", MESH.service),
            ("domain", MESH.domain),
            ("region", MESH.region),
            ("direction", MESH.direction),
        ];
        variables.add_variable_from_value("mesh", map(mesh.map(|(name, value)| (name, value.into()))));
        variables
    }
}

fn request_variables() -> Vec<(&'static str, Value)> {
    let header =
        |wanted: &str| request::HEADERS.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| *value);
    let path = header(":path");
    let (url_path, query) = path.split_once('?').unwrap_or((path, ""));
    let texts = [
        ("path", path),
        ("url_path", url_path),
        ("query", query),
        ("host", header(":authority")),
        ("method", header(":method")),
        ("scheme", header(":scheme")),
        ("useragent", header("user-agent")),
        ("id", header("x-request-id")),
    ];
    let headers = map(request::HEADERS.map(|(name, value)| (name, value.into())));
    // The crate makes a time from RFC 3339 text; this one is `request::TIME_NS`.
    let time = Program::compile("timestamp('2026-03-02T11:13:20Z')").expect("it parses");
    let time = time.execute(&Context::default()).expect("it is a time");
    let texts = texts.into_iter().map(|(name, value)| (name, value.into()));
    texts.chain([("headers", headers), ("time", time)]).collect()
}

fn map<'n>(entries: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    let entries = entries.into_iter().map(|(name, value)| (Key::from(name), value));
    entries.collect::<HashMap<Key, Value>>().into()
}

fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(items) => items.iter().map(from_json).collect::<Vec<_>>().into(),
        serde_json::Value::Object(members) => {
            map(members.iter().map(|(name, value)| (name.as_str(), from_json(value))))
        }
    }
}

/// Returns the value of an expression.
///
/// # Errors
/// The expression fails, or has a value that does not exist in JSON.
pub fn value(program: &Program, variables: &Context<'_, '_>) -> Result<serde_json::Value, String> {
    let value = program.execute(variables).map_err(|error| error.to_string())?;
    value.json().map_err(|error| error.to_string())
}
