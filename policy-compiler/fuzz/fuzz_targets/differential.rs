//! Compares our machine with the interpreter of the `cel` crate.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| context_mesh_fuzz::differential::run(data));
