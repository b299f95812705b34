//! One Envoy process: starts it, waits until it is ready, and reads its counters.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::{Endpoint, Request, send};
use crate::error::{Context as _, Error, Result};
use crate::filter_config;
use crate::process::Process;
use crate::runtime::block_on;
use crate::stats::Stats;

/// Time limit for an Envoy to become ready. Loading a large .wasm on a busy machine takes a few seconds.
pub const START_LIMIT: Duration = Duration::from_secs(60);
/// Time limit for an Envoy to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Interval for polling a state.
pub(crate) const POLL: Duration = Duration::from_millis(10);
/// Number of bytes of a log that an error shows.
const LOG_TAIL: usize = 4000;
/// Number of lines with problems that an error shows.
const LOG_PROBLEMS: usize = 30;

/// A running Envoy. Dropping it kills the process.
#[derive(Debug)]
pub struct Envoy {
    name: String,
    process: Process,
    admin: SocketAddr,
    log: PathBuf,
}

/// An Envoy that was started and may not be ready yet.
#[derive(Debug)]
pub struct StartingEnvoy {
    name: String,
    process: Process,
    admin_file: PathBuf,
    log: PathBuf,
}

impl StartingEnvoy {
    /// Starts `binary` with the bootstrap file `config` and `concurrency` workers. Its log is written to `envoy.log` in
    /// `folder`. The environment variables of this process that the filter reads are removed for it.
    ///
    /// # Errors
    /// The log cannot be written, or the program cannot be started.
    pub fn spawn(name: &str, binary: &Path, config: &Path, folder: &Path, concurrency: u32) -> Result<Self> {
        Self::spawn_with(name, binary, config, folder, concurrency, &[])
    }

    /// Starts an Envoy like [`StartingEnvoy::spawn`], with these variables in its environment: names and values.
    ///
    /// # Errors
    /// The same as for [`StartingEnvoy::spawn`].
    pub fn spawn_with(
        name: &str,
        binary: &Path,
        config: &Path,
        folder: &Path,
        concurrency: u32,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        // Otherwise several Envoys of one machine would use the same shared memory of the hot restart.
        let apart = ["--disable-hot-restart".to_owned()];
        Self::spawn_command(name, binary, config, folder, concurrency, variables, &apart)
    }

    /// Starts an Envoy like [`StartingEnvoy::spawn`] that takes over the sockets of the one with the previous epoch (0
    /// is the first), which then ends. `base_id` distinguishes the Envoys of one machine.
    ///
    /// # Errors
    /// The same as for [`StartingEnvoy::spawn`].
    pub fn spawn_epoch(
        name: &str,
        binary: &Path,
        config: &Path,
        folder: &Path,
        base_id: u32,
        epoch: u32,
    ) -> Result<Self> {
        let (base_id, epoch) = (base_id.to_string(), epoch.to_string());
        let restart = ["--base-id", &base_id, "--restart-epoch", &epoch];
        let ending = ["--drain-time-s", "2", "--parent-shutdown-time-s", "3"];
        let restart = restart.iter().chain(&ending).map(|&argument| argument.to_owned()).collect::<Vec<_>>();
        Self::spawn_command(name, binary, config, folder, 1, &[], &restart)
    }

    fn spawn_command(
        name: &str,
        binary: &Path,
        config: &Path,
        folder: &Path,
        concurrency: u32,
        variables: &[(&str, &str)],
        arguments: &[String],
    ) -> Result<Self> {
        let log = folder.join("envoy.log");
        let admin_file = folder.join("admin-address");
        let output = File::create(&log).context(format_args!("cannot write `{}`", log.display()))?;
        let errors = output.try_clone().context(format_args!("cannot write `{}`", log.display()))?;
        let mut command = Command::new(binary);
        for variable in filter_config::HOST_VARIABLES {
            command.env_remove(variable);
        }
        command
            .envs(variables.iter().copied())
            .arg("--config-path")
            .arg(config)
            .arg("--admin-address-path")
            .arg(&admin_file)
            .args(["--concurrency", &concurrency.to_string()])
            .args(arguments)
            // Writes access logs soon after the request, for tests that read them.
            .args(["--file-flush-interval-msec", "50"])
            .args(["--log-level", "info"])
            .stdin(std::process::Stdio::null())
            .stdout(output)
            .stderr(errors);
        Ok(Self { name: name.to_owned(), process: Process::spawn(name, command)?, admin_file, log })
    }

    /// Waits until the Envoy has its configuration and all its listeners accept connections.
    ///
    /// # Errors
    /// It ended, or was not ready within [`START_LIMIT`]. The error shows its log.
    pub fn ready(mut self) -> Result<Envoy> {
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if let Some(status) = self.process.ended()? {
                return Err(Error::new(format!(
                    "the Envoy of `{}` ended ({status}); its log says:\n{}",
                    self.name,
                    problems(&self.log)
                )));
            }
            if let Some(admin) = self.admin_address()
                && is_ready(admin)
            {
                return Ok(Envoy { name: self.name, process: self.process, admin, log: self.log });
            }
            std::thread::sleep(POLL);
        }
        Err(Error::new(format!(
            "the Envoy of `{}` was not ready within {START_LIMIT:?}; its log says:\n{}",
            self.name,
            problems(&self.log)
        )))
    }

    fn admin_address(&self) -> Option<SocketAddr> {
        std::fs::read_to_string(&self.admin_file).ok()?.trim().parse().ok()
    }
}

impl Envoy {
    /// Returns the service that this Envoy belongs to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the address of the admin interface.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// Returns the body of a `GET` on the admin interface, such as `/config_dump`.
    ///
    /// # Errors
    /// No answer, or one that is not 200.
    pub fn admin_get(&self, path: &str) -> Result<String> {
        let response = block_on(send(&Endpoint::plain(self.admin, "admin"), Request::get(path)))?;
        match response.status {
            200 => Ok(response.text()),
            status => Err(Error::new(format!("the Envoy of `{}` answered {status} to `{path}`", self.name))),
        }
    }

    /// Returns all counters and gauges.
    ///
    /// # Errors
    /// The process has ended.
    pub fn stats(&self) -> Result<Stats> {
        Ok(Stats::parse(&self.admin_get("/stats")?))
    }

    /// Returns the user and system time that the process has used so far.
    ///
    /// # Errors
    /// The process has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.process.cpu_time()
    }

    /// Returns Envoy's own log so far.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn log(&self) -> Result<String> {
        read_lossy(&self.log)
    }

    /// Returns the lines of Envoy's log above the level `info`.
    pub fn problems(&self) -> String {
        problems(&self.log)
    }

    /// Lets the Envoy end by itself, so that it also writes the end of its access log.
    ///
    /// # Errors
    /// The process cannot be reaped.
    pub fn stop(self) -> Result<()> {
        self.process.stop(STOP_LIMIT)
    }
}

/// `/ready` reports that the configuration is loaded; the listeners only accept connections after the workers have
/// started.
fn is_ready(admin: SocketAddr) -> bool {
    let get = |path| block_on(send(&Endpoint::plain(admin, "admin"), Request::get(path)));
    get("/ready").is_ok_and(|response| response.status == 200)
        && get("/stats?filter=workers_started")
            .is_ok_and(|response| Stats::parse(&response.text()).get("listener_manager.workers_started") == 1)
}

/// Reads a log as text. Bytes that are not UTF-8 are replaced.
pub(crate) fn read_lossy(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).context(format_args!("cannot read `{}`", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the lines of a log above the level `info`: the reasons why an Envoy does not start, without its description
/// of itself.
pub(crate) fn problems(log: &Path) -> String {
    let text = read_lossy(log).unwrap_or_else(|error| error.to_string());
    let serious: Vec<_> = text.lines().filter(|line| !line.contains("][info][")).collect();
    let start = serious.len().saturating_sub(LOG_PROBLEMS);
    serious.get(start..).unwrap_or_default().join("\n")
}

/// Returns the end of a log, for error messages.
pub(crate) fn tail(file: &Path) -> String {
    let text = read_lossy(file).unwrap_or_else(|error| error.to_string());
    let start = text.len().saturating_sub(LOG_TAIL);
    let start = (start..text.len()).find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    text.get(start..).unwrap_or_default().to_owned()
}
