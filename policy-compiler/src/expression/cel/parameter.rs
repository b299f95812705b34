//! Constants with names: the parameters of the mesh.

use context_mesh_core::artifact::tables::ScalarConstant;

use super::types::Type;

/// The value of a parameter. An expression that names it reads as if the value were written there.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterValue {
    /// A string, an integer, a double or a bool.
    One(ScalarConstant),
    /// A list of one of these types, which is not empty.
    List(Vec<ScalarConstant>),
}

impl ParameterValue {
    /// Whether both have one type.
    pub fn is_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(a), Self::One(b)) => same_type(a, b),
            (Self::List(a), Self::List(b)) => a.first().zip(b.first()).is_some_and(|(a, b)| same_type(a, b)),
            _ => false,
        }
    }

    /// Returns its type.
    pub fn type_of(&self) -> Type {
        match self {
            Self::One(value) => scalar_type(value),
            Self::List(values) => Type::list(values.first().map_or(Type::Dyn, scalar_type)),
        }
    }
}

/// Whether two constants have one type.
pub(crate) fn same_type(a: &ScalarConstant, b: &ScalarConstant) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// Returns the type of a constant of a document.
pub(super) fn scalar_type(value: &ScalarConstant) -> Type {
    match value {
        ScalarConstant::Int(_) => Type::Int,
        ScalarConstant::Double(_) => Type::Double,
        ScalarConstant::Bool(_) => Type::Bool,
        _ => Type::String,
    }
}
