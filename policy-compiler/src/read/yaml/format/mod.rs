//! Puts the lines of a YAML text into a canonical form: the order of keys, and the indentation. Lines are moved and
//! shifted, never written anew, so comments stay with what they stand at. The result is read again: it must say the
//! same, with the same comments, or the text is left as it is.

mod lines;
mod outline;
mod same;

use lines::Lines;
pub use outline::Left;
use outline::{Block, Kind, outline};
use same::says_the_same;

/// Spaces of one level.
const STEP: usize = 2;

/// Most rounds until nothing moves any more.
const MAX_ROUNDS: usize = 4;

/// The place of a key among the keys of its mapping, by the path of the mapping; `None` for a key without a place,
/// which stays behind those that have one.
type Rank<'r> = &'r dyn Fn(&[String], &str) -> Option<usize>;

/// The same for the documents of a file, by their numbers.
pub(crate) type Ranks<'r> = &'r dyn Fn(usize, &[String], &str) -> Option<usize>;

/// Returns the text in canonical form. `is_ours` says whether the document with this number is formatted, and
/// `ranks` returns the order of its keys.
///
/// # Errors
/// Why the text is left as it is.
pub(crate) fn format(text: &str, is_ours: &dyn Fn(usize) -> bool, ranks: Ranks<'_>) -> Result<String, Left> {
    // Comments can take another place in the next round, because they follow what they stand at.
    let mut now = round(text, is_ours, ranks)?;
    for _ in 0..MAX_ROUNDS {
        let next = round(&now, is_ours, ranks).map_err(|_| Left::Form)?;
        if next == now {
            return if says_the_same(text, &now) { Ok(now) } else { Err(Left::Form) };
        }
        now = next;
    }
    Err(Left::Form)
}

fn round(text: &str, is_ours: &dyn Fn(usize) -> bool, ranks: Ranks<'_>) -> Result<String, Left> {
    if text.contains(['\r', '\t']) || text.starts_with('\u{feff}') {
        return Err(Left::Form);
    }
    let documents = outline(text)?;
    let lines = Lines::new(text);
    let mut out: Vec<String> = Vec::new();
    let mut from = 0;
    for (number, document) in documents.iter().enumerate() {
        // What separates documents, and directives.
        let first = lines.of(document.start);
        let end = documents.get(number + 1).map_or(lines.all.len(), |next| lines.of(next.start));
        let head = (from..first).rev().find(|line| lines.is_separator(*line)).map_or(from, |line| line + 1);
        out.extend((from..head).map(|line| lines.text(line).trim_end().to_owned()));
        let tail = (first..end).find(|line| lines.is_separator(*line)).unwrap_or(end);
        let rank: Rank<'_> = &|path, key| ranks(number, path, key);
        match &document.kind {
            Kind::Mapping(_) if is_ours(number) => {
                Writer { lines: &lines, rank }.block(document, head, tail, 0, &mut Vec::new(), &mut out)?
            }
            _ => out.extend((head..tail).map(|line| lines.text(line).to_owned())),
        }
        from = tail;
    }
    out.extend((from..lines.all.len()).map(|line| lines.text(line).trim_end().to_owned()));
    let mut formatted = out.join("\n").trim_end().to_owned();
    if !formatted.is_empty() {
        formatted.push('\n');
    }
    Ok(formatted)
}

/// An entry or element: its lines, from its comments to its last one.
struct Part {
    lead: usize,
    line: usize,
    end: usize,
}

struct Writer<'w> {
    lines: &'w Lines<'w>,
    rank: Rank<'w>,
}

impl Writer<'_> {
    /// Writes a block collection whose lines are `from..to`, with its keys or dashes at `indent`.
    fn block(
        &self,
        block: &Block,
        from: usize,
        to: usize,
        indent: usize,
        path: &mut Vec<String>,
        out: &mut Vec<String>,
    ) -> Result<(), Left> {
        match &block.kind {
            Kind::Mapping(entries) => {
                let column = entries.first().map_or(0, |(_, start, _)| self.lines.column(*start));
                let places =
                    entries.iter().map(|(_, start, value)| (self.lines.of(*start), *start, value.end.max(*start + 1)));
                let (parts, tail) = self.parts(places.collect(), from, to, column)?;
                let mut order: Vec<usize> = (0..entries.len()).collect();
                let key =
                    |at: &usize| entries.get(*at).and_then(|(key, ..)| (self.rank)(path, key)).unwrap_or(usize::MAX);
                order.sort_by_key(key);
                self.comments(from, parts.first().map_or(from, |part| part.line), indent, out);
                for (position, at) in order.iter().enumerate() {
                    let (Some((key, start, value)), Some(part)) = (entries.get(*at), parts.get(*at)) else { continue };
                    if *at > 0 {
                        self.lead(part, position == 0, indent, out);
                    }
                    path.push(key.clone());
                    self.entry(value, *start, part, indent, path, out)?;
                    path.pop();
                }
                self.comments(tail, to, indent, out);
            }
            Kind::Sequence(elements) => {
                let mut places = Vec::new();
                for element in elements {
                    let line = self.lines.of(element.start);
                    // The dash is on the line of the element.
                    if !self.lines.text(line).trim_start().starts_with("- ") {
                        return Err(Left::Form);
                    }
                    places.push((line, element.start, element.end));
                }
                let column = places.first().map_or(0, |(line, ..)| self.lines.indent(*line));
                let (parts, tail) = self.parts(places, from, to, column)?;
                self.comments(from, parts.first().map_or(from, |part| part.line), indent, out);
                path.push("[]".to_owned());
                for (number, (element, part)) in elements.iter().zip(&parts).enumerate() {
                    if number > 0 {
                        self.lead(part, false, indent, out);
                    }
                    self.element(element, part, indent, path, out)?;
                }
                path.pop();
                self.comments(tail, to, indent, out);
            }
            Kind::Whole => return Err(Left::Form),
        }
        Ok(())
    }

    /// Returns the lines of each part, and the first line behind the last one. `places` are the line, the first byte,
    /// and the byte after the last one of each.
    fn parts(
        &self,
        places: Vec<(usize, usize, usize)>,
        from: usize,
        to: usize,
        column: usize,
    ) -> Result<(Vec<Part>, usize), Left> {
        let mut parts: Vec<Part> = Vec::with_capacity(places.len());
        let mut free = from;
        for (number, (line, start, end)) in places.iter().enumerate() {
            if *line < free || *line >= to {
                return Err(Left::Form);
            }
            let limit = places.get(number + 1).map_or(to, |(next, ..)| *next);
            let content = self.lines.last(*start, *end) + 1;
            // Comments that stand further in belong to what precedes them.
            let inner = |below: &usize| self.lines.is_comment(*below) && self.lines.indent(*below) > column;
            let behind = (content..limit).take_while(|below| self.lines.is_blank(*below) || inner(below));
            let own = behind.filter(inner).last().map_or(content, |last| last + 1);
            parts.push(Part { lead: free, line: *line, end: own });
            free = own;
        }
        Ok((parts, free))
    }

    /// Writes blank lines and comments, which are all that stands between parts. Several blank lines become one.
    fn comments(&self, from: usize, to: usize, indent: usize, out: &mut Vec<String>) {
        for line in from..to {
            let text = self.lines.text(line).trim();
            match text.is_empty() {
                true if out.last().is_some_and(|last| !last.is_empty()) => out.push(String::new()),
                true => {}
                false => out.push(format!("{:indent$}{text}", "")),
            }
        }
    }

    /// Writes what stands in front of a part. The first one needs no blank line.
    fn lead(&self, part: &Part, first: bool, indent: usize, out: &mut Vec<String>) {
        let skipped = (part.lead..part.line).take_while(|line| first && self.lines.is_blank(*line)).count();
        self.comments(part.lead + skipped, part.line, indent, out);
    }

    fn entry(
        &self,
        value: &Block,
        start: usize,
        part: &Part,
        indent: usize,
        path: &mut Vec<String>,
        out: &mut Vec<String>,
    ) -> Result<(), Left> {
        let column = self.lines.column(start);
        let head = self.lines.text(part.line).get(column..).ok_or(Left::Form)?.trim_end();
        let below = self.lines.of(value.start) > part.line;
        if matches!(value.kind, Kind::Whole) || !below {
            if !matches!(value.kind, Kind::Whole) {
                return Err(Left::Form);
            }
            out.push(format!("{:indent$}{head}", ""));
            self.shifted(part.line + 1, part.end, column, indent, out);
            return Ok(());
        }
        out.push(format!("{:indent$}{head}", ""));
        self.block(value, part.line + 1, part.end, indent + STEP, path, out)
    }

    fn element(
        &self,
        element: &Block,
        part: &Part,
        indent: usize,
        path: &mut Vec<String>,
        out: &mut Vec<String>,
    ) -> Result<(), Left> {
        let column = self.lines.column(element.start);
        match element.kind {
            Kind::Whole => {
                let head = self.lines.text(part.line).get(column..).ok_or(Left::Form)?.trim_end();
                out.push(format!("{:indent$}- {head}", ""));
                self.shifted(part.line + 1, part.end, column, indent + STEP, out);
            }
            Kind::Mapping(_) => {
                let mut inner = Vec::new();
                self.block(element, part.line, part.end, indent + STEP, path, &mut inner)?;
                let first = inner.iter().position(|line| !line.is_empty() && !line.trim_start().starts_with('#'));
                for (number, line) in inner.into_iter().enumerate() {
                    out.push(match first {
                        Some(first) if number < first && !line.is_empty() => {
                            format!("{:indent$}{}", "", line.trim_start())
                        }
                        Some(first) if number == first => format!("{:indent$}- {}", "", line.trim_start()),
                        _ => line,
                    });
                }
            }
            Kind::Sequence(_) => return Err(Left::Form),
        }
        Ok(())
    }

    /// Writes lines at another indentation, all by the same number of spaces.
    fn shifted(&self, from: usize, to: usize, column: usize, indent: usize, out: &mut Vec<String>) {
        for line in from..to {
            let text = self.lines.text(line).trim_end();
            let old = self.lines.indent(line);
            let new = (old + indent).saturating_sub(column);
            out.push(if text.is_empty() {
                String::new()
            } else {
                format!("{:new$}{}", "", text.trim_start_matches(' '))
            });
        }
    }
}
