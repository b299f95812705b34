//! Renewal of certificates in a running mesh.

use super::Mesh;
use crate::certs::{self, Authority, Identity};
use crate::error::Result;

impl Mesh {
    /// Returns the authority that issued all identities at the start of the mesh.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Replaces the certificate files of `service`, by one rename as Kubernetes does: it gets a fresh certificate of `authority`,
    /// and trusts those of `trusted`. Does not wait for its Envoy.
    ///
    /// # Errors
    /// There is no such service, or its files cannot be written.
    pub fn renew(&self, service: &str, authority: &Authority, trusted: &[&Authority]) -> Result<Identity> {
        let identity = authority.issue(service)?;
        let trusted: String = trusted.iter().map(|authority| authority.certificate()).collect();
        certs::mount(&self.member(service)?.place.cert_dir(), &identity.files(&trusted))?;
        Ok(identity)
    }

    /// Returns the folder with the certificate files of `service`, for a test that replaces them in another way.
    ///
    /// # Errors
    /// There is no such service.
    pub fn cert_dir(&self, service: &str) -> Result<std::path::PathBuf> {
        Ok(self.member(service)?.place.cert_dir())
    }
}
