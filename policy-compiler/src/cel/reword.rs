//! What the parser says, in words that help.
//!
//! The generated parser lists the tokens that it would have liked. What people get wrong is better seen from
//! the tokens, so those are asked first; the parser's own first error is the last resort.

use super::parse::{SyntaxError, character_numbers};
use super::problem::{Problem, code};
use super::syntax::Place;
use super::token::{self, Token, TokenKind};

/// Words that CEL reserves without using them.
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

/// The problems of a text that does not parse; at least one.
pub(super) fn problems(text: &str, tokens: &[Token<'_>], errors: &[SyntaxError]) -> Vec<Problem> {
    let reader = Reader { text, tokens, characters: character_numbers(text) };
    let mut found = reader.bad_tokens();
    if found.is_empty() {
        found = reader.bad_brackets();
    }
    if found.is_empty() {
        found.extend(reader.bad_words().or_else(|| reader.first_misplaced()));
    }
    if found.is_empty() {
        found.push(reader.parser_error(errors));
    }
    found
}

struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token<'t>],
    characters: Vec<usize>,
}

impl Reader<'_> {
    fn place(&self, token: &Token<'_>) -> Place {
        (self.character(token.start), self.character(token.end()))
    }

    fn character(&self, byte: usize) -> usize {
        self.characters.get(byte).copied().unwrap_or(0)
    }

    fn problem(&self, token: &Token<'_>, message: impl Into<String>) -> Problem {
        Problem::new(code::SYNTAX, self.place(token), message)
    }

    /// Tokens that CEL does not have.
    fn bad_tokens(&self) -> Vec<Problem> {
        self.tokens.iter().filter_map(|token| self.bad_token(token)).collect()
    }

    fn bad_token(&self, token: &Token<'_>) -> Option<Problem> {
        let sign = token.text;
        match token.kind {
            TokenKind::OpenText => Some(self.problem(token, "this string is not closed")),
            TokenKind::Text => self.bad_escape(token),
            TokenKind::Unknown => {
                let problem = self.problem(token, format!("CEL has no character `{sign}`"));
                Some(match sign {
                    "“" | "”" | "‘" | "’" | "„" => problem.help("write straight quotes: `'...'`"),
                    ";" => problem.help("an expression is one value, so take the `;` away"),
                    "$" | "@" | "#" => problem.help("names begin with a letter or `_`"),
                    _ => problem.help("write text inside quotes"),
                })
            }
            TokenKind::Sign => {
                let help = match sign {
                    "=" | "===" => "write `==` to compare",
                    "!==" | "<>" => "write `!=` to compare",
                    "=~" => "write `text.matches('pattern')`",
                    "&" => "write `&&`",
                    "|" => "write `||`",
                    _ => return None,
                };
                Some(self.problem(token, format!("CEL has no operator `{sign}`")).help(help))
            }
            TokenKind::Word | TokenKind::Number => None,
        }
    }

    /// An escape that CEL does not have, which the parser reports as if the string were not one.
    fn bad_escape(&self, token: &Token<'_>) -> Option<Problem> {
        let quote = token.text.find(['"', '\''])?;
        if token.text.get(..quote)?.contains(['r', 'R']) {
            return None;
        }
        let mut rest = token.text.char_indices().skip(quote);
        while let Some((at, character)) = rest.next() {
            if character != '\\' {
                continue;
            }
            let (_, escaped) = rest.next()?;
            if !"abfnrtv\"'\\?`xXuU0123".contains(escaped) {
                let start = self.character(token.start + at);
                let message = format!("`\\{escaped}` is not an escape");
                let help = format!("write `\\\\{escaped}`, or a raw string: `r'...'`");
                return Some(Problem::new(code::SYNTAX, (start, start + 2), message).help(help));
            }
        }
        None
    }

    fn bad_brackets(&self) -> Vec<Problem> {
        let mut open: Vec<&Token<'_>> = Vec::new();
        for token in self.tokens.iter().filter(|token| token.kind == TokenKind::Sign) {
            match token.text {
                "(" | "[" | "{" => open.push(token),
                ")" | "]" | "}" => match open.pop() {
                    None => return vec![self.problem(token, format!("`{}` closes nothing", token.text))],
                    Some(opener) if closing(opener.text) != token.text => {
                        let message = format!("`{}` cannot close the `{}` before it", token.text, opener.text);
                        let help = format!("write `{}`", closing(opener.text));
                        return vec![self.problem(token, message).help(help)];
                    }
                    Some(_) => {}
                },
                _ => {}
            }
        }
        open.iter().map(|opener| self.problem(opener, format!("`{}` is never closed", opener.text))).collect()
    }

    /// Words of other languages, and words that CEL keeps for itself.
    fn bad_words(&self) -> Option<Problem> {
        self.tokens.iter().enumerate().find_map(|(index, token)| {
            let before = index.checked_sub(1).and_then(|before| self.tokens.get(before));
            let after = self.tokens.get(index + 1);
            let after_dot = before.is_some_and(|token| token.text == ".");
            if token.kind != TokenKind::Word {
                return None;
            }
            if after_dot {
                let keyword = matches!(token.text, "in" | "true" | "false" | "null");
                let message = format!("`{}` is a word of CEL and cannot stand behind a dot", token.text);
                return keyword.then(|| self.problem(token, message).help(format!("write `['{}']`", token.text)));
            }
            let between = before.is_some_and(Token::ends_operand)
                && after.is_some_and(|next| !next.ends_operand() || next.kind != TokenKind::Sign);
            let help = match token.text.to_ascii_lowercase().as_str() {
                "and" if between => "write `&&`",
                "or" if between => "write `||`",
                "is" | "eq" | "equals" if between => "write `==`",
                "contains" | "startswith" | "endswith" | "matches" | "like" if between => {
                    "functions of strings are called with a dot: `text.contains('part')`"
                }
                "not" if after.is_some_and(|next| next.text == "in") => "write `!(x in list)`",
                "not" if after.is_some_and(|next| next.kind != TokenKind::Sign) => "write `!`",
                "if" | "else" => "write `condition ? value : other`",
                _ if RESERVED.contains(&token.text) => {
                    let message = format!("`{}` is a reserved word", token.text);
                    return Some(self.problem(token, message).help("take another name"));
                }
                _ => return None,
            };
            Some(self.problem(token, format!("CEL has no `{}`", token.text)).help(help))
        })
    }

    /// The first token that cannot stand where it stands.
    fn first_misplaced(&self) -> Option<Problem> {
        let mut before: Option<&Token<'_>> = None;
        for token in self.tokens {
            let after_operand = before.is_some_and(Token::ends_operand);
            let begins = begins_operand(token);
            match before {
                Some(left) if after_operand && begins => {
                    let message = format!("there is no operator between `{}` and `{}`", left.text, token.text);
                    return Some(self.problem(token, message).maybe_help(quote_help(left, token)));
                }
                Some(left) if !after_operand && is_operator(token) && !(left.text == "." || is_unary(token)) => {
                    let message = format!("something is missing between `{}` and `{}`", left.text, token.text);
                    return Some(self.problem(token, message));
                }
                Some(left) if left.text == "." && token.kind != TokenKind::Word => {
                    return Some(self.problem(left, "there is no name after the `.`"));
                }
                Some(left) if matches!(left.text, "!" | "-") && is_unary(token) && left.text != token.text => {
                    let message = format!("`{}` cannot follow `{}`", token.text, left.text);
                    return Some(self.problem(token, message).help("write parentheses"));
                }
                Some(left) if is_operator(left) && is_closing(token) => {
                    let message = format!("something is missing between `{}` and `{}`", left.text, token.text);
                    return Some(self.problem(left, message));
                }
                Some(left) if left.text == "," && token.text == ")" => {
                    return Some(self.problem(left, "the last argument ends with a comma").help("take the `,` away"));
                }
                Some(left) if left.text == "(" && token.text == ")" && !self.is_call(left) => {
                    return Some(self.problem(token, "there is nothing in these parentheses"));
                }
                None if is_operator(token) && !is_unary(token) => {
                    return Some(self.problem(token, format!("the expression begins with `{}`", token.text)));
                }
                _ => {}
            }
            before = Some(token);
        }
        match before {
            None => Some(Problem::new(code::SYNTAX, (0, self.character(self.text.len())), "the expression is empty")),
            Some(last) if is_operator(last) || matches!(last.text, "." | ",") => {
                let message = format!("the expression ends after `{}`", last.text);
                Some(self.problem(last, message).help("write what is missing, or take it away"))
            }
            Some(_) => self.lonely_question_mark(),
        }
    }

    /// Whether a parenthesis opens the arguments of a call.
    fn is_call(&self, parenthesis: &Token<'_>) -> bool {
        let before = self.tokens.iter().rfind(|token| token.start < parenthesis.start);
        before.is_some_and(|token| token.kind == TokenKind::Word && token.text != "in")
    }

    fn lonely_question_mark(&self) -> Option<Problem> {
        let count = |text: &str| self.tokens.iter().filter(|token| token.text == text).count();
        let question = self.tokens.iter().rfind(|token| token.text == "?")?;
        let problem = self.problem(question, "`?` without its `:`").help("write `condition ? value : other`");
        (count("?") > count(":")).then_some(problem)
    }

    /// The parser's first error, at its place.
    fn parser_error(&self, errors: &[SyntaxError]) -> Problem {
        let Some((line, column, message)) = errors.first() else {
            return Problem::new(code::SYNTAX, (0, self.character(self.text.len())), "this is not a CEL expression");
        };
        let start = self.offset(*line, *column);
        let token = token::tokens(self.text).into_iter().find(|token| self.character(token.end()) > start);
        let end = token.as_ref().map_or(start, |token| self.character(token.end()));
        let found = token.map_or("the end".to_owned(), |token| format!("`{}`", token.text));
        let problem = |message: String| Problem::new(code::SYNTAX, (start, end), message);
        if message.contains("invalid int literal") || message.contains("invalid uint literal") {
            return problem(format!("{found} does not fit into 64 bits"));
        }
        if message.contains("invalid double literal") {
            return problem(format!("{found} is no double"));
        }
        if message.contains("invalid string literal") || message.contains("invalid bytes literal") {
            return problem(format!("{found} has an escape that stands for no character"));
        }
        problem(format!("{found} cannot stand here"))
    }

    /// The character offset of a line and column, both counted from 1.
    fn offset(&self, line: usize, column: usize) -> usize {
        let before: usize =
            self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(|l| l.chars().count()).sum();
        (before + column.saturating_sub(1)).min(self.character(self.text.len()))
    }
}

fn closing(opener: &str) -> &'static str {
    match opener {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

fn begins_operand(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Word => token.text != "in",
        TokenKind::Sign => token.text == "!",
        _ => true,
    }
}

fn is_operator(token: &Token<'_>) -> bool {
    let sign = token.kind == TokenKind::Sign && !matches!(token.text, "(" | ")" | "[" | "]" | "{" | "}" | "." | ",");
    sign || (token.kind == TokenKind::Word && token.text == "in")
}

fn is_closing(token: &Token<'_>) -> bool {
    token.kind == TokenKind::Sign && matches!(token.text, ")" | "]" | "}" | ",")
}

fn is_unary(token: &Token<'_>) -> bool {
    matches!(token.text, "!" | "-" | "?")
}

/// `'it's'`: a word that touches the string before it means a quote inside the string.
fn quote_help(left: &Token<'_>, right: &Token<'_>) -> Option<String> {
    let touches = left.kind == TokenKind::Text && left.end() == right.start;
    touches.then(|| "write a quote inside a string as `\\'`, or use the other quotes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;

    #[test]
    fn mistakes_are_told_in_plain_words() {
        let cases = [
            ("a = b", 2..3, "CEL has no operator `=`", "write `==` to compare"),
            ("a and b", 2..5, "CEL has no `and`", "write `&&`"),
            ("(a == 1) or b", 9..11, "CEL has no `or`", "write `||`"),
            ("a & b", 2..3, "CEL has no operator `&`", "write `&&`"),
            ("not a", 0..3, "CEL has no `not`", "write `!`"),
            ("a not in [1]", 2..5, "CEL has no `not`", "write `!(x in list)`"),
            ("(a", 0..1, "`(` is never closed", ""),
            ("a)", 1..2, "`)` closes nothing", ""),
            ("f(a]", 3..4, "`]` cannot close the `(` before it", "write `)`"),
            ("'abc", 0..4, "this string is not closed", ""),
            ("a ==", 2..4, "the expression ends after `==`", "write what is missing, or take it away"),
            ("", 0..0, "the expression is empty", ""),
            ("(a ==) && b", 3..5, "something is missing between `==` and `)`", ""),
            ("a. == b", 1..2, "there is no name after the `.`", ""),
            ("f() == ()", 8..9, "there is nothing in these parentheses", ""),
            ("-!a", 1..2, "`!` cannot follow `-`", "write parentheses"),
            ("f(a,)", 3..4, "the last argument ends with a comma", "take the `,` away"),
            ("x ? y", 2..3, "`?` without its `:`", "write `condition ? value : other`"),
            ("a == == b", 5..7, "something is missing between `==` and `==`", ""),
            ("1 + 2 3", 6..7, "there is no operator between `2` and `3`", ""),
            ("if(a)", 0..2, "CEL has no `if`", "write `condition ? value : other`"),
            ("a == 'it's'", 10..11, "this string is not closed", ""),
            ("'\\d+'", 1..3, "`\\d` is not an escape", "write `\\\\d`, or a raw string: `r'...'`"),
            ("99999999999999999999", 0..20, "`99999999999999999999` does not fit into 64 bits", ""),
            ("a.in", 2..4, "`in` is a word of CEL and cannot stand behind a dot", "write `['in']`"),
            ("é == “x”", 0..1, "CEL has no character `é`", "write text inside quotes"),
            ("let == 1", 0..3, "`let` is a reserved word", "take another name"),
            ("a =~ 'b'", 2..4, "CEL has no operator `=~`", "write `text.matches('pattern')`"),
            (
                "p startsWith 'b'",
                2..12,
                "CEL has no `startsWith`",
                "functions of strings are called with a dot: `text.contains('part')`",
            ),
            ("p.startsWith 'b'", 13..16, "there is no operator between `startsWith` and `'b'`", ""),
        ];
        for (text, place, message, help) in cases {
            let problem = parse(text).unwrap_err().remove(0);
            let found = (problem.start..problem.end, problem.message.as_str(), problem.help.as_deref().unwrap_or(""));
            assert_eq!(found, (place, message, help), "{text}");
        }
    }

    #[test]
    fn every_text_that_does_not_parse_gives_a_problem() {
        let texts = [
            "@foo", ".", "/", "1 + ()", "\n", "a.b.", "!-\u{1}", "'\\u12'", "0x", "1.2.3", "a\u{0}", "{1:2", "()", ",",
            "a,b", "a[", "a[]",
        ];
        for text in texts {
            assert!(!parse(text).unwrap_err().is_empty(), "{text}");
        }
    }
}
