//! Bracket matching. Each bracket gets its partner before anything else is parsed, so that a mistake inside of brackets
//! never affects what is outside.

use super::mistake;
use super::token::{Bracket, Kind, Token};
use crate::expression::cel::problem::Problem;

/// Tokens in which every bracket has a partner.
pub(super) struct Balanced<'t> {
    /// The tokens; the last one is the end of the text.
    pub(super) tokens: Vec<Token<'t>>,
    /// For each token that opens a bracket, the index of the one that closes it; for other tokens, their own index.
    pub(super) partners: Vec<usize>,
}

/// Pairs the brackets. Reports those without a partner: a missing one is added, a superfluous one becomes a token that
/// is skipped.
pub(super) fn pair<'t>(tokens: Vec<Token<'t>>, length: usize, problems: &mut Vec<Problem>) -> Balanced<'t> {
    let mut pairing = Pairing {
        balanced: Balanced {
            tokens: Vec::with_capacity(tokens.len() + 1),
            partners: Vec::with_capacity(tokens.len() + 1),
        },
        open: Vec::new(),
        count: [0; 3],
        problems,
    };
    for token in tokens {
        match token.kind {
            Kind::Open(bracket) => pairing.open(token, bracket),
            Kind::Close(bracket) => pairing.close(token, bracket),
            _ => pairing.add(token),
        }
    }
    while pairing.leave_open(length) {}
    pairing.add(Token { kind: Kind::End, text: "", place: (length, length) });
    pairing.balanced
}

struct Pairing<'t, 'p> {
    balanced: Balanced<'t>,
    /// The enclosing brackets: the index of the token, the token, its kind.
    open: Vec<(usize, Token<'t>, Bracket)>,
    /// The number of enclosing brackets of each kind.
    count: [usize; 3],
    problems: &'p mut Vec<Problem>,
}

impl<'t> Pairing<'t, '_> {
    fn add(&mut self, token: Token<'t>) {
        self.balanced.partners.push(self.balanced.tokens.len());
        self.balanced.tokens.push(token);
    }

    fn count(&mut self, bracket: Bracket) -> &mut usize {
        let [round, square, curly] = &mut self.count;
        match bracket {
            Bracket::Round => round,
            Bracket::Square => square,
            Bracket::Curly => curly,
        }
    }

    fn open(&mut self, token: Token<'t>, bracket: Bracket) {
        self.open.push((self.balanced.tokens.len(), token, bracket));
        *self.count(bracket) += 1;
        self.add(token);
    }

    /// Adds a token that closes the innermost bracket.
    fn close_innermost(&mut self, text: &'t str, place: (usize, usize)) -> Option<Token<'t>> {
        let (opener, token, bracket) = self.open.pop()?;
        *self.count(bracket) -= 1;
        if let Some(partner) = self.balanced.partners.get_mut(opener) {
            *partner = self.balanced.tokens.len();
        }
        self.add(Token { kind: Kind::Close(bracket), text, place });
        Some(token)
    }

    /// Closes the innermost bracket, which the text leaves open. Returns `false` if none is open.
    fn leave_open(&mut self, at: usize) -> bool {
        let Some(opener) = self.close_innermost("", (at, at)) else { return false };
        self.problems.push(mistake::never_closed(&opener));
        true
    }

    fn close(&mut self, token: Token<'t>, bracket: Bracket) {
        let Some((_, opener, innermost)) = self.open.last().copied() else {
            self.problems.push(mistake::closes_nothing(&token));
            return self.add(Token { kind: Kind::Broken, ..token });
        };
        if innermost != bracket {
            if *self.count(bracket) == 0 {
                self.problems.push(mistake::wrong_bracket(&token, &opener, innermost));
            } else {
                // Close the brackets inside of the one that this token closes.
                while self.open.last().is_some_and(|(.., inner)| *inner != bracket) {
                    self.leave_open(token.place.0);
                }
            }
        }
        self.close_innermost(token.text, token.place);
    }
}
