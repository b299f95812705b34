//! One Envoy process: start it, wait until it serves, read what it counts.

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

/// How long an Envoy may take until it serves. Loading a large .wasm on a busy machine takes a few seconds.
pub const START_LIMIT: Duration = Duration::from_secs(60);
/// How long an Envoy may take to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How often a state is looked at while waiting for it.
pub(crate) const POLL: Duration = Duration::from_millis(10);
/// How many bytes of a log an error text shows.
const LOG_TAIL: usize = 4000;
/// How many lines of problems an error text shows.
const LOG_PROBLEMS: usize = 30;

/// A running Envoy. Dropping it kills the process.
#[derive(Debug)]
pub struct Envoy {
    name: String,
    process: Process,
    admin: SocketAddr,
    log: PathBuf,
}

/// An Envoy that was started and is not known to serve yet.
#[derive(Debug)]
pub struct StartingEnvoy {
    name: String,
    process: Process,
    admin_file: PathBuf,
    log: PathBuf,
}

impl StartingEnvoy {
    /// Starts `binary` with the bootstrap file `config` and `concurrency` workers; its log goes to `envoy.log` in `folder`.
    /// What the filter reads in the environment of this process is kept from it.
    ///
    /// # Errors
    /// The log cannot be written, or the program not be started.
    pub fn spawn(name: &str, binary: &Path, config: &Path, folder: &Path, concurrency: u32) -> Result<Self> {
        Self::spawn_with(name, binary, config, folder, concurrency, &[])
    }

    /// As [`StartingEnvoy::spawn`], with these variables in the Envoy's environment: names and values.
    ///
    /// # Errors
    /// As [`StartingEnvoy::spawn`].
    pub fn spawn_with(
        name: &str,
        binary: &Path,
        config: &Path,
        folder: &Path,
        concurrency: u32,
        variables: &[(&str, &str)],
    ) -> Result<Self> {
        // Many Envoys of one machine would meet in the shared memory of the hot restart.
        let apart = ["--disable-hot-restart".to_owned()];
        Self::spawn_command(name, binary, config, folder, concurrency, variables, &apart)
    }

    /// As [`StartingEnvoy::spawn`], for an Envoy that takes over the sockets of the one with the epoch before (0 is the first), which then ends.
    /// `base_id` tells the Envoys of one machine apart.
    ///
    /// # Errors
    /// As [`StartingEnvoy::spawn`].
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
            // Access logs are there soon after the request, for tests that read them.
            .args(["--file-flush-interval-msec", "50"])
            .args(["--log-level", "info"])
            .stdin(std::process::Stdio::null())
            .stdout(output)
            .stderr(errors);
        Ok(Self { name: name.to_owned(), process: Process::spawn(name, command)?, admin_file, log })
    }

    /// Waits until the Envoy has its configuration and all its listeners accept.
    ///
    /// # Errors
    /// It ended, or did not get ready within [`START_LIMIT`]; the error shows what its log says.
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
    /// The service that this Envoy belongs to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The admin interface.
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The body of a `GET` on the admin interface, such as `/config_dump`.
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

    /// All counters and gauges.
    ///
    /// # Errors
    /// The process ended.
    pub fn stats(&self) -> Result<Stats> {
        Ok(Stats::parse(&self.admin_get("/stats")?))
    }

    /// User and system time that the process has used so far.
    ///
    /// # Errors
    /// The process ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.process.cpu_time()
    }

    /// Envoy's own log so far.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn log(&self) -> Result<String> {
        read_lossy(&self.log)
    }

    /// The lines of Envoy's log above the level `info`.
    pub fn problems(&self) -> String {
        problems(&self.log)
    }

    /// Lets the Envoy end by itself, which also writes its access log to the end.
    ///
    /// # Errors
    /// The process cannot be reaped.
    pub fn stop(self) -> Result<()> {
        self.process.stop(STOP_LIMIT)
    }
}

/// `/ready` says that the configuration is there; the listeners accept only when the workers run too.
fn is_ready(admin: SocketAddr) -> bool {
    let get = |path| block_on(send(&Endpoint::plain(admin, "admin"), Request::get(path)));
    get("/ready").is_ok_and(|response| response.status == 200)
        && get("/stats?filter=workers_started")
            .is_ok_and(|response| Stats::parse(&response.text()).get("listener_manager.workers_started") == 1)
}

/// A log as text, bytes that are not UTF-8 replaced.
pub(crate) fn read_lossy(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).context(format_args!("cannot read `{}`", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What a log says above the level `info`: the reasons why an Envoy does not start, without what it says of itself.
pub(crate) fn problems(log: &Path) -> String {
    let text = read_lossy(log).unwrap_or_else(|error| error.to_string());
    let serious: Vec<_> = text.lines().filter(|line| !line.contains("][info][")).collect();
    let start = serious.len().saturating_sub(LOG_PROBLEMS);
    serious.get(start..).unwrap_or_default().join("\n")
}

/// The end of a log, for people.
pub(crate) fn tail(file: &Path) -> String {
    let text = read_lossy(file).unwrap_or_else(|error| error.to_string());
    let start = text.len().saturating_sub(LOG_TAIL);
    let start = (start..text.len()).find(|place| text.is_char_boundary(*place)).unwrap_or(0);
    text.get(start..).unwrap_or_default().to_owned()
}
