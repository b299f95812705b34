//! Envoy's external authorization, and a decision service for it that answers every question at once with yes.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::ports::ReservedPort;
use context_mesh_e2e::process::Process;
use context_mesh_e2e::shop::bind;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};

/// The argument with which this program becomes the service; the address follows.
pub const ARGUMENT: &str = "--answer-checks";

/// A `CheckResponse` with status OK and an empty `ok_response`, after the prefix of a gRPC message.
const YES: [u8; 9] = [0, 0, 0, 0, 4, 0x0a, 0x00, 0x1a, 0x00];

/// The running service: a process of its own, as a decision service is.
#[derive(Debug)]
pub struct Service {
    process: Process,
    port: ReservedPort,
}

impl Service {
    /// Starts it. `program` is the one that calls [`serve`] for [`ARGUMENT`].
    ///
    /// # Errors
    /// There is no free port, or the program cannot be started.
    pub fn start(program: &Path) -> Result<Self> {
        let port = ReservedPort::reserve()?;
        let mut command = Command::new(program);
        command.arg(ARGUMENT).arg(port.address().to_string());
        Ok(Self { process: Process::spawn("decision service", command)?, port })
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the filter that asks the service about each request.
    pub fn filter() -> Value {
        let kind = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
        let service = json!({"envoy_grpc": {"cluster_name": "decisions"}, "timeout": "5s"});
        json!({
            "name": "envoy.filters.http.ext_authz",
            "typed_config": {"@type": kind, "transport_api_version": "V3", "grpc_service": service},
        })
    }

    /// Returns the cluster of the service.
    pub fn cluster(&self) -> Value {
        let options = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let name = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let address = self.port.address();
        let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
        let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": {"socket_address": socket}}}]}]);
        json!({
            "name": "decisions",
            "type": "STATIC",
            "connect_timeout": "5s",
            "typed_extension_protocol_options":
                {name: {"@type": options, "explicit_http_config": {"http2_protocol_options": {}}}},
            "load_assignment": {"cluster_name": "decisions", "endpoints": endpoints},
        })
    }
}

/// Answers checks at this address until the process ends.
///
/// # Errors
/// The address is invalid or in use.
pub fn serve(address: &str) -> Result<()> {
    let address: SocketAddr = address.parse().map_err(|_| Error::new(format!("`{address}` is no address")))?;
    let wrap = |problem: std::io::Error| Error::new(format!("no decision service at {address}: {problem}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrap)?;
    runtime.block_on(async {
        let listener = bind(address)?;
        loop {
            let (stream, _) = listener.accept().await.map_err(wrap)?;
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                // The connection ends with Envoy.
                let _ = builder.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
            });
        }
    })
}

async fn answer(
    request: hyper::Request<Incoming>,
) -> std::result::Result<hyper::Response<impl hyper::body::Body<Data = Bytes, Error = Infallible>>, hyper::Error> {
    request.into_body().collect().await?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = Full::new(Bytes::from_static(&YES)).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = hyper::Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    Ok(response)
}
