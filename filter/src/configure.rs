//! Makes a workload from the plugin's configuration. The result only depends on the configuration and the proxy's node.

use std::rc::Rc;

use context_mesh_core::artifact::{self, LoadError, Stamp};
use context_mesh_core::info::{self, Reason};
use context_mesh_core::mask::{MIN_SECRET_BYTES, PseudonymSecret};
use context_mesh_core::memory::Memory;
use context_mesh_core::pipeline::{Role, Routing, Workload};
use context_mesh_core::plugin_config::{PSEUDONYM_VARIABLE, PluginConfig, PluginConfigError, SERVICE_VARIABLE};
use context_mesh_core::sampling::Sampler;

use crate::abi;
use crate::info::Shown;
use crate::memories;
use crate::stats::Stats;
use crate::types::LogLevel;
use crate::workloads;

/// A configured plugin: the data that all its streams share.
pub(crate) struct Active {
    /// The workload that it serves.
    pub(crate) workload: Rc<Workload>,
    /// The requests that this worker remembers for the service.
    pub(crate) requests: Rc<Memory>,
    /// Its role; `None`: the listener's direction determines it.
    pub(crate) role: Option<Role>,
    /// What is known about the proxy's routes.
    pub(crate) routing: Routing,
    /// Its counters.
    pub(crate) stats: Stats,
    /// Selects the warnings that are written.
    pub(crate) warnings: Sampler,
    /// The statistic that says what it runs.
    pub(crate) shown: Shown,
}

/// A configuration that cannot be loaded.
pub(crate) struct Refused {
    /// The kind of its mistake.
    pub(crate) reason: Reason,
    /// Its artifact, if that could be identified.
    pub(crate) stamp: Option<Stamp>,
    /// What is wrong with it.
    pub(crate) text: String,
}

impl Refused {
    #[cold]
    #[inline(never)]
    fn new(reason: Reason, text: String) -> Self {
        Self { reason, stamp: None, text }
    }

    #[cold]
    #[inline(never)]
    fn of(self, stamp: Option<Stamp>) -> Self {
        Self { stamp, ..self }
    }
}

impl From<PluginConfigError> for Refused {
    fn from(error: PluginConfigError) -> Self {
        Self::new(Reason::Configuration, error.to_string())
    }
}

impl From<LoadError> for Refused {
    #[cold]
    #[inline(never)]
    fn from(error: LoadError) -> Self {
        Self::new(Reason::from(&error), error.to_string())
    }
}

/// Loads the plugin's configuration. The error is the reason why it is rejected.
pub(crate) fn configure(bytes: &[u8]) -> Result<Active, Refused> {
    let config = PluginConfig::parse(bytes)?;
    let stamp = artifact::stamp(&config.artifact)
        .map_err(|error| Refused::from(error).of(artifact::stated(&config.artifact)))?;
    let service = config.service.or_else(service_of_node).ok_or_else(|| {
        let text =
            format!("no service name: set `service` in the plugin configuration, or the variable {SERVICE_VARIABLE}");
        Refused::new(Reason::Service, text).of(Some(stamp.clone()))
    })?;
    let loaded = workloads::find_or_make(&stamp, &service, || load(&config.artifact, &service));
    let workload = loaded.map_err(|refused| refused.of(Some(stamp.clone())))?;
    config.role.into_iter().for_each(|role| workload.make_ready(role));
    let requests = memories::of(&service);
    let shown = Shown::new(&service, &requests, config.role, &stamp);
    Ok(Active {
        shown,
        workload,
        requests,
        role: config.role,
        routing: config.routing,
        stats: Stats::define(),
        warnings: Sampler::default(),
    })
}

fn load(artifact: &[u8], service: &str) -> Result<Workload, Refused> {
    let program = artifact::load(artifact)?;
    if let Some(text) = info::wrong_slice(&program.tables().mesh.slice, service) {
        return Err(Refused::new(Reason::Service, text));
    }
    let mut workload = Workload::new(program, service);
    if let Some(secret) = pseudonym_secret()? {
        workload = workload.with_pseudonyms(secret);
    }
    let locality = node(&["xds", "node", "locality", "region"]).unwrap_or_default();
    workload = workload.in_region(&locality);
    if let Some(regions) = workload.unclear_regions() {
        let message = format!(
            "context_mesh: service `{service}` runs in {}, and the proxy's locality names the region `{locality}`: fields with `residency` do not reach it; set `node.locality.region` of the proxy to one of them",
            regions.join(", ")
        );
        abi::log(LogLevel::Warn, &message);
    }
    if !workload.is_listed() {
        let message = format!(
            "context_mesh: service `{service}` is in no domain of the mesh; only enterprise policies for all workloads apply"
        );
        abi::log(LogLevel::Warn, &message);
    }
    Ok(workload)
}

/// Returns the secret of pseudonyms, if the environment contains one.
fn pseudonym_secret() -> Result<Option<PseudonymSecret>, Refused> {
    let Some(text) = variable(PSEUDONYM_VARIABLE) else { return Ok(None) };
    let secret = PseudonymSecret::new(text.as_bytes());
    let too_short = || {
        let text =
            format!("the variable {PSEUDONYM_VARIABLE} has fewer than {MIN_SECRET_BYTES} bytes: use a random secret");
        Refused::new(Reason::Secret, text)
    };
    secret.ok_or_else(too_short).map(Some)
}

/// Returns the service from the environment, from Istio's workload name, or from Envoy's `--service-cluster`.
fn service_of_node() -> Option<String> {
    variable(SERVICE_VARIABLE)
        .or_else(|| node(&["xds", "node", "metadata", "WORKLOAD_NAME"]))
        .or_else(|| node(&["xds", "node", "cluster"]))
        .filter(|service| !service.is_empty())
}

/// Returns a property of the proxy as a text.
fn node(path: &[&str]) -> Option<String> {
    abi::property(path).and_then(|bytes| String::from_utf8(bytes).ok())
}

/// Returns a variable of the environment that the proxy provides. All variables are read here.
#[expect(clippy::disallowed_methods, reason = "the configuration depends on it, and nothing else does")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
