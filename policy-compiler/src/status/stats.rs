//! The statistics of one Envoy.

use context_mesh_core::info::Info;
use serde_json::Value;

/// What statistics say of artifacts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stats {
    /// What runs: service, role, revision and digest.
    pub(super) running: Vec<(String, String, Option<String>, String)>,
    /// What was refused: reason, revision, digest, and how often.
    pub(super) refused: Vec<(String, Option<String>, Option<String>, u64)>,
    /// Envoy's own counters of what it refused or could not start, with their counts.
    pub(super) counters: Vec<(String, u64)>,
}

/// Envoy's namespace of the statistics of filters.
const NAMESPACE: &str = "wasmcustom.";

/// Prefixes and ends of the names of Envoy's counters that matter here.
const COUNTERS: [(&str, &str); 6] = [
    ("extension_config_discovery.", ".config_fail"),
    ("extension_config_discovery.", ".update_rejected"),
    ("listener_manager.lds.", "update_rejected"),
    ("listener_manager.", "listener_create_failure"),
    ("wasm.", ".config_fail"),
    ("wasm.", ".vm_reload_failure"),
];

/// Reads the answer to `/stats`, as text or as JSON.
///
/// # Errors
/// It has something, but no statistics.
pub(super) fn parse(text: &str) -> Result<Stats, String> {
    let mut stats = Stats::default();
    let json = text.trim_start().starts_with('{');
    let known = if json { parse_json(text, &mut stats) } else { parse_text(text, &mut stats) };
    stats.running.sort();
    stats.refused.sort();
    stats.counters.sort();
    if known == 0 && !text.trim().is_empty() {
        return Err(
            "there are no statistics in it: it must be the answer to `/stats` of Envoy's admin interface".to_owned()
        );
    }
    Ok(stats)
}

/// Reads `name: value` lines, and returns how many there are.
fn parse_text(text: &str, stats: &mut Stats) -> usize {
    let lines = text.lines().filter_map(|line| line.rsplit_once(": "));
    lines.map(|(name, value)| add(name, value.parse().ok(), stats)).count()
}

/// Reads the form of `/stats?format=json`, and returns how many statistics there are.
fn parse_json(text: &str, stats: &mut Stats) -> usize {
    let Ok(Value::Object(document)) = serde_json::from_str(text) else { return 0 };
    let list = document.get("stats").and_then(Value::as_array);
    let named = list.into_iter().flatten().filter_map(|stat| Some((stat["name"].as_str()?, stat["value"].as_u64())));
    named.map(|(name, value)| add(name, value, stats)).count()
}

fn add(name: &str, value: Option<u64>, stats: &mut Stats) {
    let Some(value @ 1..) = value else { return };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    match name.strip_prefix(NAMESPACE).and_then(Info::parse) {
        Some(Info::Running { service, role, revision, digest: Some(digest) }) => {
            stats.running.push((service.to_owned(), role.to_owned(), owned(revision), digest.to_owned()));
        }
        Some(Info::Refused { reason, revision, digest }) => {
            stats.refused.push((reason.to_owned(), owned(revision), owned(digest), value));
        }
        Some(Info::Running { .. }) => {}
        None if COUNTERS.iter().any(|(start, end)| name.starts_with(start) && name.ends_with(end)) => {
            stats.counters.push((name.to_owned(), value));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
cluster_manager.cds.update_rejected: 4
extension_config_discovery.http_filter.context_mesh.config_fail: 0
extension_config_discovery.http_filter.context_mesh.update_rejected: 2
http.admin.downstream_cx_length_ms: P0(nan,1.0)
wasm.context_mesh.vm_reload_failure: 1
wasmcustom.context_mesh.artifact_info.service.back.role.inbound.revision.1.4.0.digest.aa: 1
wasmcustom.context_mesh.artifact_info.service.back.role.inbound.revision.1.3.9.digest.bb: 0
wasmcustom.context_mesh.artifact_info.service.back.role.outbound.revision.-.digest.aa: 2
wasmcustom.context_mesh.artifact_refused.reason.damaged.revision.-.digest.-: 3
wasmcustom.context_mesh.config_refused: 3
";

    #[test]
    fn text_and_json_say_the_same() {
        let owned = |text: &str| Some(text.to_owned());
        let expected = Stats {
            running: vec![
                ("back".to_owned(), "inbound".to_owned(), owned("1.4.0"), "aa".to_owned()),
                ("back".to_owned(), "outbound".to_owned(), None, "aa".to_owned()),
            ],
            refused: vec![("damaged".to_owned(), None, None, 3)],
            counters: vec![
                ("extension_config_discovery.http_filter.context_mesh.update_rejected".to_owned(), 2),
                ("wasm.context_mesh.vm_reload_failure".to_owned(), 1),
            ],
        };
        assert_eq!(parse(TEXT).unwrap(), expected);
        let number = |value: &str| value.parse::<u64>().map_or_else(|_| Value::from(value), Value::from);
        let list: Value = TEXT
            .lines()
            .map(|line| line.rsplit_once(": ").unwrap())
            .map(|(name, value)| serde_json::json!({"name": name, "value": number(value)}))
            .collect();
        assert_eq!(parse(&serde_json::json!({"stats": list}).to_string()).unwrap(), expected);
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in ["<html>", "{}", "{", "# TYPE a counter\na{} 1\n", r#"{"configs": []}"#] {
            assert!(parse(text).unwrap_err().contains("the answer to `/stats`"), "{text}");
        }
        assert_eq!(parse(" \n"), Ok(Stats::default()));
    }
}
