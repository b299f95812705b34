//! The proxies of the chains, and the requests that they get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use context_mesh_core::artifact::VerifiedProgram;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::noop_filter;
use context_mesh_e2e::policy::{self, Policy};
use context_mesh_e2e::topology::Role;

use super::authz::Service;
use super::chains::Proxy;
use super::{bound, floor, lua, policies, rbac};
use crate::counted::ordinary::host_calls;
use crate::requests::{self, Message};
use crate::sidecar::{Filter, Plugin, SERVICE, Sidecar};

/// The header with the customer that filters without a context compare. It is in all requests.
pub const TENANT_HEADER: &str = "x-customer";

/// Starts the proxies.
pub struct Proxies {
    folder: PathBuf,
    envoy: PathBuf,
    filter: PathBuf,
    service: Service,
    /// The programs of the proxies with Context Mesh, whose words the contexts of their requests are written with.
    programs: BTreeMap<Proxy, VerifiedProgram>,
}

impl Proxies {
    /// Prepares the filters in `folder`.
    ///
    /// # Errors
    /// The filter is missing, or a file cannot be written.
    pub fn prepare(folder: &Path, envoy: &Path, service: Service) -> Result<Self> {
        let (filter, shop) = (policy::filter()?, Policy::shop()?);
        noop_filter::write(&folder.join("noop.wasm"))?;
        floor::write(&folder.join("floor.wasm"))?;
        let calls = host_calls(&filter, &shop)?;
        bound::write(&calls.exports, &calls.inbound, &folder.join("bound-inbound.wasm"))?;
        bound::write(&calls.exports, &calls.outbound, &folder.join("bound-outbound.wasm"))?;
        let programs = BTreeMap::from([(Proxy::Shop, policies::program(&shop)?)]);
        Ok(Self { folder: folder.to_owned(), envoy: envoy.to_owned(), filter, service, programs })
    }

    /// Returns the decision service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Starts a proxy.
    ///
    /// # Errors
    /// Its policies do not compile, Envoy does not start, or it refuses the filter.
    pub fn start(&mut self, proxy: Proxy, workers: u32) -> Result<Sidecar> {
        let folder =
            self.folder.join(format!("{proxy:?}-{workers}").replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        std::fs::create_dir_all(&folder)
            .map_err(|problem| Error::new(format!("cannot create `{}`: {problem}", folder.display())))?;
        let filter = self.filter_of(proxy, &folder)?;
        Sidecar::start(&folder, &self.envoy, &filter, workers)
    }

    fn filter_of(&mut self, proxy: Proxy, folder: &Path) -> Result<Filter> {
        let wasm = |name: &str| Plugin { wasm: self.folder.join(name), configuration: String::new() };
        let both = |name: &str| Filter::Wasm { inbound: wasm(name), outbound: wasm(name) };
        let native = |filter| Filter::Native { filter, cluster: None };
        Ok(match proxy {
            Proxy::Bare => Filter::None,
            Proxy::Noop => both("noop.wasm"),
            Proxy::Floor => both("floor.wasm"),
            Proxy::Bound => Filter::Wasm { inbound: wasm("bound-inbound.wasm"), outbound: wasm("bound-outbound.wasm") },
            Proxy::Rbac(rules) => native(rbac::linear(rules)),
            Proxy::RbacMatcher(rules) => native(rbac::matcher(rules)),
            Proxy::Lua(rules) => native(lua::filter(rules)),
            Proxy::ExtAuthz => Filter::Native { filter: Service::filter(), cluster: Some(self.service.cluster()) },
            _ => {
                let policy = policies::of(proxy, &folder.join("policies"))?;
                let policy = policy.ok_or_else(|| Error::new(format!("BUG: {proxy:?} has no policies")))?;
                self.programs.insert(proxy, policies::program(&policy)?);
                // As for a real sidecar: the rules of this service only.
                let slice = policy.slice(SERVICE)?;
                Filter::wasm(&self.filter, |role| slice.configuration(SERVICE, role))
            }
        })
    }

    /// Returns a request. `now_ms` is the time at which its context was written.
    ///
    /// # Errors
    /// The context cannot be written, which would be a bug.
    pub fn request(&self, proxy: Proxy, direction: Role, number: usize, now_ms: u64) -> Result<Message> {
        let customer = requests::tenant(number);
        if direction == Role::Outbound {
            return Ok(requests::outbound(number).with(TENANT_HEADER, &customer));
        }
        let program = self.programs.get(&proxy).or_else(|| self.programs.get(&Proxy::Shop));
        let program = program.ok_or_else(|| Error::new("BUG: the demo's policies are missing"))?;
        let more: &[(&str, &str)] = match proxy {
            Proxy::Rules(..) | Proxy::RulesFull(_) | Proxy::Propagate => &[requests::ATTEMPT],
            _ => &[],
        };
        let context = requests::varied_context(program, number, now_ms, more)?;
        Ok(match proxy {
            // The same bytes under a name that says nothing.
            Proxy::Enforce(_) => requests::without_context(number).with("x-other-payload", &context),
            _ => requests::inbound(number, &context),
        }
        .with(TENANT_HEADER, &customer))
    }
}
