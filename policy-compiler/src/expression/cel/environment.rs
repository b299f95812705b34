//! The names that an expression may use, with their types.

use context_mesh_core::index::VariableIndex;
use std::collections::BTreeMap;
use std::sync::Arc;

use context_mesh_core::artifact::tables::{FieldType, Scalar};

use super::parameter::ParameterValue;
use super::types::Type;

/// The declarations that an expression is checked against: the fields of the schemas, the attributes of Envoy and of
/// the mesh, and the variables of a policy.
///
/// Cheap to clone, so that one environment of a tree is the start for that of every policy.
#[derive(Debug, Clone)]
pub struct Environment {
    names: Names,
    fields: Arc<BTreeMap<String, FieldType>>,
    /// The claims of verified tokens: the path in the metadata of the proxy, and the type.
    claims: Arc<BTreeMap<String, (Vec<String>, FieldType)>>,
    /// Constants with names.
    parameters: Arc<BTreeMap<String, ParameterValue>>,
    variables: BTreeMap<String, (Type, VariableIndex)>,
    container: String,
    lenient: bool,
}

/// What names refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Fields and attributes; variables after `variables.`.
    Mesh,
    /// Variables only, under their own names, which may have dots.
    Plain,
}

impl Environment {
    /// Creates an environment with the declared fields of the context. `caller` is always declared, as a string.
    pub fn new(fields: impl IntoIterator<Item = (String, FieldType)>) -> Self {
        let mut all: BTreeMap<String, FieldType> = fields.into_iter().collect();
        all.insert("caller".to_owned(), FieldType::One(Scalar::String));
        Self { names: Names::Mesh, fields: Arc::new(all), ..Self::plain("") }
    }

    /// Creates an environment of the language alone: no attributes, and variables under their own names, which may have
    /// dots. Names are looked up in the container (a namespace, for example `acme.payments`) first, then in the
    /// enclosing ones.
    pub fn plain(container: impl Into<String>) -> Self {
        Self {
            names: Names::Plain,
            fields: Arc::default(),
            claims: Arc::default(),
            parameters: Arc::default(),
            variables: BTreeMap::new(),
            container: container.into(),
            lenient: false,
        }
    }

    /// Adds the claims of verified tokens: name, path in the metadata of the proxy, and type of each.
    #[must_use]
    pub fn with_claims(mut self, claims: impl IntoIterator<Item = (String, (Vec<String>, FieldType))>) -> Self {
        self.claims = Arc::new(claims.into_iter().collect());
        self
    }

    /// Adds constants that expressions read as `parameters.NAME`.
    #[must_use]
    pub fn with_parameters(mut self, parameters: impl IntoIterator<Item = (String, ParameterValue)>) -> Self {
        self.parameters = Arc::new(parameters.into_iter().collect());
        self
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        self.parameters.get(name)
    }

    pub(super) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.keys().map(String::as_str)
    }

    /// Adds a variable: its type, and the number returned by [`crate::expression::codegen::Builder::variable`]. It
    /// replaces a variable of the same name.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<String>, ty: Type, index: VariableIndex) -> Self {
        self.variables.insert(name.into(), (ty, index));
        self
    }

    /// Disables the static check: every type is `dyn`, and an undeclared name is an error only at run time. What cannot
    /// be compiled is still a problem.
    #[must_use]
    pub fn without_check(mut self) -> Self {
        self.lenient = true;
        self
    }

    pub(super) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Whether the fields of the context and the attributes of requests are declared.
    pub(super) fn has_attributes(&self) -> bool {
        self.names == Names::Mesh
    }

    /// Returns the full names that a name may refer to, in the order in which they are tried.
    pub(super) fn candidates<'n>(&'n self, name: &'n str) -> impl Iterator<Item = String> + 'n {
        let (name, container) = match name.strip_prefix('.') {
            Some(rooted) => (rooted, ""),
            None => (name, self.container.as_str()),
        };
        let around = std::iter::successors(Some(container).filter(|container| !container.is_empty()), |container| {
            container.rsplit_once('.').map(|(outer, _)| outer)
        });
        around.map(move |container| format!("{container}.{name}")).chain([name.to_owned()])
    }

    pub(super) fn field(&self, name: &str) -> Option<FieldType> {
        self.fields.get(name).copied()
    }

    pub(super) fn claim(&self, name: &str) -> Option<&(Vec<String>, FieldType)> {
        self.claims.get(name)
    }

    pub(super) fn claim_names(&self) -> impl Iterator<Item = &str> {
        self.claims.keys().map(String::as_str)
    }

    pub(super) fn field_names(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }

    pub(super) fn variable(&self, name: &str) -> Option<&(Type, VariableIndex)> {
        self.variables.get(name)
    }

    pub(super) fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_looked_up_from_the_innermost_name_space() {
        let environment = Environment::plain("a.b");
        let candidates = |name| environment.candidates(name).collect::<Vec<_>>();
        assert_eq!(candidates("x"), ["a.b.x", "a.x", "x"]);
        assert_eq!(candidates(".x"), ["x"]);
        assert_eq!(Environment::plain("").candidates("x").collect::<Vec<_>>(), ["x"]);
    }
}
