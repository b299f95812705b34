//! The content of a picture: domains with their services, and one arrow for all calls that are alike.

use std::collections::{BTreeMap, BTreeSet};

use super::{Call, Fate, Graph, matrix::Matrix};

/// Most services for which all domains are drawn in full. With more, domains that were not selected are drawn without
/// them.
pub(super) const MAX_SERVICES: usize = 60;

/// Most arrows between the services of one domain. With more, words replace them if they are all alike.
const MAX_INSIDE: usize = 6;

/// Most arrows of a picture. With more, a matrix replaces them, because arrows would cover each other.
const MAX_ARROWS: usize = 40;

/// A graph to draw, without denied calls and calls of services to gateways.
pub(super) struct Picture {
    pub(super) boxes: Vec<DomainBox>,
    pub(super) arrows: Vec<Arrow>,
    /// The matrix that replaces the arrows, if any.
    pub(super) matrix: Option<Matrix>,
    /// The notes below the picture.
    pub(super) notes: Vec<String>,
}

/// A domain.
pub(super) struct DomainBox {
    /// The domain, as an index into [`Graph::domains`].
    pub(super) domain: usize,
    /// The services that are shown; empty if only their number is.
    pub(super) services: Vec<usize>,
    /// Number of its services.
    pub(super) count: usize,
    /// Number of its services that may be called: all except gateways.
    pub(super) callable: usize,
    /// The calls between its services, if they are described in words and not drawn.
    pub(super) inside: Option<Arrow>,
}

/// Where an arrow begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum End {
    /// At a service, as an index into [`Graph::services`].
    Service(usize),
    /// At a domain, as an index into [`Graph::domains`].
    Domain(usize),
}

/// The look of an arrow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Look {
    /// Whether rules decide, depending on the request.
    pub(super) conditional: bool,
    /// The rules that decide about these calls but not about every call.
    pub(super) rules: Vec<String>,
    /// The fate of each field; empty if not shown.
    pub(super) marks: Vec<Mark>,
}

impl Look {
    pub(super) fn new(graph: &Graph, call: &Call, fields: bool) -> Self {
        let fields = if fields { graph.fields.len() } else { 0 };
        let rules: Vec<String> = graph.own_rules(call).into_iter().map(str::to_owned).collect();
        let marks = (0..fields).map(|field| Mark::of(call.fate(field))).collect();
        Self { conditional: !rules.is_empty(), rules, marks }
    }

    /// Returns the combined look of several calls, and the number of calls that pass on a condition.
    pub(super) fn of_all(mut looks: impl Iterator<Item = Self>) -> (Self, usize) {
        let mut look = looks.next().unwrap_or(Self { conditional: false, rules: Vec::new(), marks: Vec::new() });
        let mut conditional = usize::from(look.conditional);
        for other in looks {
            look.conditional |= other.conditional;
            conditional += usize::from(other.conditional);
            for rule in other.rules {
                if !look.rules.contains(&rule) {
                    look.rules.push(rule);
                }
            }
            for (mark, other) in look.marks.iter_mut().zip(other.marks) {
                if *mark != other {
                    *mark = Mark::Varies;
                }
            }
        }
        (look, conditional)
    }
}

/// The fate of a field on the calls of an arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Mark {
    Passes,
    /// It depends on the request or, if an arrow represents several calls, on the call.
    Varies,
    Masked,
    Redacted,
    Kept,
}

impl Mark {
    pub(super) const ALL: [Self; 5] = [Self::Passes, Self::Varies, Self::Masked, Self::Redacted, Self::Kept];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Passes => "passes",
            Self::Varies => "depends",
            Self::Masked => "masked",
            Self::Redacted => "redacted",
            Self::Kept => "kept in region",
        }
    }

    pub(super) const fn of(fate: Fate) -> Self {
        match fate {
            Fate::Passes => Self::Passes,
            Fate::SometimesMasked | Fate::SometimesRedacted => Self::Varies,
            Fate::Masked => Self::Masked,
            Fate::Redacted => Self::Redacted,
            Fate::Kept => Self::Kept,
        }
    }
}

/// An arrow for one or several calls: those that are alike or, for domains that are drawn without services, all of
/// them.
pub(super) struct Arrow {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) look: Look,
    /// Whether it also represents the calls in the other direction.
    pub(super) both: bool,
    /// Number of calls, and of pairs of services.
    pub(super) calls: usize,
    pub(super) pairs: usize,
    /// Number of calls that pass on a condition.
    pub(super) conditional: usize,
}

impl Picture {
    /// Creates the picture of a graph, with a matrix if arrows would be insufficient. `fields` includes the fates of
    /// fields.
    pub(super) fn with_matrix(graph: &Graph, fields: bool) -> Self {
        Self::build(graph, fields, true)
    }

    /// Creates the picture with arrows only.
    pub(super) fn new(graph: &Graph, fields: bool) -> Self {
        Self::build(graph, fields, false)
    }

    fn build(graph: &Graph, fields: bool, matrix: bool) -> Self {
        let drawn: Vec<&Call> =
            graph.calls.iter().filter(|call| call.may_pass() && !graph.is_gateway(call.to)).collect();
        let narrowed = graph.selection.service.is_some() || graph.selection.domain.is_some();
        let shown: BTreeSet<usize> = match narrowed {
            false => (0..graph.services.len()).collect(),
            true => {
                let chosen = graph.selected_services();
                chosen.into_iter().chain(drawn.iter().flat_map(|call| [call.from, call.to])).collect()
            }
        };
        let collapse = shown.len() > MAX_SERVICES;
        let open: BTreeSet<usize> = if narrowed {
            graph.selected_services().iter().map(|at| graph.domain_of(*at)).collect()
        } else {
            BTreeSet::new()
        };
        let mut boxes: Vec<DomainBox> = Vec::new();
        for (number, domain) in graph.domains.iter().enumerate() {
            let services: Vec<usize> = domain.services.iter().copied().filter(|at| shown.contains(at)).collect();
            if services.is_empty() {
                continue;
            }
            let count = services.len();
            let callable = services.iter().filter(|at| !graph.is_gateway(**at)).count();
            let services = if collapse && !open.contains(&number) { Vec::new() } else { services };
            boxes.push(DomainBox { domain: number, services, count, callable, inside: None });
        }
        let arrows = Grouping { graph, boxes: &boxes, fields }.arrows(&drawn);
        let mut picture = Self { boxes, arrows, matrix: None, notes: Vec::new() };
        picture.fold_inside();
        picture.join_opposites();
        if matrix && picture.needs_matrix(collapse) {
            picture.matrix = Some(Matrix::new(graph, &shown, fields));
        }
        picture.notes = notes(graph, &picture, collapse);
        picture
    }

    /// Whether there are too many arrows, or domains without services whose arrows are ambiguous.
    fn needs_matrix(&self, collapsed: bool) -> bool {
        let inside = self.boxes.iter().filter_map(|domain| domain.inside.as_ref());
        self.arrows.len() > MAX_ARROWS
            || (collapsed && self.arrows.iter().chain(inside).any(|arrow| !arrow.is_uniform()))
    }

    /// Replaces two opposite arrows that are alike by one with two heads.
    fn join_opposites(&mut self) {
        let mut joined: Vec<Arrow> = Vec::new();
        for arrow in std::mem::take(&mut self.arrows) {
            let opposite = |known: &&mut Arrow| {
                (known.from, known.to, &known.look) == (arrow.to, arrow.from, &arrow.look)
                    && known.is_uniform()
                    && arrow.is_uniform()
            };
            match joined.iter_mut().find(opposite).filter(|_| arrow.from != arrow.to) {
                None => joined.push(arrow),
                Some(known) => {
                    known.both = true;
                    known.calls += arrow.calls;
                    known.pairs += arrow.pairs;
                    known.conditional += arrow.conditional;
                }
            }
        }
        self.arrows = joined;
    }

    /// Replaces the arrows within a domain by words if all of its services call each other in the same way. If the
    /// services are not shown, the words include numbers.
    fn fold_inside(&mut self) {
        for domain in &mut self.boxes {
            let inside = |arrow: &Arrow| match (arrow.from, arrow.to) {
                (End::Service(from), End::Service(to)) => {
                    domain.services.contains(&from) && domain.services.contains(&to)
                }
                (from, to) => from == to && from == End::Domain(domain.domain),
            };
            let own: Vec<&Arrow> = self.arrows.iter().filter(|arrow| inside(arrow)).collect();
            let Some(first) = own.first() else { continue };
            let pairs = domain.count.saturating_sub(1) * domain.callable;
            let calls: usize = own.iter().map(|arrow| arrow.calls).sum();
            let alike = own.iter().all(|arrow| arrow.look == first.look);
            if domain.services.is_empty() || (alike && own.len() > MAX_INSIDE && calls == pairs) {
                let end = End::Domain(domain.domain);
                let conditional = own.iter().map(|arrow| arrow.conditional).sum();
                let look = first.look.clone();
                domain.inside = Some(Arrow { from: end, to: end, look, both: false, calls, pairs, conditional });
                self.arrows.retain(|arrow| !inside(arrow));
            }
        }
    }
}

impl Arrow {
    /// Whether it represents every pair of its ends, in the same way.
    pub(super) const fn is_uniform(&self) -> bool {
        self.calls == self.pairs && (self.conditional == 0 || self.conditional == self.calls)
    }
}

impl Graph {
    /// Returns the selected services.
    pub(super) fn selected_services(&self) -> BTreeSet<usize> {
        let service = self.selection.service.as_ref();
        let domain = self.selection.domain.as_ref();
        let wanted = |at: &usize| {
            service.is_some_and(|name| name == self.service_name(*at))
                || domain.is_some_and(|name| name == self.domain_name(self.domain_of(*at)))
        };
        (0..self.services.len()).filter(wanted).collect()
    }
}

struct Grouping<'g> {
    graph: &'g Graph,
    boxes: &'g [DomainBox],
    fields: bool,
}

impl Grouping<'_> {
    fn arrows(&self, calls: &[&Call]) -> Vec<Arrow> {
        let mut by_domains: BTreeMap<(usize, usize), Vec<&Call>> = BTreeMap::new();
        for call in calls {
            let key = (self.graph.domain_of(call.from), self.graph.domain_of(call.to));
            by_domains.entry(key).or_default().push(call);
        }
        let mut arrows = Vec::new();
        for ((from, to), calls) in by_domains {
            let [Some(source), Some(target)] = [self.of_domain(from), self.of_domain(to)] else { continue };
            if from == to && !source.services.is_empty() {
                arrows.extend(
                    calls.iter().map(|call| self.arrow(End::Service(call.from), End::Service(call.to), &[call])),
                );
            } else {
                self.between(source, target, &calls, &mut arrows);
            }
        }
        arrows
    }

    fn of_domain(&self, domain: usize) -> Option<&DomainBox> {
        self.boxes.iter().find(|known| known.domain == domain)
    }

    /// Adds arrows between two domains: one for all calls if they are alike, otherwise one for each called service or
    /// caller, or one for each call.
    fn between(&self, source: &DomainBox, target: &DomainBox, calls: &[&Call], arrows: &mut Vec<Arrow>) {
        let [whole_source, whole_target] = [source, target].map(whole);
        let open = |domain: &DomainBox| !domain.services.is_empty();
        let callable = target.callable;
        let complete = calls.len() == source.count * callable;
        let whole_target = match (open(target), callable) {
            (true, 1) => calls.first().map_or(whole_target, |call| End::Service(call.to)),
            _ => whole_target,
        };
        let whole_source = if source.services.len() == 1 {
            calls.first().map_or(whole_source, |call| End::Service(call.from))
        } else {
            whole_source
        };
        if (!open(source) && !open(target)) || (complete && self.alike(calls)) {
            arrows.push(self.arrow(whole_source, whole_target, calls));
            return;
        }
        let mut left: Vec<&Call> = Vec::new();
        for to in calls.iter().map(|call| call.to).collect::<BTreeSet<usize>>() {
            let some: Vec<&Call> = calls.iter().copied().filter(|call| call.to == to).collect();
            if !open(source) || (some.len() == source.count && self.alike(&some)) {
                arrows.push(self.arrow(whole_source, End::Service(to), &some));
            } else {
                left.extend(some);
            }
        }
        for from in left.iter().map(|call| call.from).collect::<BTreeSet<usize>>() {
            let some: Vec<&Call> = left.iter().copied().filter(|call| call.from == from).collect();
            if !open(target) || (some.len() == callable && self.alike(&some)) {
                arrows.push(self.arrow(End::Service(from), whole_target, &some));
            } else {
                arrows.extend(some.iter().map(|call| self.arrow(End::Service(from), End::Service(call.to), &[call])));
            }
        }
    }

    fn alike(&self, calls: &[&Call]) -> bool {
        let mut looks = calls.iter().map(|call| self.look(call));
        looks.next().is_none_or(|first| looks.all(|look| look == first))
    }

    fn look(&self, call: &Call) -> Look {
        Look::new(self.graph, call, self.fields)
    }

    fn arrow(&self, from: End, to: End, calls: &[&Call]) -> Arrow {
        let (look, conditional) = Look::of_all(calls.iter().map(|call| self.look(call)));
        let [callers, called] = [self.count(from, |domain| domain.count), self.count(to, |domain| domain.callable)];
        // A service does not call itself.
        let pairs = callers.saturating_sub(usize::from(from == to)) * called;
        Arrow { from, to, look, both: false, calls: calls.len(), pairs, conditional }
    }

    fn count(&self, end: End, of: fn(&DomainBox) -> usize) -> usize {
        match end {
            End::Service(_) => 1,
            End::Domain(domain) => self.of_domain(domain).map_or(0, of),
        }
    }
}

/// Returns the arrow end that represents all services of a domain.
fn whole(domain: &DomainBox) -> End {
    match domain.services.as_slice() {
        [one] => End::Service(*one),
        _ => End::Domain(domain.domain),
    }
}

fn notes(graph: &Graph, picture: &Picture, collapsed: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(matrix) = &picture.matrix {
        notes.extend(matrix.notes(graph));
    } else if collapsed {
        notes.push(format!(
            "More than {MAX_SERVICES} services: domains are drawn with their number. Narrow it with --service NAME or --domain NAME."
        ));
    }
    let arrows = if picture.matrix.is_some() { &[][..] } else { &picture.arrows };
    if arrows.iter().any(|arrow| matches!((arrow.from, arrow.to), (End::Domain(_), _) | (_, End::Domain(_)))) {
        notes.push(match collapsed {
            false => "An arrow from or to a domain stands for all services in it; gateways are not called.".to_owned(),
            true => "An arrow from or to a domain stands for as many calls between its services as it says.".to_owned(),
        });
    }
    let denied = graph.calls.iter().filter(|call| !call.may_pass()).count();
    if denied > 0 && picture.matrix.is_none() {
        notes.push(format!("Not drawn: {denied} pairs of services whose calls are always denied."));
    }
    if !graph.everywhere.is_empty() {
        const NAMED: usize = 3;
        let named: Vec<&str> = graph.everywhere.iter().take(NAMED).map(String::as_str).collect();
        let more = graph.everywhere.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        notes.push(format!(
            "Every call that may pass also depends on {}{more}, calls to gateways aside.",
            named.join(", ")
        ));
    }
    notes
}
