//! The layout of the picture: domains in columns, callers to the left of what they call, gateways first.
//!
//! Everything is computed from the order of the graph, so that one tree always results in one picture. Lengths are in
//! pixels.

use std::collections::BTreeMap;

use super::{
    Graph,
    picture::{DomainBox, End, Picture},
    style,
};

const CARD_HEIGHT: f64 = 32.0;
const CARD_GAP: f64 = 10.0;
const PAD: f64 = 16.0;
const COLUMN_GAP: f64 = 120.0;
const ROW_GAP: f64 = 44.0;
const TITLE_HEIGHT: f64 = 34.0;
const BADGE_ROW: f64 = 24.0;
/// Distance between two arrows that share a lane.
const LANE: f64 = 8.0;

/// The position of everything.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The boxes, in the order of [`Picture::boxes`].
    pub(super) boxes: Vec<Placed>,
    /// The arrows, in the order of [`Picture::arrows`].
    pub(super) curves: Vec<Curve>,
}

/// The box of a domain.
#[derive(Default, Clone)]
pub(super) struct Placed {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Left edge, top edge and width of each badge, relative to the box.
    pub(super) badges: Vec<(f64, f64, f64)>,
    /// Height of the line below the badges.
    pub(super) line: f64,
    /// Top edge and service of each card, relative to the box.
    pub(super) cards: Vec<(f64, usize)>,
    pub(super) card_width: f64,
    /// Space on the right for arrows between the services of the domain.
    alley: f64,
    column: usize,
}

/// An arrow: its points, joined pairwise by curves that begin and end horizontally.
pub(super) struct Curve {
    pub(super) points: Vec<(f64, f64)>,
    /// Distance of the control points from the ends of each curve; negative is to the left.
    pub(super) reach: Vec<(f64, f64)>,
}

pub(super) const CARD: f64 = CARD_HEIGHT;
pub(super) const INSET: f64 = PAD;

/// Returns the approximate width of a text in a proportional font.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let units: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 't' | 'f' | 'r' | '.' | ',' | ':' | ' ' | '-' => 0.42,
            'm' | 'w' | 'M' | 'W' => 0.86,
            c if c.is_ascii_uppercase() => 0.7,
            c if c.is_ascii() => 0.58,
            _ => 1.0,
        })
        .sum();
    units * size
}

impl Layout {
    pub(super) fn new(graph: &Graph, picture: &Picture) -> Self {
        let mut boxes: Vec<Placed> = picture.boxes.iter().map(|domain| measured(graph, picture, domain)).collect();
        for (placed, column) in boxes.iter_mut().zip(columns(graph, picture)) {
            placed.column = column;
        }
        let mut rows = rows(&boxes);
        place(&mut boxes, &rows);
        for _ in 0..4 {
            reorder(picture, &boxes, &mut rows);
            place(&mut boxes, &rows);
        }
        let mut router = Router { picture, boxes: &boxes, rows: &rows, lanes: BTreeMap::new() };
        let curves = router.curves();
        let over = |get: &dyn Fn(&Placed) -> f64| boxes.iter().map(get).fold(0.0, f64::max);
        let far = curves.iter().flat_map(|curve| &curve.points).map(|point| point.1).fold(0.0, f64::max);
        // A curve with both controls to its right extends by three quarters of their reach.
        let bulge = |curve: &Curve| {
            let point = curve.points.first().map_or(0.0, |point| point.0);
            curve.reach.first().map_or(0.0, |(out, back)| point + 0.75 * out.min(out.signum() * back.abs()))
        };
        let out = curves.iter().filter(|curve| curve.points.len() == 2).map(bulge).fold(0.0, f64::max);
        let width = over(&|placed| placed.x + placed.width).max(out) + PAD;
        let height = over(&|placed| placed.y + placed.height).max(far) + PAD;
        Self { width, height, boxes, curves }
    }
}

/// Returns the size and the content of a domain's box.
fn measured(graph: &Graph, picture: &Picture, domain: &DomainBox) -> Placed {
    let known = graph.domains.get(domain.domain);
    let names = domain.services.iter().map(|service| text_width(graph.service_name(*service), 13.0) + 34.0);
    let title = text_width(graph.domain_name(domain.domain), 15.0);
    let note = style::inside(domain).map_or(0.0, |words| text_width(&words, 11.0));
    let card_width = names.fold(150.0, f64::max).max(title).max(note).min(280.0).ceil();
    let own =
        picture.arrows.iter().filter(|arrow| is_inside(domain, arrow.from) && is_inside(domain, arrow.to)).count();
    let alley = if own == 0 { 0.0 } else { 20.0 + LANE * count(own.min(6)) };
    let width = card_width + 2.0 * PAD + alley;
    let mut badges = Vec::new();
    let (mut x, mut y) = (PAD, TITLE_HEIGHT);
    for text in known.map(style::about).unwrap_or_default() {
        let size = text_width(text, 10.5).min(card_width - 14.0).ceil() + 14.0;
        if x > PAD && x + size > width - PAD {
            (x, y) = (PAD, y + BADGE_ROW - 3.0);
        }
        badges.push((x, y, size));
        x += size + 6.0;
    }
    let mut height = if badges.is_empty() { TITLE_HEIGHT + 4.0 } else { y + BADGE_ROW + 4.0 };
    let line = height + 10.0;
    if domain.inside.is_some() || domain.services.is_empty() {
        height += 20.0;
    }
    if domain.inside.is_some() && domain.services.is_empty() {
        height += 18.0;
    }
    let mut services = domain.services.clone();
    services.sort_by_key(|service| (!graph.is_gateway(*service), *service));
    let mut cards = Vec::new();
    for service in services {
        cards.push((height, service));
        height += CARD_HEIGHT + CARD_GAP;
    }
    height += if cards.is_empty() { 2.0 } else { PAD - CARD_GAP };
    Placed { width, height, badges, line, cards, card_width, alley, ..Placed::default() }
}

fn is_inside(domain: &DomainBox, end: End) -> bool {
    match end {
        End::Service(service) => domain.services.contains(&service),
        End::Domain(_) => false,
    }
}

/// Returns the column of each domain: to the right of the domains that call it more than it calls them.
fn columns(graph: &Graph, picture: &Picture) -> Vec<usize> {
    let total = picture.boxes.len();
    let number: BTreeMap<usize, usize> =
        picture.boxes.iter().enumerate().map(|(at, known)| (known.domain, at)).collect();
    let of = |end: End| {
        let domain = match end {
            End::Service(service) => graph.domain_of(service),
            End::Domain(domain) => domain,
        };
        number.get(&domain).copied()
    };
    let mut calls: BTreeMap<(usize, usize), i64> = BTreeMap::new();
    let mut score = vec![0_i64; total];
    for arrow in picture.arrows.iter().filter(|arrow| !arrow.both) {
        let (Some(from), Some(to)) = (of(arrow.from), of(arrow.to)) else { continue };
        let weight = i64::try_from(arrow.calls).unwrap_or(i64::MAX);
        *calls.entry((from, to)).or_default() += weight;
        *calls.entry((to, from)).or_default() -= weight;
        if let Some(score) = score.get_mut(from) {
            *score += weight;
        }
        if let Some(score) = score.get_mut(to) {
            *score -= weight;
        }
    }
    let is_entry = |at: usize| {
        let domain = picture.boxes.get(at).and_then(|known| graph.domains.get(known.domain));
        domain.is_some_and(|domain| domain.services.iter().any(|service| graph.is_gateway(*service)))
    };
    let mut order: Vec<usize> = (0..total).collect();
    order.sort_by_key(|at| (!is_entry(*at), -score.get(*at).copied().unwrap_or(0), *at));
    let mut rank = vec![0_usize; total];
    for (position, from) in order.iter().enumerate() {
        for to in order.iter().skip(position + 1) {
            if calls.get(&(*from, *to)).is_some_and(|weight| *weight > 0) {
                let behind = rank.get(*from).copied().unwrap_or(0) + 1;
                if let Some(rank) = rank.get_mut(*to) {
                    *rank = behind.max(*rank);
                }
            }
        }
    }
    squeezed(&order, &rank)
}

/// Limits the number of columns, and of domains in one column, so that the picture is neither far wider than high nor
/// the other way round.
fn squeezed(order: &[usize], rank: &[usize]) -> Vec<usize> {
    let side = order.len().isqrt() + 1;
    let (most_columns, most_rows) = (side.max(4), side.max(3));
    let last = rank.iter().max().copied().unwrap_or(0) + 1;
    let wanted = last.min(most_columns);
    let mut columns = vec![0; rank.len()];
    let mut next = 0;
    for column in 0..wanted {
        let members =
            order.iter().copied().filter(|at| rank.get(*at).is_some_and(|rank| rank * wanted / last == column));
        let members: Vec<usize> = members.collect();
        for some in members.chunks(members.len().div_ceil(members.len().div_ceil(most_rows).max(1)).max(1)) {
            for at in some {
                if let Some(column) = columns.get_mut(*at) {
                    *column = next;
                }
            }
            next += 1;
        }
    }
    columns
}

/// Returns the boxes of each column, from top to bottom.
fn rows(boxes: &[Placed]) -> Vec<Vec<usize>> {
    let last = boxes.iter().map(|placed| placed.column + 1).max().unwrap_or(0);
    (0..last)
        .map(|column| (0..boxes.len()).filter(|at| boxes.get(*at).is_some_and(|b| b.column == column)).collect())
        .collect()
}

/// Places the boxes: columns side by side, each vertically centred.
fn place(boxes: &mut [Placed], rows: &[Vec<usize>]) {
    let height = |boxes: &[Placed], row: &[usize]| {
        let sum: f64 = row.iter().filter_map(|at| boxes.get(*at)).map(|placed| placed.height + ROW_GAP).sum();
        sum - ROW_GAP
    };
    let tallest = rows.iter().map(|row| height(boxes, row)).fold(0.0, f64::max);
    let mut x = PAD;
    for row in rows {
        let width = row.iter().filter_map(|at| boxes.get(*at)).map(|placed| placed.width).fold(0.0, f64::max);
        let mut y = ROW_GAP + ((tallest - height(boxes, row)) / 2.0).floor();
        for at in row {
            if let Some(placed) = boxes.get_mut(*at) {
                (placed.x, placed.y) = (x + ((width - placed.width) / 2.0).floor(), y);
                y += placed.height + ROW_GAP;
            }
        }
        x += width + COLUMN_GAP;
    }
}

/// Reorders the boxes of a column, so that they are near what they are connected with.
fn reorder(picture: &Picture, boxes: &[Placed], rows: &mut [Vec<usize>]) {
    let mut sums = vec![(0.0, 0.0); boxes.len()];
    for arrow in &picture.arrows {
        let (Some(from), Some(to)) = (box_of(picture, arrow.from), box_of(picture, arrow.to)) else { continue };
        for (at, other) in [(from, to), (to, from)] {
            let middle = boxes.get(other).map_or(0.0, |placed| placed.y + placed.height / 2.0);
            if let Some((sum, count)) = sums.get_mut(at).filter(|_| from != to) {
                *sum += middle;
                *count += 1.0;
            }
        }
    }
    let wanted = |at: &usize| match (sums.get(*at), boxes.get(*at)) {
        (Some((sum, count)), _) if *count > 0.0 => sum / count,
        (_, Some(placed)) => placed.y + placed.height / 2.0,
        _ => 0.0,
    };
    for row in rows {
        row.sort_by(|one, other| wanted(one).total_cmp(&wanted(other)));
    }
}

fn box_of(picture: &Picture, end: End) -> Option<usize> {
    picture.boxes.iter().position(|known| match end {
        End::Domain(domain) => known.domain == domain,
        End::Service(service) => known.services.contains(&service),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
}

/// One end of an arrow, and the side where it leaves.
#[derive(Clone, Copy)]
struct Port {
    end: End,
    side: Side,
    /// Position of the other end, by which the ports of one side are sorted.
    towards: f64,
}

/// A port of a side: the position of its other end, the arrow's number, and which of its ends this is.
type Meeting = (f64, usize, usize);

struct Router<'p> {
    picture: &'p Picture,
    boxes: &'p [Placed],
    rows: &'p [Vec<usize>],
    /// Number of arrows in a gap so far, by column and gap.
    lanes: BTreeMap<(usize, usize), usize>,
}

impl Router<'_> {
    fn curves(&mut self) -> Vec<Curve> {
        let picture = self.picture;
        let ports: Vec<[Port; 2]> = picture.arrows.iter().map(|arrow| self.ports(arrow.from, arrow.to)).collect();
        let mut by_side: BTreeMap<(End, Side), Vec<Meeting>> = BTreeMap::new();
        for (arrow, pair) in ports.iter().enumerate() {
            for (which, port) in pair.iter().enumerate() {
                by_side.entry((port.end, port.side)).or_default().push((port.towards, arrow, which));
            }
        }
        let mut places: BTreeMap<(usize, usize), (f64, f64)> = BTreeMap::new();
        for ((end, side), mut list) in by_side {
            list.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)).then(one.2.cmp(&other.2)));
            let (left, top, right, bottom) = self.bounds(end);
            let step = (bottom - top) / count(list.len() + 1);
            for (number, (_, arrow, which)) in list.into_iter().enumerate() {
                let x = if side == Side::Left { left } else { right };
                places.insert((arrow, which), (x, top + step * count(number + 1)));
            }
        }
        let mut curves = Vec::new();
        for (number, pair) in ports.iter().enumerate() {
            let place = |which| places.get(&(number, which)).copied().unwrap_or((0.0, 0.0));
            curves.push(self.curve(pair, place(0), place(1), number));
        }
        curves
    }

    fn placed(&self, end: End) -> Option<(&Placed, usize)> {
        let at = box_of(self.picture, end)?;
        self.boxes.get(at).map(|placed| (placed, at))
    }

    /// Returns the left, top, right and bottom of the area where arrows may meet an end: a card, or the head of a
    /// domain.
    fn bounds(&self, end: End) -> (f64, f64, f64, f64) {
        let Some((placed, _)) = self.placed(end) else { return (0.0, 0.0, 0.0, 0.0) };
        match end {
            End::Service(service) => {
                let card = placed.cards.iter().find(|(_, known)| *known == service).map_or(0.0, |(y, _)| *y);
                let (left, top) = (placed.x + PAD, placed.y + card);
                (left, top, left + placed.card_width, top + CARD_HEIGHT)
            }
            End::Domain(_) => {
                let head = placed.cards.first().map_or(placed.height, |(y, _)| *y);
                (placed.x, placed.y, placed.x + placed.width, placed.y + head)
            }
        }
    }

    fn ports(&self, from: End, to: End) -> [Port; 2] {
        let column = |end| self.placed(end).map_or(0, |(placed, _)| placed.column);
        let (start, end) = (column(from), column(to));
        let sides = match start.cmp(&end) {
            std::cmp::Ordering::Less => [Side::Right, Side::Left],
            std::cmp::Ordering::Equal => [Side::Right, Side::Right],
            std::cmp::Ordering::Greater => [Side::Left, Side::Right],
        };
        let middle = |end| {
            let (_, top, _, bottom) = self.bounds(end);
            f64::midpoint(top, bottom)
        };
        [
            Port { end: from, side: sides[0], towards: middle(to) },
            Port { end: to, side: sides[1], towards: middle(from) },
        ]
    }

    fn curve(&mut self, pair: &[Port; 2], start: (f64, f64), end: (f64, f64), number: usize) -> Curve {
        let [from, to] = pair;
        let (Some((source, one)), Some((target, other))) = (self.placed(from.end), self.placed(to.end)) else {
            return Curve { points: vec![start, end], reach: vec![(0.0, 0.0)] };
        };
        let (first, last) = (source.column, target.column);
        if first == last {
            let distance = (start.1 - end.1).abs();
            let reach = match one == other {
                // The curve extends by three quarters of the reach.
                true => (14.0 + distance * 0.42).min((source.alley + PAD - 5.0) / 0.75),
                false => 60.0 + LANE * count(number % 5),
            };
            let out = start.0.max(end.0) + reach;
            return Curve { points: vec![start, end], reach: vec![(out - start.0, out - end.0)] };
        }
        let between: Vec<usize> =
            if first < last { (first + 1..last).collect() } else { (last + 1..first).rev().collect() };
        let steps = count(between.len() + 1);
        let mut points = vec![start];
        for (step, column) in between.into_iter().enumerate() {
            let wanted = start.1 + (end.1 - start.1) * count(step + 1) / steps;
            if let Some((left, right, y)) = self.lane(column, wanted) {
                points.extend(if first < last { [(left, y), (right, y)] } else { [(right, y), (left, y)] });
            }
        }
        points.push(end);
        let pull = |pair: &[(f64, f64)]| match pair {
            [one, other] => ((other.0 - one.0) * 0.5, (one.0 - other.0) * 0.5),
            _ => (0.0, 0.0),
        };
        let reach = points.windows(2).map(pull).collect();
        Curve { points, reach }
    }

    /// Returns a way through a column: its left and right edge, and the height of the nearest gap between boxes.
    fn lane(&mut self, column: usize, wanted: f64) -> Option<(f64, f64, f64)> {
        let row: Vec<&Placed> = self.rows.get(column)?.iter().filter_map(|at| self.boxes.get(*at)).collect();
        let left = row.iter().map(|placed| placed.x).fold(f64::INFINITY, f64::min);
        let right = row.iter().map(|placed| placed.x + placed.width).fold(0.0, f64::max);
        let mut gaps: Vec<f64> = row.iter().map(|placed| placed.y - ROW_GAP / 2.0).collect();
        gaps.extend(row.last().map(|placed| placed.y + placed.height + ROW_GAP / 2.0));
        let near =
            |one: &(usize, &f64), other: &(usize, &f64)| (one.1 - wanted).abs().total_cmp(&(other.1 - wanted).abs());
        let (gap, y) = gaps.iter().enumerate().min_by(near)?;
        let used = self.lanes.entry((column, gap)).or_default();
        // The middle first, then alternately above and below it.
        let away = LANE * count(used.div_ceil(2) % 3);
        let offset = if used.is_multiple_of(2) { away } else { -away };
        *used += 1;
        Some((left - 6.0, right + 6.0, y + offset))
    }
}

/// Converts a count to a float.
pub(super) fn count(things: usize) -> f64 {
    u32::try_from(things).map_or(f64::from(u32::MAX), f64::from)
}
