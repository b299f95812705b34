//! One connection, for several requests one after the other.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderName, HeaderValue};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::message::{MAX_BODY, Request, Response};
use super::{Endpoint, Protocol};
use crate::error::{Context as _, Result};

/// The largest block of response headers that HTTP/2 accepts, in bytes. Envoy sends less.
const MAX_HEADER_LIST: u32 = 256 * 1024;

/// A request body: bytes, optionally followed by trailers.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An open connection to an [`Endpoint`].
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
    authority: String,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Connection {
    /// Connects, and performs the handshake if the endpoint has TLS.
    ///
    /// # Errors
    /// Nothing listens at the address, or the handshake fails. If the server refuses the client's certificate, the
    /// first request may fail instead.
    pub async fn open(endpoint: &Endpoint) -> Result<Self> {
        Self::over(open_stream(endpoint).await?, endpoint.protocol, &endpoint.authority).await
    }

    /// Starts HTTP on a connection that is already open.
    ///
    /// # Errors
    /// The server does not speak the protocol.
    pub async fn over(stream: impl Stream + 'static, protocol: Protocol, authority: &str) -> Result<Self> {
        let (io, what) = (TokioIo::new(stream), "the server speaks no HTTP");
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.context(what)?;
                tokio::spawn(connection);
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                let (sender, connection) =
                    builder.max_header_list_size(MAX_HEADER_LIST).handshake(io).await.context(what)?;
                tokio::spawn(connection);
                Sender::Http2(sender)
            }
        };
        Ok(Self { sender, authority: authority.to_owned() })
    }

    /// Returns whether the server has closed it. It then accepts no more requests.
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Sends a request and reads the whole answer. It has no time limit; see [`super::send`].
    ///
    /// # Errors
    /// The request cannot be written as HTTP, the connection breaks, or the body is larger than [`super::MAX_BODY`].
    pub async fn send(&mut self, request: Request) -> Result<Response> {
        let what = format!("no answer to {} {}", request.method, request.path);
        let authority = request.authority.clone().unwrap_or_else(|| self.authority.clone());
        let answer = match &mut self.sender {
            Sender::Http1(sender) => {
                let mut message = message(request, &request_target(None))?;
                message
                    .headers_mut()
                    .entry(HOST)
                    .or_insert(HeaderValue::from_str(&authority).context("the host is not a header value")?);
                sender.ready().await.context(&what)?;
                sender.send_request(message).await
            }
            Sender::Http2(sender) => {
                let message = message(request, &request_target(Some(&authority)))?;
                sender.ready().await.context(&what)?;
                sender.send_request(message).await
            }
        };
        read(answer.context(&what)?).await
    }
}

/// Connects, and performs the handshake if the endpoint has TLS. Returns the connection as a byte stream, for callers
/// that write HTTP themselves.
///
/// # Errors
/// Nothing listens at the address, or the handshake fails.
pub async fn open_stream(endpoint: &Endpoint) -> Result<Box<dyn Stream>> {
    let tcp = connect(endpoint).await?;
    match &endpoint.tls {
        None => Ok(Box::new(tcp)),
        Some(tls) => Ok(Box::new(shake_hands(endpoint, tls, tcp).await?)),
    }
}

/// Returns the certificate (DER) that the server shows on a connection of its own; `None` without TLS.
///
/// # Errors
/// Nobody listens, or the handshake fails.
pub async fn certificate_of(endpoint: &Endpoint) -> Result<Option<Vec<u8>>> {
    let Some(tls) = &endpoint.tls else { return Ok(None) };
    let stream = shake_hands(endpoint, tls, connect(endpoint).await?).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    Ok(shown.first().map(|certificate| certificate.to_vec()))
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream> {
    let address = endpoint.address;
    let tcp = TcpStream::connect(address).await.context(format_args!("cannot connect to {address}"))?;
    tcp.set_nodelay(true).context(format_args!("cannot set up the connection to {address}"))?;
    Ok(tcp)
}

async fn shake_hands(endpoint: &Endpoint, tls: &ClientConfig, tcp: TcpStream) -> Result<TlsStream<TcpStream>> {
    let mut tls = tls.clone();
    tls.alpn_protocols = vec![match endpoint.protocol {
        Protocol::Http1 => b"http/1.1".to_vec(),
        Protocol::Http2 => b"h2".to_vec(),
    }];
    let name = ServerName::try_from(endpoint.authority.clone())
        .context(format_args!("`{}` is not a host name", endpoint.authority))?;
    let handshake = TlsConnector::from(Arc::new(tls)).connect(name, tcp).await;
    handshake.context(format_args!("no TLS with {}", endpoint.address))
}

/// The byte stream of a connection, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Returns the prefix of the path: nothing in HTTP/1.1, scheme and host in HTTP/2 (hyper turns them into `:authority`).
fn request_target(authority: Option<&str>) -> String {
    authority.map(|authority| format!("http://{authority}")).unwrap_or_default()
}

fn message(request: Request, target: &str) -> Result<hyper::Request<Body>> {
    let mut message = hyper::Request::builder()
        .method(request.method.as_str())
        .uri(format!("{target}{}", request.path))
        .body(body(request.body, &request.trailers)?)
        .context(format_args!("`{} {}` is not a request", request.method, request.path))?;
    add(&request.headers, message.headers_mut())?;
    Ok(message)
}

fn body(bytes: Bytes, trailers: &[(String, Vec<u8>)]) -> Result<Body> {
    if trailers.is_empty() {
        return Ok(Full::new(bytes).boxed_unsync());
    }
    let mut map = hyper::HeaderMap::new();
    add(trailers, &mut map)?;
    Ok(Full::new(bytes).with_trailers(async move { Some(Ok(map)) }).boxed_unsync())
}

fn add(headers: &[(String, Vec<u8>)], to: &mut hyper::HeaderMap) -> Result<()> {
    for (name, value) in headers {
        let value =
            HeaderValue::from_bytes(value).context(format_args!("the value of `{name}` cannot stand in a header"))?;
        to.append(
            HeaderName::from_bytes(name.as_bytes()).context(format_args!("`{name}` is not a header name"))?,
            value,
        );
    }
    Ok(())
}

async fn read(answer: hyper::Response<Incoming>) -> Result<Response> {
    let (head, body) = answer.into_parts();
    let collected = Limited::new(body, MAX_BODY).collect().await.context("the answer's body ended early")?;
    let trailers = collected.trailers().map(pairs).unwrap_or_default();
    Ok(Response { status: head.status.as_u16(), headers: pairs(&head.headers), body: collected.to_bytes(), trailers })
}

fn pairs(headers: &hyper::HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}
