//! A filter in WebAssembly with the least that a policy filter with a memory has to ask of the proxy: it reads all
//! headers in one call, reads and writes one slot of shared data, and sets two headers. It looks at none of them.

use std::path::Path;

use context_mesh_e2e::error::{Error, Result};

/// The filter in WebAssembly text. Everything that the host returns goes to the same place: nobody reads it.
const TEXT: &str = r#"
(module
  (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_shared_data" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_replace_header_map_value" (func $replace (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 1024) "slot")
  (data (i32.const 1040) "x-first")
  (data (i32.const 1056) "x-second")
  (data (i32.const 1072) "0123456789012345678901234567890123456789")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32) (i32.const 131072))
  (func (export "proxy_on_context_create") (param $context i32) (param $parent i32))
  (func (export "proxy_on_vm_start") (param $context i32) (param $size i32) (result i32) (i32.const 1))
  ;; The slot has a value of 200 bytes from the start.
  (func (export "proxy_on_configure") (param $context i32) (param $size i32) (result i32)
    (drop (call $set (i32.const 1024) (i32.const 4) (i32.const 2048) (i32.const 200) (i32.const 0)))
    (i32.const 1))
  (func (export "proxy_on_request_headers") (param $context i32) (param $headers i32) (param $end i32) (result i32)
    (drop (call $pairs (i32.const 0) (i32.const 16) (i32.const 20)))
    (drop (call $get (i32.const 1024) (i32.const 4) (i32.const 16) (i32.const 20) (i32.const 24)))
    (drop (call $set (i32.const 1024) (i32.const 4) (i32.const 2048) (i32.const 200) (i32.const 0)))
    (drop (call $replace (i32.const 0) (i32.const 1040) (i32.const 7) (i32.const 1072) (i32.const 40)))
    (drop (call $replace (i32.const 0) (i32.const 1056) (i32.const 8) (i32.const 1072) (i32.const 40)))
    (i32.const 0)))
"#;

/// Writes the filter's .wasm to `file`.
///
/// # Errors
/// The file cannot be written.
pub fn write(file: &Path) -> Result<()> {
    write_text(TEXT, file)
}

/// Writes a module in WebAssembly text as a .wasm.
///
/// # Errors
/// The text does not parse, or the file cannot be written.
pub fn write_text(text: &str, file: &Path) -> Result<()> {
    let binary = wat::parse_str(text).map_err(|problem| Error::new(format!("BUG: a filter's text: {problem}")))?;
    std::fs::write(file, binary).map_err(|problem| Error::new(format!("cannot write `{}`: {problem}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_a_module() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path()).unwrap();
        assert!(std::fs::read(file.path()).unwrap().starts_with(b"\0asm"));
    }
}
