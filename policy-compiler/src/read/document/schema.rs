//! `ContextSchema`: the fields that a context may have.

use super::{
    decode::{Decoder, Keys},
    header::{Header, Metadata},
};
use crate::{
    read::yaml::{Node, Scalar, Value},
    report::{near, source::Spanned},
};
use context_mesh_core::artifact::tables::{
    BaggageKey, Classification, Consistency, FieldType, Merge, Scalar as ValueType,
};
use context_mesh_core::limits::MAX_CONTEXT_BYTES;

/// A `ContextSchema` document.
#[derive(Debug, Clone)]
pub struct Schema {
    /// Its head.
    pub metadata: Metadata,
    /// The fields.
    pub fields: Vec<FieldEntry>,
}

/// The declaration of a field.
#[derive(Debug, Clone)]
pub struct FieldEntry {
    /// Its name.
    pub name: Spanned<String>,
    /// Its type; any value if the type was missing or wrong.
    pub value: TypeName,
    /// Whether a context without it is invalid.
    pub required: bool,
    /// Regular expression for the whole string, with its node.
    pub pattern: Option<Spanned<Scalar>>,
    /// The allowed values.
    pub allowed: Vec<Spanned<Scalar>>,
    /// Greatest length of the JSON text, in bytes; 0 is unlimited.
    pub max_bytes: u32,
    /// Smallest number.
    pub minimum: Option<Spanned<Scalar>>,
    /// Largest number.
    pub maximum: Option<Spanned<Scalar>>,
    /// Most elements of a list or members of a map.
    pub max_items: Option<Spanned<u32>>,
    /// How long it is valid after its context was made, in milliseconds; 0 is as long as the context.
    pub ttl_ms: u64,
    /// What happens when two sources disagree about it.
    pub consistency: Spanned<Consistency>,
    /// The regions to which it may be sent; empty means any.
    pub residency: Vec<Spanned<String>>,
    /// The services whose applications are a source of it.
    pub origin: Vec<Spanned<String>>,
    /// Whether applications must not change it.
    pub immutable: bool,
    /// How a forwarded and a remembered value are merged.
    pub merge: Spanned<Merge>,
    /// The header that shows it.
    pub header: Option<Spanned<String>>,
    /// How it is shown in `baggage`.
    pub baggage: Option<Spanned<BaggageKey>>,
    /// The kind of data.
    pub classification: Classification,
    /// Text for people.
    pub description: String,
}

/// The type of a field and its place.
pub type TypeName = Spanned<FieldType>;

const CONSISTENCIES: [(&str, Consistency); 3] =
    [("strong", Consistency::Strong), ("session", Consistency::Session), ("eventual", Consistency::Eventual)];

const TYPES: [(&str, ValueType); 5] = [
    ("string", ValueType::String),
    ("int", ValueType::Int),
    ("double", ValueType::Double),
    ("bool", ValueType::Bool),
    ("json", ValueType::Any),
];

pub(super) fn read(header: Header<'_>, decoder: &mut Decoder<'_>) -> Schema {
    let mut schema = Schema { metadata: header.metadata, fields: Vec::new() };
    let span = schema.metadata.span;
    let Some(mut keys) = header.spec.and_then(|node| decoder.keys(node, span, "the spec of a ContextSchema")) else {
        return schema;
    };
    if let Some(node) = keys.require("fields", decoder) {
        schema.fields = decoder.entries(node).iter().map(|(name, node)| field(name, node, decoder)).collect();
    }
    keys.finish(decoder);
    schema
}

fn field(name: &Spanned<String>, node: &Node, decoder: &mut Decoder<'_>) -> FieldEntry {
    let mut field = FieldEntry {
        name: name.clone(),
        value: Spanned::new(FieldType::One(ValueType::Any), name.span),
        required: false,
        pattern: None,
        allowed: Vec::new(),
        max_bytes: 0,
        minimum: None,
        maximum: None,
        max_items: None,
        ttl_ms: 0,
        consistency: Spanned::new(Consistency::default(), name.span),
        residency: Vec::new(),
        origin: Vec::new(),
        immutable: false,
        merge: Spanned::new(Merge::Replace, name.span),
        header: None,
        baggage: None,
        classification: Classification::default(),
        description: String::new(),
    };
    let Some(mut keys) = decoder.keys(node, name.span, "a field") else { return field };
    if let Some(value) = keys.require("type", decoder).and_then(|node| field_type(node, decoder)) {
        field.value = value;
    }
    field.required = keys.get("required").and_then(|node| decoder.bool(node)).unwrap_or_default();
    field.immutable = keys.get("immutable").and_then(|node| decoder.bool(node)).unwrap_or_default();
    field.pattern = keys.get("pattern").and_then(|node| decoder.scalar(node));
    if let Some(node) = keys.get("enum") {
        field.allowed = decoder.list(node).iter().filter_map(|node| decoder.scalar(node)).collect();
        if decoder.list(node).is_empty() {
            decoder.invalid(node.span, "no value is allowed", "list the values, or leave `enum` out");
        }
    }
    let max = i64::try_from(MAX_CONTEXT_BYTES).unwrap_or(i64::MAX);
    let max_bytes = keys.get("maxBytes").and_then(|node| decoder.int(node, 1..=max));
    field.max_bytes = max_bytes.and_then(|n| u32::try_from(n.value).ok()).unwrap_or_default();
    let merges = [("replace", Merge::Replace), ("keep", Merge::Keep), ("union", Merge::Union)];
    if let Some((node, merge)) = keys.get("merge").and_then(|node| Some((node, decoder.choice(node, &merges)?))) {
        field.merge = Spanned::new(merge, node.span);
    }
    limits(&mut field, &mut keys, decoder);
    if let Some((node, ttl)) = keys.get("ttl").and_then(|node| Some((node, decoder.duration_ms(node)?))) {
        if ttl == 0 {
            decoder.invalid(node.span, "a field cannot be good for no time", "use at least `1ms`, for example `30s`");
        }
        field.ttl_ms = ttl;
    }
    if let Some((node, chosen)) =
        keys.get("consistency").and_then(|node| Some((node, decoder.choice(node, &CONSISTENCIES)?)))
    {
        field.consistency = Spanned::new(chosen, node.span);
    }
    field.origin = keys.get("origin").map(|node| decoder.names(node)).unwrap_or_default();
    if let Some(node) = keys.get("residency") {
        field.residency = decoder.names(node);
        if matches!(&node.value, Value::Sequence(regions) if regions.is_empty()) {
            let help = "name the regions, or leave `residency` out";
            decoder.invalid(node.span, "the field may be sent nowhere", help);
        }
    }
    field.header = keys.get("header").and_then(|node| decoder.string(node));
    field.baggage = keys.get("baggage").and_then(|node| baggage(node, decoder));
    let classification = keys.get("classification").and_then(|node| decoder.choice(node, &Classification::ALL));
    field.classification = classification.unwrap_or_default();
    let description = keys.get("description").and_then(|node| decoder.string(node));
    field.description = description.map(|text| text.value).unwrap_or_default();
    keys.finish(decoder);
    field
}

/// Reads the limits of numbers, lists and maps.
fn limits(field: &mut FieldEntry, keys: &mut Keys<'_>, decoder: &mut Decoder<'_>) {
    field.minimum = keys.get("minimum").and_then(|node| decoder.number(node));
    field.maximum = keys.get("maximum").and_then(|node| decoder.number(node));
    let max = i64::try_from(MAX_CONTEXT_BYTES).unwrap_or(i64::MAX);
    let items = keys.get("maxItems").and_then(|node| decoder.int(node, 1..=max));
    field.max_items = items.and_then(|items| Some(Spanned::new(u32::try_from(items.value).ok()?, items.span)));
}

/// Reads `baggage`: `false` means not in `baggage`, `true` under the field's name, a string under that key.
fn baggage(node: &Node, decoder: &mut Decoder<'_>) -> Option<Spanned<BaggageKey>> {
    if let Value::Scalar(scalar) = &node.value
        && let Some(shown) = scalar.as_bool()
    {
        return Some(Spanned::new(if shown { BaggageKey::Name } else { BaggageKey::Never }, node.span));
    }
    decoder.string(node).map(|key| Spanned::new(BaggageKey::Key(key.value), key.span))
}

pub(super) fn field_type(node: &Node, decoder: &mut Decoder<'_>) -> Option<TypeName> {
    let name = decoder.string(node)?;
    let compact: String = name.value.chars().filter(|c| !c.is_whitespace()).collect();
    let found = parse_type(&compact);
    if found.is_none() {
        let words = TYPES.map(|(word, _)| word);
        let help = near::nearest(&compact, words).map(|near| format!("did you mean `{near}`?"));
        let help = help.unwrap_or_else(|| {
            "use string, int, double, bool, json, list<...> or map<string, ...> with one of these in it".to_owned()
        });
        decoder.invalid(name.span, format!("`{}` is not a type", name.value), help);
    }
    found.map(|found| Spanned::new(found, name.span))
}

fn parse_type(text: &str) -> Option<FieldType> {
    let single = |text: &str| TYPES.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if let Some(element) = text.strip_prefix("list<").and_then(|rest| rest.strip_suffix('>')) {
        return single(element).map(FieldType::List);
    }
    if let Some(member) = text.strip_prefix("map<string,").and_then(|rest| rest.strip_suffix('>')) {
        return single(member).map(FieldType::Map);
    }
    single(text).map(FieldType::One)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_single_values_lists_or_maps() {
        let cases = [
            ("string", Some(FieldType::One(ValueType::String))),
            ("json", Some(FieldType::One(ValueType::Any))),
            ("list<int>", Some(FieldType::List(ValueType::Int))),
            ("map<string,bool>", Some(FieldType::Map(ValueType::Bool))),
            ("list", None),
            ("list<list<int>>", None),
            ("map<int,bool>", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_type(text), expected, "{text}");
        }
    }
}
