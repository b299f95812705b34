//! Typed positions in the tables of an artifact, and the look-up that checks them.

use core::fmt;

use wincode::{SchemaRead, SchemaWrite};

/// Returns the item at a position, or `None` if the position is out of bounds.
pub fn get<T>(items: &[T], position: u32) -> Option<&T> {
    items.get(usize::try_from(position).ok()?)
}

/// Returns the item at a position for changing it, or `None` if the position is out of bounds.
pub fn get_mut<T>(items: &mut [T], position: u32) -> Option<&mut T> {
    items.get_mut(usize::try_from(position).ok()?)
}

/// Returns the position of an item in the format of artifacts, or `None` beyond 32 bits, which no limited list reaches.
pub fn position(index: usize) -> Option<u32> {
    u32::try_from(index).ok()
}

macro_rules! indices {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, SchemaRead, SchemaWrite)]
        pub struct $name(pub u32);

        impl $name {
            /// Returns the item at this position, or `None` if it is out of bounds.
            pub fn get<T>(self, items: &[T]) -> Option<&T> {
                get(items, self.0)
            }
        }

        impl From<u32> for $name {
            fn from(index: u32) -> Self {
                Self(index)
            }
        }

        impl From<$name> for u32 {
            fn from(index: $name) -> Self {
                index.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

indices! {
    /// A rule: a position in [`Tables::rules`](crate::tables::Tables::rules).
    RuleIndex;
    /// A service: a position in [`Tables::services`](crate::tables::Tables::services).
    ServiceIndex;
    /// A program: a position in [`ProgramTable::programs`](crate::tables::ProgramTable::programs).
    ProgramIndex;
    /// A pattern: a position in [`Tables::regexes`](crate::tables::Tables::regexes).
    PatternIndex;
    /// A variable: a position in [`ProgramTable::variables`](crate::tables::ProgramTable::variables).
    VariableIndex;
    /// A constant: a position in [`ProgramTable::constants`](crate::tables::ProgramTable::constants).
    ConstantIndex;
    /// An attribute that the code reads: a position in [`ProgramTable::attributes`](crate::tables::ProgramTable::attributes).
    AttributeIndex;
}
