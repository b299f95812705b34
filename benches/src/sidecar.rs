//! One sidecar as it is shipped, with one exception: its listeners answer themselves, so that no upstream is measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use context_mesh_e2e::bootstrap::{self, Common, SidecarAddresses};
use context_mesh_e2e::certs::Authority;
use context_mesh_e2e::client::Endpoint;
use context_mesh_e2e::envoy::{Envoy, StartingEnvoy};
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::filter_config;
use context_mesh_e2e::ports::ReservedPort;
use context_mesh_e2e::topology::Role;
use serde_json::Value;

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
/// The name of the time in Envoy in access logs.
pub const IN_ENVOY: &str = "in_envoy_us";

/// The filter of a sidecar.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// None.
    None,
    /// A filter in WebAssembly on both listeners.
    Wasm {
        /// The plugin of the inbound listener.
        inbound: Plugin,
        /// The plugin of the outbound listener.
        outbound: Plugin,
    },
    /// A filter of Envoy's own on the inbound listener.
    Native {
        /// The entry in the list of HTTP filters.
        filter: Value,
        /// A cluster that the filter calls.
        cluster: Option<Value>,
    },
}

/// A plugin in WebAssembly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The .wasm.
    pub wasm: PathBuf,
    /// The plugin configuration.
    pub configuration: String,
}

impl Filter {
    /// Returns a filter with the same .wasm on both listeners.
    pub fn wasm(wasm: &Path, configuration: impl Fn(Role) -> String) -> Self {
        let plugin = |role| Plugin { wasm: wasm.to_owned(), configuration: configuration(role) };
        Self::Wasm { inbound: plugin(Role::Inbound), outbound: plugin(Role::Outbound) }
    }
}

/// A running sidecar.
#[derive(Debug)]
pub struct Sidecar {
    envoy: Envoy,
    inbound: Endpoint,
    outbound: Endpoint,
    access_log: PathBuf,
    _ports: [ReservedPort; 2],
}

impl Sidecar {
    /// Writes the configuration into `folder`, and starts the Envoy `binary` with it and this number of workers.
    ///
    /// # Errors
    /// A file cannot be written, Envoy does not start, or it refuses the filter. The error shows the reason.
    pub fn start(folder: &Path, binary: &Path, filter: &Filter, workers: u32) -> Result<Self> {
        let ports = [ReservedPort::reserve()?, ReservedPort::reserve()?];
        let [inbound, outbound] = [ports[0].address(), ports[1].address()];
        let (certs, secrets, filters) = (folder.join("certs"), folder.join("sds"), folder.join("filter"));
        std::fs::create_dir_all(&filters).map_err(|problem| unwritable(&filters, &problem))?;
        let (authority, access_log) = (Authority::new(TRUST_DOMAIN)?, folder.join("access.log"));
        authority.write(SERVICE, &certs)?;
        let common = Common {
            service: SERVICE,
            trust_domain: TRUST_DOMAIN,
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            cert_dir: &certs,
            sds_dir: &secrets,
            clusters_file: &folder.join("clusters.yaml"),
            upstream: false,
            filter_dir: matches!(filter, Filter::Wasm { .. }).then_some(filters.as_path()),
            access_log: &access_log,
        };
        if let Filter::Wasm { inbound, outbound } = filter {
            for (role, plugin) in [(Role::Inbound, inbound), (Role::Outbound, outbound)] {
                let document = filter_config::discovery_response(&plugin.wasm, &plugin.configuration, "1");
                filter_config::replace(&filter_config::file_of(&filters, role), &document.to_string())?;
            }
        }
        bootstrap::write_secrets(&common, &secrets)?;
        write(common.clusters_file, &bootstrap::clusters(&common, &[])?)?;
        // There is no application, so the address does not matter: port 1 is never used.
        let application = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let bootstrap = bootstrap::sidecar(&common, &SidecarAddresses { inbound, outbound, application })?;
        let file = folder.join("envoy.yaml");
        write(&file, &with_native(&timed(&answering(&bootstrap)?)?, filter)?)?;
        let envoy = StartingEnvoy::spawn(SERVICE, binary, &file, folder, workers)?.ready()?;
        refuse_rejected(&envoy)?;
        let inbound = Endpoint::tls(inbound, SERVICE, authority.certificate(), Some(&authority.issue(CALLER)?))?;
        Ok(Self { envoy, inbound, outbound: Endpoint::plain(outbound, DESTINATION), access_log, _ports: ports })
    }

    /// Returns the listener for other services, for a client that is [`CALLER`].
    pub fn inbound(&self) -> &Endpoint {
        &self.inbound
    }

    /// Returns the listener for the calls of the application.
    pub fn outbound(&self) -> &Endpoint {
        &self.outbound
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.envoy.id()
    }

    /// Returns the access log, to which Envoy appends soon after a request.
    pub fn access_log(&self) -> &Path {
        &self.access_log
    }

    /// Returns the lines of Envoy's log above the level `info`.
    pub fn problems(&self) -> String {
        self.envoy.problems()
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

    /// Returns what the filter counted beside its artifact, as pairs of name and number above 0.
    ///
    /// # Errors
    /// The process has ended.
    pub fn all_counted(&self) -> Result<Vec<(String, u64)>> {
        let text = self.envoy.admin_get("/stats?filter=^wasmcustom.context_mesh.&usedonly")?;
        let pairs = text.lines().filter_map(|line| {
            let (name, value) = line.strip_prefix("wasmcustom.context_mesh.")?.split_once(": ")?;
            Some((name.to_owned(), value.parse::<u64>().ok()?))
        });
        Ok(pairs.filter(|(name, value)| *value > 0 && !name.starts_with("artifact_")).collect())
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

/// Returns the bootstrap with another entry in its access logs: the time in microseconds from the first byte of a request
/// to the first byte of its answer, which Envoy takes.
fn timed(bootstrap: &str) -> Result<String> {
    let line = "duration_ms: \"%DURATION%\"";
    match bootstrap.matches(line).count() {
        2 => Ok(bootstrap.replace(line, &format!("{IN_ENVOY}: \"%COMMON_DURATION(DS_RX_BEG:DS_TX_BEG:us)%\""))),
        found => Err(Error::new(format!("the sidecar logs {found} durations, not 2"))),
    }
}

/// Returns the bootstrap with a native filter before the router of the inbound listener, and with its cluster.
fn with_native(bootstrap: &str, filter: &Filter) -> Result<String> {
    let Filter::Native { filter, cluster } = filter else { return Ok(bootstrap.to_owned()) };
    // JSON on one line is YAML.
    let with = insert(bootstrap, "- name: envoy.filters.http.router", &format!("- {filter}"))?;
    match cluster {
        Some(cluster) => insert(&with, "- name: local_application", &format!("- {cluster}")),
        None => Ok(with),
    }
}

/// Returns the text with a line before the first one that begins with `before`, with the same indentation.
fn insert(text: &str, before: &str, line: &str) -> Result<String> {
    let place = text.find(before).ok_or_else(|| Error::new(format!("the sidecar has no `{before}`")))?;
    let (head, tail) = text.split_at(place);
    let indent = head.rsplit('\n').next().unwrap_or_default();
    Ok(format!("{head}{line}\n{indent}{tail}"))
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
    fn a_line_is_inserted_before_another() {
        let text = "list:\n  - name: router\nlist:\n  - name: router\n";
        let expected = "list:\n  - {\"a\":1}\n  - name: router\nlist:\n  - name: router\n";
        assert_eq!(insert(text, "- name: router", "- {\"a\":1}").unwrap(), expected);
        assert!(insert(text, "- name: rooter", "- x").is_err());
    }

    #[test]
    fn each_route_becomes_an_answer() {
        let text = "a:\n  - match: x\n    route:\n      cluster: y\n      # why\n      timeout: 0s\nb:\n    route:\n      z: 1\n";
        let expected = format!("a:\n  - match: x\n    {0}\nb:\n    {0}\n", answer());
        assert_eq!(answering(text).unwrap(), expected);
        assert!(answering("route:\n  x: 1\n").is_err());
    }
}
