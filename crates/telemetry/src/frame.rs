//! Where records end: what a stream is made of, told from its first bytes, and how a buffer is cut so that no record
//! is torn apart. This module refuses to read records.

use memchr::memmem;

/// What a stream of bytes is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// One JSON object a line.
    JsonLines,
    /// JSON objects over several lines, in an array or one after another.
    JsonObjects,
    /// Windows Event XML.
    Xml,
    /// Lines of a syslog, some of which hold an event as XML.
    Syslog,
    /// A Windows event log, from its file header or from a chunk on.
    Evtx,
}

/// A chunk of an EVTX file.
pub(crate) const CHUNK: usize = 64 << 10;
const EVTX_HEADER: usize = 4096;

/// Tells the format from the first bytes of the text (byte order mark undone); `None` if there is no event in sight.
pub(crate) fn sniff(head: &[u8]) -> Option<Format> {
    if head.starts_with(b"ElfFile\0") || head.starts_with(b"ElfChnk\0") {
        return Some(Format::Evtx);
    }
    let text = head.trim_ascii_start();
    match text.first()? {
        b'{' => Some(if one_line_object(text) {
            Format::JsonLines
        } else {
            Format::JsonObjects
        }),
        b'[' if text[1..]
            .trim_ascii_start()
            .first()
            .is_none_or(|b| matches!(b, b'{' | b']')) =>
        {
            Some(Format::JsonObjects)
        }
        b'<' if starts_xml(text) => Some(Format::Xml),
        _ if text.starts_with(b"Record ") && memmem::find(text, b"\n{").is_some() => {
            Some(Format::JsonObjects)
        }
        _ if text.starts_with(b"Record ") && memmem::find(text, b"\n<").is_some() => {
            Some(Format::Xml)
        }
        _ if is_text(text) && memmem::find(text, b"<Event").is_some() => Some(Format::Syslog),
        // A file whose beginning is damaged may still hold events further on.
        _ => salvageable(text),
    }
}

/// XML, not a syslog line that begins with its `<priority>`.
fn starts_xml(text: &[u8]) -> bool {
    text.get(1)
        .is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'?' | b'!'))
}

/// Whether the first line is an object from beginning to end. A line longer than what is looked at counts as one, when
/// it holds more than the opening of a pretty-printed object.
fn one_line_object(text: &[u8]) -> bool {
    let line = &text[..memchr::memchr(b'\n', text).unwrap_or(text.len())];
    let line = line.trim_ascii_end();
    line.len() > 1
        && (line.ends_with(b"}") || !text.contains(&b'\n') || memmem::find(text, b"\n{").is_some())
}

fn is_text(head: &[u8]) -> bool {
    let odd = head
        .iter()
        .take(4096)
        .filter(|b| **b == 0 || (**b < 9))
        .count();
    odd * 20 <= head.len().min(4096)
}

fn salvageable(head: &[u8]) -> Option<Format> {
    if memmem::find(head, b"\n{\"").is_some() {
        return Some(Format::JsonLines);
    }
    // Chunks lie on multiples of 64 KiB after the header, which is where a wiped header leaves the first.
    (head.get(EVTX_HEADER..EVTX_HEADER + 8) == Some(b"ElfChnk\0")).then_some(Format::Evtx)
}

/// Cuts a growing buffer at the ends of records.
#[derive(Debug)]
pub(crate) struct Cutter {
    format: Format,
    // How far a JSON stream of objects has been looked at, and in what state.
    looked: usize,
    depth: u32,
    in_string: bool,
    escaped: bool,
    complete: usize,
}

impl Cutter {
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            looked: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            complete: 0,
        }
    }

    /// How many of the first bytes of `buffer` are whole records. The caller takes them away before the next call;
    /// `end` says that nothing follows, and then everything is taken.
    pub(crate) fn cut(&mut self, buffer: &[u8], end: bool) -> usize {
        let n = match self.format {
            _ if end => buffer.len(),
            Format::JsonLines | Format::Syslog => {
                memchr::memrchr(b'\n', buffer).map_or(0, |n| n + 1)
            }
            Format::Xml => memmem::rfind(buffer, b"</Event>").map_or(0, |n| n + 8),
            Format::Evtx => buffer.len() / CHUNK * CHUNK,
            Format::JsonObjects => self.objects(buffer),
        };
        self.looked = self.looked.saturating_sub(n);
        self.complete = 0;
        n
    }

    /// Steps through bytes not yet seen, keeping the end of the last object at the outermost level.
    fn objects(&mut self, buffer: &[u8]) -> usize {
        let mut at = self.looked;
        while at < buffer.len() {
            let b = buffer[at];
            if self.in_string {
                if self.escaped {
                    self.escaped = false;
                } else if b == b'\\' {
                    self.escaped = true;
                } else if b == b'"' {
                    self.in_string = false;
                } else {
                    // Strings are most of the bytes.
                    at += memchr::memchr2(b'"', b'\\', &buffer[at..]).unwrap_or(buffer.len() - at);
                    continue;
                }
            } else {
                match b {
                    b'"' if self.depth > 0 => self.in_string = true,
                    b'{' => self.depth += 1,
                    b'}' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            self.complete = at + 1;
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        self.looked = at;
        self.complete
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_are_told_from_content() {
        let cases: [(&[u8], Option<Format>); 12] = [
            (b"{\"a\":1}\n{\"a\":2}\n", Some(Format::JsonLines)),
            (b"{\"a\":1}", Some(Format::JsonLines)),
            (b"\n\n{\"a\":1}\r\n", Some(Format::JsonLines)),
            (b"{\n  \"a\": 1\n}\n", Some(Format::JsonObjects)),
            (b"[{\"a\":1},{\"a\":2}]", Some(Format::JsonObjects)),
            (
                b"Record 1\n{\n  \"Event\": {}\n}\n",
                Some(Format::JsonObjects),
            ),
            (b"<?xml version=\"1.0\"?><Events>", Some(Format::Xml)),
            (b"<Event xmlns='x'><System/></Event>", Some(Format::Xml)),
            (
                b"<13>Nov 21 10:00:00 h sysmon: <Event><System/></Event>\n",
                Some(Format::Syslog),
            ),
            (b"ElfFile\0....", Some(Format::Evtx)),
            (b"", None),
            (&[0; 64], None),
        ];
        for (head, format) in cases {
            assert_eq!(sniff(head), format, "{}", String::from_utf8_lossy(head));
        }
    }

    /// Feeds `text` piece by piece, as a reader would, and gives the blocks.
    fn blocks(format: Format, text: &[u8], piece: usize) -> Vec<Vec<u8>> {
        let mut cutter = Cutter::new(format);
        let mut buffer = Vec::new();
        let mut out = Vec::new();
        let mut pieces = text.chunks(piece).peekable();
        while let Some(p) = pieces.next() {
            buffer.extend_from_slice(p);
            let n = cutter.cut(&buffer, pieces.peek().is_none());
            if n > 0 {
                out.push(buffer.drain(..n).collect());
            }
        }
        out
    }

    proptest! {
        #[test]
        fn no_object_is_torn(values in prop::collection::vec("[a-z{}\\[\\]\\\\\"\u{e9}]{0,12}", 1..12), piece in 1usize..40, array in any::<bool>()) {
            let objects: Vec<String> = values.iter().map(|v| serde_json::json!({"k": v, "n": {"x": [v]}}).to_string()).collect();
            let text = if array { format!("[{}]", objects.join(",\n")) } else { objects.join("\n") };
            let blocks = blocks(Format::JsonObjects, text.as_bytes(), piece);
            prop_assert_eq!(blocks.concat(), text.as_bytes());
            for block in blocks {
                let inner = String::from_utf8(block).expect("cut between objects");
                let inner = inner.trim_matches(|c: char| c.is_whitespace() || c == ',' || c == '[' || c == ']');
                for object in serde_json::Deserializer::from_str(&inner.replace("},\n{", "}\n{")).into_iter::<serde_json::Value>() {
                    prop_assert!(object.is_ok());
                }
            }
        }
    }
}
