//! A filter in WebAssembly that makes the host calls of Context Mesh with fixed data, and nothing else: what remains of
//! the cost when our own code takes no time.
//!
//! The calls are recorded from the real filter ([`host_calls`](crate::counted::ordinary::host_calls)), so this filter
//! follows every change of it.

use std::fmt::Write as _;
use std::path::Path;

use context_mesh_e2e::error::{Error, Result};

use super::floor::write_text;
use crate::counted::Recorded;

/// Where the host writes numbers: pointers, sizes, the time.
const RESULTS: usize = 1024;
/// Where the data of the calls begins.
const DATA: usize = 4096;
/// Where the host writes what it returns. Nobody reads it, so everything goes to the same place.
const RETURNED: usize = 1 << 18;
/// Pages of memory.
const PAGES: usize = 8;

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A number that is passed as it is.
    Number,
    /// A pointer and a size of bytes that the filter passes: two arguments.
    Bytes,
    /// A pointer to which the host writes.
    Result,
    /// The version of shared data, which the real filter knows. This one always overwrites.
    Version,
}

/// Returns the arguments of a call. Calls that do no work for the request have none.
fn arguments(name: &str) -> Option<&'static [Kind]> {
    use Kind::{Bytes, Number, Result, Version};
    Some(match name {
        "proxy_get_header_map_pairs" => &[Number, Result, Result],
        "proxy_get_property" => &[Bytes, Result, Result],
        "proxy_set_property" => &[Bytes, Bytes],
        "proxy_get_shared_data" => &[Bytes, Result, Result, Result],
        "proxy_set_shared_data" => &[Bytes, Bytes, Version],
        "proxy_add_header_map_value" | "proxy_replace_header_map_value" => &[Number, Bytes, Bytes],
        "proxy_remove_header_map_value" => &[Number, Bytes],
        "proxy_get_current_time_nanoseconds" => &[Result],
        "random_get" => &[Result, Number],
        _ => return None,
    })
}

/// Writes the filter with these exports and calls to `file`.
///
/// # Errors
/// The filter makes a call that is unknown here, or the file cannot be written.
pub fn write(exports: &[(String, usize, bool)], calls: &[Recorded], file: &Path) -> Result<()> {
    write_text(&text(exports, calls)?, file)
}

/// Returns the filter in WebAssembly text.
fn text(exports: &[(String, usize, bool)], calls: &[Recorded]) -> Result<String> {
    let mut module = Module::default();
    for call in calls {
        module.call(call)?;
    }
    let Module { imports, data, bodies, .. } = &mut module;
    // What the filter reads from shared data is there from the start.
    let mut prepared: Vec<String> = Vec::new();
    for call in calls {
        if let (Some(value), Some(key)) = (&call.found, call.bytes.first()) {
            let (key, value) = (data.bytes(key), data.bytes(value));
            prepared.push(format!("(drop (call $proxy_set_shared_data {key} {value} (i32.const 0)))"));
        }
    }
    if !prepared.is_empty() {
        imports.insert("proxy_set_shared_data".to_owned(), import("env", "proxy_set_shared_data", 5));
    }
    bodies.entry("proxy_on_configure".to_owned()).or_default().extend(prepared);
    let mut text = "(module\n".to_owned();
    imports.values().for_each(|import| text.push_str(import));
    let _ = writeln!(text, "(memory (export \"memory\") {PAGES})\n(data (i32.const {DATA}) \"{}\")", data.text);
    let _ = writeln!(text, "(func (export \"_initialize\"))");
    for (name, parameters, result) in exports {
        let header = format!("(func (export \"{name}\") {}", "(param i32) ".repeat(*parameters));
        let body = match name.as_str() {
            "proxy_on_memory_allocate" => format!("(result i32) (i32.const {RETURNED})"),
            _ => {
                let calls = bodies.get(name).map(|calls| calls.join("\n  ")).unwrap_or_default();
                // 1 is yes where Envoy asks whether something succeeded; 0 lets the request continue.
                let value =
                    i32::from(matches!(name.as_str(), "proxy_on_vm_start" | "proxy_on_configure" | "proxy_on_done"));
                if *result { format!("(result i32) {calls} (i32.const {value})") } else { calls }
            }
        };
        let _ = writeln!(text, "{header}{body})");
    }
    text.push_str(")\n");
    Ok(text)
}

/// The parts of the module.
#[derive(Default)]
struct Module {
    imports: std::collections::BTreeMap<String, String>,
    data: Data,
    /// The calls by export.
    bodies: std::collections::BTreeMap<String, Vec<String>>,
}

/// The bytes that the calls pass.
#[derive(Default)]
struct Data {
    text: String,
    size: usize,
}

impl Data {
    /// Adds bytes, and returns the two arguments for them.
    fn bytes(&mut self, bytes: &[u8]) -> String {
        let place = DATA + self.size;
        for byte in bytes {
            let _ = write!(self.text, "\\{byte:02x}");
        }
        self.size += bytes.len();
        format!("(i32.const {place}) (i32.const {})", bytes.len())
    }
}

impl Module {
    fn call(&mut self, call: &Recorded) -> Result<()> {
        let name = call.name.as_str();
        // The real filter only counts, logs or switches contexts when something is remarkable.
        let Some(kinds) = arguments(name) else {
            return Err(Error::new(format!("an ordinary request calls `{name}`, which the bound does not know")));
        };
        let mut passed = String::new();
        let mut at = 0;
        for (place, kind) in kinds.iter().enumerate() {
            let argument = match kind {
                Kind::Number => {
                    format!("(i32.const {})", call.arguments.get(at).copied().unwrap_or_default())
                }
                Kind::Bytes => self.data.bytes(call.bytes.get(at).map(Vec::as_slice).unwrap_or_default()),
                Kind::Result => format!("(i32.const {})", RESULTS + 64 * place),
                Kind::Version => "(i32.const 0)".to_owned(),
            };
            passed = format!("{passed} {argument}");
            at += if *kind == Kind::Bytes { 2 } else { 1 };
        }
        let module = if name == "random_get" { "wasi_snapshot_preview1" } else { "env" };
        self.imports.entry(name.to_owned()).or_insert_with(|| import(module, name, at));
        self.bodies.entry(call.during.clone()).or_default().push(format!("(drop (call ${name}{passed}))"));
        if self.data.size + DATA > RETURNED {
            return Err(Error::new("the calls pass more bytes than the bound has memory for"));
        }
        Ok(())
    }
}

fn import(module: &str, name: &str, parameters: usize) -> String {
    let parameters = "i32 ".repeat(parameters);
    format!("(import \"{module}\" \"{name}\" (func ${name} (param {parameters}) (result i32)))\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(during: &str, name: &str, arguments: &[i64], bytes: &[&[u8]], found: Option<&[u8]>) -> Recorded {
        Recorded {
            during: during.to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_vec(),
            bytes: bytes.iter().map(|bytes| bytes.to_vec()).collect(),
            found: found.map(<[u8]>::to_vec),
        }
    }

    #[test]
    fn recorded_calls_become_a_module() {
        let exports = [
            ("proxy_abi_version_0_2_1".to_owned(), 0, false),
            ("proxy_on_memory_allocate".to_owned(), 1, true),
            ("proxy_on_configure".to_owned(), 2, true),
            ("proxy_on_request_headers".to_owned(), 3, true),
        ];
        let calls = [
            call("proxy_on_request_headers", "proxy_get_shared_data", &[8, 3, 0, 4, 8], &[b"key"], Some(b"value")),
            call("proxy_on_request_headers", "proxy_remove_header_map_value", &[0, 8, 3], &[b"", b"x-a"], None),
        ];
        let text = text(&exports, &calls).unwrap();
        wat::parse_str(&text).unwrap_or_else(|problem| panic!("{problem}: {text}"));
        let expected = "(drop (call $proxy_set_shared_data (i32.const 4102) (i32.const 3) (i32.const 4105) (i32.const 5) (i32.const 0)))";
        assert!(text.contains(expected), "{text}");
        assert!(
            text.contains("(drop (call $proxy_remove_header_map_value (i32.const 0) (i32.const 4099) (i32.const 3)))")
        );
        let unknown = call("proxy_on_log", "proxy_http_call", &[], &[], None);
        assert!(super::text(&exports, &[unknown]).is_err());
    }
}
