//! Arbitrary bytes after a valid header, and programs of plausible shape.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| context_mesh_fuzz::machine::run(data));
