//! The calls of an application, over connections that are kept open.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::client::{Connection, Endpoint, Protocol, REQUEST_LIMIT, Request, Response};
use crate::error::{Error, Result};

/// Number of idle connections that are kept for each protocol.
const MAX_IDLE: usize = 256;

/// Idle connections to the sidecar. A new connection for each call would cost more than the call, and use up the ports
/// under load.
#[derive(Debug)]
pub(super) struct Calls {
    outbound: SocketAddr,
    idle_http1: Mutex<Vec<Connection>>,
    idle_http2: Mutex<Vec<Connection>>,
}

impl Calls {
    /// Returns calls to `outbound`, whose connections are opened when needed.
    pub(super) fn new(outbound: SocketAddr) -> Self {
        Self { outbound, idle_http1: Mutex::default(), idle_http2: Mutex::default() }
    }

    /// Sends `request` to `service`. If a kept connection turns out to be closed, it is replaced once.
    pub(super) async fn send(&self, service: &str, protocol: Protocol, request: Request) -> Result<Response> {
        let exchange = async {
            let request = request.authority(service);
            if let Some(kept) = self.take(protocol)
                && let Ok(response) = self.send_over(kept, protocol, request.clone()).await
            {
                return Ok(response);
            }
            let mut endpoint = Endpoint::plain(self.outbound, service);
            endpoint.protocol = protocol;
            self.send_over(Connection::open(&endpoint).await?, protocol, request).await
        };
        tokio::time::timeout(REQUEST_LIMIT, exchange)
            .await
            .map_err(|_| Error::new(format!("no answer of `{service}` within {REQUEST_LIMIT:?}")))?
    }

    async fn send_over(&self, mut connection: Connection, protocol: Protocol, request: Request) -> Result<Response> {
        let response = connection.send(request).await?;
        let mut idle = self.idle(protocol).lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        Ok(response)
    }

    fn take(&self, protocol: Protocol) -> Option<Connection> {
        self.idle(protocol).lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn idle(&self, protocol: Protocol) -> &Mutex<Vec<Connection>> {
        match protocol {
            Protocol::Http1 => &self.idle_http1,
            Protocol::Http2 => &self.idle_http2,
        }
    }
}
