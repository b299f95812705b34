//! The server: accepts connections, makes calls and answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::calls::Calls;
use super::{ShopConfig, answer, instructions};
use crate::client::{self, Protocol};
use crate::error::{Context as _, Result};

/// The largest request body that is read, in bytes. Its content is discarded.
const MAX_REQUEST_BODY: usize = 16 * 1024 * 1024;
/// The largest block of headers in HTTP/2, in bytes. It is well above what Envoy lets through.
const MAX_HEADER_LIST: u32 = 256 * 1024;
/// Number of connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Binds `address`, even if a [`crate::ports::ReservedPort`] reserves it.
///
/// # Errors
/// The address is in use.
pub fn bind(address: SocketAddr) -> Result<TcpListener> {
    let what = format!("cannot listen on {address}");
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.context(&what)?;
    socket.set_reuseport(true).context(&what)?;
    socket.set_reuseaddr(true).context(&what)?;
    socket.bind(address).context(&what)?;
    socket.listen(BACKLOG).context(what)
}

/// One running application.
#[derive(Debug, Clone)]
pub struct Shop {
    config: Arc<ShopConfig>,
    calls: Arc<Calls>,
}

impl Shop {
    /// Returns an application that is not listening yet.
    pub fn new(config: ShopConfig) -> Self {
        let calls = Arc::new(Calls::new(config.outbound));
        Self { config: Arc::new(config), calls }
    }

    /// Accepts connections and answers requests in HTTP/1.1 and HTTP/2, until the task is dropped.
    pub async fn serve(self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().serve_connection(stream))),
                // The reason is usually a lack of file descriptors: wait for connections to close.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    async fn serve_connection(self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http2().max_header_list_size(MAX_HEADER_LIST);
        let service = service_fn(move |request| self.clone().answer(request));
        // An error of a connection is the caller's problem.
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(self, request: Request<Incoming>) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, MAX_REQUEST_BODY).collect().await;
        let trailers = body.ok().and_then(|body| body.trailers().map(answer::saw));
        let wait = instructions::time_to_wait(head.uri.query().unwrap_or_default(), &self.config.name);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        let mut calls = Vec::with_capacity(self.config.calls.len());
        for service in &self.config.calls {
            calls.push(self.call(service, &head).await);
        }
        let mut body = answer::compose(&self.config.name, answer::saw(&head.headers), calls);
        if let Some(trailers) = trailers {
            body["trailers"] = trailers;
        }
        if let Some(others) = answer::other_baggage(&head.headers) {
            body["others"] = others;
        }
        let mut response = json_response(&body);
        let query = head.uri.query().unwrap_or_default();
        for (name, value) in instructions::headers_to_respond(query, &self.config.name) {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(&value)) {
                response.headers_mut().append(name, value);
            }
        }
        if let Some(status) = instructions::status_of_answer(query, &self.config.name) {
            *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        }
        Ok(response)
    }

    /// Calls `service` with the same method, path and query, in the protocol in which this application was called.
    async fn call(&self, service: &str, head: &hyper::http::request::Parts) -> (u16, Value) {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = client::Request::new(head.method.as_str(), path);
        let query = head.uri.query().unwrap_or_default();
        for name in instructions::headers_to_forward(query, &self.config.name) {
            for value in head.headers.get_all(&name) {
                request = request.header(&name, value.as_bytes());
            }
        }
        // The headers that mark a gRPC call are not context: a gRPC client writes them itself.
        if let Some(grpc) =
            head.headers.get(CONTENT_TYPE).filter(|kind| kind.as_bytes().starts_with(b"application/grpc"))
        {
            request = request
                .header("content-type", grpc.as_bytes())
                .header("te", "trailers")
                .body(Bytes::from_static(&[0; 5]));
        }
        request.headers.extend(instructions::headers_to_send(query, &self.config.name));
        let protocol = if head.version == Version::HTTP_2 { Protocol::Http2 } else { Protocol::Http1 };
        match self.calls.send(service, protocol, request).await {
            Ok(response) => (response.status, answer::downstream(&response)),
            Err(error) => (0, Value::from(error.to_string())),
        }
    }
}

fn json_response(body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Endpoint, send};
    use crate::ports::ReservedPort;
    use crate::runtime::block_on;

    fn start(name: &str, calls: &[&str], outbound: SocketAddr) -> (ReservedPort, Endpoint) {
        let port = ReservedPort::reserve().unwrap();
        let config = ShopConfig {
            name: name.to_owned(),
            outbound,
            calls: calls.iter().map(|call| (*call).to_owned()).collect(),
        };
        block_on(async {
            tokio::spawn(Shop::new(config).serve(bind(port.address()).unwrap()));
        });
        let endpoint = Endpoint::plain(port.address(), name);
        (port, endpoint)
    }

    #[test]
    fn an_application_forwards_traceparent_and_nothing_else() {
        let (_port, ledger) = start("ledger", &[], SocketAddr::from(([127, 0, 0, 1], 1)));
        let (_front_port, front) = start("payment-service", &["ledger"], ledger.address);
        for endpoint in [front.clone(), front.http2()] {
            let request = client::Request::get("/pay")
                .header("traceparent", "00-1-1-00")
                .header("x-tenant-id", "a")
                .header("baggage", "a=b");
            let response = block_on(send(&endpoint, request)).unwrap();
            assert_eq!(response.hop("payment-service").unwrap()["saw"]["x-tenant-id"], "a");
            assert_eq!(response.hop("ledger").unwrap()["saw"], serde_json::json!({"traceparent": "00-1-1-00"}));
        }
    }

    #[test]
    fn a_test_can_make_it_send_more() {
        let (_port, ledger) = start("ledger", &[], SocketAddr::from(([127, 0, 0, 1], 1)));
        let (_front_port, front) = start("payment-service", &["ledger"], ledger.address);
        let response = block_on(send(&front, client::Request::get("/?send.payment-service=x-tenant-id:evil"))).unwrap();
        assert_eq!(response.hop("ledger").unwrap()["saw"]["x-tenant-id"], "evil");
    }

    #[test]
    fn a_call_that_fails_is_reported() {
        let nobody = ReservedPort::reserve().unwrap();
        let (_port, front) = start("payment-service", &["ledger"], nobody.address());
        let response = block_on(send(&front, client::Request::get("/"))).unwrap();
        assert_eq!(response.json().unwrap()["downstream_status"], 0);
    }
}
