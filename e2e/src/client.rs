//! A small HTTP client: HTTP/1.1 or HTTP/2, plain text or mutual TLS, and headers as arbitrary bytes.

mod connection;
mod message;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

pub use connection::{Connection, Stream, open_stream};
pub use message::{MAX_BODY, Request, Response};

use crate::certs::Identity;
use crate::error::{Error, Result};

/// Largest duration of one request, including connecting.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// The protocol of a connection. HTTP/2 is used with prior knowledge, or by ALPN with TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, as required for gRPC.
    Http2,
}

/// The destination of requests: an address, the host in the requests, and optionally TLS.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The address to connect to.
    pub address: SocketAddr,
    /// The `Host` or `:authority` of requests that do not specify one.
    pub authority: String,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: Protocol,
    tls: Option<Arc<ClientConfig>>,
}

impl Endpoint {
    /// Returns a plain-text endpoint.
    pub fn plain(address: SocketAddr, authority: &str) -> Self {
        Self { address, authority: authority.to_owned(), protocol: Protocol::Http1, tls: None }
    }

    /// Returns an endpoint with TLS whose certificate contains `service` and was signed by `authority_certificate`
    /// (PEM). The client presents `identity`, or no certificate at all.
    ///
    /// # Errors
    /// A certificate or key cannot be parsed.
    pub fn tls(
        address: SocketAddr,
        service: &str,
        authority_certificate: &str,
        identity: Option<&Identity>,
    ) -> Result<Self> {
        let tls = tls::client_config(authority_certificate, identity)?;
        Ok(Self { address, authority: service.to_owned(), protocol: Protocol::Http1, tls: Some(Arc::new(tls)) })
    }

    /// Returns the same endpoint with HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.protocol = Protocol::Http2;
        self
    }
}

/// Opens a connection, sends one request and reads the whole answer.
///
/// # Errors
/// No connection, a failed handshake, an invalid answer, one larger than [`MAX_BODY`], or more time than
/// [`REQUEST_LIMIT`].
pub async fn send(endpoint: &Endpoint, request: Request) -> Result<Response> {
    let exchange = async { Connection::open(endpoint).await?.send(request).await };
    let late = |_| Error::new(format!("no answer from {} within {REQUEST_LIMIT:?}", endpoint.address));
    tokio::time::timeout(REQUEST_LIMIT, exchange).await.map_err(late)?
}
