//! The structure of a mesh: a gateway, services, and the calls between them.

use std::fmt;

/// The position of a filter in the mesh. It determines the file from which the filter's configuration is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Before a service, for requests from other services.
    Inbound,
    /// After a service, for the requests that it makes.
    Outbound,
    /// At the edge, for requests from clients.
    Gateway,
    /// After the router of a sidecar, in both directions.
    Upstream,
}

impl Role {
    /// Returns the name in file names and in the plugin configuration: `inbound`, `outbound`, `gateway` or `upstream`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Gateway => "gateway",
            Self::Upstream => "upstream",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// One service of a mesh: an application with a sidecar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The name, which is also the cluster, the host in calls, and the last part of the SPIFFE id.
    pub name: String,
    /// The services that the application calls for each request, in this order.
    pub calls: Vec<String>,
}

/// The edge of a mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// The gateway's own service name.
    pub name: String,
    /// The service that receives every request of a client.
    pub upstream: String,
}

/// The structure of a mesh, without addresses and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The SPIFFE trust domain of all identities.
    pub trust_domain: String,
    /// The edge, if there is one.
    pub gateway: Option<Gateway>,
    /// The services.
    pub services: Vec<Service>,
}

impl Topology {
    /// Returns the demo mesh: `shop-gateway`, `web-frontend`, `checkout-service`, `payment-service`, `ledger`, each
    /// calling the next.
    pub fn shop() -> Self {
        let chain = ["web-frontend", "checkout-service", "payment-service", "ledger"];
        let services = chain
            .iter()
            .enumerate()
            .map(|(place, name)| Service {
                name: (*name).to_owned(),
                calls: chain.get(place + 1).map(|next| (*next).to_owned()).into_iter().collect(),
            })
            .collect();
        Self {
            trust_domain: "shop.example".to_owned(),
            gateway: Some(Gateway { name: "shop-gateway".to_owned(), upstream: "web-frontend".to_owned() }),
            services,
        }
    }

    /// Returns the SPIFFE id of `service` in this mesh.
    pub fn spiffe_id(&self, service: &str) -> String {
        spiffe_id(&self.trust_domain, service)
    }

    /// Returns the roles of the Envoy of `service`: two for a sidecar, one for the gateway, none for a service that is
    /// not in the mesh.
    pub fn roles(&self, service: &str) -> &'static [Role] {
        if self.gateway.as_ref().is_some_and(|gateway| gateway.name == service) {
            &[Role::Gateway]
        } else if self.services.iter().any(|known| known.name == service) {
            &[Role::Inbound, Role::Outbound]
        } else {
            &[]
        }
    }
}

/// Returns the SPIFFE id of a service account in the namespace `default`, in the format of Istio.
pub fn spiffe_id(trust_domain: &str, service: &str) -> String {
    format!("spiffe://{trust_domain}/ns/default/sa/{service}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_of_the_shop_calls_the_next() {
        let shop = Topology::shop();
        let calls: Vec<_> = shop.services.iter().map(|service| service.calls.join(",")).collect();
        assert_eq!(calls, ["checkout-service", "payment-service", "ledger", ""]);
    }

    #[test]
    fn a_sidecar_has_two_roles_and_the_gateway_one() {
        let shop = Topology::shop();
        assert_eq!(shop.roles("ledger"), [Role::Inbound, Role::Outbound]);
        assert_eq!(shop.roles("shop-gateway"), [Role::Gateway]);
        assert!(shop.roles("stranger").is_empty());
    }

    #[test]
    fn an_identity_is_written_as_istio_writes_it() {
        assert_eq!(Topology::shop().spiffe_id("ledger"), "spiffe://shop.example/ns/default/sa/ledger");
    }
}
