//! How many calls find the request that they are made for: in a mesh of two services whose application calls the other
//! one for each request, under load.

use std::time::Duration;

use context_mesh_core::artifact;
use context_mesh_e2e::error::{Error, Result};
use context_mesh_e2e::load::Load;
use context_mesh_e2e::mesh::{As, MeshBuilder};
use context_mesh_e2e::policy::{self, Policy};

use crate::requests::{self, varied_context};
use crate::rule_sets;
use crate::sidecar::{CALLER, DESTINATION, SERVICE};

/// Number of requests.
const REQUESTS: usize = 4000;
/// Number of requests that must be answered in time.
const ENOUGH: usize = 500;

/// Returns the share of calls whose context was recalled, in percent.
///
/// # Errors
/// The mesh does not start, or requests fail.
pub fn measure(limit: Duration) -> Result<f64> {
    let policy = Policy::from_text(&rule_sets::tree(&[]))?;
    let program = artifact::load(&policy.artifact).map_err(|error| Error::new(error.to_string()))?;
    let mesh = MeshBuilder::new("shop.example")
        .service(SERVICE, &[DESTINATION])
        .service(DESTINATION, &[])
        .filter(policy::filter()?, move |service, role| policy.configuration(service, role))
        .start()?;
    let endpoint = mesh.inbound(SERVICE, As::Service(CALLER))?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = u64::try_from(now).unwrap_or_default();
    let messages = (0..REQUESTS).map(|number| {
        Ok(requests::inbound(number, &varied_context(&program, number, now, &[requests::ATTEMPT])?).to_request())
    });
    let messages = messages.collect::<Result<Vec<_>>>()?;
    let load = Load { requests: REQUESTS, connections: 32, limit };
    let request = move |number: usize| {
        messages.get(number).cloned().unwrap_or_else(|| context_mesh_e2e::client::Request::get("/"))
    };
    let report = mesh.load(&endpoint, load, request, |_, _| Ok(()))?;
    if report.answered() < ENOUGH {
        let failure = report.failures.first().cloned().unwrap_or_default();
        return Err(Error::new(format!("{} of {REQUESTS} requests were answered: {failure}", report.answered())));
    }
    let stats = mesh.stats(SERVICE)?;
    let calls = stats.get("http.outbound.downstream_rq_completed");
    let missed: u64 = ["recall_miss", "recall_dead", "recall_lost", "recall_ambiguous", "trace_id_missing"]
        .iter()
        .map(|counter| stats.get(&format!("wasmcustom.context_mesh.{counter}")))
        .sum();
    if calls == 0 {
        return Err(Error::new("the application made no calls"));
    }
    #[expect(clippy::cast_precision_loss, reason = "numbers of requests, far below 2^52")]
    Ok(100.0 * (1.0 - missed.min(calls) as f64 / calls as f64))
}
