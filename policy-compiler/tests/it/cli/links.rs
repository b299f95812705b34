//! Trees that are reached by links.

#![cfg(unix)]

use std::{fs, os::unix::fs::symlink, path::Path, time::Instant};

use super::{policyc, scratch, text, tree};

/// Copies the files of the tree into one folder, without its folders.
fn copy_tree(to: &Path) {
    fn copy(from: &Path, prefix: &str, to: &Path) {
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => copy(&entry.path(), &format!("{name}-"), to),
                false => _ = fs::copy(entry.path(), to.join(name)).unwrap(),
            }
        }
    }
    fs::create_dir_all(to).unwrap();
    copy(Path::new(&tree()), "", to);
}

/// Checks that the folder is the tree: with all its services, and each document once.
fn is_the_tree(folder: &Path) {
    let output = policyc(&["check", folder.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("5 services in 3 domains, 6 fields, 7 rules, no errors"));
}

#[test]
fn a_mounted_config_map() {
    // As the kubelet writes it.
    let mount = scratch("config-map");
    let data = "..2026_01_15_12_00_00.1234567890";
    copy_tree(&mount.join(data));
    symlink(data, mount.join("..data")).unwrap();
    for entry in fs::read_dir(mount.join(data)).unwrap() {
        let name = entry.unwrap().file_name();
        symlink(Path::new("..data").join(&name), mount.join(&name)).unwrap();
    }
    is_the_tree(&mount);
}

#[test]
fn a_tree_behind_a_link_is_the_tree() {
    let folder = scratch("behind");
    copy_tree(&folder.join("real"));
    symlink("real", folder.join("link")).unwrap();
    is_the_tree(&folder.join("link"));
    is_the_tree(&folder);
}

#[test]
fn a_link_out_of_the_tree_is_followed() {
    let folder = scratch("outside");
    copy_tree(&folder.join("shared"));
    fs::create_dir(folder.join("tree")).unwrap();
    symlink("../shared", folder.join("tree/shared")).unwrap();
    is_the_tree(&folder.join("tree"));
}

#[test]
fn circles_end() {
    let folder = scratch("circles");
    copy_tree(&folder.join("a"));
    fs::create_dir(folder.join("b")).unwrap();
    symlink("..", folder.join("a/up")).unwrap();
    symlink("../b", folder.join("a/b")).unwrap();
    symlink("../a", folder.join("b/a")).unwrap();
    symlink("self", folder.join("self")).unwrap();
    symlink("two", folder.join("one")).unwrap();
    symlink("one", folder.join("two")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
    is_the_tree(&folder);
}

#[test]
fn a_link_to_everything_is_refused() {
    let folder = scratch("everything");
    copy_tree(&folder);
    symlink("/", folder.join("root")).unwrap();
    let begin = Instant::now();
    let output = policyc(&["check", folder.to_str().unwrap()]);
    assert_ne!(output.status.code(), Some(0));
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

#[test]
fn a_document_that_leads_nowhere_is_an_error() {
    for (name, target) in [("gone.yaml", "nowhere.yaml"), ("self.yaml", "self.yaml")] {
        let folder = scratch(&format!("nowhere-{name}"));
        copy_tree(&folder);
        symlink(target, folder.join(name)).unwrap();
        let output = policyc(&["check", folder.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(name), "{}", text(&output.stderr));
    }
}
