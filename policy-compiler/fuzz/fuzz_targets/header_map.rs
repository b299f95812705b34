//! Reading the header map that a host hands over.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| context_mesh_fuzz::header_map::run(data));
