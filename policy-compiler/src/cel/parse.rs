//! Text to syntax tree, with the parser of the `cel` crate.

use std::cell::Cell;
use std::collections::HashMap;

use cel::common::ast::{CallExpr, EntryExpr, Expr as CelExpr, LiteralValue, SourceInfo, operators};
use cel::parser::ParseErrors;
use cel::{Env, IdedExpr};

use super::problem::{Problem, code};
use super::reword;
use super::syntax::{Expr, ExprKind, Literal, Place};
use super::token::{self, Token, TokenKind};

/// Longest expression, in bytes. Far above any rule that a person can read.
pub(super) const MAX_TEXT: usize = 16 * 1024;

/// Deepest syntax tree. The parser and the stages after it recurse, so this bounds their stacks; CEL asks
/// implementations for 32 at least.
pub(super) const MAX_DEPTH: usize = 64;

/// Stack of the thread that parses. The generated parser needs up to 160 KB a level without optimisation.
#[cfg(not(target_family = "wasm"))]
pub(super) const PARSER_STACK: usize = 64 * 1024 * 1024;

thread_local! {
    /// Whether the stack of this thread is large enough for the parser.
    static LARGE_STACK: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with texts parsed on the stack of this thread. Otherwise every text gets a thread of its own, which
/// takes longer than to parse it.
///
/// The stack must have 64 MiB, or 8 MiB in a build with optimisation. A panic of the parser is not caught.
pub fn on_large_stack<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            LARGE_STACK.set(self.0);
        }
    }
    let _restore = Restore(LARGE_STACK.replace(true));
    work()
}

/// Whether texts are parsed on the stack of this thread.
#[cfg(not(target_family = "wasm"))]
pub(super) fn is_on_large_stack() -> bool {
    LARGE_STACK.get()
}

/// The syntax tree of a tree that the `cel` crate's parser could have made, without places.
pub(super) fn from_tree(tree: &IdedExpr) -> Expr {
    Converter::new("", &[], &SourceInfo::default()).expr(tree)
}

/// Parses a text.
///
/// # Errors
/// What is wrong with it: its size, or one problem of its syntax.
pub(super) fn parse(text: &str) -> Result<Expr, Vec<Problem>> {
    let tokens = token::tokens(text);
    check_size(text, &tokens)?;
    match with_stack(|| convert_text(text, &tokens)) {
        Ok(expr) => Ok(expr),
        Err(errors) => Err(reword::problems(text, &tokens, &errors)),
    }
}

fn check_size(text: &str, tokens: &[Token<'_>]) -> Result<(), Vec<Problem>> {
    let whole = (0, text.chars().count());
    if text.len() > MAX_TEXT {
        let message = format!("the expression has {} bytes; at most {MAX_TEXT} are allowed", text.len());
        return Err(vec![
            Problem::new(code::TOO_LARGE, whole, message).help("split it into variables or several rules"),
        ]);
    }
    if token::depth(tokens) > MAX_DEPTH {
        let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
        return Err(vec![Problem::new(code::TOO_LARGE, whole, message).help("split it into variables")]);
    }
    Ok(())
}

/// An error of the parser: line and column, both from 1, and its text.
pub(super) type SyntaxError = (usize, usize, String);

#[cfg(not(target_family = "wasm"))]
fn with_stack(work: impl FnOnce() -> Result<Expr, Vec<SyntaxError>> + Send) -> Result<Expr, Vec<SyntaxError>> {
    if is_on_large_stack() {
        return work();
    }
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().name("cel-parser".to_owned()).stack_size(PARSER_STACK);
        let result = parser.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join);
        match result {
            Ok(Ok(result)) => result,
            // The thread could not start, or the parser met a text that it does not survive.
            _ => Err(vec![(1, 1, "the parser failed".to_owned())]),
        }
    })
}

/// The browser has no threads; its builds are optimised, so that the stack it gives is enough.
#[cfg(target_family = "wasm")]
fn with_stack(work: impl FnOnce() -> Result<Expr, Vec<SyntaxError>>) -> Result<Expr, Vec<SyntaxError>> {
    work()
}

fn convert_text(text: &str, tokens: &[Token<'_>]) -> Result<Expr, Vec<SyntaxError>> {
    // An environment without macros: `has` and the rest stay calls, which the checker understands itself.
    let parser = Env::default().parser().enable_ident_escape_syntax(true).enable_optional_syntax(true);
    let depth = u16::try_from(MAX_DEPTH + 1).unwrap_or(u16::MAX);
    let (expr, info) = parser.max_recursion_depth(depth).parse_with_source_info(text).map_err(syntax_errors)?;
    Ok(Converter::new(text, tokens, &info).expr(&expr))
}

fn syntax_errors(errors: ParseErrors) -> Vec<SyntaxError> {
    let number = |n: isize| usize::try_from(n).unwrap_or(0);
    errors.errors.into_iter().map(|error| (number(error.pos.0), number(error.pos.1), error.msg)).collect()
}

/// Turns the parser's tree, which knows one token a node, into ours, which knows where each part ends.
struct Converter<'t> {
    tokens: &'t [Token<'t>],
    brackets: Vec<Option<usize>>,
    /// Byte offset of a token's start to its number.
    starts: HashMap<usize, usize>,
    /// For each byte of the text, the number of its character.
    characters: Vec<usize>,
    info: &'t SourceInfo,
}

impl<'t> Converter<'t> {
    fn new(text: &str, tokens: &'t [Token<'t>], info: &'t SourceInfo) -> Self {
        Self {
            tokens,
            brackets: token::brackets(tokens),
            starts: tokens.iter().enumerate().map(|(index, token)| (token.start, index)).collect(),
            characters: character_numbers(text),
            info,
        }
    }

    /// A node, with its place in characters.
    fn expr(&self, node: &IdedExpr) -> Expr {
        let at = self.token_of(node.id);
        match &node.expr {
            CelExpr::Literal(literal) => self.literal(literal, at),
            CelExpr::Ident(name) => {
                let first = if name.starts_with('.') { at.saturating_sub(1) } else { at };
                Expr { kind: ExprKind::Ident(name.clone()), place: self.place(first, at) }
            }
            CelExpr::Select(select) => self.select(&select.operand, select.field.clone(), at + 1),
            CelExpr::Call(call) => self.call(call, at),
            CelExpr::List(list) => {
                let optional = |index: usize| list.optional_indices.contains(&index);
                let elements = list.elements.iter().enumerate();
                let elements = elements.map(|(index, element)| (self.expr(element), optional(index))).collect();
                Expr { kind: ExprKind::List(elements), place: self.place(at, self.partner(at)) }
            }
            CelExpr::Map(map) => {
                let entries = map.entries.iter().filter_map(|entry| match &entry.expr {
                    EntryExpr::MapEntry(entry) => {
                        Some((self.expr(&entry.key), self.expr(&entry.value), entry.optional))
                    }
                    EntryExpr::StructField(_) => None,
                });
                Expr { kind: ExprKind::Map(entries.collect()), place: self.place(at, self.partner(at)) }
            }
            CelExpr::Struct(message) => {
                let name_tokens = message.type_name.matches('.').count() * 2 + 1;
                let first = at.saturating_sub(name_tokens);
                Expr { kind: ExprKind::Message(message.type_name.clone()), place: self.place(first, self.partner(at)) }
            }
            // Without macros the parser makes no comprehensions, and no unspecified parts when it succeeds.
            CelExpr::Comprehension(_) | CelExpr::Unspecified => {
                Expr { kind: ExprKind::Message(String::new()), place: self.place(at, at) }
            }
        }
    }

    fn literal(&self, literal: &LiteralValue, at: usize) -> Expr {
        let literal = match literal {
            LiteralValue::Null => Literal::Null,
            LiteralValue::Boolean(value) => Literal::Bool(*value.inner()),
            LiteralValue::Int(value) => Literal::Int(*value.inner()),
            LiteralValue::UInt(value) => Literal::Uint(*value.inner()),
            LiteralValue::Double(value) => Literal::Double(*value.inner()),
            LiteralValue::String(value) => Literal::String(value.inner().to_owned()),
            LiteralValue::Bytes(value) => Literal::Bytes(value.inner().to_vec()),
        };
        let negative = match &literal {
            Literal::Int(value) => *value < 0,
            Literal::Double(value) => value.is_sign_negative(),
            _ => false,
        };
        let first = if negative { at.saturating_sub(1) } else { at };
        Expr { kind: ExprKind::Literal(literal), place: self.place(first, at) }
    }

    fn select(&self, operand: &IdedExpr, field: String, field_token: usize) -> Expr {
        let operand = self.expr(operand);
        let field_place = self.place(field_token, field_token);
        let place = (self.widened(operand.place).0, field_place.1);
        Expr { kind: ExprKind::Select { operand: Box::new(operand), field, field_place }, place }
    }

    fn call(&self, call: &CallExpr, at: usize) -> Expr {
        let name = call.func_name.clone();
        let arguments: Vec<Expr> = call.args.iter().map(|argument| self.expr(argument)).collect();
        let is_operator =
            name.contains('_') && name.contains(|c: char| "?&|!+-*/%=<>[".contains(c)) || name == operators::IN;
        if is_operator {
            return self.operator(name, arguments, at);
        }
        // The node's token is the opening parenthesis; the name stands before it.
        let name_token = at.saturating_sub(1);
        let target = call.target.as_ref().map(|target| Box::new(self.expr(target)));
        let first = if name.starts_with('.') { name_token.saturating_sub(1) } else { name_token };
        let start = target.as_ref().map_or(self.place(first, first).0, |target| self.widened(target.place).0);
        let place = (start, self.place(at, self.partner(at)).1);
        let name_place = self.place(first, name_token);
        Expr { kind: ExprKind::Call { name, name_place, target, arguments }, place }
    }

    fn operator(&self, name: String, arguments: Vec<Expr>, at: usize) -> Expr {
        let name_place = self.place(at, at);
        let end = match name.as_str() {
            operators::INDEX | operators::OPT_INDEX => self.place(at, self.partner(at)).1,
            // `a.?b`: the dot, the question mark, the field.
            operators::OPT_SELECT => self.place(at, at + 2).1,
            _ => arguments.last().map_or(name_place.1, |last| self.widened(last.place).1),
        };
        let unary = arguments.len() == 1;
        let start = arguments.first().filter(|_| !unary).map_or(name_place.0, |first| self.widened(first.place).0);
        Expr { kind: ExprKind::Operator { name, name_place, arguments }, place: (start, end) }
    }

    /// The number of a node's token.
    fn token_of(&self, id: u64) -> usize {
        let start = self.info.offset_for(id).and_then(|(start, _)| usize::try_from(start).ok());
        start.and_then(|start| self.starts.get(&start).copied()).unwrap_or(0)
    }

    fn partner(&self, token: usize) -> usize {
        self.brackets.get(token).copied().flatten().unwrap_or(token)
    }

    /// The place from one token to another.
    fn place(&self, first: usize, last: usize) -> Place {
        let last = last.min(self.tokens.len().saturating_sub(1));
        let start = self.tokens.get(first).map_or(0, |token| token.start);
        let end = self.tokens.get(last).map_or(0, Token::end);
        (self.character(start), self.character(end))
    }

    fn character(&self, byte: usize) -> usize {
        self.characters.get(byte).copied().unwrap_or(0)
    }

    /// The place with the grouping parentheses around it.
    fn widened(&self, place: Place) -> Place {
        let mut place = place;
        loop {
            let before = self.tokens.partition_point(|token| self.character(token.start) < place.0);
            let after = self.tokens.partition_point(|token| self.character(token.start) < place.1);
            let Some(opener) = before.checked_sub(1) else { return place };
            let grouping = self.is(opener, "(") && self.partner(opener) == after && !self.opens_call(opener);
            if !grouping {
                return place;
            }
            place = self.place(opener, after);
        }
    }

    fn is(&self, token: usize, text: &str) -> bool {
        self.tokens.get(token).is_some_and(|token| token.text == text)
    }

    fn opens_call(&self, parenthesis: usize) -> bool {
        let before = parenthesis.checked_sub(1).and_then(|before| self.tokens.get(before));
        before.is_some_and(|token| token.kind == TokenKind::Word && token.text != "in")
    }
}

/// For each byte offset, its character offset; one more entry for the end.
pub(super) fn character_numbers(text: &str) -> Vec<usize> {
    let mut numbers = Vec::with_capacity(text.len() + 1);
    for (number, character) in text.chars().enumerate() {
        numbers.resize(numbers.len() + character.len_utf8(), number);
    }
    numbers.push(text.chars().count());
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each sub-expression's text, outermost first.
    fn parts(text: &str) -> Vec<String> {
        fn walk(expr: &Expr, text: &str, out: &mut Vec<String>) {
            out.push(text.chars().skip(expr.place.0).take(expr.place.1 - expr.place.0).collect());
            match &expr.kind {
                ExprKind::Select { operand, .. } => walk(operand, text, out),
                ExprKind::Operator { arguments, .. } => arguments.iter().for_each(|a| walk(a, text, out)),
                ExprKind::Call { target, arguments, .. } => {
                    target.iter().for_each(|target| walk(target, text, out));
                    arguments.iter().for_each(|argument| walk(argument, text, out));
                }
                ExprKind::List(elements) => elements.iter().for_each(|(e, _)| walk(e, text, out)),
                _ => {}
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
        ];
        for (text, expected) in cases {
            assert_eq!(parts(text), *expected, "{text}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_or_too_deep_is_refused() {
        let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
        assert!(parse(&deep(32)).is_ok());
        let long = format!("a == '{}'", "x".repeat(MAX_TEXT));
        for text in [deep(20_000), deep(65), format!("a{}", ".b".repeat(5000)), "[".repeat(8000), long] {
            let problems = parse(&text).unwrap_err();
            assert_eq!(problems[0].code, code::TOO_LARGE);
        }
    }

    #[test]
    fn the_stack_of_the_caller_gives_the_same() {
        let parse_there = || on_large_stack(|| parse("a.b + [1]"));
        assert_eq!(
            std::thread::Builder::new().stack_size(PARSER_STACK).spawn(parse_there).unwrap().join().unwrap(),
            parse("a.b + [1]")
        );
        assert!(!LARGE_STACK.get());
    }

    #[test]
    fn a_long_conjunction_is_no_problem() {
        assert!(parse(&format!("a{}", " && b == 'c'".repeat(1000))).is_ok());
    }
}
