//! The lexer. It reports what CEL does not have but still makes a token of it, so that the rest of the text can be
//! parsed.

use super::mistake;
use super::operator::Binary;
use super::token::{Bracket, KEYWORDS, Kind, Token};
use super::tree::Place;
use crate::expression::cel::problem::Problem;

/// Operators and punctuation, longer ones first.
const SIGNS: &[(&str, Kind)] = &[
    ("&&", Kind::Binary(Binary::And)),
    ("||", Kind::Binary(Binary::Or)),
    ("==", Kind::Binary(Binary::Equal)),
    ("!=", Kind::Binary(Binary::NotEqual)),
    ("<=", Kind::Binary(Binary::LessEqual)),
    (">=", Kind::Binary(Binary::GreaterEqual)),
    ("<", Kind::Binary(Binary::Less)),
    (">", Kind::Binary(Binary::Greater)),
    ("+", Kind::Binary(Binary::Add)),
    ("*", Kind::Binary(Binary::Multiply)),
    ("/", Kind::Binary(Binary::Divide)),
    ("%", Kind::Binary(Binary::Modulo)),
    ("-", Kind::Minus),
    ("!", Kind::Not),
    (".", Kind::Dot),
    (",", Kind::Comma),
    ("?", Kind::Question),
    (":", Kind::Colon),
    ("(", Kind::Open(Bracket::Round)),
    ("[", Kind::Open(Bracket::Square)),
    ("{", Kind::Open(Bracket::Curly)),
    (")", Kind::Close(Bracket::Round)),
    ("]", Kind::Close(Bracket::Square)),
    ("}", Kind::Close(Bracket::Curly)),
];

/// Operators of other languages, their CEL equivalents, and advice. They are tried first.
const FOREIGN_SIGNS: &[(&str, Binary, &str)] = &[
    ("===", Binary::Equal, "write `==` to compare"),
    ("!==", Binary::NotEqual, "write `!=` to compare"),
    ("<>", Binary::NotEqual, "write `!=` to compare"),
    ("=~", Binary::Equal, "write `text.matches('pattern')`"),
    ("=", Binary::Equal, "write `==` to compare"),
    ("&", Binary::And, "write `&&`"),
    ("|", Binary::Or, "write `||`"),
];

/// Typographic quotes, with the characters that close them.
const CURLY_QUOTES: &[(&str, &[char])] = &[("“", &['”']), ("„", &['“', '”']), ("‘", &['’']), ("«", &['»'])];

/// How far the end of a text in typographic quotes is searched for, so that many of them do not take long.
const MAX_CURLY_TEXT: usize = 200;

/// Splits the text into tokens, without white space and comments. Reports what CEL does not have.
pub(super) fn tokens<'t>(text: &'t str, problems: &mut Vec<Problem>) -> Vec<Token<'t>> {
    let mut lexer = Lexer { rest: text, at: 0, tokens: Vec::with_capacity(text.len() / 4 + 1), problems };
    while !lexer.rest.is_empty() {
        lexer.next();
    }
    lexer.tokens
}

struct Lexer<'t, 'p> {
    rest: &'t str,
    /// The index of the first character of `rest`.
    at: usize,
    tokens: Vec<Token<'t>>,
    problems: &'p mut Vec<Problem>,
}

impl<'t> Lexer<'t, '_> {
    fn next(&mut self) {
        let mut characters = self.rest.chars();
        let first = characters.next().unwrap_or(' ');
        match first {
            ' ' | '\t' | '\n' | '\r' | '\u{c}' => {
                self.take(leading(self.rest, |c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')));
            }
            '/' if characters.next() == Some('/') => {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            }
            '`' => self.quoted_name(),
            '0'..='9' => self.add(Kind::Number, number(self.rest)),
            '.' if characters.next().is_some_and(|next| next.is_ascii_digit()) => {
                self.add(Kind::Number, number(self.rest));
            }
            _ if self.string() => {}
            '_' | 'a'..='z' | 'A'..='Z' => self.word(),
            _ => self.sign(first),
        }
    }

    /// Takes `length` bytes of the text. Returns them and their place.
    fn take(&mut self, length: usize) -> (&'t str, Place) {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        let start = self.at;
        self.at += taken.chars().count();
        self.rest = rest;
        (taken, (start, self.at))
    }

    fn add(&mut self, kind: Kind, length: usize) {
        let (text, place) = self.take(length);
        self.tokens.push(Token { kind, text, place });
    }

    /// Adds a token that CEL does not have.
    fn broken(&mut self, kind: Kind, length: usize, problem: impl FnOnce(&str, Place) -> Problem) {
        self.add(kind, length);
        if let Some(token) = self.tokens.last() {
            self.problems.push(problem(token.text, token.place));
        }
    }

    fn word(&mut self) {
        let length = leading(self.rest, is_of_name);
        match self.rest.get(length..).and_then(|rest| rest.chars().next()) {
            Some(next) if next.is_alphanumeric() => self.foreign_word(),
            _ => {
                let word = self.rest.get(..length).unwrap_or_default();
                let kind = match word {
                    "in" => Kind::Binary(Binary::In),
                    word if KEYWORDS.contains(&word) => Kind::Constant,
                    _ => Kind::Word,
                };
                self.add(kind, length);
            }
        }
    }

    /// Reads a word with letters that names cannot have. Reports the first such letter.
    fn foreign_word(&mut self) {
        let length = leading(self.rest, |c| c == '_' || c.is_alphanumeric());
        self.broken(Kind::Broken, length, |word, (start, _)| {
            let before = word.chars().take_while(|c| is_of_name(*c)).count();
            let letter = word.chars().nth(before).map(String::from).unwrap_or_default();
            mistake::unknown_character(&letter, (start + before, start + before + 1))
        });
    }

    /// Reads a name in backticks.
    fn quoted_name(&mut self) {
        let name = self.rest.get(1..).unwrap_or_default();
        let length = leading(name, |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ' '));
        if length > 0 && name.get(length..).is_some_and(|rest| rest.starts_with('`')) {
            return self.add(Kind::Quoted, length + 2);
        }
        match leading(name, |c| c != '`' && c != '\n') {
            end if name.get(end..).is_some_and(|rest| rest.starts_with('`')) => {
                self.broken(Kind::Broken, end + 2, mistake::bad_quoted_name);
            }
            end => self.broken(Kind::Broken, end + 1, mistake::open_quoted_name),
        }
    }

    /// Reads a string or bytes literal, with its prefix, if there is one.
    fn string(&mut self) -> bool {
        let Some(found) = string(self.rest) else { return false };
        match found {
            (length, true) => self.add(Kind::Text, length),
            (length, false) => {
                let inner_quote = self.follows_a_quote_inside();
                self.broken(Kind::Broken, length, |_, place| mistake::open_string(place, inner_quote));
            }
        }
        true
    }

    /// Checks whether a quote directly follows a word that directly follows a string, as the last one of `'it's'` does.
    fn follows_a_quote_inside(&self) -> bool {
        let [.., text, word] = self.tokens.as_slice() else { return false };
        let words = matches!((text.kind, word.kind), (Kind::Text, Kind::Word));
        words && text.touches(word) && word.place.1 == self.at
    }

    fn sign(&mut self, first: char) {
        if let Some((sign, meant, help)) = FOREIGN_SIGNS.iter().find(|(sign, ..)| self.is_foreign(sign)) {
            let kind = Kind::Binary(*meant);
            return self.broken(kind, sign.len(), |sign, place| mistake::foreign_operator(sign, place).help(*help));
        }
        if let Some((sign, kind)) = SIGNS.iter().find(|(sign, _)| self.rest.starts_with(sign)) {
            return self.add(*kind, sign.len());
        }
        if first.is_whitespace() || is_invisible(first) {
            let (_, place) = self.take(first.len_utf8());
            return self.problems.push(mistake::foreign_space(first, place));
        }
        if first.is_alphanumeric() {
            return self.foreign_word();
        }
        if let Some(length) = curly_string(self.rest) {
            return self.broken(Kind::Broken, length, mistake::curly_quotes);
        }
        self.broken(Kind::Broken, first.len_utf8(), mistake::unknown_character);
    }

    /// Checks whether this operator of other languages is next, and not an operator of CEL that begins with it.
    fn is_foreign(&self, sign: &str) -> bool {
        let doubled = matches!(sign, "=" | "&" | "|") && self.rest.get(1..).is_some_and(|rest| rest.starts_with(sign));
        self.rest.starts_with(sign) && !doubled
    }
}

/// Returns the number of bytes at the beginning of the text that belong.
fn leading(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn is_of_name(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}

/// Whether a character has no width, as copied text may contain.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Returns the length of the number at the beginning of the text.
fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let is = |at: usize, belongs: fn(&u8) -> bool| bytes.get(at).is_some_and(belongs);
    let all = |mut at: usize, belongs: fn(&u8) -> bool| {
        while is(at, belongs) {
            at += 1;
        }
        at
    };
    let unsigned = |at: usize| at + usize::from(is(at, |byte| matches!(byte, b'u' | b'U')));
    if rest.starts_with("0x") && is(2, u8::is_ascii_hexdigit) {
        return unsigned(all(2, u8::is_ascii_hexdigit));
    }
    let whole = all(0, u8::is_ascii_digit);
    let mut at = whole;
    if is(at, |byte| *byte == b'.') && is(at + 1, u8::is_ascii_digit) {
        at = all(at + 1, u8::is_ascii_digit);
    }
    if is(at, |byte| matches!(byte, b'e' | b'E')) {
        let sign = usize::from(is(at + 1, |byte| matches!(byte, b'+' | b'-')));
        if is(at + 1 + sign, u8::is_ascii_digit) {
            at = all(at + 1 + sign, u8::is_ascii_digit);
        }
    }
    if at == whole { unsigned(at) } else { at }
}

/// Returns the length of the string or bytes literal at the beginning of the text, and whether it is closed.
fn string(rest: &str) -> Option<(usize, bool)> {
    let bytes = usize::from(rest.starts_with(['b', 'B']));
    let raw = rest.get(bytes..)?.starts_with(['r', 'R']);
    let prefix = bytes + usize::from(raw);
    let body = rest.get(prefix..)?;
    let delimiter = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| body.starts_with(quotes))?;
    let over_lines = delimiter.len() > 1;
    let mut at = delimiter.len();
    while let Some(tail) = body.get(at..)
        && let Some(first) = tail.chars().next()
    {
        if tail.starts_with(delimiter) {
            return Some((prefix + at + delimiter.len(), true));
        }
        if !over_lines && matches!(first, '\n' | '\r') {
            break;
        }
        at += first.len_utf8();
        if first == '\\' && !raw {
            let escaped = body.get(at..).and_then(|tail| tail.chars().next());
            at += escaped.filter(|c| over_lines || !matches!(c, '\n' | '\r')).map_or(0, char::len_utf8);
        }
    }
    Some((prefix + at, false))
}

/// Returns the length of a text in typographic quotes at the beginning of the text, if they are closed on its line.
fn curly_string(rest: &str) -> Option<usize> {
    let (opening, closing) = CURLY_QUOTES.iter().find(|(opening, _)| rest.starts_with(opening))?;
    let body = rest.get(opening.len()..)?;
    let mut line = body.char_indices().take(MAX_CURLY_TEXT).take_while(|(_, c)| *c != '\n');
    let (end, close) = line.find(|(_, c)| closing.contains(c))?;
    Some(opening.len() + end + close.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> String {
        let tokens = tokens(text, &mut Vec::new());
        tokens.iter().map(|token| token.text).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn texts_split_into_their_tokens() {
        let cases = [
            ("a.b == 'x\\'y'", "a|.|b|==|'x\\'y'"),
            ("r'\\' in [1.5e-3, 0x1Fu, .5]", "r'\\'|in|[|1.5e-3|,|0x1Fu|,|.5|]"),
            ("a // b\n && !c", "a|&&|!|c"),
            ("b'''x\n'y'''.size()", "b'''x\n'y'''|.|size|(|)"),
            ("bR'a' rb'a'", "bR'a'|rb|'a'"),
            ("rb == 1", "rb|==|1"),
            ("a.`b-c`?'é':\"\"", "a|.|`b-c`|?|'é'|:|\"\""),
            ("'open", "'open"),
            ("1.2.3 1.a 1e5u 0xg 7U 1e+", "1.2|.3|1|.|a|1e5|u|0|xg|7U|1|e|+"),
            ("a===b!==c<>d=e&f", "a|===|b|!==|c|<>|d|=|e|&|f"),
            ("a&&b||c==-1", "a|&&|b||||c|==|-|1"),
            ("naïve “x y”\u{a0}$", "naïve|“x y”|$"),
            ("'a\\\nc'", "'a\\|c|'"),
        ];
        for (text, expected) in cases {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn places_are_counted_in_characters() {
        let places: Vec<Place> = tokens("'é' == “ö” + ü", &mut Vec::new()).iter().map(|token| token.place).collect();
        assert_eq!(places, [(0, 3), (4, 6), (7, 10), (11, 12), (13, 14)]);
    }
}
