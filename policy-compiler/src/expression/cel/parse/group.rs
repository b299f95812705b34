//! Contents of brackets.

use super::expression::expression;
use super::mistake;
use super::parser::{Parser, Part};
use super::token::{Bracket, Kind};
use super::tree::{Expr, ExprKind};

/// Parses the only expression of the text, or of brackets that end at `end`.
pub(super) fn only(parser: &mut Parser<'_, '_>, end: usize, around: Option<Bracket>, depth: usize) -> Part {
    let part = expression(parser, depth);
    while !parser.is_at(end) {
        parser.stray(around);
        parser.take();
        expression(parser, depth);
    }
    part
}

/// Parses comma-separated items up to the end of the brackets. A trailing comma is allowed.
pub(super) fn items<'t, 'p>(
    parser: &mut Parser<'t, 'p>,
    end: usize,
    around: Bracket,
    mut item: impl FnMut(&mut Parser<'t, 'p>),
) {
    while !parser.is_at(end) {
        item(parser);
        if !parser.is_at(end) && !parser.is(Kind::Comma) {
            parser.stray(Some(around));
            parser.skip_to_comma(end);
        }
        if !parser.is_at(end) {
            parser.take();
        }
    }
}

/// Parses `(arguments)`. Returns them, the greatest height among them, and the end of the place.
pub(super) fn arguments(parser: &mut Parser<'_, '_>, depth: usize) -> (Vec<Expr>, usize, usize) {
    let (_, end) = parser.open();
    let mut arguments = Vec::new();
    let mut height = 0;
    items(parser, end, Bracket::Round, |parser| {
        let argument = expression(parser, depth + 1);
        height = height.max(argument.height);
        arguments.push(argument.expr);
    });
    if let Some(comma) = parser.before().filter(|before| before.kind == Kind::Comma)
        && !parser.peek().text.is_empty()
        && !parser.follows_mistake()
    {
        parser.problems.push(mistake::trailing_comma(&comma));
    }
    (arguments, height, parser.close(end))
}

/// Parses `[elements]`.
pub(super) fn list(parser: &mut Parser<'_, '_>, depth: usize) -> Part {
    let (opener, end) = parser.open();
    let mut elements = Vec::new();
    let mut height = 0;
    lone_comma(parser, end);
    items(parser, end, Bracket::Square, |parser| {
        let optional = parser.take_if(Kind::Question);
        let element = expression(parser, depth + 1);
        height = height.max(element.height);
        elements.push((element.expr, optional));
    });
    Part::above(height, ExprKind::List(elements), (opener.place.0, parser.close(end)))
}

/// Parses `{entries}`.
pub(super) fn map(parser: &mut Parser<'_, '_>, depth: usize) -> Part {
    let (opener, end) = parser.open();
    let mut entries = Vec::new();
    let mut height = 0;
    lone_comma(parser, end);
    items(parser, end, Bracket::Curly, |parser| {
        let optional = parser.take_if(Kind::Question);
        let key = expression(parser, depth + 1);
        if !parser.take_if(Kind::Colon) {
            // A bracket that is never closed has already been reported as such.
            if !parser.follows_mistake() && !parser.peek().text.is_empty() {
                parser.report(mistake::key_without_value(key.outer));
            }
            return;
        }
        let value = expression(parser, depth + 1);
        height = height.max(key.height).max(value.height);
        entries.push((key.expr, value.expr, optional));
    });
    Part::above(height, ExprKind::Map(entries), (opener.place.0, parser.close(end)))
}

/// Takes the comma of `[,]`, which the grammar allows even without an element before it.
pub(super) fn lone_comma(parser: &mut Parser<'_, '_>, end: usize) {
    if parser.is(Kind::Comma) && parser.position() + 1 == end {
        parser.take();
    }
}
