//! The clusters file of an Envoy of a mesh.

use super::member::{Kind, Place, Shared, write};
use crate::bootstrap::{self, Common, Destination};
use crate::error::Result;

/// Returns the clusters file of the Envoy at `place`: the services and, through the egress, the hosts outside. For the
/// egress, only the hosts outside.
pub(super) fn of(
    place: &Place,
    common: &Common<'_>,
    shared: &Shared<'_>,
    destinations: &[Destination<'_>],
) -> Result<String> {
    let Some(exit) = &shared.topology.egress else { return bootstrap::clusters(common, destinations) };
    if let Kind::Egress { egress, .. } = &place.kind {
        let mut file = "resources:\n".to_owned();
        for host in &egress.hosts {
            let authorities = place.folder.join(format!("{}.pem", host.name));
            write(&authorities, &host.authority)?;
            file.push_str(&bootstrap::outside(&host.name, host.address, &authorities)?);
        }
        return Ok(file);
    }
    let (exits, services): (Vec<_>, Vec<_>) =
        destinations.iter().cloned().partition(|destination| destination.service == exit.name);
    let mut file = bootstrap::clusters(common, &services)?;
    for (exit, host) in exits.iter().flat_map(|at| exit.hosts.iter().map(move |host| (at, host))) {
        file.push_str(&bootstrap::through_egress(common, &host.name, exit)?);
    }
    Ok(file)
}
