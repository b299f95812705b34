//! What a request needs from the proxy that carries it: small traits, so that another host can follow.

/// Attributes of the request and its connection, by Envoy's names.
pub trait Attributes {
    /// The raw bytes of the attribute at `path` (for example `["source", "address"]`), in the encoding of
    /// proxy-wasm: strings as UTF-8, integers as eight bytes little endian, booleans as one byte. `None` when
    /// the proxy has no value.
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>>;
}

/// A function of the path.
impl<F: Fn(&[&str]) -> Option<Vec<u8>>> Attributes for F {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        self(path)
    }
}

/// Storage that all streams of one proxy process share, with compare-and-set and without delete.
pub trait SharedMemory {
    /// The value under `key` with its version for [`SharedMemory::set`]; `None` when it was never set.
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)>;

    /// Writes `value` if the version is still `version` (`None`: always).
    ///
    /// # Errors
    /// [`VersionChanged`] when somebody else wrote since `version` was read.
    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged>;
}

/// Somebody else wrote the value since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionChanged;

/// Unpredictable bytes, for the ids that a gateway makes.
pub trait Randomness {
    /// Sixteen random bytes.
    fn random(&self) -> [u8; 16];

    /// Sixteen bytes that nobody can guess, for tickets; `None` where the host has no such source, and then none are made.
    fn secret(&self) -> Option<[u8; 16]> {
        None
    }
}
