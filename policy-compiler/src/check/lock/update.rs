//! Updates the file from its tree, for `policyc lock`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Entry, LineProblem, Lock, Update, is_number, problem,
    text::{NotADate, date},
};

/// Returns the advice about two lines that contradict each other.
pub(super) fn advice(first: &Entry, second: &Entry) -> &'static str {
    if first.released.is_some() && second.released.is_some() {
        "both were released: revert the line that was released last, and release the word again under a new number"
    } else {
        "run `policyc lock DIR`: it gives the word without a date another number"
    }
}

impl Lock {
    /// Returns the file for a tree with these words. New words get the next numbers, and words that are gone are marked
    /// as retired. When two branches gave one number to two words, the word without a date gets another one.
    ///
    /// # Errors
    /// Two released words share a number, or one released word has two: neither number may change.
    pub fn updated(&self, words: &BTreeSet<String>) -> Result<(Self, Update), Vec<LineProblem>> {
        let mut update = Update::default();
        let mut entries = self.settled(&mut update)?;
        for entry in &mut entries {
            let gone = !words.contains(&entry.word);
            if gone != entry.retired {
                let list = if gone { &mut update.retired } else { &mut update.revived };
                list.push(entry.word.clone());
                entry.retired = gone;
            }
        }
        let mut next = entries.iter().map(|entry| entry.number).max().unwrap_or(0);
        for word in self.missing(words) {
            next = next.saturating_add(1);
            if is_number(next) {
                update.added.push(word.to_owned());
                entries.push(Entry { word: word.to_owned(), number: next, released: None, retired: false, line: 0 });
            }
        }
        Ok((Self { entries }, update))
    }

    /// Returns the entries with one line for each word and each number.
    fn settled(&self, update: &mut Update) -> Result<Vec<Entry>, Vec<LineProblem>> {
        let mut by_word: BTreeMap<&str, Entry> = BTreeMap::new();
        let mut problems = Vec::new();
        // Entries with dates come first, because they keep their numbers. Then by number, so that the result does not
        // depend on the order of the lines.
        let mut ordered: Vec<&Entry> = self.entries.iter().collect();
        ordered.sort_by_key(|entry| (entry.released.is_none(), entry.number, &entry.word));
        for entry in &ordered {
            match by_word.get(entry.word.as_str()) {
                Some(first) if entry.released.is_some() => {
                    let message = format!("`{}` was released under two numbers", entry.word);
                    problems.push(problem(entry.line, message, advice(first, entry)));
                }
                Some(_) => {}
                None => {
                    by_word.insert(&entry.word, (*entry).clone());
                }
            }
        }
        let mut taken: BTreeMap<u32, String> = BTreeMap::new();
        let mut next = self.entries.iter().map(|entry| entry.number).max().unwrap_or(0);
        let mut entries: Vec<Entry> = by_word.into_values().collect();
        entries
            .sort_by(|a, b| (a.released.is_none(), a.number, &a.word).cmp(&(b.released.is_none(), b.number, &b.word)));
        for entry in &mut entries {
            match taken.get(&entry.number) {
                Some(first) if entry.released.is_some() => {
                    let message =
                        format!("`{first}` and `{}` were released with the number {}", entry.word, entry.number);
                    let help = "revert the line that was released last, and release the word again under a new number";
                    problems.push(problem(entry.line, message, help));
                }
                Some(_) => {
                    next = next.saturating_add(1);
                    entry.number = next;
                    update.renumbered.push(entry.word.clone());
                }
                None => {}
            }
            taken.insert(entry.number, entry.word.clone());
        }
        if problems.is_empty() { Ok(entries) } else { Err(problems) }
    }

    /// Gives this date to every word without one. Returns those words.
    pub fn release(&mut self, at: Timestamp) -> Vec<String> {
        let mut released = Vec::new();
        for entry in self.entries.iter_mut().filter(|entry| entry.released.is_none()) {
            entry.released = Some(at);
            released.push(entry.word.clone());
        }
        released.sort();
        released
    }

    /// Like [`Lock::release`], with the date as text.
    ///
    /// # Errors
    /// The text is not a date.
    pub fn release_at(&mut self, at: &str) -> Result<Vec<String>, NotADate> {
        date(at).map(|at| self.release(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn words(words: &str) -> BTreeSet<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    /// Returns the lines without the comment.
    fn lines(lock: &Lock) -> String {
        let text = lock.to_string();
        text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("; ")
    }

    const D: &str = "2026-01-31T12:00:00Z";

    #[test]
    fn numbers_last() {
        for (what, before, tree, after) in [
            ("a new file", String::new(), "b a", "1 a; 2 b".to_owned()),
            ("a new word", format!("1 b {D}; 2 c"), "a b c", format!("3 a; 1 b {D}; 2 c")),
            ("a removed word", format!("1 a {D}; 2 b"), "b", format!("1 a {D} retired; 2 b")),
            ("its number is not used again", format!("7 a {D} retired"), "b", format!("7 a {D} retired; 8 b")),
            ("a word that is back", format!("1 a {D} retired"), "a", format!("1 a {D}")),
            ("two branches", "1 a; 2 b; 2 c".to_owned(), "a b c", "1 a; 2 b; 3 c".to_owned()),
            ("one was released", format!("1 b; 1 c {D}"), "b c", format!("2 b; 1 c {D}")),
            ("one word twice", "1 a; 5 a".to_owned(), "a", "1 a".to_owned()),
            ("one word twice, one released", format!("1 a; 5 a {D}"), "a", format!("5 a {D}")),
        ] {
            let lock = parse(&before.replace("; ", "\n")).unwrap();
            let (updated, _) = lock.updated(&words(tree)).unwrap();
            assert_eq!(lines(&updated), after, "{what}");
            assert!(updated.problems().is_empty(), "{what}");
            let (again, update) = updated.updated(&words(tree)).unwrap();
            assert!(update.is_empty(), "{what}: {update:?}");
            assert_eq!(lines(&again), after, "{what}");
        }
    }

    #[test]
    fn what_was_released_is_never_renumbered() {
        for lock in [format!("1 a {D}\n1 b {D}"), format!("1 a {D}\n2 a {D}")] {
            let lock = parse(&lock).unwrap();
            assert_eq!(lock.problems().len(), 1);
            let problems = lock.updated(&words("a b")).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].line, 1);
            assert!(problems[0].message.contains("released"), "{problems:?}");
        }
    }

    #[test]
    fn a_release_dates_what_has_no_date() {
        let mut lock = parse(&format!("1 a {D}\n2 b\n3 c retired")).unwrap();
        assert_eq!(lock.release_at("2026-02-01T00:00:00Z").unwrap(), ["b", "c"]);
        assert_eq!(lines(&lock), format!("1 a {D}; 2 b 2026-02-01T00:00:00Z; 3 c 2026-02-01T00:00:00Z retired"));
        assert!(lock.release_at("2026-02-02T00:00:00Z").unwrap().is_empty());
        assert!(lock.release_at("soon").is_err());
    }
}
