//! The host calls of the filter, as functions that never panic: they return the host's result.
#![expect(unsafe_code, reason = "host calls are foreign functions; this module is their only user")]

use core::ptr::null_mut;

use crate::types::{BufferType, LogLevel, MapType, MetricType, Status};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: LogLevel, message: *const u8, size: usize) -> Status;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> Status;
    fn proxy_get_buffer_bytes(
        buffer: BufferType,
        start: usize,
        max_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> Status;
    fn proxy_get_header_map_pairs(map: MapType, data: *mut *mut u8, size: *mut usize) -> Status;
    fn proxy_replace_header_map_value(
        map: MapType,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> Status;
    fn proxy_remove_header_map_value(map: MapType, key: *const u8, key_size: usize) -> Status;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> Status;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> Status;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> Status;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) -> Status;
    fn proxy_send_local_response(
        status_code: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> Status;
    fn proxy_define_metric(metric: MetricType, name: *const u8, name_size: usize, id: *mut u32) -> Status;
    fn proxy_increment_metric(id: u32, offset: i64) -> Status;
    fn proxy_record_metric(id: u32, value: u64) -> Status;
    fn proxy_set_tick_period_milliseconds(period: u32) -> Status;
}

/// Calls a host function that returns bytes. Returns `None` if there are none, or if the host refuses.
fn bytes_from(call: impl FnOnce(*mut *mut u8, *mut usize) -> Status) -> Option<Vec<u8>> {
    let (mut data, mut size) = (null_mut(), 0);
    let status = call(&raw mut data, &raw mut size);
    if !status.is_ok() || data.is_null() {
        return None;
    }
    // SAFETY: on success the host allocated `size` bytes at `data` with the module's own allocator
    // (`proxy_on_memory_allocate`, a boxed slice of that size) and transfers their ownership.
    Some(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Writes a line to the proxy's log.
pub(crate) fn log(level: LogLevel, message: &str) {
    // SAFETY: the pointer and the size are those of a living string.
    let _ = unsafe { proxy_log(level, message.as_ptr(), message.len()) };
}

/// Returns the time, in nanoseconds since 1970, or 0 if the host does not provide it.
pub(crate) fn now_ns() -> u64 {
    let mut time = 0;
    // SAFETY: the host writes one `u64`.
    let _ = unsafe { proxy_get_current_time_nanoseconds(&raw mut time) };
    time
}

/// Returns the plugin's configuration; empty if there is none.
pub(crate) fn plugin_configuration() -> Vec<u8> {
    let buffer = BufferType::PluginConfiguration;
    // SAFETY: the pointers are those of `bytes_from`.
    bytes_from(|data, size| unsafe { proxy_get_buffer_bytes(buffer, 0, usize::MAX, data, size) }).unwrap_or_default()
}

/// Returns all entries of a header map, in the host's own layout; see [`context_mesh_core::headers::Headers::parse`].
pub(crate) fn header_map(map: MapType) -> Option<Vec<u8>> {
    // SAFETY: the pointers are those of `bytes_from`.
    bytes_from(|data, size| unsafe { proxy_get_header_map_pairs(map, data, size) })
}

/// Sets a header to one value, which replaces all of its values.
pub(crate) fn set_header(map: MapType, name: &str, value: &[u8]) -> Status {
    // SAFETY: the pointers and sizes are those of living slices.
    unsafe { proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

/// Removes a header with all its values.
pub(crate) fn remove_header(map: MapType, name: &str) -> Status {
    // SAFETY: the pointer and the size are those of a living string.
    unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) }
}

/// Returns an attribute, or `None` if the host has no value for it.
pub(crate) fn property(path: &[&str]) -> Option<Vec<u8>> {
    let path = path.join("\0");
    // SAFETY: the pointers are those of a living string and of `bytes_from`.
    bytes_from(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Sets the filter state `wasm.<name>`, which access logs read.
pub(crate) fn set_filter_state(name: &str, value: &[u8]) -> Status {
    // SAFETY: the pointers and sizes are those of living slices.
    unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

/// Returns a shared value with its version.
pub(crate) fn shared_data(key: &str) -> Option<(Vec<u8>, u32)> {
    let mut cas = 0;
    // SAFETY: the pointers are those of a living string, of `bytes_from` and of one `u32`.
    let value =
        bytes_from(|data, size| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas) })?;
    Some((value, cas))
}

/// Writes a shared value. With a version of 0 it is always written.
pub(crate) fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Status {
    // SAFETY: the pointers and sizes are those of living slices.
    unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) }
}

/// Answers the request instead of the service. `grpc_status` only applies to gRPC requests.
pub(crate) fn send_local_response(status: u16, grpc_status: u8, details: &str, body: &str) -> Status {
    // No headers: a map of zero pairs.
    let headers = 0_u32.to_le_bytes();
    // SAFETY: the pointers and sizes are those of living slices.
    unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            i32::from(grpc_status),
        )
    }
}

/// Declares a counter. The same name always returns the same counter.
pub(crate) fn define_counter(name: &str) -> Option<u32> {
    define_metric(MetricType::Counter, name)
}

/// Declares a gauge; the same name gives the same gauge.
pub(crate) fn define_gauge(name: &str) -> Option<u32> {
    define_metric(MetricType::Gauge, name)
}

fn define_metric(kind: MetricType, name: &str) -> Option<u32> {
    let mut id = 0;
    // SAFETY: the pointers are those of a living string and of one `u32`.
    let status = unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    status.is_ok().then_some(id)
}

/// Requests a tick of the plugin in this interval of milliseconds.
pub(crate) fn set_tick_period(period_ms: u32) -> Status {
    // SAFETY: no pointers.
    unsafe { proxy_set_tick_period_milliseconds(period_ms) }
}

/// Gives a gauge a value.
pub(crate) fn record(gauge: u32, value: u64) {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_record_metric(gauge, value) };
}

/// Adds one to a counter.
pub(crate) fn increment(counter: u32) {
    // SAFETY: no pointers.
    let _ = unsafe { proxy_increment_metric(counter, 1) };
}
