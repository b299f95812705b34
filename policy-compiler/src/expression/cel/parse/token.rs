//! Tokens: the smallest parts of a text, with their places.

use super::operator::Binary;
use super::tree::Place;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name.
    Word,
    /// A field name in backticks.
    Quoted,
    /// `true`, `false` or `null`.
    Constant,
    /// A number without a sign.
    Number,
    /// A string or bytes literal.
    Text,
    /// An operator between operands, except `-`.
    Binary(Binary),
    Minus,
    Not,
    Dot,
    Comma,
    Question,
    Colon,
    Open(Bracket),
    Close(Bracket),
    /// Something that CEL does not have; the lexer has reported it.
    Broken,
    /// The end of the text.
    End,
}

/// A kind of brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Round,
    Square,
    Curly,
}

impl Bracket {
    /// Returns the bracket that closes it.
    pub(super) fn closing(self) -> &'static str {
        match self {
            Self::Round => ")",
            Self::Square => "]",
            Self::Curly => "}",
        }
    }
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// Its text; empty for the end, and for a missing bracket.
    pub(super) text: &'t str,
    pub(super) place: Place,
}

impl Token<'_> {
    /// Checks whether the token can begin an operand.
    pub(super) fn begins_operand(&self) -> bool {
        matches!(
            self.kind,
            Kind::Word
                | Kind::Quoted
                | Kind::Constant
                | Kind::Number
                | Kind::Text
                | Kind::Not
                | Kind::Open(_)
                | Kind::Broken
        )
    }

    /// Checks whether there is nothing between two tokens.
    pub(super) fn touches(&self, next: &Token<'_>) -> bool {
        self.place.1 == next.place.0
    }
}

/// Words that are literals, or an operator.
pub(super) const KEYWORDS: &[&str] = &["false", "in", "null", "true"];

/// Words that CEL reserves without using them. A field may have such a name.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Checks whether a word is reserved and cannot be a name.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}
