//! CEL errors: small, copyable, without any data from the request.

/// An error of a condition. It is a value: `&&`, `||` and the conditional operator absorb it or propagate it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalError {
    /// The kind of the error.
    pub kind: EvalErrorKind,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $number:literal $kind:ident $name:literal;)+) => {
        /// The kind of an error of a condition.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum EvalErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl EvalErrorKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// Returns the name in reports. It stays the same in all releases.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)+ }
            }

            /// Returns its meaning, for documents.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$kind => concat!($($doc),+),)+ }
            }

            /// Returns the number in bytecode.
            pub const fn number(self) -> u32 {
                match self { $(Self::$kind => $number,)+ }
            }

            /// Returns the error with this number.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$kind),)+
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// An attribute has no value in this request.
    1 NoValue "no-value";
    /// A map has no such key.
    2 NoSuchKey "no-such-key";
    /// A list or a string is not that long.
    3 IndexOutOfRange "index-out-of-range";
    /// An operator or a function does not take values of these types.
    4 NoSuchOverload "no-such-overload";
    /// A string is not UTF-8.
    5 NotText "not-text";
    /// The bytes of an attribute do not have the type that Envoy documents.
    6 BadAttribute "bad-attribute";
    /// The decision used up its fuel.
    7 OutOfFuel "out-of-fuel";
    /// A result does not fit its type.
    8 Overflow "overflow";
    /// A division, or a remainder, by zero.
    9 DivisionByZero "division-by-zero";
    /// A map has a duplicate key.
    10 DuplicateKey "duplicate-key";
    /// The key of a map is not an int, uint, string or bool.
    11 UnsupportedKey "unsupported-key";
    /// An argument does not have the form that its function requires.
    12 InvalidArgument "invalid-argument";
    /// An empty optional was asked for its value.
    13 EmptyOptional "empty-optional";
    /// The values that the conditions of one decision make exceed their memory limit.
    14 OutOfMemory "out-of-memory";
    /// A value is nested too deeply.
    15 TooDeep "too-deep";
    /// A name that nothing declares.
    16 Undeclared "undeclared";
    /// A header is repeated: readers take the first, the last, or all of them joined.
    17 Repeated "repeated";
    /// A value has more than one reading: a query parameter or cookie that frameworks read differently.
    18 Ambiguous "ambiguous";
    /// A header is longer than the limit of the mesh for conditions, or there are too many parameters or cookies.
    19 TooLong "too-long";
}

impl From<EvalErrorKind> for EvalError {
    fn from(kind: EvalErrorKind) -> Self {
        Self { kind }
    }
}
