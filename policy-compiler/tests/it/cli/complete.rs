//! Completion of names: the hidden command, and the scripts in the shells themselves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{policyc, scratch, text};
use crate::skip;

/// Writes the tree of `policyc init` into a folder, and returns the folder around it.
fn around(name: &str) -> PathBuf {
    let folder = scratch(name);
    assert_eq!(policyc(&["init", folder.join("policies").to_str().unwrap()]).status.code(), Some(0));
    fs::create_dir(folder.join("pol")).unwrap();
    fs::create_dir(folder.join(".hidden")).unwrap();
    folder
}

/// Returns the candidates for the last of the words.
fn candidates(folder: &Path, words: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_policyc"))
        .current_dir(folder)
        .args(["__complete", "--"])
        .args(words.split(' '))
        .output()
        .unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""), "{words}");
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn names_come_from_the_tree() {
    let folder = around("complete");
    let rows: [(&str, &[&str]); 12] = [
        ("check p", &["pol/", "policies/"]),
        ("check policies/", &[]),
        ("check .", &[".hidden/"]),
        ("build policies --service ", &["checkout", "ledger", "payment-service", "web-gateway"]),
        ("build policies --service pa", &["payment-service"]),
        ("build policies --service=le", &["--service=ledger"]),
        ("graph policies --domain ", &["edge", "payments", "shop"]),
        ("graph policies --field t", &["tenant_id"]),
        ("explain CM041", &["CM0410", "CM0411", "CM0412", "CM0413", "CM0414", "CM0415", "CM0416"]),
        ("build missing --service ", &[]),
        ("check policies --", &[]),
        ("comp", &[]),
    ];
    for (words, expected) in rows {
        assert_eq!(candidates(&folder, words), expected, "{words}");
    }
    let tests = candidates(&folder, "test policies ");
    assert!(tests.len() > 1 && tests.iter().all(|name| name.contains('/')), "{tests:?}");
}

#[test]
fn a_broken_tree_offers_what_can_be_read() {
    let folder = around("complete-broken");
    fs::write(folder.join("policies/schema.yaml"), "{").unwrap();
    assert_eq!(candidates(&folder, "graph policies --field "), Vec::<String>::new());
    assert_eq!(candidates(&folder, "graph policies --domain s"), ["shop"]);
    fs::write(folder.join("policies/mesh.yaml"), b"\xff\xfe").unwrap();
    assert_eq!(candidates(&folder, "graph policies --domain s"), Vec::<String>::new());
    assert_eq!(candidates(&folder, ""), Vec::<String>::new());
}

/// Writes the script of a shell, and returns it with a search path on which `policyc` is ours.
fn script(folder: &Path, shell: &str, name: &str) -> (PathBuf, String) {
    let file = folder.join(name);
    let text = policyc(&["completions", shell]).stdout;
    assert!(!String::from_utf8_lossy(&text).contains("policyc,__complete)"), "hidden commands are not offered");
    fs::write(&file, text).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_policyc")).parent().unwrap();
    (file, format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default()))
}

fn has(shell: &str) -> bool {
    let found = Command::new(shell).args(["-c", "true"]).output().is_ok_and(|output| output.status.success());
    if !found {
        skip::skip("completion", &format!("there is no {shell}"));
    }
    found
}

#[test]
fn bash_offers_names_and_everything_else() {
    let folder = around("complete-bash");
    let (file, path) = script(&folder, "bash", "policyc.bash");
    let line = r#"
        set -eu
        source "$1"
        offer() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _policyc_names policyc "${@: -1}" "${@: -2:1}"; echo "${COMPREPLY[*]}"; }
        offer policyc build policies --service pa
        offer policyc build policies --service = le
        offer policyc graph policies --domain ""
        offer policyc check po
        offer policyc ch
        offer policyc check --cos
        offer policyc comp
    "#;
    let output = Command::new("bash")
        .args(["-c", line, "bash"])
        .arg(&file)
        .env("PATH", path)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    let expected =
        ["payment-service", "ledger", "edge payments shop", "pol/ policies/", "check", "--costs", "completions"];
    assert_eq!(lines, expected);
}

#[test]
fn zsh_offers_names_and_everything_else() {
    if !has("zsh") {
        return;
    }
    let folder = around("complete-zsh");
    let (file, path) = script(&folder, "zsh", "_policyc");
    // `compadd` and clap's function only show what they are given.
    let line = r#"
        compdef() { :; }
        source "$1"
        compadd() { print -r -- "add $*"; }
        _policyc_commands_and_options() { print static; }
        offer() { words=("$@"); CURRENT=$#; _policyc; }
        offer policyc build policies --service pa
        offer policyc build policies --service=le
        offer policyc check po
        offer policyc ch
    "#;
    let output = Command::new("zsh")
        .args(["-f", "-c", line, "zsh"])
        .arg(&file)
        .env("PATH", path)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert_eq!(
        lines,
        ["add -- payment-service", "add -- --service=ledger", "add -S  -- pol/ policies/", "static"],
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn fish_offers_names_and_everything_else() {
    if !has("fish") {
        return;
    }
    let folder = around("complete-fish");
    let (file, path) = script(&folder, "fish", "policyc.fish");
    let line = format!(
        "source {}; for line in 'policyc build policies --service pa' 'policyc graph policies --domain s' 'policyc check po' 'policyc compl'; complete -C $line; end",
        file.display()
    );
    let output = Command::new("fish")
        .args(["--no-config", "-c", &line])
        .env("PATH", path)
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let names: Vec<&str> =
        text(&output.stdout).lines().map(|line| line.split('\t').next().unwrap_or_default()).collect();
    assert_eq!(names, ["payment-service", "shop", "pol/", "policies/", "completions"], "{}", text(&output.stdout));
}
