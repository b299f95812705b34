//! The proxy in the form that the core uses.

use context_mesh_core::host::{Attributes, Randomness, SharedMemory, VersionChanged};
use context_mesh_core::memory::Memory;
use context_mesh_core::pipeline::{Host, Routing};

use crate::{abi, randomness};

/// Envoy, through its host calls. It has no state.
pub(crate) struct Envoy;

impl Envoy {
    /// Returns the proxy at this moment, with the requests that this worker remembers.
    pub(crate) fn host(requests: &Memory, routing: Routing) -> Host<'_> {
        let now_ms = now_ms();
        Host { attributes: &Envoy, memory: &Envoy, requests, randomness: &Envoy, routing, now_ms, observer: None }
    }
}

/// Returns the time, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    abi::now_ns().wrapping_div(1_000_000)
}

impl Attributes for Envoy {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        abi::property(path)
    }
}

impl SharedMemory for Envoy {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        abi::shared_data(key).map(|(value, version)| (value, Some(version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
        let status = abi::set_shared_data(key, value, version.unwrap_or(0));
        if status.is_ok() { Ok(()) } else { Err(VersionChanged) }
    }
}

impl Randomness for Envoy {
    fn random(&self) -> [u8; 16] {
        randomness::take().unwrap_or_else(|| {
            // Ids from the time are distinct enough to distinguish two requests of one gateway.
            let now = u128::from(abi::now_ns());
            now.wrapping_mul(0x2545_f491_4f6c_dd1d_9e37_79b9_7f4a_7c15).to_le_bytes()
        })
    }

    fn secret(&self) -> Option<[u8; 16]> {
        randomness::take()
    }
}
