//! Atoms: the tests of one attribute that an index can look up.

use context_mesh_core::artifact::tables::{Attribute, Constant, ScalarConstant};

use super::{Comparison, Node, Pattern, TextTest};

/// A test of one attribute against constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Atom<'n> {
    /// The attribute.
    pub attribute: &'n Attribute,
    /// What its value must be.
    pub test: Test<'n>,
}

/// What the value of an attribute must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Test<'n> {
    /// Equal to a constant.
    Equals(&'n ScalarConstant),
    /// One of these strings, which are sorted and distinct.
    OneOf(&'n [String]),
    /// A text that begins like this.
    Prefix(&'n str),
    /// A text that ends like this.
    Suffix(&'n str),
    /// A text in which this regex is found.
    Regex(&'n Pattern),
    /// A list with this element, or a map with this key.
    Holds(&'n ScalarConstant),
    /// There.
    Present,
}

impl Node {
    /// The atom that this is, if it is one.
    pub fn atom(&self) -> Option<Atom<'_>> {
        let (attribute, test) = match self {
            Self::Has(attribute) => return Some(Atom { attribute, test: Test::Present }),
            Self::Compare(Comparison::Equal, pair) => (&pair[0], Test::Equals(pair[1].scalar()?)),
            Self::Text(TextTest::Prefix, pair) => (&pair[0], Test::Prefix(pair[1].as_str()?)),
            Self::Text(TextTest::Suffix, pair) => (&pair[0], Test::Suffix(pair[1].as_str()?)),
            Self::Matches(of, pattern) => (&**of, Test::Regex(pattern)),
            Self::In(pair) => match &**pair {
                [of, Self::Constant(Constant::StringSet(words))] => (of, Test::OneOf(words)),
                [value, of] => (of, Test::Holds(value.scalar()?)),
            },
            _ => return None,
        };
        match attribute {
            Self::Attribute(attribute) => Some(Atom { attribute, test }),
            _ => None,
        }
    }
}
