//! Random mutations of expressions: each is rejected, or becomes a program that loads and terminates.

use super::run_tests::{run, run_unfolded};

const TEXTS: &[&str] = &[
    "context.flags.exists(f, f.startsWith('da')) && context.flags.all(f, size(f) > 2)",
    "context.limits.transformMap(k, v, v > 100, v * 2) == {'rps': 20, ?'b': context.limits[?'x']}",
    "[3, 1, 2].sortBy(x, -x).map(y, y != 2, [y, y + 1]).flatten() == [3, 4, 1, 2]",
    "context.?user_id.or(context.?tenant_id).optMap(x, x + '!').orValue('none').split(',')[0].size() < 3",
    "cel.bind(a, context.tenant_id, cel.bind(b, a + a, b == 'x' ? [b] : [a, ?context.?user_id])).exists_one(i, e, i == 0)",
    "request.time.getHours('Europe/Berlin') >= 8 || duration('1h') > request.time - timestamp('2024-01-01T00:00:00Z')",
    "cidr('10.0.0.0/8').containsIP(context.tenant_id) || math.greatest(context.attempt, 2.5, 3u) in [1, 2.0, 'a']",
    "context.claims.tags.transformMapEntry(i, t, {t: i}).all(k, v, k.matches('^[a-z]+$') && v >= 0)",
    "'%s-%d'.format([context.tenant_id, context.attempt]).replace('-', '').reverse() != base64.encode(b'a')",
];

/// A small pseudo-random generator, with the same numbers on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// Returns the tokens of a text, without white space.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let belongs = |c: char| c.is_alphanumeric() || c == '_';
        let quoted = |text: &str| text.strip_prefix('\'').and_then(|body| body.find('\'')).map(|end| end + 2);
        let length = if let Some(length) = quoted(rest) {
            length
        } else if first.is_ascii_digit() {
            rest.find(|c: char| !belongs(c) && c != '.').unwrap_or(rest.len())
        } else if belongs(first) {
            let word = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
            word + quoted(&rest[word..]).unwrap_or(0)
        } else {
            OPERATORS.iter().find(|operator| rest.starts_with(**operator)).map_or(first.len_utf8(), |found| found.len())
        };
        let (token, tail) = rest.split_at(length);
        tokens.push(token);
        rest = tail.trim_start();
    }
    tokens
}

/// Operators of two characters.
const OPERATORS: [&str; 7] = ["&&", "||", "==", "!=", "<=", ">=", ".?"];

/// The kind of a token. Replacing a token by one of the same kind mostly keeps an expression valid.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Comparison,
    Logic,
    Arithmetic,
    Other,
}

fn kind(token: &str) -> Kind {
    match token {
        "==" | "!=" | "<" | "<=" | ">" | ">=" => Kind::Comparison,
        "&&" | "||" => Kind::Logic,
        "+" | "-" | "*" | "/" | "%" => Kind::Arithmetic,
        _ if token.starts_with('\'') => Kind::Text,
        _ if token.starts_with(|first: char| first.is_ascii_digit()) => Kind::Number,
        _ => Kind::Other,
    }
}

#[test]
fn whatever_is_written_is_refused_or_runs() {
    const ROUNDS: usize = 1500;
    let all: Vec<&str> = TEXTS.iter().flat_map(|text| tokens(text)).collect();
    let mut numbers = Numbers(7);
    let mut ran = 0;
    for round in 0..ROUNDS {
        let mut mutated = tokens(TEXTS[round % TEXTS.len()]);
        // Most changes keep the kind of a token, some change anything to anything.
        for _ in 0..=numbers.below(3) {
            let places: Vec<usize> = (0..mutated.len()).filter(|at| kind(mutated[*at]) != Kind::Other).collect();
            if numbers.below(6) > 0 && !places.is_empty() {
                let at = places[numbers.below(places.len())];
                let alike: Vec<&str> = all.iter().copied().filter(|token| kind(token) == kind(mutated[at])).collect();
                mutated[at] = alike[numbers.below(alike.len())];
                continue;
            }
            let (at, token) = (numbers.below(mutated.len()), all[numbers.below(all.len())]);
            match numbers.below(3) {
                0 => mutated[at] = token,
                1 => mutated.insert(at, token),
                _ => drop(mutated.remove(at)),
            }
        }
        let text = mutated.join(" ");
        let outcome = run(&text);
        assert_eq!(outcome, run_unfolded(&text), "{text}");
        ran += usize::from(!outcome.is_empty());
    }
    eprintln!("{ran} of {ROUNDS} texts ran");
    assert!(ran * 3 >= ROUNDS, "{ran} of {ROUNDS} texts ran");
}

#[test]
fn tokens_are_those_of_cel() {
    let text = "a.?b.c(x,2.5,3u) != b'x'||'it is'<= -1";
    let expected =
        ["a", ".?", "b", ".", "c", "(", "x", ",", "2.5", ",", "3u", ")", "!=", "b'x'", "||", "'it is'", "<=", "-", "1"];
    assert_eq!(tokens(text), expected);
}
