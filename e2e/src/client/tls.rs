//! TLS for a client that acts as a peer of the mesh.

use std::sync::Arc;

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::certs::Identity;
use crate::error::{Context as _, Result};

/// Returns a configuration that only trusts `authority` (PEM), and presents `identity` or nothing.
pub(super) fn client_config(authority: &str, identity: Option<&Identity>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let authority =
        CertificateDer::from_pem_slice(authority.as_bytes()).context("the authority's certificate does not parse")?;
    roots.add(authority).context("the authority's certificate is not usable")?;
    let builder = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be set up")?
        .with_root_certificates(roots);
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes())
        .context("the client's certificate does not parse")?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).context("the client's key does not parse")?;
    builder.with_client_auth_cert(vec![certificate], key).context("the client's certificate and key are not usable")
}
