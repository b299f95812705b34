//! The help texts: every command has examples, and every example works.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{policyc, scratch, text};

/// Returns all commands that the help texts list, as arguments.
fn commands() -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let help = help(&path);
        for name in listed(&help) {
            open.push([&path[..], &[name]].concat());
        }
        found.push(path);
    }
    found
}

fn help(path: &[String]) -> String {
    let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let output = policyc(&arguments);
    assert_eq!(output.status.code(), Some(0), "{path:?}");
    text(&output.stdout).to_owned()
}

/// Returns the names below `Commands:`.
fn listed(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn examples(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| !matches!(*line, "Example:" | "Examples:")).skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' ')).collect()
}

pub(super) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A folder in which commands run, with `policies` (the demo's), `bookinfo` (a mesh in Istio), `policy.cmx` (built from
/// them), `old` (another version of them), recorded requests, manifests to import, and configuration and statistics of
/// proxies.
struct Place(PathBuf);

/// Writes the statistics of a proxy that runs the artifact, and returns the list that expects it.
fn running(artifact: &Path, stats: &Path) -> String {
    let stamp = context_mesh_core::artifact::stamp(&fs::read(artifact).unwrap()).unwrap();
    let name = context_mesh_core::info::running("ledger", None, &stamp);
    fs::write(stats, format!("wasmcustom.{name}: 1\n")).unwrap();
    serde_json::json!([{"service": "ledger", "role": "inbound", "digest": stamp.digest.to_string()}]).to_string()
}

impl Place {
    fn new(name: &str) -> Self {
        let place = Self(scratch(name));
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
        copy(&examples.join("shop"), &place.0.join("policies"));
        copy(&examples.join("bookinfo"), &place.0.join("bookinfo"));
        place.run("policyc build policies -o policy.cmx");
        place.run("cp -r policies old");
        let request =
            r#"{"workload": "ledger", "principal": "payment-service", "context": {"tenant_id": "tenant_acme"}}"#;
        fs::write(place.0.join("request.json"), request).unwrap();
        fs::write(place.0.join("requests.jsonl"), format!("{request}\n{request}\n")).unwrap();
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_tests/eval/access.log");
        fs::copy(recorded, place.0.join("access.log")).unwrap();
        fs::write(place.0.join("envoy.yaml"), "static_resources: {}\n").unwrap();
        fs::write(place.0.join("config_dump.json"), r#"{"configs": [{"@type": "t/envoy.admin.v3.X"}]}"#).unwrap();
        fs::write(place.0.join("digests.json"), running(&place.0.join("policy.cmx"), &place.0.join("stats.txt")))
            .unwrap();
        let manifests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
        for name in ["authorization.yaml", "workloads.yaml", "mesh-config.yaml"] {
            fs::copy(manifests.join(name), place.0.join(name)).unwrap();
        }
        fs::create_dir(place.0.join("authorization")).unwrap();
        fs::copy(manifests.join("authorization.yaml"), place.0.join("authorization/all.yaml")).unwrap();
        fs::create_dir(place.0.join("manifests")).unwrap();
        let service =
            "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec: {http: []}\n";
        fs::write(place.0.join("manifests/routes.yaml"), service).unwrap();
        place
    }

    /// Runs a shell command line, which must succeed.
    fn run(&self, line: &str) {
        // A command may require a new folder.
        let _ = fs::remove_dir_all(self.0.join("my-policies"));
        let binary = Path::new(env!("CARGO_BIN_EXE_policyc")).parent().unwrap();
        let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
        let output = Command::new("sh").args(["-ec", line]).current_dir(&self.0).env("PATH", path).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{line}\n{}", text(&output.stderr));
    }
}

#[test]
fn every_example_of_the_help_texts_works() {
    let place = Place::new("help-examples");
    let mut seen = BTreeSet::new();
    for path in commands() {
        let help = help(&path);
        let examples = examples(&help);
        assert!(!examples.is_empty() || !listed(&help).is_empty(), "{path:?} has no example");
        for line in examples {
            // Long lines of the help are broken; none of ours is long enough for that.
            assert!(line.starts_with("policyc "), "{path:?}: {line}");
            if seen.insert(line.to_owned()) {
                place.run(line);
            }
        }
    }
    assert!(seen.len() >= 6, "{seen:?}");
}

#[test]
fn every_command_of_the_page_works() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policyc.md")).unwrap();
    let place = Place::new("page-commands");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("policyc ")).collect();
    assert!(lines.len() >= 10, "{lines:?}");
    lines.into_iter().for_each(|line| place.run(line));
}

#[test]
fn the_page_names_every_command_and_option() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/policyc.md")).unwrap();
    for path in commands().into_iter().filter(|path| !path.is_empty()) {
        let help = help(&path);
        if !listed(&help).is_empty() {
            continue;
        }
        let heading = format!("## `policyc {}", path.join(" "));
        let section = page.split("\n").skip_while(|line| !line.starts_with(&heading)).skip(1);
        let section: Vec<&str> = section.take_while(|line| !line.starts_with("## ")).collect();
        assert!(!section.is_empty(), "the page has no section {heading}");
        let own = help.split("Global options:").next().unwrap();
        for option in own.split_whitespace().filter(|word| word.starts_with("--") && *word != "--help") {
            let option = option.trim_end_matches([']', ',']);
            assert!(section.join("\n").contains(option), "{heading} does not name {option}");
        }
    }
}

#[test]
fn the_help_says_what_the_exit_codes_mean() {
    let help = help(&[]);
    for code in ["  0  ", "  1  ", "  2  ", "  3  "] {
        assert!(help.contains(code), "{help}");
    }
}

#[test]
fn a_near_command_is_suggested() {
    let output = policyc(&["completons", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a similar subcommand exists: 'completions'"), "{}", text(&output.stderr));
}
