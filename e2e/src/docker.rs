//! The mesh of `docker-compose.yml`, if a Docker engine is available.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::client::{Endpoint, Request, Response, send};
use crate::error::{Context as _, Error, Result};
use crate::runtime::block_on;

/// Time limit for starting the containers, until a request passes through all of them.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Number of lines of each container's log that an error shows.
const LOG_LINES: &str = "40";

/// Returns the compose command of this machine: `docker compose`, otherwise `docker-compose`.
///
/// # Errors
/// No engine answers, or there is no compose. The error is the reason to report when a test is skipped.
pub fn compose_command() -> Result<Vec<&'static str>> {
    if !succeeds(&["docker", "info"]) {
        return Err(Error::new("no Docker engine answers"));
    }
    let candidates = [vec!["docker", "compose"], vec!["docker-compose"]];
    let works = |command: &&Vec<&str>| succeeds(&[command.as_slice(), &["version"]].concat());
    candidates
        .iter()
        .find(works)
        .cloned()
        .ok_or_else(|| Error::new("neither `docker compose` nor `docker-compose` is installed"))
}

/// Builds the images from these binaries. Returns the names of Envoy's image and the demo service's.
///
/// # Errors
/// The script fails; the error is its output.
pub fn build_images(envoy: &Path, shop_service: &Path) -> Result<(String, String)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker/build-images.sh");
    let output = Command::new(script).arg("--envoy").arg(envoy).arg("--shop").arg(shop_service).output();
    let output = stdout_of(output.context("cannot run build-images.sh")?)?;
    let mut names = output.lines().map(str::to_owned);
    match (names.next(), names.next()) {
        (Some(envoy), Some(shop)) => Ok((envoy, shop)),
        _ => Err(Error::new(format!("build-images.sh did not name two images: `{output}`"))),
    }
}

/// A running mesh in containers. Dropping it removes them. If the thread is panicking, the logs are shown first.
#[derive(Debug)]
pub struct ComposeMesh {
    command: Vec<&'static str>,
    project: String,
    environment: Vec<(&'static str, PathBuf)>,
}

impl ComposeMesh {
    /// Starts the containers of `docker-compose.yml` with the folder that [`crate::compose::Compose::write`] wrote,
    /// with a separate project name and the gateway on a port that the system chooses, and waits until a request
    /// passes.
    ///
    /// # Errors
    /// Compose fails, or the mesh does not answer within a minute. The error shows the end of the logs.
    pub fn up(command: Vec<&'static str>, mesh_dir: &Path, (envoy_image, shop_image): (&str, &str)) -> Result<Self> {
        let environment = vec![
            ("MESH_DIR", mesh_dir.to_owned()),
            ("ENVOY_IMAGE", envoy_image.into()),
            ("SHOP_IMAGE", shop_image.into()),
            ("GATEWAY_PORT", "0".into()),
        ];
        let mesh = Self { command, project: format!("context-mesh-{}", std::process::id()), environment };
        mesh.compose(["up", "--detach"])?;
        mesh.wait().map_err(|error| Error::new(format!("{error}; the logs end with:\n{}", mesh.logs())))?;
        Ok(mesh)
    }

    /// Returns the gateway, for clients.
    ///
    /// # Errors
    /// The container of the gateway is not running.
    pub fn gateway(&self) -> Result<Endpoint> {
        let printed = self.compose(["port", "shop-gateway", "10000"])?;
        let address =
            printed.trim().parse().context(format_args!("`{}` is not the gateway's address", printed.trim()))?;
        Ok(Endpoint::plain(address, "shop.example"))
    }

    /// Sends a request to the gateway.
    ///
    /// # Errors
    /// No connection or no answer.
    pub fn send(&self, request: Request) -> Result<Response> {
        block_on(send(&self.gateway()?, request))
    }

    /// Returns the end of each container's log; for the Envoys including their access log.
    pub fn logs(&self) -> String {
        self.compose(["logs", "--no-color", "--tail", LOG_LINES]).unwrap_or_else(|error| error.to_string())
    }

    fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            // The gateway starts before the services and answers 503 until then. Any other answer went through a filter
            // or a service.
            let answer = self.send(Request::get("/"));
            match answer {
                Ok(response) if response.status != 503 && !response.text().contains("\"downstream_status\":503") => {
                    return Ok(());
                }
                _ if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(200)),
                Ok(response) => {
                    return Err(Error::new(format!("the mesh in containers still answers {}", response.status)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn compose<I: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = I>) -> Result<String> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docker-compose.yml");
        let (program, first) = self.command.split_first().ok_or_else(|| Error::new("the compose command is empty"))?;
        let mut command = Command::new(program);
        command.args(first).arg("--file").arg(file).args(["--project-name", &self.project]).args(arguments);
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        stdout_of(
            command.envs(environment).stdin(Stdio::null()).output().context(format_args!("cannot run `{program}`"))?,
        )
    }
}

impl Drop for ComposeMesh {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the containers' logs ----\n{}", self.logs());
        }
        if let Err(error) = self.compose(["down", "--timeout", "2", "--volumes"]) {
            eprintln!("the containers of `{}` could not be removed: {error}", self.project);
        }
    }
}

fn succeeds(command: &[&str]) -> bool {
    let Some((program, arguments)) = command.split_first() else { return false };
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn stdout_of(output: Output) -> Result<String> {
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(Error::new(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}
