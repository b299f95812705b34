//! Many texts at once: each text once, on as many threads as the machine runs together.
//!
//! The parser needs a large stack, and a thread for each text takes longer than to parse it.

use std::collections::HashMap;

use super::parse::parse;
use super::problem::Problem;
use super::syntax::Expr;

/// The syntax trees of texts, or what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    by_text: HashMap<String, Result<Expr, Vec<Problem>>>,
}

impl Parsed {
    /// Parses the texts.
    pub(crate) fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut distinct: Vec<&str> = texts.into_iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        Self { by_text: parse_on_threads(&distinct).into_iter().collect() }
    }

    /// The tree of a text; `None` for one that was not among the texts.
    pub(super) fn get(&self, text: &str) -> Option<&Result<Expr, Vec<Problem>>> {
        self.by_text.get(text)
    }
}

type Tree = (String, Result<Expr, Vec<Problem>>);

fn parse_each(texts: &[&str]) -> Vec<Tree> {
    texts.iter().map(|text| ((*text).to_owned(), parse(text))).collect()
}

/// Fewer texts than this are not worth a thread.
#[cfg(not(target_family = "wasm"))]
const WORTH_A_THREAD: usize = 16;

#[cfg(not(target_family = "wasm"))]
fn parse_on_threads(texts: &[&str]) -> Vec<Tree> {
    use super::parse::{PARSER_STACK, is_on_large_stack, on_large_stack};

    if is_on_large_stack() {
        return parse_each(texts);
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = texts.len().div_ceil(threads).max(WORTH_A_THREAD);
    std::thread::scope(|scope| {
        let start = |part| {
            let builder = std::thread::Builder::new().name("cel-parser".to_owned()).stack_size(PARSER_STACK);
            (part, builder.spawn_scoped(scope, move || on_large_stack(|| parse_each(part))))
        };
        let started: Vec<_> = texts.chunks(share).map(start).collect();
        let finish = |(part, thread): (&[&str], std::io::Result<std::thread::ScopedJoinHandle<'_, Vec<Tree>>>)| {
            // A thread that could not start, or a text that the parser does not survive: one by one, so that only
            // that text is lost.
            thread.ok().and_then(|thread| thread.join().ok()).unwrap_or_else(|| parse_each(part))
        };
        started.into_iter().flat_map(finish).collect()
    })
}

/// The browser has no threads.
#[cfg(target_family = "wasm")]
fn parse_on_threads(texts: &[&str]) -> Vec<Tree> {
    parse_each(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_texts_give_what_each_gives_alone() {
        let texts: Vec<String> =
            (0..100).map(|n| format!("a == {n} && b{}", if n % 7 == 0 { " &&" } else { "" })).collect();
        let parsed = Parsed::new(texts.iter().map(String::as_str));
        for text in &texts {
            assert_eq!(parsed.get(text), Some(&parse(text)), "{text}");
        }
        assert!(parsed.get("other").is_none());
    }
}
