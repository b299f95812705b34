//! Fields: those declared by the schemas, and `caller`.

use std::collections::HashMap;

use context_mesh_core::{
    artifact::tables::{BaggageKey, Classification, Consistency, FieldTable, FieldType, Merge, Number, Scalar},
    context::CALLER,
    limits::MAX_FIELD_NAME_BYTES,
    number,
};

use super::{Context, Directory, Owner, Pattern, SchemaVersion, headers, schemas};
use crate::{
    expression::cel::is_identifier,
    read::{
        document::{FieldEntry, Schema},
        yaml::{self, ScalarText},
    },
    report::{
        diagnostic::{Diagnostic, Diagnostics, code},
        source::{Span, Spanned},
    },
};

/// A field that a context may have.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its table in the artifact, without its pattern.
    pub table: FieldTable,
    /// The pattern that its strings must match as a whole.
    pub pattern: Option<Pattern>,
    /// Where it is declared. `None` for a `caller` that no schema declares.
    pub span: Option<Span>,
}

/// Words that CEL does not accept as names even after a dot. Its other reserved words are accepted there.
const CEL_KEYWORDS: [&str; 4] = ["false", "in", "null", "true"];

/// Returns the active fields, and all versions of all schemas.
pub(super) fn check(
    documents: Vec<Schema>,
    directory: &Directory,
    presents_baggage: bool,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> (Vec<Field>, Vec<SchemaVersion>) {
    let mut unsaid: Vec<Spanned<String>> = Vec::new();
    let mut fields: HashMap<String, Field> = HashMap::new();
    let mut by_header: HashMap<String, Span> = HashMap::new();
    let mut schemas = Vec::new();
    for (schema, active) in schemas::with_active(documents) {
        let owner = directory.owner(&schema.metadata, context, diagnostics);
        // An older version shares neither names nor headers with the others.
        let mut own_headers = HashMap::new();
        let headers = if active { &mut by_header } else { &mut own_headers };
        let mut own = Vec::new();
        for entry in &schema.fields {
            let field = Checker { entry, active, directory, context, diagnostics }.field(owner, headers);
            own.push(field.clone());
            if !active {
                continue;
            }
            if let Some(first) = fields.get(&entry.name.value).and_then(|field| field.span) {
                let message = format!("the field `{}` is declared twice", entry.name.value);
                let problem = Diagnostic::error(code::DUPLICATE_NAME, entry.name.span, message);
                diagnostics.push(problem.label(first, "the first one").help("all schemas share one set of fields"));
                continue;
            }
            if presents_baggage && entry.baggage.is_none() && is_of_a_person(field.table.classification) {
                unsaid.push(entry.name.clone());
            }
            fields.insert(entry.name.value.clone(), field);
        }
        schemas.push(SchemaVersion::new(&schema.metadata, directory.owner_name(owner), active, own));
    }
    fields.entry(CALLER.to_owned()).or_insert_with(caller);
    let mut fields: Vec<Field> = fields.into_values().collect();
    fields.sort_by(|a, b| a.table.name.cmp(&b.table.name));
    report_equal_keys(&fields, diagnostics);
    report_protected_in_baggage(&unsaid, diagnostics);
    let bound = fields.iter().find(|field| !field.table.residency.is_empty());
    if let Some((field, span)) = bound.and_then(|field| Some((field, field.span?))) {
        directory.report_domains_without_region((&field.table.name, span), diagnostics);
    }
    (fields, schemas)
}

/// Whether data of this class says something about a person or their money.
const fn is_of_a_person(classification: Classification) -> bool {
    matches!(classification, Classification::Pii | Classification::Phi | Classification::Financial)
}

/// Warns of data about persons that `baggage` shows because the schema does not say otherwise. Tracing libraries send
/// `baggage` with every call of an application, to third parties too.
fn report_protected_in_baggage(unsaid: &[Spanned<String>], diagnostics: &mut Diagnostics) {
    let [first, others @ ..] = unsaid else { return };
    let count = match others.len() {
        0 => String::new(),
        1 => " and one other field".to_owned(),
        others => format!(" and {others} other fields"),
    };
    let message = format!(
        "applications get `{}`{count} in `baggage`, and their tracing libraries send it on to anybody",
        first.value
    );
    let problem = Diagnostic::warning(code::PROTECTED_IN_BAGGAGE, first.span, message);
    let problem =
        others.iter().take(MAX_LABELS).fold(problem, |problem, name| problem.label(name.span, "this one too"));
    diagnostics
        .push(problem.help("write `baggage: false` for the field; `baggage: true` says that it is meant to be there"));
}

/// Most further fields that one warning points to.
const MAX_LABELS: usize = 3;

/// Reports two fields whose keys in `baggage` some library treats as equal.
fn report_equal_keys(fields: &[Field], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<String, &Field> = HashMap::new();
    let own = fields.iter().filter(|field| matches!(field.table.baggage, BaggageKey::Key(_)));
    for field in own {
        let key = field.table.baggage_key().unwrap_or_default().to_ascii_lowercase();
        let named =
            fields.iter().find(|other| other.table.name.to_ascii_lowercase() == key && !std::ptr::eq(*other, field));
        if let (Some(other), Some(span)) = (named.or(seen.get(&key).copied()), field.span) {
            let message =
                format!("`{}` and `{}` have one key in `baggage`: `{key}`", other.table.name, field.table.name);
            let problem = Diagnostic::error(code::DUPLICATE_NAME, span, message);
            diagnostics.push(problem.help("give each field a key of its own; case makes no difference"));
        }
        seen.insert(key, field);
    }
}

/// Returns the field that every context may have without a declaration.
fn caller() -> Field {
    let table = FieldTable { name: CALLER.to_owned(), value: FieldType::One(Scalar::String), ..FieldTable::default() };
    Field { table, pattern: None, span: None }
}

/// Returns the type of the single values in a field.
const fn element(value: FieldType) -> Scalar {
    match value {
        FieldType::One(scalar) | FieldType::List(scalar) | FieldType::Map(scalar) => scalar,
    }
}

struct Checker<'a, 'c> {
    entry: &'a FieldEntry,
    /// Whether it is the active version of the schema.
    active: bool,
    directory: &'a Directory,
    context: &'a Context<'c>,
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_, '_> {
    fn field(&mut self, owner: Owner, by_header: &mut HashMap<String, Span>) -> Field {
        self.check_name();
        self.check_options();
        let (minimum, maximum) = self.limits();
        let entry = self.entry;
        let table = FieldTable {
            name: entry.name.value.clone(),
            value: entry.value.value,
            required: entry.required,
            immutable: entry.immutable,
            merge: entry.merge.value,
            pattern: None,
            allowed: self.allowed(minimum, maximum),
            max_bytes: entry.max_bytes,
            header: self.header(by_header),
            baggage: self.baggage(),
            owner: if let Owner::Domain(index) = owner { Some(index) } else { None },
            classification: entry.classification,
            residency: self.residency(),
            ttl_ms: entry.ttl_ms,
            consistency: entry.consistency.value,
            minimum,
            maximum,
            max_items: self.max_items(),
            origin: self.origin(),
            routed: false,
        };
        let (pattern, span) = (self.pattern(), Some(entry.name.span));
        Field { table, pattern, span }
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, span, message).help(help));
    }

    fn check_name(&mut self) {
        let name = &self.entry.name;
        if !is_identifier(&name.value) || name.value.len() > MAX_FIELD_NAME_BYTES {
            let message = format!("`{}` is not the name of a field", name.value);
            let proposal: String =
                name.value.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let help = if name.value.contains(['.', '-']) && is_identifier(&proposal) {
                format!("call it `{proposal}`; for an existing key of `baggage`, write `baggage: {}`", name.value)
            } else {
                format!(
                    "use 1 to {MAX_FIELD_NAME_BYTES} letters, digits and `_`, not beginning with a digit, so that CEL can read it"
                )
            };
            self.error(code::INVALID_VALUE, name.span, message, help);
        } else if CEL_KEYWORDS.contains(&name.value.as_str()) {
            let message = format!("`{}` cannot be the name of a field", name.value);
            self.error(code::RESERVED_NAME, name.span, message, "it is a word of CEL itself; use another one");
        }
    }

    fn check_options(&mut self) {
        let FieldEntry { name, value, merge, consistency, ttl_ms, residency, .. } = self.entry;
        if name.value == CALLER && value.value != FieldType::One(Scalar::String) {
            let help = "the mesh sets it to the name of a service: declare it as `string`, or not at all";
            self.error(code::RESERVED_NAME, value.span, "`caller` is always a string", help);
        }
        if merge.value == Merge::Union && !matches!(value.value, FieldType::List(_)) {
            let message = "only lists can be merged by `union`";
            self.error(code::FIELD_OPTIONS, merge.span, message, "use `replace` or `keep`, or make it a list");
        }
        if consistency.value == Consistency::Strong && merge.value != Merge::Replace {
            let message = "a field with strong consistency has one value, so there is nothing to merge";
            self.error(code::FIELD_OPTIONS, merge.span, message, "leave `merge` out, or use `consistency: session`");
        }
        if name.value == CALLER && (*ttl_ms > 0 || !residency.is_empty() || consistency.value != Consistency::Session) {
            let message = "`caller` has no `ttl`, `residency` or `consistency`";
            self.error(code::FIELD_OPTIONS, name.span, message, "the mesh sets it anew at every hop: leave them out");
        }
    }

    /// Whether the field has no type because of a reported mistake. None of its options can be called wrong then.
    fn is_untyped(&self) -> bool {
        self.entry.value.span == self.entry.name.span
    }

    /// Returns the smallest and the largest number.
    fn limits(&mut self) -> (Option<Number>, Option<Number>) {
        let FieldEntry { minimum, maximum, .. } = self.entry;
        let least = minimum.as_ref().and_then(|limit| self.limit(limit, "minimum"));
        let most = maximum.as_ref().and_then(|limit| self.limit(limit, "maximum"));
        if let (Some(least), Some(most), Some(first), Some(second)) = (least, most, minimum, maximum)
            && number::order(least, most).is_gt()
        {
            let message = format!("the minimum {} is above the maximum {}", first.value.text, second.value.text);
            let problem = Diagnostic::error(code::FIELD_OPTIONS, first.span, message);
            self.diagnostics.push(problem.label(second.span, "the maximum").help("no number would be valid"));
            return (None, None);
        }
        (least, most)
    }

    fn limit(&mut self, limit: &Spanned<yaml::Scalar>, option: &str) -> Option<Number> {
        let kind = element(self.entry.value.value);
        if !matches!(kind, Scalar::Int | Scalar::Double) {
            if !self.is_untyped() {
                let message = format!("`{}` holds no numbers, so it cannot have a `{option}`", self.entry.name.value);
                let help = format!("leave `{option}` out, or make it an `int` or a `double`");
                self.error(code::FIELD_OPTIONS, limit.span, message, help);
            }
            return None;
        }
        let number = json_text(kind, &limit.value).and_then(|text| number::read(&text));
        if number.is_none() {
            let message = format!("`{}` is not {}", limit.value.text, described(kind));
            let help = format!("the values of `{}` are of this type", self.entry.name.value);
            self.error(code::FIELD_OPTIONS, limit.span, message, help);
        }
        number
    }

    fn max_items(&mut self) -> u32 {
        let Some(items) = self.entry.max_items else { return 0 };
        if matches!(self.entry.value.value, FieldType::One(_)) && !self.is_untyped() {
            let message = format!("`{}` holds one value, so it cannot have `maxItems`", self.entry.name.value);
            self.error(code::FIELD_OPTIONS, items.span, message, "leave `maxItems` out, or make it a list or a map");
            return 0;
        }
        items.value
    }

    /// Returns the services that are a source of the field, sorted. An older version may name one that no longer
    /// exists.
    fn origin(&mut self) -> Vec<String> {
        let mut unheard = Diagnostics::new();
        let diagnostics = if self.active { &mut *self.diagnostics } else { &mut unheard };
        for name in &self.entry.origin {
            self.directory.known_service(name, self.context, diagnostics);
        }
        let mut services: Vec<String> = self.entry.origin.iter().map(|name| name.value.clone()).collect();
        services.sort();
        services.dedup();
        services
    }

    /// Returns the regions to which the field may be sent. An older version may name one that no longer exists.
    fn residency(&mut self) -> Vec<String> {
        let mut unheard = Diagnostics::new();
        let diagnostics = if self.active { &mut *self.diagnostics } else { &mut unheard };
        self.directory.regions(&self.entry.residency, self.context, diagnostics)
    }

    /// Returns the allowed values as JSON texts. Values of another type than the field's are reported.
    fn allowed(&mut self, minimum: Option<Number>, maximum: Option<Number>) -> Vec<String> {
        let kind = element(self.entry.value.value);
        let mut texts = Vec::new();
        for value in &self.entry.allowed {
            match json_text(kind, &value.value) {
                Some(text) if !number::is_within(&text, minimum, maximum) => {
                    let message = format!("`{text}` is allowed, but out of the range of the field");
                    self.error(code::FIELD_OPTIONS, value.span, message, "remove it, or change `minimum` or `maximum`");
                }
                Some(text) if texts.contains(&text) => {}
                Some(text) => texts.push(text),
                None => {
                    let message = format!("`{}` is not {}", value.value.text, described(kind));
                    let help = format!("the values of `{}` are of this type", self.entry.name.value);
                    self.error(code::FIELD_OPTIONS, value.span, message, help);
                }
            }
        }
        texts
    }

    fn baggage(&mut self) -> BaggageKey {
        let Some(Spanned { value, span }) = &self.entry.baggage else { return BaggageKey::Name };
        let BaggageKey::Key(key) = value else { return value.clone() };
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if key.is_empty() || key.len() > MAX_FIELD_NAME_BYTES || !key.bytes().all(token) || key.contains('%') {
            let message = format!("`{key}` cannot be a key of `baggage`");
            let help =
                format!("use 1 to {MAX_FIELD_NAME_BYTES} letters, digits, `.`, `-` and `_`, for example `session.id`");
            self.error(code::INVALID_VALUE, *span, message, help);
        }
        if key.to_ascii_lowercase().starts_with("cmesh.") {
            let message = format!("the key `{key}` is reserved: the mesh writes members that begin with `cmesh.`");
            self.error(code::RESERVED_NAME, *span, message, "use another key");
        }
        if *key == self.entry.name.value { BaggageKey::Name } else { BaggageKey::Key(key.clone()) }
    }

    fn header(&mut self, by_header: &mut HashMap<String, Span>) -> Option<String> {
        let Spanned { value, span } = self.entry.header.as_ref()?;
        let header = value.to_ascii_lowercase();
        if let Some(why) = headers::reserved(&header) {
            let message = format!("the header `{header}` is reserved: {why}");
            let example = headers::proposal(&header).unwrap_or_else(|| "x-ctx-field".to_owned());
            self.error(code::RESERVED_NAME, *span, message, format!("use another one, for example `{example}`"));
            return None;
        }
        if !headers::is_name(&header) {
            let example = headers::proposal(&header).map(|name| format!(": `{name}`")).unwrap_or_default();
            let help = format!("use letters, digits and `-`{example}; many frameworks take other signs for `-`");
            self.error(code::INVALID_VALUE, *span, format!("`{value}` is not the name of a header of a field"), help);
            return None;
        }
        if let Some(first) = by_header.insert(header.clone(), *span) {
            let problem =
                Diagnostic::error(code::DUPLICATE_NAME, *span, format!("two fields use the header `{header}`"));
            self.diagnostics.push(problem.label(first, "the first one").help("give each field its own header"));
        }
        Some(header)
    }

    fn pattern(&mut self) -> Option<Pattern> {
        let Spanned { value: scalar, span } = self.entry.pattern.as_ref()?;
        if element(self.entry.value.value) != Scalar::String {
            let message = format!("`{}` holds no strings, so it cannot have a pattern", self.entry.name.value);
            self.error(code::FIELD_OPTIONS, *span, message, "leave `pattern` out, or make it a string");
            return None;
        }
        Some(Pattern { text: scalar.text.clone(), map: ScalarText::new(scalar, *span, self.context.sources) })
    }
}

const fn described(kind: Scalar) -> &'static str {
    match kind {
        Scalar::String => "a string: put it in quotes",
        Scalar::Int => "an integer",
        Scalar::Double => "a number",
        Scalar::Bool => "`true` or `false`",
        Scalar::Any => "a value",
    }
}

/// Returns the JSON text of a YAML scalar as a value of this type, or `None` if it has another type.
fn json_text(kind: Scalar, scalar: &yaml::Scalar) -> Option<String> {
    let string = || scalar.is_string().then(|| serde_json::Value::from(scalar.text.as_str()).to_string());
    let int = || scalar.as_int().map(|n| n.to_string());
    let double = || scalar.as_double().map(|n| serde_json::Value::from(n).to_string());
    let bool = || scalar.as_bool().map(|b| b.to_string());
    match kind {
        Scalar::String => string(),
        Scalar::Int => int(),
        Scalar::Double => int().or_else(double),
        Scalar::Bool => bool(),
        Scalar::Any => string().or_else(bool).or_else(int).or_else(double),
    }
}
