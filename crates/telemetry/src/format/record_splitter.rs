//! Cutting a stream into blocks that end where records end, so that readers get whole records and threads can share a
//! file. Only what delimits records is looked at, and no byte twice, however small the pieces it arrives in. This module
//! refuses to know what a record says; whatever is damaged reaches the reader, who reports it.

use memchr::{memchr3, memrchr};

use crate::format::evtx::pieces;
use crate::format::xml::mark;

/// How the records of a stream follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object a line.
    JsonLines,
    /// JSON objects wherever they stand: in an array, over many lines, with `Record N` lines between them.
    JsonObjects,
    /// `<Event>` elements.
    Xml,
    /// Lines, some of which hold an `<Event>` element after a prefix.
    Syslog,
    /// Rows of text with delimiters between their columns, after a line of names that is no part of them.
    Csv,
    /// EVTX chunks of 64 KiB, after a file header that is no part of them.
    Evtx,
}

/// After this many bytes an `<Event` in a syslog that never ends is taken for words, and lines are cut again.
const MAX_SYSLOG_EVENT: usize = 4 << 20;

/// How far back the byte before a JSON object is looked for.
const MAX_BLANKS: usize = 256;

/// Finds where a stream can be cut.
#[derive(Clone, Debug)]
pub(crate) struct RecordSplitter {
    format: Format,
    /// Bytes of the next buffer that were looked at already.
    scanned: usize,
    /// How many braces are open there.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Where in the next buffer an `<Event` begins whose end was not found.
    open: Option<usize>,
}

impl RecordSplitter {
    /// A cutter for a stream from its first record on.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            scanned: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            open: None,
        }
    }

    /// How many bytes at the beginning of `buffer` are whole records; 0 if none is yet.
    ///
    /// The caller takes them off, appends what comes next to the rest, and calls again. At the `end` of the stream all
    /// that is left is handed out, whole or not.
    pub(crate) fn cut(&mut self, buffer: &[u8], end: bool) -> usize {
        if end {
            *self = Self::new(self.format);
            return buffer.len();
        }
        let n = match self.format {
            Format::JsonLines => memrchr(b'\n', buffer.get(self.scanned..).unwrap_or_default())
                .map_or(0, |i| self.scanned + i + 1),
            Format::JsonObjects => self.objects(buffer),
            Format::Xml => {
                mark::last_end(buffer, self.scanned.saturating_sub(mark::MAX_TAG)).unwrap_or(0)
            }
            Format::Syslog => self.syslog(buffer),
            Format::Csv => self.rows(buffer),
            Format::Evtx => pieces::whole(buffer),
        };
        self.scanned = buffer.len() - n;
        self.open = self.open.map(|o| o - n);
        n
    }

    /// The end of the last object that is closed. An array around the objects is never counted.
    fn objects(&mut self, buffer: &[u8]) -> usize {
        let mut cut = 0;
        let mut at = self.scanned;
        while let Some(&byte) = buffer.get(at) {
            if self.escaped {
                self.escaped = false;
                at += 1;
                continue;
            }
            if self.in_string {
                match byte {
                    b'"' => self.in_string = false,
                    b'\\' => self.escaped = true,
                    // No string goes on over a line: one that does has lost its end, and must not take the rest of
                    // the stream with it.
                    b'\n' => self.in_string = false,
                    _ => {
                        at += plain(&buffer[at..]);
                        continue;
                    }
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' => self.in_string = self.depth > 0,
                // Where an object cannot stand inside another, the other one was broken off.
                b'{' if self.depth == 0 || !may_nest(&buffer[..at]) => {
                    if self.depth > 0 {
                        cut = at;
                    }
                    self.depth = 1;
                }
                b'{' => self.depth += 1,
                b'}' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        cut = at + 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
        cut
    }

    /// The end of the last row: a line break inside quotes ends none.
    fn rows(&mut self, buffer: &[u8]) -> usize {
        let mut cut = 0;
        for at in self.scanned..buffer.len() {
            match buffer[at] {
                b'"' if self.in_string => self.in_string = false,
                // A quote inside a field that has none around it is a character like others.
                b'"' => {
                    let before = at.checked_sub(1).map_or(b'\n', |b| buffer[b]);
                    self.in_string =
                        matches!(before, b',' | b';' | b'\t' | b'|' | b'\n' | b'\r' | b'"');
                }
                b'\n' if !self.in_string => cut = at + 1,
                _ => {}
            }
        }
        cut
    }

    /// The end of the last event, or of the last line that has none.
    fn syslog(&mut self, buffer: &[u8]) -> usize {
        let from = self.scanned.saturating_sub(mark::MAX_TAG);
        // No line ends before this that could still be cut off.
        let looked = self.open.unwrap_or(self.scanned).min(self.scanned);
        let ended = mark::last_end(buffer, from);
        if ended.is_some() {
            self.open = None;
        }
        if self.open.is_none() {
            self.open = mark::start(buffer, ended.unwrap_or(from));
        }
        let whole = ended.unwrap_or(0);
        let mut until = self.open.unwrap_or(buffer.len());
        if buffer.len() - until > MAX_SYSLOG_EVENT {
            until = buffer.len();
        }
        let lines = whole.max(looked).min(until);
        let n = memrchr(b'\n', &buffer[lines..until]).map_or(whole, |i| lines + i + 1);
        if self.open.is_some_and(|o| o < n) {
            self.open = None;
        }
        n
    }
}

/// Whether an object that begins after these bytes can be a value inside another.
fn may_nest(before: &[u8]) -> bool {
    before
        .iter()
        .rev()
        .take(MAX_BLANKS)
        .find(|b| !b.is_ascii_whitespace())
        .is_none_or(|b| matches!(b, b':' | b',' | b'['))
}

/// How many bytes of a string say nothing about its end.
fn plain(bytes: &[u8]) -> usize {
    let special = |b: &u8| matches!(b, b'"' | b'\\' | b'\n');
    // Most strings are short: look at some bytes before asking for the wide search.
    let near = &bytes[..bytes.len().min(16)];
    if let Some(n) = near.iter().position(special) {
        return n;
    }
    let far = &bytes[near.len()..];
    near.len() + memchr3(b'"', b'\\', b'\n', far).unwrap_or(far.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::evtx::pieces::CHUNK;
    use proptest::prelude::*;

    /// Feeds `pieces` to a cutter and gives the blocks it cuts.
    fn blocks(format: Format, pieces: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let mut cutter = RecordSplitter::new(format);
        let mut buffer = Vec::new();
        let mut blocks = Vec::new();
        for (i, piece) in pieces.iter().enumerate() {
            buffer.extend_from_slice(piece);
            let n = cutter.cut(&buffer, i + 1 == pieces.len());
            blocks.push(buffer.drain(..n).collect());
        }
        assert!(buffer.is_empty());
        blocks
    }

    /// The stream in pieces of these sizes, over and over.
    fn split(stream: &[u8], sizes: &[usize]) -> Vec<Vec<u8>> {
        let mut pieces = Vec::new();
        let mut rest = stream;
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at(rest.len().min(*size));
            pieces.push(piece.to_vec());
            rest = tail;
        }
        pieces.push(Vec::new());
        pieces
    }

    /// Checks that the blocks make up the stream and that no cut falls inside a record, and gives their number.
    fn check(format: Format, parts: &[(String, bool)], sizes: &[usize]) -> usize {
        let stream: String = parts.iter().map(|(text, _)| text.as_str()).collect();
        let blocks = blocks(format, &split(stream.as_bytes(), sizes));
        assert_eq!(blocks.concat(), stream.as_bytes());
        let mut at = 0;
        let records: Vec<_> = parts
            .iter()
            .map(|(text, record)| {
                at += text.len();
                (at - text.len(), at, *record)
            })
            .collect();
        let mut cut = 0;
        for block in &blocks {
            cut += block.len();
            let inside = records
                .iter()
                .find(|(a, b, record)| *record && *a < cut && cut < *b);
            assert!(
                inside.is_none(),
                "cut at {cut} inside {inside:?} of {stream:?}"
            );
        }
        blocks.iter().filter(|b| !b.is_empty()).count()
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<String>().prop_map(serde_json::Value::from),
            r#"[{}\[\]"\\:,a\n ]{0,12}"#.prop_map(serde_json::Value::from),
            any::<i32>().prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
                proptest::collection::btree_map("[a-z{\"]{1,4}", inner, 0..4)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    fn object() -> impl Strategy<Value = String> {
        (
            proptest::collection::btree_map("[a-z]{1,4}", json(), 0..4),
            any::<bool>(),
        )
            .prop_map(|(m, pretty)| {
                let value = serde_json::Value::Object(m.into_iter().collect());
                if pretty {
                    format!("{value:#}")
                } else {
                    value.to_string()
                }
            })
    }

    fn event() -> impl Strategy<Value = String> {
        (
            "[a-zA-Z &;=#0-9\n]{0,40}",
            prop_oneof![Just(""), Just("ev:")],
            prop_oneof![Just(""), Just(" ")],
        )
            .prop_map(|(text, p, blank)| {
                format!(
                    "<{p}Event a='1'><EventData><Data>{text}</Data></EventData></{p}Event{blank}>"
                )
            })
    }

    fn sizes() -> impl Strategy<Value = Vec<usize>> {
        proptest::collection::vec(1usize..90, 1..8)
    }

    proptest! {
        #[test]
        fn objects_stay_whole(
            objects in proptest::collection::vec((object(), "[ ,\n]{0,3}|\nRecord 7\n"), 0..6),
            sizes in sizes(),
        ) {
            let parts: Vec<_> = std::iter::once(("[\n".to_owned(), false))
                .chain(objects.into_iter().flat_map(|(o, between)| [(o, true), (between, false)]))
                .collect();
            check(Format::JsonObjects, &parts, &sizes);
        }

        #[test]
        fn lines_stay_whole(lines in proptest::collection::vec("[^\n]{0,40}", 0..8), sizes in sizes()) {
            let parts: Vec<_> = lines.into_iter().map(|l| (format!("{l}\n"), true)).collect();
            check(Format::JsonLines, &parts, &sizes);
        }

        #[test]
        fn events_stay_whole(
            events in proptest::collection::vec((event(), "[ \n]{0,3}"), 0..6),
            sizes in sizes(),
        ) {
            let parts: Vec<_> = std::iter::once(("<?xml version='1.0'?><Events>".to_owned(), false))
                .chain(events.into_iter().flat_map(|(e, between)| [(e, true), (between, false)]))
                .collect();
            check(Format::Xml, &parts, &sizes);
            check(Format::Syslog, &parts, &sizes);
        }

        #[test]
        fn syslog_lines_stay_whole(
            lines in proptest::collection::vec((any::<bool>(), event(), "[a-zA-Z<>: ]{0,30}"), 0..8),
            sizes in sizes(),
        ) {
            let parts: Vec<_> = lines
                .into_iter()
                .map(|(is_event, event, words)| {
                    let words = words.replace("Event", "");
                    (if is_event { format!("h sysmon: {event}\n") } else { format!("{words}\n") }, is_event)
                })
                .flat_map(|(line, is_event)| match line.strip_suffix('\n').map(str::to_owned) {
                    // The line end after an event is no part of it.
                    Some(line) if is_event => vec![(line, true), ("\n".to_owned(), false)],
                    _ => vec![(line, true)],
                })
                .collect();
            check(Format::Syslog, &parts, &sizes);
        }

        #[test]
        fn any_bytes_come_out_again(bytes in proptest::collection::vec(any::<u8>(), 0..400), sizes in sizes()) {
            for format in [Format::JsonLines, Format::JsonObjects, Format::Xml, Format::Syslog, Format::Evtx] {
                prop_assert_eq!(blocks(format, &split(&bytes, &sizes)).concat(), bytes.clone());
            }
        }
    }

    #[test]
    fn cuts_come_as_early_as_they_can() {
        let cut = |format, text: &str| RecordSplitter::new(format).cut(text.as_bytes(), false);
        assert_eq!(cut(Format::JsonLines, "{}\n{}\n{"), 6);
        assert_eq!(cut(Format::JsonObjects, r#"[{"a":"}"}, {"b":{}},{"#), 20);
        assert_eq!(cut(Format::Xml, "<Events><Event></Event>\n<Event>"), 23);
        assert_eq!(cut(Format::Syslog, "a\nb\nc"), 4);
        assert_eq!(cut(Format::Syslog, "a\nb <Event>\n"), 2);
        assert_eq!(cut(Format::Syslog, "a\nb <Event>\n</Event>"), 20);
        assert_eq!(cut(Format::Syslog, "b <Event/></Event>\nc\nd"), 21);
        assert_eq!(
            RecordSplitter::new(Format::Evtx).cut(&[0; 3 * CHUNK - 1], false),
            2 * CHUNK
        );
    }

    #[test]
    fn a_lost_quote_or_brace_takes_one_object_with_it() {
        let mut cutter = RecordSplitter::new(Format::JsonObjects);
        let text = b"{\n \"a\": \"x,\n \"b\": 1\n}\n{\n \"c\": 2\n}\n";
        assert_eq!(cutter.cut(text, false), text.len() - 1);
        let mut cutter = RecordSplitter::new(Format::JsonObjects);
        let text = b"{\"a\": {\"b\": 1}\n{\"c\": 2}\n{\"d";
        assert_eq!(cutter.cut(text, false), 23);
    }

    #[test]
    fn an_event_that_never_ends_does_not_stop_a_syslog() {
        let mut text = b"h app: <Event of the year\n".to_vec();
        text.resize(MAX_SYSLOG_EVENT + 100, b'x');
        text.extend_from_slice(b"\nlast");
        assert_eq!(
            RecordSplitter::new(Format::Syslog).cut(&text, false),
            text.len() - 4
        );
    }
}
