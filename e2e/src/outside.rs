//! A server outside of the mesh: HTTPS with a certificate of an authority of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::certs::{Authority, Identity};
use crate::error::{Context as _, Result};
use crate::ports::ReservedPort;
use crate::runtime::block_on;
use crate::shop::{Shop, ShopConfig, bind};

/// A server that responds with the headers that it received, like the applications of the demo. It ends when it is
/// dropped.
#[derive(Debug)]
pub struct Outside {
    port: ReservedPort,
    authority: String,
    server: JoinHandle<()>,
}

impl Outside {
    /// Starts a server with the name `name` in its responses and a certificate for `host`.
    ///
    /// # Errors
    /// There is no port left, or `host` is not allowed in a certificate.
    pub fn start(name: &str, host: &str) -> Result<Self> {
        let authority = Authority::new("outside.example")?;
        let acceptor = TlsAcceptor::from(Arc::new(server_config(&authority.issue(host)?)?));
        let port = ReservedPort::reserve()?;
        let outbound = SocketAddr::from(([127, 0, 0, 1], 1));
        let shop = Shop::new(ShopConfig { name: name.to_owned(), outbound, calls: Vec::new() });
        let listen = port.address();
        let server = block_on(async { bind(listen).map(|listener| tokio::spawn(shop.serve_tls(listener, acceptor))) })?;
        Ok(Self { port, authority: authority.certificate().to_owned(), server })
    }

    /// Returns the address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Returns the authority of its certificate, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn server_config(identity: &Identity) -> Result<ServerConfig> {
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())
        .context("the server's certificate does not parse")?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).context("the server's key does not parse")?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .context("the server's certificate and key are not usable")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
