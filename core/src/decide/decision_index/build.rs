//! Files each rule under the clause that probably lets the fewest requests through.
//!
//! Sorted lists of one type, bit sets and plain loops: maps and more kinds of sorting would add a tenth to the filter.

use super::key::{Key, MAX_PART_BYTES};
use super::{Level, Lookup};
use crate::artifact::VerifiedProgram;
use crate::index::{ConstantIndex, RuleIndex};
use crate::tables::{Attribute, Constant, DestinationPart, FieldType, RequestPart, ScalarConstant};
use crate::vm::Program;
use crate::vm::clauses::{self, Atom, Clause, Subject, Test};

/// Fewest rules of a subject for which a look-up costs less than running them.
const MIN_RULES: usize = 4;
/// Most subjects that are looked up for a request.
const MAX_LOOKUPS: usize = 16;
/// Most subjects that are considered.
const MAX_SUBJECTS: usize = 256;
/// Longest beginning that is derived from a pattern, in bytes. Each byte takes 256 steps of the pattern.
const MAX_LITERAL_BYTES: usize = 8;
/// Most keys of a rule.
const MAX_KEYS: usize = 1024;
/// The number of clauses under which a rule can be filed: the second is for requests in which the subject of the first
/// cannot be looked up.
const MAX_LEVELS: usize = 2;

/// A key of a rule.
#[derive(Debug, Clone, Copy)]
struct RuleKey {
    /// The subject, by its place in [`Rules::subjects`].
    subject: usize,
    hash: u64,
    kind: Kind,
}

/// What a key is compared with.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The whole value; a string has this length.
    Whole(usize),
    /// An element of a list.
    Element,
    /// The beginning of a string, of this length.
    Beginning(usize),
    /// The end of a string, of this length.
    End(usize),
    /// A line of a string.
    Line,
}

/// A clause as the keys of its atoms.
type Way = Vec<RuleKey>;

/// Rules with the ways to file each.
struct Rules<'p> {
    program: &'p Program,
    subjects: Vec<Subject>,
    ways: Vec<Vec<Way>>,
}

/// Returns the index of rules.
pub(super) fn level(program: &VerifiedProgram, listed: &[RuleIndex]) -> Level {
    let mut rules = Rules { program: program.code(), subjects: Vec::new(), ways: Vec::with_capacity(listed.len()) };
    for rule in listed {
        let condition = rule.get(&program.tables().rules).and_then(|rule| rule.condition);
        let mut ways = Vec::new();
        for clause in condition.map(|condition| clauses::of(rules.program, condition)).unwrap_or_default() {
            ways.extend(rules.way(&clause));
        }
        rules.ways.push(ways);
    }
    let places: Vec<u32> = (0_u32..).take(listed.len()).collect();
    rules.file(&places, None, MAX_LEVELS)
}

impl Rules<'_> {
    /// Files rules under other subjects than `without`.
    fn file(&self, places: &[u32], without: Option<usize>, levels: usize) -> Level {
        let Some(levels) = levels.checked_sub(1).filter(|_| places.len() >= MIN_RULES) else {
            return Level { always: places.to_vec(), ..Level::default() };
        };
        let mut open = vec![true; self.subjects.len()];
        if let Some(closed) = without.and_then(|subject| open.get_mut(subject)) {
            *closed = false;
        }
        let chosen = self.choose(places, &mut open);
        let mut level = Level::default();
        for (place, way) in places.iter().zip(&chosen) {
            match way {
                Some(way) => level.filed.extend(way.iter().map(|key| (key.hash, *place))),
                None => level.always.push(*place),
            }
        }
        level.filed.sort_unstable();
        level.filed.dedup();
        for (number, subject) in self.subjects.iter().enumerate() {
            let mut lookup = Lookup::new(*subject);
            let mut members = Vec::new();
            for (place, way) in places.iter().zip(&chosen) {
                let mut found = way.iter().flat_map(|way| way.iter()).filter(|key| key.subject == number).peekable();
                if found.peek().is_some() {
                    members.push(*place);
                }
                found.for_each(|key| lookup.looks_for(key.kind));
            }
            if !members.is_empty() {
                lookup.otherwise = self.file(&members, Some(number), levels);
                level.lookups.push(lookup);
            }
        }
        level
    }

    /// Returns the way to file each rule, if there is one. Closes subjects until enough rules are filed under each of
    /// the others, and these are at most [`MAX_LOOKUPS`].
    fn choose(&self, places: &[u32], open: &mut [bool]) -> Vec<Option<&Way>> {
        let mut keys: Vec<(u64, u32)> = Vec::new();
        for place in places {
            keys.extend(self.ways_of(*place).iter().flatten().map(|key| (key.hash, *place)));
        }
        keys.sort_unstable();
        // The number of rules that share a key with a way, for each way.
        let costs: Vec<Vec<usize>> = places
            .iter()
            .map(|place| self.ways_of(*place).iter().map(|way| most_shared(way, &keys)).collect())
            .collect();
        // Each round closes a subject. The rules that were filed under it are filed otherwise, if that is possible.
        loop {
            let chosen: Vec<Option<&Way>> =
                places.iter().zip(&costs).map(|(place, costs)| self.best(*place, costs, open)).collect();
            let mut sizes = vec![0_usize; open.len()];
            for key in chosen.iter().flatten().flat_map(|way| way.iter()) {
                if let Some(size) = sizes.get_mut(key.subject) {
                    *size = size.saturating_add(1);
                }
            }
            let still = open.iter().zip(&sizes).enumerate().filter(|(_, (open, _))| **open);
            let smallest = still.clone().min_by_key(|(_, (_, size))| **size).map(|(at, (_, size))| (at, *size));
            match smallest {
                Some((at, size)) if size < MIN_RULES || still.count() > MAX_LOOKUPS => {
                    if let Some(subject) = open.get_mut(at) {
                        *subject = false;
                    }
                }
                _ => return chosen,
            }
        }
    }

    /// Returns the way of the lowest cost, of equal ones the first.
    fn best(&self, place: u32, costs: &[usize], open: &[bool]) -> Option<&Way> {
        let is_open = |key: &RuleKey| open.get(key.subject).copied().unwrap_or(false);
        let possible = self.ways_of(place).iter().zip(costs).filter(|(way, _)| way.iter().all(is_open));
        possible.min_by_key(|(_, cost)| **cost).map(|(way, _)| way)
    }

    fn ways_of(&self, place: u32) -> &[Way] {
        crate::index::get(&self.ways, place).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the keys of a clause, or `None` if it cannot be looked up, or if that could cost more than to run the
    /// rule.
    fn way(&mut self, clause: &Clause) -> Option<Way> {
        let read = clause.atoms.first().filter(|_| clause.leads).map(|atom| atom.subject);
        let mut way = Way::new();
        for atom in &clause.atoms {
            if read != Some(atom.subject) && !self.is_cheap(atom.subject) {
                return None;
            }
            self.add_keys(atom, &mut way)?;
        }
        (1..=MAX_KEYS).contains(&way.len()).then_some(way)
    }

    /// Returns the number of a subject, or `None` if there are too many.
    fn number(&mut self, subject: Subject) -> Option<usize> {
        let known = self.subjects.iter().position(|known| *known == subject);
        let next = || {
            self.subjects.push(subject);
            self.subjects.len().saturating_sub(1)
        };
        Some(known.unwrap_or_else(next)).filter(|number| *number < MAX_SUBJECTS)
    }

    fn attribute(&self, subject: Subject) -> Option<&Attribute> {
        let (Subject::Attribute(index) | Subject::Presence(index)) = subject else { return None };
        index.get(&self.program.tables().program.attributes)
    }

    /// Returns whether a subject can be read without a call to the host, and without memory of the decision.
    fn is_cheap(&self, subject: Subject) -> bool {
        match self.attribute(subject) {
            Some(Attribute::Field(_, FieldType::One(_)) | Attribute::Header(_)) => true,
            Some(Attribute::Peer(_) | Attribute::Mesh(_)) => true,
            Some(Attribute::Request(part)) => *part != RequestPart::Hostname,
            Some(Attribute::Destination(part)) => *part != DestinationPart::Frameworks,
            _ => false,
        }
    }

    /// Returns whether a subject is an attribute whose value is a list, if it has one.
    fn is_list(&self, subject: Subject) -> bool {
        let attribute = self.attribute(subject).filter(|_| matches!(subject, Subject::Attribute(_)));
        match attribute {
            Some(Attribute::Field(_, of) | Attribute::Claim(_, of)) => matches!(of, FieldType::List(_)),
            Some(Attribute::HeaderValues(_)) => true,
            _ => false,
        }
    }

    /// Adds the keys of an atom, of which one is looked up if the atom is true.
    fn add_keys(&mut self, atom: &Atom, way: &mut Way) -> Option<()> {
        let program = self.program;
        let constants = &program.tables().program.constants;
        let scalar = |index: ConstantIndex| match index.get(constants) {
            Some(Constant::Scalar(scalar)) => Some(scalar),
            _ => None,
        };
        let part = |index: ConstantIndex| match scalar(index) {
            Some(ScalarConstant::String(text)) => Some(text.as_bytes()),
            _ => None,
        };
        let subject = self.number(atom.subject)?;
        let mut add = |key: Key<'_>, kind| way.push(RuleKey { subject, hash: key.hash(atom.subject), kind });
        let mut whole = |key: Key<'_>| add(key, Kind::Whole(if let Key::Text(text) = key { text.len() } else { 0 }));
        match atom.test {
            Test::Is(value) => whole(Key::Bool(value)),
            Test::Equals(index) => whole(Key::of_constant(scalar(index)?)?),
            Test::MemberOf(index) => match index.get(constants)? {
                Constant::StringSet(words) => words.iter().for_each(|word| whole(Key::Text(word.as_bytes()))),
                Constant::List(items) => {
                    for item in items {
                        whole(Key::of_constant(item)?);
                    }
                }
                _ => return None,
            },
            Test::Has(index) if self.is_list(atom.subject) => match Key::of_constant(scalar(index)?)? {
                key @ (Key::Text(_) | Key::Int(_)) => add(key.as_element(), Kind::Element),
                _ => return None,
            },
            Test::Has(_) => return None,
            Test::Contains(index) => {
                // The values of a header, and the strings of a claim, are lines.
                let line = part(index)?.strip_prefix(b"\n").and_then(|line| line.strip_suffix(b"\n"));
                let line = line.filter(|line| !line.contains(&b'\n'))?;
                add(Key::Line(line), Kind::Line);
            }
            Test::StartsWith(index) => add_beginning(part(index)?, &mut add)?,
            Test::Matches(pattern) => add_beginning(&program.literal_prefix(pattern, MAX_LITERAL_BYTES), &mut add)?,
            Test::EndsWith(index) => {
                let text = part(index)?;
                let length = text.len().min(MAX_PART_BYTES);
                let end = text.get(text.len().saturating_sub(length)..).filter(|end| !end.is_empty())?;
                add(Key::End(end), Kind::End(length));
            }
        }
        Some(())
    }
}

/// Returns the number of rules that have the most frequent key of a way. `keys` has the keys of all rules, sorted.
fn most_shared(way: &Way, keys: &[(u64, u32)]) -> usize {
    let shared = |key: &RuleKey| {
        let from = keys.partition_point(|(hash, _)| *hash < key.hash);
        let to = keys.partition_point(|(hash, _)| *hash <= key.hash);
        to.saturating_sub(from)
    };
    way.iter().map(shared).max().unwrap_or_default()
}

/// Adds the key of a beginning, or of a part of it: what begins with the whole begins with the part.
fn add_beginning(text: &[u8], add: &mut dyn FnMut(Key<'_>, Kind)) -> Option<()> {
    let length = text.len().min(MAX_PART_BYTES);
    let beginning = text.get(..length).filter(|beginning| !beginning.is_empty())?;
    add(Key::Beginning(beginning), Kind::Beginning(length));
    Some(())
}

impl Lookup {
    fn new(subject: Subject) -> Self {
        Self {
            subject,
            longest: 0,
            beginnings: 0,
            ends: 0,
            lines: false,
            needs_text: false,
            needs_list: false,
            otherwise: Level::default(),
        }
    }

    /// Prepares for keys of a kind.
    fn looks_for(&mut self, kind: Kind) {
        match kind {
            Kind::Whole(length) => self.longest = self.longest.max(length),
            Kind::Element => self.needs_list = true,
            Kind::Beginning(length) => self.beginnings |= bit(length),
            Kind::End(length) => self.ends |= bit(length),
            Kind::Line => self.lines = true,
        }
        self.needs_text |= matches!(kind, Kind::Beginning(_) | Kind::End(_) | Kind::Line);
    }
}

/// Returns the bit of a length of 1 to 64.
fn bit(length: usize) -> u64 {
    u32::try_from(length.saturating_sub(1)).ok().and_then(|shift| 1_u64.checked_shl(shift)).unwrap_or_default()
}
