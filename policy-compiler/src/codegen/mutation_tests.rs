//! Texts that nobody would write: whatever they are, they are refused or become a program that loads and ends.

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

/// A small generator of numbers: the same ones on every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }
}

/// The words and signs of a text, white space left out.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let belongs = |c: char| c.is_alphanumeric() || c == '_';
        let quoted = rest.strip_prefix('\'').and_then(|body| body.find('\'')).map(|end| end + 2);
        let word = if belongs(first) { rest.find(|c| !belongs(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, tail) = rest.split_at(quoted.unwrap_or(word));
        words.push(word);
        rest = tail.trim_start();
    }
    words
}

#[test]
fn whatever_is_written_is_refused_or_runs() {
    let all: Vec<&str> = TEXTS.iter().flat_map(|text| words(text)).collect();
    let mut numbers = Numbers(7);
    for round in 0..1500 {
        let mut mutated = words(TEXTS[round % TEXTS.len()]);
        for _ in 0..=numbers.below(3) {
            let at = numbers.below(mutated.len());
            let word = all[numbers.below(all.len())];
            match numbers.below(3) {
                0 => mutated[at] = word,
                1 => mutated.insert(at, word),
                _ => drop(mutated.remove(at)),
            }
        }
        let text = mutated.join(" ");
        assert_eq!(run(&text), run_unfolded(&text), "{text}");
    }
}
