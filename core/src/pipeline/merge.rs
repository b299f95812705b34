//! Merges the context that the application forwarded with the remembered one into the context of an outbound request.

use std::collections::BTreeSet;

use super::fit;
use crate::carrier::baggage;
use crate::context::agree::agree;
use crate::context::carried::CarriedName;
use crate::context::{CALLER, Context, json};
use crate::memory::Record;
use crate::names::Names;
use crate::tables::{Consistency, FieldTable, Merge};

/// The merged context and what happened to its fields, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Merged {
    /// The result. It has no [`CALLER`]: the caller is the sending service, not a forwarded value.
    pub context: Context,
    /// Fields whose value came from memory, entirely or in part.
    pub recalled: Names,
    /// Immutable fields that the application had changed and that were restored.
    pub restored: Names,
    /// Fields that the application forwarded although they were redacted here. They were removed.
    pub withheld: Names,
    /// Fields with strong consistency that the application had changed. They are removed, except for immutable ones,
    /// which are restored.
    pub disagreed: Names,
    /// Fields that were dropped because of the limits of a context.
    pub dropped: Names,
    /// Whether a required or protected field did not fit.
    pub unfit: bool,
}

/// Merges by each field's strategy in `fields` (sorted by name). An undeclared field takes the forwarded value.
///
/// The remembered fields come first, in their order, then those that only the application sent.
pub(super) fn merge(remembered: &Record, forwarded: Context, fields: &[FieldTable]) -> Merged {
    let mut merged = Merged::default();
    let is_withheld = |name: &str| remembered.withheld.contains(name);
    merged.carry(remembered, &forwarded, fields);
    for (name, ours) in remembered.context.iter() {
        if name == CALLER || is_withheld(name) {
            continue;
        }
        match forwarded.get(name) {
            None => {
                merged.put(name, ours, fields);
                merged.recalled.push(name);
            }
            Some(theirs) => merged.put_both(name, ours, theirs, fields),
        }
    }
    for (name, theirs) in forwarded.iter() {
        if name == CALLER {
            continue;
        }
        if is_withheld(name) {
            merged.withheld.push(name);
        } else if !remembered.context.contains(name) && !merged.context.is_unread(name) {
            merged.put(name, theirs, fields);
        }
    }
    merged
}

impl Merged {
    fn put(&mut self, name: &str, value: &str, fields: &[FieldTable]) {
        self.unfit |= fit::put(&mut self.context, name, value, fields, &mut self.dropped).is_err();
    }

    /// Copies the fields that cannot be read here: the remembered ones, then those that only the application sent. A
    /// value that an application sends for a remembered field counts if the application may replace it.
    fn carry(&mut self, remembered: &Record, forwarded: &Context, fields: &[FieldTable]) {
        let mut all = remembered.context.carried().clone();
        all.fields.retain(|field| match &field.name {
            CarriedName::Text(name) => {
                let may_replace = FieldTable::find(fields, name)
                    .is_none_or(|field| !field.immutable && field.merge == Merge::Replace);
                let replaced = may_replace && forwarded.contains(name);
                name != CALLER && !remembered.withheld.contains(name) && !replaced
            }
            CarriedName::Number(_) => true,
        });
        for field in &forwarded.carried().fields {
            let known = all.fields.iter().any(|ours| ours.name == field.name);
            match &field.name {
                CarriedName::Text(name) if remembered.withheld.contains(name) => self.withheld.push(name),
                CarriedName::Text(name) if name == CALLER || remembered.context.contains(name) => {}
                _ if known => {}
                CarriedName::Text(_) => all.fields.push(field.clone()),
                // The effect of an application's value is unknown here: a field of a newer mesh may be protected.
                CarriedName::Number(_) => {}
            }
        }
        for extension in &forwarded.carried().extensions {
            if all.extensions.iter().all(|ours| ours.number != extension.number) {
                all.extensions.push(extension.clone());
            }
        }
        self.context.set_carried(all);
    }

    /// Puts a field that is both remembered and forwarded.
    fn put_both(&mut self, name: &str, ours: &str, theirs: &str, fields: &[FieldTable]) {
        let field = FieldTable::find(fields, name);
        let theirs = if baggage::came_back(theirs, ours) { ours } else { theirs };
        let changed = !agree(ours, theirs);
        let disputed = changed && field.is_some_and(|field| field.consistency == Consistency::Strong);
        if disputed {
            self.disagreed.push(name);
        }
        if field.is_some_and(|field| field.immutable) {
            self.put(name, ours, fields);
            if changed {
                self.restored.push(name);
            }
            return;
        }
        if disputed {
            return;
        }
        match field.map_or(Merge::Replace, |field| field.merge) {
            Merge::Replace => self.put(name, theirs, fields),
            Merge::Keep => {
                self.put(name, ours, fields);
                if changed {
                    self.recalled.push(name);
                }
            }
            Merge::Union => match union(ours, theirs) {
                Some(both) => {
                    self.put(name, &both, fields);
                    if both != theirs {
                        self.recalled.push(name);
                    }
                }
                None => self.put(name, theirs, fields),
            },
        }
    }
}

/// Returns the elements of `ours`, then the new ones of `theirs`, compared as text. Returns `None` if either is not an
/// array.
fn union(ours: &str, theirs: &str) -> Option<String> {
    if json::kind(ours) != json::JsonKind::Array || json::kind(theirs) != json::JsonKind::Array {
        return None;
    }
    // A set, because both lists come from outside, and comparing all pairs would take quadratic time.
    let mut seen: BTreeSet<&str> = json::elements(ours).collect();
    let new: Vec<&str> = json::elements(theirs).filter(|element| seen.insert(element)).collect();
    if new.is_empty() {
        return Some(ours.to_owned());
    }
    let all: Vec<&str> = json::elements(ours).chain(new).collect();
    Some(format!("[{}]", all.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::test_fields::field;
    use crate::context::carried::{Carried, Extension};
    use crate::limits::MAX_CONTEXT_FIELDS;
    use crate::tables::{FieldType, Scalar};
    use crate::testing::context;

    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn record(fields: &[(&str, &str)], withheld: &[&str]) -> Record {
        let withheld = withheld.iter().copied().collect();
        Record { context: context(fields), withheld, issued_at_ms: 0 }
    }

    fn fields() -> Vec<FieldTable> {
        let any = |name| field(name, FieldType::One(Scalar::Any));
        vec![
            FieldTable { merge: Merge::Union, ..any("flags") },
            FieldTable { merge: Merge::Keep, ..any("keep") },
            any("replace"),
            FieldTable { immutable: true, ..any("tenant") },
        ]
    }

    #[test]
    fn a_remembered_extension_counts_and_new_ones_are_added() {
        let extensions = |all: &[(u64, &str)]| {
            let extension =
                |(number, content): &(u64, &str)| Extension { number: *number, content: content.as_bytes().to_vec() };
            Carried { extensions: all.iter().map(extension).collect(), ..Carried::default() }
        };
        // Remembered, forwarded, and the result.
        for (ours, theirs, expected) in [
            (&[][..], &[(16, "b")][..], &[(16, "b")][..]),
            (&[(16, "a")], &[], &[(16, "a")]),
            (&[(16, "a")], &[(16, "b")], &[(16, "a")]),
            (&[(16, "a")], &[(17, "b"), (16, "c")], &[(16, "a"), (17, "b")]),
            (&[(16, "a"), (17, "b")], &[(17, "c"), (18, "d")], &[(16, "a"), (17, "b"), (18, "d")]),
        ] {
            let mut remembered = record(&[], &[]);
            remembered.context.set_carried(extensions(ours));
            let mut forwarded = context(&[]);
            forwarded.set_carried(extensions(theirs));
            let merged = merge(&remembered, forwarded, &fields());
            assert_eq!(*merged.context.carried(), extensions(expected), "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn each_field_follows_its_strategy() {
        // Field, remembered, forwarded, result, counts as recalled, counts as restored.
        for (name, ours, theirs, expected, recalled, restored) in [
            ("replace", "1", "2", "2", false, false),
            ("undeclared", "{\"a\": 1.0}", "{\"a\":1}", "{\"a\":1}", false, false),
            ("keep", "1", "2", "1", true, false),
            ("keep", "1", "1", "1", false, false),
            ("tenant", "\"a\"", "\"b\"", "\"a\"", false, true),
            ("tenant", "\"a\"", "\"\\u0061\"", "\"a\"", false, false),
            ("flags", "[\"a\",\"b\"]", "[\"b\", \"c\",\"c\"]", "[\"a\",\"b\",\"c\"]", true, false),
            ("flags", "[ \"a\" , \"b\" ]", "[\"b\"]", "[ \"a\" , \"b\" ]", true, false),
            ("flags", "[]", "[]", "[]", false, false),
            ("flags", "[]", "[[1,2],{}]", "[[1,2],{}]", false, false),
            ("flags", "[1]", "[1.0]", "[1,1.0]", true, false),
            ("flags", "[1]", "2", "2", false, false),
            ("flags", "1", "[2]", "[2]", false, false),
        ] {
            let merged = merge(&record(&[(name, ours)], &[]), context(&[(name, theirs)]), &fields());
            let case = format!("{name} {ours} {theirs}");
            assert_eq!(merged.context, context(&[(name, expected)]), "{case}");
            assert_eq!(merged.recalled.len(), usize::from(recalled), "{case}");
            assert_eq!(merged.restored.len(), usize::from(restored), "{case}");
            assert!(merged.withheld.is_empty() && merged.dropped.is_empty(), "{case}");
        }
    }

    #[test]
    fn with_strong_consistency_a_changed_value_is_nobodys() {
        let strong = |name| FieldTable { consistency: Consistency::Strong, ..field(name, FieldType::One(Scalar::Any)) };
        let fields = [FieldTable { immutable: true, ..strong("fixed") }, strong("level")];
        // Field, remembered, forwarded, result, counts as disagreed, counts as restored.
        for (name, ours, theirs, expected, disagreed, restored) in [
            ("level", "1", "1.0", Some("1.0"), false, false),
            ("level", "[1]", "[ 1 ]", Some("[ 1 ]"), false, false),
            ("level", "1", "2", None, true, false),
            ("fixed", "1", "1", Some("1"), false, false),
            ("fixed", "1", "2", Some("1"), true, true),
        ] {
            let merged = merge(&record(&[(name, ours)], &[]), context(&[(name, theirs)]), &fields);
            let case = format!("{name} {ours} {theirs}");
            assert_eq!(merged.context.get(name), expected, "{case}");
            assert_eq!(merged.disagreed.len(), usize::from(disagreed), "{case}");
            assert_eq!(merged.restored.len(), usize::from(restored), "{case}");
        }
    }

    #[test]
    fn what_only_one_side_knows_is_kept() {
        let merged = merge(
            &record(&[("tenant", "\"a\""), ("custom", "[ 1.0 ]")], &[]),
            context(&[("mine", "true"), ("replace", "2")]),
            &fields(),
        );
        let expected = context(&[("tenant", "\"a\""), ("custom", "[ 1.0 ]"), ("mine", "true"), ("replace", "2")]);
        assert_eq!(merged.context, expected);
        assert_eq!(merged.recalled, ["tenant", "custom"]);
    }

    #[test]
    fn a_redacted_field_does_not_come_back() {
        let merged = merge(
            &record(&[("tenant", "\"a\""), ("user", "\"kept by mistake\"")], &["user", "card"]),
            context(&[("user", "\"u\""), ("replace", "1")]),
            &fields(),
        );
        assert_eq!(merged.context, context(&[("tenant", "\"a\""), ("replace", "1")]));
        assert_eq!(merged.withheld, ["user"]);
    }

    #[test]
    fn nobody_hands_the_caller_on() {
        let merged = merge(&record(&[("caller", "\"a\"")], &[]), context(&[("caller", "\"b\"")]), &fields());
        assert_eq!(merged, Merged::default());
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let names: Vec<String> = (0..MAX_CONTEXT_FIELDS).map(|i| format!("f{i:03}")).collect();
        let full: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
        let merged = merge(&record(&full, &[]), context(&[("one-more", "1"), ("f000", "2")]), &fields());
        assert_eq!(merged.context.len(), MAX_CONTEXT_FIELDS);
        assert_eq!(merged.context.get("f000"), Some("2"));
        assert_eq!(merged.dropped, ["one-more"]);
    }
}
