//! Compares our parser with the generated one of the `cel` crate: the texts that each accepts, and the trees.
//!
//! The two differ on purpose in one thing only: size limits. Ours rejects texts of more than 16 KiB, and more than 64
//! levels of brackets or of the tree.

mod theirs;

use super::tests::Numbers;
use super::token::Kind;
use super::{lexer, parse, syntax};

/// Valid expressions of every part of the grammar.
const VALID: &[&str] = &[
    "context.tenant_id == 'acme' && request.method in ['GET', \"HEAD\"]",
    "a || b && !c || d == e",
    "a && b && c && d && e",
    "a || b || c",
    "a ? b : c ? d : e",
    "(a ? b : c) ? (d ? e : f) : g",
    "1 + 2 * 3 - 4 / 5 % 6",
    "a < b == c >= d != e > f <= g",
    "a - b - c + (d - (e + f))",
    "-a + - 1 - -2 * --b",
    "!!a == !(!b)",
    "-1.5e3 + .5 - 1E-2",
    "0x1F + -0xff + 7u * 0xAu - 12U",
    "-9223372036854775808 + 9223372036854775807 + 18446744073709551615u",
    "a.b.c.d.e == .f.g",
    "a.b(c).d[e].f(g).h",
    "a.b(c, d, e)[f].g(h)[i]",
    "f(a, g(b), .h(c))",
    "[1, 2u, 3.0, 'a', b'b', true, false, null,]",
    "[] + [[]] + [[], [a,],]",
    "{}.size() + {'a': 1, 2: {b: c},}.size()",
    "{?'a': b, c: d}[?e].?f.?g.orValue(h)",
    "[?a, b, ?c.d]",
    "a.?b.c[?d][e]",
    "a.`b-c`.`d.e/f g`.?`h`",
    "x.namespace.let.package(for_all).void",
    "a.b.C{} == .D{e: 1, ?f: g, `h-i`: [j],}",
    "M{}.a[b]",
    "list.all(x, x > 1 && x.exists(y, y in z))",
    "has(a.b) && has(a.?b.c) || a.map(x, f(x), x + 1).filter(y, y != '').size() > 0",
    "'a\\'b' + \"c\\\"d\" + '''e'f\n''' + \"\"\"g\"h\"\"\"",
    "r'\\d+' + R\"\\w\" + r'''\\'a''' + r\"\"\"\\\"\"\"",
    "b'\\x41\\101\\n' + B\"é\" + br'\\x' + bR'''a'''",
    "'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\`\\x41\\X42\\u00e9\\U0001F600\\101\\377'",
    "a // comment\n + b // end",
    "1 . size() + 1.e + 1.0.f()",
    "-1.a + -1[b] + -a.b[c] - -(1)",
    "true.a || false[b] && null == null",
    "a in b in c",
    "((((a))))",
    "cel.bind(x, 1, x + x) == math.greatest(1, 2.0)",
];

/// Other texts, most of them invalid, separated by ` ¦ `.
const OTHERS: &[&str] = &[
    "  ¦ a b ¦ a == ¦ == a ¦ a. ¦ . ¦ ..a ¦ a..b ¦ f( ¦ f) ¦ f(a,) ¦ f(,) ¦ f(,a) ¦ [,] ¦ {,} ¦ [,a] ¦ [a,,]",
    "{a} ¦ {a:} ¦ {:b} ¦ {a:b,,} ¦ {a:b:c} ¦ a ? b ¦ a ? b ? c : d : e ¦ a ? (b ? c : d) : e ¦ a : b ¦ -!a",
    "!-a ¦ !-1 ¦ !--1 ¦ -!1 ¦ !-1u ¦ -1u ¦ --1u ¦ ---1 ¦ --9223372036854775808 ¦ -(-9223372036854775808)",
    "9223372036854775808 ¦ -9223372036854775809 ¦ 0x8000000000000000 ¦ -0x8000000000000000",
    "-0x8000000000000001 ¦ 18446744073709551616u ¦ 0xFFFFFFFFFFFFFFFFu ¦ 0x1FFFFFFFFFFFFFFFFu ¦ 1e309 ¦ -1e309",
    "1e308 ¦ 5e-324 ¦ 1e-999 ¦ 007 ¦ 0x ¦ 0xg ¦ 0X1 ¦ 1. ¦ 1.e5 ¦ 1e ¦ 1e+ ¦ 1u2 ¦ 1a ¦ 1.2.3 ¦ 1..2 ¦ 1in[1]",
    "a.1 ¦ a.5b ¦ 5m ¦ a.in ¦ a.true ¦ a.null() ¦ a.?in ¦ in ¦ true() ¦ true{} ¦ null.a ¦ as ¦ break ¦ const",
    "continue ¦ else ¦ for ¦ function ¦ if ¦ import ¦ let ¦ loop ¦ package ¦ namespace ¦ return ¦ var ¦ void",
    "while ¦ .if ¦ if() ¦ .if() ¦ a.if ¦ a.if() ¦ if.a ¦ if{} ¦ a.if{} ¦ if.a{} ¦ M{if: 1} ¦ M{in: 1}",
    "M{?in: 1} ¦ M{1: 2} ¦ M{a} ¦ M{a:} ¦ M{,} ¦ M{a:1,,} ¦ M{a:1,} ¦ (a){} ¦ (a.b){} ¦ a[0]{} ¦ f(){}",
    "a.?b{} ¦ a.`b`{} ¦ a.`b`() ¦ a.?b() ¦ `a` ¦ a.`` ¦ a.`b ¦ a.`b*c` ¦ a.`b\n` ¦ a.`é` ¦ [?] ¦ [?a] ¦ a[?]",
    "a[] ¦ a[b,c] ¦ a[b:c] ¦ f(?a) ¦ (?a) ¦ {?} ¦ {?a} ¦ {?a:} ¦ {a:?b} ¦ a.? ¦ a.??b ¦ a?.b ¦ a?.b:c ¦ a?b:c",
    "(a ¦ a) ¦ (a] ¦ ([a)] ¦ () ¦ (,) ¦ a, b ¦ 'a ¦ a' ¦ '''a ¦ '''a' ¦ '''a'' ¦ '''' ¦ ''''' ¦ '''a''''",
    "'a\nb' ¦ 'a\rb' ¦ '''a\rb\r\nc\n\rd''' ¦ r'''a\r\nb''' ¦ 'a\\\nb' ¦ '''a\\\nb''' ¦ r'a\\' ¦ r'a\\'b'",
    "r'a\\\nb' ¦ rb'a' ¦ Rb'a' ¦ br'a' ¦ bR'a' ¦ bb'a' ¦ rr'a' ¦ b 'a' ¦ r 'a' ¦ '\\d' ¦ '\\xg' ¦ '\\x4'",
    "'\\u12' ¦ '\\ud800' ¦ '\\udfff' ¦ '\\ue000' ¦ '\\U00110000' ¦ '\\U0010ffff' ¦ '\\400' ¦ '\\377' ¦ '\\18'",
    "'\\1' ¦ '\\0' ¦ '\\000' ¦ b'\\u0041' ¦ b'\\U00000041' ¦ b'\\400' ¦ b'\\xFf\\377' ¦ '\\' ¦ '\\\\' ¦ '\\",
    "'\\x+1' ¦ '\\u+123' ¦ 'a' 'b' ¦ 'a'b ¦ a'b' ¦ a; ¦ a; b ¦ $a ¦ @a ¦ #a ¦ a # b ¦ é ¦ a.é ¦ 'é' ¦ “a”",
    "a\u{a0}b ¦ \u{feff}a ¦ a\u{b}b ¦ a\u{c}+ b ¦ \0 ¦ '\0' ¦ a = b ¦ a === b ¦ a !== b ¦ a <> b ¦ a & b",
    "a | b ¦ a ^ b ¦ ~a ¦ a =~ b ¦ a ** b ¦ a << b ¦ a ++ b ¦ a -- b ¦ a - - b ¦ a + + b ¦ +a ¦ a => b",
    "a and b ¦ a or b ¦ not a ¦ not(a) ¦ a not in b ¦ a is b ¦ // ¦ a // ¦ / / a ¦ a /* b */ ¦ a // b\r+ c",
    "a//\n+b ¦ a.b.c{d: e}.f ¦ .a.b{} ¦ . a ¦ a . b ¦ a .b( c ) ¦ a\n.b ¦ _ ¦ __a1 ¦ 1_000 ¦ _1",
    "a[?b ? c : d] ¦ [?a ? b : c] ¦ {?a ? b : c : d} ¦ a ? b : c : d ¦ a ? b, c : d ¦ \"a'b\" ¦ 'a\"b'",
    "\"\"\"a\"\"b\"\"\" ¦ '''a''b''' ¦ a.b. ¦ a.b.c.1 ¦ a.b{c: d}{e: f} ¦ - ¦ ! ¦ -- ¦ a! ¦ a!b ¦ a- ¦ a.-b",
    "a.(b) ¦ a.'b' ¦ f(a)(b) ¦ f()()",
];

/// Returns the tree of each parser for a text: ours, theirs.
fn both(text: &str) -> [Option<String>; 2] {
    [syntax(text).ok(), theirs::syntax(text)]
}

/// Runs a test on the stack that the generated parser needs.
fn on_large_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(256 << 20).spawn(work).unwrap().join().unwrap();
}

/// Compares the parsers on texts. Returns the number of texts that both accept, and the differences.
fn compare(texts: impl IntoIterator<Item = String>) -> (usize, Vec<String>) {
    let mut accepted = 0;
    let mut different = Vec::new();
    for text in texts {
        let [ours, theirs] = both(&text);
        accepted += usize::from(ours.is_some() && theirs.is_some());
        if ours != theirs {
            different.push(format!("{text:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    (accepted, different)
}

#[test]
fn both_parsers_give_the_same_of_known_texts() {
    on_large_stack(|| {
        let others = OTHERS.iter().flat_map(|line| line.split(" ¦ "));
        let texts: Vec<String> = VALID.iter().copied().chain(others).chain([""]).map(str::to_owned).collect();
        let count = texts.len();
        let (accepted, different) = compare(texts);
        println!("{accepted} of {count} are accepted by both");
        assert!(different.is_empty(), "{}", different.join("\n"));
        for text in VALID {
            assert!(parse(text).is_ok(), "{text}");
        }
    });
}

#[test]
fn only_ours_refuses_what_is_too_large() {
    on_large_stack(|| {
        let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
        let chain = |n: usize| format!("a{}", ".b".repeat(n));
        let long = |n: usize| format!("'{}'", "a".repeat(n));
        for [largest, too_large] in [[deep(63), deep(64)], [chain(63), chain(64)], [long(16_382), long(16_383)]] {
            let [ours, theirs] = both(&largest);
            assert!(ours.is_some() && ours == theirs, "{largest:.20}");
            let [ours, theirs] = both(&too_large);
            assert!(ours.is_none() && theirs.is_some(), "{too_large:.20}");
        }
    });
}

/// Returns the group of a token. Replacing it by another of the same group mostly keeps the text valid.
fn group(kind: Kind) -> u8 {
    match kind {
        Kind::Word | Kind::Constant | Kind::Number | Kind::Text => 0,
        Kind::Binary(_) | Kind::Minus => 1,
        _ => 2,
    }
}

/// Returns a valid expression with some of its tokens changed.
fn mutated(numbers: &mut Numbers, pool: &[(String, Kind)]) -> String {
    let valid = numbers.one_of(VALID);
    let mut tokens: Vec<(String, Kind)> =
        lexer::tokens(valid, &mut Vec::new()).iter().map(|token| (token.text.to_owned(), token.kind)).collect();
    for _ in 0..numbers.below(4) {
        let at = numbers.below(tokens.len());
        match numbers.below(10) {
            0 => drop(tokens.remove(at)),
            1 => tokens.insert(at, numbers.one_of(pool)),
            2 => tokens.insert(at, tokens[at].clone()),
            3 => {
                let other = numbers.below(tokens.len());
                tokens.swap(at, other);
            }
            4 => tokens[at] = numbers.one_of(pool),
            _ => {
                let alike: Vec<_> = pool.iter().filter(|(_, kind)| group(*kind) == group(tokens[at].1)).collect();
                if group(tokens[at].1) < 2 {
                    tokens[at] = numbers.one_of(&alike).clone();
                }
            }
        }
        if tokens.is_empty() {
            break;
        }
    }
    let close = numbers.below(3) == 0;
    let texts: Vec<&str> = tokens.iter().map(|(text, _)| text.as_str()).collect();
    texts.join(if close { "" } else { " " })
}

#[test]
fn both_parsers_give_the_same_of_changed_tokens() {
    const CASES: usize = 4_000;
    on_large_stack(|| {
        let mut pool: Vec<(String, Kind)> = Vec::new();
        for valid in VALID {
            pool.extend(lexer::tokens(valid, &mut Vec::new()).iter().map(|token| (token.text.to_owned(), token.kind)));
        }
        let mut numbers = Numbers(1);
        let texts: Vec<String> = (0..CASES).map(|_| mutated(&mut numbers, &pool)).collect();
        let (accepted, different) = compare(texts);
        println!("{accepted} of {CASES} are accepted by both");
        assert!(different.is_empty(), "{} differences\n{}", different.len(), different.join("\n"));
        assert!(accepted * 3 >= CASES, "{accepted} of {CASES} are accepted by both");
        assert!(accepted * 10 <= CASES * 9, "{accepted} of {CASES} are accepted by both");
    });
}

#[test]
fn both_parsers_give_the_same_of_changed_characters() {
    const CASES: usize = 3_000;
    const CHARACTERS: &[&str] = &[
        "'", "\"", "\\", "r", "b", "u", "x", "0", "1", "7", ".", "e", "-", "`", "\n", "\r", " ", "/", "?", "(", ")",
        "[", "]", "{", "}", ",", ":", "in", "é", "!", "&&", "=",
    ];
    on_large_stack(|| {
        let mut numbers = Numbers(2);
        let mut changed = || {
            let mut characters: Vec<String> = numbers.one_of(VALID).chars().map(String::from).collect();
            for _ in 0..=numbers.below(2) {
                let at = numbers.below(characters.len());
                match numbers.below(4) {
                    0 => drop(characters.remove(at)),
                    1 => characters[at] = numbers.one_of(CHARACTERS).to_owned(),
                    _ => characters.insert(at, numbers.one_of(CHARACTERS).to_owned()),
                }
            }
            characters.concat()
        };
        let texts: Vec<String> = (0..CASES).map(|_| changed()).collect();
        let (accepted, different) = compare(texts);
        println!("{accepted} of {CASES} are accepted by both");
        assert!(different.is_empty(), "{} differences\n{}", different.len(), different.join("\n"));
        assert!(accepted * 10 >= CASES, "{accepted} of {CASES} are accepted by both");
    });
}
