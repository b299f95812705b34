//! Waits for changes of the files of a tree, and runs a command again after each.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime},
};

use super::{files, walk};

/// Time between two looks at the files.
const PERIOD: Duration = Duration::from_millis(300);

/// Most names in the line that says what changed.
const MAX_NAMES: usize = 3;

/// The files of a tree, each with its time of change and its size. A file that cannot be looked at has neither.
type Files = BTreeMap<PathBuf, Option<(SystemTime, u64)>>;

/// Runs the command, and again after each change, until the process is interrupted. Returns only if nobody reads
/// standard output any more.
pub(super) fn forever(folder: &Path, mut run: impl FnMut()) {
    let mut seen = look(folder);
    loop {
        run();
        let next = loop {
            thread::sleep(PERIOD);
            let now = look(folder);
            // Editors write a file in several steps: wait until it is quiet.
            if now != seen && look(folder) == now {
                break now;
            }
        };
        let line = format!("\n--- {} ---\n\n", change(&seen, &next));
        let mut stdout = io::stdout();
        if stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).is_err() {
            return;
        }
        seen = next;
    }
}

/// Returns the files of a tree. A tree that cannot be read has none, so that it is run again when it can.
fn look(folder: &Path) -> Files {
    let mut paths = walk::files(folder, files::DOCUMENTS).unwrap_or_default();
    paths.push(PathBuf::from(policy_compiler::check::lock::FILE_NAME));
    let seen = |path: PathBuf| {
        let metadata = fs::metadata(folder.join(&path));
        let known = metadata.and_then(|metadata| Ok((metadata.modified()?, metadata.len()))).ok();
        (path, known)
    };
    paths.into_iter().map(seen).collect()
}

/// Describes what is different between two looks, for example `changed: payments.yaml`.
fn change(before: &Files, after: &Files) -> String {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let other = after.iter().filter(|(path, state)| before.get(*path) != Some(state)).map(|(path, _)| path);
    let mut names: Vec<String> = gone.chain(other).map(|path| path.display().to_string()).collect();
    names.sort();
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("changed: {}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(all: &[(&str, u64)]) -> Files {
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        all.iter().map(|(path, second)| (PathBuf::from(path), Some((at(*second), 1)))).collect()
    }

    #[test]
    fn what_changed_is_named() {
        let before = files(&[("a.yaml", 1), ("b.yaml", 1), ("c.yaml", 1)]);
        let rows: [(&[(&str, u64)], &str); 5] = [
            (&[("a.yaml", 2), ("b.yaml", 1), ("c.yaml", 1)], "changed: a.yaml"),
            (&[("a.yaml", 1), ("c.yaml", 1)], "changed: b.yaml"),
            (&[("a.yaml", 1), ("b.yaml", 1), ("c.yaml", 1), ("d/e.yaml", 1)], "changed: d/e.yaml"),
            (&[("b.yaml", 1), ("c.yaml", 5)], "changed: a.yaml, c.yaml"),
            (&[("d.yaml", 1), ("e.yaml", 1)], "changed: a.yaml, b.yaml, c.yaml and 2 more"),
        ];
        for (after, expected) in rows {
            assert_eq!(change(&before, &files(after)), expected);
        }
        let unreadable: Files = [(PathBuf::from("a.yaml"), None)].into();
        assert_eq!(change(&files(&[("a.yaml", 1)]), &unreadable), "changed: a.yaml");
    }
}
