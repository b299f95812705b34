//! A mesh of real Envoys: described by a [`MeshBuilder`], alive as a [`Mesh`].

mod application;
mod clusters;
mod member;
mod push;
mod renew;
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
use crate::topology::{Egress, Gateway, OutsideHost, Role, Service, Topology};

/// The secret of pseudonyms that the Envoys of a mesh have unless the test says otherwise. It is good for tests only.
pub const PSEUDONYM_SECRET: &str = "known-to-everybody-for-tests-only";

/// Gives the plugin configuration of a service's filter in a role.
pub type Configuration = dyn Fn(&str, Role) -> String + Send + Sync;

/// Is told of each Envoy that serves, with the time since the start of the mesh.
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

/// Whom to tell of each Envoy that serves.
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

/// Describes a mesh. Nothing is started, and nothing written, before [`MeshBuilder::start`].
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

/// What becomes of each bootstrap before it is written.
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

/// A program that takes the arguments of `shop-service`, and answers as that does.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Variables of its environment.
    pub variables: Vec<(String, String)>,
}

impl MeshBuilder {
    /// A mesh without gateway and services.
    pub fn new(trust_domain: &str) -> Self {
        Self::of(Topology { trust_domain: trust_domain.to_owned(), gateway: None, egress: None, services: Vec::new() })
    }

    /// The demo mesh: a gateway and four services.
    pub fn shop() -> Self {
        Self::of(Topology::shop())
    }

    /// A mesh of this shape, without filter, with one worker in each Envoy and a gateway that checks tokens.
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

    /// Adds a gateway that hands every request to `upstream`.
    #[must_use]
    pub fn gateway(mut self, name: &str, upstream: &str) -> Self {
        self.topology.gateway = Some(Gateway { name: name.to_owned(), upstream: upstream.to_owned() });
        self
    }

    /// Adds an egress, through which all services reach `hosts`.
    #[must_use]
    pub fn egress(mut self, name: &str, hosts: Vec<OutsideHost>) -> Self {
        self.topology.egress = Some(Egress { name: name.to_owned(), hosts });
        self
    }

    /// Adds a service that calls `calls` for each request.
    #[must_use]
    pub fn service(mut self, name: &str, calls: &[&str]) -> Self {
        let calls = calls.iter().map(|call| (*call).to_owned()).collect();
        self.topology.services.push(Service { name: name.to_owned(), calls });
        self
    }

    /// Loads the filter `wasm` into every Envoy, with the plugin configuration that `configuration` gives for each service and role.
    #[must_use]
    pub fn filter(
        mut self,
        wasm: impl Into<PathBuf>,
        configuration: impl Fn(&str, Role) -> String + Send + Sync + 'static,
    ) -> Self {
        self.filter = Some(Filter { wasm: wasm.into(), configuration: Arc::new(configuration) });
        self
    }

    /// How many workers each Envoy has. One is enough for most tests, and starts fastest.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// Puts the filter behind the routers of sidecars as well.
    #[must_use]
    pub fn upstream_filters(mut self) -> Self {
        self.upstream = true;
        self
    }

    /// Changes the text of every bootstrap: for settings of Envoy that the shipped files do not have.
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

    /// Leaves the check of JSON Web Tokens out of the gateway.
    #[must_use]
    pub fn without_tokens(mut self) -> Self {
        self.tokens = false;
        self
    }

    /// Runs this Envoy binary, not the one that [`crate::envoy_binary::find`] finds.
    #[must_use]
    pub fn envoy(mut self, binary: impl Into<PathBuf>) -> Self {
        self.envoy = Some(binary.into());
        self
    }

    /// Gives all Envoys this secret of pseudonyms, and not [`PSEUDONYM_SECRET`]; `None` for no secret.
    #[must_use]
    pub fn pseudonym_secret(mut self, secret: Option<&str>) -> Self {
        self.pseudonym_secret = secret.map(str::to_owned);
        self
    }

    /// Calls `tell` with each Envoy as soon as it serves, and with the time since the start: to show that a start is alive.
    #[must_use]
    pub fn on_ready(mut self, tell: impl Fn(&Envoy, Duration) + Send + Sync + 'static) -> Self {
        self.watcher = Watcher(Some(Arc::new(tell)));
        self
    }

    /// Starts everything and waits until all of it serves.
    ///
    /// # Errors
    /// Envoy or the demo service is not found, a process ends or does not get ready, or an Envoy refuses its filter
    /// configuration. The error shows the end of the log, and what had been started is ended.
    pub fn start(self) -> Result<Mesh> {
        Mesh::start(self)
    }
}
