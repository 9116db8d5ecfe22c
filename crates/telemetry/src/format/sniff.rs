//! Telling what an input is by what is in it. Names and extensions are not asked: logs travel under any. Where the
//! content leaves a doubt, the answer is the format whose reader loses nothing if it is wrong. This module reads no more
//! than the first bytes and refuses to unpack or decode.

use crate::format::csv::Header;
use crate::format::evtx::pieces;
use crate::format::lines::object_start;
use crate::format::record_splitter::Format;
use crate::format::xml::mark;

/// How many bytes of an input decide.
pub(crate) const HEAD: usize = 64 << 10;

/// The size of an EVTX file header.
const EVTX_HEADER: usize = 4096;

/// What a stream that begins with `head` is: its first [`HEAD`] bytes, or all of it. Text must be UTF-8 already.
/// `None` if no event is in sight.
pub(crate) fn sniff(head: &[u8]) -> Option<Format> {
    let head = &head[..head.len().min(HEAD)];
    let is_chunk = |at: usize| head.get(at..).is_some_and(|h| h.starts_with(b"ElfChnk\0"));
    // The first chunk follows the file header, also where that was wiped.
    if head.starts_with(b"ElfFile\0") || is_chunk(0) || is_chunk(EVTX_HEADER) {
        return Some(Format::Evtx);
    }
    // Behind junk; text has no zeroes.
    if memchr::memchr(0, head).is_some() && pieces::find(head, 0).is_some() {
        return Some(Format::Evtx);
    }
    text(head)
}

fn text(head: &[u8]) -> Option<Format> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    // A record separator before each object is how JSON text sequences are written; zeroes are what a machine leaves
    // that went down while it wrote.
    let text = head.trim_ascii_start();
    let text = text.strip_prefix(b"\x1e").unwrap_or(text);
    let zeroes = text.iter().take_while(|b| **b == 0).count();
    if zeroes == text.len() && zeroes > 0 {
        return None;
    }
    let text = text[zeroes..].trim_ascii_start();
    if text.is_empty() {
        // A log that nobody wrote to yet.
        return Some(Format::JsonLines);
    }
    match text[0] {
        b'[' if begins(text, b"[", b"{]") => Some(Format::JsonObjects),
        b'{' => Some(objects(text)),
        b'<' if text.get(1).is_some_and(u8::is_ascii_digit) => lines(text),
        b'<' if mark::start(text, 0).is_some() => Some(Format::Xml),
        b'<' => None,
        _ => lines(text),
    }
}

/// Whether the first byte that is not blank after `prefix` is one of these, or there is none.
fn begins(text: &[u8], prefix: &[u8], one_of: &[u8]) -> bool {
    text.strip_prefix(prefix)
        .map(|t| t.trim_ascii_start())
        .is_some_and(|t| t.first().is_none_or(|b| one_of.contains(b)))
}

/// How JSON objects follow each other, given where the first begins.
///
/// Lines are the safer reading where a record is damaged, and objects the only one where a record goes on over lines.
fn objects(text: &[u8]) -> Format {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut last = b'{';
    for (i, &byte) in text.iter().enumerate() {
        if byte == b'\n' {
            let next = text[i..].trim_ascii_start().first();
            let broken_off = in_string || !matches!(last, b'{' | b'[' | b',' | b':');
            match next {
                // The head ends here, or so does the object and another follows.
                None => {
                    return if depth > 0 && !broken_off {
                        Format::JsonObjects
                    } else {
                        Format::JsonLines
                    };
                }
                Some(b'{' | 0x1e) if depth == 0 || broken_off => return Format::JsonLines,
                _ => return Format::JsonObjects,
            }
        }
        if escaped {
            escaped = false;
        } else if in_string {
            match byte {
                b'"' => in_string = false,
                b'\\' => escaped = true,
                _ => {}
            }
        } else {
            match byte {
                b'"' => in_string = true,
                b'{' if depth == 0 && i > 0 => return Format::JsonObjects,
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if !byte.is_ascii_whitespace() {
            last = byte;
        }
    }
    Format::JsonLines
}

/// Where among JSON objects event XML begins. No string of theirs goes on over a line.
pub(crate) fn turn_to_xml(bytes: &[u8]) -> Option<usize> {
    let begins = |at: &usize| {
        let rest = &bytes[*at..bytes.len().min(at + mark::MAX_TAG)];
        rest.starts_with(b"<?xml")
            || rest.starts_with(b"<Events")
            || mark::start(rest, 0) == Some(0)
    };
    let lines = memchr::memmem::find_iter(bytes, b"\n<").map(|n| n + 1);
    // Where XML begins but no event is in sight, there is nothing to turn to.
    let here = begins(&0) && sniff(bytes) == Some(Format::Xml);
    here.then_some(0).or_else(|| lines.into_iter().find(begins))
}

/// Where behind event XML JSON begins, if that is what comes next.
pub(crate) fn turn_to_json(bytes: &[u8]) -> Option<usize> {
    /// Ends of elements around the events.
    const MAX_TAGS: usize = 4;
    let mut rest = bytes.trim_ascii_start();
    for _ in 0..MAX_TAGS {
        if !rest.starts_with(b"</") {
            break;
        }
        let tag = &rest[..rest.len().min(mark::MAX_TAG)];
        rest = rest[memchr::memchr(b'>', tag)? + 1..].trim_ascii_start();
    }
    let object = begins(rest, b"{", b"\"") || begins(rest, b"[", b"{");
    // One byte more than the brace tells an object from words.
    (object && rest.len() > 1).then(|| bytes.len() - rest.len())
}

/// What a text is whose first line is neither JSON nor XML.
fn lines(text: &[u8]) -> Option<Format> {
    let (first, rest) = match memchr::memchr(b'\n', text) {
        Some(n) => text.split_at(n + 1),
        None => (text, &[][..]),
    };
    if is_record_line(first) {
        return match rest.trim_ascii_start().first() {
            Some(b'{') => Some(Format::JsonObjects),
            Some(b'<') => Some(Format::Xml),
            _ => None,
        };
    }
    if Header::find(text).is_some() {
        return Some(Format::Csv);
    }
    if let Some(event) = mark::start(text, 0) {
        let line = memchr::memrchr(b'\n', &text[..event]).map_or(0, |n| n + 1);
        // XML whose first lines were lost is no syslog; what stands before an event on its line makes one.
        let bare = text[line..event].trim_ascii().is_empty() && !is_syslog(first);
        return Some(if bare { Format::Xml } else { Format::Syslog });
    }
    if is_syslog(first) || object_start(first.trim_ascii_end()).is_some_and(|at| at > 0) {
        return Some(Format::Syslog);
    }
    // A log that was cut at its beginning: its objects begin at a later line.
    let object = text
        .split_inclusive(|b| *b == b'\n')
        .skip(1)
        .map(<[u8]>::trim_ascii_start)
        .find(|line| begins(line, b"{", b"\"") && line.len() > 2);
    match object {
        Some(line) => {
            let from = line.as_ptr() as usize - text.as_ptr() as usize;
            Some(objects(&text[from..]))
        }
        None => None,
    }
}

/// `Record 12`: the line that `evtx_dump` puts before each record.
fn is_record_line(line: &[u8]) -> bool {
    line.strip_prefix(b"Record ")
        .map(|n| n.trim_ascii_end())
        .is_some_and(|n| !n.is_empty() && n.iter().all(u8::is_ascii_digit))
}

/// Whether a line begins as lines of a syslog or of a journal do.
fn is_syslog(line: &[u8]) -> bool {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    // `<34>` of RFC 3164 and 5424.
    if let Some(rest) = line.strip_prefix(b"<") {
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        return (1..=3).contains(&digits) && rest.get(digits) == Some(&b'>');
    }
    // `Nov 21 10:00:00`, as RFC 3164 files have it.
    if MONTHS.iter().any(|m| line.starts_with(*m)) {
        let shape = |i: usize, f: fn(&u8) -> bool| line.get(i).is_some_and(f);
        return shape(3, |b| *b == b' ')
            && shape(5, u8::is_ascii_digit)
            && shape(9, |b| *b == b':');
    }
    // `journalctl -o export`.
    if line.starts_with(b"__CURSOR=") || line.starts_with(b"__REALTIME_TIMESTAMP=") {
        return true;
    }
    // `2024-11-21T10:00:00.123456+01:00 host`, as files of RFC 5424 senders and `journalctl -o short-iso` have it.
    let stamp = line.split(|b| *b == b' ').next().unwrap_or_default();
    stamp.get(10) == Some(&b'T')
        && std::str::from_utf8(stamp).is_ok_and(|s| crate::value::time::parse(s).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(text: &str) -> Format {
        sniff(text.as_bytes()).expect(text)
    }

    #[test]
    fn json_by_lines() {
        for text in [
            "{\"a\":1}\n{\"a\":2}\n",
            "{\"a\":1}",
            "\u{feff}\r\n{\"a\":1}\r\n\r\n{\"a\":2}",
            "\u{1e}{\"a\":1}\n\u{1e}{\"a\":2}\n",
            "{\"a\":{\"b\":\"{\\\"\"}}\n{}\n",
            "{\"a\":\"cut o\n{\"a\":2}\n",
            "{\"a\":{\"b\":1}\n{\"a\":2}\n",
            "ut off\"}\n{\"a\":2}\n",
        ] {
            assert_eq!(events(text), Format::JsonLines, "{text}");
        }
        let long = format!("{{\"a\":\"{}", "x".repeat(2 * HEAD));
        assert_eq!(events(&long), Format::JsonLines);
    }

    #[test]
    fn json_by_objects() {
        for text in [
            "[{\"a\":1},{\"a\":2}]",
            " [\n  {\n",
            "[]",
            "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n",
            "{\"a\":1}{\"a\":2}",
            "{\"a\":1} , {\"a\":2}",
            "{\"a\":[\n{\"b\":1}]}",
            "{ \"a\":\n{\"b\":1}}",
            "Record 1\n{\n  \"Event\": {}\n}\n",
        ] {
            assert_eq!(events(text), Format::JsonObjects, "{text}");
        }
    }

    #[test]
    fn xml_and_syslog() {
        for text in [
            "<Event xmlns='x'>",
            "<?xml version=\"1.0\"?>\r\n<Events>\r\n<Event>",
            "<!-- a --><e:Event>",
            "Record 1\r\n<?xml version=\"1.0\"?>\n<Event>",
            "lost</Data></EventData></Event>\n<Event>",
        ] {
            assert_eq!(events(text), Format::Xml, "{text}");
        }
        for text in [
            "Nov 21 10:00:00 host sysmon: <Event>",
            "Nov  1 10:00:00 host cron: nothing\n",
            "<134>1 2024-11-21T10:00:00Z host sysmon - - - <Event>",
            "<13>Nov 21 10:00:00 host cron: nothing",
            "2024-11-21T10:00:00.123456+01:00 host cron: nothing",
            "__CURSOR=s=1\nMESSAGE=nothing\n",
            "words\nMESSAGE=<Event><System>",
        ] {
            assert_eq!(events(text), Format::Syslog, "{text}");
        }
    }

    #[test]
    fn event_logs_and_what_is_none() {
        let mut headless = vec![0u8; EVTX_HEADER];
        headless.extend_from_slice(b"ElfChnk\0");
        for (head, format) in [
            (&b"ElfFile\0\0"[..], Some(Format::Evtx)),
            (b"ElfChnk\0\0", Some(Format::Evtx)),
            (&headless, Some(Format::Evtx)),
            (b"\xef\xbb\xbf \r\n", Some(Format::JsonLines)),
            (&[0; 512], None),
            (b"<Sysmon schemaversion='4.90'/>", None),
            (b"[1, 2]", None),
            (b"just words\nand more", None),
        ] {
            assert_eq!(sniff(head), format, "{head:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_something(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            sniff(&bytes);
        }
    }
}
