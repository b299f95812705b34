//! The lines of a text.

/// A text, line by line.
pub(super) struct Lines<'t> {
    pub(super) all: Vec<&'t str>,
    starts: Vec<usize>,
    whole: &'t str,
}

impl<'t> Lines<'t> {
    pub(super) fn new(whole: &'t str) -> Self {
        let starts = std::iter::once(0).chain(whole.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { all: whole.split('\n').collect(), starts, whole }
    }

    pub(super) fn text(&self, line: usize) -> &'t str {
        self.all.get(line).copied().unwrap_or_default()
    }

    /// Returns the number of the line with a byte.
    pub(super) fn of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    pub(super) fn column(&self, byte: usize) -> usize {
        byte.saturating_sub(self.starts.get(self.of(byte)).copied().unwrap_or_default())
    }

    /// Returns the last line with content of a block that begins at `start` and ends in front of `end`.
    pub(super) fn last(&self, start: usize, end: usize) -> usize {
        let content = self.whole.get(start..end).unwrap_or_default().trim_end().len();
        self.of(start + content.saturating_sub(1))
    }

    pub(super) fn is_blank(&self, line: usize) -> bool {
        self.text(line).trim().is_empty()
    }

    pub(super) fn is_comment(&self, line: usize) -> bool {
        self.text(line).trim_start().starts_with('#')
    }

    pub(super) fn is_separator(&self, line: usize) -> bool {
        let text = self.text(line);
        text.starts_with("---") || text.starts_with("...")
    }

    pub(super) fn indent(&self, line: usize) -> usize {
        let text = self.text(line);
        text.len() - text.trim_start_matches(' ').len()
    }
}
