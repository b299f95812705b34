//! Decides on a request with an ambiguous path, if the mesh allows such requests (`ambiguousPath: ignore`).
//!
//! The rules run twice: for the path as it is written, and for the path as the most tolerant server reads it. The
//! request continues only if both decisions allow it, and fields that either of them removes are removed. So another
//! spelling of the path cannot bypass a deny rule, and an allow rule must match both spellings.

use super::ambiguous_path::second_reading;
use super::plan::{Counter, Plan};
use super::workload::{Host, Workload};
use crate::decide::{Decision, RuleSet};
use crate::headers::{Headers, Single};
use crate::percent;
use crate::tables::AmbiguousPath;
use crate::vm::Snapshot;

/// How often escapes are decoded: some servers decode what a proxy before them has already decoded.
const DECODINGS: usize = 4;

/// Decides on each reading of the path.
pub(super) fn decide<'w>(
    workload: &'w Workload,
    rules: &RuleSet,
    snapshot: Snapshot<'_>,
    host: Host<'_>,
    plan: &mut Plan<'w>,
) -> Decision<'w> {
    let decision = workload.decide(rules, snapshot, &plan.fuel);
    host.decided(snapshot, rules.rules(), &decision);
    let decided = decision.denial.is_some() && host.observer.is_none();
    if decided || workload.ambiguous_path() != AmbiguousPath::DecideOnBoth {
        return decision;
    }
    let Single::Value(path) = snapshot.headers.single(":path") else { return decision };
    let Some(reading) = second_reading(path) else { return decision };
    if plan.fuel.text(path.len().saturating_mul(DECODINGS)).is_err() {
        return decision;
    }
    let generous = generous(path);
    let replaced = |(name, value)| if name == b":path" { (name, generous.as_slice()) } else { (name, value) };
    let headers = Headers::new(snapshot.headers.iter().map(replaced).collect());
    let snapshot = Snapshot { headers: &headers, ..snapshot };
    host.decides_again(snapshot, rules.rules());
    if decision.denial.is_some() {
        return decision;
    }
    let other = workload.decide(rules, snapshot, &plan.fuel);
    if other.denial.is_some() {
        plan.problem(Counter::PathAmbiguous, ":path", reading.as_str());
    }
    stricter(decision, other)
}

/// Returns the combination of both decisions. The values of fields are those of the first.
fn stricter<'w>(mut decision: Decision<'w>, other: Decision<'w>) -> Decision<'w> {
    decision.denial = decision.denial.or(other.denial);
    let names = [
        (&mut decision.applied, other.applied),
        (&mut decision.shadow, other.shadow),
        (&mut decision.audited, other.audited),
    ];
    for (all, more) in names {
        for name in more {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    // Of several rules that remove a field, the first counts; of several methods of a field, the strictest.
    decision.redact.extend(other.redact);
    decision.mask.extend(other.mask);
    for error in other.errors {
        if !decision.errors.contains(&error) {
            decision.errors.push(error);
        }
    }
    decision.unwatched |= other.unwatched;
    decision
}

/// Returns the path as the most tolerant server reads it: without escapes, path parameters, backslashes, empty and dot
/// segments, and without the text after a `#`. The query stays unchanged.
fn generous(path: &[u8]) -> Vec<u8> {
    let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
    let (path, query) = path.split_at_checked(end).unwrap_or((path, &[]));
    let mut decoded = path.to_vec();
    for _ in 0..DECODINGS {
        let more = decode(&decoded);
        if more == decoded {
            break;
        }
        decoded = more;
    }
    let end = decoded.iter().position(|byte| matches!(byte, b'#' | b'?' | 0)).unwrap_or(decoded.len());
    decoded.truncate(end);
    let mut segments: Vec<&[u8]> = Vec::new();
    let parts = decoded.split(|byte| matches!(byte, b'/' | b'\\'));
    let mut is_folder = false;
    for part in parts {
        let name = part.split(|byte| *byte == b';').next().unwrap_or_default();
        is_folder = matches!(name, b"" | b"." | b"..");
        match name {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    let mut read = Vec::with_capacity(path.len());
    for segment in &segments {
        read.push(b'/');
        read.extend_from_slice(segment);
    }
    if is_folder {
        read.push(b'/');
    }
    read.extend_from_slice(query);
    read
}

/// Decodes the escapes of a path. A malformed one is kept.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, more)) = rest.split_first() {
        rest = more;
        match percent::escaped(more).filter(|_| *byte == b'%') {
            Some((byte, after)) => {
                decoded.push(byte);
                rest = after;
            }
            None => decoded.push(*byte),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_most_generous_server_reads_one_path() {
        for (path, expected) in [
            ("/admin", "/admin"),
            ("/admin/", "/admin/"),
            ("/", "/"),
            ("//admin", "/admin"),
            ("/./admin", "/admin"),
            ("/a/../admin", "/admin"),
            ("/a/..", "/"),
            ("/../..", "/"),
            ("/%61dmin", "/admin"),
            ("/%2561dmin", "/admin"),
            ("/%2Fadmin", "/admin"),
            ("/a%2f..%2fadmin", "/admin"),
            ("/%5Cadmin", "/admin"),
            ("/public/..;/admin", "/admin"),
            ("/admin;a=b/x;c", "/admin/x"),
            ("/admin;", "/admin"),
            ("/admin%3Bx", "/admin"),
            ("/admin%00.png", "/admin"),
            ("/admin%23x", "/admin"),
            ("/admin%3Fx?y=%2F", "/admin?y=%2F"),
            ("/admin%", "/admin%"),
            ("/%zz", "/%zz"),
            ("admin", "/admin"),
            ("", "/"),
            ("?a=1", "/?a=1"),
        ] {
            assert_eq!(String::from_utf8_lossy(&generous(path.as_bytes())), expected, "{path}");
        }
    }
}
