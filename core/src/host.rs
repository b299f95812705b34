//! The services of the proxy that a request needs: small traits, so that other hosts can be added.

/// Attributes of the request and its connection, by Envoy's names.
pub trait Attributes {
    /// Returns the raw bytes of the attribute at `path` (for example `["source", "address"]`), in the encoding of
    /// proxy-wasm: strings as UTF-8, integers as eight bytes little endian, booleans as one byte. Returns `None` if the
    /// proxy has no value.
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>>;
}

/// A function of the path provides attributes.
impl<F: Fn(&[&str]) -> Option<Vec<u8>>> Attributes for F {
    fn attribute(&self, path: &[&str]) -> Option<Vec<u8>> {
        self(path)
    }
}

/// Storage that all streams of one proxy process share, with compare-and-set and without a delete operation.
pub trait SharedMemory {
    /// Returns the value of `key` with its version for [`SharedMemory::set`], or `None` if it was never set.
    fn get(&self, key: &str) -> Option<(Vec<u8>, Option<u32>)>;

    /// Writes `value` if the version is still `version` (`None`: always).
    ///
    /// # Errors
    /// [`VersionChanged`]: the value was written since `version` was read.
    fn set(&self, key: &str, value: &[u8], version: Option<u32>) -> Result<(), VersionChanged>;
}

/// The value was written by another worker since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionChanged;

/// Unpredictable bytes, for the ids that a gateway makes.
pub trait Randomness {
    /// Returns sixteen random bytes.
    fn random(&self) -> [u8; 16];

    /// Returns sixteen unpredictable bytes, for tickets. Returns `None` if the host has no such source. Then no tickets
    /// are made.
    fn secret(&self) -> Option<[u8; 16]> {
        None
    }
}
