//! Where the blocks of a YAML text are: the skeleton that the formatter moves lines by.

use granit_parser::{Event, Parser, StructureStyle, options};

/// A node, with its bytes.
#[derive(Debug)]
pub(super) struct Block {
    /// Its first byte. Of a block collection, that of its first key or element.
    pub(super) start: usize,
    /// The byte after its last one.
    pub(super) end: usize,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// Its lines keep their order.
    Whole,
    /// The entries of a block mapping: the text of the key, its first byte, and the value.
    Mapping(Vec<(String, usize, Block)>),
    /// The elements of a block sequence.
    Sequence(Vec<Block>),
}

/// Why a text is not formatted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is not YAML.
    Broken,
    /// It has anchors, aliases or tags, whose place matters.
    Anchors,
    /// It is written in a form that the formatter does not know.
    Form,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Broken => "it is not YAML",
            Self::Anchors => "it has anchors, aliases or tags",
            Self::Form => "it is written in a form that is not understood",
        })
    }
}

/// A collection that is not closed yet.
struct Open {
    flow: Option<usize>,
    mapping: bool,
    children: Vec<Block>,
    /// The texts of the children that are scalars.
    texts: Vec<Option<String>>,
}

/// Returns the outline of each document.
///
/// # Errors
/// Why the text is left as it is.
pub(super) fn outline(text: &str) -> Result<Vec<Block>, Left> {
    let options = options! { emit_comments: false, emit_anchor_events: true };
    let mut documents = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, range) = next.map_err(|_| Left::Broken)?;
        let range = range.byte_range().ok_or(Left::Form)?;
        if event.tag().is_some() {
            return Err(Left::Anchors);
        }
        let (block, said) = match event {
            Event::Scalar(_, _, anchor, ..)
            | Event::SequenceStart(_, anchor, ..)
            | Event::MappingStart(_, anchor, ..)
                if anchor > 0 =>
            {
                return Err(Left::Anchors);
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => return Err(Left::Anchors),
            Event::Scalar(said, ..) => {
                (Block { start: range.start, end: range.end, kind: Kind::Whole }, Some(said.into_owned()))
            }
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                let flow = (style == StructureStyle::Flow).then_some(range.start);
                let mapping = matches!(event, Event::MappingStart(..));
                open.push(Open { flow, mapping, children: Vec::new(), texts: Vec::new() });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => (closed(open.pop().ok_or(Left::Form)?, range.end)?, None),
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => {
                parent.children.push(block);
                parent.texts.push(said);
            }
            None => documents.push(block),
        }
    }
    Ok(documents)
}

fn closed(open: Open, end: usize) -> Result<Block, Left> {
    if let Some(start) = open.flow {
        return Ok(Block { start, end, kind: Kind::Whole });
    }
    let (start, last) = match (open.children.first(), open.children.last()) {
        (Some(first), Some(last)) => (first.start, last.end),
        _ => return Err(Left::Form),
    };
    if !open.mapping {
        return Ok(Block { start, end: last, kind: Kind::Sequence(open.children) });
    }
    let mut entries = Vec::new();
    let mut children = open.children.into_iter().zip(open.texts);
    while let Some((key, text)) = children.next() {
        let (value, _) = children.next().ok_or(Left::Form)?;
        entries.push((text.ok_or(Left::Form)?, key.start, value));
    }
    Ok(Block { start, end: last, kind: Kind::Mapping(entries) })
}
