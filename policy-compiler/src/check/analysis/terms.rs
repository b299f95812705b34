//! Terms: the attributes of a tree and the parts that are not understood, each with all its possible values.

use std::collections::HashMap;
use std::sync::Arc;

use context_mesh_core::artifact::tables::{
    Attribute, DestinationPart, FieldType, HostType, MeshPart, Number as Limit, PeerPart, Scalar,
};

use super::number::Number;
use super::patterns::Patterns;
use super::test::Test;
use super::text::Text;
use super::values::{List, Values};
use crate::check::model::Field;
use crate::expression::ir::{Comparison, Loop, LoopResult, Node, Pattern, WithOptional};

/// The id of a term in a [`Terms`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct TermId(u32);

/// A place in a request, whose names depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// The sender of the request.
    Peer,
    /// The workload that decides.
    Own,
    /// The destination of the request.
    Destination,
}

/// An attribute of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Service,
    Domain,
    Region,
    Frameworks,
    /// The direction of the request, seen from the workload that decides.
    Direction,
}

/// One term.
#[derive(Debug)]
pub(super) struct Term {
    /// The node.
    pub(super) node: Node,
    /// All its possible values.
    pub(super) base: Values,
    /// The place that it belongs to.
    pub(super) part: Option<(Place, Part)>,
}

impl Term {
    /// Returns the name of the field, if the term is a field of the context.
    pub(super) fn field(&self) -> Option<&str> {
        match &self.node {
            Node::Attribute(Attribute::Field(name, _)) => Some(name),
            _ => None,
        }
    }
}

/// All terms of a tree. Equal terms have the same id.
#[derive(Debug)]
pub(super) struct Terms {
    by_text: HashMap<String, TermId>,
    all: Vec<Term>,
    fields: HashMap<String, Values>,
}

impl Terms {
    /// Creates an empty set of terms. The possible values of fields come from the schemas.
    pub(super) fn new(fields: &[Field], patterns: &Patterns) -> Self {
        let fields = fields.iter().map(|field| (field.table.name.clone(), field_values(field, patterns))).collect();
        Self { by_text: HashMap::new(), all: Vec::new(), fields }
    }

    /// Returns the term of a node.
    pub(super) fn term(&mut self, node: &Node) -> TermId {
        let key = match node {
            Node::Attribute(attribute) => format!("{attribute:?}"),
            other => format!("{:?}", normal(other, &mut Vec::new())),
        };
        if let Some(known) = self.by_text.get(&key) {
            return *known;
        }
        let id = TermId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        let term = Term { node: node.clone(), base: self.base(node), part: part(node) };
        self.all.push(term);
        self.by_text.insert(key, id);
        id
    }

    /// Returns the term with this id.
    pub(super) fn get(&self, id: TermId) -> Option<&Term> {
        self.all.get(usize::try_from(id.0).ok()?)
    }

    /// Returns the possible values of a field.
    pub(super) fn field(&self, name: &str) -> Option<&Values> {
        self.fields.get(name)
    }

    fn base(&self, node: &Node) -> Values {
        let readable = |values| Values { missing: true, bad: true, ..values };
        let text = || Values::text(Text::default());
        match node {
            Node::Attribute(attribute) => match attribute {
                Attribute::Field(name, of) => {
                    self.fields.get(name).cloned().unwrap_or_else(|| Values { missing: true, ..type_values(*of) })
                }
                // Its type is checked when it is read, so any value is possible.
                Attribute::Claim(..) => Values { missing: true, bad: true, ..Values::anything() },
                Attribute::HeaderValues(_) => Values { bad: true, list: Some(List::of(text())), ..Values::nothing() },
                Attribute::QueryParameters | Attribute::Cookies => {
                    Values { bad: true, other: true, ..Values::nothing() }
                }
                Attribute::HeaderLines(_) => Values { bad: true, ..text() },
                Attribute::Headers => Values { other: true, ..Values::nothing() },
                Attribute::Header(_) | Attribute::Request(_) => readable(text()),
                Attribute::Destination(DestinationPart::Frameworks) => {
                    Values { list: Some(List::of(text())), ..Values::nothing() }
                }
                Attribute::Peer(_) | Attribute::Mesh(_) | Attribute::Destination(_) => text(),
                Attribute::Host(_, kind) => readable(match kind {
                    HostType::String | HostType::Ip => text(),
                    HostType::Int => Values::number(Number::any(true)),
                    HostType::Bool => Values { truth: [true, true], ..Values::nothing() },
                    HostType::Timestamp => Values { other: true, ..Values::nothing() },
                }),
            },
            Node::Size(_) => {
                let mut size = Number::any(true);
                size.compare(Comparison::GreaterEqual, 0.0);
                Values { bad: true, ..Values::number(size) }
            }
            node if is_condition(node) => Values::condition(),
            _ => Values::anything(),
        }
    }
}

/// Whether a node is always a bool or an error.
pub(super) fn is_condition(node: &Node) -> bool {
    match node {
        Node::Has(_)
        | Node::All(_)
        | Node::Any(_)
        | Node::Not(_)
        | Node::Compare(..)
        | Node::In(_)
        | Node::Text(..)
        | Node::Matches(..)
        | Node::HasMember(..) => true,
        Node::Loop(of) => {
            matches!(of.result, LoopResult::All(_) | LoopResult::Exists(_) | LoopResult::ExistsOne(_))
        }
        _ => false,
    }
}

/// Returns the node without the places of patterns and with locals numbered from 0, so that equal parts of different
/// conditions are equal.
fn normal(node: &Node, locals: &mut Vec<u32>) -> Node {
    let declare = |locals: &mut Vec<u32>, local: u32| {
        locals.push(local);
        u32::try_from(locals.len() - 1).unwrap_or(u32::MAX)
    };
    match node {
        Node::Matches(of, pattern) => {
            let pattern = Pattern { text: pattern.text.clone(), start: 0, end: 0 };
            Node::Matches(Box::new(normal(of, locals)), pattern)
        }
        // Numbers are unique within a condition, but not across the variables that it reads: the innermost one counts.
        Node::Local(local) => {
            let number = locals.iter().rposition(|known| known == local);
            number.and_then(|number| u32::try_from(number).ok()).map_or(Node::Local(u32::MAX), Node::Local)
        }
        Node::Let(local, pair) => {
            let value = normal(&pair[0], locals);
            let local = declare(locals, *local);
            Node::Let(local, Box::new([value, normal(&pair[1], locals)]))
        }
        Node::WithOptional(with) => {
            let of = normal(&with.of, locals);
            let local = declare(locals, with.local);
            Node::WithOptional(Box::new(WithOptional { of, local, then: normal(&with.then, locals), flat: with.flat }))
        }
        Node::Loop(of) => {
            let range = normal(&of.range, locals);
            let first = declare(locals, of.first);
            let second = of.second.map(|second| declare(locals, second));
            let filter = of.filter.as_ref().map(|filter| normal(filter, locals));
            let result = of.result.map(|body| normal(body, locals));
            Node::Loop(Box::new(Loop { range, first, second, filter, result }))
        }
        other => other.with_children(&mut |child| normal(child, locals)),
    }
}

fn part(node: &Node) -> Option<(Place, Part)> {
    let Node::Attribute(attribute) = node else { return None };
    Some(match attribute {
        Attribute::Peer(PeerPart::Service) => (Place::Peer, Part::Service),
        Attribute::Peer(PeerPart::Domain) => (Place::Peer, Part::Domain),
        Attribute::Peer(PeerPart::Region) => (Place::Peer, Part::Region),
        Attribute::Mesh(MeshPart::Service) => (Place::Own, Part::Service),
        Attribute::Mesh(MeshPart::Domain) => (Place::Own, Part::Domain),
        Attribute::Mesh(MeshPart::Region) => (Place::Own, Part::Region),
        Attribute::Mesh(MeshPart::Direction) => (Place::Own, Part::Direction),
        Attribute::Destination(DestinationPart::Service) => (Place::Destination, Part::Service),
        Attribute::Destination(DestinationPart::Domain) => (Place::Destination, Part::Domain),
        Attribute::Destination(DestinationPart::Region) => (Place::Destination, Part::Region),
        Attribute::Destination(DestinationPart::Frameworks) => (Place::Destination, Part::Frameworks),
        _ => return None,
    })
}

/// Returns the possible values of a field when rules read it: missing, or a value that fits its schema.
fn field_values(field: &Field, patterns: &Patterns) -> Values {
    let pattern = field.pattern.as_ref().map(|pattern| pattern.text.as_str());
    let element = |scalar| element_values(scalar, field, pattern, patterns);
    let values = match field.table.value {
        FieldType::One(scalar) => element(scalar),
        FieldType::List(Scalar::Any) | FieldType::Map(_) => type_values(field.table.value),
        FieldType::List(scalar) => Values { list: Some(List::of(element(scalar))), ..Values::nothing() },
    };
    Values { missing: true, ..values }
}

fn type_values(of: FieldType) -> Values {
    match of {
        FieldType::One(scalar) => scalar_values(scalar),
        FieldType::List(Scalar::Any) | FieldType::Map(_) => Values { other: true, ..Values::nothing() },
        FieldType::List(scalar) => Values { list: Some(List::of(scalar_values(scalar))), ..Values::nothing() },
    }
}

fn scalar_values(scalar: Scalar) -> Values {
    match scalar {
        Scalar::String => Values::text(Text::default()),
        Scalar::Int => Values::number(Number::any(true)),
        Scalar::Double => Values::number(Number::any(false)),
        Scalar::Bool => Values { truth: [true, true], ..Values::nothing() },
        Scalar::Any => Values::anything(),
    }
}

fn element_values(scalar: Scalar, field: &Field, pattern: Option<&str>, patterns: &Patterns) -> Values {
    let mut values = scalar_values(scalar);
    let allowed: Vec<serde_json::Value> =
        field.table.allowed.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
    if !allowed.is_empty() {
        let words = allowed.iter().filter_map(|value| value.as_str().map(str::to_owned));
        values.text = values.text.map(|_| Text::of(words));
        let numbers = allowed.iter().filter_map(serde_json::Value::as_f64).collect();
        values.number = values.number.map(|number| number.only(numbers));
        let bools = [false, true].map(|value| allowed.contains(&serde_json::Value::Bool(value)));
        values.truth = [values.truth[0] && bools[0], values.truth[1] && bools[1]];
        values.other &= allowed.iter().any(|value| value.is_null() || value.is_array() || value.is_object());
    }
    if let (Some(text), Some(pattern)) = (&mut values.text, pattern) {
        let test = Arc::new(Test::Regex { text: pattern.to_owned(), whole: true });
        text.restrict(&test, true, patterns);
    }
    if scalar != Scalar::Any
        && let Some(number) = &mut values.number
    {
        let limits = [(Comparison::GreaterEqual, field.table.minimum), (Comparison::LessEqual, field.table.maximum)];
        for (comparison, limit) in limits {
            if let Some(limit) = limit.and_then(exact) {
                number.compare(comparison, limit);
            }
        }
    }
    values
}

/// Returns a limit as a double, unless it would have to be rounded.
fn exact(limit: Limit) -> Option<f64> {
    use context_mesh_core::artifact::tables::ScalarConstant;
    super::test::understood_number(&match limit {
        Limit::Int(value) => ScalarConstant::Int(value),
        Limit::Double(value) => ScalarConstant::Double(value),
    })
}
