//! The egress: its bootstrap, and the clusters with which sidecars and the egress reach hosts outside of the mesh.

use std::net::SocketAddr;
use std::path::Path;

use super::{Common, Destination, discovery, values_of, with_filter_or_without};
use crate::error::Result;
use crate::template::{Values, render};

const EGRESS: &str = include_str!("../../../envoy-configs/egress.yaml");
const OUTSIDE: &str = include_str!("../../../envoy-configs/cluster-outside.yaml");
const THROUGH: &str = include_str!("../../../envoy-configs/cluster-through-egress.yaml");

/// Returns the bootstrap of an egress whose listener has this address.
///
/// # Errors
/// A value contains a control character.
pub fn egress(common: &Common<'_>, address: SocketAddr) -> Result<String> {
    let mut values = values_of(common);
    values.insert("EGRESS_ADDRESS", address.ip().to_string());
    values.insert("EGRESS_PORT", address.port().to_string());
    render(&with_filter_or_without(EGRESS, common)?, &values)
}

/// Returns the entry of the egress's clusters file for a host outside. `authorities` is the file with the authorities
/// that certify it.
///
/// # Errors
/// A value contains a control character.
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

/// Returns the entry of a sidecar's clusters file for a host outside, which is reached through `egress`.
///
/// # Errors
/// A value contains a control character.
pub fn through_egress(common: &Common<'_>, host: &str, egress: &Destination<'_>) -> Result<String> {
    let mut values = values_of(common);
    values.insert("OUTSIDE_HOST", host.to_owned());
    values.insert("DESTINATION", egress.service.to_owned());
    values.insert("DESTINATION_ADDRESS", egress.host.clone());
    values.insert("DESTINATION_PORT", egress.port.to_string());
    values.insert("DISCOVERY", discovery(&egress.host));
    render(THROUGH, &values)
}
