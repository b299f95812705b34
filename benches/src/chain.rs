//! One listener with the filters of a chain, which answers itself: mutual TLS as in a sidecar, and nothing else.

use std::path::Path;
use std::time::Duration;

use context_mesh_e2e::certs::Authority;
use context_mesh_e2e::client::Endpoint;
use context_mesh_e2e::envoy::{Envoy, StartingEnvoy};
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::ports::ReservedPort;
use serde_json::{Value, json};

use crate::sidecar::BODY;

/// A running Envoy with one worker.
#[derive(Debug)]
pub struct Chain {
    envoy: Envoy,
    endpoint: Endpoint,
    _port: ReservedPort,
}

impl Chain {
    /// Starts the Envoy `binary` with these HTTP filters for `service`. Its files are in `folder`. The client is
    /// `caller`, in the trust domain of `authority`.
    ///
    /// # Errors
    /// A file cannot be written, or Envoy does not start. The error shows the reason.
    pub fn start(
        folder: &Path,
        binary: &Path,
        authority: &Authority,
        service: &str,
        caller: &str,
        filters: &[Value],
    ) -> Result<Self> {
        authority.write(service, folder)?;
        let port = ReservedPort::reserve()?;
        let bootstrap = json!({
            "node": {"id": service, "cluster": service},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}},
            "static_resources": {"listeners": [listener(folder, port.port(), filters)]},
        });
        let file = folder.join("envoy.json");
        std::fs::write(&file, bootstrap.to_string())
            .map_err(|problem| Error::new(format!("cannot write `{}`: {problem}", file.display())))?;
        let envoy = StartingEnvoy::spawn(service, binary, &file, folder, 1)?.ready()?;
        let identity = authority.issue(caller)?;
        let endpoint = Endpoint::tls(port.address(), service, authority.certificate(), Some(&identity))?;
        Ok(Self { envoy, endpoint, _port: port })
    }

    /// Returns the listener.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns the user and system time that the process has used so far.
    ///
    /// # Errors
    /// The process has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        self.envoy.cpu_time()
    }
}

fn listener(folder: &Path, port: u16, filters: &[Value]) -> Value {
    let file = |name: &str| json!({"filename": folder.join(name)});
    let tls = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "alpn_protocols": ["http/1.1"],
                "tls_certificates": [{"certificate_chain": file("cert.pem"), "private_key": file("key.pem")}],
                "validation_context": {"trusted_ca": file("ca.pem")},
            },
        },
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    });
    let answer = json!({"status": 200, "body": {"inline_string": BODY}});
    let host = json!({
        "name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "direct_response": answer}],
    });
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "inbound",
            "normalize_path": true,
            "http_filters": filters.iter().cloned().chain([router]).collect::<Vec<_>>(),
            "route_config": {"virtual_hosts": [host]},
        },
    });
    json!({
        "name": "inbound",
        "traffic_direction": "INBOUND",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"transport_socket": tls, "filters": [manager]}],
    })
}
