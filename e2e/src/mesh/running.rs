//! A running mesh.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::member::{Kind, Member, Place, Shared, StartingMember};
use super::{Filter, MeshBuilder, Watcher};
use crate::certs::Authority;
use crate::client::{self, Endpoint, Request, Response};
use crate::envoy::{Envoy, POLL, read_lossy};
use crate::error::{Context as _, Error, Result};
use crate::jwt::Signer;
use crate::load::{self, Load, Report};
use crate::runtime::block_on;
use crate::stats::Stats;
use crate::topology::Topology;
use crate::{envoy_binary, logs};

/// Time limit for a log line or an update to appear.
pub(super) const SHOW_LIMIT: Duration = Duration::from_secs(15);

/// A running mesh. Dropping it ends every process. If the thread is panicking, the logs are shown first.
#[derive(Debug)]
pub struct Mesh {
    topology: Topology,
    pub(super) filter: Option<Filter>,
    authority: Authority,
    signer: Signer,
    pub(super) updates: AtomicU64,
    members: Vec<Member>,
    // INVARIANT (order): dropped after the members, whose processes write into it.
    folder: TempDir,
}

/// The identity of a client of an inbound listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As<'a> {
    /// A service of the mesh's trust domain, with a certificate of the mesh's authority; it need not be part of the mesh.
    Service(&'a str),
    /// A client with this URI as identity, certified by the mesh's authority.
    Id(&'a str),
    /// A client with these two URIs in one certificate of the mesh's authority.
    Ids([&'a str; 2]),
    /// A service that was certified by an authority that the mesh does not trust.
    Stranger(&'a str),
    /// A client without a certificate.
    Nobody,
}

impl Mesh {
    pub(super) fn start(builder: MeshBuilder) -> Result<Self> {
        let MeshBuilder {
            topology,
            filter,
            concurrency,
            tokens,
            envoy,
            pseudonym_secret,
            programs,
            upstream,
            bootstrap,
            watcher,
        } = builder;
        let binary = envoy.map_or_else(envoy_binary::find, Ok)?;
        let folder =
            tempfile::Builder::new().prefix("context-mesh-").tempdir().context("cannot make a folder for the mesh")?;
        let authority = Authority::new(&topology.trust_domain)?;
        let signer = Signer::new(&format!("https://login.{}", topology.trust_domain))?;
        let jwks = signer.jwks();
        let tokens = tokens.then_some((signer.issuer(), jwks.as_str()));
        let shared = Shared {
            topology: &topology,
            authority: &authority,
            filter: filter.as_ref(),
            tokens,
            binary: &binary,
            concurrency,
            pseudonym_secret: pseudonym_secret.as_deref(),
            programs: &programs,
            upstream,
            bootstrap: &bootstrap,
        };
        let members = start_members(&shared, folder.path(), &watcher)?;
        Ok(Self { topology, filter, authority, signer, updates: AtomicU64::new(1), members, folder })
    }

    /// Returns the gateway, for clients. If the mesh has none, the result is an address where nothing listens.
    pub fn gateway(&self) -> Endpoint {
        let port = self.members.iter().find_map(|member| match &member.place.kind {
            Kind::Gateway { port, .. } => Some(port.address()),
            Kind::Sidecar { .. } => None,
        });
        Endpoint::plain(port.unwrap_or_else(|| ([127, 0, 0, 1], 0).into()), "shop.example")
    }

    /// Returns the URL of the gateway, for people and other programs.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway().address)
    }

    /// Returns the outbound listener of `service`, as its application uses it to call `destination`.
    ///
    /// # Errors
    /// `service` has no sidecar in this mesh.
    pub fn outbound(&self, service: &str, destination: &str) -> Result<Endpoint> {
        match &self.member(service)?.place.kind {
            Kind::Sidecar { outbound, .. } => Ok(Endpoint::plain(outbound.address(), destination)),
            Kind::Gateway { .. } => Err(no_sidecar(service)),
        }
    }

    /// Returns the URL of the outbound listener of `service`. A call specifies the destination in its `Host` header.
    ///
    /// # Errors
    /// `service` has no sidecar in this mesh.
    pub fn outbound_url(&self, service: &str) -> Result<String> {
        Ok(format!("http://{}", self.outbound(service, service)?.address))
    }

    /// Returns the inbound listener of `service`, for a client with the identity `peer`.
    ///
    /// # Errors
    /// `service` has no sidecar in this mesh, or `peer` is not allowed in a certificate.
    pub fn inbound(&self, service: &str, peer: As<'_>) -> Result<Endpoint> {
        let Kind::Sidecar { inbound, .. } = &self.member(service)?.place.kind else { return Err(no_sidecar(service)) };
        let identity = match peer {
            As::Service(name) => Some(self.authority.issue(name)?),
            As::Id(uri) => Some(self.authority.issue_id("peer", uri)?),
            As::Ids(uris) => Some(self.authority.issue_ids("peer", &uris)?),
            As::Stranger(name) => Some(Authority::new(&self.topology.trust_domain)?.issue(name)?),
            As::Nobody => None,
        };
        Endpoint::tls(inbound.address(), service, self.authority.certificate(), identity.as_ref())
    }

    /// Sends one request over a new connection.
    ///
    /// # Errors
    /// No connection, no handshake, or no answer.
    pub fn send(&self, endpoint: &Endpoint, request: Request) -> Result<Response> {
        block_on(client::send(endpoint, request))
    }

    /// Sends a `GET` of `path` to the gateway.
    ///
    /// # Errors
    /// No connection or no answer.
    pub fn get(&self, path: &str) -> Result<Response> {
        self.send(&self.gateway(), Request::get(path))
    }

    /// Sends many requests; see [`load::run`].
    ///
    /// # Errors
    /// The load exceeds a limit.
    pub fn load(
        &self,
        endpoint: &Endpoint,
        load: Load,
        request: impl Fn(usize) -> Request + Send + Sync + 'static,
        check: impl Fn(usize, &Response) -> std::result::Result<(), String> + Send + Sync + 'static,
    ) -> Result<Report> {
        load::run(endpoint, load, request, check)
    }

    /// Returns the signer of tokens that the gateway accepts in the header `authorization: Bearer <token>`.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Returns the topology that this mesh was made from.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Returns the Envoy of `service` (or of the gateway, by its name).
    ///
    /// # Errors
    /// There is no such service.
    pub fn envoy(&self, service: &str) -> Result<&Envoy> {
        Ok(&self.member(service)?.envoy)
    }

    /// Returns all Envoys, the gateway's first.
    pub fn envoys(&self) -> impl Iterator<Item = &Envoy> {
        self.members.iter().map(|member| &member.envoy)
    }

    /// Returns the counters and gauges of the Envoy of `service`.
    ///
    /// # Errors
    /// There is no such service, or its Envoy has ended.
    pub fn stats(&self, service: &str) -> Result<Stats> {
        self.envoy(service)?.stats()
    }

    /// Returns the own log of the Envoy of `service`.
    ///
    /// # Errors
    /// There is no such service.
    pub fn envoy_log(&self, service: &str) -> Result<String> {
        self.envoy(service)?.log()
    }

    /// Returns the access log of `service` so far, one value for each request on each of its listeners. Envoy writes it
    /// about 50 ms late.
    ///
    /// # Errors
    /// There is no such service, or a line is not JSON.
    pub fn access_log(&self, service: &str) -> Result<Vec<Value>> {
        let text = read_lossy(&self.member(service)?.place.access_log())?;
        // The last line may be incomplete.
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        complete
            .lines()
            .map(|line| serde_json::from_str(line).context(format_args!("the access log line `{line}` is not JSON")))
            .collect()
    }

    /// Returns the access log of `service`, as soon as `enough` returns true for it.
    ///
    /// # Errors
    /// `enough` does not return true within 15 seconds. The error shows the log.
    pub fn access_log_when(&self, service: &str, enough: impl Fn(&[Value]) -> bool) -> Result<Vec<Value>> {
        let deadline = Instant::now() + SHOW_LIMIT;
        loop {
            let lines = self.access_log(service)?;
            if enough(&lines) {
                return Ok(lines);
            }
            if Instant::now() > deadline {
                return Err(Error::new(format!(
                    "the access log of `{service}` does not show what is waited for: {lines:#?}"
                )));
            }
            std::thread::sleep(POLL);
        }
    }

    /// Returns the folder with all files of this mesh: bootstraps, certificates, logs. It is removed with the mesh.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the ids of all processes of this mesh, for checks that they have ended.
    pub fn process_ids(&self) -> Vec<u32> {
        let applications = self
            .members
            .iter()
            .filter_map(|member| member.application.as_ref())
            .map(super::application::Application::id);
        self.envoys().map(Envoy::id).chain(applications).collect()
    }

    /// Ends the mesh in order: each Envoy is asked to end, and not killed as when the mesh is dropped.
    ///
    /// # Errors
    /// A process cannot be reaped.
    pub fn stop(mut self) -> Result<()> {
        for member in std::mem::take(&mut self.members) {
            member.envoy.stop()?;
        }
        Ok(())
    }

    pub(super) fn member(&self, service: &str) -> Result<&Member> {
        let known = || self.members.iter().map(|member| member.place.name.as_str()).collect::<Vec<_>>().join(", ");
        let found = self.members.iter().find(|member| member.place.name == service);
        found.ok_or_else(|| Error::new(format!("there is no `{service}` in this mesh; there are {}", known())))
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        logs::show_if_panicking(
            self.members.iter().map(|member| (member.place.name.as_str(), member.place.folder.as_path())),
        );
    }
}

/// Writes all files, starts all processes at once, and then waits for each.
fn start_members(shared: &Shared<'_>, folder: &Path, watcher: &Watcher) -> Result<Vec<Member>> {
    let started = Instant::now();
    let gateway =
        shared.topology.gateway.iter().map(|gateway| Place::gateway(&gateway.name, &gateway.upstream, folder));
    let sidecars = shared.topology.services.iter().map(|service| Place::sidecar(service, folder));
    let places = gateway.chain(sidecars).collect::<Result<Vec<_>>>()?;
    let destinations: Vec<_> = places.iter().filter_map(Place::destination).collect();
    let bootstraps = places.iter().map(|place| place.write(shared, &destinations)).collect::<Result<Vec<_>>>()?;
    drop(destinations);
    let starting = places.into_iter().zip(bootstraps).map(|(place, bootstrap)| place.spawn(shared, &bootstrap));
    let starting = starting.collect::<Result<Vec<_>>>()?;
    let ready = |starting: StartingMember| {
        let member = starting.ready()?;
        watcher.ready(&member.envoy, started.elapsed());
        Ok(member)
    };
    starting.into_iter().map(ready).collect()
}

fn no_sidecar(service: &str) -> Error {
    Error::new(format!("`{service}` is the gateway, which has no application and no sidecar"))
}
