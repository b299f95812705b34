//! The options of a field: what a change of each means for senders and receivers.
//!
//! Most options have one question, asked in both directions: may the writer send what the reader does not accept, or
//! does the reader rely on what the writer does not guarantee?

use context_mesh_core::{
    artifact::tables::{Classification, Consistency, FieldTable, FieldType, Merge, Number, Scalar},
    context::json,
    number,
};

use super::{
    change::{Aspect, Change, Reason},
    pattern::{self, Inclusion},
};
use crate::check::model::Field;

/// A question about writer and reader.
type Question = fn(&Field, &Field) -> Option<Reason>;

/// Formats an option as text.
type Shown = fn(&Field) -> String;

/// Every option with its text and the question about it. If the texts are equal, the option has not changed.
const OPTIONS: [(&str, Shown, Question); 15] = [
    ("type", |f| f.table.value.to_string(), of_type),
    ("required", |f| f.table.required.to_string(), required),
    ("enum", |f| list(&f.table.allowed), allowed),
    ("pattern", |f| f.pattern.as_ref().map_or_else(none, |pattern| pattern.text.clone()), matched),
    ("minimum", |f| limit(f.table.minimum), minimum),
    ("maximum", |f| limit(f.table.maximum), maximum),
    ("maxBytes", |f| most(f.table.max_bytes), |w, r| fits(w.table.max_bytes, r.table.max_bytes, "bytes")),
    ("maxItems", |f| most(f.table.max_items), |w, r| fits(w.table.max_items, r.table.max_items, "items")),
    ("ttl", |f| millis(f.table.ttl_ms), ttl),
    ("immutable", |f| f.table.immutable.to_string(), immutable),
    ("consistency", |f| consistency_name(f.table.consistency).to_owned(), consistency),
    ("classification", |f| class_name(f.table.classification).to_owned(), classification),
    ("residency", |f| list(&f.table.residency), residency),
    ("origin", |f| list(&f.table.origin), |_, _| None),
    ("merge", |f| merge_name(f.table.merge).to_owned(), |_, _| None),
];

/// Returns all differences between two versions of one field.
pub(super) fn differences(old: &Field, new: &Field) -> Vec<Change> {
    let mut changes = Vec::new();
    for (option, shown, question) in OPTIONS {
        let (before, after) = (shown(old), shown(new));
        if before == after {
            continue;
        }
        // A value whose type is not understood needs no further reason.
        let of_values = matches!(option, "enum" | "pattern" | "minimum" | "maximum" | "maxBytes" | "maxItems");
        let ask = |writer, reader| {
            if of_values && of_type(writer, reader).is_some() { None } else { question(writer, reader) }
        };
        changes.push(Change {
            field: old.table.name.clone(),
            option,
            text: format!("{option} {before} -> {after}"),
            backward: ask(old, new),
            forward: ask(new, old),
            addition: false,
        });
    }
    for change in changes.iter_mut().filter(|change| change.option == "merge") {
        // Only one direction: the value itself is valid everywhere, but applications relied on how it was merged.
        change.backward = Some(Reason::new(
            Aspect::Behaviour,
            "what an application sends in it is merged in another way than the application knows",
        ));
    }
    changes.extend(header(old, new));
    changes.extend(baggage(old, new));
    changes
}

/// Returns the change of the mapped header. Sidecars send `x-mesh-context` to each other, so the header only matters to
/// applications, and existing ones use the old one.
fn header(old: &Field, new: &Field) -> Option<Change> {
    let (before, after) = (&old.table.header, &new.table.header);
    let shown = |header: &Option<String>| header.clone().unwrap_or_else(none);
    let lost = before.as_ref().map(|header| {
        Reason::new(Aspect::Behaviour, format!("applications that use the header `{header}` do not find it any more"))
    });
    (before != after).then(|| Change {
        field: old.table.name.clone(),
        option: "header",
        text: format!("header {} -> {}", shown(before), shown(after)),
        addition: lost.is_none(),
        backward: lost,
        forward: None,
    })
}

/// Returns the change of the key in `baggage`, which only matters to applications, like the mapped header.
fn baggage(old: &Field, new: &Field) -> Option<Change> {
    let (before, after) = (old.table.baggage_key(), new.table.baggage_key());
    let shown = |key: Option<&str>| key.map_or_else(none, str::to_owned);
    let lost = before.map(|key| {
        Reason::new(
            Aspect::Behaviour,
            format!("applications that use the member `{key}` of `baggage` do not find it any more"),
        )
    });
    (before != after).then(|| Change {
        field: old.table.name.clone(),
        option: "baggage",
        text: format!("baggage {} -> {}", shown(before), shown(after)),
        addition: lost.is_none(),
        backward: lost,
        forward: None,
    })
}

/// Returns why a field must not go where it is not declared. An undeclared field counts as internal and may go
/// anywhere.
pub(super) fn unprotected(field: &FieldTable) -> Option<Reason> {
    if !field.residency.is_empty() {
        let text =
            format!("it is bound to {}, and where it is not declared it may go anywhere", list(&field.residency));
        return Some(Reason::new(Aspect::Privacy, text));
    }
    (rank(field.classification) > rank(Classification::default())).then(|| {
        let class = class_name(field.classification);
        Reason::new(Aspect::Privacy, format!("it is {class}, and where it is not declared no rule protects it as such"))
    })
}

fn of_type(writer: &Field, reader: &Field) -> Option<Reason> {
    use FieldType::{List, Map, One};
    let scalar = |w, r| w == r || r == Scalar::Any || (w == Scalar::Int && r == Scalar::Double);
    let understood = match (writer.table.value, reader.table.value) {
        (_, One(Scalar::Any)) => true,
        (One(w), One(r)) | (List(w), List(r)) | (Map(w), Map(r)) => scalar(w, r),
        _ => false,
    };
    let [sent, read] = [writer, reader].map(|field| field.table.value.to_string());
    (!understood).then(|| Reason::new(Aspect::Value, format!("{sent} is sent where {read} is expected")))
}

fn required(writer: &Field, reader: &Field) -> Option<Reason> {
    let lacks = reader.table.required && !writer.table.required;
    lacks.then(|| Reason::new(Aspect::Value, "it is required, and what is sent may not have it"))
}

fn allowed(writer: &Field, reader: &Field) -> Option<Reason> {
    let (sent, taken) = (&writer.table.allowed, &reader.table.allowed);
    if taken.is_empty() {
        return None;
    }
    if sent.is_empty() {
        return Some(Reason::new(Aspect::Value, format!("any value is sent, and only {} is allowed", list(taken))));
    }
    let unknown: Vec<String> =
        sent.iter().filter(|text| !taken.iter().any(|other| json::same(text, other))).cloned().collect();
    (!unknown.is_empty()).then(|| Reason::new(Aspect::Value, format!("{} is sent and not allowed", list(&unknown))))
}

fn matched(writer: &Field, reader: &Field) -> Option<Reason> {
    let taken = reader.pattern.as_ref()?;
    let sent = writer.pattern.as_ref().map(|pattern| pattern.text.as_str());
    match pattern::inclusion(sent, &taken.text) {
        Inclusion::Included => None,
        Inclusion::Except(example) => {
            Some(Reason::new(Aspect::Value, format!("{example:?} is sent and does not match `{}`", taken.text)))
        }
        Inclusion::Unknown => Some(Reason::new(Aspect::Value, "the patterns are too large to be compared")),
    }
}

fn minimum(writer: &Field, reader: &Field) -> Option<Reason> {
    let least = reader.table.minimum?;
    let below = writer.table.minimum.is_none_or(|sent| number::order(sent, least).is_lt());
    below.then(|| Reason::new(Aspect::Value, format!("numbers below {} are sent and not allowed", limit(Some(least)))))
}

fn maximum(writer: &Field, reader: &Field) -> Option<Reason> {
    let most = reader.table.maximum?;
    let above = writer.table.maximum.is_none_or(|sent| number::order(sent, most).is_gt());
    above.then(|| Reason::new(Aspect::Value, format!("numbers above {} are sent and not allowed", limit(Some(most)))))
}

/// Checks that what is sent fits a size limit, where 0 is unlimited.
fn fits(sent: u32, taken: u32, unit: &str) -> Option<Reason> {
    let larger = taken > 0 && (sent == 0 || sent > taken);
    larger.then(|| Reason::new(Aspect::Value, format!("more than {taken} {unit} are sent and not allowed")))
}

fn ttl(writer: &Field, reader: &Field) -> Option<Reason> {
    let (sent, taken) = (writer.table.ttl_ms, reader.table.ttl_ms);
    let later = taken > 0 && (sent == 0 || sent > taken);
    later.then(|| Reason::new(Aspect::Value, format!("it is sent when it is older than {}", millis(taken))))
}

fn immutable(writer: &Field, reader: &Field) -> Option<Reason> {
    let changed = reader.table.immutable && !writer.table.immutable;
    changed.then(|| {
        Reason::new(Aspect::Behaviour, "it is relied on not to have been changed, and where it is sent it can be")
    })
}

fn consistency(writer: &Field, reader: &Field) -> Option<Reason> {
    let strong = |field: &Field| field.table.consistency == Consistency::Strong;
    (strong(reader) && !strong(writer))
        .then(|| Reason::new(Aspect::Behaviour, "all sources are relied on to agree, and it is sent when they do not"))
}

fn classification(writer: &Field, reader: &Field) -> Option<Reason> {
    let (sent, taken) = (writer.table.classification, reader.table.classification);
    let weaker = rank(taken) < rank(sent) || (rank(taken) == rank(sent) && taken != sent);
    weaker.then(|| {
        let text = format!("it is {} where it is sent and {} where it arrives", class_name(sent), class_name(taken));
        Reason::new(Aspect::Privacy, text)
    })
}

fn residency(writer: &Field, reader: &Field) -> Option<Reason> {
    let (bound, goes) = (&writer.table.residency, &reader.table.residency);
    let kept = bound.is_empty() || (!goes.is_empty() && goes.iter().all(|region| bound.contains(region)));
    (!kept).then(|| {
        let goes = if goes.is_empty() { "anywhere".to_owned() } else { list(goes) };
        Reason::new(Aspect::Privacy, format!("it is bound to {} where it is sent, and goes on to {goes}", list(bound)))
    })
}

/// Returns how much a class protects. The classes of personal data rank equally, because each has its own rules.
const fn rank(class: Classification) -> u8 {
    match class {
        Classification::Public => 0,
        Classification::Internal => 1,
        Classification::Confidential => 2,
        Classification::Pii | Classification::Phi | Classification::Financial => 3,
    }
}

fn none() -> String {
    "none".to_owned()
}

fn list(words: &[String]) -> String {
    if words.is_empty() { none() } else { words.join(", ") }
}

fn limit(limit: Option<Number>) -> String {
    limit.map_or_else(none, |limit| match limit {
        Number::Int(number) => number.to_string(),
        Number::Double(number) => number.to_string(),
    })
}

fn most(most: u32) -> String {
    if most == 0 { none() } else { most.to_string() }
}

fn millis(ms: u64) -> String {
    match ms {
        0 => none(),
        ms if ms.is_multiple_of(1000) => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

const fn consistency_name(consistency: Consistency) -> &'static str {
    match consistency {
        Consistency::Strong => "strong",
        Consistency::Session => "session",
        Consistency::Eventual => "eventual",
    }
}

const fn merge_name(merge: Merge) -> &'static str {
    match merge {
        Merge::Replace => "replace",
        Merge::Keep => "keep",
        Merge::Union => "union",
    }
}

fn class_name(class: Classification) -> &'static str {
    Classification::ALL.iter().find(|(_, known)| *known == class).map_or("", |(name, _)| name)
}
