//! A light reading of the text into tokens, beside the real parser.
//!
//! It serves three ends: it bounds the depth before the parser recurses, it tells where a bracket closes
//! (the parser keeps only one token a node), and it finds the mistakes that people make in words that help.

/// What a token is, as far as anyone here asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, or a word like `true`.
    Word,
    /// A number.
    Number,
    /// A string or bytes literal.
    Text,
    /// An operator, a bracket or another sign.
    Sign,
    /// A string without its end.
    OpenText,
    /// A character that CEL does not know.
    Unknown,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    pub(super) text: &'t str,
    /// First byte in the text.
    pub(super) start: usize,
}

impl Token<'_> {
    /// First byte behind it.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether an operand can end with it, so that an operator or a closing bracket may follow.
    pub(super) fn ends_operand(&self) -> bool {
        match self.kind {
            TokenKind::Word => self.text != "in",
            TokenKind::Sign => matches!(self.text, ")" | "]" | "}"),
            _ => true,
        }
    }
}

const SIGNS: &[&str] = &[
    "===", "!==", "<>", "=~", "&&", "||", "==", "!=", "<=", ">=", "<", ">", "=", "!", "&", "|", "(", ")", "[", "]",
    "{", "}", ".", ",", "?", ":", "+", "-", "*", "/", "%",
];

/// Splits the text. White space and comments are left out; nothing is refused.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length) = next(rest);
        if let (Some(kind), Some(text)) = (kind, rest.get(..length)) {
            out.push(Token { kind, text, start: at });
        }
        at += length;
    }
    out
}

/// Kind (`None` for what is left out) and length in bytes of what `rest` begins with.
fn next(rest: &str) -> (Option<TokenKind>, usize) {
    let first = rest.chars().next().unwrap_or(' ');
    if first.is_whitespace() {
        return (None, first.len_utf8());
    }
    if rest.starts_with("//") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(found) = string(rest) {
        return found;
    }
    if first == '_' || first.is_ascii_alphabetic() {
        return (Some(TokenKind::Word), span(rest, |c| c == '_' || c.is_ascii_alphanumeric()));
    }
    if first == '`' {
        let length = rest.get(1..).and_then(|tail| tail.find('`')).map_or(1, |end| end + 2);
        return (Some(if length > 1 { TokenKind::Word } else { TokenKind::Unknown }), length);
    }
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    if digit(Some(first)) || (first == '.' && digit(rest.chars().nth(1))) {
        return (Some(TokenKind::Number), number(rest));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(sign) => (Some(TokenKind::Sign), sign.len()),
        None => (Some(TokenKind::Unknown), first.len_utf8()),
    }
}

fn span(rest: &str, belongs: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !belongs(c)).unwrap_or(rest.len())
}

fn number(rest: &str) -> usize {
    if rest.starts_with("0x") {
        return 2 + span(rest.get(2..).unwrap_or(""), |c| c.is_ascii_alphanumeric());
    }
    let bytes = rest.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let digits = |mut at: usize| {
        while digit(at) {
            at += 1;
        }
        at
    };
    let mut at = digits(0);
    if bytes.get(at) == Some(&b'.') && digit(at + 1) {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digit(at + 1 + sign) {
            at = digits(at + 1 + sign);
        }
    }
    at + usize::from(matches!(bytes.get(at), Some(b'u' | b'U')))
}

/// A string or bytes literal, with its prefix.
fn string(rest: &str) -> Option<(Option<TokenKind>, usize)> {
    let prefix = span(rest, |c| matches!(c, 'r' | 'R' | 'b' | 'B'));
    let raw = rest.get(..prefix)?.contains(['r', 'R']);
    let body = rest.get(prefix..).filter(|_| prefix <= 2)?;
    let quote = body.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let triple = quote.to_string().repeat(3);
    let (delimiter, lines) = if body.starts_with(&triple) { (triple.as_str(), true) } else { (&triple[..1], false) };
    let mut at = delimiter.len();
    while let Some(tail) = body.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(delimiter) {
            return Some((Some(TokenKind::Text), prefix + at + delimiter.len()));
        }
        let first = tail.chars().next()?;
        if first == '\n' && !lines {
            break;
        }
        at += first.len_utf8();
        if first == '\\' && !raw {
            at += body.get(at..).and_then(|tail| tail.chars().next()).map_or(0, char::len_utf8);
        }
    }
    Some((Some(TokenKind::OpenText), prefix + at))
}

/// For each token that opens or closes a bracket, the number of its partner.
pub(super) fn brackets(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut partners = vec![None; tokens.len()];
    let mut open: Vec<usize> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match (token.kind, token.text) {
            (TokenKind::Sign, "(" | "[" | "{") => open.push(index),
            (TokenKind::Sign, ")" | "]" | "}") => {
                if let Some(opener) = open.pop() {
                    partners[opener] = Some(index);
                    partners[index] = Some(opener);
                }
            }
            _ => {}
        }
    }
    partners
}

/// What one bracket level holds so far.
#[derive(Default)]
struct Level {
    /// Depth of the operand that is being read.
    operand: usize,
    /// Depth of the operators before it, up to the last `,`, `&&` or `||`.
    operators: usize,
    /// The deepest part before that.
    deepest: usize,
    /// How many conditionals it holds; they nest to the right.
    conditionals: usize,
}

impl Level {
    fn close(&self) -> usize {
        self.deepest.max(self.operand + self.operators) + self.conditionals
    }
}

/// An upper bound for the depth of the syntax tree.
pub(super) fn depth(tokens: &[Token<'_>]) -> usize {
    let mut levels = vec![Level::default()];
    for token in tokens {
        let Some(level) = levels.last_mut() else { break };
        match (token.kind, token.text) {
            (TokenKind::Sign, "(" | "[" | "{") => levels.push(Level::default()),
            (TokenKind::Sign, ")" | "]" | "}") => {
                let inner = level.close();
                levels.pop();
                match levels.last_mut() {
                    Some(outer) => outer.operand = outer.operand.max(inner) + 1,
                    None => levels.push(Level { deepest: inner, ..Level::default() }),
                }
            }
            (TokenKind::Sign, ".") => level.operand += 1,
            (TokenKind::Sign, "," | "&&" | "||" | "?" | ":") => {
                level.deepest = level.deepest.max(level.operand + level.operators + 1);
                (level.operand, level.operators) = (0, 0);
                level.conditionals += usize::from(token.text == "?");
            }
            (TokenKind::Sign, "!") => {}
            (TokenKind::Sign, _) | (TokenKind::Word, "in") => {
                level.operators = level.operators.max(level.operand) + 1;
                level.operand = 0;
            }
            _ => {}
        }
    }
    levels.iter().map(|level| level.close() + 1).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_split_as_the_parser_splits_them() {
        let cases = [
            ("a.b == 'x\\'y'", "a|.|b|==|'x\\'y'"),
            ("r'\\' in [1.5e-3, 0x1Fu, .5]", "r'\\'|in|[|1.5e-3|,|0x1Fu|,|.5|]"),
            ("a // b\n && !c", "a|&&|!|c"),
            ("b'''x\n'y'''.size()", "b'''x\n'y'''|.|size|(|)"),
            ("rb == 1", "rb|==|1"),
            ("a.`b-c`?'é':\"\"", "a|.|`b-c`|?|'é'|:|\"\""),
            ("'open", "'open"),
            ("1.2.3", "1.2|.3"),
        ];
        for (text, expected) in cases {
            let split: Vec<&str> = tokens(text).iter().map(|token| token.text).collect();
            assert_eq!(split.join("|"), expected, "{text}");
        }
    }

    #[test]
    fn depth_counts_brackets_chains_and_conditionals() {
        let deep = |text: &str| depth(&tokens(text));
        assert!(deep("a.b.c == 'x'") <= 4);
        assert!(deep(&format!("a{}", " && a.b == 'c'".repeat(1000))) < 8, "conjunctions are balanced");
        for text in [
            format!("{}1{}", "(".repeat(100), ")".repeat(100)),
            "(".repeat(100),
            format!("a{}", ".b".repeat(100)),
            format!("{}1", "a?b:".repeat(100)),
            format!("1{}", "+1".repeat(100)),
            format!("{}a{}", "(".repeat(20), ".b.c.d.e.f)".repeat(20)),
        ] {
            assert!(deep(&text) >= 100, "{text}");
        }
    }
}
