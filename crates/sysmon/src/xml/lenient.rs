//! The forgiving parser: what the non-validating front end (the pugixml library with its default
//! flags) makes of a file. It accepts what no XML parser does: text outside the root, several roots,
//! `<` and repeated names in attributes, unknown entities. Nothing is checked beyond tag nesting.

use super::{Attribute, Kind, MAX_NODES, NodeId, SyntaxError, Tree};
use crate::diagnostic::Span;
use crate::source::Source;

type Parse<T> = Result<T, SyntaxError>;

struct Parser<'a> {
    source: &'a Source,
    s: &'a [u8],
    at: usize,
    tree: Tree,
    attributes: usize,
}

/// Parses from the first `<` on; a NUL ends the text.
pub(crate) fn parse(source: &Source) -> Parse<Tree> {
    let bytes = source.text.as_bytes();
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let mut parser = Parser {
        source,
        s: &bytes[..end],
        at: source.start.min(end),
        tree: Tree::new(),
        attributes: 0,
    };
    parser.document()?;
    if parser.tree.elements(0).next().is_none() {
        return Err(SyntaxError {
            message: "there is no element".to_owned(),
            at: source.start,
        });
    }
    Ok(parser.tree)
}

const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

const fn starts_name(b: u8) -> bool {
    b >= 0x80 || b.is_ascii_alphabetic() || b == b'_' || b == b':'
}

const fn in_name(b: u8) -> bool {
    starts_name(b) || b.is_ascii_digit() || b == b'-' || b == b'.'
}

impl<'a> Parser<'a> {
    fn error<T>(&self, message: impl Into<String>) -> Parse<T> {
        Err(SyntaxError {
            message: message.into(),
            at: self.at.min(self.s.len()),
        })
    }

    fn peek(&self) -> Option<u8> {
        self.s.get(self.at).copied()
    }

    fn skip(&mut self, f: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&f) {
            self.at += 1;
        }
    }

    fn text(&self, from: usize, to: usize) -> &'a str {
        self.source.text.get(from..to).unwrap_or("")
    }

    fn rest_starts(&self, with: &[u8]) -> bool {
        self.s.get(self.at..).is_some_and(|r| r.starts_with(with))
    }

    /// Moves behind the next `needle`.
    fn past(&mut self, needle: &[u8], what: &str) -> Parse<()> {
        match find(&self.s[self.at..], needle) {
            Some(i) => {
                self.at += i + needle.len();
                Ok(())
            }
            None => self.error(format!("{what} does not end")),
        }
    }

    fn push(&mut self, parent: NodeId, kind: Kind, span: Span) -> Parse<NodeId> {
        if self.tree.nodes.len() + self.attributes >= MAX_NODES {
            return self.error(format!(
                "more than {MAX_NODES} elements, texts and attributes"
            ));
        }
        Ok(self.tree.push(parent, kind, span))
    }

    fn document(&mut self) -> Parse<()> {
        let mut cursor: NodeId = 0;
        while let Some(b) = self.peek() {
            if b == b'<' {
                cursor = self.markup(cursor)?;
                continue;
            }
            let from = self.at;
            let end = self.s[from..]
                .iter()
                .position(|&b| b == b'<')
                .map_or(self.s.len(), |i| from + i);
            self.at = end;
            self.tree.nodes[cursor].has_content = true;
            let blank = self.s[from..end].iter().all(|&b| is_space(b));
            if !blank && cursor != 0 {
                let id = self.push(cursor, Kind::Text, Span::new(from, end))?;
                self.tree.nodes[id].text = self.decode(from, end, true);
            }
        }
        if cursor != 0 {
            let name = &self.tree.nodes[cursor].name;
            return self.error(format!("<{name}> is not closed"));
        }
        Ok(())
    }

    /// Handles what starts with `<`; returns the element that is open afterwards.
    fn markup(&mut self, cursor: NodeId) -> Parse<NodeId> {
        let open = self.at;
        self.at += 1;
        match self.peek() {
            Some(b) if starts_name(b) => self.element(cursor, open),
            Some(b'/') => self.closing(cursor),
            Some(b'?') => {
                self.at += 1;
                if !self.peek().is_some_and(starts_name) {
                    return self.error("a processing instruction needs a name");
                }
                self.past(b"?>", "the processing instruction")?;
                self.tree.nodes[cursor].has_content = true;
                Ok(cursor)
            }
            Some(b'!') => {
                self.exclamation(cursor, open)?;
                self.tree.nodes[cursor].has_content = true;
                Ok(cursor)
            }
            _ => self.error("`<` starts no tag here"),
        }
    }

    fn element(&mut self, cursor: NodeId, open: usize) -> Parse<NodeId> {
        let from = self.at;
        self.skip(in_name);
        let id = self.push(cursor, Kind::Element, Span::new(open, self.at))?;
        self.tree.nodes[cursor].has_content = true;
        self.tree.nodes[id].name = self.text(from, self.at).to_owned();
        self.tree.nodes[id].name_span = Span::new(from, self.at);
        loop {
            let spaced = self.peek().is_some_and(is_space);
            self.skip(is_space);
            match self.peek() {
                Some(b) if starts_name(b) && spaced => self.attribute(id)?,
                Some(b'/') => {
                    self.at += 1;
                    if self.peek() != Some(b'>') {
                        return self.error("`/` is not followed by `>`");
                    }
                    self.at += 1;
                    self.tree.nodes[id].span.end = self.at;
                    return Ok(cursor);
                }
                Some(b'>') => {
                    self.at += 1;
                    return Ok(id);
                }
                _ => return self.error("the start tag is broken here"),
            }
        }
    }

    fn attribute(&mut self, id: NodeId) -> Parse<()> {
        let from = self.at;
        self.skip(in_name);
        let name = self.text(from, self.at).to_owned();
        self.skip(is_space);
        if self.peek() != Some(b'=') {
            return self.error("an attribute needs `=` and a quoted value");
        }
        self.at += 1;
        self.skip(is_space);
        let Some(quote @ (b'"' | b'\'')) = self.peek() else {
            return self.error("an attribute value needs quotes");
        };
        self.at += 1;
        let start = self.at;
        let Some(length) = self.s[start..].iter().position(|&b| b == quote) else {
            return self.error("the attribute value does not end");
        };
        let end = start + length;
        self.at = end + 1;
        if self.peek().is_some_and(starts_name) {
            return self.error("a blank is missing between attributes");
        }
        self.attributes += 1;
        if self.tree.nodes.len() + self.attributes >= MAX_NODES {
            return self.error(format!(
                "more than {MAX_NODES} elements, texts and attributes"
            ));
        }
        let value = self.decode(start, end, false);
        self.tree.nodes[id].attributes.push(Attribute {
            name,
            value,
            span: Span::new(from, end + 1),
            value_span: Span::new(start, end),
        });
        Ok(())
    }

    fn closing(&mut self, cursor: NodeId) -> Parse<NodeId> {
        self.at += 1;
        let from = self.at;
        self.skip(in_name);
        let found = self.text(from, self.at);
        let expected = self.tree.nodes[cursor].name.clone();
        if cursor == 0 || found != expected {
            self.at = from;
            return self.error(if cursor == 0 {
                format!("</{found}> closes nothing")
            } else {
                format!("</{found}> where </{expected}> is expected")
            });
        }
        self.skip(is_space);
        if self.peek() != Some(b'>') {
            return self.error("`>` is missing");
        }
        self.at += 1;
        self.tree.nodes[cursor].span.end = self.at;
        Ok(self.tree.nodes[cursor].parent)
    }

    fn exclamation(&mut self, cursor: NodeId, open: usize) -> Parse<()> {
        if self.rest_starts(b"!--") {
            self.at += 3;
            return self.past(b"-->", "the comment");
        }
        if self.rest_starts(b"![CDATA[") {
            self.at += 8;
            let from = self.at;
            self.past(b"]]>", "the CDATA section")?;
            let id = self.push(cursor, Kind::CData, Span::new(open, self.at))?;
            let raw = self.text(from, self.at - 3);
            let text = raw.replace("\r\n", "\n").replace('\r', "\n");
            let cut = self.cut(from, self.at - 3);
            self.tree.nodes[id].text = cut.map_or(text, |end| self.text(from, end).to_owned());
            return Ok(());
        }
        if self.rest_starts(b"!DOCTYPE") {
            if cursor != 0 {
                return self.error("DOCTYPE inside an element");
            }
            return self.doctype();
        }
        self.error("`<!` starts nothing known here")
    }

    /// Skips a document type with its internal subset; its declarations have no effect.
    fn doctype(&mut self) -> Parse<()> {
        let mut depth = 0usize;
        self.at += 1;
        while let Some(b) = self.peek() {
            if self.rest_starts(b"<!--") {
                self.at += 4;
                self.past(b"-->", "the comment")?;
            } else if self.rest_starts(b"<![") {
                self.at += 3;
                self.past(b"]]>", "the conditional section")?;
            } else if self.rest_starts(b"<!") {
                self.at += 2;
                depth += 1;
            } else if self.rest_starts(b"<?") {
                self.at += 2;
                self.past(b"?>", "the processing instruction")?;
            } else if b == b'<' {
                return self.error("`<` starts nothing known in the document type");
            } else if b == b'"' || b == b'\'' {
                self.at += 1;
                self.past(&[b], "the quoted text")?;
            } else if b == b'>' {
                self.at += 1;
                if depth == 0 {
                    return Ok(());
                }
                depth -= 1;
            } else {
                self.at += 1;
            }
        }
        self.error("the document type does not end")
    }

    /// The end of a text range where bytes that are not UTF-8 cut it short.
    fn cut(&self, from: usize, to: usize) -> Option<usize> {
        let i = self.source.bad.partition_point(|&b| b < from);
        self.source.bad.get(i).copied().filter(|&b| b < to)
    }

    /// Decodes entities and line ends (`content`) or blanks (attributes).
    fn decode(&self, from: usize, to: usize, content: bool) -> String {
        let raw = self.text(from, self.cut(from, to).unwrap_or(to));
        let mut out = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(i) = rest.find(['&', '\r', '\n', '\t']) {
            out.push_str(&rest[..i]);
            rest = &rest[i..];
            if rest.starts_with('&') {
                match entity(rest) {
                    Some((c, length)) => {
                        out.push(c);
                        rest = &rest[length..];
                    }
                    None => {
                        out.push('&');
                        rest = &rest[1..];
                    }
                }
                continue;
            }
            let length = if rest.starts_with("\r\n") { 2 } else { 1 };
            match (content, &rest[..length]) {
                (true, "\t") => out.push('\t'),
                (true, _) => out.push('\n'),
                (false, _) => out.push(' '),
            }
            rest = &rest[length..];
        }
        out.push_str(rest);
        // A NUL ends a C string.
        if let Some(nul) = out.find('\0') {
            out.truncate(nul);
        }
        out
    }
}

/// The character of a predefined or numeric entity at the start of `text`, and its length.
fn entity(text: &str) -> Option<(char, usize)> {
    for (name, c) in [
        ("&amp;", '&'),
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&quot;", '"'),
        ("&apos;", '\''),
    ] {
        if text.starts_with(name) {
            return Some((c, name.len()));
        }
    }
    let body = text.strip_prefix("&#")?;
    let end = body.find(';')?;
    let digits = &body[..end];
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.bytes().all(|b| (b as char).is_digit(radix)) {
        return None;
    }
    // The number wraps at 32 bits; what is no character then is replaced.
    let number = digits.bytes().fold(0u32, |n, b| {
        n.wrapping_mul(radix)
            .wrapping_add((b as char).to_digit(radix).unwrap_or(0))
    });
    let c = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
    Some((c, 2 + end + 1))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}
