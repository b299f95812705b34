//! The strings that satisfy a set of tests.

use std::collections::BTreeSet;
use std::sync::Arc;

use context_mesh_core::artifact::tables::ScalarConstant;

use super::patterns::{Patterns, Together, Wanted};
use super::test::Test;

/// A set of strings. It may be larger than what the tests allow: a string that satisfies them is always in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Text {
    /// The only strings that remain, if they are known.
    one_of: Option<BTreeSet<String>>,
    prefix: String,
    suffix: String,
    /// Tests with their required results.
    tests: Vec<(Arc<Test>, bool)>,
    /// Whether a contradiction was found.
    empty: bool,
}

/// Fillers to put before, after and between the required parts of a text, so that it avoids the forbidden ones.
const FILLERS: [&str; 5] = ["", "a", "x1", "example", "other-value"];

impl Text {
    /// Returns the set of these strings.
    pub(super) fn of(words: impl IntoIterator<Item = String>) -> Self {
        Self { one_of: Some(words.into_iter().collect()), ..Self::default() }
    }

    /// Returns the only strings that remain, if they are known.
    pub(super) fn known(&self) -> Option<&BTreeSet<String>> {
        self.one_of.as_ref()
    }

    /// Whether it is certain that no string remains.
    pub(super) fn is_empty(&self) -> bool {
        self.empty || self.one_of.as_ref().is_some_and(BTreeSet::is_empty)
    }

    /// Keeps only the strings for which the test returns `wanted`.
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

    /// Searches for something that every remaining string must have and must not have.
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
        // Without a regex that must match, a string that is long and odd enough always exists, so none is searched for.
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

    /// Whether the string may be one of those that remain.
    pub(super) fn accepts(&self, text: &str, patterns: &Patterns) -> bool {
        !self.empty
            && self.one_of.as_ref().is_none_or(|words| words.contains(text))
            && self.tests.iter().all(|(test, wanted)| test.of_text(text, patterns).is_none_or(|says| says == *wanted))
    }

    /// Returns a string that satisfies the tests, if one is found.
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
        // The boundary values of orders.
        candidates.extend(self.tests.iter().filter_map(|(test, _)| match &**test {
            Test::Order(_, ScalarConstant::String(text)) => Some(text.clone()),
            _ => None,
        }));
        let later: Vec<String> = candidates.iter().map(|text| format!("{text}0")).collect();
        candidates.into_iter().chain(later).find(|text| self.accepts(text, patterns))
    }
}

/// Returns a part that the text must contain.
fn part((test, wanted): &(Arc<Test>, bool)) -> Option<&str> {
    match (&**test, wanted) {
        (Test::Part(part), true) => Some(part),
        _ => None,
    }
}
