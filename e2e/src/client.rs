//! A small HTTP client: HTTP/1.1 or HTTP/2, plain or mutual TLS, and headers as the bytes that a test wants to send.

mod connection;
mod message;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

pub use connection::{Connection, Stream, certificate_of, open_stream};
pub use message::{MAX_BODY, Request, Response};

use crate::certs::Identity;
use crate::error::{Error, Result};

/// How long one request may take, connecting included.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// The protocol of a connection. HTTP/2 is spoken with prior knowledge, or by ALPN under TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, as gRPC needs it.
    Http2,
}

/// Where requests go: an address, the host that they name, and perhaps TLS.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where to connect.
    pub address: SocketAddr,
    /// The `Host` or `:authority` of requests that do not name their own.
    pub authority: String,
    /// HTTP/1.1 or HTTP/2.
    pub protocol: Protocol,
    tls: Option<Arc<ClientConfig>>,
}

impl Endpoint {
    /// A plain-text endpoint.
    pub fn plain(address: SocketAddr, authority: &str) -> Self {
        Self { address, authority: authority.to_owned(), protocol: Protocol::Http1, tls: None }
    }

    /// An endpoint behind TLS whose certificate names `service` and was signed by `authority_certificate` (PEM).
    /// The client presents `identity`, or no certificate at all.
    ///
    /// # Errors
    /// A certificate or key does not parse.
    pub fn tls(
        address: SocketAddr,
        service: &str,
        authority_certificate: &str,
        identity: Option<&Identity>,
    ) -> Result<Self> {
        let tls = tls::client_config(authority_certificate, identity)?;
        Ok(Self { address, authority: service.to_owned(), protocol: Protocol::Http1, tls: Some(Arc::new(tls)) })
    }

    /// The same endpoint, spoken to in HTTP/2.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.protocol = Protocol::Http2;
        self
    }
}

/// Opens a connection, sends one request and reads the whole answer.
///
/// # Errors
/// No connection, a failed handshake, a broken answer, one above [`MAX_BODY`], or [`REQUEST_LIMIT`] is over.
pub async fn send(endpoint: &Endpoint, request: Request) -> Result<Response> {
    let exchange = async { Connection::open(endpoint).await?.send(request).await };
    let late = |_| Error::new(format!("no answer from {} within {REQUEST_LIMIT:?}", endpoint.address));
    tokio::time::timeout(REQUEST_LIMIT, exchange).await.map_err(late)?
}
