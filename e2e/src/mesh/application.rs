//! The application of a sidecar: a `shop-service` process.

use std::fs::File;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::Program;
use crate::envoy::{POLL, START_LIMIT, tail};
use crate::error::{Context as _, Error, Result};
use crate::process::Process;
use crate::topology::Service;

/// The name of the program, in the folder of this one.
const PROGRAM: &str = "shop-service";

/// A running application.
#[derive(Debug)]
pub(super) struct Application {
    name: String,
    process: Process,
    address: SocketAddr,
    log: PathBuf,
}

impl Application {
    /// Starts the application of `service`, by default the demo's, with its output in `folder`. The addresses are the
    /// application's own and the one for its calls.
    pub(super) fn spawn(
        service: &Service,
        chosen: Option<&Program>,
        [address, outbound]: [SocketAddr; 2],
        folder: &Path,
    ) -> Result<Self> {
        let log = folder.join("application.log");
        let output = File::create(&log).context(format_args!("cannot write `{}`", log.display()))?;
        let mut command = match chosen {
            Some(chosen) => Command::new(&chosen.path),
            None => Command::new(program()?),
        };
        command.envs(chosen.iter().flat_map(|chosen| chosen.variables.iter().map(|(name, value)| (name, value))));
        command
            .args(["--name", &service.name, "--listen", &address.to_string(), "--outbound", &outbound.to_string()])
            .args(["--calls", &service.calls.join(",")])
            .arg("--until-stdin-closes")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(output);
        let process = Process::spawn(&service.name, command)?;
        Ok(Self { name: service.name.clone(), process, address, log })
    }

    /// Waits until the application accepts connections.
    pub(super) fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        while TcpStream::connect(self.address).is_err() {
            if self.process.ended()?.is_some() || Instant::now() > deadline {
                return Err(Error::new(format!(
                    "the application `{}` does not listen; its log ends with:\n{}",
                    self.name,
                    tail(&self.log)
                )));
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Returns the process id.
    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }
}

/// Returns `$SHOP_SERVICE`, otherwise the program in the folder of the running one, or (for tests, which cargo puts
/// into `deps`) in the parent folder.
fn program() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("SHOP_SERVICE") {
        return Ok(chosen.into());
    }
    let current = std::env::current_exe().context("cannot tell where this program is")?;
    let near = current.ancestors().skip(1).take(2).map(|folder| folder.join(PROGRAM));
    near.into_iter().find(|candidate| candidate.is_file()).ok_or_else(|| {
        let build = format!("build it with `cargo build -p context-mesh-e2e --bin {PROGRAM}`");
        Error::new(format!("`{PROGRAM}` is not beside `{}`; {build}, or set `$SHOP_SERVICE`", current.display()))
    })
}
