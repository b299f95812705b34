//! Requests whose path a rule may read in one way, and the application in another.
//!
//! A rule compares the path as it is written in the request. Servers and frameworks decode escapes, merge slashes,
//! resolve dots and cut off path parameters, each in its own way. So `/%61dmin`, `//admin`, `/./admin` and `/admin;x=1`
//! may all mean `/admin` to them. Where rules read the path, none of these is forwarded. A path that the proxy has
//! normalised before the filter is checked in its normalised form.

use super::plan::{Counter, Plan, Refusal};
use super::workload::Workload;
use crate::cause::{Cause, MeshCause};
use crate::headers::{Headers, Single};
use crate::percent;
use crate::tables::{AmbiguousPath, Reply};

/// The reasons why a path is ambiguous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SecondReading {
    /// Two slashes in a row.
    EmptySegment,
    /// `.` or `..` as a segment.
    DotSegment,
    /// An escape that means the same without it, or that divides paths.
    Escape,
    /// A `%` without two hex digits.
    BrokenEscape,
    /// A `;`, at which some servers cut the path.
    PathParameter,
    /// A backslash, which some servers read as a slash.
    Backslash,
    /// A `#`, at which some servers cut the path.
    Fragment,
    /// A character that must be escaped.
    NotAscii,
    /// Escapes that are not UTF-8.
    NotUtf8,
    /// A path that does not begin with a slash.
    NotAbsolute,
}

impl SecondReading {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::EmptySegment => "empty-segment",
            Self::DotSegment => "dot-segment",
            Self::Escape => "escape",
            Self::BrokenEscape => "broken-escape",
            Self::PathParameter => "path-parameter",
            Self::Backslash => "backslash",
            Self::Fragment => "fragment",
            Self::NotAscii => "not-ascii",
            Self::NotUtf8 => "not-utf-8",
            Self::NotAbsolute => "not-absolute",
        }
    }
}

/// Refuses a request with an ambiguous path, if the workload requires it.
pub(super) fn refuse_ambiguous_path<'w>(
    workload: &'w Workload,
    headers: &Headers<'_>,
    plan: &mut Plan<'w>,
) -> Option<Refusal<'w>> {
    if workload.ambiguous_path() != AmbiguousPath::Deny {
        return None;
    }
    let Single::Value(path) = headers.single(":path") else { return None };
    let problem = second_reading(path)?;
    plan.problem(Counter::PathAmbiguous, ":path", problem.as_str());
    Some(Refusal { reply: refusal(), cause: Cause::Mesh(MeshCause::AmbiguousPath) })
}

/// Returns the answer to a request with an ambiguous path.
pub(super) fn refusal() -> Reply {
    Reply { status: 400, grpc_status: 3, message: "the path of the request has more than one reading".to_owned() }
}

/// Returns the reason why a path is ambiguous, or `None` if it has one reading. The path may include its query, which
/// is not checked.
pub(super) fn second_reading(path: &[u8]) -> Option<SecondReading> {
    let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    // A client does not send a `#`, so a server that receives one may cut there, even within the query.
    if path.contains(&b'#') {
        return Some(SecondReading::Fragment);
    }
    let path = path.get(..end).unwrap_or_default();
    if path == b"*" {
        return None;
    }
    let Some(segments) = path.strip_prefix(b"/") else { return Some(SecondReading::NotAbsolute) };
    let mut parts = segments.split(|byte| *byte == b'/').peekable();
    while let Some(part) = parts.next() {
        // Only the last segment may be empty.
        if part.is_empty() && parts.peek().is_some() {
            return Some(SecondReading::EmptySegment);
        }
        if matches!(part, b"." | b"..") {
            return Some(SecondReading::DotSegment);
        }
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        match byte {
            b';' => return Some(SecondReading::PathParameter),
            b'\\' => return Some(SecondReading::Backslash),
            b'%' => {
                let Some((byte, more)) = percent::escaped(rest) else { return Some(SecondReading::BrokenEscape) };
                rest = more;
                if needless(byte) {
                    return Some(SecondReading::Escape);
                }
                decoded.push(byte);
            }
            0x21..=0x7E => decoded.push(*byte),
            _ => return Some(SecondReading::NotAscii),
        }
    }
    // `%c0%af` is a slash to decoders that accept overlong UTF-8.
    if core::str::from_utf8(&decoded).is_err() { Some(SecondReading::NotUtf8) } else { None }
}

/// Returns whether an escape is for a character that means the same or something else without it: unreserved characters
/// (RFC 3986, section 2.3), those that divide paths, and those that no path has.
fn needless(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte.is_ascii_control()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/' | b'\\' | b'%' | b';' | b'?' | b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn paths_with_one_reading_and_with_more() {
        for path in [
            "/",
            "/admin",
            "/admin/",
            "/a/b/c.d-e_f~g",
            "/a.b/.c/..d/e.",
            "/search?q=a//b/../c;d%2Fe\\f",
            "/caf%C3%A9/%E4%BD%A0%20a",
            "/a%40b%2Cc:@!$&'()*+,=",
            "/shop.v1.Cart/Add",
            "*",
            "/?",
        ] {
            assert_eq!(second_reading(path.as_bytes()), None, "{path}");
        }
        for (path, expected) in [
            ("//admin", "empty-segment"),
            ("/a//b", "empty-segment"),
            ("/a//", "empty-segment"),
            ("/./admin", "dot-segment"),
            ("/a/../admin", "dot-segment"),
            ("/a/..", "dot-segment"),
            ("/%61dmin", "escape"),
            ("/%2Fadmin", "escape"),
            ("/a%2f..%2fadmin", "escape"),
            ("/%5Cadmin", "escape"),
            ("/%2e%2e/admin", "escape"),
            ("/%252fadmin", "escape"),
            ("/admin%3Bx", "escape"),
            ("/admin%00", "escape"),
            ("/admin%0a", "escape"),
            ("/admin%3Fx", "escape"),
            ("/admin%", "broken-escape"),
            ("/admin%2", "broken-escape"),
            ("/admin%zz", "broken-escape"),
            ("/admin%+1", "broken-escape"),
            ("/%c0%afadmin", "not-utf-8"),
            ("/%e0%80%af", "not-utf-8"),
            ("/%ff", "not-utf-8"),
            ("/admin;a=b", "path-parameter"),
            ("/admin;/x", "path-parameter"),
            ("/\\admin", "backslash"),
            ("/a#b", "fragment"),
            ("/a?b#c", "fragment"),
            ("/caf\u{e9}", "not-ascii"),
            ("/a b", "not-ascii"),
            ("", "not-absolute"),
            ("?a", "not-absolute"),
            ("admin", "not-absolute"),
            ("http://x/admin", "not-absolute"),
        ] {
            assert_eq!(second_reading(path.as_bytes()).map(SecondReading::as_str), Some(expected), "{path}");
        }
    }
}
