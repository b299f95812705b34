//! One sidecar as it is shipped, with one exception: its listeners answer themselves, so that no upstream is measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use context_mesh_e2e::bootstrap::{self, Common, SidecarAddresses};
use context_mesh_e2e::certs::Authority;
use context_mesh_e2e::client::Endpoint;
use context_mesh_e2e::envoy::{Envoy, StartingEnvoy};
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::filter_config;
use context_mesh_e2e::ports::ReservedPort;
use context_mesh_e2e::topology::Role;

/// The service whose sidecar is measured.
pub const SERVICE: &str = "checkout-service";
/// The service that calls it.
pub const CALLER: &str = "web-frontend";
/// The service that it calls.
pub const DESTINATION: &str = "payment-service";
/// The trust domain of the demo.
const TRUST_DOMAIN: &str = "shop.example";
/// The body of every answer.
pub const BODY: &str = "ok";

/// A filter for a sidecar: the .wasm, and its plugin configuration for each role.
pub struct Filter<'f> {
    /// The .wasm.
    pub wasm: &'f Path,
    /// The plugin configuration.
    pub configuration: &'f dyn Fn(Role) -> String,
}

/// A running sidecar with one worker.
#[derive(Debug)]
pub struct Sidecar {
    envoy: Envoy,
    inbound: Endpoint,
    outbound: Endpoint,
    _ports: [ReservedPort; 2],
}

impl Sidecar {
    /// Writes the configuration into `folder`, and starts the Envoy `binary` with it.
    ///
    /// # Errors
    /// A file cannot be written, or Envoy does not start. The error shows the reason.
    pub fn start(folder: &Path, binary: &Path, filter: Option<&Filter<'_>>) -> Result<Self> {
        let ports = [ReservedPort::reserve()?, ReservedPort::reserve()?];
        let [inbound, outbound] = [ports[0].address(), ports[1].address()];
        let (certs, filters) = (folder.join("certs"), folder.join("filter"));
        std::fs::create_dir_all(&filters).map_err(|problem| unwritable(&filters, &problem))?;
        let authority = Authority::new(TRUST_DOMAIN)?;
        authority.write(SERVICE, &certs)?;
        let common = Common {
            service: SERVICE,
            trust_domain: TRUST_DOMAIN,
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            cert_dir: &certs,
            clusters_file: &folder.join("clusters.yaml"),
            upstream: false,
            filter_dir: filter.map(|_| filters.as_path()),
            access_log: &folder.join("access.log"),
        };
        if let Some(filter) = filter {
            for role in [Role::Inbound, Role::Outbound] {
                let document = filter_config::discovery_response(filter.wasm, &(filter.configuration)(role), "1");
                filter_config::replace(&filter_config::file_of(&filters, role), &document.to_string())?;
            }
        }
        write(common.clusters_file, &bootstrap::clusters(&common, &[])?)?;
        // There is no application, so the address does not matter: port 1 is never used.
        let application = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let bootstrap = bootstrap::sidecar(&common, &SidecarAddresses { inbound, outbound, application })?;
        let file = folder.join("envoy.yaml");
        write(&file, &answering(&bootstrap)?)?;
        let envoy = StartingEnvoy::spawn(SERVICE, binary, &file, folder, 1)?.ready()?;
        refuse_rejected(&envoy)?;
        let inbound = Endpoint::tls(inbound, SERVICE, authority.certificate(), Some(&authority.issue(CALLER)?))?;
        Ok(Self { envoy, inbound, outbound: Endpoint::plain(outbound, DESTINATION), _ports: ports })
    }

    /// Returns the listener for other services, for a client that is [`CALLER`].
    pub fn inbound(&self) -> &Endpoint {
        &self.inbound
    }

    /// Returns the listener for the calls of the application.
    pub fn outbound(&self) -> &Endpoint {
        &self.outbound
    }

    /// Returns the user and system time that the process has used so far.
    ///
    /// # Errors
    /// The process has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.envoy.cpu_time()
    }

    /// Returns how often the filter counted `counter`; 0 without a filter.
    ///
    /// # Errors
    /// The process has ended.
    pub fn counted(&self, counter: &str) -> Result<u64> {
        Ok(self.envoy.stats()?.get(&format!("wasmcustom.context_mesh.{counter}")))
    }
}

/// Checks that Envoy accepted the filter. Otherwise its listeners would answer 500.
fn refuse_rejected(envoy: &Envoy) -> Result<()> {
    match envoy.stats()?.sum_containing(".update_rejected") {
        0 => Ok(()),
        _ => Err(Error::new(format!("the Envoy refused its filter; its log says:\n{}", envoy.problems()))),
    }
}

/// Returns the replacement of each `route`.
fn answer() -> String {
    format!("direct_response: {{status: 200, body: {{inline_string: {BODY}}}}}")
}

/// Returns the bootstrap with every `route` replaced, so that the listener answers itself.
fn answering(bootstrap: &str) -> Result<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let (mut out, mut inside, mut found) = (String::with_capacity(bootstrap.len()), None, 0);
    for line in bootstrap.lines() {
        if inside.is_some_and(|depth| indent(line) > depth) {
            continue;
        }
        inside = None;
        if line.trim() == "route:" {
            inside = Some(indent(line));
            found += 1;
            out.push_str(&format!("{:1$}{2}\n", "", indent(line), answer()));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    if found == 2 { Ok(out) } else { Err(Error::new(format!("the sidecar has {found} routes, not 2"))) }
}

fn write(file: &Path, content: &str) -> Result<()> {
    std::fs::write(file, content).map_err(|problem| unwritable(file, &problem))
}

fn unwritable(file: &Path, problem: &std::io::Error) -> Error {
    Error::new(format!("cannot write `{}`: {problem}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_route_becomes_an_answer() {
        let text = "a:\n  - match: x\n    route:\n      cluster: y\n      # why\n      timeout: 0s\nb:\n    route:\n      z: 1\n";
        let expected = format!("a:\n  - match: x\n    {0}\nb:\n    {0}\n", answer());
        assert_eq!(answering(text).unwrap(), expected);
        assert!(answering("route:\n  x: 1\n").is_err());
    }
}
