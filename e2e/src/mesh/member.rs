//! One Envoy of a mesh with its files, ports and application.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::application::Application;
use super::{Bootstrap, Filter, Program};
use crate::bootstrap::{self, Common, Destination, GatewaySettings, SidecarAddresses};
use crate::certs::Authority;
use crate::envoy::{Envoy, StartingEnvoy};
use crate::error::{Context as _, Error, Result};
use crate::filter_config;
use crate::ports::ReservedPort;
use crate::topology::{Role, Service, Topology};

/// One Envoy of the mesh, before it is started.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    pub(super) kind: Kind,
}

/// The kind of an Envoy.
#[derive(Debug)]
pub(super) enum Kind {
    /// A gateway, with the port for clients.
    Gateway { port: ReservedPort, upstream: String },
    /// The sidecar of a service, with its three ports.
    Sidecar { inbound: ReservedPort, outbound: ReservedPort, application: ReservedPort, service: Service },
}

/// Data that all places of a mesh share.
pub(super) struct Shared<'a> {
    pub(super) topology: &'a Topology,
    pub(super) authority: &'a Authority,
    pub(super) filter: Option<&'a Filter>,
    pub(super) tokens: Option<(&'a str, &'a str)>,
    pub(super) binary: &'a Path,
    pub(super) concurrency: u32,
    pub(super) pseudonym_secret: Option<&'a str>,
    pub(super) programs: &'a BTreeMap<String, Program>,
    pub(super) upstream: bool,
    pub(super) bootstrap: &'a Bootstrap,
}

/// A running Envoy and the application of a sidecar.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) envoy: Envoy,
    pub(super) application: Option<Application>,
    pub(super) place: Place,
}

impl Place {
    /// Returns the place of a sidecar in the folder of the mesh, with new ports.
    pub(super) fn sidecar(service: &Service, mesh: &Path) -> Result<Self> {
        let (inbound, outbound, application) =
            (ReservedPort::reserve()?, ReservedPort::reserve()?, ReservedPort::reserve()?);
        let kind = Kind::Sidecar { inbound, outbound, application, service: service.clone() };
        Ok(Self { name: service.name.clone(), folder: mesh.join(&service.name), kind })
    }

    /// Returns the place of the gateway.
    pub(super) fn gateway(name: &str, upstream: &str, mesh: &Path) -> Result<Self> {
        let kind = Kind::Gateway { port: ReservedPort::reserve()?, upstream: upstream.to_owned() };
        Ok(Self { name: name.to_owned(), folder: mesh.join(name), kind })
    }

    /// Returns the address at which others reach this service: the inbound listener of a sidecar.
    pub(super) fn destination(&self) -> Option<Destination<'_>> {
        match &self.kind {
            Kind::Gateway { .. } => None,
            Kind::Sidecar { inbound, .. } => {
                Some(Destination { service: &self.name, host: Ipv4Addr::LOCALHOST.to_string(), port: inbound.port() })
            }
        }
    }

    /// Returns the access log.
    pub(super) fn access_log(&self) -> PathBuf {
        self.folder.join("access.log")
    }

    /// Returns the folder with the ECDS files.
    pub(super) fn filter_dir(&self) -> PathBuf {
        self.folder.join("filter")
    }

    /// Returns the ECDS file of a role that this Envoy has.
    ///
    /// # Errors
    /// It does not have the role.
    pub(super) fn filter_file(&self, role: Role) -> Result<PathBuf> {
        let has = match self.kind {
            Kind::Gateway { .. } => matches!(role, Role::Gateway | Role::Upstream),
            Kind::Sidecar { .. } => role != Role::Gateway,
        };
        if has {
            Ok(filter_config::file_of(&self.filter_dir(), role))
        } else {
            Err(Error::new(format!("`{}` has no {role} filter", self.name)))
        }
    }

    /// Writes the certificates, the clusters, the filter and the bootstrap. Returns the path of the bootstrap.
    pub(super) fn write(&self, shared: &Shared<'_>, destinations: &[Destination<'_>]) -> Result<PathBuf> {
        let (cert_dir, clusters_file, filter_dir) =
            (self.folder.join("certs"), self.folder.join("clusters.yaml"), self.filter_dir());
        std::fs::create_dir_all(&filter_dir).context(format_args!("cannot make `{}`", filter_dir.display()))?;
        let common = Common {
            service: &self.name,
            trust_domain: &shared.topology.trust_domain,
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            cert_dir: &cert_dir,
            clusters_file: &clusters_file,
            filter_dir: shared.filter.map(|_| filter_dir.as_path()),
            upstream: shared.upstream,
            access_log: &self.access_log(),
        };
        shared.authority.write(&self.name, &cert_dir)?;
        write(&clusters_file, &bootstrap::clusters(&common, destinations)?)?;
        if let Some(filter) = shared.filter {
            self.write_filter(filter, shared)?;
        }
        let bootstrap = match &self.kind {
            Kind::Gateway { port, upstream } => bootstrap::gateway(
                &common,
                &GatewaySettings { address: port.address(), upstream, tokens: shared.tokens },
            )?,
            Kind::Sidecar { inbound, outbound, application, .. } => {
                let [inbound, outbound, application] = [inbound, outbound, application].map(ReservedPort::address);
                bootstrap::sidecar(&common, &SidecarAddresses { inbound, outbound, application })?
            }
        };
        let file = self.folder.join("envoy.yaml");
        write(&file, &shared.bootstrap.change(bootstrap))?;
        Ok(file)
    }

    fn write_filter(&self, filter: &Filter, shared: &Shared<'_>) -> Result<()> {
        let wasm =
            std::path::absolute(&filter.wasm).context(format_args!("cannot find `{}`", filter.wasm.display()))?;
        if !wasm.is_file() {
            return Err(Error::new(format!("the filter `{}` is not there; build it first", wasm.display())));
        }
        let behind = shared.upstream.then_some(&Role::Upstream);
        for role in shared.topology.roles(&self.name).iter().chain(behind) {
            let document = filter_config::discovery_response(&wasm, &(filter.configuration)(&self.name, *role), "1");
            write(&self.filter_file(*role)?, &document.to_string())?;
        }
        Ok(())
    }

    /// Starts the processes without waiting for them.
    pub(super) fn spawn(self, shared: &Shared<'_>, bootstrap: &Path) -> Result<StartingMember> {
        let application = match &self.kind {
            Kind::Gateway { .. } => None,
            Kind::Sidecar { outbound, application, service, .. } => {
                let program = shared.programs.get(&self.name);
                let addresses = [application.address(), outbound.address()];
                Some(Application::spawn(service, program, addresses, &self.folder)?)
            }
        };
        let variables: Vec<_> =
            shared.pseudonym_secret.iter().map(|secret| (filter_config::PSEUDONYM_VARIABLE, *secret)).collect();
        let envoy = StartingEnvoy::spawn_with(
            &self.name,
            shared.binary,
            bootstrap,
            &self.folder,
            shared.concurrency,
            &variables,
        )?;
        Ok(StartingMember { envoy, application, place: self })
    }
}

/// A member whose processes were started.
pub(super) struct StartingMember {
    envoy: StartingEnvoy,
    application: Option<Application>,
    place: Place,
}

impl StartingMember {
    /// Waits until the processes are ready.
    pub(super) fn ready(mut self) -> Result<Member> {
        if let Some(application) = &mut self.application {
            application.ready()?;
        }
        let member = Member { envoy: self.envoy.ready()?, application: self.application, place: self.place };
        member.filter_is_accepted()?;
        Ok(member)
    }
}

impl Member {
    /// Checks that Envoy accepted the filter at the start. Otherwise its listeners would answer 500.
    fn filter_is_accepted(&self) -> Result<()> {
        let rejected = self
            .envoy
            .stats()?
            .containing(".update_rejected")
            .find(|(_, count)| *count > 0)
            .map(|(name, _)| name.to_owned());
        match rejected {
            None => Ok(()),
            Some(stat) => Err(Error::new(format!(
                "the Envoy of `{}` refused a configuration ({stat}); its log says:\n{}",
                self.place.name,
                self.envoy.problems()
            ))),
        }
    }
}

fn write(file: &Path, content: &str) -> Result<()> {
    std::fs::write(file, content).context(format_args!("cannot write `{}`", file.display()))
}
