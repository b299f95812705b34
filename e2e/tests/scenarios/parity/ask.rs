//! Sends requests to the proxy, over connections of every kind, and reads what both decided.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use context_mesh_e2e::client::{Connection, Protocol, Request, Response, Stream};
use context_mesh_e2e::error::Result;
use context_mesh_e2e::runtime::block_on;
use policy_compiler::run::recorded::filter_report;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::proxy::{ADDRESSES, Proxy, SECOND_URI};

/// Connections that are open at a time.
const CONNECTIONS: usize = 8;
/// Time limit of one request, connecting included.
const REQUEST_LIMIT: Duration = Duration::from_secs(20);

/// The names in a client certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer {
    pub(crate) uris: Vec<String>,
    pub(crate) dns: Vec<String>,
}

impl Peer {
    /// Returns a certificate with these names.
    pub(crate) fn new(uris: &[&str], dns: &[&str]) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Self { uris: texts(uris), dns: texts(dns) }
    }
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The client's address.
    pub(crate) source: IpAddr,
    /// Which of [`ADDRESSES`] it connects to.
    pub(crate) to: usize,
    /// TLS, if any.
    pub(crate) tls: Option<Tls>,
    pub(crate) http2: bool,
}

/// The client's side of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) peer: Option<Peer>,
    pub(crate) server_name: Option<String>,
}

/// Requests on one connection to the listener of a set.
#[derive(Debug, Clone)]
pub(crate) struct Talk {
    /// The index of the set.
    pub(crate) set: usize,
    pub(crate) link: Link,
    pub(crate) requests: Vec<Request>,
}

/// What became of a request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Both decided.
    Decided(Decided),
    /// It did not reach them: the proxy answered before.
    Before(u16),
}

/// Two decisions about a request.
#[derive(Debug, Clone)]
pub(crate) struct Decided {
    /// Whether RBAC would let it pass.
    pub(crate) rbac: bool,
    /// Whether an AUDIT policy matched in RBAC.
    pub(crate) rbac_audit: bool,
    /// Whether the dry-run DENY and ALLOW policies would reject it in RBAC.
    pub(crate) rbac_dry: [bool; 2],
    /// The filter's answer.
    pub(crate) status: u16,
    /// The filter's report.
    pub(crate) report: Value,
}

impl Decided {
    /// Returns whether the filter let it pass.
    pub(crate) fn ours(&self) -> bool {
        self.status == 200
    }
}

/// Sends everything, and returns the answers of each talk.
pub(crate) fn ask(proxy: &Proxy, talks: &[Talk]) -> Vec<Vec<Answer>> {
    let mut identities: BTreeMap<Option<Peer>, Arc<ClientConfig>> = BTreeMap::new();
    for tls in talks.iter().filter_map(|talk| talk.link.tls.as_ref()) {
        if !identities.contains_key(&tls.peer) {
            identities.insert(tls.peer.clone(), Arc::new(client_config(proxy, tls.peer.as_ref())));
        }
    }
    let ports: Vec<u16> = proxy.ports.iter().map(|port| port.port()).collect();
    block_on(async {
        let open = Arc::new(Semaphore::new(CONNECTIONS));
        let mut tasks = JoinSet::new();
        for (at, talk) in talks.iter().cloned().enumerate() {
            let (open, port) = (Arc::clone(&open), ports[talk.set]);
            let config = talk.link.tls.as_ref().map(|tls| Arc::clone(&identities[&tls.peer]));
            tasks.spawn(async move {
                let _permit = open.acquire_owned().await.unwrap();
                (at, talk_over(&talk, port, config).await)
            });
        }
        let mut answers = vec![Vec::new(); talks.len()];
        while let Some(done) = tasks.join_next().await {
            let (at, found) = done.unwrap();
            answers[at] = found;
        }
        answers
    })
}

async fn talk_over(talk: &Talk, port: u16, config: Option<Arc<ClientConfig>>) -> Vec<Answer> {
    let mut connection = None;
    let mut answers = Vec::new();
    for request in &talk.requests {
        let exchange = send(&mut connection, talk, port, config.clone(), request);
        let response = tokio::time::timeout(REQUEST_LIMIT, exchange).await;
        let what = || format!("{:?}\n{request:?}", talk.link);
        let response = response.unwrap_or_else(|_| panic!("no answer within {REQUEST_LIMIT:?}: {}", what()));
        answers.push(read(&response.unwrap_or_else(|error| panic!("{error}: {}", what()))));
    }
    answers
}

/// Sends a request on the open connection, or on a new one.
async fn send(
    connection: &mut Option<Connection>,
    talk: &Talk,
    port: u16,
    config: Option<Arc<ClientConfig>>,
    request: &Request,
) -> Result<Response> {
    if let Some(open) = connection.as_mut().filter(|open| !open.is_closed())
        && let Ok(response) = open.send(request.clone()).await
    {
        return Ok(response);
    }
    // The proxy has closed it, as it does after a request that it does not like.
    connection.insert(open(&talk.link, port, config).await).send(request.clone()).await
}

fn read(response: &Response) -> Answer {
    let shown = |name: &str| response.header(name).map(|value| value.trim_matches('"').to_owned()).unwrap_or_default();
    let report = if shown("x-details").contains(SECOND_URI) {
        serde_json::json!({"rule": SECOND_URI})
    } else {
        match filter_report::read(&response.header("x-ours").unwrap_or_default()) {
            Some(report) => Value::Object(report),
            None => return Answer::Before(response.status),
        }
    };
    Answer::Decided(Decided {
        rbac: shown("x-rbac-deny") != "denied" && shown("x-rbac-allow") != "denied",
        rbac_audit: shown("x-rbac-audit") == "true",
        rbac_dry: ["x-rbac-dry-deny", "x-rbac-dry-allow"].map(|name| shown(name) == "denied"),
        status: response.status,
        report,
    })
}

async fn open(link: &Link, port: u16, config: Option<Arc<ClientConfig>>) -> Connection {
    let socket = if link.source.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(SocketAddr::new(link.source, 0)).unwrap();
    let tcp = socket.connect(SocketAddr::new(ADDRESSES[link.to], port)).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let stream: Box<dyn Stream> = match config {
        None => Box::new(tcp),
        Some(config) => {
            let mut config = ClientConfig::clone(&config);
            config.alpn_protocols = vec![if link.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
            let name = match link.tls.as_ref().and_then(|tls| tls.server_name.clone()) {
                Some(name) => ServerName::try_from(name).unwrap(),
                // No name is sent for an address.
                None => ServerName::IpAddress(ADDRESSES[link.to].into()),
            };
            Box::new(TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap())
        }
    };
    let protocol = if link.http2 { Protocol::Http2 } else { Protocol::Http1 };
    Connection::over(stream, protocol, "cart").await.unwrap()
}

fn client_config(proxy: &Proxy, peer: Option<&Peer>) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(AnyServer(provider.signature_verification_algorithms));
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(peer) = peer else { return builder.with_no_client_auth() };
    fn texts(texts: &[String]) -> Vec<&str> {
        texts.iter().map(String::as_str).collect()
    }
    let identity = proxy.authority.issue_names("client", &texts(&peer.uris), &texts(&peer.dns)).unwrap();
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    builder.with_client_auth_cert(vec![certificate], key).unwrap()
}

/// Accepts any server: a client asks for names that no certificate has.
#[derive(Debug)]
struct AnyServer(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
