//! A host made of plain data.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use crate::host::{Attributes, Randomness, SharedMemory, VersionChanged};

/// A proxy made of plain data.
#[derive(Debug, Default)]
pub struct FakeHost {
    /// The attributes of a request, by paths with dots.
    pub attributes: HashMap<String, Vec<u8>>,
    /// The values that workers wrote, with versions.
    pub memory: RefCell<BTreeMap<String, (Vec<u8>, u32)>>,
    /// Whether there is no source of secrets.
    pub no_secrets: Cell<bool>,
    /// Number of secrets that were generated.
    pub secrets: Cell<u64>,
    /// Number of shared values that were read.
    pub reads: Cell<usize>,
}

impl FakeHost {
    /// Returns a proxy whose peer has this SPIFFE ID.
    pub fn with_peer(principal: &str) -> Self {
        let mut host = Self::default();
        host.attributes.insert("connection.uri_san_peer_certificate".into(), principal.into());
        host
    }
}

impl Attributes for FakeHost {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        self.attributes.get(&path.join(".")).cloned()
    }
}

impl SharedMemory for FakeHost {
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)> {
        self.reads.set(self.reads.get() + 1);
        self.memory.borrow().get(key).map(|(value, version)| (value.clone(), Some(*version)))
    }

    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged> {
        let mut memory = self.memory.borrow_mut();
        let known = memory.get(key).map(|(_, version)| *version);
        match (known, version) {
            (Some(known), Some(expected)) if known != expected => Err(VersionChanged),
            _ => {
                memory.insert(key.into(), (value.to_vec(), known.unwrap_or(0) + 1));
                Ok(())
            }
        }
    }
}

impl Randomness for FakeHost {
    fn random(&self) -> [u8; 16] {
        [7; 16]
    }

    fn secret(&self) -> Option<[u8; 16]> {
        let number = self.secrets.get() + 1;
        self.secrets.set(number);
        let [a, b] =
            [0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03_u64].map(|odd| number.wrapping_mul(odd).to_le_bytes());
        (!self.no_secrets.get()).then(|| [a, b].concat().try_into().unwrap())
    }
}
