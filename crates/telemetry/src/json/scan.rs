//! The scanner: finds the end of every value and enters the objects. Depth is bounded, so hostile nesting ends as text.

use bumpalo::Bump;
use memchr::memchr2;

use super::unpack;
use crate::names::Node;
use crate::record::{Raw, Record};
use crate::rows::Rows;

/// Where the text stopped being JSON, and what would have been right there.
pub(super) struct Unexpected {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

type Scan<T> = Result<T, Unexpected>;

pub(super) struct Scanner<'a, 'r> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) rows: &'r mut Rows,
    pub(super) record: &'r mut Record<'a>,
    pub(super) arena: &'a Bump,
}

impl<'a> Scanner<'a, '_> {
    /// Reads the object that starts at `at`; its keys are children of `node`.
    pub(super) fn object(&mut self, node: Node) -> Scan<()> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            if self.rows.wants(node) {
                self.record.push(node, Raw::Text("{}"));
            }
            return Ok(());
        }
        loop {
            self.blank();
            let key = self.string()?;
            let key = if key.1 {
                super::unescape(key.0, self.arena).as_bytes()
            } else {
                key.0
            };
            let child = self.rows.names().child(node, key);
            self.blank();
            self.expect(b':', "a colon")?;
            self.blank();
            self.value(child)?;
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.fail("a comma or the end of the object"),
            }
        }
    }

    fn value(&mut self, node: Node) -> Scan<()> {
        match self.peek() {
            Some(b'"') => {
                let (inner, escaped) = self.string()?;
                if !self.rows.wants(node) {
                    return Ok(());
                }
                let value = match std::str::from_utf8(inner) {
                    Ok(text) if !escaped => Raw::Text(text),
                    _ => Raw::Escaped(inner),
                };
                let embedded = self.rows.names().info(node).embedded;
                if !(embedded && unpack(value, self.rows, self.record, self.arena)) {
                    self.record.push(node, value);
                }
                Ok(())
            }
            Some(b'{') if self.rows.names().may_descend(node) => self.object(node),
            Some(b'[') if self.rows.names().info(node).repeated => self.repeated(node),
            Some(b'{' | b'[') => {
                let start = self.at;
                self.skip_container()?;
                self.push_json(node, start);
                Ok(())
            }
            _ => self.scalar(node),
        }
    }

    /// An array whose elements are values of the same field.
    fn repeated(&mut self, node: Node) -> Scan<()> {
        self.at += 1;
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blank();
            match self.peek() {
                Some(b'{' | b'[') => {
                    let start = self.at;
                    self.skip_container()?;
                    self.push_json(node, start);
                }
                _ => self.value(node)?,
            }
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return self.fail("a comma or the end of the array"),
            }
        }
    }

    fn push_json(&mut self, node: Node, start: usize) {
        if self.rows.wants(node) {
            let json = &self.bytes[start..self.at];
            let text = match std::str::from_utf8(json) {
                Ok(text) => text,
                Err(_) => self.arena.alloc_str(&String::from_utf8_lossy(json)),
            };
            self.record.push(node, Raw::Text(text));
        }
    }

    /// A number, `true`, `false` or `null`; numbers keep the digits they were written with.
    fn scalar(&mut self, node: Node) -> Scan<()> {
        let start = self.at;
        while let Some(b) = self.peek() {
            if matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n') {
                break;
            }
            self.at += 1;
        }
        let token = &self.bytes[start..self.at];
        let text = match token {
            b"null" => return Ok(()),
            b"true" => "true",
            b"false" => "false",
            // JavaScript's words stand in some exports.
            b"NaN" | b"Infinity" | b"-Infinity" => std::str::from_utf8(token).unwrap_or_default(),
            _ if is_number(token) => std::str::from_utf8(token).unwrap_or_default(),
            _ => {
                self.at = start;
                return self.fail("a value");
            }
        };
        if self.rows.wants(node) {
            self.record.push(node, Raw::Text(text));
        }
        Ok(())
    }

    /// The inside of the string that starts at `at`, and whether it holds escapes.
    fn string(&mut self) -> Scan<(&'a [u8], bool)> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        let mut escaped = false;
        let bytes = self.bytes;
        let mut at = start;
        loop {
            // Most strings are short: look at some bytes before asking for the wide search.
            let near = bytes.len().min(at + 16);
            while at < near && bytes[at] != b'"' && bytes[at] != b'\\' {
                at += 1;
            }
            if at == near {
                match memchr2(b'"', b'\\', &bytes[at..]) {
                    Some(n) => at += n,
                    None => {
                        self.at = bytes.len();
                        return self.fail("the end of the string");
                    }
                }
            }
            if bytes[at] == b'"' {
                self.at = at + 1;
                return Ok((&bytes[start..at], escaped));
            }
            escaped = true;
            at += 2;
            if at > bytes.len() {
                self.at = bytes.len();
                return self.fail("the end of the string");
            }
        }
    }

    /// Steps over an object or array without looking into it.
    fn skip_container(&mut self) -> Scan<()> {
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
                None => return self.fail("the end of the value"),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn blank(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Scan<()> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        self.fail(expected)
    }

    fn fail<T>(&self, expected: &'static str) -> Scan<T> {
        Err(Unexpected {
            at: self.at,
            expected,
        })
    }
}

/// Whether these bytes are a number as JSON spells it.
fn is_number(token: &[u8]) -> bool {
    let digits = |t: &[u8]| t.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = token.strip_prefix(b"-").unwrap_or(token);
    let whole = digits(rest);
    if whole == 0 {
        return false;
    }
    rest = &rest[whole..];
    if let Some(tail) = rest.strip_prefix(b".") {
        let n = digits(tail);
        if n == 0 {
            return false;
        }
        rest = &tail[n..];
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        let tail = match tail {
            [b'+' | b'-', t @ ..] => t,
            t => t,
        };
        let n = digits(tail);
        if n == 0 {
            return false;
        }
        rest = &tail[n..];
    }
    rest.is_empty()
}
