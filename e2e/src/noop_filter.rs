//! A filter that does nothing, to measure the cost of any filter, and for tests of this library.

use std::path::Path;

use crate::error::{Context as _, Result};

/// The filter in WebAssembly text. It only exports what Envoy calls for request headers.
const TEXT: &str = r#"
(module
  (memory (export "memory") 2)
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  ;; Envoy never needs more than one buffer at a time: nothing is ever asked of the host.
  (func (export "proxy_on_memory_allocate") (param $size i32) (result i32) (i32.const 65536))
  (func (export "proxy_on_context_create") (param $context i32) (param $parent i32))
  (func (export "proxy_on_vm_start") (param $context i32) (param $size i32) (result i32) (i32.const 1))
  ;; Takes every configuration but one: so that a test can have one refused.
  (func (export "proxy_on_configure") (param $context i32) (param $size i32) (result i32)
    (i32.ne (local.get $size) (i32.const 6)))
  (func (export "proxy_on_request_headers") (param $context i32) (param $headers i32) (param $end i32) (result i32)
    (i32.const 0)))
"#;

/// The plugin configuration that the filter rejects. It also rejects any other of six bytes.
pub const REFUSED_CONFIGURATION: &str = "refuse";

/// Writes the filter's .wasm to `file`.
///
/// # Errors
/// The file cannot be written.
pub fn write(file: &Path) -> Result<()> {
    let binary = wat::parse_str(TEXT).context("BUG: the filter's text does not parse")?;
    std::fs::write(file, binary).context(format_args!("cannot write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_a_module() {
        let file = tempfile::NamedTempFile::new().unwrap();
        write(file.path()).unwrap();
        assert!(std::fs::read(file.path()).unwrap().starts_with(b"\0asm"));
        assert_eq!(REFUSED_CONFIGURATION.len(), 6);
    }
}
