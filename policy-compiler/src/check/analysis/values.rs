//! The possible values of a term: missing, unreadable, or a value of one of several kinds.

use std::sync::Arc;

use context_mesh_core::artifact::tables::ScalarConstant;

use super::formula::Ask;
use super::number::Number;
use super::patterns::Patterns;
use super::test::Test;
use super::text::Text;

/// The possible values of a term. It may hold more than the tests allow, but never less.
#[derive(Debug, Clone)]
pub(super) struct Values {
    /// The value may be missing.
    pub(super) missing: bool,
    /// The value may be present but unreadable: every test of it is an error.
    pub(super) bad: bool,
    /// The possible strings.
    pub(super) text: Option<Text>,
    /// The possible numbers.
    pub(super) number: Option<Number>,
    /// Whether `false` and `true` are possible.
    pub(super) truth: [bool; 2],
    /// The possible lists whose elements are understood.
    pub(super) list: Option<List>,
    /// Whether a value of any other kind is possible.
    pub(super) other: bool,
}

/// Lists of elements of one type.
#[derive(Debug, Clone)]
pub(super) struct List {
    /// The possible values of an element.
    element: Arc<Values>,
    /// The elements that the list must have.
    pub(super) has: Vec<ScalarConstant>,
    /// The elements that it must not have.
    has_not: Vec<ScalarConstant>,
}

impl List {
    /// Returns all lists of such elements.
    pub(super) fn of(element: Values) -> Self {
        Self { element: Arc::new(element), has: Vec::new(), has_not: Vec::new() }
    }

    /// Keeps the lists that hold, or do not hold, the element. Returns whether any remain.
    fn restrict(&mut self, item: &ScalarConstant, wanted: bool, patterns: &Patterns) -> bool {
        let (same, other) = if wanted { (&mut self.has, &self.has_not) } else { (&mut self.has_not, &self.has) };
        if other.contains(item) {
            return false;
        }
        same.push(item.clone());
        if !wanted {
            return true;
        }
        let mut element = (*self.element).clone();
        element.restrict(&Arc::new(Test::Equals(item.clone())), Ask::True, patterns);
        !element.is_empty()
    }

    /// Whether a list of strings may be one of those that remain.
    pub(super) fn accepts(&self, words: &[String]) -> bool {
        let held = |item: &ScalarConstant| {
            words.iter().any(|word| matches!(item, ScalarConstant::String(item) if item == word))
        };
        self.has.iter().all(held) && !self.has_not.iter().any(held)
    }
}

impl Values {
    /// Returns no value at all.
    pub(super) fn nothing() -> Self {
        let (text, number, list) = (None, None, None);
        Self { missing: false, bad: false, text, number, truth: [false, false], list, other: false }
    }

    /// Returns any value, readable or not, but present.
    pub(super) fn anything() -> Self {
        let (text, number) = (Some(Text::default()), Some(Number::any(false)));
        Self { bad: true, text, number, truth: [true, true], other: true, ..Self::nothing() }
    }

    /// Returns a bool or an error.
    pub(super) fn condition() -> Self {
        Self { bad: true, truth: [true, true], ..Self::nothing() }
    }

    /// Returns a set of strings.
    pub(super) fn text(text: Text) -> Self {
        Self { text: Some(text), ..Self::nothing() }
    }

    /// Returns a set of numbers.
    pub(super) fn number(number: Number) -> Self {
        Self { number: Some(number), ..Self::nothing() }
    }

    /// Whether it is certain that nothing remains.
    pub(super) fn is_empty(&self) -> bool {
        !self.missing && !self.bad && !self.is_there()
    }

    /// Whether a readable value is possible.
    pub(super) fn is_there(&self) -> bool {
        self.text.as_ref().is_some_and(|text| !text.is_empty())
            || self.number.as_ref().is_some_and(|number| !number.is_empty())
            || self.truth != [false, false]
            || self.list.is_some()
            || self.other
    }

    /// Keeps only the values for which the answer to the question about the test is yes.
    pub(super) fn restrict(&mut self, test: &Arc<Test>, ask: Ask, patterns: &Patterns) {
        let (yes, no, error) = ask.accepts();
        let presence = matches!(**test, Test::Present | Test::There);
        self.missing &= if presence { no } else { error };
        self.bad &= match **test {
            Test::There => yes,
            // Texts that cannot be read are present; an attribute of another type is an error.
            Test::Present => yes || error,
            _ => error,
        };
        self.restrict_text(test, ask, patterns);
        if let Some(number) = &mut self.number {
            if is_about_numbers(test) {
                number.restrict(test, yes);
            }
            let keeps = if is_about_numbers(test) { !number.is_empty() } else { error };
            self.number = self.number.take().filter(|_| keeps);
        }
        for (index, value) in [false, true].into_iter().enumerate() {
            let keeps = match test.of_bool(value) {
                Some(says) => says == yes,
                None => error,
            };
            if let Some(slot) = self.truth.get_mut(index) {
                *slot &= keeps;
            }
        }
        let keeps = match (&**test, &mut self.list) {
            (Test::Holds(item), Some(list)) => list.restrict(item, yes, patterns),
            (Test::Equals(_) | Test::OneOf(_), _) => no,
            (Test::Present | Test::There, _) => yes,
            _ => error,
        };
        self.list = self.list.take().filter(|_| keeps);
        self.other &= match **test {
            Test::Equals(_) | Test::OneOf(_) => no,
            Test::Present | Test::There => yes,
            // A map, whose keys are not examined.
            Test::Holds(_) => true,
            _ => error,
        };
    }

    fn restrict_text(&mut self, test: &Arc<Test>, ask: Ask, patterns: &Patterns) {
        let (yes, _, error) = ask.accepts();
        if let Some(text) = &mut self.text {
            let about = test.is_about_text();
            if about {
                text.restrict(test, yes, patterns);
            }
            let keeps = if about { !text.is_empty() } else { error };
            self.text = self.text.take().filter(|_| keeps);
        }
    }
}

fn is_about_numbers(test: &Test) -> bool {
    match test {
        Test::Equals(_) | Test::OneOf(_) | Test::Present | Test::There => true,
        Test::Order(_, constant) => !matches!(constant, ScalarConstant::String(_)),
        _ => false,
    }
}
