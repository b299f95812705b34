//! From text to nodes. Every problem is reported. A document with broken syntax is dropped, and reading continues with
//! the next one.
//!
//! Anchors, aliases and merge keys have YAML's meaning. The value of an alias keeps the places of its definition, so a
//! problem in it is shown where it was written. The number of values that aliases may add is limited.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span as Range, StructureStyle, options};

use super::node::{Node, Scalar, Value};
use crate::report::{
    diagnostic::{Diagnostic, Diagnostics, code},
    source::{FileId, SourceFile, Span, Spanned},
};

/// Deepest nesting of mappings and lists. Policy documents need six; routes with matchers in the output of Envoy's
/// admin interface need about thirty.
const MAX_DEPTH: usize = 48;

/// Most nodes that the aliases of one file may add. A file of a few lines can ask for billions.
const MAX_COPIED: usize = 10_000;

/// Reads all documents of a file.
///
/// Problems are added to `diagnostics`. The result holds the well-formed documents.
pub fn parse(id: FileId, file: &SourceFile, diagnostics: &mut Diagnostics) -> Vec<Node> {
    if let Some(problem) = unreadable(id, file) {
        diagnostics.push(problem);
        return Vec::new();
    }
    let options = options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(file.text(), options);
    let mut builder =
        Builder { id, file, diagnostics, open: Vec::new(), documents: Vec::new(), anchors: HashMap::new(), copied: 0 };
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, range)) => builder.event(event, range),
            Err(error) => {
                builder.syntax_error(&error);
                match parser.proceed_next_document() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        builder.syntax_error(&error);
                        break;
                    }
                }
            }
        }
    }
    builder.documents
}

fn unreadable(id: FileId, file: &SourceFile) -> Option<Diagnostic> {
    if file.size() > file.limit() {
        let message = format!("the file has {} bytes, more than the limit of {}", file.size(), file.limit());
        return Some(Diagnostic::error(code::FILE_TOO_LARGE, Span::new(id, 0, 0), message).help("split it"));
    }
    let offset = file.invalid()?;
    let span = Span::new(id, offset, offset + char::REPLACEMENT_CHARACTER.len_utf8());
    let message = format!("the file is not UTF-8: the byte at offset {offset} belongs to no character");
    Some(Diagnostic::error(code::NOT_UTF8, span, message).help("save the file as UTF-8"))
}

/// A mapping or list that is not closed yet.
struct Open {
    /// Its place, if it is in flow form.
    span: Option<Span>,
    /// The number of its anchor, or 0 if it has none.
    anchor: usize,
    kind: Collection,
}

enum Collection {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Spanned<String>, Node)>,
        seen: HashMap<String, Span>,
        key: Key,
        /// The mappings of merge keys, in their order.
        merged: Vec<Node>,
    },
}

/// The state of the key in a mapping.
enum Key {
    /// The next node is a key.
    Expected,
    /// The next node is the value of this key.
    Known(Spanned<String>),
    /// A merge key: the next node is merged into the mapping.
    Merge,
    /// The key was rejected; the next node, its value, is dropped.
    Refused,
}

struct Builder<'a> {
    id: FileId,
    file: &'a SourceFile,
    diagnostics: &'a mut Diagnostics,
    open: Vec<Open>,
    documents: Vec<Node>,
    /// The values of the document's anchors, by number.
    anchors: HashMap<usize, Node>,
    /// Number of nodes that aliases have added so far.
    copied: usize,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, range: Range) {
        let span = self.span(range);
        if let Some(tag) = event.tag() {
            let place = range.tag_span().map_or(span, |range| self.span(range));
            let (text, mut help) = (tag.original(), "leave it out".to_owned());
            // The author negated an expression and did not intend a tag.
            if text.contains(['(', '.']) {
                help = format!(
                    "YAML reads `!` at the beginning as a tag: put the expression in quotes, `\"{text}...\"`, or into a block"
                );
            }
            self.refuse(place, format!("the tag `{text}` is not supported"), &help);
            if matches!(event, Event::Scalar(..)) {
                return self.node(Node { span, value: Value::Refused });
            }
        }
        match event {
            Event::Scalar(text, style, anchor, ..) => {
                let text = if span.start == span.end { String::new() } else { text.into_owned() };
                self.anchored(anchor, Node { span, value: Value::Scalar(Scalar { text, style }) });
            }
            Event::SequenceStart(style, anchor, ..) => {
                let span = (style == StructureStyle::Flow).then_some(span);
                self.open.push(Open { span, anchor, kind: Collection::Sequence(Vec::new()) });
            }
            Event::MappingStart(style, anchor, ..) => {
                let span = (style == StructureStyle::Flow).then_some(span);
                let (entries, seen, merged) = (Vec::new(), HashMap::new(), Vec::new());
                let kind = Collection::Mapping { entries, seen, key: Key::Expected, merged };
                self.open.push(Open { span, anchor, kind });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => {
                let node = self.alias(anchor, span);
                self.node(node);
            }
            Event::UnresolvedAlias(name) => {
                let help = format!(
                    "write `&{name}` at the value that is meant, before this place in the same document; or quote the text"
                );
                self.refuse(span, format!("no anchor is named `{name}`"), &help);
                self.node(Node { span, value: Value::Refused });
            }
            Event::DocumentStart(..) => {
                self.open.clear();
                self.anchors.clear();
            }
            _ => {}
        }
    }

    fn close(&mut self, end: Span) {
        let Some(Open { span, anchor, kind }) = self.open.pop() else { return };
        let node = match kind {
            Collection::Sequence(nodes) => {
                let span = self.head(span, nodes.first().map(|node| node.span), end);
                Node { span, value: Value::Sequence(nodes) }
            }
            Collection::Mapping { mut entries, mut seen, merged, .. } => {
                let first = entries.first().map(|(key, _)| key.span).or(merged.first().map(|node| node.span));
                for node in merged {
                    self.merge(node, &mut entries, &mut seen);
                }
                Node { span: self.head(span, first, end), value: Value::Mapping(entries) }
            }
        };
        self.anchored(anchor, node);
    }

    /// Adds a node that may have an anchor.
    fn anchored(&mut self, anchor: usize, node: Node) {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.node(node);
    }

    /// Returns the value of an alias.
    fn alias(&mut self, anchor: usize, span: Span) -> Node {
        let refused = Node { span, value: Value::Refused };
        let Some(node) = self.anchors.get(&anchor).cloned() else {
            self.refuse(span, "the alias is within its own definition", "write the value out");
            return refused;
        };
        let (count, depth) = size(&node);
        self.copied = self.copied.saturating_add(count);
        if self.copied > MAX_COPIED || depth.saturating_add(self.open.len()) > MAX_DEPTH {
            let message =
                format!("the aliases of this file make more than {MAX_COPIED} values, or nest deeper than {MAX_DEPTH}");
            self.refuse(span, message, "write the values out");
            return refused;
        }
        node
    }

    /// Adds the entries of a merge key. Keys of the mapping itself take precedence, then those of earlier mappings.
    fn merge(&mut self, node: Node, entries: &mut Vec<(Spanned<String>, Node)>, seen: &mut HashMap<String, Span>) {
        match node.value {
            Value::Mapping(others) => {
                for (key, value) in others {
                    if !seen.contains_key(&key.value) {
                        seen.insert(key.value.clone(), key.span);
                        entries.push((key, value));
                    }
                }
            }
            Value::Sequence(nodes) => nodes.into_iter().for_each(|node| self.merge(node, entries, seen)),
            Value::Refused => {}
            Value::Scalar(_) => {
                self.refuse(node.span, "a merge key takes a mapping, or a list of mappings", "write `<<: *anchor`");
            }
        }
    }

    /// Returns the span that represents a collection; see [`Node::span`].
    fn head(&self, flow: Option<Span>, first: Option<Span>, end: Span) -> Span {
        let Some(flow) = flow else { return first.unwrap_or(end) };
        let start = flow.range().start;
        let line = self.file.line_range(self.file.line_of(start));
        Span::new(self.id, start, end.range().end.min(line.end))
    }

    fn node(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.documents.push(node),
            Some(Open { kind: Collection::Sequence(nodes), .. }) => nodes.push(node),
            Some(Open { kind: Collection::Mapping { entries, seen, key, merged }, .. }) => {
                match std::mem::replace(key, Key::Expected) {
                    Key::Known(name) => entries.push((name, node)),
                    Key::Merge => merged.push(node),
                    Key::Refused => {}
                    Key::Expected if is_merge(&node) => *key = Key::Merge,
                    Key::Expected => match key_of(node, seen) {
                        Ok(name) => *key = Key::Known(name),
                        Err(problem) => {
                            *key = Key::Refused;
                            self.diagnostics.extend(problem.map(|problem| *problem));
                        }
                    },
                }
            }
        }
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, help: &str) {
        self.diagnostics.push(Diagnostic::error(code::YAML_UNSUPPORTED, span, message).help(help));
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let at = error.marker().byte_offset().unwrap_or_default().min(self.file.text().len());
        // There is nothing to underline at a line break, so the place is at most one character.
        let next = self.file.text().get(at..).and_then(|rest| rest.chars().next()).filter(|c| *c != '\n');
        let span = Span::new(self.id, at, at + next.map_or(0, char::len_utf8));
        let mut info = error.info();
        if let Some(first) = info.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        let message = format!("the document is not YAML: {}", info.trim_end_matches('.'));
        let help = advice(error.kind()).or_else(|| advice_by_text(self.file.text(), at)).map(str::to_owned);
        self.diagnostics.push(Diagnostic::error(code::YAML_SYNTAX, span, message).maybe_help(help));
        self.open.clear();
    }

    fn span(&self, range: Range) -> Span {
        let range = range.byte_range().unwrap_or_default();
        Span::new(self.id, range.start, range.end)
    }
}

/// Returns advice about common mistakes. The parser notices them only where the text no longer fits.
fn advice(kind: &ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation | ErrorKind::TabInIndentation => {
            Some("indent with spaces")
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            Some("is a quote before this place not closed?")
        }
        ErrorKind::InvalidColonPlacement
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnclosedFlowCollection { .. } => Some("is a `[` or `{` before this place not closed?"),
        ErrorKind::MappingValueNotAllowed => Some("put a text with `: ` in it in quotes"),
        _ => None,
    }
}

/// Returns advice for unquoted expressions, judged by the text of the line.
fn advice_by_text(text: &str, at: usize) -> Option<&'static str> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(start..)?.lines().next()?;
    // The value after the keys and dashes of the line.
    let value = line.rsplit_once(": ").map_or(line, |(_, value)| value).trim_start_matches(['-', ' ', '[', '{']);
    match value.chars().next()? {
        '\'' | '"' => Some(
            "YAML ends a text at its second quote: put the whole expression in quotes of the other kind, or into a block: `>-` and the expression on the next line",
        ),
        '*' | '&' => Some("YAML takes `*` for an alias and `&` for an anchor: put the text in quotes"),
        _ => None,
    }
}

/// Whether a key is YAML's merge key.
fn is_merge(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.text == "<<" && scalar.style == ScalarStyle::Plain)
}

/// Returns the number of nodes, including the node itself, and the depth.
fn size(node: &Node) -> (usize, usize) {
    let all = |parts: &mut dyn Iterator<Item = &Node>| {
        parts.map(size).fold((1, 1), |(count, depth), (more, deeper)| (count + more, depth.max(deeper + 1)))
    };
    match &node.value {
        Value::Sequence(nodes) => all(&mut nodes.iter()),
        Value::Mapping(entries) => all(&mut entries.iter().map(|(_, node)| node)),
        Value::Scalar(_) | Value::Refused => (1, 1),
    }
}

/// Returns the key of a mapping from its node. `Err` holds a diagnostic unless the problem has already been reported.
fn key_of(node: Node, seen: &mut HashMap<String, Span>) -> Result<Spanned<String>, Option<Box<Diagnostic>>> {
    let span = node.span;
    let unsupported = |message: String| Diagnostic::error(code::YAML_UNSUPPORTED, span, message);
    let text = match node.value {
        Value::Scalar(scalar) if scalar.is_null() => return Err(Some(unsupported("a key is empty".to_owned()).into())),
        Value::Scalar(scalar) => scalar.text,
        Value::Refused => return Err(None),
        other => {
            let message = format!("a key must be a string, and this is {}", other.kind());
            return Err(Some(unsupported(message).into()));
        }
    };
    if let Some(first) = seen.get(&text) {
        let problem = Diagnostic::error(code::DUPLICATE_KEY, span, format!("duplicate key `{text}`"));
        return Err(Some(problem.label(*first, "first used here").into()));
    }
    seen.insert(text.clone(), span);
    Ok(Spanned::new(text, span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::source::Sources;

    fn read(text: &str) -> (usize, Vec<(&'static str, String)>) {
        let mut sources = Sources::new("t");
        let id = sources.add("a.yaml", text);
        let mut diagnostics = Diagnostics::new();
        let documents = parse(id, sources.file(id).unwrap(), &mut diagnostics);
        let found = diagnostics.iter().map(|d| {
            let at = sources.start(d.span.unwrap());
            (d.code, format!("{}:{} {}", at.line, at.column, d.message))
        });
        (documents.len(), found.collect())
    }

    #[test]
    fn a_broken_document_does_not_hide_the_next_one() {
        let (documents, found) = read("a: [1\nb: 2\n---\nc: 1\nc: 2\n---\nd: 3\n");
        assert_eq!(documents, 2);
        assert_eq!(found[0].0, code::YAML_SYNTAX);
        assert_eq!(found[1], (code::DUPLICATE_KEY, "5:1 duplicate key `c`".to_owned()));
    }

    #[test]
    fn what_hides_or_multiplies_content_is_refused() {
        let cases = [
            ("a: *x\n", "1:4 no anchor is named `x`"),
            ("a: &x [*x]\n", "1:8 the alias is within its own definition"),
            ("<<: 1\n", "1:5 a merge key takes a mapping, or a list of mappings"),
            ("a: !!str x\n", "1:4 the tag `!!str` is not supported"),
            ("? [a]\n: 1\n", "1:3 a key must be a string, and this is a list"),
            ("~: 1\n", "1:1 a key is empty"),
        ];
        for (text, expected) in cases {
            let (_, found) = read(text);
            assert_eq!(found, [(code::YAML_UNSUPPORTED, expected.to_owned())], "{text}");
        }
    }

    /// Formats a document as one line, for comparison.
    fn line(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::Sequence(nodes) => format!("[{}]", nodes.iter().map(line).collect::<Vec<_>>().join(" ")),
            Value::Mapping(entries) => {
                let entry = |(key, node): &(Spanned<String>, Node)| format!("{}:{}", key.value, line(node));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
            }
            Value::Refused => "refused".to_owned(),
        }
    }

    #[test]
    fn aliases_and_merge_keys_have_the_meaning_of_yaml() {
        for (text, expected) in [
            ("a: &x 1\nb: *x\n", "{a:1 b:1}"),
            ("a: &x [1, &y 2]\nb: [*x, *y]\n", "{a:[1 2] b:[[1 2] 2]}"),
            ("a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}\n", "{a:{k:1 l:2} b:{l:3 k:1}}"),
            ("a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}\n", "{a:{k:1} b:{k:2 l:2} c:{k:1 l:2}}"),
            ("a: &x {k: 1}\nb:\n  l: 3\n  <<: *x\n  k: 4\n", "{a:{k:1} b:{l:3 k:4}}"),
            ("a: &x 1\nb: &x 2\nc: *x\n", "{a:1 b:2 c:2}"),
            ("'<<': {k: 1}\n", "{<<:{k:1}}"),
        ] {
            let mut sources = Sources::new("t");
            let id = sources.add("a.yaml", text);
            let mut diagnostics = Diagnostics::new();
            let documents = parse(id, sources.file(id).unwrap(), &mut diagnostics);
            assert_eq!(documents.iter().map(line).collect::<Vec<_>>(), [expected], "{text}");
            assert_eq!(diagnostics.iter().count(), 0, "{text}");
        }
        // An anchor ends with its document.
        let (documents, found) = read("a: &x 1\n---\nb: *x\n");
        assert_eq!((documents, found.len()), (2, 1), "{found:?}");
    }

    #[test]
    fn aliases_do_not_multiply_without_a_limit() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", "));
        }
        let (documents, found) = read(&text);
        assert_eq!(documents, 1);
        assert!(found.iter().all(|(code, _)| *code == code::YAML_UNSUPPORTED), "{found:?}");
        assert!(found[0].1.contains("the aliases of this file make more than 10000 values"), "{found:?}");
    }

    #[test]
    fn depth_is_limited() {
        let (documents, found) = read(&format!("a: {}{}\n", "[".repeat(2000), "]".repeat(2000)));
        assert_eq!((documents, found.len(), found[0].0), (0, 1, code::YAML_SYNTAX));
    }

    #[test]
    fn an_error_at_the_end_has_a_place() {
        let (_, found) = read("a: \"x\n");
        assert_eq!((found.len(), found[0].0), (1, code::YAML_SYNTAX));
        assert!(found[0].1.starts_with("2:1 "), "{found:?}");
    }
}
