//! A simulated proxy, made of plain data.

use std::{cell::RefCell, collections::HashMap};

use context_mesh_core::host::{Attributes, Randomness, SharedMemory, VersionChanged};

use crate::check::model::Request;

pub(super) struct PlainHost {
    attributes: Vec<(Vec<String>, Vec<u8>)>,
    memory: RefCell<HashMap<String, (Vec<u8>, u32)>>,
}

impl PlainHost {
    /// Creates the proxy that passes on the request. Attributes that the request specifies take precedence over derived
    /// ones.
    pub(super) fn new(request: &Request) -> Self {
        let path = |group: &str, name: &str| vec![group.to_owned(), name.to_owned()];
        let mut attributes: Vec<_> = request.attributes.iter().map(|of| (of.path.clone(), of.bytes.clone())).collect();
        if let Some(principal) = &request.principal {
            attributes.push((path("connection", "uri_san_peer_certificate"), principal.clone().into_bytes()));
        }
        if let Some(cluster) = &request.destination {
            attributes.push((path("xds", "cluster_name"), cluster.clone().into_bytes()));
        }
        attributes.push((path("connection", "mtls"), vec![u8::from(request.principal.is_some())]));
        let nanos = i64::try_from(request.now_ms).ok().and_then(|ms| ms.checked_mul(1_000_000)).unwrap_or(i64::MAX);
        attributes.push((path("request", "time"), nanos.to_le_bytes().to_vec()));
        Self { attributes, memory: RefCell::default() }
    }
}

impl Attributes for PlainHost {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        let found = self.attributes.iter().find(|(known, _)| known.iter().map(String::as_str).eq(path.iter().copied()));
        found.map(|(_, bytes)| bytes.clone())
    }
}

impl SharedMemory for PlainHost {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        self.memory.borrow().get(key).map(|(value, version)| (value.clone(), Some(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
        let mut memory = self.memory.borrow_mut();
        let known = memory.get(key).map(|(_, version)| *version);
        // As in Envoy, the version is ignored if the value was never set.
        if known.is_some_and(|known| version.is_some_and(|expected| expected != known)) {
            return Err(VersionChanged);
        }
        memory.insert(key.to_owned(), (value.to_vec(), known.unwrap_or(0).wrapping_add(1)));
        Ok(())
    }
}

impl Randomness for PlainHost {
    /// Returns constant bytes, so that simulations are reproducible.
    fn random(&self) -> [u8; 16] {
        *b"not random at al"
    }

    /// Returns a constant as well: a simulation has one request.
    fn secret(&self) -> Option<[u8; 16]> {
        Some(*b"nor is it secret")
    }
}
