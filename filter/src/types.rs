//! The numbers of the proxy-wasm ABI (version 0.2.1) that the filter uses.

/// The level of a line in the proxy's log.
#[repr(u32)]
#[derive(Clone, Copy)]
pub(crate) enum LogLevel {
    Info = 2,
    Warn = 3,
    Error = 4,
}

/// What the proxy does with a request after a callback.
#[repr(u32)]
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Continue = 0,
    Pause = 1,
}

/// A map of headers.
#[repr(u32)]
#[derive(Clone, Copy)]
pub(crate) enum MapType {
    RequestHeaders = 0,
    RequestTrailers = 1,
    ResponseHeaders = 2,
}

/// A buffer of the proxy.
#[repr(u32)]
#[derive(Clone, Copy)]
pub(crate) enum BufferType {
    PluginConfiguration = 7,
}

/// A kind of statistic.
#[repr(u32)]
#[derive(Clone, Copy)]
pub(crate) enum MetricType {
    Counter = 0,
    Gauge = 1,
}

/// The result of a host call. It is a number and not an enum, because a host may return numbers that this version of
/// the ABI does not list.
#[repr(transparent)]
#[derive(Clone, Copy)]
#[must_use]
pub(crate) struct Status(u32);

impl Status {
    /// Returns whether the host carried out the call.
    pub(crate) fn is_ok(self) -> bool {
        self.0 == 0
    }
}
