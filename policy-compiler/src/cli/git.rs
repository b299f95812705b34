//! The commit of a folder, as reported by `git`.

use std::{
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use policy_compiler::check::lock::FILE_NAME;

/// Longest time of one call of `git`. A slow file system must not stop a build for ever.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Most bytes of the output of one call that are read. Most calls are only asked whether there is any output.
const MAX_BYTES: u64 = 64 * 1024;

/// Environment variables that name another repository, or change how paths are read. A hook of git sets some of them.
const FOREIGN: [&str; 12] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// A commit, and whether the folder differs from it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// Its name, in hex.
    pub(super) name: String,
    /// Whether files of the folder are changed, new, missing or ignored by git.
    pub(super) dirty: bool,
}

/// Returns the commit that is checked out around a folder. `None` where there is no work tree of git.
///
/// # Errors
/// There is a repository, but git cannot be run, fails, or does not answer in time. The text says which.
pub(super) fn commit(folder: &Path) -> Result<Option<Commit>, String> {
    let answer = match git(folder, &["rev-parse", "--is-inside-work-tree", "HEAD"]) {
        Ok(answer) => answer,
        Err(_) if !has_repository(folder) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = answer.lines();
    let (inside, name) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    if inside != "true" {
        return Ok(None);
    }
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err("`git rev-parse HEAD` does not print a commit".to_owned());
    }
    let changed = git(folder, &["status", "--porcelain", "--untracked-files=normal", "--no-renames", "--", "."])?;
    let dirty = !changed.is_empty() || has_ignored_documents(folder)?;
    Ok(Some(Commit { name: name.to_owned(), dirty }))
}

/// Whether git ignores documents of the folder: they are in no commit, but in the tree. Hidden ones are not.
fn has_ignored_documents(folder: &Path) -> Result<bool, String> {
    let found = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--", "*.yaml", "*.yml", FILE_NAME];
    let paths = git(folder, &found)?;
    let is_read = |path: &str| path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    Ok(paths.split('\0').any(is_read))
}

/// Whether the folder or one above it has a `.git`.
fn has_repository(folder: &Path) -> bool {
    folder.canonicalize().is_ok_and(|folder| folder.ancestors().any(|above| above.join(".git").exists()))
}

/// Runs git in a folder, and returns what it prints. It asks nobody, writes nothing and runs no program of the
/// repository's configuration.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.args(["-c", "core.fsmonitor=false", "-C"]).arg(folder).args(arguments);
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    FOREIGN.iter().for_each(|name| _ = command.env_remove(name));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "there is no `git` on the PATH".to_owned(),
        _ => format!("cannot run `git`: {error}"),
    })?;
    let (printed, said) = (drain(child.stdout.take()), drain(child.stderr.take()));
    let end = Instant::now() + MAX_TIME;
    let answer = printed.recv_timeout(MAX_TIME).ok();
    let status = answer.as_ref().and_then(|_| wait(&mut child, end));
    let (Some(answer), Some(success)) = (answer, status) else {
        // It may have ended just now.
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("`git {}` takes longer than {} seconds", arguments[0], MAX_TIME.as_secs()));
    };
    // Git is told to stop by a closed pipe where it prints more than is read.
    if success || u64::try_from(answer.len()).is_ok_and(|length| length >= MAX_BYTES) {
        return Ok(answer);
    }
    let said = said.recv_timeout(MAX_TIME).unwrap_or_default();
    let first = said.lines().next().unwrap_or("no reason given").trim_start_matches("fatal: ").to_owned();
    Err(format!("`git {}` fails: {first}", arguments[0]))
}

/// Waits until the process ends, and returns whether it succeeded. `None` if it does not end in time.
fn wait(child: &mut Child, end: Instant) -> Option<bool> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status.success()),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
            _ => return None,
        }
    }
}

/// Reads the beginning of the output of a process on another thread, and then closes the pipe.
fn drain(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(pipe) = pipe {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read until an error is what there is.
            let _ = pipe.take(MAX_BYTES).read_to_end(&mut bytes);
            // Nobody listens any more where the time is up.
            let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
        });
    }
    receiver
}
