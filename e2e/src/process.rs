//! Child processes that end when their handle is dropped, and also when this process ends in any way.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::error::{Context as _, Error, Result};

/// A running child. Dropping it kills and reaps the child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command`. `name` is for error texts.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(name: &str, command: Command) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = spawn_on_long_lived_thread(command).context(format_args!("cannot start `{name}` (`{program}`)"))?;
        Ok(Self { name: name.to_owned(), child })
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns how the process ended, or `None` while it runs.
    ///
    /// # Errors
    /// The system does not provide the status.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context(format_args!("cannot ask for the state of `{}`", self.name))
    }

    /// Returns the user and system time that the process has used so far, with the system's precision of 10 ms.
    ///
    /// # Errors
    /// The process has ended, or `/proc` does not exist.
    pub fn cpu_time(&self) -> Result<Duration> {
        let file = format!("/proc/{}/stat", self.id());
        let text =
            std::fs::read_to_string(&file).context(format_args!("cannot read the CPU time of `{}`", self.name))?;
        cpu_time_of_stat(&text).ok_or_else(|| Error::new(format!("`{file}` has no CPU times")))
    }

    /// Asks the process to end (SIGTERM), and kills it if it has not ended within `grace`.
    ///
    /// # Errors
    /// The system cannot reap the process.
    pub fn stop(mut self, grace: Duration) -> Result<()> {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + grace;
        while self.ended()?.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        // A process that has ended needs no signal. Its id is not reused until it is reaped.
        let _ = pid.map(|pid| rustix::process::kill_process(pid, signal));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns user plus system time from a line of `/proc/<pid>/stat` (proc(5): fields 14 and 15, after a name in
/// parentheses).
fn cpu_time_of_stat(text: &str) -> Option<Duration> {
    // USER_HZ: 100 on every architecture that Envoy runs on.
    const MILLISECONDS_PER_TICK: u64 = 10;
    let (_, after_name) = text.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(user.checked_add(system)?.checked_mul(MILLISECONDS_PER_TICK)?))
}

type SpawnRequest = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts `command` so that the kernel kills it when this process dies, even by SIGKILL.
///
/// For the kernel, the "parent" is the *thread* that started the child, and a test's thread ends with the test. So one
/// thread that lives as long as the process starts them all.
fn spawn_on_long_lived_thread(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<SpawnRequest>>> = OnceLock::new();
    die_with_parent(&mut command);
    let spawner = SPAWNER.get_or_init(|| {
        let (requests, inbox) = mpsc::channel::<SpawnRequest>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        Mutex::new(requests)
    });
    let (reply, answer) = mpsc::channel();
    let gone = || io::Error::other("the thread that starts processes is gone");
    let requests = spawner.lock().map_err(|_| gone())?.clone();
    requests.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let set_up = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the previous line.
        match rustix::process::getppid() {
            Some(current) if current == parent => Ok(()),
            _ => Err(io::Error::other("the parent process has ended")),
        }
    };
    #[expect(
        unsafe_code,
        reason = "runs between fork and exec: makes two system calls, allocates nothing unless the parent died"
    )]
    // SAFETY: see the reason; no lock is taken and no memory is shared with the parent's other threads.
    unsafe {
        command.pre_exec(set_up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Process {
        let mut command = Command::new("sleep");
        command.arg("60");
        Process::spawn("sleeper", command).unwrap()
    }

    fn runs(pid: u32) -> bool {
        std::path::Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_dropped_handle_ends_its_process() {
        let process = sleeper();
        let pid = process.id();
        assert!(runs(pid));
        drop(process);
        assert!(!runs(pid));
    }

    #[test]
    fn a_panic_ends_the_process() {
        let (report, pids) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let process = sleeper();
            report.send(process.id()).unwrap();
            panic!("as a failing test does");
        });
        assert!(thread.join().is_err());
        assert!(!runs(pids.recv().unwrap()));
    }

    #[test]
    fn a_child_outlives_the_thread_that_asked_for_it() {
        let mut process = std::thread::spawn(sleeper).join().unwrap();
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(process.ended().unwrap(), None);
    }

    #[test]
    fn stop_asks_first() {
        let process = sleeper();
        let pid = process.id();
        process.stop(Duration::from_secs(5)).unwrap();
        assert!(!runs(pid));
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Process::spawn("ghost", Command::new("/no/such/program")).unwrap_err();
        assert!(error.to_string().starts_with("cannot start `ghost` (`/no/such/program`)"), "{error}");
    }

    #[test]
    fn the_cpu_time_is_read_past_a_name_with_spaces() {
        let stat = "42 (wrk:worker (1) x) S 1 42 42 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 100";
        assert_eq!(cpu_time_of_stat(stat), Some(Duration::from_millis(3000)));
        assert_eq!(cpu_time_of_stat("42 (x) S 1"), None);
    }
}
