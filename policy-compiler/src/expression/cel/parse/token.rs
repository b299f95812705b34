//! Tokens: the smallest parts of a text, with their places.

use super::operator::Binary;
use super::tree::Place;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name.
    Word,
    /// A name of a field, in backticks.
    Quoted,
    /// `true`, `false` or `null`.
    Constant,
    /// A number without a sign.
    Number,
    /// A string or bytes literal.
    Text,
    /// An operator between operands; `-` is not among them.
    Binary(Binary),
    Minus,
    Not,
    Dot,
    Comma,
    Question,
    Colon,
    Open(Bracket),
    Close(Bracket),
    /// What CEL does not have; the lexer has reported it.
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
    /// What is written; nothing for the end, and for a bracket that is missing.
    pub(super) text: &'t str,
    pub(super) place: Place,
}

impl Token<'_> {
    /// Checks whether an operand can begin with the token.
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

    /// Checks whether nothing stands between two tokens.
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

/// Checks whether a word is reserved, so that nothing can be called by it.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}
