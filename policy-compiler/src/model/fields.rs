//! Fields: those that the schemas declare, and `caller`.

use std::collections::HashMap;

use context_mesh_core::{
    artifact::tables::{FieldTable, FieldType, Merge, Scalar},
    context::CALLER,
    limits::MAX_FIELD_NAME_BYTES,
};

use super::{Context, Directory, Owner, Pattern, headers};
use crate::{
    diagnostic::{Diagnostic, Diagnostics, code},
    document::{FieldEntry, Schema},
    source::{Span, Spanned},
    yaml::{self, ScalarText},
};

/// A field that a context may have.
#[derive(Debug, Clone)]
pub struct Field {
    /// What the artifact says of it, without its pattern.
    pub table: FieldTable,
    /// What its strings must match as a whole.
    pub pattern: Option<Pattern>,
    /// Where it is declared; `None` for `caller` if no schema declares it.
    pub span: Option<Span>,
}

/// Names that CEL reserves: `context.<name>` could not be written.
const CEL_RESERVED: [&str; 19] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "while",
];

pub(super) fn check(
    schemas: Vec<Schema>,
    directory: &Directory,
    context: &Context<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Field> {
    let mut fields: HashMap<String, Field> = HashMap::new();
    let mut by_header: HashMap<String, Span> = HashMap::new();
    for schema in schemas {
        let owner = directory.owner(&schema.metadata, context, diagnostics);
        for entry in schema.fields {
            if let Some(first) = fields.get(&entry.name.value).and_then(|field| field.span) {
                let message = format!("the field `{}` is declared twice", entry.name.value);
                let problem = Diagnostic::error(code::DUPLICATE_NAME, entry.name.span, message);
                diagnostics.push(problem.label(first, "the first one").help("all schemas share one set of fields"));
                continue;
            }
            let field = Checker { entry: &entry, context, diagnostics }.field(owner, &mut by_header);
            fields.insert(entry.name.value.clone(), field);
        }
    }
    fields.entry(CALLER.to_owned()).or_insert_with(caller);
    let mut fields: Vec<Field> = fields.into_values().collect();
    fields.sort_by(|a, b| a.table.name.cmp(&b.table.name));
    fields
}

/// The field that every context can have without being declared.
fn caller() -> Field {
    let table = FieldTable { name: CALLER.to_owned(), value: FieldType::One(Scalar::String), ..FieldTable::default() };
    Field { table, pattern: None, span: None }
}

/// Type of the single values in a field.
const fn element(value: FieldType) -> Scalar {
    match value {
        FieldType::One(scalar) | FieldType::List(scalar) | FieldType::Map(scalar) => scalar,
    }
}

struct Checker<'a, 'c> {
    entry: &'a FieldEntry,
    context: &'a Context<'c>,
    diagnostics: &'a mut Diagnostics,
}

impl Checker<'_, '_> {
    fn field(&mut self, owner: Owner, by_header: &mut HashMap<String, Span>) -> Field {
        self.check_name();
        self.check_options();
        let entry = self.entry;
        let table = FieldTable {
            name: entry.name.value.clone(),
            value: entry.value.value,
            required: entry.required,
            immutable: entry.immutable,
            merge: entry.merge.value,
            pattern: None,
            allowed: self.allowed(),
            max_bytes: entry.max_bytes,
            header: self.header(by_header),
            owner: if let Owner::Domain(index) = owner { Some(index) } else { None },
            classification: entry.classification,
            ..FieldTable::default()
        };
        let (pattern, span) = (self.pattern(), Some(entry.name.span));
        Field { table, pattern, span }
    }

    fn error(&mut self, code: &'static str, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(code, span, message).help(help));
    }

    fn check_name(&mut self) {
        let name = &self.entry.name;
        let first = |c: char| c.is_ascii_alphabetic() || c == '_';
        let identifier =
            name.value.starts_with(first) && name.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !identifier || name.value.len() > MAX_FIELD_NAME_BYTES {
            let message = format!("`{}` is not the name of a field", name.value);
            let help = format!(
                "use 1 to {MAX_FIELD_NAME_BYTES} letters, digits and `_`, not beginning with a digit, so that CEL can read it"
            );
            self.error(code::INVALID_VALUE, name.span, message, help);
        } else if CEL_RESERVED.contains(&name.value.as_str()) {
            let message = format!("`{}` cannot be the name of a field", name.value);
            self.error(code::RESERVED_NAME, name.span, message, "CEL reserves this word; use another one");
        }
    }

    fn check_options(&mut self) {
        let FieldEntry { name, value, merge, .. } = self.entry;
        if name.value == CALLER && value.value != FieldType::One(Scalar::String) {
            let help = "the mesh sets it to the name of a service: declare it as `string`, or not at all";
            self.error(code::RESERVED_NAME, value.span, "`caller` is always a string", help);
        }
        if merge.value == Merge::Union && !matches!(value.value, FieldType::List(_)) {
            let message = "only lists can be merged by `union`";
            self.error(code::FIELD_OPTIONS, merge.span, message, "use `replace` or `keep`, or make it a list");
        }
    }

    /// The allowed values as JSON texts; those of another type than the field are reported.
    fn allowed(&mut self) -> Vec<String> {
        let kind = element(self.entry.value.value);
        let mut texts = Vec::new();
        for value in &self.entry.allowed {
            match json_text(kind, &value.value) {
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

    fn header(&mut self, by_header: &mut HashMap<String, Span>) -> Option<String> {
        let Spanned { value, span } = self.entry.header.as_ref()?;
        let header = value.to_ascii_lowercase();
        if let Some(why) = headers::reserved(&header) {
            let message = format!("the header `{header}` is reserved: {why}");
            self.error(code::RESERVED_NAME, *span, message, format!("use another one, for example `x-ctx-{header}`"));
            return None;
        }
        if !headers::is_name(&header) {
            let help = "use letters, digits, `-`, `_` and `.`";
            self.error(code::INVALID_VALUE, *span, format!("`{value}` is not the name of a header"), help);
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

/// The JSON text of a YAML scalar as a value of this type; `None` if it is of another type.
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
