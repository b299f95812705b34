//! One test of the suite.

use serde_json::Value as Json;

use crate::value::Constant;

/// One test.
pub(crate) struct Case {
    pub(crate) file: String,
    pub(crate) section: String,
    pub(crate) name: String,
    /// The expression.
    pub(crate) expr: String,
    /// The name space in which names are looked up.
    pub(crate) container: String,
    /// Whether types are not checked ahead.
    pub(crate) disable_check: bool,
    /// Whether it uses protobuf messages.
    pub(crate) needs_proto: bool,
    /// Whether it uses declarations that the bindings do not show.
    pub(crate) needs_declarations: bool,
    /// What the variables are.
    pub(crate) bindings: Vec<(String, Constant)>,
    /// What must come out.
    pub(crate) expect: Expect,
}

/// What must come out.
pub(crate) enum Expect {
    /// This value.
    Value(Constant),
    /// An error, of any kind.
    Error,
    /// Something that is no value, described.
    Other,
}

/// Reads the tests of a file.
pub(crate) fn read(file: &str) -> Result<Vec<Case>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| case(line).ok_or_else(|| format!("line {} is no test", number + 1))).collect()
}

fn case(line: &str) -> Option<Case> {
    let json: Json = serde_json::from_str(line).ok()?;
    let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
    let flag = |key: &str| json.get(key).and_then(Json::as_bool).unwrap_or(false);
    let bindings = match json.get("bindings").and_then(Json::as_object) {
        Some(bindings) => {
            let bindings = bindings.iter().map(|(name, value)| Some((name.clone(), Constant::read(value)?)));
            bindings.collect::<Option<_>>()?
        }
        None => Vec::new(),
    };
    let expect = json.get("expect")?;
    let expect = match (expect.get("value"), expect.get("error")) {
        (Some(value), _) => Expect::Value(Constant::read(value)?),
        (None, Some(_)) => Expect::Error,
        (None, None) => Expect::Other,
    };
    Some(Case {
        file: text("file")?,
        section: text("section")?,
        name: text("name")?,
        expr: text("expr")?,
        container: text("container").unwrap_or_default(),
        disable_check: flag("disable_check"),
        needs_proto: flag("needs_proto"),
        needs_declarations: flag("needs_typeenv"),
        bindings,
        expect,
    })
}
