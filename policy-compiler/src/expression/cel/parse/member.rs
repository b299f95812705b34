//! Operands: literals, names and brackets, with the members, indices and calls after them.

use super::expression::expression;
use super::group;
use super::literal;
use super::mistake;
use super::parser::{Parser, Part};
use super::token::{Bracket, Kind, Token, is_reserved};
use super::tree::{Expr, ExprKind, Field, Literal};

/// Parses an operand with its members and indices.
pub(super) fn member(parser: &mut Parser<'_, '_>, depth: usize) -> Part {
    let mut part = primary(parser, depth);
    loop {
        let token = parser.peek();
        part = match token.kind {
            Kind::Dot => select(parser, part, depth),
            Kind::Open(Bracket::Square) => index(parser, part, depth),
            Kind::Open(Bracket::Curly) if part.is_name => message(parser, part, depth),
            _ => return part,
        };
        parser.check_height(&part, token.place);
    }
}

fn primary(parser: &mut Parser<'_, '_>, depth: usize) -> Part {
    let token = parser.peek();
    match token.kind {
        Kind::Word => name(parser, None, depth),
        Kind::Dot => {
            let dot = parser.take();
            if parser.is(Kind::Word) {
                return name(parser, Some(dot), depth);
            }
            no_name(parser, &dot);
            parser.made_up(dot.place)
        }
        Kind::Number => number(parser),
        Kind::Minus if is_signed_number(parser) => number(parser),
        Kind::Constant => {
            let literal = match parser.take().text {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => Literal::Null,
            };
            Part::leaf(ExprKind::Literal(literal), token.place)
        }
        Kind::Text => {
            parser.take();
            Part::leaf(ExprKind::Literal(literal::text(&token, parser.problems)), token.place)
        }
        Kind::Open(Bracket::Round) => {
            let (opener, end) = parser.open();
            let part = group::only(parser, end, Some(Bracket::Round), depth + 1);
            Part { outer: (opener.place.0, parser.close(end)), is_name: false, ..part }
        }
        Kind::Open(Bracket::Square) => group::list(parser, depth),
        Kind::Open(Bracket::Curly) => group::map(parser, depth),
        Kind::Quoted => {
            parser.report(mistake::quoted_alone(&token));
            parser.take();
            parser.made_up(token.place)
        }
        Kind::Broken => {
            parser.known_mistake();
            parser.take();
            parser.made_up(token.place)
        }
        _ => parser.missing(),
    }
}

/// Checks whether the next tokens are a number and its sign. `uint` literals have no sign.
pub(super) fn is_signed_number(parser: &Parser<'_, '_>) -> bool {
    let number = parser.peek_at(1);
    parser.is(Kind::Minus) && number.kind == Kind::Number && !number.text.ends_with(['u', 'U'])
}

/// Parses a number, with the sign before it.
fn number(parser: &mut Parser<'_, '_>) -> Part {
    let first = parser.peek();
    let negative = parser.take_if(Kind::Minus);
    let token = parser.take();
    let place = (first.place.0, token.place.1);
    Part::leaf(ExprKind::Literal(literal::number(&token, negative, place, parser.problems)), place)
}

/// Parses an identifier or the call of a function, with the dot before it.
fn name(parser: &mut Parser<'_, '_>, dot: Option<Token<'_>>, depth: usize) -> Part {
    if is_reserved(parser.peek().text) && !heads_message(parser) {
        let word = parser.peek();
        parser.report(mistake::reserved(&word));
    }
    let word = parser.take();
    let place = (dot.map_or(word.place, |dot| dot.place).0, word.place.1);
    let name = format!("{}{}", if dot.is_some() { "." } else { "" }, word.text);
    if !parser.is(Kind::Open(Bracket::Round)) {
        return Part { is_name: true, ..Part::leaf(ExprKind::Ident(name), place) };
    }
    let (arguments, height, end) = group::arguments(parser, depth);
    let kind = ExprKind::Call { name, name_place: place, target: None, arguments };
    Part::above(height, kind, (place.0, end))
}

/// Checks whether the next word begins the name of a message, which may contain reserved words.
fn heads_message(parser: &Parser<'_, '_>) -> bool {
    let mut offset = 1;
    while parser.peek_at(offset).kind == Kind::Dot && parser.peek_at(offset + 1).kind == Kind::Word {
        offset += 2;
    }
    parser.peek_at(offset).kind == Kind::Open(Bracket::Curly)
}

/// Parses `.field`, `.?field` or `.function(arguments)`.
fn select(parser: &mut Parser<'_, '_>, operand: Part, depth: usize) -> Part {
    let dot = parser.take();
    let optional = parser.take_if(Kind::Question);
    let token = parser.peek();
    let name = match token.kind {
        Kind::Word => token.text,
        Kind::Quoted => token.text.trim_matches('`'),
        Kind::Constant | Kind::Binary(_) if token.text.starts_with(char::is_alphabetic) => {
            parser.report(mistake::keyword_behind_dot(&token));
            token.text
        }
        _ => {
            no_name(parser, &dot);
            return Part { is_name: false, ..operand };
        }
    };
    parser.take();
    let (start, is_word) = (operand.outer.0, token.kind == Kind::Word);
    if !optional && is_word && parser.is(Kind::Open(Bracket::Round)) {
        let (arguments, height, end) = group::arguments(parser, depth);
        let target = Some(Box::new(operand.expr));
        let kind = ExprKind::Call { name: name.to_owned(), name_place: token.place, target, arguments };
        return Part::above(height.max(operand.height), kind, (start, end));
    }
    let field = Field { name: name.to_owned(), place: token.place };
    let kind = ExprKind::Select { operand: Box::new(operand.expr), field, optional };
    let is_name = operand.is_name && is_word && !optional;
    Part { is_name, ..Part::above(operand.height, kind, (start, token.place.1)) }
}

/// Reports that no name follows a dot.
fn no_name(parser: &mut Parser<'_, '_>, dot: &Token<'_>) {
    let next = parser.peek();
    parser.report(mistake::no_name(dot, &next));
    if matches!(next.kind, Kind::Text | Kind::Number) {
        parser.take();
    }
}

/// Parses `[key]` or `[?key]`.
fn index(parser: &mut Parser<'_, '_>, operand: Part, depth: usize) -> Part {
    let (_, end) = parser.open();
    let optional = parser.take_if(Kind::Question);
    let key = group::only(parser, end, Some(Bracket::Square), depth + 1);
    let place = (operand.outer.0, parser.close(end));
    let height = operand.height.max(key.height);
    let kind = ExprKind::Index { operand: Box::new(operand.expr), key: Box::new(key.expr), optional };
    Part::above(height, kind, place)
}

/// Parses `{...}` after the name of a message.
fn message(parser: &mut Parser<'_, '_>, operand: Part, depth: usize) -> Part {
    let (_, end) = parser.open();
    let mut fields = Vec::new();
    let mut height = 0;
    group::lone_comma(parser, end);
    group::items(parser, end, Bracket::Curly, |parser| {
        let optional = parser.take_if(Kind::Question);
        let token = parser.peek();
        if !matches!(token.kind, Kind::Word | Kind::Quoted) {
            return parser.report(mistake::no_field(&token));
        }
        parser.take();
        let field = Field { name: token.text.trim_matches('`').to_owned(), place: token.place };
        if !parser.take_if(Kind::Colon) {
            return parser.report(mistake::key_without_value(token.place));
        }
        let value = expression(parser, depth + 1);
        height = height.max(value.height);
        fields.push((field, value.expr, optional));
    });
    let place = (operand.outer.0, parser.close(end));
    Part::above(height, ExprKind::Message(dotted(&operand.expr), fields), place)
}

/// Returns the name that an expression spells, with its dots.
fn dotted(expr: &Expr) -> String {
    let mut names = Vec::new();
    let mut at = expr;
    while let ExprKind::Select { operand, field, .. } = &at.kind {
        names.push(field.name.as_str());
        at = operand;
    }
    if let ExprKind::Ident(name) = &at.kind {
        names.push(name);
    }
    names.reverse();
    names.join(".")
}
