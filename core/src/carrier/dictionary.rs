//! Dictionaries of `x-mesh-context`: words that are written as numbers.

use std::hash::{DefaultHasher, Hasher};

use sha2::{Digest, Sha256};

use crate::artifact::tables::DictionaryTable;

/// How far from its place a word may stand in the index. A word that finds no place is written as text, so
/// no choice of words makes building or looking up slow.
const MAX_PROBES: usize = 16;

/// The words of one dictionary, by number and by text.
#[derive(Debug, Clone)]
pub struct Dictionary {
    id: u32,
    words: Vec<String>,
    /// A hash table with open addressing: the number of a word plus one, or 0. Its size is a power of two.
    index: Vec<u32>,
}

impl Dictionary {
    /// Builds the index over the words of `table`.
    pub fn new(table: &DictionaryTable) -> Self {
        let slots = table.words.len().saturating_mul(2).next_power_of_two();
        let mut dictionary = Self { id: table.id, words: table.words.clone(), index: vec![0; slots] };
        for (number, word) in (1..=u32::MAX).zip(&table.words) {
            let free = dictionary.places(word).find(|place| dictionary.index.get(*place) == Some(&0));
            if let Some(slot) = free.and_then(|place| dictionary.index.get_mut(place)) {
                *slot = number;
            }
        }
        dictionary
    }

    /// What identifies the words and their order.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The word with this number.
    pub fn word(&self, number: usize) -> Option<&str> {
        self.words.get(number).map(String::as_str)
    }

    /// The number of this word, if it has one.
    pub fn number(&self, word: &str) -> Option<usize> {
        for place in self.places(word) {
            let number = usize::try_from(*self.index.get(place)?).ok()?.checked_sub(1)?;
            if self.word(number) == Some(word) {
                return Some(number);
            }
        }
        None
    }

    /// Where in the index the word may stand, best first.
    fn places(&self, word: &str) -> impl Iterator<Item = usize> + use<> {
        // The fixed key is deliberate: building a dictionary must not ask the host for randomness.
        let mut hasher = DefaultHasher::new();
        hasher.write(word.as_bytes());
        let mask = self.index.len().saturating_sub(1);
        let first = usize::try_from(hasher.finish() & u64::from(u32::MAX)).unwrap_or(0);
        (0..MAX_PROBES).map(move |step| first.wrapping_add(step) & mask)
    }
}

/// The dictionaries that can be read; the first one is used for writing.
#[derive(Debug, Clone, Default)]
pub struct Dictionaries {
    all: Vec<Dictionary>,
}

impl Dictionaries {
    /// The dictionaries of an artifact, in its order.
    pub fn new(tables: &[DictionaryTable]) -> Self {
        Self { all: tables.iter().map(Dictionary::new).collect() }
    }

    /// The dictionary to write with.
    pub fn active(&self) -> Option<&Dictionary> {
        self.all.first()
    }

    /// The dictionary with this id.
    pub fn find(&self, id: u32) -> Option<&Dictionary> {
        self.all.iter().find(|dictionary| dictionary.id == id)
    }
}

/// The id of a dictionary with these words in this order: the first four bytes, little endian, of the
/// SHA-256 over the words, each behind its length (u32, little endian). Never 0, which means no dictionary.
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
    fn words_and_numbers_belong_together() {
        let words: Vec<String> = (0..5000).map(|i| format!("word-{i}")).collect();
        let dictionary = Dictionary::new(&DictionaryTable { id: 7, words: words.clone() });
        let mut found = 0;
        for (number, word) in words.iter().enumerate() {
            assert_eq!(dictionary.word(number), Some(word.as_str()));
            if let Some(n) = dictionary.number(word) {
                assert_eq!(n, number);
                found += 1;
            }
        }
        assert!(found > 4950, "{found}");
        assert_eq!(dictionary.number("word-5000"), None);
        assert_eq!(dictionary.word(5000), None);
    }

    #[test]
    fn an_empty_dictionary_knows_nothing() {
        let dictionary = Dictionary::new(&DictionaryTable::default());
        assert_eq!(dictionary.number(""), None);
        assert_eq!(dictionary.word(0), None);
    }

    #[test]
    fn the_id_depends_on_words_order_and_bounds() {
        let id = |words: &[&str]| table(words).id;
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["b", "a"]));
        assert_ne!(id(&["ab"]), id(&["a", "b"]));
        assert_ne!(id(&[]), 0);
        // Fixed for ever: other sidecars find their dictionary by it.
        assert_eq!(id(&["tenant_id", "caller"]), 0xcf5f_d9ec);
    }

    #[test]
    fn the_first_dictionary_is_active() {
        let tables = [table(&["new"]), table(&["old"])];
        let dictionaries = Dictionaries::new(&tables);
        assert_eq!(dictionaries.active().map(Dictionary::id), Some(tables[0].id));
        assert_eq!(dictionaries.find(tables[1].id).and_then(|d| d.word(0)), Some("old"));
        assert!(dictionaries.find(0).is_none());
        assert!(Dictionaries::default().active().is_none());
    }
}
