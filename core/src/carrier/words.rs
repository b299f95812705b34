//! The words that `x-mesh-context` writes as numbers, and from which time on.
//!
//! A number belongs to one word for ever. So any two artifacts of a mesh agree on the numbers that both list, and a
//! number that one of them does not list is forwarded unchanged. A word is *written* as its number only when it has
//! been *readable* for the mesh's rollout window: before that, some proxy may have an artifact that does not list it.

use std::hash::{DefaultHasher, Hasher};

use super::dictionary::Dictionaries;
use crate::context::Context;
use crate::tables::{CarrierVersion, DictionaryTable, MeshTable, WordTable};

/// Largest distance of a word from its preferred position in the index. A word without a free position is written as
/// text, so no choice of words makes building or looking up slow.
const MAX_PROBES: usize = 16;

/// The words of an artifact, by number and by text.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// Sorted by number.
    table: Vec<WordTable>,
    /// A hash table with open addressing: the index of a word in `table` plus one, or 0. Its size is a power of two.
    index: Vec<u32>,
    window_ms: u64,
    version: CarrierVersion,
    /// The dictionaries of version 1.
    dictionaries: Dictionaries,
}

impl Words {
    /// Returns the words of `table`, which is sorted by number, with the settings of the mesh.
    pub fn new(table: &[WordTable], dictionaries: &[DictionaryTable], mesh: &MeshTable) -> Self {
        let slots = table.len().saturating_mul(2).next_power_of_two();
        let mut words = Self {
            table: table.to_vec(),
            index: vec![0; slots],
            window_ms: mesh.rollout_window_ms,
            version: mesh.carrier_version,
            dictionaries: Dictionaries::new(dictionaries),
        };
        for (place, word) in (1..=u32::MAX).zip(table) {
            let free = words.places(&word.text).find(|slot| words.index.get(*slot) == Some(&0));
            if let Some(slot) = free.and_then(|slot| words.index.get_mut(slot)) {
                *slot = place;
            }
        }
        words
    }

    /// Returns the word with this number.
    pub fn word(&self, number: u64) -> Option<&str> {
        let number = u32::try_from(number).ok()?;
        // Numbers are mostly assigned without gaps, from 1.
        let guess = usize::try_from(number).ok()?.checked_sub(1).and_then(|place| self.table.get(place));
        let found = guess.filter(|word| word.number == number).or_else(|| {
            let place = self.table.binary_search_by_key(&number, |word| word.number).ok()?;
            self.table.get(place)
        })?;
        Some(&found.text)
    }

    /// Returns the writer for a context at this time, in milliseconds since 1970.
    pub fn writer(&self, now_ms: u64) -> Writer<'_> {
        Writer { words: self, now_ms }
    }

    /// Returns the dictionaries of version 1.
    pub(super) fn dictionaries(&self) -> &Dictionaries {
        &self.dictionaries
    }

    fn is_writable(&self, word: &WordTable, now_ms: u64) -> bool {
        now_ms >= word.released_at_ms.saturating_add(self.window_ms)
    }

    fn find(&self, text: &str) -> Option<&WordTable> {
        for slot in self.places(text) {
            let place = usize::try_from(*self.index.get(slot)?).ok()?.checked_sub(1)?;
            let word = self.table.get(place)?;
            if word.text == text {
                return Some(word);
            }
        }
        None
    }

    /// Returns the possible positions of the word in the index, the preferred one first.
    fn places(&self, word: &str) -> impl Iterator<Item = usize> + use<> {
        // The fixed key is deliberate: loading an artifact must not require randomness from the host.
        let mut hasher = DefaultHasher::new();
        hasher.write(word.as_bytes());
        let mask = self.index.len().saturating_sub(1);
        let first = usize::try_from(hasher.finish() & u64::from(u32::MAX)).unwrap_or(0);
        (0..MAX_PROBES).map(move |step| first.wrapping_add(step) & mask)
    }
}

/// The version of `x-mesh-context`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Without extensions. Its numbers belong to one artifact, so they are not written any more.
    One,
    /// With extensions and lasting numbers.
    Two,
}

/// The words at a certain time.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'w> {
    words: &'w Words,
    now_ms: u64,
}

impl Writer<'_> {
    /// Returns the number to write for this word, or `None` if it is written as text.
    pub fn number(&self, text: &str) -> Option<u64> {
        let word = self.words.find(text)?;
        let writable = self.words.version != CarrierVersion::One && self.words.is_writable(word, self.now_ms);
        writable.then_some(u64::from(word.number))
    }

    /// Returns the version to write. If the mesh does not specify it, version 2 is treated like a word: it is written
    /// once it has been readable for the window, which is when the first number may be written. A context with content
    /// that only version 2 can carry is written in version 2, because it came from a proxy that writes it.
    pub fn version(&self, context: &Context) -> Version {
        let dated = || self.words.table.iter().any(|word| self.words.is_writable(word, self.now_ms));
        let two = match self.words.version {
            CarrierVersion::One => false,
            CarrierVersion::Two => true,
            CarrierVersion::Dated => dated(),
        };
        if two || !context.carried().is_empty() { Version::Two } else { Version::One }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::word;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn words(table: &[WordTable]) -> Words {
        Words::new(table, &[], &MeshTable { rollout_window_ms: 100, ..MeshTable::default() })
    }

    #[test]
    fn words_and_numbers_belong_together() {
        let table: Vec<WordTable> = (1..=5000).map(|i| word(i, &format!("word-{i}"), 0)).collect();
        let words = words(&table);
        let mut found = 0;
        for entry in &table {
            let number = u64::from(entry.number);
            assert_eq!(words.word(number), Some(entry.text.as_str()));
            if let Some(n) = words.writer(1000).number(&entry.text) {
                assert_eq!(n, number);
                found += 1;
            }
        }
        assert!(found > 4950, "{found}");
        assert_eq!(words.writer(1000).number("word-5001"), None);
        assert_eq!((words.word(0), words.word(5001), words.word(u64::MAX)), (None, None, None));
    }

    #[test]
    fn gaps_are_gaps() {
        let words = words(&[word(2, "b", 0), word(7, "g", 0), word(9, "i", 0)]);
        let found: Vec<Option<&str>> = (0..11).map(|number| words.word(number)).collect();
        let mut expected = [None; 11];
        (expected[2], expected[7], expected[9]) = (Some("b"), Some("g"), Some("i"));
        assert_eq!(found, expected);
        assert_eq!(words.writer(100).number("g"), Some(7));
    }

    #[test]
    fn a_word_is_read_at_once_and_written_after_the_window() {
        let words = words(&[word(1, "old", 1000), word(2, "new", 1500)]);
        for (now, old, new) in [
            (0, None, None),
            (1000, None, None),
            (1099, None, None),
            (1100, Some(1), None),
            (1599, Some(1), None),
            (1600, Some(1), Some(2)),
        ] {
            let writer = words.writer(now);
            assert_eq!((writer.number("old"), writer.number("new")), (old, new), "{now}");
            assert_eq!((words.word(1), words.word(2)), (Some("old"), Some("new")));
        }
    }

    #[test]
    fn the_version_waits_for_the_window_unless_the_mesh_says_it() {
        let context = Context::new();
        let version = |version, released: Option<u64>, now| {
            let table: Vec<WordTable> = released.map(|at| word(1, "a", at)).into_iter().collect();
            let mesh = MeshTable { rollout_window_ms: 100, carrier_version: version, ..MeshTable::default() };
            Words::new(&table, &[], &mesh).writer(now).version(&context)
        };
        for (setting, released, now, expected) in [
            (CarrierVersion::Dated, None, u64::MAX, Version::One),
            (CarrierVersion::Dated, Some(1000), 1099, Version::One),
            (CarrierVersion::Dated, Some(1000), 1100, Version::Two),
            (CarrierVersion::One, Some(1000), 1100, Version::One),
            (CarrierVersion::Two, None, 0, Version::Two),
        ] {
            assert_eq!(version(setting, released, now), expected, "{setting:?} {released:?} {now}");
        }
    }

    #[test]
    fn no_words_are_no_trouble() {
        let words = Words::default();
        assert_eq!(words.word(1), None);
        assert_eq!(words.writer(u64::MAX).number(""), None);
    }
}
