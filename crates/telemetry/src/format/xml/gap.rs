//! What stands between events: declarations, the tags of `<Events>`, comments, and in a syslog everybody else's lines.
//! It is stepped over, lines are counted, and a DOCTYPE is refused. This module refuses to read events.

use memchr::memmem;

use super::{DOCTYPE, Source, mark};
use crate::diagnostics::{Diagnostics, Problem};

/// Walks from event to event.
pub(super) struct Gaps<'b> {
    bytes: &'b [u8],
    /// What comes next is the rest of an event that could not be read.
    pub(super) after_fault: bool,
    /// Whether the event found last stands behind a syslog's prefix.
    in_syslog: bool,
    /// Where the line ends that was looked at last, and whether events on it hold escaped control characters.
    line: (usize, bool),
    /// The first event from some place before on.
    ahead: Option<usize>,
    /// No comment and no DOCTYPE ends after this.
    no_end: bool,
}

impl<'b> Gaps<'b> {
    pub(super) fn new(text: &'b str) -> Self {
        Self {
            bytes: text.as_bytes(),
            after_fault: false,
            in_syslog: false,
            line: (0, false),
            ahead: mark::start(text.as_bytes(), 0),
            no_end: false,
        }
    }

    /// Where the next event after `from` begins.
    pub(super) fn next_event(
        &mut self,
        from: usize,
        source: &Source<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<usize> {
        let mut from = from;
        loop {
            if self.ahead.is_some_and(|a| a < from) {
                self.ahead = mark::start(self.bytes, from);
            }
            let start = self.ahead;
            let gap = &self.bytes[from..start.unwrap_or(self.bytes.len())];
            let blank = gap.iter().all(u8::is_ascii_whitespace);
            if !blank && let Some(after) = self.declaration(gap, from, source, diagnostics) {
                from = after;
                continue;
            }
            self.in_syslog = !blank && self.lines(gap, start.is_some(), source, diagnostics);
            self.after_fault = false;
            return start;
        }
    }

    /// Whether the event that begins here holds control characters as rsyslog writes them. It then stands on one line:
    /// where line ends stand as themselves, nobody wrote them otherwise.
    pub(super) fn octal(&mut self, start: usize) -> bool {
        if !self.in_syslog {
            return false;
        }
        if start >= self.line.0 {
            let rest = &self.bytes[start..];
            let line = &rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())];
            let octal = memchr::memchr(b'#', line).is_some() && mark::last_end(line, 0).is_some();
            self.line = (start + line.len(), octal);
        }
        self.line.1
    }

    /// Finds a comment or a DOCTYPE in the gap, which may hide what looks like an event, and says where it ends.
    fn declaration(
        &mut self,
        gap: &[u8],
        from: usize,
        source: &Source<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<usize> {
        for at in memmem::find_iter(gap, b"<!") {
            // In the middle of a line it is words: a syslog's lines may hold anything.
            let before = gap[..at].trim_ascii_end();
            let leads =
                before.last().is_none_or(|b| *b == b'>') || gap[before.len()..at].contains(&b'\n');
            if !leads {
                continue;
            }
            let at = from + at;
            let rest = &self.bytes[at..];
            let (why, length) = if self.no_end {
                continue;
            } else if rest.starts_with(b"<!--") {
                let length = memmem::find(&rest[4..], b"-->").map(|n| 4 + n + 3);
                (
                    length.is_none().then_some("a comment is not closed"),
                    length,
                )
            } else if rest.len() >= 9 && rest[..9].eq_ignore_ascii_case(b"<!DOCTYPE") {
                (Some(DOCTYPE), doctype(rest))
            } else {
                continue;
            };
            // In the rest of a broken event it was reported already.
            if let Some(why) = why.filter(|_| !self.after_fault) {
                let problem = Problem::BadXml(why.to_owned());
                diagnostics.report(source.name, Some(source.offset(at)), problem);
            }
            match length {
                Some(length) => return Some(at + length),
                None => self.no_end = true,
            }
        }
        None
    }

    /// Counts the lines in a gap that are nobody's here, and says whether it ends in a prefix before an event.
    fn lines(
        &self,
        gap: &[u8],
        event: bool,
        source: &Source<'_>,
        diagnostics: &mut Diagnostics,
    ) -> bool {
        let mut lines = gap
            .split(|b| *b == b'\n')
            .map(<[u8]>::trim_ascii)
            .peekable();
        let mut first = true;
        while let Some(line) = lines.next() {
            if event && lines.peek().is_none() {
                self.junk(line, source, diagnostics);
                return !line.is_empty() && (is_priority(line) || !line.ends_with(b">"));
            }
            let markup = line.starts_with(b"<") && line.ends_with(b">") && !is_priority(line);
            let ours = line.is_empty() || markup || line.starts_with(b"Record ");
            // What follows an event on its line belongs to that line.
            let known = ours || self.after_fault || (first && self.after_event(gap));
            if !known {
                diagnostics.other_lines += 1;
            }
            if !self.after_fault {
                self.junk(line, source, diagnostics);
            }
            first = false;
        }
        false
    }

    /// Reports a line that nobody wrote: with bytes that are no text.
    fn junk(&self, line: &[u8], source: &Source<'_>, diagnostics: &mut Diagnostics) {
        let replaced = char::REPLACEMENT_CHARACTER.to_string();
        if line.contains(&0) || memmem::find(line, replaced.as_bytes()).is_some() {
            let at = line.as_ptr() as usize - self.bytes.as_ptr() as usize;
            let offset = Some(source.offset(at));
            diagnostics.report(source.name, offset, Problem::NotAnEvent);
        }
    }

    /// Whether the gap begins where an event ended.
    fn after_event(&self, gap: &[u8]) -> bool {
        let from = gap.as_ptr() as usize - self.bytes.as_ptr() as usize;
        self.bytes[..from].ends_with(b">")
    }
}

/// Whether a line begins with a syslog's priority, which looks like a tag but for its digits.
fn is_priority(line: &[u8]) -> bool {
    matches!(line, [b'<', c, ..] if c.is_ascii_digit())
}

/// The length of the DOCTYPE at the beginning of `rest`, if it is closed.
fn doctype(rest: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    for (i, &b) in rest.iter().enumerate().skip(1) {
        match (quote, b) {
            (Some(q), _) if b == q => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(b),
            (None, b'<' | b'[') => depth += 1,
            (None, b']') => depth = depth.saturating_sub(1),
            (None, b'>') if depth == 0 => return Some(i + 1),
            (None, b'>') => depth -= usize::from(depth > 1),
            _ => {}
        }
    }
    None
}
