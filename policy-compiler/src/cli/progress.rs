//! Progress as one line on the terminal. Commands that finish within a second never show it.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

/// How long a command runs before the line appears.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the line changes.
const INTERVAL: Duration = Duration::from_millis(100);

/// The line. Dropping this removes it.
#[derive(Debug)]
pub(super) struct Display<W: Write = io::Stderr> {
    /// `None` if there is no terminal.
    out: Option<W>,
    /// The earliest time of the next update.
    next: Instant,
    drawn: bool,
}

impl Display {
    /// Creates a line on standard error, if `on`.
    pub(super) fn new(on: bool) -> Self {
        Self { out: on.then(io::stderr), next: Instant::now() + PATIENCE, drawn: false }
    }
}

impl<W: Write> Display<W> {
    /// Shows the progress of a stage. A total of 0 means that it is not counted.
    pub(super) fn show(&mut self, stage: &str, done: usize, total: usize) {
        let Some(out) = &mut self.out else { return };
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + INTERVAL;
        self.drawn = true;
        let count = if total > 0 { format!(" {done}/{total}") } else { String::new() };
        // If the terminal is gone, the work continues.
        let _ = write!(out, "\r\u{1b}[2K{stage}{count}").and_then(|()| out.flush());
    }
}

impl<W: Write> Drop for Display<W> {
    fn drop(&mut self) {
        if let Some(out) = self.out.as_mut().filter(|_| self.drawn) {
            let _ = write!(out, "\r\u{1b}[2K").and_then(|()| out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(out: Option<&mut Vec<u8>>, next: Instant) {
        let mut display = Display { out, next, drawn: false };
        display.show("compiling rules", 7, 10);
        display.show("compiling rules", 8, 10);
    }

    #[test]
    fn the_line_shows_stage_and_count_and_goes_away() {
        let mut out = Vec::new();
        shown(Some(&mut out), Instant::now());
        assert_eq!(out, b"\r\x1b[2Kcompiling rules 7/10\r\x1b[2K", "the second count came within the interval");
    }

    #[test]
    fn who_is_fast_never_sees_it() {
        let mut out = Vec::new();
        shown(Some(&mut out), Instant::now() + PATIENCE);
        assert!(out.is_empty());
        shown(None, Instant::now());
    }
}
