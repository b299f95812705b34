//! Compares our parser with the generated one of the `cel` crate.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| context_mesh_fuzz::parse::run(data));
