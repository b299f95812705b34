//! A mesh of real Envoys: described by a [`MeshBuilder`], running as a [`Mesh`].

mod application;
mod member;
mod push;
mod running;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use push::PushOutcome;
pub use running::{As, Mesh};

use crate::envoy::Envoy;
use crate::error::Result;
use crate::topology::{Gateway, Role, Service, Topology};

/// The secret of pseudonyms of the Envoys of a mesh, unless the test sets another one. For tests only.
pub const PSEUDONYM_SECRET: &str = "known-to-everybody-for-tests-only";

/// Returns the plugin configuration of a service's filter in a role.
pub type Configuration = dyn Fn(&str, Role) -> String + Send + Sync;

/// Called with each Envoy that is ready, and the time since the start of the mesh.
pub(crate) type OnReady = dyn Fn(&Envoy, Duration) + Send + Sync;

/// The filter that all Envoys of a mesh load.
#[derive(Clone)]
pub(crate) struct Filter {
    wasm: PathBuf,
    configuration: Arc<Configuration>,
}

impl fmt::Debug for Filter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Filter").field("wasm", &self.wasm).finish_non_exhaustive()
    }
}

/// The callback for each Envoy that is ready.
#[derive(Clone, Default)]
pub(crate) struct Watcher(Option<Arc<OnReady>>);

impl Watcher {
    pub(crate) fn ready(&self, envoy: &Envoy, took: Duration) {
        if let Some(tell) = &self.0 {
            tell(envoy, took);
        }
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Watcher").field(&self.0.is_some()).finish()
    }
}

/// Describes a mesh. Nothing is started or written before [`MeshBuilder::start`].
#[derive(Debug, Clone)]
pub struct MeshBuilder {
    topology: Topology,
    filter: Option<Filter>,
    concurrency: u32,
    tokens: bool,
    envoy: Option<PathBuf>,
    pseudonym_secret: Option<String>,
    programs: BTreeMap<String, Program>,
    upstream: bool,
    bootstrap: Bootstrap,
    watcher: Watcher,
}

/// Changes each bootstrap before it is written.
#[derive(Clone, Default)]
pub(crate) struct Bootstrap(Option<Arc<dyn Fn(String) -> String + Send + Sync>>);

impl Bootstrap {
    pub(crate) fn change(&self, text: String) -> String {
        self.0.as_ref().map_or(text.clone(), |change| change(text))
    }
}

impl fmt::Debug for Bootstrap {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Bootstrap").field(&self.0.is_some()).finish()
    }
}

/// A program with the same arguments and answers as `shop-service`.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its path.
    pub path: PathBuf,
    /// Its environment variables.
    pub variables: Vec<(String, String)>,
}

impl MeshBuilder {
    /// Returns a mesh without gateway and services.
    pub fn new(trust_domain: &str) -> Self {
        Self::of(Topology { trust_domain: trust_domain.to_owned(), gateway: None, services: Vec::new() })
    }

    /// Returns the demo mesh: a gateway and four services.
    pub fn shop() -> Self {
        Self::of(Topology::shop())
    }

    /// Returns a mesh of this topology, without filter, with one worker in each Envoy and a gateway that checks tokens.
    pub fn of(topology: Topology) -> Self {
        Self {
            topology,
            filter: None,
            concurrency: 1,
            tokens: true,
            envoy: None,
            pseudonym_secret: Some(PSEUDONYM_SECRET.to_owned()),
            programs: BTreeMap::new(),
            upstream: false,
            bootstrap: Bootstrap::default(),
            watcher: Watcher::default(),
        }
    }

    /// Adds a gateway that forwards every request to `upstream`.
    #[must_use]
    pub fn gateway(mut self, name: &str, upstream: &str) -> Self {
        self.topology.gateway = Some(Gateway { name: name.to_owned(), upstream: upstream.to_owned() });
        self
    }

    /// Adds a service that calls `calls` for each request.
    #[must_use]
    pub fn service(mut self, name: &str, calls: &[&str]) -> Self {
        let calls = calls.iter().map(|call| (*call).to_owned()).collect();
        self.topology.services.push(Service { name: name.to_owned(), calls });
        self
    }

    /// Loads the filter `wasm` into every Envoy, with the plugin configuration that `configuration` returns for each
    /// service and role.
    #[must_use]
    pub fn filter(
        mut self,
        wasm: impl Into<PathBuf>,
        configuration: impl Fn(&str, Role) -> String + Send + Sync + 'static,
    ) -> Self {
        self.filter = Some(Filter { wasm: wasm.into(), configuration: Arc::new(configuration) });
        self
    }

    /// Sets the number of workers of each Envoy. One is enough for most tests, and starts fastest.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// Adds the filter after the routers of sidecars too.
    #[must_use]
    pub fn upstream_filters(mut self) -> Self {
        self.upstream = true;
        self
    }

    /// Changes the text of every bootstrap, for settings of Envoy that the shipped files do not contain.
    #[must_use]
    pub fn bootstrap(mut self, change: impl Fn(String) -> String + Send + Sync + 'static) -> Self {
        self.bootstrap = Bootstrap(Some(Arc::new(change)));
        self
    }

    /// Runs this program as the application of `service`.
    #[must_use]
    pub fn application(mut self, service: &str, program: Program) -> Self {
        self.programs.insert(service.to_owned(), program);
        self
    }

    /// Removes the check of JSON Web Tokens from the gateway.
    #[must_use]
    pub fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// Uses this Envoy binary instead of the one that [`crate::envoy_binary::find`] finds.
    #[must_use]
    pub fn envoy(mut self, binary: impl Into<PathBuf>) -> Self {
        self.envoy = Some(binary.into());
        self
    }

    /// Sets the secret of pseudonyms of all Envoys, instead of [`PSEUDONYM_SECRET`]; `None` for no secret.
    #[must_use]
    pub fn pseudonym_secret(mut self, secret: Option<&str>) -> Self {
        self.pseudonym_secret = secret.map(str::to_owned);
        self
    }

    /// Calls `tell` with each Envoy as soon as it is ready, and the time since the start, to show progress.
    #[must_use]
    pub fn on_ready(mut self, tell: impl Fn(&Envoy, Duration) + Send + Sync + 'static) -> Self {
        self.watcher = Watcher(Some(Arc::new(tell)));
        self
    }

    /// Starts everything and waits until all of it is ready.
    ///
    /// # Errors
    /// Envoy or the demo service is not found, a process ends or does not become ready, or an Envoy rejects its filter
    /// configuration. The error shows the end of the log, and everything that was started is ended.
    pub fn start(self) -> Result<Mesh> {
        Mesh::start(self)
    }
}
