//! The declared fields: look-up, and validation of a context.

use crate::carrier::mapped;
use crate::context::{Context, json};
use crate::fuel::{Exhausted, Fuel};
use crate::index::PatternIndex;
use crate::limits::DEFAULT_MAX_ITEMS;
use crate::number;
use crate::tables::{FieldTable, FieldType, Scalar};

mod ambiguous;
mod choice;

pub use choice::Choice;

/// The problem of a field of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProblem {
    /// The value, an element or a member is not of the declared type.
    Type,
    /// A string does not match the pattern as a whole.
    Pattern,
    /// The value is not one of those allowed.
    NotAllowed,
    /// The JSON text is longer than declared.
    TooLarge,
    /// A number is below the minimum or above the maximum.
    OutOfRange,
    /// A list or map has more elements or members than declared.
    TooMany,
    /// An application would not see the string unchanged: it begins or ends with white space, or the field has a header
    /// that cannot hold it.
    Unpresentable,
    /// Two readers may read the JSON as different values: an object contains a duplicate member, or a string contains
    /// half of a surrogate pair or a null character.
    Ambiguous,
    /// The field is required and not present.
    Missing,
    /// There was not enough fuel to check it. The request is refused.
    Unchecked,
}

impl FieldProblem {
    /// Returns the name in logs, reports and metrics. Names are never changed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Pattern => "pattern",
            Self::NotAllowed => "not-allowed",
            Self::TooLarge => "too-large",
            Self::OutOfRange => "out-of-range",
            Self::TooMany => "too-many",
            Self::Unpresentable => "unpresentable",
            Self::Ambiguous => "ambiguous",
            Self::Missing => "missing",
            Self::Unchecked => "unchecked",
        }
    }
}

/// Validates a context against the declared `fields`, sorted by name. Undeclared fields are not checked. `choices` are
/// the allowed values of each field.
///
/// `matches` returns whether the regex with this index matches a text as a whole. In a list or map, pattern, limits of
/// numbers and allowed values apply to each element.
///
/// Returns the first problem of each field: those of present fields in the order of the context, then the missing ones
/// in the order of `fields`. If the fuel is exhausted, each field that is not checked yet is a
/// [`FieldProblem::Unchecked`].
pub(crate) fn validate(
    context: &Context,
    fields: &[FieldTable],
    choices: &[Choice],
    matches: impl Fn(PatternIndex, &str) -> bool,
    fuel: &Fuel,
) -> Vec<(String, FieldProblem)> {
    let mut problems = Vec::new();
    for (name, value) in context.iter() {
        let Some(place) = FieldTable::place(fields, name) else { continue };
        let (Some(field), Some(choice)) = (fields.get(place), choices.get(place)) else { continue };
        let check = Check { field, choice, matches: &matches, fuel };
        let problem = check.value(value).unwrap_or(Some(FieldProblem::Unchecked));
        problems.extend(problem.map(|problem| (name.to_owned(), problem)));
    }
    let is_missing = |name: &str| !context.contains(name) && !context.is_unread(name);
    let missing = fields.iter().filter(|field| field.required && is_missing(&field.name));
    problems.extend(missing.map(|field| (field.name.clone(), FieldProblem::Missing)));
    problems
}

/// Returns the most elements or members that a field may have.
pub fn max_items(field: &FieldTable) -> usize {
    match usize::try_from(field.max_items) {
        Ok(0) => DEFAULT_MAX_ITEMS,
        Ok(items) => items,
        Err(_) => usize::MAX,
    }
}

/// The check of one field.
struct Check<'c, M> {
    field: &'c FieldTable,
    choice: &'c Choice,
    matches: &'c M,
    fuel: &'c Fuel,
}

/// The first problem, if there is one.
type Checked = Result<Option<FieldProblem>, Exhausted>;

impl<M: Fn(PatternIndex, &str) -> bool> Check<'_, M> {
    fn value(&self, value: &str) -> Checked {
        let longest = usize::try_from(self.field.max_bytes).unwrap_or(usize::MAX);
        if longest > 0 && value.len() > longest {
            return Ok(Some(FieldProblem::TooLarge));
        }
        // To count the items, and to iterate over them.
        self.fuel.text(value.len().saturating_mul(2))?;
        if let problem @ Some(_) = self.typed(value)? {
            return Ok(problem);
        }
        Ok(ambiguous::is_ambiguous(value, self.fuel)?.then_some(FieldProblem::Ambiguous))
    }

    fn typed(&self, value: &str) -> Checked {
        match self.field.value {
            FieldType::One(Scalar::String) => match self.element(Scalar::String, value)? {
                None if !mapped::is_shown_as_it_is(self.field, value) => Ok(Some(FieldProblem::Unpresentable)),
                problem => Ok(problem),
            },
            FieldType::One(scalar) => self.element(scalar, value),
            FieldType::List(scalar) => {
                if json::kind(value) != json::JsonKind::Array {
                    return Ok(Some(FieldProblem::Type));
                }
                self.several(scalar, json::elements(value))
            }
            FieldType::Map(scalar) => {
                if json::kind(value) != json::JsonKind::Object {
                    return Ok(Some(FieldProblem::Type));
                }
                self.several(scalar, json::members(value).map(|(_, member)| member))
            }
        }
    }

    /// Counts first, and only as far as needed, because the sender chooses the number of items.
    fn several<'v>(&self, scalar: Scalar, items: impl Iterator<Item = &'v str> + Clone) -> Checked {
        if items.clone().nth(max_items(self.field)).is_some() {
            return Ok(Some(FieldProblem::TooMany));
        }
        for item in items {
            if let problem @ Some(_) = self.element(scalar, item)? {
                return Ok(problem);
            }
        }
        Ok(None)
    }

    fn element(&self, scalar: Scalar, text: &str) -> Checked {
        self.fuel.items(1)?;
        if !is_of_type(scalar, text) {
            return Ok(Some(FieldProblem::Type));
        }
        if let Some(pattern) = self.field.pattern {
            self.fuel.text(text.len())?;
            // A pattern applies to strings. The compiler accepts none for another type, and here it does not match
            // another type.
            let matched = json::string_content(text).is_some_and(|content| (self.matches)(pattern, &content));
            if !matched {
                return Ok(Some(FieldProblem::Pattern));
            }
        }
        if !number::is_within(text, self.field.minimum, self.field.maximum) {
            return Ok(Some(FieldProblem::OutOfRange));
        }
        Ok(if self.choice.allows(text) { None } else { Some(FieldProblem::NotAllowed) })
    }
}

fn is_of_type(scalar: Scalar, text: &str) -> bool {
    match scalar {
        Scalar::String => json::kind(text) == json::JsonKind::String,
        Scalar::Int => json::as_i64(text).is_some(),
        Scalar::Double => json::as_f64(text).is_some(),
        Scalar::Bool => json::as_bool(text).is_some(),
        Scalar::Any => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::test_fields::field;
    use crate::tables::{Classification, Consistency};

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn check(field: FieldTable, value: &str) -> Option<FieldProblem> {
        let mut context = Context::new();
        context.insert(&field.name, value).unwrap();
        // Regex 7 of these tests matches lower-case words.
        let matches =
            |regex, text: &str| regex == PatternIndex(7) && text.bytes().all(|byte| byte.is_ascii_lowercase());
        let choices = [Choice::new(&field.allowed)];
        let problems = validate(&context, &[field], &choices, matches, &Fuel::default());
        assert!(problems.len() <= 1, "{problems:?}");
        problems.first().map(|(_, problem)| *problem)
    }

    #[test]
    fn types_are_checked_down_to_the_element() {
        use FieldType::{List, Map, One};
        use Scalar::{Any, Bool, Double, Int, String};
        for (value, text, valid) in [
            (One(String), "\"a\"", true),
            (One(String), "1", false),
            (One(String), "null", false),
            (One(Int), "-5", true),
            (One(Int), "5.0", false),
            (One(Int), "9223372036854775808", false),
            (One(Double), "5", true),
            (One(Double), "5.5e1", true),
            (One(Double), "1e999", false),
            (One(Double), "\"5\"", false),
            (One(Bool), "true", true),
            (One(Bool), "\"true\"", false),
            (One(Any), "{\"a\":[null]}", true),
            (List(String), "[]", true),
            (List(String), "[\"a\", \"b\"]", true),
            (List(String), "[\"a\",1]", false),
            (List(String), "\"a\"", false),
            (List(Any), "[1,[2],{}]", true),
            (Map(Int), "{}", true),
            (Map(Int), "{\"a\":1,\"b\":2}", true),
            (Map(Int), "{\"a\":1,\"a\":\"x\"}", false),
            (Map(Int), "[1]", false),
        ] {
            let expected = if valid { None } else { Some(FieldProblem::Type) };
            assert_eq!(check(field("f", value), text), expected, "{value:?} {text}");
        }
    }

    #[test]
    fn strings_that_applications_would_see_otherwise_are_invalid() {
        let plain = || FieldTable { header: None, ..field("f", FieldType::One(Scalar::String)) };
        let mapped = || field("f", FieldType::One(Scalar::String));
        for (text, without_header, with_header) in [
            ("\"admin\"", true, true),
            ("\"a min é\"", true, true),
            ("\"admin \"", false, false),
            ("\" admin\"", false, false),
            ("\"admin\\t\"", false, false),
            ("\"admin\\n\"", false, false),
            ("\"\\u00a0admin\"", false, false),
            ("\"admin\\ufeff\"", false, false),
            ("\"admin\\u0000\"", false, false),
            ("\"\\ud83d\\ude00\"", true, true),
            ("\"\"", true, false),
            ("\"a\\nb\"", true, false),
            ("\"a\\u0085b\"", true, false),
        ] {
            let problem = |valid: bool| if valid { None } else { Some(FieldProblem::Unpresentable) };
            assert_eq!(check(plain(), text), problem(without_header), "{text}");
            assert_eq!(check(mapped(), text), problem(with_header), "{text}, with a header");
        }
        assert_eq!(check(field("f", FieldType::List(Scalar::String)), "[\" a \"]"), None, "JSON shows it as it is");
    }

    #[test]
    fn what_two_readers_take_for_two_values_is_ambiguous() {
        for (value, text) in [
            (FieldType::One(Scalar::Any), r#"{"a":{"b":1,"b":2}}"#),
            (FieldType::Map(Scalar::Int), r#"{"a":1,"\u0061":2}"#),
            (FieldType::List(Scalar::Any), r#"[{"a":1,"a":1}]"#),
            (FieldType::One(Scalar::String), r#""a\ud800b""#),
            (FieldType::One(Scalar::String), r#""a\u0000b""#),
        ] {
            let plain = FieldTable { header: None, ..field("f", value) };
            assert_eq!(check(plain, text), Some(FieldProblem::Ambiguous), "{text}");
        }
    }

    #[test]
    fn a_pattern_is_asked_about_the_content() {
        let patterned = |value| FieldTable { pattern: Some(PatternIndex(7)), ..field("f", value) };
        let string = FieldType::One(Scalar::String);
        let list = FieldType::List(Scalar::String);
        for (value, text, expected) in [
            (string, "\"abc\"", None),
            (string, "\"\\u0061bc\"", None),
            (string, "\"aBc\"", Some(FieldProblem::Pattern)),
            (list, "[\"abc\",\"\"]", None),
            (list, "[\"abc\",\"X\"]", Some(FieldProblem::Pattern)),
            (FieldType::One(Scalar::Any), "1", Some(FieldProblem::Pattern)),
        ] {
            assert_eq!(check(patterned(value), text), expected, "{text}");
        }
    }

    #[test]
    fn allowed_values_are_compared_by_meaning() {
        let allowed = || vec!["\"prod\"".to_owned(), "1".to_owned()];
        let choice = |value| FieldTable { allowed: allowed(), ..field("f", value) };
        for (value, text, expected) in [
            (FieldType::One(Scalar::Any), "\"prod\"", None),
            (FieldType::One(Scalar::Any), "\"\\u0070rod\"", None),
            (FieldType::One(Scalar::Any), "1.0", None),
            (FieldType::One(Scalar::Any), "\"dev\"", Some(FieldProblem::NotAllowed)),
            (FieldType::List(Scalar::Any), "[\"prod\",1]", None),
            (FieldType::List(Scalar::Any), "[\"prod\",2]", Some(FieldProblem::NotAllowed)),
        ] {
            assert_eq!(check(choice(value), text), expected, "{text}");
        }
    }

    #[test]
    fn limits_of_numbers_hold_for_every_element() {
        use crate::tables::Number;
        use FieldType::{List, Map, One};
        use Scalar::{Double, Int};
        for (value, text, valid) in [
            (One(Int), "1", true),
            (One(Int), "0", false),
            (One(Int), "10", true),
            (One(Int), "11", false),
            (One(Double), "10.0", true),
            (One(Double), "10.000001", false),
            (One(Double), "1", true),
            (List(Int), "[1,10,5]", true),
            (List(Int), "[1,11,5]", false),
            (List(Int), "[]", true),
            (Map(Double), "{\"a\":1.5}", true),
            (Map(Double), "{\"a\":1.5,\"b\":-1}", false),
        ] {
            let limits =
                FieldTable { minimum: Some(Number::Int(1)), maximum: Some(Number::Double(10.0)), ..field("f", value) };
            let expected = if valid { None } else { Some(FieldProblem::OutOfRange) };
            assert_eq!(check(limits, text), expected, "{value:?} {text}");
        }
    }

    #[test]
    fn lists_and_maps_have_so_many_items() {
        let few = |value| FieldTable { max_items: 2, ..field("f", value) };
        let (list, map) = (FieldType::List(Scalar::Any), FieldType::Map(Scalar::Any));
        for (value, text, expected) in [
            (list, "[]", None),
            (list, "[1,[2,3,4]]", None),
            (list, "[1,2,3]", Some(FieldProblem::TooMany)),
            (map, "{\"a\":1,\"b\":2}", None),
            (map, "{\"a\":1,\"b\":2,\"b\":3}", Some(FieldProblem::TooMany)),
        ] {
            assert_eq!(check(few(value), text), expected, "{text}");
        }
    }

    #[test]
    fn size_and_presence() {
        let small = FieldTable { max_bytes: 4, ..field("f", FieldType::One(Scalar::String)) };
        assert_eq!(check(small.clone(), "\"ab\""), None);
        assert_eq!(check(small, "\"abc\""), Some(FieldProblem::TooLarge));

        let required = |name| FieldTable { required: true, ..field(name, FieldType::One(Scalar::Int)) };
        let fields = [required("a"), field("b", FieldType::One(Scalar::Int)), required("c")];
        let mut context = Context::new();
        context.insert("undeclared", "[1,[]]").unwrap();
        context.insert("c", "\"x\"").unwrap();
        let choices: Vec<Choice> = fields.iter().map(|field| Choice::new(&field.allowed)).collect();
        let problems = validate(&context, &fields, &choices, |_, _| false, &Fuel::default());
        assert_eq!(problems, [("c".to_owned(), FieldProblem::Type), ("a".to_owned(), FieldProblem::Missing)]);
    }

    #[test]
    fn what_a_schema_binds_is_protected() {
        let plain = || field("f", FieldType::One(Scalar::String));
        for (what, field, expected) in [
            ("nothing", plain(), false),
            ("required", FieldTable { required: true, ..plain() }, false),
            ("pattern", FieldTable { pattern: Some(PatternIndex(0)), ..plain() }, false),
            ("immutable", FieldTable { immutable: true, ..plain() }, true),
            ("residency", FieldTable { residency: vec!["eu".into()], ..plain() }, true),
            ("ttl", FieldTable { ttl_ms: 1, ..plain() }, true),
            ("eventual", FieldTable { consistency: Consistency::Eventual, ..plain() }, false),
            ("strong", FieldTable { consistency: Consistency::Strong, ..plain() }, true),
            ("public", FieldTable { classification: Classification::Public, ..plain() }, false),
            ("confidential", FieldTable { classification: Classification::Confidential, ..plain() }, true),
            ("financial", FieldTable { classification: Classification::Financial, ..plain() }, true),
        ] {
            assert_eq!(field.is_protected(), expected, "{what}");
        }
    }

    #[test]
    fn finds_by_name() {
        let fields = ["a", "b", "d"].map(|name| field(name, FieldType::One(Scalar::Any)));
        for (name, expected) in [("a", true), ("b", true), ("c", false), ("d", true), ("", false), ("e", false)] {
            assert_eq!(
                FieldTable::find(&fields, name).map(|field| field.name == name),
                expected.then_some(true),
                "{name}"
            );
        }
    }
}
