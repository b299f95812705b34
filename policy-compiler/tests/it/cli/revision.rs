//! `--revision`: what an artifact says of the sources that it was built from.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use context_mesh_core::artifact::{Stamp, stamp};
use serde_json::Value;

use super::{help::copy, policyc, scratch, text, tree};

/// Creates a repository with a committed tree in `policies`, and a file beside it.
fn repository(name: &str) -> PathBuf {
    let folder = scratch(name);
    copy(Path::new(&tree()), &folder.join("policies"));
    fs::write(folder.join("README.md"), "a").unwrap();
    fs::write(folder.join(".gitignore"), "*.tmp\nignored/\n").unwrap();
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "first"]);
    folder
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
    let output = Command::new("git").arg("-C").arg(folder).args(identity).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout).trim().to_owned()
}

/// Builds a tree, and returns the stamp of the artifact and what was printed.
fn build(folder: &Path, options: &[&str]) -> (Stamp, Output) {
    let file = folder.with_extension("cmx");
    let (folder, path) = (folder.to_str().unwrap(), file.to_str().unwrap());
    let output = policyc(&[&["build", folder, "-o", path, "--format", "json"], options].concat());
    assert_eq!(output.status.code(), Some(0), "{options:?}: {}", text(&output.stderr));
    (stamp(&fs::read(&file).unwrap()).unwrap(), output)
}

fn revision(stamp: &Stamp) -> Option<&str> {
    stamp.revision.as_ref().map(|revision| revision.as_str())
}

#[test]
fn the_default_is_the_commit_and_only_changes_of_the_tree_make_it_dirty() {
    let root = repository("revision");
    let policies = root.join("policies");
    let commit = git(&root, &["rev-parse", "HEAD"]);
    let mesh = fs::read_to_string(policies.join("mesh.yaml")).unwrap();
    type Change = fn(&Path);
    let cases: [(&str, Change, bool); 10] = [
        ("nothing", |_| {}, false),
        ("a changed file beside the tree", |root| fs::write(root.join("README.md"), "b").unwrap(), false),
        ("a new file beside the tree", |root| fs::write(root.join("new.yaml"), "b").unwrap(), false),
        ("an ignored file that is not read", |root| fs::write(root.join("policies/a.tmp"), "b").unwrap(), false),
        (
            "an ignored document that is hidden",
            |root| {
                fs::create_dir_all(root.join("policies/.cache/ignored")).unwrap();
                fs::write(root.join("policies/.cache/ignored/a.yaml"), "b").unwrap();
            },
            false,
        ),
        (
            "an ignored lock file",
            |root| {
                fs::write(root.join(".git/info/exclude"), "*.lock\n").unwrap();
                fs::write(root.join("policies/context-mesh.lock"), "").unwrap();
            },
            true,
        ),
        ("a new file", |root| fs::write(root.join("policies/new.yaml"), "# b\n").unwrap(), true),
        (
            "an ignored document",
            |root| {
                fs::create_dir(root.join("policies/ignored")).unwrap();
                fs::write(root.join("policies/ignored/a.yaml"), "# b\n").unwrap();
            },
            true,
        ),
        (
            "a changed file",
            |root| {
                let file = root.join("policies/mesh.yaml");
                fs::write(&file, fs::read_to_string(&file).unwrap() + "# b\n").unwrap();
            },
            true,
        ),
        (
            "a staged file",
            |root| {
                let file = root.join("policies/mesh.yaml");
                fs::write(&file, fs::read_to_string(&file).unwrap() + "# b\n").unwrap();
                git(root, &["add", "."]);
            },
            true,
        ),
    ];
    for (name, change, dirty) in cases {
        change(&root);
        let (stamp, output) = build(&policies, &[]);
        let expected = if dirty { format!("{commit}-dirty") } else { commit.clone() };
        assert_eq!((revision(&stamp), text(&output.stderr)), (Some(expected.as_str()), ""), "{name}");
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&printed["revision"], &printed["digest"]), (&expected.into(), &stamp.digest.to_string().into()));
        git(&root, &["reset", "--quiet", "--hard"]);
        git(&root, &["clean", "--quiet", "-ffdx"]);
        assert_eq!(fs::read_to_string(policies.join("mesh.yaml")).unwrap(), mesh);
    }
}

#[test]
fn very_many_changes_make_a_commit_dirty_too() {
    let root = repository("revision-many");
    for number in 0..2000 {
        fs::write(root.join(format!("policies/{number:060}.txt")), "b").unwrap();
    }
    assert!(revision(&build(&root.join("policies"), &[]).0).unwrap().ends_with("-dirty"));
}

#[test]
fn a_revision_changes_the_artifact_and_not_its_digest() {
    let root = repository("revision-digest");
    let policies = root.join("policies");
    for slice in [&[] as &[&str], &["--service", "ledger"]] {
        let digest = build(&policies, &[slice, &["--no-revision"]].concat()).0.digest;
        for (options, expected) in [
            (&["--no-revision"] as &[&str], None),
            (&["--revision", "1.4.0+build.7"], Some("1.4.0+build.7")),
            (&["--revision", "release/2026-03"], Some("release/2026-03")),
        ] {
            let stamp = build(&policies, &[slice, options].concat()).0;
            assert_eq!((stamp.digest, revision(&stamp)), (digest, expected), "{slice:?} {options:?}");
        }
    }
}

#[test]
fn inspect_shows_the_revision() {
    let file = scratch("revision-inspect").join("policy.cmx");
    let file = file.to_str().unwrap();
    assert_eq!(policyc(&["build", &tree(), "-o", file, "--revision", "v7"]).status.code(), Some(0));
    assert!(text(&policyc(&["inspect", file]).stdout).contains("\nrevision v7\nformat "));
    let document: Value = serde_json::from_slice(&policyc(&["inspect", file, "--format", "json"]).stdout).unwrap();
    assert_eq!(document["revision"], "v7");
}

#[test]
fn what_cannot_be_a_revision_is_refused() {
    let long = "a".repeat(101);
    let cases = [
        ("", "a revision has at least one character"),
        (long.as_str(), "a revision has at most 100 characters"),
        ("a b", "a revision has only ASCII letters, digits, `.`, `-`, `_`, `+` and `/`"),
        ("$(id)", "a revision has only ASCII letters"),
        ("-a", "a revision begins with a letter or a digit"),
    ];
    for (given, expected) in cases {
        let output = policyc(&["build", &tree(), "-o", "/nonexistent/never-written", &format!("--revision={given}")]);
        assert_eq!(output.status.code(), Some(2), "{given}");
        assert!(text(&output.stderr).contains(expected), "{given}: {}", text(&output.stderr));
    }
}

#[test]
fn a_folder_without_git_has_no_revision_and_a_broken_repository_says_so() {
    let folder = std::env::temp_dir().join(format!("policyc-no-git-{}", std::process::id()));
    copy(Path::new(&tree()), &folder);
    let (stamp, output) = build(&folder, &[]);
    assert_eq!((revision(&stamp), text(&output.stderr)), (None, ""));
    // A repository without a commit.
    git(&folder, &["init", "--quiet"]);
    let (stamp, output) = build(&folder, &[]);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(revision(&stamp), None);
    let line: Value = serde_json::from_str(text(&output.stderr)).unwrap();
    let message = line["message"].as_str().unwrap();
    assert_eq!(line["severity"], "warning");
    assert!(message.contains("gets no revision: `git rev-parse` fails: "), "{message}");
    assert!(message.ends_with("; name one with `--revision`"), "{message}");
}

#[test]
fn a_repository_named_by_the_environment_is_not_asked() {
    let (root, other) = (repository("revision-here"), repository("revision-there"));
    fs::write(other.join("README.md"), "b").unwrap();
    git(&other, &["commit", "--quiet", "--all", "--message", "second"]);
    let file = scratch("revision-environment").join("policy.cmx");
    let output = Command::new(env!("CARGO_BIN_EXE_policyc"))
        .args(["build", "policies", "-o", file.to_str().unwrap()])
        .current_dir(&root)
        .env("GIT_DIR", other.join(".git"))
        .env("GIT_WORK_TREE", &other)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let stamp = stamp(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(revision(&stamp), Some(git(&root, &["rev-parse", "HEAD"]).as_str()));
}
