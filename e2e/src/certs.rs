//! A temporary certificate authority, and the identities that it issues to services.

mod mounted;

use std::path::Path;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

pub use mounted::mount;

use crate::error::{Context as _, Error, Result};
use crate::topology::spiffe_id;

/// Signs the identities of one mesh. It does not trust identities of another authority.
pub struct Authority {
    trust_domain: String,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, with a SPIFFE id as the URI and the service's name as the DNS name.
    pub certificate: String,
    /// The private key, PKCS #8.
    pub key: String,
    /// The certificate's serial number, as Envoy writes it: hexadecimal, in lower case.
    pub serial: String,
}

impl Authority {
    /// Returns a new authority for `trust_domain`, with a new P-256 key.
    ///
    /// # Errors
    /// The system provides no randomness, or the name is not allowed in a certificate.
    pub fn new(trust_domain: &str) -> Result<Self> {
        let what = "cannot make a certificate authority";
        let key = KeyPair::generate().context(what)?;
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, format!("{trust_domain} test authority"));
        params.subject_alt_names =
            vec![SanType::URI(Ia5String::try_from(format!("spiffe://{trust_domain}")).context(what)?)];
        let certificate = params.self_signed(&key).context(what)?.pem();
        Ok(Self { trust_domain: trust_domain.to_owned(), certificate, issuer: Issuer::new(params, key) })
    }

    /// Returns the authority's certificate in PEM, which the members of the mesh trust.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues a new identity for `service` in the authority's trust domain.
    ///
    /// # Errors
    /// The name is not allowed in a certificate, or the system provides no randomness.
    pub fn issue(&self, service: &str) -> Result<Identity> {
        self.issue_id(service, &spiffe_id(&self.trust_domain, service))
    }

    /// Issues an identity like [`Authority::issue`], with any URI: for tests of identities that the mesh must not
    /// trust.
    ///
    /// # Errors
    /// The same as for [`Authority::issue`].
    pub fn issue_id(&self, service: &str, uri: &str) -> Result<Identity> {
        self.issue_ids(service, &[uri])
    }

    /// Issues an identity like [`Authority::issue_id`], with any number of URIs.
    ///
    /// # Errors
    /// The same as for [`Authority::issue`].
    pub fn issue_ids(&self, service: &str, uris: &[&str]) -> Result<Identity> {
        self.issue_names(service, uris, &[service])
    }

    /// Issues an identity like [`Authority::issue_id`], with any URIs and DNS names.
    ///
    /// # Errors
    /// The same as for [`Authority::issue`].
    pub fn issue_names(&self, service: &str, uris: &[&str], names: &[&str]) -> Result<Identity> {
        let what = format!("cannot make a certificate for `{service}`");
        let key = KeyPair::generate().context(&what)?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, service);
        for uri in uris {
            params.subject_alt_names.push(SanType::URI(Ia5String::try_from(*uri).context(&what)?));
        }
        for name in names {
            params.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(*name).context(&what)?));
        }
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // A sidecar is a server to its callers and a client to the services that it calls.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let number = serial_number()?;
        let serial = number.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        params.serial_number = Some(number);
        // Authorities may have the same name: which of them it was is said by the key.
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer).context(&what)?.pem();
        Ok(Identity { certificate, key: key.serialize_pem(), serial })
    }

    /// Writes `cert.pem`, `key.pem` and `ca.pem` into `folder`, the `CERT_DIR` of the bootstraps.
    ///
    /// # Errors
    /// The same as for [`Authority::issue`], or the folder cannot be written.
    pub fn write(&self, service: &str, folder: &Path) -> Result<()> {
        let identity = self.issue(service)?;
        std::fs::create_dir_all(folder).context(format_args!("cannot make `{}`", folder.display()))?;
        for (name, content) in identity.files(&self.certificate) {
            let file = folder.join(name);
            std::fs::write(&file, content).context(format_args!("cannot write `{}`", file.display()))?;
        }
        Ok(())
    }
}

impl Identity {
    /// Returns the certificate as it stands in a handshake.
    ///
    /// # Errors
    /// It is not PEM.
    pub fn der(&self) -> Result<Vec<u8>> {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        Ok(certificate.context("the certificate is not PEM")?.to_vec())
    }

    /// Returns the files of `CERT_DIR` for an Envoy that has this identity and trusts `authorities` (PEM).
    pub fn files<'a>(&'a self, authorities: &'a str) -> [(&'static str, &'a str); 3] {
        [("cert.pem", &self.certificate), ("key.pem", &self.key), ("ca.pem", authorities)]
    }
}

/// Returns a random serial number of 16 bytes that is positive and has no zeros in front.
fn serial_number() -> Result<SerialNumber> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Error::new("the system gives no randomness"))?;
    bytes[0] = bytes[0] & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

impl std::fmt::Debug for Authority {
    /// Does not show the key.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Authority").field("trust_domain", &self.trust_domain).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_identity_is_fresh() {
        let authority = Authority::new("shop.example").unwrap();
        let (one, other) = (authority.issue("ledger").unwrap(), authority.issue("ledger").unwrap());
        assert_ne!(one.key, other.key);
        assert_ne!(one.certificate, other.certificate);
        assert_ne!(one.serial, other.serial);
    }

    #[test]
    fn the_files_have_the_names_that_the_bootstraps_read() {
        let folder = tempfile::tempdir().unwrap();
        Authority::new("shop.example").unwrap().write("ledger", folder.path()).unwrap();
        for name in ["cert.pem", "key.pem", "ca.pem"] {
            assert!(std::fs::read_to_string(folder.path().join(name)).unwrap().starts_with("-----BEGIN "), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_not_ascii_is_an_error() {
        assert!(Authority::new("shop.example").unwrap().issue("käse").is_err());
    }
}
