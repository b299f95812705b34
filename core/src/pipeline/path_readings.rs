//! Decides on a request with an ambiguous path, if the mesh allows such requests (`ambiguousPath: ignore`).
//!
//! Servers differ in what they do with a path: cut parameters, decode escapes (once or more often), read backslashes as
//! slashes, cut at a null, merge slashes, resolve dots. The rules run for the path as it is written, and for each path
//! that any of these steps, in this order, makes of it. The request continues only if all decisions allow it, and fields
//! that any of them removes are removed. So another spelling of the path cannot bypass a deny rule, and an allow rule
//! must match all spellings. A path with more than [`MAX_READINGS`] readings is refused before any rule is run.

use super::ambiguous_path::{refusal, second_reading};
use super::plan::{Counter, Plan};
use super::workload::{Host, Workload};
use crate::cause::{Cause, MeshCause};
use crate::decide::{Decision, Denial, RuleSet};
use crate::headers::{Headers, Single};
use crate::percent;
use crate::tables::AmbiguousPath;
use crate::vm::Snapshot;

/// The readings of a path on which the rules decide, with the path as it is written.
const MAX_READINGS: usize = 8;

type Step = fn(&[u8]) -> Vec<u8>;

/// What a server may do with a path, in this order. Some decode what a proxy before them has already decoded.
const STEPS: [Step; 13] = [
    rooted,
    without_parameters,
    merged,
    resolved,
    decode,
    decode,
    decode,
    decode,
    with_slashes,
    cut,
    without_parameters,
    merged,
    resolved,
];

/// Decides on each reading of the path.
pub(super) fn decide<'w>(
    workload: &'w Workload,
    rules: &RuleSet,
    snapshot: Snapshot<'_>,
    host: Host<'_>,
    plan: &mut Plan<'w>,
) -> Decision<'w> {
    let mut readings = Vec::new();
    let mut ambiguous = None;
    let path = snapshot.headers.single(":path");
    if let (AmbiguousPath::DecideOnBoth, Single::Value(path)) = (workload.ambiguous_path(), path)
        && let Some(reading) = second_reading(path)
        && plan.fuel.text(path.len().saturating_mul(STEPS.len().saturating_mul(MAX_READINGS))).is_ok()
    {
        let end = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
        let (before, query) = path.split_at_checked(end).unwrap_or((path, &[]));
        let Some(others) = other_readings(before) else {
            plan.problem(Counter::PathAmbiguous, ":path", reading.as_str());
            let denial = Denial { cause: Cause::Mesh(MeshCause::AmbiguousPath), reply: refusal() };
            return Decision { denial: Some(denial), ..Decision::default() };
        };
        readings.extend(others.into_iter().map(|other| [other.as_slice(), query].concat()));
        ambiguous = Some(reading);
    }
    let mut decision = workload.decide(rules, snapshot, &plan.fuel);
    host.decided(snapshot, rules.rules(), &decision);
    for other in readings {
        if decision.denial.is_some() && host.observer.is_none() {
            break;
        }
        let replaced = |(name, value)| if name == b":path" { (name, other.as_slice()) } else { (name, value) };
        let headers = Headers::new(snapshot.headers.iter().map(replaced).collect());
        let snapshot = Snapshot { headers: &headers, ..snapshot };
        host.decides_again(snapshot, rules.rules());
        if decision.denial.is_some() {
            continue;
        }
        let other = workload.decide(rules, snapshot, &plan.fuel);
        if let (Some(reading), true) = (ambiguous, other.denial.is_some()) {
            plan.problem(Counter::PathAmbiguous, ":path", reading.as_str());
        }
        decision = stricter(decision, other);
    }
    decision
}

/// Returns the other readings of a path without its query, or `None` if there are too many.
fn other_readings(path: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut readings = vec![path.to_vec()];
    for step in STEPS {
        for at in 0..readings.len() {
            let Some(reading) = readings.get(at).map(|reading| step(reading)) else { break };
            if !readings.contains(&reading) {
                readings.push(reading);
            }
        }
        if readings.len() > MAX_READINGS {
            return None;
        }
    }
    readings.remove(0);
    Some(readings)
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

/// Returns a path with a slash at its beginning.
fn rooted(path: &[u8]) -> Vec<u8> {
    if path.starts_with(b"/") { path.to_vec() } else { [b"/", path].concat() }
}

/// Returns a path without the parameters of its segments.
fn without_parameters(path: &[u8]) -> Vec<u8> {
    let names = path.split(|byte| *byte == b'/');
    let names: Vec<&[u8]> = names.map(|part| part.split(|byte| *byte == b';').next().unwrap_or_default()).collect();
    names.join(&b'/')
}

/// Returns a path without empty segments before the last.
fn merged(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    path.dedup_by(|next, byte| *next == b'/' && *byte == b'/');
    path
}

/// Returns a path without the segments `.` and `..`.
fn resolved(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut is_folder = false;
    for part in path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/') {
        is_folder = matches!(part, b"." | b"..");
        match part {
            b"." => {}
            b".." => {
                segments.pop();
            }
            part => segments.push(part),
        }
    }
    if is_folder {
        segments.push(b"");
    }
    let mut read = Vec::with_capacity(path.len());
    for segment in &segments {
        read.push(b'/');
        read.extend_from_slice(segment);
    }
    read
}

/// Returns a path with slashes for backslashes.
fn with_slashes(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

/// Returns the path before a fragment, a query or a null.
fn cut(path: &[u8]) -> Vec<u8> {
    path.split(|byte| matches!(byte, b'#' | b'?' | 0)).next().unwrap_or_default().to_vec()
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

    fn readings(path: &str) -> Option<Vec<String>> {
        let readings = other_readings(path.as_bytes())?;
        Some(readings.iter().map(|reading| String::from_utf8_lossy(reading).into_owned()).collect())
    }

    #[test]
    fn every_step_that_a_server_may_take_makes_a_reading() {
        for (path, expected) in [
            ("/admin", &[][..]),
            ("/admin/", &[]),
            ("/", &[]),
            ("//admin", &["/admin"]),
            ("/./admin", &["/admin"]),
            ("/a/../admin", &["/admin"]),
            ("/a/..", &["/"]),
            ("/../..", &["/"]),
            ("/%61dmin", &["/admin"]),
            ("/%2561dmin", &["/%61dmin", "/admin"]),
            ("/%5Cadmin", &["/\\admin", "//admin", "/admin"]),
            ("/public/..;/admin", &["/public/../admin", "/admin"]),
            ("/admin;a=b/x;c", &["/admin/x"]),
            ("/admin;", &["/admin"]),
            ("/admin%3Bx", &["/admin;x", "/admin"]),
            ("/admin%00.png", &["/admin\0.png", "/admin"]),
            ("/admin%23x", &["/admin#x", "/admin"]),
            ("/admin%3Fx", &["/admin?x", "/admin"]),
            ("/admin%", &[]),
            ("/%zz", &[]),
            ("admin", &["/admin"]),
            ("", &["/"]),
            ("/x/https:%2F%2Fa", &["/x/https://a", "/x/https:/a"]),
            // Whoever decodes but resolves nothing finds `/admin`; whoever resolves finds `/x`.
            ("/%61dmin/..;/x", &["/%61dmin/../x", "/x", "/admin/..;/x", "/admin/../x"]),
            // Empty segments count for servers that do not merge them.
            ("/a//../b", &["/a/../b", "/a/b", "/b"]),
        ] {
            assert_eq!(readings(path).unwrap(), expected, "{path}");
        }
        assert_eq!(readings("/a;b//%252e%252e;c%255C..%2523"), None);
    }
}
