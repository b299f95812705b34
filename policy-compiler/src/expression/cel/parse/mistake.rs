//! The problems of the syntax of a text, with advice.

use super::operator::Binary;
use super::token::{Bracket, Kind, Token};
use super::tree::Place;
use crate::expression::cel::problem::Problem;
use crate::report::diagnostic::code;

fn syntax(place: Place, message: impl Into<String>) -> Problem {
    Problem::new(code::SYNTAX, place, message)
}

/// Describes a character that no token begins with.
pub(super) fn unknown_character(character: &str, place: Place) -> Problem {
    let help = match character {
        "“" | "”" | "‘" | "’" | "„" | "«" | "»" => "write straight quotes: `'...'`",
        ";" => "an expression is one value, so remove the `;`",
        "$" | "@" | "#" => "names begin with a letter or `_`",
        "^" => "there is `math.bitXor(a, b)`",
        "~" => "there is `math.bitNot(a)`",
        _ => "write text inside quotes",
    };
    syntax(place, format!("CEL has no character `{}`", shown(character))).help(help)
}

/// Most characters of the text that a message repeats.
const MAX_SHOWN: usize = 40;

/// Returns the text in a form that fits on one line.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (number, character) in text.chars().enumerate() {
        match character {
            _ if number == MAX_SHOWN => return shown + "...",
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// Describes a text in typographic quotes.
pub(super) fn curly_quotes(text: &str, place: Place) -> Problem {
    let quote: String = text.chars().take(1).collect();
    let content: String = text.chars().skip(1).take(text.chars().count().saturating_sub(2)).collect();
    let simple = content.len() <= 40 && !content.contains(['\'', '\\']);
    let content = if simple { content.as_str() } else { "..." };
    syntax(place, format!("CEL has no character `{quote}`")).help(format!("write straight quotes: `'{content}'`"))
}

/// Describes white space that CEL does not accept as such, or an invisible character.
pub(super) fn foreign_space(character: char, place: Place) -> Problem {
    let message = format!("CEL has no character U+{:04X}, which cannot be seen here", u32::from(character));
    syntax(place, message).help("write an ordinary space")
}

/// Describes an operator of other languages.
pub(super) fn foreign_operator(operator: &str, place: Place) -> Problem {
    syntax(place, format!("CEL has no operator `{operator}`"))
}

/// Describes a string without its end.
pub(super) fn open_string(place: Place, inner_quote: bool) -> Problem {
    let help = "write a quote inside a string as `\\'`, or use the other quotes";
    syntax(place, "this string is not closed").maybe_help(inner_quote.then(|| help.to_owned()))
}

/// Describes a name in backticks without its end.
pub(super) fn open_quoted_name(_: &str, place: Place) -> Problem {
    syntax(place, "this name in backticks is not closed").help("quote strings: `'...'`")
}

/// Describes a name in backticks with characters that it cannot have.
pub(super) fn bad_quoted_name(name: &str, place: Place) -> Problem {
    let name = name.trim_matches('`');
    let problem = syntax(place, "a name in backticks has only letters, digits, spaces and `_ . - /`");
    if name.is_empty() || name.contains(['\'', '\\']) {
        return problem.help("write `a['name']` instead of a field with such a name");
    }
    problem.help(format!("quote strings: `'{name}'`"))
}

/// Describes a backslash with a character that is not an escape.
pub(super) fn unknown_escape(escaped: char, place: Place) -> Problem {
    let problem = syntax(place, format!("`\\{}` is not an escape", shown(&escaped.to_string())));
    match escaped {
        '4'..='9' => {
            problem.help("a character by its number is `\\x41`, `\\101` (from `\\000` to `\\377`) or `\\u0041`")
        }
        c if c.is_control() => problem.help("write a line break as `\\n`, or use three quotes: `'''...'''`"),
        c => problem.help(format!("write `\\\\{c}`, or a raw string: `r'...'`")),
    }
}

/// Describes `\u` in bytes.
pub(super) fn escape_not_in_bytes(kind: char, place: Place) -> Problem {
    let message = format!("`\\{kind}` is a character, and bytes have none");
    syntax(place, message).help("write the character itself, or its bytes in UTF-8 as `\\x..`")
}

/// Describes an escape that lacks digits.
pub(super) fn short_escape(kind: char, length: usize, radix: u32, place: Place) -> Problem {
    if radix == 8 {
        let problem = syntax(place, "this escape needs three octal digits");
        return problem.help("a character by its number is `\\x41`, `\\101` (from `\\000` to `\\377`) or `\\u0041`");
    }
    syntax(place, format!("`\\{kind}` needs {length} hexadecimal digits"))
        .help(format!("write `\\\\{kind}` for a backslash, or a raw string: `r'...'`"))
}

/// Describes an escape whose code is not a character.
pub(super) fn no_character(code: u32, place: Place) -> Problem {
    let problem = syntax(place, format!("U+{code:04X} is not a character"));
    let half = (0xd800..0xe000).contains(&code);
    problem.maybe_help(half.then(|| "this is one half of a character; write it whole: `\\U0001F600`".to_owned()))
}

/// Describes a number that its type cannot hold.
pub(super) fn number_too_large(sign: &str, number: &str, place: Place) -> Problem {
    let is_double = !number.starts_with("0x") && number.contains(['.', 'e', 'E']);
    let holds = if is_double { "a double" } else { "64 bits" };
    syntax(place, format!("`{sign}{}` does not fit into {holds}", shown(number)))
}

/// Describes a bracket that the text does not close.
pub(super) fn never_closed(opener: &Token<'_>) -> Problem {
    syntax(opener.place, format!("`{}` is never closed", opener.text))
}

/// Describes a closing bracket without an opening one.
pub(super) fn closes_nothing(closer: &Token<'_>) -> Problem {
    syntax(closer.place, format!("`{}` closes nothing", closer.text))
}

/// Describes a closing bracket of another kind than the opening one.
pub(super) fn wrong_bracket(closer: &Token<'_>, opener: &Token<'_>, bracket: Bracket) -> Problem {
    let message = format!("`{}` cannot close the `{}` before it", closer.text, opener.text);
    syntax(closer.place, message).help(format!("write `{}`", bracket.closing()))
}

/// Describes a text without any token.
pub(super) fn empty(length: usize) -> Problem {
    syntax((0, length), "the expression is empty")
}

/// Describes a missing operand between two tokens.
pub(super) fn missing(before: Option<&Token<'_>>, next: &Token<'_>) -> Problem {
    let Some(before) = before else {
        return syntax(next.place, format!("the expression begins with `{}`", shown(next.text)));
    };
    let ends = next.text.is_empty();
    let message = format!("something is missing between `{}` and `{}`", shown(before.text), shown(next.text));
    match (before.kind, next.kind) {
        (Kind::Open(Bracket::Round), Kind::Close(_)) => {
            syntax((before.place.0, next.place.1), "there is nothing in these parentheses")
        }
        (Kind::Open(_), Kind::Close(_)) => syntax((before.place.0, next.place.1), "there is nothing in these brackets"),
        _ if ends => syntax(before.place, format!("the expression ends after `{}`", before.text))
            .help("write what is missing, or remove it"),
        (Kind::Open(_), _) => syntax(next.place, message),
        (_, Kind::Close(_) | Kind::Comma | Kind::Colon | Kind::Question) => syntax(before.place, message),
        _ => syntax(next.place, message),
    }
}

/// Describes two operands with nothing between them.
pub(super) fn no_operator(left: &Token<'_>, right: &Token<'_>) -> Problem {
    let touches = left.touches(right);
    let (start, end) = (left.place.0, right.place.1);
    let joined = shown(&format!("{}{}", left.text, right.text));
    match (left.kind, right.kind) {
        (Kind::Number, Kind::Word) if touches => {
            let help = match right.text {
                "ms" | "s" | "m" | "h" => format!("a duration is `duration('{joined}')`"),
                _ => "names begin with a letter or `_`, and strings are quoted".to_owned(),
            };
            return syntax((start, end), format!("`{joined}` is not a number")).help(help);
        }
        (Kind::Word, Kind::Text) if touches => {
            let help = match left.text.to_ascii_lowercase().as_str() {
                "rb" => "raw bytes are written `br'...'`",
                _ => "a string is written `'...'`, a raw one `r'...'`, bytes `b'...'`",
            };
            return syntax(left.place, format!("a string cannot have `{}` before it", left.text)).help(help);
        }
        (_, Kind::Number) if touches && right.text.starts_with('.') => {
            let name = (right.place.0, right.place.0 + 1);
            let index = right.text.trim_start_matches('.');
            return syntax(name, "there is no name after the `.`").help(format!("an element is read with `[{index}]`"));
        }
        _ => {}
    }
    let message = format!("there is no operator between `{}` and `{}`", shown(left.text), shown(right.text));
    let problem = syntax(right.place, message);
    if touches && left.kind == Kind::Text {
        // `'it's'`: a word that touches the string before it indicates a quote inside of the string.
        return problem.help("write a quote inside a string as `\\'`, or use the other quotes");
    }
    problem
}

/// An operator of other languages that is a word.
pub(super) struct ForeignWord {
    pub(super) meant: Binary,
    /// Number of its tokens.
    pub(super) length: usize,
    pub(super) problem: Problem,
}

/// Finds an operator of other languages where an operator is expected.
pub(super) fn foreign_word(word: &Token<'_>, next: &Token<'_>) -> Option<ForeignWord> {
    let lower = word.text.to_ascii_lowercase();
    let next_word = next.text.to_ascii_lowercase();
    if word.kind != Kind::Word || matches!(next.kind, Kind::End | Kind::Close(_) | Kind::Comma | Kind::Colon) {
        return None;
    }
    let (meant, length, help) = match (lower.as_str(), next_word.as_str()) {
        ("and", _) => (Binary::And, 1, "write `&&`"),
        ("or", _) => (Binary::Or, 1, "write `||`"),
        ("is", "not") => (Binary::NotEqual, 2, "write `!=`"),
        ("is" | "eq" | "equals", _) => (Binary::Equal, 1, "write `==`"),
        ("ne", _) => (Binary::NotEqual, 1, "write `!=`"),
        ("not", "in") => (Binary::In, 2, "write `!(x in list)`"),
        ("mod", _) => (Binary::Modulo, 1, "write `%`"),
        ("contains" | "startswith" | "endswith" | "matches" | "like", _) => {
            (Binary::Equal, 1, "functions of strings are called with a dot: `text.contains('part')`")
        }
        _ => return None,
    };
    let name = if lower == "is" && length == 2 { format!("{} {}", word.text, next.text) } else { word.text.to_owned() };
    let end = if lower == "is" && length == 2 { next.place.1 } else { word.place.1 };
    let problem = syntax((word.place.0, end), format!("CEL has no `{name}`")).help(help);
    Some(ForeignWord { meant, length, problem })
}

/// Describes `not` before an operand.
pub(super) fn foreign_not(word: &Token<'_>) -> Problem {
    syntax(word.place, format!("CEL has no `{}`", word.text))
        .help("write `!(...)`, with all that it negates in the parentheses")
}

/// Describes a reserved word where a name is expected.
pub(super) fn reserved(word: &Token<'_>) -> Problem {
    match word.text {
        "if" | "else" => {
            let problem = syntax(word.place, format!("CEL has no `{}`", word.text));
            problem.help("write `condition ? value : other`")
        }
        text => syntax(word.place, format!("`{text}` is a reserved word")).help("take another name"),
    }
}

/// Describes a keyword of CEL after a dot.
pub(super) fn keyword_behind_dot(word: &Token<'_>) -> Problem {
    syntax(word.place, format!("`{}` is a keyword of CEL and cannot follow a dot", word.text))
        .help(format!("write `['{}']`", word.text))
}

/// Describes a dot without a name after it.
pub(super) fn no_name(dot: &Token<'_>, next: &Token<'_>) -> Problem {
    let problem = syntax(dot.place, format!("there is no name after the `{}`", dot.text));
    match next.kind {
        Kind::Text | Kind::Number => problem.help(format!("write `[{}]` without the dot", shown(next.text))),
        _ => problem,
    }
}

/// Describes a name in backticks that does not follow a dot.
pub(super) fn quoted_alone(name: &Token<'_>) -> Problem {
    let problem = syntax(name.place, "a name in backticks can only follow a dot");
    problem.help(format!("quote strings: `'{}'`", name.text.trim_matches('`')))
}

/// Describes `!` and `-` mixed.
pub(super) fn mixed_unary(before: &Token<'_>, next: &Token<'_>) -> Problem {
    syntax(next.place, format!("`{}` cannot follow `{}`", next.text, before.text)).help("write parentheses")
}

/// Describes a question mark without its colon; `next` follows it.
pub(super) fn lonely_question_mark(question: &Token<'_>, next: &Token<'_>) -> Problem {
    let problem = syntax(question.place, "`?` without its `:`");
    if next.kind == Kind::Dot && question.touches(next) {
        return problem.help("a field that may be missing is read with `.?`, for example `a.?b`");
    }
    problem.help("write `condition ? value : other`")
}

/// Describes a conditional as the first value of a conditional.
pub(super) fn nested_conditional(place: Place) -> Problem {
    syntax(place, "a conditional between `?` and `:` needs parentheses")
        .help("write `condition ? (inner ? value : other) : last`")
}

/// Describes a token that cannot follow.
pub(super) fn stray(token: &Token<'_>, around: Option<Bracket>) -> Problem {
    let help = match (token.kind, around) {
        (Kind::Colon, Some(Bracket::Square)) => "a part of a list is `list.slice(start, end)`",
        (Kind::Colon, _) => "write `condition ? value : other`, or `{key: value}` for a map",
        (Kind::Comma, Some(Bracket::Square)) => "these brackets take one index or key",
        _ => "write one value, or a list: `[a, b]`",
    };
    syntax(token.place, format!("`{}` is not allowed here", token.text)).help(help)
}

/// Describes a comma after the last argument.
pub(super) fn trailing_comma(comma: &Token<'_>) -> Problem {
    syntax(comma.place, "the last argument ends with a comma").help("remove the `,`")
}

/// Describes an entry of a map without its value.
pub(super) fn key_without_value(place: Place) -> Problem {
    syntax(place, "a key of a map has no value").help("write `{key: value}`, or a list: `[a, b]`")
}

/// Describes a token that is not a field name in a message.
pub(super) fn no_field(token: &Token<'_>) -> Problem {
    syntax(token.place, "a message has names of fields here, for example `{name: value}`")
}

/// Describes a text that is too long.
pub(super) fn too_long(bytes: usize, limit: usize, characters: usize) -> Problem {
    let message = format!("the expression has {bytes} bytes; at most {limit} are allowed");
    Problem::new(code::TOO_LARGE, (0, characters), message).help("split it into variables or several rules")
}

/// Describes a part that is nested too deeply.
pub(super) fn too_deep(limit: usize, place: Place) -> Problem {
    let message = format!("the expression is nested more than {limit} levels deep");
    Problem::new(code::TOO_LARGE, place, message).help("split it into variables")
}

/// Describes the mistakes that are not listed.
pub(super) fn more(count: usize, place: Place) -> Problem {
    let mistakes = if count == 1 { "mistake" } else { "mistakes" };
    syntax(place, format!("there are {count} more {mistakes} from here on"))
}
