//! The dictionaries of version 1 of `x-mesh-context`, whose numbers belong to one artifact. They are read, and never
//! written.

use sha2::{Digest, Sha256};

use crate::tables::DictionaryTable;

/// The known dictionaries.
#[derive(Debug, Clone, Default)]
pub(super) struct Dictionaries {
    all: Vec<DictionaryTable>,
}

impl Dictionaries {
    /// Returns the dictionaries of an artifact.
    pub(super) fn new(tables: &[DictionaryTable]) -> Self {
        Self { all: tables.to_vec() }
    }

    /// Returns the words of the dictionary with this id.
    pub(super) fn find(&self, id: u32) -> Option<&[String]> {
        self.all.iter().find(|dictionary| dictionary.id == id).map(|dictionary| dictionary.words.as_slice())
    }
}

/// Returns the id of a dictionary with these words in this order: the first four bytes, little endian, of the SHA-256
/// over the words, each preceded by its length (u32, little endian). It is never 0, which means no dictionary.
pub fn dictionary_id(words: &[String]) -> u32 {
    let mut hash = Sha256::new();
    for word in words {
        let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
        hash.update(length.to_le_bytes());
        hash.update(word.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let [a, b, c, d, ..] = digest;
    u32::from_le_bytes([a, b, c, d]).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn table(words: &[&str]) -> DictionaryTable {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        DictionaryTable { id: dictionary_id(&words), words }
    }

    #[test]
    fn the_id_depends_on_words_order_and_bounds() {
        let id = |words: &[&str]| table(words).id;
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["b", "a"]));
        assert_ne!(id(&["ab"]), id(&["a", "b"]));
        assert_ne!(id(&[]), 0);
        // Fixed for ever: other sidecars identify their dictionary by it.
        assert_eq!(id(&["tenant_id", "caller"]), 0xcf5f_d9ec);
    }

    #[test]
    fn a_dictionary_is_found_by_its_id() {
        let tables = [table(&["new"]), table(&["old"])];
        let dictionaries = Dictionaries::new(&tables);
        assert_eq!(dictionaries.find(tables[1].id), Some(&["old".to_owned()][..]));
        assert!(dictionaries.find(0).is_none());
    }
}
