//! Writes the folder that `docker-compose.yml` mounts: one folder for each Envoy of the demo mesh.
//!
//! Each folder is mounted at `/etc/context-mesh` of its container and contains the bootstrap, the clusters, the
//! certificates, the filter and its configuration. The keys are readable by everyone: they are only for this demo.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::bootstrap::{self, Common, Destination, GatewaySettings, SidecarAddresses};
use crate::certs::Authority;
use crate::error::{Context as _, Error, Result};
use crate::filter_config;
use crate::jwt::Signer;
use crate::topology::{Role, Topology};

/// The filter's name in that folder, and its path in the container.
const WASM_NAME: &str = "context_mesh_filter.wasm";
const WASM: &str = "/etc/context-mesh/context_mesh_filter.wasm";
/// The file next to the folders with a token for clients.
const TOKEN_NAME: &str = "client-token";

/// The ports in the containers. Application and sidecar share a network namespace, so they differ.
mod port {
    pub(super) const ADMIN: u16 = 15000;
    pub(super) const OUTBOUND: u16 = 15001;
    pub(super) const INBOUND: u16 = 15006;
    pub(super) const APPLICATION: u16 = 8080;
    pub(super) const GATEWAY: u16 = 10000;
}

/// The contents of the mesh in containers.
#[derive(Debug, Clone)]
pub struct Compose {
    /// The services; they must be those of `docker-compose.yml`.
    pub topology: Topology,
    /// The filter's .wasm, and the folder with `<service>.<role>.json` plugin configurations; `None` for a mesh without
    /// filter.
    pub filter: Option<(PathBuf, PathBuf)>,
    /// The claims of the token for clients that is written next to the folders; `None` for no token.
    pub claims: Option<Value>,
}

impl Compose {
    /// Writes everything into `out`, which is created if it is missing.
    ///
    /// # Errors
    /// A plugin configuration or the filter is missing, or `out` cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        let authority = Authority::new(&self.topology.trust_domain)?;
        let signer = Signer::new(&format!("https://login.{}", self.topology.trust_domain))?;
        for service in &self.topology.services {
            let folder = self.write_common(&service.name, out, &authority)?;
            let at = |ip: Ipv4Addr, port| SocketAddr::from((ip, port));
            let addresses = SidecarAddresses {
                inbound: at(Ipv4Addr::UNSPECIFIED, port::INBOUND),
                outbound: at(Ipv4Addr::LOCALHOST, port::OUTBOUND),
                application: at(Ipv4Addr::LOCALHOST, port::APPLICATION),
            };
            write(&folder.join("envoy.yaml"), &bootstrap::sidecar(&self.common(&service.name), &addresses)?)?;
        }
        if let Some(gateway) = &self.topology.gateway {
            let folder = self.write_common(&gateway.name, out, &authority)?;
            let jwks = signer.jwks();
            let settings = GatewaySettings {
                address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, port::GATEWAY)),
                upstream: &gateway.upstream,
                tokens: Some((signer.issuer(), &jwks)),
            };
            write(&folder.join("envoy.yaml"), &bootstrap::gateway(&self.common(&gateway.name), &settings)?)?;
        }
        match &self.claims {
            Some(claims) => write(&out.join(TOKEN_NAME), &signer.token(claims)),
            None => Ok(()),
        }
    }

    /// Writes the certificates, clusters and filter of one Envoy. Returns its folder.
    fn write_common(&self, service: &str, out: &Path, authority: &Authority) -> Result<PathBuf> {
        let folder = out.join(service);
        authority.write(service, &folder.join("certs"))?;
        let names = self.topology.services.iter().map(|service| service.name.as_str());
        let destinations: Vec<_> =
            names.map(|service| Destination { service, host: service.to_owned(), port: port::INBOUND }).collect();
        write(&folder.join("clusters.yaml"), &bootstrap::clusters(&self.common(service), &destinations)?)?;
        if let Some((wasm, configurations)) = &self.filter {
            let copy = folder.join(WASM_NAME);
            fs::copy(wasm, &copy).context(format_args!("cannot copy `{}` to `{}`", wasm.display(), copy.display()))?;
            for role in self.topology.roles(service) {
                write_filter(&folder, *role, &configurations.join(format!("{service}.{role}.json")))?;
            }
        }
        Ok(folder)
    }

    /// Returns the settings of the Envoy of `service`, with the paths in its container.
    fn common<'a>(&'a self, service: &'a str) -> Common<'a> {
        Common {
            service,
            trust_domain: &self.topology.trust_domain,
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, port::ADMIN)),
            cert_dir: Path::new("/etc/context-mesh/certs"),
            clusters_file: Path::new("/etc/context-mesh/clusters.yaml"),
            upstream: false,
            filter_dir: self.filter.as_ref().map(|_| Path::new("/etc/context-mesh/filter")),
            // Shown by `docker-compose logs`.
            access_log: Path::new("/dev/stdout"),
        }
    }
}

/// Writes the ECDS file of one role, from the plugin configuration in `file`.
fn write_filter(folder: &Path, role: Role, file: &Path) -> Result<()> {
    let configuration = fs::read_to_string(file).map_err(|problem| {
        Error::new(format!(
            "cannot read the plugin configuration `{}`: {problem}; `policyc emit` writes it",
            file.display()
        ))
    })?;
    let document = filter_config::discovery_response(Path::new(WASM), &configuration, "1");
    let filter_dir = folder.join("filter");
    fs::create_dir_all(&filter_dir).context(format_args!("cannot make `{}`", filter_dir.display()))?;
    filter_config::replace(&filter_config::file_of(&filter_dir, role), &document.to_string())
}

fn write(file: &Path, content: &str) -> Result<()> {
    fs::write(file, content).context(format_args!("cannot write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compose(filter: Option<(PathBuf, PathBuf)>) -> Compose {
        Compose { topology: Topology::shop(), filter, claims: Some(serde_json::json!({"sub": "user-1"})) }
    }

    #[test]
    fn each_envoy_gets_its_folder() {
        let (inputs, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wasm = inputs.path().join("f.wasm");
        fs::write(&wasm, "wasm").unwrap();
        let topology = Topology::shop();
        let envoys: Vec<_> =
            topology.services.iter().map(|service| service.name.as_str()).chain(["shop-gateway"]).collect();
        for envoy in &envoys {
            for role in topology.roles(envoy) {
                fs::write(inputs.path().join(format!("{envoy}.{role}.json")), format!("{envoy} {role}")).unwrap();
            }
        }
        compose(Some((wasm, inputs.path().to_owned()))).write(out.path()).unwrap();
        for envoy in envoys {
            for file in ["envoy.yaml", "clusters.yaml", "certs/key.pem", WASM_NAME] {
                assert!(out.path().join(envoy).join(file).is_file(), "{envoy}/{file}");
            }
        }
        let document = fs::read_to_string(out.path().join("ledger/filter/outbound.json")).unwrap();
        assert!(document.contains("ledger outbound") && document.contains(WASM), "{document}");
        assert_eq!(fs::read_to_string(out.path().join(TOKEN_NAME)).unwrap().split('.').count(), 3);
    }

    #[test]
    fn a_missing_plugin_configuration_is_named() {
        let (inputs, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let wasm = inputs.path().join("f.wasm");
        fs::write(&wasm, "wasm").unwrap();
        let error = compose(Some((wasm, inputs.path().to_owned()))).write(out.path()).unwrap_err();
        assert!(error.to_string().contains("web-frontend.inbound.json"), "{error}");
    }

    #[test]
    fn there_is_a_mesh_without_filter() {
        let out = tempfile::tempdir().unwrap();
        compose(None).write(out.path()).unwrap();
        assert!(!out.path().join("ledger").join(WASM_NAME).exists());
    }
}
