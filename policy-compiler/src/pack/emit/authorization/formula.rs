//! Conditions as clauses.

use context_mesh_core::artifact::tables::{Attribute, Constant, ScalarConstant};

use super::{
    atom,
    clause::{self, Clauses, known},
    pattern::Test,
    place::Place,
    refusal::Refusal,
};
use crate::check::analysis::Ask;
use crate::expression::ir::{Comparison, Node, TextTest};

/// Most parts of one condition, including its variables.
const MAX_PARTS: usize = 2_000;

/// Translates conditions at one workload.
pub(super) struct Formula<'a> {
    pub(super) place: &'a Place<'a>,
    /// The expressions of the variables, by number.
    pub(super) variables: &'a [Node],
    left: usize,
}

impl<'a> Formula<'a> {
    pub(super) fn new(place: &'a Place<'a>, variables: &'a [Node]) -> Self {
        Self { place, variables, left: MAX_PARTS }
    }

    /// Returns what holds if the answer to the question about the condition is yes.
    pub(super) fn clauses(&mut self, node: &Node, ask: Ask) -> Result<Clauses, Refusal> {
        let Some(left) = self.left.checked_sub(1) else {
            return Err(Refusal::new("the condition is too large", "split the rule"));
        };
        self.left = left;
        match node {
            Node::Constant(Constant::Scalar(ScalarConstant::Bool(value))) => Ok(known(*value != atom::is_negated(ask))),
            Node::Variable(number) => match number.get(self.variables) {
                Some(of) => self.clauses(of, ask),
                None => Err(unknown(node)),
            },
            // `&&` and `||` absorb errors, so the question about both is the question about each.
            Node::All(parts) => self.parts(parts, ask, !atom::is_negated(ask)),
            Node::Any(parts) => self.parts(parts, ask, atom::is_negated(ask)),
            Node::Not(of) => self.clauses(of, ask.of_negation()),
            Node::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                match ask {
                    Ask::True | Ask::False => {
                        let first = clause::all([self.clauses(condition, Ask::True)?, self.clauses(then, ask)?])?;
                        let second =
                            clause::all([self.clauses(condition, Ask::False)?, self.clauses(otherwise, ask)?])?;
                        clause::any([first, second])
                    }
                    // An error of the condition is one of the whole.
                    Ask::NotTrue | Ask::NotFalse => {
                        let first = clause::any([self.clauses(condition, Ask::NotTrue)?, self.clauses(then, ask)?])?;
                        let second =
                            clause::any([self.clauses(condition, Ask::NotFalse)?, self.clauses(otherwise, ask)?])?;
                        clause::all([first, second])
                    }
                }
            }
            Node::Has(attribute) => atom::has(self.place, attribute, ask),
            Node::Attribute(attribute) => atom::truth(attribute, ask),
            Node::Compare(comparison, pair) => {
                let ask = match comparison {
                    Comparison::Equal => ask,
                    Comparison::NotEqual => ask.of_negation(),
                    _ => return Err(Refusal::new("it has no `<` and `>`", "compare with `==` or `in`")),
                };
                match pair[1].scalar() {
                    Some(ScalarConstant::Bool(true)) => self.clauses(&pair[0], ask),
                    Some(ScalarConstant::Bool(false)) => self.clauses(&pair[0], ask.of_negation()),
                    Some(value) => self.one_of(&pair[0], std::slice::from_ref(value), ask),
                    None => Err(unknown(node)),
                }
            }
            Node::In(pair) => self.membership(pair, ask),
            Node::Text(kind, pair) => {
                let text = pair[1].as_str().ok_or_else(|| unknown(node))?.to_owned();
                let test = match kind {
                    TextTest::Prefix => Test::Prefix(text),
                    TextTest::Suffix => Test::Suffix(text),
                    TextTest::Part => Test::Part(text),
                };
                atom::test(self.place, self.attribute(&pair[0])?, &test, ask)
            }
            Node::Matches(of, pattern) => {
                atom::test(self.place, self.attribute(of)?, &atom::template(&pattern.text)?, ask)
            }
            _ => Err(unknown(node)),
        }
    }

    fn parts(&mut self, parts: &[Node], ask: Ask, is_all: bool) -> Result<Clauses, Refusal> {
        let parts = parts.iter().map(|part| self.clauses(part, ask)).collect::<Result<Vec<_>, _>>()?;
        if is_all { clause::all(parts) } else { clause::any(parts) }
    }

    fn membership(&mut self, pair: &[Node; 2], ask: Ask) -> Result<Clauses, Refusal> {
        match pair {
            [of, Node::Constant(Constant::StringSet(words))] => {
                atom::test(self.place, self.attribute(of)?, &Test::OneOf(words.clone()), ask)
            }
            [of, Node::Constant(Constant::List(items))] => self.one_of(of, items, ask),
            [of, Node::Constant(Constant::Networks(networks))] => {
                atom::in_networks(self.place, self.attribute(of)?, networks, ask)
            }
            [Node::Constant(Constant::Scalar(ScalarConstant::String(name))), Node::Attribute(Attribute::Headers)]
                if !name.bytes().any(|byte| byte.is_ascii_uppercase()) =>
            {
                atom::has(self.place, &Attribute::Header(name.clone()), ask)
            }
            [Node::Constant(Constant::Scalar(ScalarConstant::String(item))), of] => {
                atom::holds(self.place, self.attribute(of)?, item, ask)
            }
            [left, right] => Err(if first_attribute(left).is_some() { unknown(left) } else { unknown(right) }),
        }
    }

    fn one_of(&self, of: &Node, values: &[ScalarConstant], ask: Ask) -> Result<Clauses, Refusal> {
        let attribute = self.attribute(of)?;
        let text = |value: &ScalarConstant| match value {
            ScalarConstant::String(text) => Some(text.clone()),
            _ => None,
        };
        let number = |value: &ScalarConstant| match value {
            ScalarConstant::Int(number) => Some(*number),
            _ => None,
        };
        if values.is_empty() {
            return Err(Refusal::new("the list is empty", "remove the comparison"));
        }
        if let Some(texts) = values.iter().map(text).collect::<Option<Vec<String>>>() {
            return atom::test(self.place, attribute, &Test::OneOf(texts), ask);
        }
        if let Some(numbers) = values.iter().map(number).collect::<Option<Vec<i64>>>() {
            return atom::number(attribute, &numbers, ask);
        }
        Err(atom::unreadable(attribute))
    }

    /// Returns the attribute whose value a node is.
    fn attribute<'n>(&self, mut node: &'n Node) -> Result<&'n Attribute, Refusal>
    where
        'a: 'n,
    {
        loop {
            match node {
                Node::Attribute(attribute) => return Ok(attribute),
                Node::Variable(number) => node = number.get(self.variables).ok_or_else(|| unknown(node))?,
                _ => return Err(unknown(node)),
            }
        }
    }
}

/// Returns the refusal of a form that has no counterpart. It names the attribute if that has none either.
fn unknown(node: &Node) -> Refusal {
    if let Some(attribute) = first_attribute(node).filter(|attribute| !atom::is_readable(attribute)) {
        return atom::unreadable(attribute);
    }
    Refusal::new(
        "it compares attributes with constants, and nothing else",
        "write the condition with `==`, `!=`, `in`, `startsWith`, `endsWith`, `has` and `inNetworks` on attributes of the request and the caller",
    )
}

fn first_attribute(node: &Node) -> Option<&Attribute> {
    match node {
        Node::Attribute(attribute) | Node::Has(attribute) | Node::OptionalAttribute(attribute) => Some(attribute),
        other => other.children().into_iter().find_map(first_attribute),
    }
}
