//! Any text: a CEL expression, or a tree of YAML documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| context_mesh_fuzz::text::run(data));
