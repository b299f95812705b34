//! `x-request-id`: not the id of a trace, but many applications copy it themselves.

/// The header's name.
pub const REQUEST_ID: &str = "x-request-id";

/// Longest id that is used, in bytes. Envoy's own has 36.
const MAX_BYTES: usize = 128;

/// The position of the digit of a UUID in which Envoy stores why a request is traced.
const TRACE_REASON: usize = 12;

/// Returns the id without everything that an application or a proxy may change. Letters are converted to lower case,
/// and only letters and digits are kept (frameworks trim, drop unknown characters, parse UUIDs). The digit of a UUID
/// that Envoy writes does not count. Two ids that become equal are ambiguous, which is safe. Returns `None` if the
/// value is not an id: not of visible ASCII characters, too long, or without a letter or digit.
pub(super) fn read(value: &[u8]) -> Option<String> {
    if value.len() > MAX_BYTES || !value.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let kept = value.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let mut id: String = kept.map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    if id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        id.remove(TRACE_REASON);
    }
    (!id.is_empty()).then_some(id)
}
