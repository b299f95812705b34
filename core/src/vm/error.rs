//! CEL errors: small, copyable, without any data of the request.

/// An error of a condition. It is a value: `&&`, `||` and the conditional absorb or pass it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalError {
    /// What went wrong.
    pub kind: EvalErrorKind,
}

/// What went wrong while a condition ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EvalErrorKind {
    /// An attribute has no value in this request.
    NoValue,
    /// A map has no such key.
    NoSuchKey,
    /// A list is not that long.
    IndexOutOfRange,
    /// An operator does not take values of these types.
    NoSuchOverload,
    /// A string is not UTF-8.
    NotText,
    /// The bytes of an attribute do not have the type that Envoy documents.
    BadAttribute,
    /// The decision used up its fuel.
    OutOfFuel,
}

impl EvalErrorKind {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoValue => "no-value",
            Self::NoSuchKey => "no-such-key",
            Self::IndexOutOfRange => "index-out-of-range",
            Self::NoSuchOverload => "no-such-overload",
            Self::NotText => "not-text",
            Self::BadAttribute => "bad-attribute",
            Self::OutOfFuel => "out-of-fuel",
        }
    }
}

impl From<EvalErrorKind> for EvalError {
    fn from(kind: EvalErrorKind) -> Self {
        Self { kind }
    }
}
