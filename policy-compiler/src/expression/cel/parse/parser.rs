//! Where the parser stands, and what it has found.

use super::brackets::Balanced;
use super::mistake;
use super::token::{Bracket, Kind, Token};
use super::tree::{Expr, ExprKind, Literal, Place};
use super::{MAX_DEPTH, group};
use crate::expression::cel::problem::Problem;

/// Parses the tokens of a text. Notes all mistakes; the tree means something only if there are none.
///
/// # Errors
/// The text is nested too deeply.
pub(super) fn parse(tokens: Balanced<'_>, problems: &mut Vec<Problem>) -> Result<Expr, Vec<Problem>> {
    let end = tokens.tokens.len().saturating_sub(1);
    let mut parser = Parser { tokens, at: 0, reported: None, too_deep: None, problems };
    let whole = group::only(&mut parser, end, None, 1);
    match parser.too_deep {
        Some(place) => Err(vec![mistake::too_deep(MAX_DEPTH, place)]),
        None => Ok(whole.expr),
    }
}

/// The parser. Each of its functions takes at least one token or notes a mistake, and none goes past the end of the
/// brackets that it reads.
pub(super) struct Parser<'t, 'p> {
    tokens: Balanced<'t>,
    /// The number of the next token.
    at: usize,
    /// The number of the last token that is part of a reported mistake. What follows it directly is not reported too.
    reported: Option<usize>,
    /// Where the text is nested too deeply, if it is.
    too_deep: Option<Place>,
    pub(super) problems: &'p mut Vec<Problem>,
}

/// A part of the tree that was read.
pub(super) struct Part {
    pub(super) expr: Expr,
    /// Its place with the parentheses around it.
    pub(super) outer: Place,
    /// How many levels it has.
    pub(super) height: usize,
    /// Whether it is a name, with or without dots, so that `{` makes it a message.
    pub(super) is_name: bool,
}

impl Part {
    /// Makes a part without parts of its own.
    pub(super) fn leaf(kind: ExprKind, place: Place) -> Self {
        Self { expr: Expr { kind, place }, outer: place, height: 1, is_name: false }
    }

    /// Makes a part whose highest part has this height.
    pub(super) fn above(height: usize, kind: ExprKind, place: Place) -> Self {
        Self { height: height + 1, ..Self::leaf(kind, place) }
    }
}

const END: Token<'static> = Token { kind: Kind::End, text: "", place: (0, 0) };

impl<'t> Parser<'t, '_> {
    /// Returns the next token.
    pub(super) fn peek(&self) -> Token<'t> {
        self.peek_at(0)
    }

    /// Returns the token behind as many others.
    pub(super) fn peek_at(&self, offset: usize) -> Token<'t> {
        let last = || self.tokens.tokens.last().copied();
        self.tokens.tokens.get(self.at + offset).copied().or_else(last).unwrap_or(END)
    }

    /// Returns the token that was taken last.
    pub(super) fn before(&self) -> Option<Token<'t>> {
        self.at.checked_sub(1).and_then(|before| self.tokens.tokens.get(before)).copied()
    }

    /// Checks whether the next token is of this kind.
    pub(super) fn is(&self, kind: Kind) -> bool {
        self.peek().kind == kind
    }

    /// Takes the next token.
    pub(super) fn take(&mut self) -> Token<'t> {
        let token = self.peek();
        self.at += 1;
        token
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn take_if(&mut self, kind: Kind) -> bool {
        let found = self.is(kind);
        self.at += usize::from(found);
        found
    }

    /// Returns the number of the next token.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Checks whether the token with this number comes next, or is behind.
    pub(super) fn is_at(&self, end: usize) -> bool {
        self.at >= end
    }

    /// Takes the token that opens a bracket. Returns it and the number of the token that closes it.
    pub(super) fn open(&mut self) -> (Token<'t>, usize) {
        let end = self.tokens.partners.get(self.at).copied().unwrap_or(self.at);
        (self.take(), end)
    }

    /// Takes the token that closes a bracket, and all that is left before it. Returns the end of its place.
    pub(super) fn close(&mut self, end: usize) -> usize {
        self.at = self.at.max(end + 1);
        self.tokens.tokens.get(end).map_or(0, |closer| closer.place.1)
    }

    /// Goes on at the next comma of these brackets, or at their end.
    pub(super) fn skip_to_comma(&mut self, end: usize) {
        while !self.is_at(end) && !self.is(Kind::Comma) {
            let partner = self.tokens.partners.get(self.at).copied().unwrap_or(self.at);
            self.at = partner.max(self.at) + 1;
        }
    }

    /// Notes a mistake that the next token is part of.
    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.reported = Some(self.at);
    }

    /// Notes that the next token is part of a mistake that is reported already.
    pub(super) fn known_mistake(&mut self) {
        self.reported = Some(self.at);
    }

    /// Checks whether the token before the next one is part of a reported mistake.
    pub(super) fn follows_mistake(&self) -> bool {
        self.reported.is_some_and(|reported| reported + 1 >= self.at)
    }

    /// Makes up a part where the text has a mistake.
    pub(super) fn made_up(&self, place: Place) -> Part {
        Part::leaf(ExprKind::Literal(Literal::Null), place)
    }

    /// Notes that the text is nested too deeply, and ends the reading.
    pub(super) fn too_deep(&mut self, place: Place) {
        self.too_deep.get_or_insert(place);
        self.at = self.tokens.tokens.len();
    }

    /// Checks that a part is not too high. The place is that of what made it so.
    pub(super) fn check_height(&mut self, part: &Part, place: Place) {
        if part.height > MAX_DEPTH {
            self.too_deep(place);
        }
    }

    /// Notes that nothing stands where an operand must.
    pub(super) fn missing(&mut self) -> Part {
        let (before, next) = (self.before(), self.peek());
        let end = next.place.0;
        // A bracket that is never closed is reported as that.
        let open = before.is_some_and(|before| matches!(before.kind, Kind::Open(_)));
        let unclosed = matches!(next.kind, Kind::Close(_)) && next.text.is_empty() && open;
        if !unclosed && self.too_deep.is_none() {
            self.report(mistake::missing(before.as_ref(), &next));
        }
        self.made_up((end, end))
    }

    /// Notes that the next token continues nothing, unless it follows another mistake.
    pub(super) fn stray(&mut self, around: Option<Bracket>) {
        if self.follows_mistake() {
            return self.known_mistake();
        }
        let token = self.peek();
        self.report(mistake::stray(&token, around));
    }
}
