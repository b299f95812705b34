//! The names that an expression may use, with their types.

use std::collections::BTreeMap;
use std::sync::Arc;

use context_mesh_core::artifact::tables::{FieldType, Scalar};

use super::types::Type;

/// What an expression is checked against: the fields of the schemas, the attributes of Envoy and of the
/// mesh, and the variables of a policy.
///
/// Cheap to clone, so that one environment of a tree serves as the start for that of every policy.
#[derive(Debug, Clone)]
pub struct Environment {
    fields: Arc<BTreeMap<String, FieldType>>,
    variables: BTreeMap<String, (Type, u32)>,
}

impl Environment {
    /// An environment with the declared fields of the context. `caller` is always declared, as a string.
    pub fn new(fields: impl IntoIterator<Item = (String, FieldType)>) -> Self {
        let mut all: BTreeMap<String, FieldType> = fields.into_iter().collect();
        all.insert("caller".to_owned(), FieldType::One(Scalar::String));
        Self { fields: Arc::new(all), variables: BTreeMap::new() }
    }

    /// The same with a variable: its type, and the number that [`crate::codegen::Builder::variable`] gave it.
    /// The variable replaces one of that name.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, ty: Type, index: u32) -> Self {
        self.variables.insert(name.into(), (ty, index));
        self
    }

    pub(super) fn field(&self, name: &str) -> Option<FieldType> {
        self.fields.get(name).copied()
    }

    pub(super) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    pub(super) fn variable(&self, name: &str) -> Option<&(Type, u32)> {
        self.variables.get(name)
    }

    pub(super) fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}
