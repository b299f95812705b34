//! Reads the header map that a host passes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| context_mesh_fuzz::header_map::run(data));
