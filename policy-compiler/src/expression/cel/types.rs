//! CEL's types, printed as in cel-go.

use std::fmt;

use context_mesh_core::artifact::tables::{FieldType, Scalar};

/// The static type of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// The type of `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// A signed 64-bit integer.
    Int,
    /// An unsigned 64-bit integer.
    Uint,
    /// A 64-bit floating point number.
    Double,
    /// Unicode text.
    String,
    /// Bytes.
    Bytes,
    /// A list of values of one type.
    List(Box<Type>),
    /// A map from keys of one type to values of one type.
    Map(Box<Type>, Box<Type>),
    /// A point in time.
    Timestamp,
    /// A span of time.
    Duration,
    /// The type of a type.
    Type,
    /// A value that may be missing.
    Optional(Box<Type>),
    /// An IP address.
    Ip,
    /// A range of IP addresses.
    Cidr,
    /// A type variable, numbered by `infer::Inference`. The checker leaves none behind.
    Var(u32),
    /// Known only at run time.
    Dyn,
    /// Unknown because of a problem that has already been reported. It fits everywhere, so that one mistake is reported
    /// once.
    Error,
}

impl Type {
    /// Returns the type of a list of `element`.
    pub fn list(element: Self) -> Self {
        Self::List(Box::new(element))
    }

    /// Returns the type of a map from `key` to `value`.
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    /// Returns the type of an optional of `of`.
    pub fn optional(of: Self) -> Self {
        Self::Optional(Box::new(of))
    }

    /// Returns the type's parameters.
    pub(super) fn parameters(&self) -> Vec<&Self> {
        match self {
            Self::List(of) | Self::Optional(of) => vec![of],
            Self::Map(key, value) => vec![key, value],
            _ => Vec::new(),
        }
    }

    /// Whether it may be any type.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error | Self::Var(_))
    }

    /// Whether the types are compatible: equal, with `dyn` compatible with anything at any depth.
    pub fn fits(&self, other: &Self) -> bool {
        match (self, other) {
            _ if self.is_open() || other.is_open() => true,
            (Self::List(a), Self::List(b)) | (Self::Optional(a), Self::Optional(b)) => a.fits(b),
            (Self::Map(a, b), Self::Map(c, d)) => a.fits(c) && b.fits(d),
            (Self::Null, other) | (other, Self::Null) => other.takes_null(),
            (a, b) => a == b,
        }
    }

    /// Whether `null` is one of its values, as in cel-go.
    pub(super) fn takes_null(&self) -> bool {
        matches!(
            self,
            Self::Null
                | Self::Timestamp
                | Self::Duration
                | Self::Optional(_)
                | Self::Ip
                | Self::Cidr
                | Self::Dyn
                | Self::Error
        )
    }

    /// Whether it is one of the three number types.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Uint => f.write_str("uint"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Bytes => f.write_str("bytes"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::Type => f.write_str("type"),
            Self::Optional(of) => write!(f, "optional({of})"),
            Self::Ip => f.write_str("net.IP"),
            Self::Cidr => f.write_str("net.CIDR"),
            Self::Dyn | Self::Var(_) => f.write_str("dyn"),
            Self::Error => f.write_str("!error!"),
        }
    }
}

impl From<Scalar> for Type {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::String => Self::String,
            Scalar::Int => Self::Int,
            Scalar::Double => Self::Double,
            Scalar::Bool => Self::Bool,
            Scalar::Any => Self::Dyn,
        }
    }
}

impl From<FieldType> for Type {
    fn from(field: FieldType) -> Self {
        match field {
            FieldType::One(scalar) => scalar.into(),
            FieldType::List(scalar) => Self::list(scalar.into()),
            FieldType::Map(scalar) => Self::map(Self::String, scalar.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_print_as_in_cel_go() {
        let cases = [
            (Type::list(Type::String), "list(string)"),
            (Type::map(Type::String, Type::list(Type::Dyn)), "map(string, list(dyn))"),
            (Type::from(FieldType::Map(Scalar::Any)), "map(string, dyn)"),
        ];
        for (ty, printed) in cases {
            assert_eq!(ty.to_string(), printed);
        }
    }

    #[test]
    fn dyn_fits_at_any_depth() {
        let (open, closed) = (Type::list(Type::Dyn), Type::list(Type::Int));
        assert!(open.fits(&closed) && !closed.fits(&Type::list(Type::Double)));
    }
}
