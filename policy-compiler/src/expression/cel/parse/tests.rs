//! Texts with their parts, and texts with their problems.

use super::*;
use crate::report::diagnostic::code;

/// Pseudo-random numbers, the same ones on every run.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    pub(super) fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

/// Returns the text of each sub-expression, outermost first.
fn parts(text: &str) -> Vec<String> {
    fn walk(expr: &Expr, text: &str, out: &mut Vec<String>) {
        out.push(text.chars().skip(expr.place.0).take(expr.place.1 - expr.place.0).collect());
        let mut part = |part: &Expr| walk(part, text, out);
        match &expr.kind {
            ExprKind::Literal(_) | ExprKind::Ident(_) => {}
            ExprKind::Select { operand, .. } | ExprKind::Unary(_, operand) => part(operand),
            ExprKind::Index { operand, key, .. } => [operand, key].into_iter().for_each(|of| part(of)),
            ExprKind::Binary(_, operands) => operands.iter().for_each(part),
            ExprKind::Conditional(parts) => parts.iter().for_each(part),
            ExprKind::Call { target, arguments, .. } => target.as_deref().into_iter().chain(arguments).for_each(part),
            ExprKind::List(elements) => elements.iter().for_each(|(element, _)| part(element)),
            ExprKind::Map(entries) => entries.iter().flat_map(|(key, value, _)| [key, value]).for_each(part),
            ExprKind::Message(_, fields) => fields.iter().for_each(|(_, value, _)| part(value)),
        }
    }
    let mut out = Vec::new();
    walk(&parse(text).unwrap(), text, &mut out);
    out
}

#[test]
fn every_part_knows_its_characters() {
    let cases: &[(&str, &[&str])] = &[
        ("'é' == a.b", &["'é' == a.b", "'é'", "a.b", "a"]),
        ("  (a || b) && c", &["(a || b) && c", "a || b", "a", "b", "c"]),
        ("f((a), -1)", &["f((a), -1)", "a", "-1"]),
        ("((a)).b(c[0])", &["((a)).b(c[0])", "a", "c[0]", "c", "0"]),
        ("!(x in [1, 2])", &["!(x in [1, 2])", "x in [1, 2]", "x", "[1, 2]", "1", "2"]),
        ("a ? b : (c)", &["a ? b : (c)", "a", "b", "c"]),
        ("has(a.`b-c`) // é", &["has(a.`b-c`)", "a.`b-c`", "a"]),
        (".a.b", &[".a.b", ".a"]),
        ("a + b - (c * d)", &["a + b - (c * d)", "a + b", "a", "b", "c * d", "c", "d"]),
        ("a.?b[?c] ", &["a.?b[?c]", "a.?b", "a", "c"]),
        ("{?'a': b, c: -(d),}", &["{?'a': b, c: -(d),}", "'a'", "b", "c", "-(d)", "d"]),
        ("- 1 < !!a", &["- 1 < !!a", "- 1", "a"]),
        ("a.B {`c-d`: (1), ?e: 2}", &["a.B {`c-d`: (1), ?e: 2}", "1", "2"]),
        ("a && b && c", &["a && b && c", "a && b", "a", "b", "c"]),
    ];
    for (text, expected) in cases {
        assert_eq!(parts(text), *expected, "{text}");
    }
}

/// Formats each problem as `start..end message [help]`.
fn problems(text: &str) -> String {
    let line = |problem: &Problem| {
        let help = problem.help.as_ref().map(|help| format!(" [{help}]")).unwrap_or_default();
        format!("{}..{} {}{help}", problem.start, problem.end, problem.message)
    };
    parse(text).unwrap_err().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn mistakes_are_told_in_plain_words() {
    let missing = "write what is missing, or remove it";
    let cases = [
        ("a = b", "2..3 CEL has no operator `=` [write `==` to compare]"),
        ("a and b", "2..5 CEL has no `and` [write `&&`]"),
        ("(a == 1) or b", "9..11 CEL has no `or` [write `||`]"),
        ("a & b", "2..3 CEL has no operator `&` [write `&&`]"),
        ("not a", "0..3 CEL has no `not` [write `!(...)`, with all that it negates in the parentheses]"),
        ("a not in [1]", "2..5 CEL has no `not` [write `!(x in list)`]"),
        ("a is not b", "2..8 CEL has no `is not` [write `!=`]"),
        ("(a", "0..1 `(` is never closed"),
        ("(", "0..1 `(` is never closed"),
        ("a)", "1..2 `)` closes nothing"),
        ("a) && b", "1..2 `)` closes nothing"),
        ("f(a]", "3..4 `]` cannot close the `(` before it [write `)`]"),
        ("f([a, b)", "2..3 `[` is never closed"),
        ("'abc", "0..4 this string is not closed"),
        ("a ==", &format!("2..4 the expression ends after `==` [{missing}]")),
        ("", "0..0 the expression is empty"),
        (" // a", "0..5 the expression is empty"),
        ("(a ==) && b", "3..5 something is missing between `==` and `)`"),
        ("a. == b", "1..2 there is no name after the `.`"),
        ("a.", "1..2 there is no name after the `.`"),
        ("a.'b-c'", "1..2 there is no name after the `.` [write `['b-c']` without the dot]"),
        ("a.0 == 1", "1..2 there is no name after the `.` [an element is read with `[0]`]"),
        ("f() == ()", "7..9 there is nothing in these parentheses"),
        ("a[] == 1", "1..3 there is nothing in these brackets"),
        ("-!a", "1..2 `!` cannot follow `-` [write parentheses]"),
        ("!-a", "1..2 `-` cannot follow `!` [write parentheses]"),
        ("f(a,)", "3..4 the last argument ends with a comma [remove the `,`]"),
        ("f(,)", "2..3 something is missing between `(` and `,`"),
        ("[a,,b]", "2..3 something is missing between `,` and `,`"),
        ("x ? y", "2..3 `?` without its `:` [write `condition ? value : other`]"),
        ("x ?", &format!("2..3 the expression ends after `?` [{missing}]")),
        ("x ? : y", "2..3 something is missing between `?` and `:`"),
        ("a?.b", "1..2 `?` without its `:` [a field that may be missing is read with `.?`, for example `a.?b`]"),
        (
            "a ? b ? 1 : 2 : 3",
            "4..13 a conditional between `?` and `:` needs parentheses [write `condition ? (inner ? value : other) : last`]",
        ),
        ("a == == b", "5..7 something is missing between `==` and `==`"),
        ("== b", "0..2 the expression begins with `==`"),
        ("1 + 2 3", "6..7 there is no operator between `2` and `3`"),
        ("f(a)(b)", "4..5 there is no operator between `)` and `(`"),
        ("5m > a", "0..2 `5m` is not a number [a duration is `duration('5m')`]"),
        ("0xg", "0..3 `0xg` is not a number [names begin with a letter or `_`, and strings are quoted]"),
        ("rb'a'", "0..2 a string cannot have `rb` before it [raw bytes are written `br'...'`]"),
        ("if(a)", "0..2 CEL has no `if` [write `condition ? value : other`]"),
        ("let == 1", "0..3 `let` is a reserved word [take another name]"),
        ("a.in", "2..4 `in` is a keyword of CEL and cannot follow a dot [write `['in']`]"),
        (
            "a == 'it's'",
            "10..11 this string is not closed [write a quote inside a string as `\\'`, or use the other quotes]",
        ),
        ("'\\d+'", "1..3 `\\d` is not an escape [write `\\\\d`, or a raw string: `r'...'`]"),
        (
            "'\\u00g0'",
            "1..5 `\\u` needs 4 hexadecimal digits [write `\\\\u` for a backslash, or a raw string: `r'...'`]",
        ),
        ("99999999999999999999", "0..20 `99999999999999999999` does not fit into 64 bits"),
        (
            "9223372036854775808",
            "0..19 `9223372036854775808` does not fit into 64 bits [an `int` ends at 9223372036854775807; as a `uint` it is `9223372036854775808u`]",
        ),
        ("-9223372036854775809", "0..20 `-9223372036854775809` does not fit into 64 bits"),
        ("1e400", "0..5 `1e400` does not fit into a double"),
        (
            "é == “x”",
            "0..1 CEL has no character `é` [write text inside quotes]\n5..8 CEL has no character `“` [write straight quotes: `'x'`]",
        ),
        ("a\u{a0}== b", "1..2 CEL has no character U+00A0, which cannot be seen here [write an ordinary space]"),
        ("a == $b", "5..6 CEL has no character `$` [names begin with a letter or `_`]"),
        ("a;", "1..2 CEL has no character `;` [an expression is one value, so remove the `;`]"),
        ("a =~ 'b'", "2..4 CEL has no operator `=~` [write `text.matches('pattern')`]"),
        (
            "p startsWith 'b'",
            "2..12 CEL has no `startsWith` [functions of strings are called with a dot: `text.contains('part')`]",
        ),
        ("p.startsWith 'b'", "13..16 there is no operator between `startsWith` and `'b'`"),
        ("`a-b` == 1", "0..5 a name in backticks can only follow a dot [quote strings: `'a-b'`]"),
        ("a, b", "1..2 `,` is not allowed here [write one value, or a list: `[a, b]`]"),
        ("a[1:2]", "3..4 `:` is not allowed here [a part of a list is `list.slice(start, end)`]"),
        ("{a}", "1..2 a key of a map has no value [write `{key: value}`, or a list: `[a, b]`]"),
        ("M{1: 2}", "2..3 a message has names of fields here, for example `{name: value}`"),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text), *expected, "{text}");
    }
}

#[test]
fn one_text_gives_all_its_mistakes() {
    let cases: &[(&str, &[(usize, usize)])] = &[
        ("a = 1 && (b == ) || f(c,) == '\\d'", &[(2, 3), (12, 14), (23, 24), (30, 32)]),
        ("[1 2, (, 3), {4}, x ? y]", &[(3, 4), (7, 8), (14, 15), (20, 21)]),
        ("a b c + d e", &[(2, 3), (10, 11)]),
        ("(a and let x) or (b", &[(3, 6), (7, 10), (14, 16), (17, 18)]),
        ("f(a == , b ==, @) @ c", &[(4, 6), (11, 13), (15, 16), (18, 19)]),
        ("[{(a]", &[(1, 2), (2, 3)]),
    ];
    for (text, expected) in cases {
        let found: Vec<Place> = parse(text).unwrap_err().iter().map(|problem| (problem.start, problem.end)).collect();
        assert_eq!(found, *expected, "{text}: {}", problems(text));
    }
}

#[test]
fn of_many_mistakes_the_first_are_listed() {
    let found = parse(&"@ ".repeat(100)).unwrap_err();
    assert_eq!(found.len(), MAX_PROBLEMS + 1);
    assert_eq!(found[MAX_PROBLEMS].message, "there are 80 more mistakes from here on");
    assert_eq!(found[MAX_PROBLEMS].start, 2 * MAX_PROBLEMS);
}

#[test]
fn words_are_refused_only_where_cel_refuses_them() {
    for text in [
        "a.namespace",
        "a.let()",
        "a.?for",
        "a.`in`",
        "{'in': 1}",
        "notin",
        "a.package.var == 1",
        "as.if{}",
        "M{for: 1}",
        "not(a)",
        "and == or",
        "is.eq",
    ] {
        assert!(parse(text).is_ok(), "{text}: {}", problems(text));
    }
    for text in ["namespace", ".let", "for()", "in", "a.in()", "M{in: 1}", "[void]", "true()", "null{}"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_text_that_is_too_long_or_too_deep_is_refused() {
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&deep(60)).is_ok());
    let long = format!("a == '{}'", "x".repeat(MAX_TEXT));
    for text in [
        deep(8_000),
        deep(64),
        format!("a{}", ".b".repeat(5000)),
        format!("a{}", "[0]".repeat(64)),
        format!("a{}", "+1".repeat(64)),
        format!("{}a", "a?b:".repeat(64)),
        format!("{}a", "a?".repeat(8000)),
        format!("{}a", "!(-".repeat(5000)),
        format!("a{}", "-f(a*b".repeat(2000)),
        "[".repeat(8000),
        "{a:".repeat(5000),
        "M{a:".repeat(4000),
        "a[?".repeat(5000),
        long,
    ] {
        let problems = parse(&text).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), [code::TOO_LARGE], "{text:.20}");
    }
}

#[test]
fn long_texts_that_are_not_deep_are_fine() {
    for text in [
        format!("a{}", " && b == 'c'".repeat(1000)),
        format!("a{}", " || b && c".repeat(1000)),
        format!("[{}]", "a.b, ".repeat(1000)),
        format!("{}a", "!".repeat(16_000)),
        format!("{}a", "-".repeat(16_000)),
        format!("a{}", "+1".repeat(62)),
    ] {
        assert!(parse(&text).is_ok(), "{text:.20}");
    }
}

#[test]
fn a_small_stack_is_enough() {
    let work = || {
        for part in ["(", "!(", "-a||b&&c<d+e*f(", "[{a:", "a?b:c[", "M{a:", "f("] {
            let _ = parse(&part.repeat(MAX_TEXT / part.len()));
            let _ = parse(&part.repeat(9));
        }
    };
    std::thread::Builder::new().stack_size(512 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn every_text_that_does_not_parse_gives_a_problem_inside_of_it() {
    let texts = [
        "@foo",
        ".",
        "/",
        "1 + ()",
        "\n",
        "a.b.",
        "!-\u{1}",
        "'\\u12'",
        "0x",
        "1.2.3",
        "a\u{0}",
        "{1:2",
        "()",
        ",",
        "a,b",
        "a[",
        "a[]",
        "a?",
        ":",
        "}",
        "a{",
        "`",
        "`a",
        "'''",
        "b'",
        "rb",
        "“",
        "\u{feff}a",
        "a.?",
        "a[?",
        "[?]",
        "{?}",
        "f(?)",
        "\u{a0}",
        "- -",
        "!",
        "a ? b : ",
        "..a",
        "a..b",
        "1.",
        "a not",
        "a and",
        "not",
        "if",
        "M{a}",
        "M{?}",
        "M{a:}",
    ];
    for text in texts {
        let length = text.chars().count();
        if let Err(problems) = parse(text) {
            assert!(!problems.is_empty(), "{text}");
            for problem in problems {
                assert!(problem.start <= problem.end && problem.end <= length, "{text}: {problem:?}");
            }
        }
    }
}

#[test]
fn any_tokens_can_be_read() {
    const PIECES: &str = "a b in not and if let true 1 2.5 .5 0x 'a' r' b\" ''' `a-b` ` == = && & | - ! < ? : . .? , \
                          ( ) [ ] { } // \\ @ é “ ” ; [? {? f( M{ \u{a0} \0";
    let pieces: Vec<&str> = PIECES.split(' ').chain([" ", "\n"]).collect();
    let mut numbers = Numbers(3);
    let mut valid = 0;
    for _ in 0..20_000 {
        let count = 1 + numbers.below(30);
        let text: String = (0..count).map(|_| numbers.one_of(&pieces)).collect();
        let length = text.chars().count();
        let Err(problems) = parse(&text) else {
            valid += 1;
            continue;
        };
        assert!(!problems.is_empty(), "{text:?}");
        for problem in problems {
            assert!(problem.start <= problem.end && problem.end <= length, "{text:?}: {problem:?}");
            assert!(!problem.message.contains(['\n', '\0']), "{text:?}: {problem:?}");
        }
    }
    println!("{valid} are valid");
}
