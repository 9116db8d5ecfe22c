//! A configuration file's bytes as text, decoded the way each front end decodes them.
//! All positions elsewhere are byte offsets into this text; it knows nothing of XML beyond the declaration.

use encoding_rs::Encoding;

use crate::Engine;
use crate::diagnostic::{Diagnostic, Severity, Span};

/// The largest file that is read. The largest published configuration has 1.3 MB; Sysmon itself has
/// no limit here, so this one is reported as Scotoma's own.
pub const MAX_BYTES: usize = 32 << 20;

/// Sysmon looks for the first `<` in this many bytes.
const PROLOG_BYTES: usize = 2048;

/// Decoded text of a configuration.
#[derive(Debug)]
pub struct Source {
    /// The file's name as the user gave it.
    pub name: String,
    /// The text, from the first byte on.
    pub text: String,
    /// Offset of the first `<`.
    pub start: usize,
    /// What the bytes were read as.
    pub encoding: &'static str,
    /// Offsets at which U+FFFD stands for bytes that are not UTF-8, ascending.
    pub bad: Vec<usize>,
    lines: Vec<usize>,
}

impl Source {
    /// A source that is text already.
    pub fn from_text(name: &str, text: String) -> Self {
        let start = text.find('<').unwrap_or(0);
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(i, _)| i + 1))
            .collect();
        Self {
            name: name.to_owned(),
            text,
            start,
            encoding: "UTF-8",
            bad: Vec::new(),
            lines,
        }
    }

    /// Decodes a file. With an error diagnostic the front end rejects the file.
    pub fn decode(name: &str, bytes: &[u8], engine: Engine) -> (Self, Option<Diagnostic>) {
        match decode(name, bytes, engine) {
            Ok(source) => (source, None),
            Err(message) => (
                Self::from_text(name, String::new()),
                Some(Diagnostic::new(
                    "SC001",
                    Severity::Error,
                    Span::default(),
                    message,
                )),
            ),
        }
    }

    /// One-based line and column (in characters) of an offset.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&s| s <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let end = offset.min(self.text.len());
        let column = self.text.get(start..end).map_or(0, |s| s.chars().count());
        (line, column + 1)
    }

    /// The text of a one-based line, without its end, and the offset at which it starts.
    pub fn line(&self, line: usize) -> (usize, &str) {
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        let text = self.text.get(start..end).unwrap_or("");
        (start, text.trim_end_matches(['\n', '\r']))
    }

    /// The span of the character that an offset is in; empty at the end.
    pub fn character(&self, offset: usize) -> Span {
        let offset = offset.min(self.text.len());
        let start = self.text.floor_char_boundary(offset);
        let length = self.text[start..].chars().next().map_or(0, char::len_utf8);
        Span::new(start, start + length)
    }

    /// The source text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }
}

const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | 0x09..=0x0D)
}

fn decode(name: &str, bytes: &[u8], engine: Engine) -> Result<Source, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "the file has {} bytes; Scotoma reads configurations of at most {MAX_BYTES}",
            bytes.len()
        ));
    }
    let [first, second, ..] = bytes else {
        return Err("the file is too short to be a configuration".to_owned());
    };
    if bytes.starts_with(&[0xFE, 0xFF]) || *first == 0 {
        return Err("the file is UTF-16 with big-endian bytes, which Sysmon does not read; save it as UTF-8 or UTF-16LE".to_owned());
    }
    let marked = !is_space(*first) && *first != b'<';
    let wide = if marked { *first == 0xFF } else { *second == 0 };
    let step = if wide { 2 } else { 1 };
    let prolog = &bytes[..bytes.len().min(PROLOG_BYTES)];
    let open = prolog
        .chunks_exact(step)
        .position(|u| u[0] == b'<' && u.get(1).is_none_or(|&hi| hi == 0))
        .map(|i| i * step);
    let Some(open) = open else {
        return Err(format!("no `<` in the first {PROLOG_BYTES} bytes"));
    };
    if wide {
        let text = decode_utf16le(bytes);
        check_prefix(&text, engine)?;
        return Ok(finish(name, text, Vec::new(), "UTF-16LE"));
    }
    let declared = declared_encoding(&bytes[open..]);
    let declared = declared.as_deref().unwrap_or("UTF-8");
    if declared.eq_ignore_ascii_case("ISO-8859-1") {
        // The validating parser takes the mark of UTF-8 for none of the text.
        let body = match engine {
            Engine::Strict => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes),
            Engine::Lenient => bytes,
        };
        let text = encoding_rs::mem::decode_latin1(body).into_owned();
        check_prefix(&text, engine)?;
        return Ok(finish(name, text, Vec::new(), "ISO-8859-1"));
    }
    if engine == Engine::Lenient {
        let (text, bad) = decode_utf8(bytes);
        return Ok(finish(name, text, bad, "UTF-8"));
    }
    let upper = declared.to_ascii_uppercase();
    if upper == "UTF-16" || upper == "UTF16" {
        return Err(format!(
            "the file is declared `{declared}` but has one byte per character"
        ));
    }
    let Some(encoding) = Encoding::for_label(declared.as_bytes()) else {
        return Err(format!(
            "the declared encoding `{declared}` is not supported"
        ));
    };
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let (text, broken) = encoding.decode_without_bom_handling(body);
    if broken {
        let at = std::str::from_utf8(body)
            .err()
            .map_or(0, |e| e.valid_up_to());
        return Err(format!("byte {at} is not valid {}", encoding.name()));
    }
    let text = text.into_owned();
    check_prefix(&text, engine)?;
    Ok(finish(name, text, Vec::new(), encoding.name()))
}

/// libxml2 wants nothing but blanks or a mark before the first `<`.
fn check_prefix(text: &str, engine: Engine) -> Result<(), String> {
    let prefix = text.split('<').next().unwrap_or("");
    let prefix = prefix.trim_start_matches('\u{FEFF}');
    if engine == Engine::Strict && !prefix.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
        return Err("there is text before the first `<`".to_owned());
    }
    let declared = text[text.find('<').unwrap_or(0)..].starts_with("<?xml");
    if engine == Engine::Strict && !prefix.is_empty() && declared {
        return Err("there is a blank or line break before `<?xml`, and the XML declaration is allowed only at the very start of the file".to_owned());
    }
    Ok(())
}

fn finish(name: &str, text: String, bad: Vec<usize>, encoding: &'static str) -> Source {
    let mut source = Source::from_text(name, text);
    source.bad = bad;
    source.encoding = encoding;
    source
}

fn decode_utf16le(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]));
    char::decode_utf16(units)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// UTF-8 where every sequence that is none becomes U+FFFD, with the places.
fn decode_utf8(bytes: &[u8]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(bytes.len());
    let mut bad = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            bad.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (text, bad)
}

/// The value of `encoding` in an XML declaration at the start of `bytes`.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = bytes.get(..bytes.len().min(512))?;
    if !head.starts_with(b"<?xml") {
        return None;
    }
    let end = head.windows(2).position(|w| w == b"?>")?;
    let head = String::from_utf8_lossy(&head[..end]).into_owned();
    let rest = &head[head.find("encoding")? + "encoding".len()..];
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    rest[1..].split(quote).next().map(str::to_owned)
}
