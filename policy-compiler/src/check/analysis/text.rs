//! Which strings fit a number of tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use context_mesh_core::artifact::tables::ScalarConstant;

use super::patterns::{Patterns, Together, Wanted};
use super::test::Test;

/// A set of strings, perhaps larger than what the tests leave: a string that fits is always in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    /// The only strings that are left, if they are known.
    one_of: Option<BTreeSet<String>>,
    prefix: String,
    suffix: String,
    /// Tests that must be true, or must be false.
    tests: Vec<(Arc<Test>, bool)>,
    /// Whether a contradiction was found.
    empty: bool,
}

/// Something to put before, behind and between what a text must have, so that it avoids what it must not be.
const FILLERS: [&str; 5] = ["", "a", "x1", "example", "other-value"];

impl Text {
    /// The strings of this list only.
    pub(super) fn of(words: impl IntoIterator<Item = String>) -> Self {
        Self { one_of: Some(words.into_iter().collect()), ..Self::default() }
    }

    /// The only strings that are left, if they are known.
    pub(super) fn known(&self) -> Option<&BTreeSet<String>> {
        self.one_of.as_ref()
    }

    /// Whether it is certain that nothing is left.
    pub(super) fn is_empty(&self) -> bool {
        self.empty || self.one_of.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Leaves only the strings to which the test says `wanted`.
    pub(super) fn restrict(&mut self, test: &Arc<Test>, wanted: bool, patterns: &Patterns) {
        if self.tests.iter().any(|(other, said)| *said == wanted && other == test) {
            return;
        }
        self.empty |= self.tests.iter().any(|(other, said)| *said != wanted && other == test);
        self.tests.push((Arc::clone(test), wanted));
        if let Some(words) = &mut self.one_of {
            words.retain(|word| test.of_text(word, patterns).is_none_or(|says| says == wanted));
            return;
        }
        match (&**test, wanted) {
            (Test::Equals(ScalarConstant::String(word)), true) => self.only([word.clone()], patterns),
            (Test::OneOf(words), true) => self.only(words.iter().cloned(), patterns),
            (Test::Equals(_), true) => self.empty = true,
            (Test::Prefix(prefix), true) if prefix.starts_with(&self.prefix) => self.prefix.clone_from(prefix),
            (Test::Prefix(prefix), true) => self.empty |= !self.prefix.starts_with(prefix.as_str()),
            (Test::Suffix(suffix), true) if suffix.ends_with(&self.suffix) => self.suffix.clone_from(suffix),
            (Test::Suffix(suffix), true) => self.empty |= !self.suffix.ends_with(suffix.as_str()),
            (Test::Present | Test::There, false) => self.empty = true,
            _ => {}
        }
        self.find_contradiction(patterns);
    }

    fn only(&mut self, words: impl IntoIterator<Item = String>, patterns: &Patterns) {
        let fits = |word: &String| {
            self.tests.iter().all(|(test, wanted)| test.of_text(word, patterns).is_none_or(|says| says == *wanted))
        };
        self.one_of = Some(words.into_iter().filter(fits).collect());
    }

    /// Looks for something that every string that is left does, and must not.
    fn find_contradiction(&mut self, patterns: &Patterns) {
        if self.one_of.is_some() || self.empty {
            return;
        }
        let parts: Vec<&str> = self.tests.iter().filter_map(part).collect();
        let always = |test: &Test| match test {
            Test::Prefix(prefix) => self.prefix.starts_with(prefix.as_str()),
            Test::Suffix(suffix) => self.suffix.ends_with(suffix.as_str()),
            Test::Part(part) => {
                [self.prefix.as_str(), &self.suffix].iter().chain(&parts).any(|text| text.contains(part.as_str()))
            }
            _ => false,
        };
        self.empty = self.tests.iter().any(|(test, wanted)| !wanted && always(test));
        let wanted: Vec<Wanted<'_>> = self.regexes();
        // Without one that must match, something always fits that is long and odd enough; nobody looks for that.
        if !self.empty && wanted.iter().any(|(_, _, wanted)| *wanted) {
            let alone = wanted.len() == 1 && self.prefix.is_empty();
            self.empty = !alone && patterns.together(&self.prefix, &wanted) == Together::Nothing;
        }
    }

    fn regexes(&self) -> Vec<Wanted<'_>> {
        let regexes = self.tests.iter().filter_map(|(test, wanted)| match &**test {
            Test::Regex { text, whole } => Some((text.as_str(), *whole, *wanted)),
            _ => None,
        });
        regexes.collect()
    }

    /// Whether the string may be one of those that are left.
    pub(super) fn accepts(&self, text: &str, patterns: &Patterns) -> bool {
        !self.empty
            && self.one_of.as_ref().is_none_or(|words| words.contains(text))
            && self.tests.iter().all(|(test, wanted)| test.of_text(text, patterns).is_none_or(|says| says == *wanted))
    }

    /// A string that fits, if one is found.
    pub(super) fn example(&self, patterns: &Patterns) -> Option<String> {
        if let Some(words) = &self.one_of {
            return words.iter().find(|word| self.accepts(word, patterns)).cloned();
        }
        let regexes = self.regexes();
        if regexes.iter().any(|(_, _, wanted)| *wanted)
            && let Together::Text(text) = patterns.together(&self.prefix, &regexes)
            && self.accepts(&text, patterns)
        {
            return Some(text);
        }
        let parts: String = self.tests.iter().filter_map(part).collect();
        let mut candidates =
            vec![if self.prefix.ends_with(&self.suffix) { self.prefix.clone() } else { String::new() }];
        for filler in FILLERS {
            candidates.push(format!("{}{parts}{filler}{}", self.prefix, self.suffix));
        }
        // What stands at the edge of an order.
        candidates.extend(self.tests.iter().filter_map(|(test, _)| match &**test {
            Test::Order(_, ScalarConstant::String(text)) => Some(text.clone()),
            _ => None,
        }));
        let later: Vec<String> = candidates.iter().map(|text| format!("{text}0")).collect();
        candidates.into_iter().chain(later).find(|text| self.accepts(text, patterns))
    }
}

/// What must be in the text.
fn part((test, wanted): &(Arc<Test>, bool)) -> Option<&str> {
    match (&**test, wanted) {
        (Test::Part(part), true) => Some(part),
        _ => None,
    }
}
