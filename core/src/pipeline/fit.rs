//! Drops fields when a context does not fit: undeclared fields first, then declared ones that nothing depends on.
//! Required and protected fields are never dropped silently.

use crate::context::{CALLER, Context, ContextError};
use crate::names::Names;
use crate::tables::FieldTable;

/// The importance of a field. Fields of the lowest weight are dropped first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// No schema declares the field.
    Undeclared,
    /// A schema declares the field, and neither requires nor protects it.
    Declared,
    /// The field is required or protected, or is the caller.
    Bound,
}

fn weight(name: &str, fields: &[FieldTable]) -> Weight {
    match FieldTable::find(fields, name) {
        _ if name == CALLER => Weight::Bound,
        None => Weight::Undeclared,
        Some(field) if field.required || field.is_protected() => Weight::Bound,
        Some(_) => Weight::Declared,
    }
}

/// A required or protected field does not fit into the limits of a context. The request must not continue without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DoesNotFit;

/// Puts a field whose value is valid JSON. If the limits of a context require it, fields of lower weight are dropped,
/// the largest first. The names of the dropped fields, or of this one, are added to `dropped`.
///
/// # Errors
/// [`DoesNotFit`] if a required or protected field does not fit.
pub(crate) fn put(
    context: &mut Context,
    name: &str,
    value: &str,
    fields: &[FieldTable],
    dropped: &mut Names,
) -> Result<(), DoesNotFit> {
    let own = weight(name, fields);
    loop {
        match context.insert_checked(name, value) {
            Ok(()) => return Ok(()),
            Err(ContextError::TooLarge | ContextError::TooManyFields) => {}
            Err(ContextError::FieldName | ContextError::NotJson) => {
                dropped.push(name);
                return Ok(());
            }
        }
        let lighter = context.iter().filter(|(other, _)| *other != name);
        let lighter = lighter.map(|(other, value)| (weight(other, fields), value.len(), other));
        let lightest = lighter.filter(|(other, ..)| *other < own).min_by_key(|(weight, size, _)| {
            // The largest of the lightest, so that the fewest are dropped.
            (*weight, usize::MAX.saturating_sub(*size))
        });
        match lightest.map(|(_, _, other)| other.to_owned()) {
            Some(other) => {
                context.remove(&other);
                dropped.push(&other);
            }
            None if own == Weight::Bound => return Err(DoesNotFit),
            None => {
                // An older value must not remain if the new one does not fit.
                context.remove(name);
                dropped.push(name);
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::test_fields::field;
    use crate::limits::{MAX_CONTEXT_BYTES, MAX_CONTEXT_FIELDS};
    use crate::tables::{FieldType, Scalar};

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn fields() -> Vec<FieldTable> {
        let string = |name| field(name, FieldType::One(Scalar::String));
        vec![
            FieldTable { immutable: true, ..string("bound") },
            string("plain"),
            FieldTable { required: true, ..string("required") },
        ]
    }

    fn sized(bytes: usize) -> String {
        format!("\"{}\"", "x".repeat(bytes))
    }

    /// Puts fields one after the other. Returns those that remain, and those that were dropped.
    fn put_all(all: &[(&str, usize)]) -> (Vec<String>, Vec<String>, Result<(), DoesNotFit>) {
        let (mut context, mut dropped) = (Context::new(), Names::default());
        let result =
            all.iter().try_for_each(|(name, size)| put(&mut context, name, &sized(*size), &fields(), &mut dropped));
        let left = context.iter().map(|(name, _)| name.to_owned()).collect();
        (left, dropped.iter().map(str::to_owned).collect(), result)
    }

    #[test]
    fn what_matters_least_goes_first() {
        const MOST: usize = MAX_CONTEXT_BYTES;
        /// The fields that are put, those that remain, those that are dropped, and whether the last one fits.
        type Case<'c> = (&'c [(&'c str, usize)], &'c [&'c str], &'c [&'c str], bool);
        let cases: [Case<'_>; 7] = [
            (&[("other", 10), ("bound", 10)], &["other", "bound"], &[], true),
            (&[("other", MOST - 100), ("bound", 200)], &["bound"], &["other"], true),
            (&[("small", 10), ("big", MOST - 100), ("bound", 200)], &["small", "bound"], &["big"], true),
            (&[("plain", MOST - 100), ("other", 200)], &["plain"], &["other"], true),
            (
                &[("plain", MOST / 2), ("other", MOST / 3), ("required", MOST - 100)],
                &["required"],
                &["other", "plain"],
                true,
            ),
            (&[("bound", MOST - 100), ("required", 200)], &["bound"], &[], false),
            (&[("bound", MOST)], &[], &[], false),
        ];
        for (all, left, dropped, fits) in cases {
            let (kept, went, result) = put_all(all);
            assert_eq!(
                (kept, went),
                (left.iter().map(|n| (*n).to_owned()).collect(), dropped.iter().map(|n| (*n).to_owned()).collect()),
                "{all:?}"
            );
            assert_eq!(result.is_ok(), fits, "{all:?}");
        }
    }

    #[test]
    fn the_number_of_fields_is_a_limit_too() {
        let names: Vec<String> = (0..MAX_CONTEXT_FIELDS).map(|i| format!("f{i}")).collect();
        let mut all: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 1)).collect();
        all.push(("bound", 1));
        all.push(("another", 1));
        let (left, dropped, result) = put_all(&all);
        assert_eq!(left.len(), MAX_CONTEXT_FIELDS);
        assert!(left.contains(&"bound".to_owned()) && result.is_ok());
        assert_eq!(dropped.len(), 2);
        assert_eq!(dropped.last().map(String::as_str), Some("another"));
    }
}
