//! Operators: conditionals, chains of operators by precedence, and unary operators.

use super::MAX_DEPTH;
use super::member;
use super::mistake;
use super::operator::{Binary, Strength, Unary};
use super::parser::{Parser, Part};
use super::token::{Kind, Token};
use super::tree::ExprKind;

/// Parses an expression. `depth` counts the enclosing levels.
pub(super) fn expression(parser: &mut Parser<'_, '_>, depth: usize) -> Part {
    let condition = binary(parser, Strength::Or, depth);
    if parser.is(Kind::Question) { conditional(parser, condition, depth) } else { condition }
}

/// Parses `? value : other` after its condition.
fn conditional(parser: &mut Parser<'_, '_>, condition: Part, depth: usize) -> Part {
    let question = parser.take();
    let behind = parser.peek();
    let mut value = binary(parser, Strength::Or, depth + 1);
    if parser.is(Kind::Question) {
        value = conditional(parser, value, depth + 1);
        if parser.is(Kind::Colon) {
            parser.report(mistake::nested_conditional(value.outer));
        }
    }
    if !parser.take_if(Kind::Colon) {
        if !parser.follows_mistake() {
            parser.report(mistake::lonely_question_mark(&question, &behind));
        }
        return Part { outer: (condition.outer.0, value.outer.1), ..condition };
    }
    let other = expression(parser, depth + 1);
    let place = (condition.outer.0, other.outer.1);
    let height = condition.height.max(value.height).max(other.height);
    let kind = ExprKind::Conditional(Box::new([condition.expr, value.expr, other.expr]));
    let part = Part::above(height, kind, place);
    parser.check_height(&part, question.place);
    part
}

/// What follows an operand.
enum Next<'t> {
    Operator(Binary, Token<'t>),
    /// Another operand.
    Operand,
}

/// Parses operators that bind at least as strongly as `weakest`, with their operands.
pub(super) fn binary(parser: &mut Parser<'_, '_>, weakest: Strength, depth: usize) -> Part {
    if depth > MAX_DEPTH {
        let place = parser.peek().place;
        parser.too_deep(place);
        return parser.made_up(place);
    }
    let mut left = unary(parser, depth);
    while let Some(next) = next(parser, weakest) {
        left = match next {
            Next::Operator(operator, _) if operator.is_logic() => logic(parser, left, operator, depth),
            Next::Operator(operator, token) => {
                let right = binary(parser, operator.strength().next(), depth + 1);
                let part = joined(left, operator, right);
                parser.check_height(&part, token.place);
                part
            }
            Next::Operand => {
                let right = unary(parser, depth);
                Part { outer: (left.outer.0, right.outer.1), is_name: false, ..left }
            }
        };
    }
    left
}

fn joined(left: Part, operator: Binary, right: Part) -> Part {
    let place = (left.outer.0, right.outer.1);
    let height = left.height.max(right.height);
    Part::above(height, ExprKind::Binary(operator, Box::new([left.expr, right.expr])), place)
}

/// Parses the rest of a chain of `&&` or `||`. Its tree is balanced, so that a long chain is not deep.
fn logic(parser: &mut Parser<'_, '_>, first: Part, operator: Binary, depth: usize) -> Part {
    let place = parser.before().map_or(first.outer, |token| token.place);
    let mut terms = vec![Some(first)];
    loop {
        terms.push(Some(binary(parser, operator.strength().next(), depth + 1)));
        if next(parser, operator.strength()).is_none() {
            break;
        }
    }
    let part = balanced(&mut terms, operator).unwrap_or_else(|| parser.made_up(place));
    parser.check_height(&part, place);
    part
}

/// Joins the terms into a balanced tree.
fn balanced(terms: &mut [Option<Part>], operator: Binary) -> Option<Part> {
    if let [term] = terms {
        return term.take();
    }
    let (left, right) = terms.split_at_mut(terms.len().div_ceil(2));
    Some(joined(balanced(left, operator)?, operator, balanced(right, operator)?))
}

/// Takes the next operator if it binds at least as strongly as `weakest`. Reports operators of other languages, and
/// missing ones.
fn next<'t>(parser: &mut Parser<'t, '_>, weakest: Strength) -> Option<Next<'t>> {
    loop {
        let token = parser.peek();
        let operator = match token.kind {
            Kind::Binary(operator) => operator,
            Kind::Minus => Binary::Subtract,
            Kind::Broken => {
                parser.known_mistake();
                parser.take();
                continue;
            }
            _ if token.begins_operand() => return foreign_or_missing(parser, token, weakest),
            _ => return None,
        };
        return (operator.strength() >= weakest).then(|| Next::Operator(operator, parser.take()));
    }
}

/// Reports an operator that is a word of other languages, or a missing operator before an operand.
fn foreign_or_missing<'t>(parser: &mut Parser<'t, '_>, token: Token<'t>, weakest: Strength) -> Option<Next<'t>> {
    if let Some(foreign) = mistake::foreign_word(&token, &parser.peek_at(1)) {
        if foreign.meant.strength() < weakest {
            return None;
        }
        parser.report(foreign.problem);
        for _ in 1..foreign.length {
            parser.take();
        }
        return Some(Next::Operator(foreign.meant, parser.take()));
    }
    if parser.follows_mistake() || is_inside_a_string(parser, token) {
        parser.known_mistake();
    } else if let Some(left) = parser.before() {
        parser.report(mistake::no_operator(&left, &token));
    }
    Some(Next::Operand)
}

/// Checks whether a word is between the second and the third quote of a text such as `'it's'`. The third quote, which
/// opens a string, has already been reported.
fn is_inside_a_string(parser: &Parser<'_, '_>, word: Token<'_>) -> bool {
    let (before, next) = (parser.before(), parser.peek_at(1));
    let text = before.is_some_and(|before| before.kind == Kind::Text && before.touches(&word));
    text && word.kind == Kind::Word
        && next.kind == Kind::Broken
        && word.touches(&next)
        && next.text.starts_with(['\'', '"'])
}

/// Parses an operand with its unary operators: any number of `!`, or any number of `-`. Pairs cancel each other.
fn unary(parser: &mut Parser<'_, '_>, depth: usize) -> Part {
    let first = parser.peek();
    let operator = match first.kind {
        Kind::Not => Unary::Not,
        Kind::Minus if !member::is_signed_number(parser) => Unary::Negate,
        Kind::Word if is_foreign_not(parser, first) => {
            parser.report(mistake::foreign_not(&first));
            parser.take();
            return unary_chain(parser, depth, first, Unary::Not);
        }
        _ => return member::member(parser, depth),
    };
    unary_chain(parser, depth, first, operator)
}

fn unary_chain(parser: &mut Parser<'_, '_>, depth: usize, first: Token<'_>, operator: Unary) -> Part {
    let mut is_odd = false;
    let mut mixed = false;
    loop {
        let token = parser.peek();
        match token.kind {
            Kind::Not | Kind::Minus if token.kind == first.kind => is_odd = !is_odd,
            // The sign of a number.
            Kind::Minus if member::is_signed_number(parser) => break,
            Kind::Not | Kind::Minus => {
                if !mixed {
                    parser.report(mistake::mixed_unary(&first, &token));
                }
                mixed = true;
            }
            _ => break,
        }
        parser.take();
    }
    let operand = member::member(parser, depth + 1);
    let place = (first.place.0, operand.outer.1);
    if !is_odd {
        return Part { outer: place, is_name: false, ..operand };
    }
    let part = Part::above(operand.height, ExprKind::Unary(operator, Box::new(operand.expr)), place);
    parser.check_height(&part, first.place);
    part
}

/// Checks whether this word is the `not` of other languages, and not a name.
fn is_foreign_not(parser: &Parser<'_, '_>, word: Token<'_>) -> bool {
    let next = parser.peek_at(1);
    let begins = matches!(next.kind, Kind::Word | Kind::Constant | Kind::Number | Kind::Text);
    word.text.eq_ignore_ascii_case("not") && begins
}
