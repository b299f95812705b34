//! Worst-case cost of a program, in units of fuel. It uses the machine's own table of costs, with upper bounds of the
//! sizes that the program reads.
//!
//! The bounds are: the schema's limit for a field (`maxBytes`), the largest context, and Envoy's default limits for
//! headers. The elements of a list share the size of the list. A loop is therefore charged for the longest list with
//! the average element, which is the worst possible combination.

use context_mesh_core::index::VariableIndex;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use context_mesh_core::artifact::tables::{
    Attribute, Constant, DestinationPart, FieldType, HostType, Scalar, ScalarConstant,
};
use context_mesh_core::limits::{
    DEFAULT_HEADER_VALUE_BYTES, DEFAULT_MAX_ITEMS, MAX_CLAIM_BYTES, MAX_CONTEXT_BYTES, MAX_FRAMEWORKS, MAX_FUEL,
    MAX_MADE_BYTES, MAX_PAIRS, MAX_STRINGS_BYTES,
};
use context_mesh_core::vm::cost::{BYTES_PER_UNIT, CostClass};
use context_mesh_core::vm::function::Function;
use context_mesh_core::vm::op::Op;

use super::emit::{arithmetic_op, comparison_op, text_op};
use crate::expression::ir::{Comparison, Loop, LoopResult, Node, TextTest};

/// Greatest worst-case cost of one expression: ten times the fuel of a whole request. The worst case is far from real
/// requests, because every field is as large as it may be. A cost above the fuel of a request is a warning, a cost
/// above this limit is an error.
pub const MAX_COST: u64 = MAX_FUEL * 10;

/// The attributes that are the strings of metadata.
const METADATA_STRINGS: [&str; 2] = ["metadata", "strings"];

/// Bytes of all headers of a request, by Envoy's default limit.
const MAX_HEADER_BYTES: u64 = 60 * 1024;

/// Number of headers of a request, by Envoy's default limit.
const MAX_HEADERS: u64 = 100;

/// Bytes of a name of the mesh: an identity, a service, a domain, a region.
const MAX_NAME_BYTES: u64 = 2048;

/// The greatest size of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// Units in total: one for each element and entry, and one for every 64 bytes of text.
    units: u64,
    /// Units of the largest part.
    most: u64,
    /// Number of elements of a list, or entries of a map.
    count: u64,
    /// Elements of each element, on average.
    inner: u64,
}

impl Size {
    /// Whether it has no parts, such as a text or a number.
    const fn is_flat(self) -> bool {
        self.count == 0 && self.inner == 0
    }

    const fn text(bytes: u64) -> Self {
        let units = units(bytes);
        Self { units, most: units, count: 0, inner: 0 }
    }

    /// Returns the size of a JSON text of this many bytes, whose elements take at least `element` bytes.
    const fn json(bytes: u64, element: u64) -> Self {
        let count = bytes.div_ceil(element);
        let units = units(bytes).saturating_add(count);
        Self { units, most: units, count, inner: 1 }
    }

    /// Limits a list or map to this many items. If they may have items of their own, the total number stays.
    fn at_most(self, items: u64, nested: bool) -> Self {
        let count = self.count.min(items);
        if nested {
            let inner = self.count.saturating_sub(count).div_ceil(count.max(1)).saturating_add(1);
            return Self { count, inner, ..self };
        }
        let units = self.units.saturating_sub(self.count).saturating_add(count);
        Self { units, most: self.most.min(units), count, ..self }
    }

    /// Returns the size of a list or map of these parts.
    fn of(parts: impl IntoIterator<Item = Self>) -> Self {
        parts.into_iter().fold(Self::default(), |all, part| {
            let units = all.units.saturating_add(part.units).saturating_add(1);
            Self {
                units,
                most: units,
                count: all.count.saturating_add(1),
                inner: all.inner.max(part.count).max(part.inner),
            }
        })
    }

    /// Returns the size of both together.
    fn plus(self, other: Self) -> Self {
        let units = self.units.saturating_add(other.units);
        Self {
            units,
            most: units.max(self.most).max(other.most),
            count: self.count.saturating_add(other.count),
            inner: self.inner.max(other.inner),
        }
    }

    /// Returns the size of either.
    fn or(self, other: Self) -> Self {
        Self {
            units: self.units.max(other.units),
            most: self.most.max(other.most),
            count: self.count.max(other.count),
            inner: self.inner.max(other.inner),
        }
    }

    /// Returns the size of an element in a loop over all of them: its share.
    fn share(self) -> Self {
        let units = self.units.saturating_sub(self.count).div_ceil(self.count.max(1));
        Self { units, most: self.most, count: self.inner, inner: self.inner }
    }

    /// Returns the size of `count` such values.
    fn times(self, count: u64) -> Self {
        let units = self.units.saturating_add(1).saturating_mul(count);
        Self { units, most: units, count, inner: self.count.max(self.inner) }.made()
    }

    /// Returns the fuel for writing it. The texts in a list are only referred to.
    fn written(self) -> u64 {
        if self.count > 0 { self.count } else { self.units }
    }

    /// Limits the size to what a guard has found: the length of a text, or the number of items of a list or map.
    fn narrowed(self, guard: Self) -> Self {
        if self.is_flat() {
            return Self { units: self.units.min(guard.units), most: self.most.min(guard.most), ..self };
        }
        self.at_most(guard.count, self.inner > 0)
    }

    /// Limits the size to the memory of a decision.
    fn made(self) -> Self {
        let bytes = u64::try_from(MAX_MADE_BYTES).unwrap_or(u64::MAX);
        // An element takes at least 16 bytes.
        let count = bytes / 16;
        let units = units(bytes).saturating_add(count);
        Self { units: self.units.min(units), most: self.most.min(units), count: self.count.min(count), ..self }
    }
}

const fn units(bytes: u64) -> u64 {
    #[expect(clippy::as_conversions, reason = "a conversion that loses nothing, in a const function")]
    bytes.div_ceil(BYTES_PER_UNIT as u64)
}

/// The known sizes.
#[derive(Debug, Clone, Default)]
pub(super) struct Sizes {
    /// The longest values that the schema allows, in bytes, by field.
    pub(super) fields: BTreeMap<String, u64>,
    /// Most elements or members that the schema allows, by field. The default is [`DEFAULT_MAX_ITEMS`].
    pub(super) items: BTreeMap<String, u64>,
    /// The longest header value that conditions read, in bytes. The default is [`DEFAULT_HEADER_VALUE_BYTES`].
    pub(super) header_bytes: Option<u32>,
    /// The result size and cost of each variable.
    pub(super) variables: Vec<Estimate>,
}

/// The result size and cost of a program.
#[derive(Debug, Clone, Default)]
pub(super) struct Estimate {
    size: Size,
    /// The cost of its own instructions.
    pub(super) fuel: u64,
    /// The variables that it may read, directly or through other variables.
    pub(super) variables: BTreeSet<VariableIndex>,
}

/// Returns the worst-case cost of a node's instructions, without those of variables.
pub(super) fn estimate(sizes: &Sizes, node: &Node) -> Estimate {
    let mut walk = Walk { sizes, guards: Vec::new(), locals: HashMap::new(), variables: BTreeSet::new() };
    let (fuel, size) = walk.node(node);
    Estimate { size, fuel, variables: walk.variables }
}

impl Sizes {
    /// Returns the cost of a program with the variables that it may read, each of which runs at most once.
    pub(super) fn total(&self, estimate: &Estimate) -> u64 {
        let variables = estimate.variables.iter().filter_map(|index| index.get(&self.variables));
        variables.fold(estimate.fuel, |sum, variable| sum.saturating_add(variable.fuel))
    }

    fn header_bytes(&self) -> u64 {
        u64::from(self.header_bytes.unwrap_or(DEFAULT_HEADER_VALUE_BYTES))
    }

    fn attribute(&self, attribute: &Attribute) -> Size {
        match attribute {
            Attribute::Field(name, field) => {
                let limit = u64::try_from(MAX_CONTEXT_BYTES).unwrap_or(u64::MAX);
                let bytes = self.fields.get(name).copied().unwrap_or(limit).min(limit);
                let items = u64::try_from(DEFAULT_MAX_ITEMS).unwrap_or(u64::MAX);
                field_size(*field, bytes, self.items.get(name).copied().unwrap_or(items))
            }
            Attribute::Claim(_, field) => json_size(*field, u64::try_from(MAX_CLAIM_BYTES).unwrap_or(u64::MAX)),
            Attribute::Header(_) | Attribute::HeaderLines(_) | Attribute::Request(_) => Size::text(self.header_bytes()),
            Attribute::QueryParameters | Attribute::Cookies => {
                let count = u64::try_from(MAX_PAIRS).unwrap_or(u64::MAX);
                let most = units(self.header_bytes());
                Size { units: most.saturating_add(count), most, count, inner: 0 }
            }
            Attribute::HeaderValues(_) => {
                let (all, most) = (units(MAX_HEADER_BYTES), units(self.header_bytes()));
                Size { units: all.saturating_add(MAX_HEADERS), most, count: MAX_HEADERS, inner: 0 }
            }
            Attribute::Headers => {
                let units = units(MAX_HEADER_BYTES) + MAX_HEADERS;
                Size { units, most: units, count: MAX_HEADERS, inner: 0 }
            }
            Attribute::Destination(DestinationPart::Frameworks) => {
                let count = u64::try_from(MAX_FRAMEWORKS).unwrap_or(u64::MAX);
                let name = Size::text(MAX_NAME_BYTES);
                Size { units: count.saturating_mul(name.units), most: name.units, count, inner: 0 }
            }
            Attribute::Peer(_) | Attribute::Mesh(_) | Attribute::Destination(_) => Size::text(MAX_NAME_BYTES),
            Attribute::Host(path, HostType::String) if path.starts_with(&METADATA_STRINGS.map(str::to_owned)) => {
                Size::text(u64::try_from(MAX_STRINGS_BYTES).unwrap_or(u64::MAX))
            }
            Attribute::Host(_, HostType::String) => Size::text(MAX_HEADER_BYTES),
            Attribute::Host(_, HostType::Ip) => Size::text(64),
            Attribute::Host(_, HostType::Int | HostType::Bool | HostType::Timestamp) => Size::default(),
        }
    }
}

fn field_size(field: FieldType, bytes: u64, items: u64) -> Size {
    let size = json_size(field, bytes);
    match field {
        FieldType::One(_) => size,
        FieldType::List(scalar) | FieldType::Map(scalar) => size.at_most(items, scalar == Scalar::Any),
    }
}

fn json_size(field: FieldType, bytes: u64) -> Size {
    match field {
        FieldType::One(Scalar::String) => Size::text(bytes),
        FieldType::One(Scalar::Int | Scalar::Double | Scalar::Bool) => Size::default(),
        FieldType::One(Scalar::Any) | FieldType::List(Scalar::Any) => Size::json(bytes, 2),
        // `"",`
        FieldType::List(Scalar::String) => Size { inner: 0, ..Size::json(bytes, 3) },
        FieldType::List(Scalar::Int | Scalar::Double) => Size { inner: 0, ..Size::json(bytes, 2) },
        // `true,`
        FieldType::List(Scalar::Bool) => Size { inner: 0, ..Size::json(bytes, 5) },
        // `"":1,`
        FieldType::Map(_) => Size::json(bytes, 5),
    }
}

fn constant_size(constant: &Constant) -> Size {
    match constant {
        Constant::Scalar(value) => scalar_size(value),
        Constant::List(items) => Size::of(items.iter().map(scalar_size)),
        Constant::StringSet(words) => Size::of(words.iter().map(|word| Size::text(length(word.len())))),
        // Looked up, not read.
        Constant::Networks(_) => Size { units: 1, most: 1, count: 0, inner: 0 },
        Constant::Map(entries) => {
            Size::of(entries.iter().map(|(key, value)| scalar_size(key).plus(scalar_size(value))))
        }
    }
}

fn scalar_size(value: &ScalarConstant) -> Size {
    match value {
        ScalarConstant::String(text) => Size::text(length(text.len())),
        ScalarConstant::Bytes(bytes) => Size::text(length(bytes.len())),
        _ => Size::default(),
    }
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

struct Walk<'s> {
    sizes: &'s Sizes,
    /// Texts and lists that conditions to the left have found to be this large at most.
    guards: Vec<(Node, Size)>,
    locals: HashMap<u32, Size>,
    variables: BTreeSet<VariableIndex>,
}

/// Fuel, and the size of the value.
type Cost = (u64, Size);

/// The cost of reading an attribute, and the number of units that the machine reserves for a list or map that it
/// parses, besides its elements.
const PARSING: u64 = 4;

/// How often the machine reads the text of query parameters or cookies: to divide it, to decode it and to sort the names.
const PAIRS_PARSING: u64 = 18;

impl Walk<'_> {
    fn node(&mut self, node: &Node) -> Cost {
        let (fuel, size) = self.unguarded(node);
        match self.guards.iter().rev().find(|(of, _)| of == node) {
            Some((_, most)) => (fuel, size.narrowed(*most)),
            None => (fuel, size),
        }
    }

    /// Returns the cost of `&&`. It ends at a part that is false, and a part that is an error does not end it, but a value
    /// whose size is an error is one itself. So what follows `size(value) < 9` has a short value.
    fn all(&mut self, parts: &[Node]) -> Cost {
        let outer = self.guards.len();
        let mut fuel = Vec::with_capacity(parts.len());
        for part in parts {
            fuel.push(self.node(part).0.saturating_add(2));
            self.guards.extend(guard(part));
        }
        self.guards.truncate(outer);
        (sum(fuel), Size::default())
    }

    fn unguarded(&mut self, node: &Node) -> Cost {
        match node {
            Node::Constant(constant) => (1, constant_size(constant)),
            Node::Attribute(attribute) | Node::OptionalAttribute(attribute) => {
                let size = self.sizes.attribute(attribute);
                let parsing = match attribute {
                    Attribute::QueryParameters | Attribute::Cookies => size.most.saturating_mul(PAIRS_PARSING),
                    _ => 0,
                };
                (sum([PARSING, parsing, if size.is_flat() { 0 } else { size.units }]), size)
            }
            Node::Has(_) | Node::Fail => (1, Size::default()),
            Node::Variable(index) => (1, self.variable(*index)),
            Node::Local(local) => (1, self.locals.get(local).copied().unwrap_or_default()),
            Node::Let(local, pair) => {
                let (value, size) = self.node(&pair[0]);
                self.locals.insert(*local, size);
                let (body, size) = self.node(&pair[1]);
                (sum([value, body, 1]), size)
            }
            Node::All(parts) => self.all(parts),
            Node::Any(parts) => {
                let fuel = parts.iter().map(|part| self.node(part).0.saturating_add(2));
                (sum(fuel.collect::<Vec<_>>()), Size::default())
            }
            Node::Not(of) | Node::Negate(of) => (self.node(of).0.saturating_add(1), Size::default()),
            Node::If(parts) => {
                let [condition, then, otherwise] = [&parts[0], &parts[1], &parts[2]].map(|part| self.node(part));
                (sum([condition.0, then.0.max(otherwise.0), 3]), then.1.or(otherwise.1))
            }
            Node::Compare(comparison, pair) => self.compare(comparison_op(*comparison), pair),
            Node::Text(test @ (TextTest::Prefix | TextTest::Suffix), pair) => self.compare(text_op(*test), pair),
            Node::Text(test @ TextTest::Part, pair) => self.read(text_op(*test), pair.iter(), |_| Size::default()),
            Node::In(pair) => self.read(Op::In(0), pair.iter(), |_| Size::default()),
            // A sum contains both operands; any other result has a fixed size.
            Node::Arithmetic(of, pair) => self.make(pair.iter(), arithmetic_op(*of).cost(), total),
            Node::Call(function, arguments) => self.call(*function, arguments),
            Node::Size(of) => self.read(Op::Size(0), [&**of], |_| Size::default()),
            Node::HasMember(of, _) => self.read(Op::HasMember(0), [&**of], |_| Size::default()),
            Node::Matches(of, _) => self.read(Op::Matches(0), [&**of], |_| Size::default()),
            Node::Member(of, _) => self.read(Op::Member(0), [&**of], total),
            Node::OptionalMember(of, _) => self.read(Op::OptMember(0), [&**of], total),
            Node::Index(pair) => self.read(Op::Index(0), pair.iter(), element),
            Node::OptionalIndex(pair) => self.read(Op::OptIndex(0), pair.iter(), element),
            Node::FirstPresent(pair) | Node::ValueOr(pair) => {
                let (one, other) = (self.node(&pair[0]), self.node(&pair[1]));
                (sum([one.0, other.0, 4]), one.1.or(other.1))
            }
            Node::WithOptional(with) => {
                let (of, size) = self.node(&with.of);
                self.locals.insert(with.local, size);
                let (then, size) = self.node(&with.then);
                (sum([of, then, 4]), size)
            }
            Node::List(elements) => {
                let elements = elements.iter().map(|element| &element.value);
                self.make(elements, Op::List(0).cost(), |sizes| Size::of(sizes.iter().copied()))
            }
            Node::Map(entries) => {
                let parts = entries.iter().flat_map(|entry| [&entry.key, &entry.value]);
                self.make(parts, Op::MapPut(0).cost(), |sizes| Size::of(sizes.chunks(2).map(total)))
            }
            Node::Loop(of) => self.loop_over(of),
        }
    }

    fn variable(&mut self, index: VariableIndex) -> Size {
        let known = index.get(&self.sizes.variables);
        self.variables.insert(index);
        let Some(known) = known else { return Size::default() };
        self.variables.extend(known.variables.iter().copied());
        known.size
    }

    /// Returns the cost of a comparison. If one operand is flat, only the shorter one is read.
    fn compare(&mut self, op: Op, pair: &[Node; 2]) -> Cost {
        let [(left_fuel, left), (right_fuel, right)] = [self.node(&pair[0]), self.node(&pair[1])];
        let units = if left.is_flat() || right.is_flat() {
            left.units.min(right.units)
        } else {
            left.units.saturating_add(right.units)
        };
        (sum([left_fuel, right_fuel, op.cost().bound(units)]), Size::default())
    }

    /// Returns the cost of an instruction that reads its values once.
    fn read<'n>(
        &mut self,
        op: Op,
        parts: impl IntoIterator<Item = &'n Node>,
        result: impl FnOnce(&[Size]) -> Size,
    ) -> Cost {
        let costs: Vec<Cost> = parts.into_iter().map(|part| self.node(part)).collect();
        let sizes: Vec<Size> = costs.iter().map(|(_, size)| *size).collect();
        let fuel = sum(costs.into_iter().map(|(fuel, _)| fuel));
        (fuel.saturating_add(op.cost().bound(work(op.cost(), &sizes))), result(&sizes))
    }

    /// Returns the cost of an instruction, or one for each value, that makes a value. Writing it also costs.
    fn make<'n>(
        &mut self,
        parts: impl IntoIterator<Item = &'n Node>,
        class: CostClass,
        result: impl FnOnce(&[Size]) -> Size,
    ) -> Cost {
        let costs: Vec<Cost> = parts.into_iter().map(|part| self.node(part)).collect();
        let sizes: Vec<Size> = costs.iter().map(|(_, size)| *size).collect();
        let fuel = sum(costs.iter().map(|(fuel, _)| fuel.saturating_add(1)));
        let (read, made) = (class.bound(work(class, &sizes)), result(&sizes).made());
        (sum([fuel, read, made.written(), 2]), made)
    }

    fn call(&mut self, function: Function, arguments: &[Node]) -> Cost {
        self.make(arguments, function.cost(), |sizes| result_size(function, arguments, sizes))
    }

    fn loop_over(&mut self, of: &Loop<Node>) -> Cost {
        let (range, size) = self.node(&of.range);
        let share = size.share();
        let is_index =
            of.second.is_some() && matches!(of.range, Node::Attribute(Attribute::Field(_, FieldType::List(_))));
        self.locals.insert(of.first, if is_index { Size::default() } else { share });
        self.locals.extend(of.second.map(|second| (second, share)));
        let filter = of.filter.as_ref().map_or(0, |filter| self.node(filter).0.saturating_add(2));
        let (body, value) = self.node(of.result.body());
        // An iteration reads one element; over the headers, it searches all of them.
        let step = if of.range == Node::Attribute(Attribute::Headers) { MAX_HEADERS } else { share.units };
        let made = match of.result {
            LoopResult::All(_) | LoopResult::Exists(_) | LoopResult::ExistsOne(_) => Size::default(),
            LoopResult::List(_) | LoopResult::Map(_) => value.times(size.count),
            LoopResult::Entries(_) => value.times(size.count.saturating_mul(value.count.max(1))),
        };
        let next = if of.second.is_some() { Op::IterNext2(0) } else { Op::IterNext(0) };
        let once = sum([next.cost().bound(step), filter, body, 6]);
        (sum([range, once.saturating_mul(size.count), made.written(), 6]), made)
    }
}

/// Returns the value that a condition bounds, as `size(value) < 9` does, and its largest size where the condition is true.
fn guard(condition: &Node) -> Option<(Node, Size)> {
    let Node::Compare(comparison, pair) = condition else { return None };
    let [Node::Size(of), Node::Constant(Constant::Scalar(ScalarConstant::Int(most)))] = &**pair else { return None };
    let most = u64::try_from(*most).ok()?;
    let most = match comparison {
        Comparison::Less => most.saturating_sub(1),
        Comparison::LessEqual | Comparison::Equal => most,
        Comparison::NotEqual | Comparison::Greater | Comparison::GreaterEqual => return None,
    };
    // A character has four bytes at most.
    let text = units(most.saturating_mul(4));
    Some(((**of).clone(), Size { units: text, most: text, count: most, inner: 0 }))
}

/// Returns the size of an element of a list or map. It is only bounded by the size of the whole.
fn element(sizes: &[Size]) -> Size {
    sizes.first().copied().unwrap_or_default()
}

/// Returns the units that determine the cost of a class. Superlinear work is worst when one element is as large as
/// possible.
fn work(class: CostClass, sizes: &[Size]) -> u64 {
    match class {
        CostClass::Fixed | CostClass::Linear => total(sizes).units,
        CostClass::Sorting | CostClass::Quadratic => sum(sizes.iter().map(|size| size.most.max(size.units))),
    }
}

/// Returns the size of a library function's result.
fn result_size(function: Function, arguments: &[Node], sizes: &[Size]) -> Size {
    let all = total(sizes);
    let bytes = |size: Size| size.units.saturating_mul(units_bytes());
    match function {
        Function::Range => {
            let count = match arguments.first().and_then(Node::scalar) {
                Some(ScalarConstant::Int(count)) => u64::try_from(*count).unwrap_or(0),
                _ => u64::MAX,
            };
            Size { units: count, most: count, count, inner: 0 }
        }
        Function::Split | Function::SplitUpTo => {
            // A negative limit is none.
            let limit = match arguments.get(2).and_then(Node::scalar) {
                Some(ScalarConstant::Int(limit)) => u64::try_from(*limit).unwrap_or(u64::MAX),
                _ => u64::MAX,
            };
            let count = bytes(all).saturating_add(1).min(limit);
            let units = all.units.saturating_add(count);
            Size { units, most: units, count, inner: 0 }
        }
        Function::Replace | Function::ReplaceUpTo => {
            let longest = |at: usize| match arguments.get(at).and_then(Node::as_str) {
                Some(text) => length(text.len()),
                None => u64::MAX,
            };
            let growth = longest(2).saturating_add(1);
            let units = sizes.first().map_or(0, |text| text.units.saturating_mul(growth));
            Size { units, most: units, count: 0, inner: 0 }
        }
        Function::Flatten | Function::FlattenTo => {
            let count = all.count.saturating_mul(all.inner.max(1));
            Size { count, ..all }
        }
        Function::Join | Function::JoinWith => {
            let separator = sizes.get(1).map_or(0, |separator| separator.units);
            let units = all.units.saturating_add(separator.saturating_mul(all.count));
            Size { units, most: units, count: 0, inner: 0 }
        }
        // A number or a time takes a few bytes as text; a text at most doubles.
        _ => {
            let units = all.units.saturating_mul(2).saturating_add(1);
            Size { units, most: units, ..all }
        }
    }
}

fn units_bytes() -> u64 {
    u64::try_from(BYTES_PER_UNIT).unwrap_or(u64::MAX)
}

fn total(sizes: &[Size]) -> Size {
    sizes.iter().fold(Size::default(), |all, size| all.plus(*size))
}

fn sum(parts: impl IntoIterator<Item = u64>) -> u64 {
    parts.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::cel::{Environment, Expected, check};
    use crate::expression::codegen::lower;

    fn cost(text: &str, limit: Option<u64>) -> u64 {
        let fields = [
            ("flags", FieldType::List(Scalar::String)),
            ("groups", FieldType::List(Scalar::String)),
            ("name", FieldType::One(Scalar::String)),
        ];
        let environment = Environment::new(fields.map(|(name, ty)| (name.to_owned(), ty)));
        let ir = lower(&check(&environment, text, Expected::Any).unwrap());
        let fields = ["flags", "groups", "name"].into_iter().filter_map(|name| Some((name.to_owned(), limit?)));
        let sizes = Sizes { fields: fields.collect(), ..Sizes::default() };
        sizes.total(&estimate(&sizes, &ir.root))
    }

    #[test]
    fn what_policies_say_is_cheap_and_loops_in_loops_are_not() {
        let cases = [
            ("context.name == 'a'", None, 0..3000),
            ("source.port == 80", None, 0..10),
            ("'a' in context.flags", None, 0..60_000),
            ("context.flags.exists(f, f.startsWith('a') || f.endsWith('b'))", None, 5_000..MAX_FUEL),
            ("context.flags.exists(f, context.groups.exists(g, f == g))", None, MAX_COST..u64::MAX),
            ("context.flags.exists(f, context.groups.exists(g, f == g))", Some(256), 0..MAX_COST),
            ("context.flags.exists(f, f in ['a', 'b'])", None, 0..MAX_COST),
            ("context.flags.distinct().size() < 3", None, MAX_COST..u64::MAX),
            ("context.flags.distinct().size() < 3", Some(512), 0..MAX_COST),
            ("lists.range(1000000).exists(x, x == source.port)", None, MAX_COST..u64::MAX),
            ("context.name.split(',').exists(x, x.trim() == 'a')", Some(128), 0..MAX_COST),
            ("request.headers['x-scopes'].split(' ').exists(s, s == 'read')", None, 0..MAX_COST),
            ("request.headers['x-forwarded-for'].split(',', 2)[0].trim() == '10.0.0.1'", None, 0..MAX_FUEL),
            (
                "request.headers['x'].split(' ').exists(s, request.headers['x'].split(' ').exists(t, s < t))",
                None,
                MAX_COST..u64::MAX,
            ),
            (
                "size(request.headers['x']) < 30 && request.headers['x'].split(' ').exists(s, request.headers['x'].split(' ').exists(t, s < t))",
                None,
                0..MAX_COST,
            ),
            ("context.flags.size() <= 4 && context.flags.distinct().size() < 3", None, 0..MAX_COST),
            (
                "4 >= context.flags.size() && context.flags.exists(f, context.groups.exists(g, f == g))",
                None,
                0..MAX_COST,
            ),
            ("context.flags.size() > 4 && context.flags.distinct().size() < 3", None, MAX_COST..u64::MAX),
            ("(size(context.flags) < 4 || true) && context.flags.distinct().size() < 3", None, MAX_COST..u64::MAX),
            ("request.query_params['page'].matches('[0-9]+') && request.cookies['plan'] == 'gold'", None, 0..MAX_FUEL),
            ("request.header_values['x-token'].exists(v, v == 'bad')", None, 0..MAX_FUEL),
            ("source.ip.inNetworks(['10.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12'])", None, 0..50),
            ("request.headers.exists(n, v, n.startsWith('x-') && v == 'a')", None, 0..MAX_COST),
        ];
        let wrong: Vec<_> =
            cases.into_iter().map(|(text, limit, range)| (text, limit, cost(text, limit), range)).collect();
        let wrong: Vec<_> = wrong.into_iter().filter(|(.., cost, range)| !range.contains(cost)).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}
