//! The source texts and places in them.
//!
//! Sources are values: the caller of the library reads the files. A place is a [`Span`] of byte offsets; lines and
//! columns are computed only when something is shown.

use jiff::civil::Date;

/// Largest source file, in bytes. Spans are 32-bit offsets, and nobody reviews a policy file of this size.
pub const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;

/// Largest file with the configuration of a proxy, in bytes. Such files are generated: the configuration dump of
/// Envoy's admin interface has tens of MB for a large mesh, because many policies are repeated for each listener.
pub const MAX_PROXY_FILE_BYTES: usize = 64 * 1024 * 1024;

/// The id of a file in a [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A part of a file, as byte offsets. The end is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// Creates the span `start..end` of a file. Offsets beyond 32 bits are clamped; no file is that large.
    pub fn new(file: FileId, start: usize, end: usize) -> Self {
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: offset(start), end: offset(end) }
    }

    /// Returns the offsets as indices into the text of the file.
    pub fn range(self) -> std::ops::Range<usize> {
        let index = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        index(self.start)..index(self.end)
    }
}

/// A value and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// The place.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Creates a value with its place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// Line and column of a place, both from 1. Columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    path: String,
    text: String,
    /// Offset of each line's beginning.
    lines: Vec<usize>,
    /// Offset of the first byte that is not UTF-8.
    invalid: Option<usize>,
    /// Size as given, before truncation.
    size: usize,
    /// Largest size that is read.
    limit: usize,
}

impl SourceFile {
    fn new(path: String, mut bytes: Vec<u8>, limit: usize) -> Self {
        let size = bytes.len();
        if size > limit {
            bytes.clear();
        }
        let (text, invalid) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(valid))
            }
        };
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Self { path, text, lines, invalid, size, limit }
    }

    /// Returns the path relative to the origin of the tree. It goes into artifacts, which must not depend on where a
    /// checkout is.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the text. Bytes that are not UTF-8 are replaced; [`SourceFile::invalid`] returns the offset of the
    /// first.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the offset of the first byte that is not UTF-8.
    pub const fn invalid(&self) -> Option<usize> {
        self.invalid
    }

    /// Returns the size in bytes, as given.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Returns the size limit. A larger file is not read.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Returns the number, from 0, of the line that contains the byte.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// Returns the range of the line with this number, from 0, without its line break.
    pub(crate) fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let start = self.lines.get(line).copied().unwrap_or(self.text.len());
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end_matches(['\n', '\r']).len()
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.line_of(offset);
        let start = self.lines.get(line).copied().unwrap_or_default();
        let before = self.text.get(start..offset.min(self.text.len())).unwrap_or_default();
        Position { line: line + 1, column: before.chars().count() + 1 }
    }
}

/// The files of one source tree.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    origin: String,
    files: Vec<SourceFile>,
    lock: Option<SourceFile>,
    today: Option<Date>,
    environment: Option<String>,
}

/// The id of the lock file, which is not a document.
const LOCK: FileId = FileId(u32::MAX);

impl Sources {
    /// Creates an empty tree. `origin` is its folder, used in messages; the paths of files are relative to it.
    pub fn new(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), files: Vec::new(), lock: None, today: None, environment: None }
    }

    /// Adds a file. Documents are read in the order in which files were added. A file that is not UTF-8 or larger than
    /// [`MAX_FILE_BYTES`] becomes a diagnostic when the tree is compiled.
    pub fn add(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> FileId {
        self.add_limited(path, bytes, MAX_FILE_BYTES)
    }

    /// Like [`Sources::add`], with another size limit.
    pub fn add_limited(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>, limit: usize) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(SourceFile::new(path.into(), bytes.into(), limit));
        id
    }

    /// Sets the lock file of the tree, replacing an earlier one.
    pub fn set_lock(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.lock = Some(SourceFile::new(path.into(), bytes.into(), MAX_FILE_BYTES));
    }

    /// Sets the day of the check, for findings about rules that have expired. Without it there are none: what is built
    /// depends on no clock.
    pub fn set_today(&mut self, today: Date) {
        self.today = Some(today);
    }

    /// Returns the day of the check.
    pub fn today(&self) -> Option<Date> {
        self.today
    }

    /// Sets the environment of the Mesh whose parameters count.
    pub fn set_environment(&mut self, environment: impl Into<String>) {
        self.environment = Some(environment.into());
    }

    /// Returns the environment.
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Returns the tree without its lock file.
    #[must_use]
    pub fn without_lock(self) -> Self {
        Self { lock: None, ..self }
    }

    /// Returns the lock file with its id.
    pub fn lock(&self) -> Option<(FileId, &SourceFile)> {
        self.lock.as_ref().map(|file| (LOCK, file))
    }

    /// Returns the folder of the tree.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the files of the documents with their ids, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0..).map(FileId).zip(&self.files)
    }

    /// Returns the number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are no files.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the file with this id, or `None` if the id comes from another tree.
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        if id == LOCK {
            return self.lock.as_ref();
        }
        self.files.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    /// Returns the position where the span begins.
    pub fn start(&self, span: Span) -> Position {
        self.position(span.file, span.range().start)
    }

    /// Returns the position after the last character of the span.
    pub fn end(&self, span: Span) -> Position {
        self.position(span.file, span.range().end)
    }

    /// Returns the path of a file including the origin, as a user can open it.
    pub(crate) fn shown_path(&self, id: FileId) -> String {
        let path = self.file(id).map_or("", SourceFile::path);
        match self.origin.trim_end_matches('/') {
            "" | "." => path.to_owned(),
            origin => format!("{origin}/{path}"),
        }
    }

    /// Formats the span as `file:line`, with the path relative to the origin.
    pub fn place(&self, span: Span) -> String {
        let path = self.file(span.file).map_or("", SourceFile::path);
        format!("{path}:{}", self.start(span).line)
    }

    fn position(&self, file: FileId, offset: usize) -> Position {
        self.file(file).map_or(Position { line: 1, column: 1 }, |file| file.position(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_a_line_ends_before_its_break() {
        let mut sources = Sources::new("t");
        let file = sources.add("a.yaml", "ä: 1\r\nb: ü x\n");
        let text = sources.file(file).unwrap().text().to_owned();
        let x = text.find('x').unwrap();
        let span = Span::new(file, x, x + 1);
        assert_eq!(sources.start(span), Position { line: 2, column: 6 });
        assert_eq!(sources.place(span), "a.yaml:2");
        assert_eq!(&text[sources.file(file).unwrap().line_range(0)], "ä: 1");
    }

    #[test]
    fn a_file_that_is_not_utf8_tells_where() {
        let mut sources = Sources::new("t");
        let file = sources.add("a.yaml", b"a: \xff\n".to_vec());
        assert_eq!(sources.file(file).unwrap().invalid(), Some(3));
    }
}
