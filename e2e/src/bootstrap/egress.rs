//! The way out of the mesh: its bootstrap, and how sidecars and the egress reach hosts outside.

use std::net::SocketAddr;
use std::path::Path;

use super::{Common, Destination, discovery, values_of, with_filter_or_without};
use crate::error::Result;
use crate::template::{Values, render};

const EGRESS: &str = include_str!("../../../envoy-configs/egress.yaml");
const OUTSIDE: &str = include_str!("../../../envoy-configs/cluster-outside.yaml");
const THROUGH: &str = include_str!("../../../envoy-configs/cluster-through-egress.yaml");

/// The bootstrap of an egress whose listener has this address.
///
/// # Errors
/// A value that cannot stand in a bootstrap.
pub fn egress(common: &Common<'_>, address: SocketAddr) -> Result<String> {
    let mut values = values_of(common);
    values.insert("EGRESS_ADDRESS", address.ip().to_string());
    values.insert("EGRESS_PORT", address.port().to_string());
    render(&with_filter_or_without(EGRESS, common)?, &values)
}

/// The entry of the clusters file of an egress for the host outside, with the file of the authorities that certify it.
///
/// # Errors
/// A value that cannot stand in the file.
pub fn outside(host: &str, address: SocketAddr, authorities: &Path) -> Result<String> {
    let values = Values::from([
        ("OUTSIDE_HOST", host.to_owned()),
        ("OUTSIDE_ADDRESS", address.ip().to_string()),
        ("OUTSIDE_PORT", address.port().to_string()),
        ("OUTSIDE_CA", authorities.to_string_lossy().into_owned()),
        ("DISCOVERY", discovery(&address.ip().to_string())),
    ]);
    render(OUTSIDE, &values)
}

/// The entry of the clusters file of a sidecar for the host outside, which is reached through `egress`.
///
/// # Errors
/// A value that cannot stand in the file.
pub fn through_egress(common: &Common<'_>, host: &str, egress: &Destination<'_>) -> Result<String> {
    let mut values = values_of(common);
    values.insert("OUTSIDE_HOST", host.to_owned());
    values.insert("DESTINATION", egress.service.to_owned());
    values.insert("DESTINATION_ADDRESS", egress.host.clone());
    values.insert("DESTINATION_PORT", egress.port.to_string());
    values.insert("DISCOVERY", discovery(&egress.host));
    render(THROUGH, &values)
}
