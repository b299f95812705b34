//! What a process used: CPU time, and the hardware counters of `perf` where the machine has them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use context_mesh_e2e::error::{Error, Result};
use nix::sys::signal::{Signal, kill};
use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;

/// The counted events: instructions in user mode, and cycles in user mode and in the kernel.
const EVENTS: &str = "instructions:u,cycles";

/// Returns the CPU time that a process has used so far, to the nanosecond.
///
/// # Errors
/// The process has ended.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let wrap = |problem: nix::Error| Error::new(format!("no CPU time of process {process}: {problem}"));
    let time = clock_getcpuclockid(pid(process)).and_then(|clock| clock.now()).map_err(wrap)?;
    Ok(Duration::from(time))
}

fn pid(process: u32) -> Pid {
    Pid::from_raw(i32::try_from(process).unwrap_or(i32::MAX))
}

/// What a process used in a while.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// Instructions in user mode.
    pub instructions: f64,
    /// Cycles.
    pub cycles: f64,
}

/// Returns whether `perf` counts instructions of a process on this machine: virtual machines often have no counters.
pub fn available() -> bool {
    let counted = Perf::attach(std::process::id()).and_then(Perf::finish);
    counted.is_ok_and(|counted| counted.instructions > 0.0)
}

/// A running `perf stat` of one process. Dropping it ends it.
#[derive(Debug)]
pub struct Perf {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Perf {
    /// Starts to count what a process does.
    ///
    /// # Errors
    /// `perf` is missing or does not respond.
    pub fn attach(process: u32) -> Result<Self> {
        // Its standard input and output are the pipes for orders and answers; its results go to standard error.
        let mut child = Command::new("perf")
            .args(["stat", "-x", ",", "-e", EVENTS, "--delay=-1", "--control=fd:0,1", "-p", &process.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|problem| Error::new(format!("no `perf`: {problem}")))?;
        let (Some(orders), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::new("BUG: `perf` has no pipes"));
        };
        let mut perf = Self { child, orders, answers: BufReader::new(answers) };
        perf.order("enable")?;
        Ok(perf)
    }

    /// Ends the count and returns it.
    ///
    /// # Errors
    /// `perf` does not respond, or counted nothing.
    pub fn finish(mut self) -> Result<Counted> {
        self.order("disable")?;
        kill(pid(self.child.id()), Signal::SIGINT).map_err(|problem| Error::new(problem.to_string()))?;
        let mut text = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            errors.read_to_string(&mut text).map_err(|problem| Error::new(problem.to_string()))?;
        }
        parse(&text).ok_or_else(|| Error::new(format!("`perf` counted nothing: {text}")))
    }

    fn order(&mut self, order: &str) -> Result<()> {
        let silent = |problem: std::io::Error| Error::new(format!("`perf` does not respond: {problem}"));
        writeln!(self.orders, "{order}").map_err(silent)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(silent)?;
        // A zero byte may precede the answer.
        if answer.contains("ack") {
            Ok(())
        } else {
            Err(Error::new(format!("`perf` answered `{answer}` to `{order}`")))
        }
    }
}

impl Drop for Perf {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the results: one line for each event, with the number first.
fn parse(text: &str) -> Option<Counted> {
    let of = |event: &str| {
        let line = text.lines().find(|line| line.split(',').any(|cell| cell == event))?;
        line.split(',').next()?.trim().parse::<f64>().ok()
    };
    Some(Counted { instructions: of("instructions:u")?, cycles: of("cycles").unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_time_of_this_process_grows() {
        let before = cpu_time(std::process::id()).unwrap();
        std::hint::black_box((0..1_000_000_u64).fold(0, |sum, n| sum ^ std::hint::black_box(n)));
        assert!(cpu_time(std::process::id()).unwrap() > before);
    }

    #[test]
    fn the_results_of_perf_are_read() {
        let text = "1234,,instructions:u,1000,100.00,,\n99,,cycles,1000,100.00,,\n";
        assert_eq!(parse(text), Some(Counted { instructions: 1234.0, cycles: 99.0 }));
        assert_eq!(parse("<not supported>,,instructions:u,0,100.00,,\n"), None);
        assert_eq!(parse(""), None);
    }
}
