//! The state of the parser.

use super::brackets::Balanced;
use super::mistake;
use super::token::{Bracket, Kind, Token};
use super::tree::{Expr, ExprKind, Literal, Place};
use super::{MAX_DEPTH, group};
use crate::expression::cel::problem::Problem;

/// Parses the tokens of a text. Reports all mistakes. The tree is only meaningful if there are none.
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

/// The parser. Each parsing function takes at least one token or reports a mistake, and none goes past the end of the
/// brackets that it parses.
pub(super) struct Parser<'t, 'p> {
    tokens: Balanced<'t>,
    /// The index of the next token.
    at: usize,
    /// The index of the last token that is part of a reported mistake. A mistake directly after it is not reported.
    reported: Option<usize>,
    /// The place where the text is nested too deeply, if it is.
    too_deep: Option<Place>,
    pub(super) problems: &'p mut Vec<Problem>,
}

/// A parsed part of the tree.
pub(super) struct Part {
    pub(super) expr: Expr,
    /// Its place including the parentheses around it.
    pub(super) outer: Place,
    /// The number of its levels.
    pub(super) height: usize,
    /// Whether it is a name, with or without dots, so that `{` makes it a message.
    pub(super) is_name: bool,
}

impl Part {
    /// Creates a part without children.
    pub(super) fn leaf(kind: ExprKind, place: Place) -> Self {
        Self { expr: Expr { kind, place }, outer: place, height: 1, is_name: false }
    }

    /// Creates a part above children of this height.
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

    /// Returns the token after `offset` others.
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

    /// Returns the index of the next token.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// Checks whether the token with this index is next, or already passed.
    pub(super) fn is_at(&self, end: usize) -> bool {
        self.at >= end
    }

    /// Takes the token that opens a bracket. Returns it and the index of the token that closes it.
    pub(super) fn open(&mut self) -> (Token<'t>, usize) {
        let end = self.tokens.partners.get(self.at).copied().unwrap_or(self.at);
        (self.take(), end)
    }

    /// Takes the token that closes a bracket, and everything before it. Returns the end of its place.
    pub(super) fn close(&mut self, end: usize) -> usize {
        self.at = self.at.max(end + 1);
        self.tokens.tokens.get(end).map_or(0, |closer| closer.place.1)
    }

    /// Skips to the next comma of these brackets, or to their end.
    pub(super) fn skip_to_comma(&mut self, end: usize) {
        while !self.is_at(end) && !self.is(Kind::Comma) {
            let partner = self.tokens.partners.get(self.at).copied().unwrap_or(self.at);
            self.at = partner.max(self.at) + 1;
        }
    }

    /// Reports a mistake that the next token is part of.
    pub(super) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
        self.reported = Some(self.at);
    }

    /// Records that the next token is part of a mistake that has already been reported.
    pub(super) fn known_mistake(&mut self) {
        self.reported = Some(self.at);
    }

    /// Checks whether the token before the next one is part of a reported mistake.
    pub(super) fn follows_mistake(&self) -> bool {
        self.reported.is_some_and(|reported| reported + 1 >= self.at)
    }

    /// Creates a placeholder where the text has a mistake.
    pub(super) fn made_up(&self, place: Place) -> Part {
        Part::leaf(ExprKind::Literal(Literal::Null), place)
    }

    /// Records that the text is nested too deeply, and stops parsing.
    pub(super) fn too_deep(&mut self, place: Place) {
        self.too_deep.get_or_insert(place);
        self.at = self.tokens.tokens.len();
    }

    /// Checks the height of a part. If it is too high, `place` is reported.
    pub(super) fn check_height(&mut self, part: &Part, place: Place) {
        if part.height > MAX_DEPTH {
            self.too_deep(place);
        }
    }

    /// Reports a missing operand.
    pub(super) fn missing(&mut self) -> Part {
        let (before, next) = (self.before(), self.peek());
        let end = next.place.0;
        // A bracket that is never closed has already been reported as such.
        let open = before.is_some_and(|before| matches!(before.kind, Kind::Open(_)));
        let unclosed = matches!(next.kind, Kind::Close(_)) && next.text.is_empty() && open;
        if !unclosed && self.too_deep.is_none() {
            self.report(mistake::missing(before.as_ref(), &next));
        }
        self.made_up((end, end))
    }

    /// Reports a next token that cannot follow, unless it follows another mistake.
    pub(super) fn stray(&mut self, around: Option<Bracket>) {
        if self.follows_mistake() {
            return self.known_mistake();
        }
        let token = self.peek();
        self.report(mistake::stray(&token, around));
    }
}
