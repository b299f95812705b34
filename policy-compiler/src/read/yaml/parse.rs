//! From text to nodes. Every problem is reported. A document with broken syntax is dropped, and reading continues with
//! the next one.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScanError, Span as Range, StructureStyle, options};

use super::node::{Node, Scalar, Value};
use crate::report::{
    diagnostic::{Diagnostic, Diagnostics, code},
    source::{FileId, SourceFile, Span, Spanned},
};

/// Deepest nesting of mappings and lists. Policy documents need six; routes with matchers in the output of Envoy's
/// admin interface need about thirty.
const MAX_DEPTH: usize = 48;

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
    let mut builder = Builder { id, file, diagnostics, open: Vec::new(), documents: Vec::new() };
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
enum Open {
    Sequence { span: Option<Span>, nodes: Vec<Node> },
    Mapping { span: Option<Span>, entries: Vec<(Spanned<String>, Node)>, seen: HashMap<String, Span>, key: Key },
}

/// The state of the key in a mapping.
enum Key {
    /// The next node is a key.
    Expected,
    /// The next node is the value of this key.
    Known(Spanned<String>),
    /// The key was rejected; the next node, its value, is dropped.
    Refused,
}

struct Builder<'a> {
    id: FileId,
    file: &'a SourceFile,
    diagnostics: &'a mut Diagnostics,
    open: Vec<Open>,
    documents: Vec<Node>,
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
                    "YAML takes `!` at the beginning for a tag: put the expression in quotes, `\"{text}...\"`, or into a block"
                );
            }
            self.refuse(place, format!("the tag `{text}` is not supported"), &help);
            if matches!(event, Event::Scalar(..)) {
                return self.node(Node { span, value: Value::Refused });
            }
        }
        match event {
            Event::Scalar(text, style, ..) => {
                let text = if span.start == span.end { String::new() } else { text.into_owned() };
                self.node(Node { span, value: Value::Scalar(Scalar { text, style }) });
            }
            Event::SequenceStart(style, ..) => {
                let span = (style == StructureStyle::Flow).then_some(span);
                self.open.push(Open::Sequence { span, nodes: Vec::new() });
            }
            Event::MappingStart(style, ..) => {
                let span = (style == StructureStyle::Flow).then_some(span);
                let (entries, seen) = (Vec::new(), HashMap::new());
                self.open.push(Open::Mapping { span, entries, seen, key: Key::Expected });
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse(span, "aliases are not supported", "write the value out");
                self.node(Node { span, value: Value::Refused });
            }
            Event::Anchor(..) => self.refuse(span, "anchors are not supported", "write the value out where it is used"),
            Event::DocumentStart(..) => self.open.clear(),
            _ => {}
        }
    }

    fn close(&mut self, end: Span) {
        let node = match self.open.pop() {
            Some(Open::Sequence { span, nodes }) => {
                let span = self.head(span, nodes.first().map(|node| node.span), end);
                Node { span, value: Value::Sequence(nodes) }
            }
            Some(Open::Mapping { span, entries, .. }) => {
                let span = self.head(span, entries.first().map(|(key, _)| key.span), end);
                Node { span, value: Value::Mapping(entries) }
            }
            None => return,
        };
        self.node(node);
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
            Some(Open::Sequence { nodes, .. }) => nodes.push(node),
            Some(Open::Mapping { entries, seen, key, .. }) => match std::mem::replace(key, Key::Expected) {
                Key::Known(name) => entries.push((name, node)),
                Key::Refused => {}
                Key::Expected => match key_of(node, seen) {
                    Ok(name) => *key = Key::Known(name),
                    Err(problem) => {
                        *key = Key::Refused;
                        self.diagnostics.extend(problem.map(|problem| *problem));
                    }
                },
            },
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
    if text == "<<" {
        let problem = unsupported("merge keys are not supported".to_owned());
        return Err(Some(problem.help("write the keys out").into()));
    }
    if let Some(first) = seen.get(&text) {
        let problem = Diagnostic::error(code::DUPLICATE_KEY, span, format!("the key `{text}` stands twice"));
        return Err(Some(problem.label(*first, "it stands here first").into()));
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
        assert_eq!(found[1], (code::DUPLICATE_KEY, "5:1 the key `c` stands twice".to_owned()));
    }

    #[test]
    fn what_hides_or_multiplies_content_is_refused() {
        let cases = [
            ("a: &x 1\n", "1:4 anchors are not supported"),
            ("a: *x\n", "1:4 aliases are not supported"),
            ("a: !!str x\n", "1:4 the tag `!!str` is not supported"),
            ("<<: {b: 1}\n", "1:1 merge keys are not supported"),
            ("? [a]\n: 1\n", "1:3 a key must be a string, and this is a list"),
            ("~: 1\n", "1:1 a key is empty"),
        ];
        for (text, expected) in cases {
            let (_, found) = read(text);
            assert_eq!(found, [(code::YAML_UNSUPPORTED, expected.to_owned())], "{text}");
        }
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
