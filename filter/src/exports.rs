//! The callbacks that the proxy calls: only those that do something. Each one that a module exports costs the proxy an
//! entry into the virtual machine for each request, even if it is empty.
#![expect(unsafe_code, reason = "an exported name is global; no other module exports any")]

use crate::types::Action;
use crate::{contexts, root, stream};

unsafe extern "C" {
    /// Runs the constructors of the module. The linker defines it.
    fn __wasm_call_ctors();
}

/// Starts the module. Host calls are not allowed yet.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: the proxy calls this once, before any other export.
    unsafe { __wasm_call_ctors() };
}

/// Says which version of the ABI the module has.
#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Allocates memory for data that the host returns. `abi::bytes_from` takes ownership of it.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    Box::into_raw(Box::<[u8]>::new_uninit_slice(size)).cast()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    contexts::create(context, parent);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, _size: usize) -> bool {
    root::on_configure(context)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(context: u32) {
    root::on_tick(context);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _count: usize, _end_of_stream: bool) -> Action {
    stream::on_request_headers(context)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, count: usize) -> Action {
    stream::on_request_trailers(context, count)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _count: usize, _end_of_stream: bool) -> Action {
    stream::on_response_headers(context)
}

/// The request or the plugin ended, for whatever reason.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    stream::on_delete(context);
}
