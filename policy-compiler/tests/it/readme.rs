//! The README of the project: its tree compiles, its commands run, and its samples are what comes out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::repository;

/// A fenced block: its language, and its text.
struct Block {
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let mut blocks = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```") else { continue };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(Block { language: language.to_owned(), text: text.join("\n") + "\n" });
    }
    blocks
}

/// Returns the only block that contains a text.
fn block(part: &str) -> String {
    let mut found: Vec<Block> = blocks().into_iter().filter(|block| block.text.contains(part)).collect();
    assert_eq!(found.len(), 1, "blocks with `{part}`");
    found.remove(0).text
}

/// Returns a new folder with the tree of the README in `policies`, in one file.
fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("policies")).unwrap();
    fs::write(folder.join("policies/mesh.yaml"), block("kind: Mesh")).unwrap();
    folder
}

fn run(folder: &Path, line: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_policyc")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    Command::new("sh").args(["-ec", line]).current_dir(folder).env("PATH", path).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_tree_of_the_readme_compiles_without_a_warning() {
    let output = run(&scratch("readme-tree"), "policyc check policies --deny-warnings");
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

#[test]
fn the_samples_of_the_readme_are_what_comes_out() {
    let guard = "apiVersion: contextmesh.io/v1\nkind: ContextPolicy\nmetadata: {name: guard}\nspec:\n  workloads: [ledger]\n  rules:\n    \
                 - name: acme-only\n      when: context.tenantid == 'acme'\n      deny: {}\n";
    let tests = "apiVersion: contextmesh.io/v1\nkind: PolicyTest\nmetadata: {name: callers}\nspec:\n  tests:\n    \
                 - {name: the ledger may not charge, workload: payment-service, principal: ledger, context: {tenant_id: tenant_acme}, expect: {decision: allow}}\n";
    let mut samples = 0;
    for block in blocks() {
        let Some((command, shown)) = block.text.strip_prefix("$ ").and_then(|text| text.split_once('\n')) else {
            continue;
        };
        let folder = scratch(&format!("readme-sample-{samples}"));
        match command {
            "policyc check policies" => fs::write(folder.join("policies/guard.yaml"), guard).unwrap(),
            "policyc test policies" => fs::write(folder.join("policies/tests.yaml"), tests).unwrap(),
            other => panic!("what does `{other}` run on?"),
        }
        let output = run(&folder, command);
        let found = format!("{}{}", text(&output.stdout), text(&output.stderr));
        // A sample may leave out what follows, but no line of what it shows, nor the beginning of its last line.
        assert!(found.starts_with(shown.trim_end()), "{command}\n{shown}\n--- found\n{found}");
        assert_eq!(output.status.code(), Some(1));
        samples += 1;
    }
    assert_eq!(samples, 2);
}

#[test]
fn the_request_of_the_readme_is_answered_as_it_says() {
    let folder = scratch("readme-request");
    let ask = |principal: &str| {
        let request = format!(
            "{{\"workload\": \"payment-service\", \"principal\": \"{principal}\", \"context\": {{\"tenant_id\": \"tenant_acme\", \"user_id\": \"user_7\"}}}}"
        );
        fs::write(folder.join("request.json"), request).unwrap();
        let output = run(&folder, "policyc eval policies --request request.json --format json");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let answer = ask("checkout-service");
    let answer = answer.as_array().map_or(&answer, |all| &all[0]);
    let answer = answer.get("requests").map_or(answer, |all| &all[0]);
    assert_eq!(answer["decision"], "allow", "{answer:#}");
    let mut shown = 0;
    for line in block("x-tenant-id: tenant_acme\nbaggage: ").lines() {
        let (name, value) = line.split_once(": ").unwrap();
        let header = answer["headers"].as_array().unwrap().iter().find(|header| header["name"] == name);
        let found = header.unwrap()["value"].as_str().unwrap();
        // The README leaves the ticket out, and says so.
        let others = found.split(',').filter(|member| !member.starts_with("cmesh.ticket="));
        assert_eq!(others.collect::<Vec<_>>().join(","), value, "{name}");
        shown += 1;
    }
    assert_eq!(shown, 2);
    let answer = ask("ledger");
    let answer = answer.as_array().map_or(&answer, |all| &all[0]);
    let answer = answer.get("requests").map_or(answer, |all| &all[0]);
    let said = format!("`{} {}`", answer["status"], answer["message"].as_str().unwrap());
    let readme = fs::read_to_string(repository().join("README.md")).unwrap().replace('\n', " ");
    assert!(readme.contains(&said), "{said}");
}

#[test]
fn the_commands_of_the_readme_run() {
    let folder = scratch("readme-commands");
    let mut lines = 0;
    for block in blocks().iter().filter(|block| block.language == "sh") {
        for line in block.text.lines().filter(|line| line.starts_with("policyc ")) {
            // The names stand for others, and the cluster is not there.
            let line = line.split(" | kubectl").next().unwrap_or_default();
            let line = line.replace("DIR", "policies").replace("REGISTRY", "registry.example");
            let output = run(&folder, &line);
            assert_eq!(output.status.code(), Some(0), "{line}\n{}", text(&output.stderr));
            lines += 1;
        }
    }
    assert!(lines >= 6, "{lines} commands");
}
