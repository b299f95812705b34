//! Describes the machine and the checkout, so that figures can be judged later.

use std::process::Command;

/// Returns names and texts. What the system does not tell is left out.
pub fn about() -> Vec<(String, String)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = std::fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| value_of(&text, "model name"));
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load = load.and_then(|text| Some(text.split_whitespace().next()?.to_owned()));
    let entries = [
        ("processor", processor.map(|name| format!("{name}, {cores} cores"))),
        ("load", load.map(|load| format!("{load} before the measurement"))),
        ("commit", commit()),
        ("envoy", Some(context_mesh_e2e::envoy_binary::ENVOY_VERSION.to_owned())),
    ];
    entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// Returns the value of the first `name : value` line.
fn value_of(text: &str, name: &str) -> Option<String> {
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

fn commit() -> Option<String> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let output = Command::new("git").args(["-C", folder, "log", "-1", "--format=%h of %cs"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_found() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n";
        assert_eq!(value_of(text, "model name"), Some("Some CPU @ 2 GHz".to_owned()));
        assert_eq!(value_of(text, "flags"), None);
    }
}
