//! The bootstraps that users deploy, filled in for one Envoy, so that the shipped files are tested.

use std::net::SocketAddr;
use std::path::Path;

use crate::error::Result;
use crate::template::{Values, render, without_section};

const SIDECAR: &str = include_str!("../../envoy-configs/sidecar.yaml");
const GATEWAY: &str = include_str!("../../envoy-configs/gateway.yaml");
const CLUSTER: &str = include_str!("../../envoy-configs/cluster.yaml");

/// The settings of every Envoy of a mesh. Paths are those that Envoy sees, which in a container differ from ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Common<'a> {
    /// The service that this Envoy belongs to.
    pub service: &'a str,
    /// The SPIFFE trust domain of the mesh.
    pub trust_domain: &'a str,
    /// The address of the admin interface; with port 0 the system chooses the port.
    pub admin: SocketAddr,
    /// The folder with `cert.pem`, `key.pem` and `ca.pem`.
    pub cert_dir: &'a Path,
    /// The file with the other services.
    pub clusters_file: &'a Path,
    /// The folder with the ECDS file of each role; `None` leaves the filter out.
    pub filter_dir: Option<&'a Path>,
    /// Whether the filter also runs after the routers of a sidecar.
    pub upstream: bool,
    /// The file of the access log.
    pub access_log: &'a Path,
}

/// The addresses of a sidecar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SidecarAddresses {
    /// The listener for other services.
    pub inbound: SocketAddr,
    /// The listener for the calls of the application.
    pub outbound: SocketAddr,
    /// The application.
    pub application: SocketAddr,
}

/// The additional settings of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewaySettings<'a> {
    /// The listener for clients.
    pub address: SocketAddr,
    /// The service that receives the requests.
    pub upstream: &'a str,
    /// Issuer and JWKS of the clients' tokens; `None` omits the check of tokens.
    pub tokens: Option<(&'a str, &'a str)>,
}

/// One destination, for [`clusters`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination<'a> {
    /// The service's name.
    pub service: &'a str,
    /// An IP address, or a host name that is resolved by DNS.
    pub host: String,
    /// The port of the service's inbound listener.
    pub port: u16,
}

/// Returns the bootstrap of a sidecar.
///
/// # Errors
/// A value that is not allowed in a bootstrap.
pub fn sidecar(common: &Common<'_>, addresses: &SidecarAddresses) -> Result<String> {
    let mut values = values_of(common);
    let SidecarAddresses { inbound, outbound, application } = addresses;
    let named = [
        ("INBOUND_ADDRESS", "INBOUND_PORT", inbound),
        ("OUTBOUND_ADDRESS", "OUTBOUND_PORT", outbound),
        ("APP_ADDRESS", "APP_PORT", application),
    ];
    for (address_name, port_name, address) in named {
        values.insert(address_name, address.ip().to_string());
        values.insert(port_name, address.port().to_string());
    }
    render(&with_filter_or_without(SIDECAR, common)?, &values)
}

/// Returns the bootstrap of a gateway.
///
/// # Errors
/// A value that is not allowed in a bootstrap.
pub fn gateway(common: &Common<'_>, settings: &GatewaySettings<'_>) -> Result<String> {
    let mut values = values_of(common);
    values.insert("GATEWAY_ADDRESS", settings.address.ip().to_string());
    values.insert("GATEWAY_PORT", settings.address.port().to_string());
    values.insert("GATEWAY_UPSTREAM", settings.upstream.to_owned());
    let mut template = with_filter_or_without(GATEWAY, common)?;
    match settings.tokens {
        Some((issuer, jwks)) => {
            values.insert("JWT_ISSUER", issuer.to_owned());
            values.insert("JWKS", jwks.to_owned());
        }
        None => template = without_section(&template, "jwt")?,
    }
    render(&template, &values)
}

/// Returns the clusters file of the Envoy that `common` describes.
///
/// # Errors
/// A value that is not allowed in the file.
pub fn clusters(common: &Common<'_>, destinations: &[Destination<'_>]) -> Result<String> {
    // Without destinations, an empty list, which YAML writes in brackets.
    let mut file = if destinations.is_empty() { "resources: []\n" } else { "resources:\n" }.to_owned();
    for destination in destinations {
        let is_address = destination.host.parse::<std::net::IpAddr>().is_ok();
        let mut values = values_of(common);
        values.insert("DESTINATION", destination.service.to_owned());
        values.insert("DISCOVERY", if is_address { "STATIC" } else { "STRICT_DNS" }.to_owned());
        values.insert("DESTINATION_ADDRESS", destination.host.clone());
        values.insert("DESTINATION_PORT", destination.port.to_string());
        file.push_str(&render(CLUSTER, &values)?);
    }
    Ok(file)
}

fn with_filter_or_without(template: &str, common: &Common<'_>) -> Result<String> {
    match common.filter_dir {
        Some(_) if common.upstream || !template.contains("# begin:upstream") => Ok(template.to_owned()),
        Some(_) => without_section(template, "upstream"),
        None => {
            let template = without_section(template, "filter")?;
            if template.contains("# begin:upstream") { without_section(&template, "upstream") } else { Ok(template) }
        }
    }
}

fn values_of(common: &Common<'_>) -> Values {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    Values::from([
        ("SERVICE", common.service.to_owned()),
        ("TRUST_DOMAIN", common.trust_domain.to_owned()),
        ("ADMIN_ADDRESS", common.admin.ip().to_string()),
        ("ADMIN_PORT", common.admin.port().to_string()),
        ("CERT_DIR", path(common.cert_dir)),
        ("CLUSTERS_FILE", path(common.clusters_file)),
        ("FILTER_DIR", common.filter_dir.map(path).unwrap_or_default()),
        ("ACCESS_LOG", path(common.access_log)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common(filter_dir: Option<&'static Path>) -> Common<'static> {
        Common {
            service: "ledger",
            trust_domain: "shop.example",
            admin: SocketAddr::from(([127, 0, 0, 1], 0)),
            cert_dir: Path::new("/certs"),
            clusters_file: Path::new("/clusters.yaml"),
            filter_dir,
            upstream: false,
            access_log: Path::new("/dev/stdout"),
        }
    }

    fn addresses() -> SidecarAddresses {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        SidecarAddresses { inbound: at(1), outbound: at(2), application: at(3) }
    }

    fn gateway_settings<'a>(tokens: Option<(&'a str, &'a str)>) -> GatewaySettings<'a> {
        GatewaySettings { address: SocketAddr::from(([127, 0, 0, 1], 10000)), upstream: "web-frontend", tokens }
    }

    #[test]
    fn every_placeholder_of_the_shipped_files_has_a_value() {
        let common = common(Some(Path::new("/filter")));
        sidecar(&common, &addresses()).unwrap();
        gateway(&common, &gateway_settings(Some(("issuer", "{}")))).unwrap();
    }

    #[test]
    fn the_filter_can_be_left_out() {
        assert!(sidecar(&common(Some(Path::new("/filter"))), &addresses()).unwrap().contains("/filter/outbound.json"));
        assert!(!sidecar(&common(None), &addresses()).unwrap().contains("name: context_mesh"));
    }

    #[test]
    fn the_check_of_tokens_can_be_left_out() {
        let with = gateway(&common(None), &gateway_settings(Some(("issuer", "{}")))).unwrap();
        assert!(with.contains("jwt_authn"));
        assert!(!gateway(&common(None), &gateway_settings(None)).unwrap().contains("jwt_authn"));
    }

    #[test]
    fn an_address_is_static_and_a_name_is_resolved() {
        let destination = |host: &str| Destination { service: "payment-service", host: host.to_owned(), port: 15006 };
        let file = clusters(&common(None), &[destination("127.0.0.1"), destination("payment-service")]).unwrap();
        assert!(file.contains("type: STATIC") && file.contains("type: STRICT_DNS"));
        assert!(file.contains("spiffe://shop.example/ns/default/sa/payment-service"));
        assert_eq!(clusters(&common(None), &[]).unwrap(), "resources: []\n");
    }
}
