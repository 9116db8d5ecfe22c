//! The scanner: finds the end of every value and enters the objects. Depth is bounded, so hostile nesting ends as text.

use bumpalo::Bump;

use super::block::Block;
use super::unpack;
use crate::table::batch_builder::BatchBuilder;
use crate::table::key_id::{KeyId, ROOT};
use crate::table::key_predictor::KeyPrefix;
use crate::table::key_tree::Wrapped;
use crate::table::record::Record;
use crate::table::record_layout::{LayoutId, Step};
use crate::table::value_cache::ValueCache;
use crate::value::RawValue;

/// Where the text stopped being JSON, and what would have been right there.
pub(super) struct Unexpected {
    pub(super) at: usize,
    pub(super) expected: &'static str,
}

type Scan<T> = Result<T, Unexpected>;

pub(super) struct Scanner<'a, 'b, 'r> {
    pub(super) bytes: &'b [u8],
    pub(super) block: &'r mut Block<'b>,
    pub(super) at: usize,
    pub(super) rows: &'r mut BatchBuilder,
    pub(super) record: &'r mut Record<'a>,
    pub(super) arena: &'a Bump,
}

impl<'a, 'b: 'a> Scanner<'a, 'b, '_> {
    /// Reads the object that starts at `at`; its keys are children of `node`.
    pub(super) fn object(&mut self, node: KeyId) -> Scan<()> {
        self.at += 1;
        self.record.beat |= self.rows.names().brief(node).beat;
        self.blank();
        let mut run = self.rows.names().start(node);
        if self.peek() == Some(b'}') {
            self.at += 1;
            self.step(Step::End(run));
            // An object with nothing in it is no event.
            if node != ROOT {
                self.record.any = true;
                if self.rows.wants(node) {
                    self.record.push(node, RawValue::Text("{}"));
                }
            }
            return Ok(());
        }
        loop {
            let child;
            (child, run) = self.key(node, run)?;
            self.blank();
            if !self.known_value(child, run) {
                self.value(child, run)?;
            }
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    self.step(Step::End(run));
                    return Ok(());
                }
                _ => return self.fail("a comma or the end of the object"),
            }
            self.blank();
        }
    }

    /// Reads a key of the object `parent` and the colon behind it; gives the run that it makes of the keys before.
    #[inline]
    fn key(&mut self, parent: KeyId, run: KeyPrefix) -> Scan<(KeyId, KeyPrefix)> {
        if self.peek() == Some(b'"')
            && let Some(text) = self.bytes.get(self.at + 1..)
            && let Some((node, len, run)) = self.rows.names().predict(run, text)
        {
            self.at += 1 + len;
            return Ok((node, run));
        }
        let (start, end, escaped) = self.string()?;
        let names = self.rows.names();
        let key = if escaped {
            let key = crate::value::json::unescape(&self.bytes[start..end], self.arena);
            names.child_after(run, parent, key.as_bytes(), key.len())
        } else {
            names.child_after(run, parent, &self.bytes[start..], end - start)
        };
        self.blank();
        self.expect(b':', "a colon")?;
        Ok(key)
    }

    /// Takes the value behind these keys if it is the one that came there last; `false` if it is not.
    #[inline(always)]
    fn known_value(&mut self, node: KeyId, run: KeyPrefix) -> bool {
        let Some(text) = self.bytes.get(self.at..) else {
            return false;
        };
        let Some(known) = self.rows.value_cache.lookup(run, text) else {
            return false;
        };
        let quote = usize::from(text.first() == Some(&b'"'));
        let (start, end) = (self.at + quote, self.at + known.len);
        let value = match known.escaped {
            true => RawValue::KnownEscaped(&self.bytes[start..end], known.number),
            false => match self.block.text(start, end) {
                Some(text) => RawValue::KnownText(text, known.number),
                None => return false,
            },
        };
        self.at = end + quote;
        self.record.any = true;
        self.record.push(node, value);
        true
    }

    /// Remembers the value that ends here, and began at `start`, as the one that came last behind these keys.
    #[inline]
    fn learn(&mut self, run: KeyPrefix, start: usize, escaped: bool) {
        // What ends a number is part of what it is recognised by.
        let quoted = self.bytes[start] == b'"';
        let end = self.at + usize::from(!quoted);
        if let Some(text) = self.bytes.get(start..end)
            && ValueCache::takes(run, text)
        {
            let number = self.rows.number();
            self.rows.value_cache.learn(run, text, escaped, number);
        }
    }

    /// The record's shape after one step more.
    #[inline]
    fn step(&mut self, step: Step) {
        self.record.shape = self.rows.shapes.after(self.record.shape, step);
    }

    /// Reads the value behind these keys.
    fn value(&mut self, node: KeyId, run: KeyPrefix) -> Scan<()> {
        // Most values are strings: one branch tells them better than a table of all kinds.
        if self.peek() == Some(b'"') {
            return self.text(node, run);
        }
        let start = self.at;
        if matches!(self.peek(), Some(b'{' | b'[')) {
            let wrapped = self.rows.names().brief(node).wrapped;
            let list = self.peek() == Some(b'[');
            self.record.wrapped |= wrapped == Wrapped::Any || (list && wrapped != Wrapped::No);
        }
        match self.peek() {
            Some(b'{') if self.rows.names().may_descend(node) => {
                self.step(Step::Into(run));
                self.object(node)
            }
            Some(b'[') if self.rows.names().brief(node).repeated => self.repeated(node),
            Some(b'{' | b'[') => {
                self.skip_container()?;
                self.push_json(node, start);
                Ok(())
            }
            _ => self.scalar(node, run),
        }
    }

    /// Reads the string behind these keys.
    fn text(&mut self, node: KeyId, run: KeyPrefix) -> Scan<()> {
        let start = self.at;
        let (inner, end, escaped) = self.string()?;
        self.record.any = true;
        let brief = self.rows.names().brief(node);
        let wrapped = match brief.wrapped {
            Wrapped::No | Wrapped::List => false,
            Wrapped::Document => matches!(self.bytes.get(inner), Some(b'{' | b'[' | b'<')),
            Wrapped::Any => true,
        };
        if wrapped {
            self.record.wrapped = true;
            self.record.shape = LayoutId::UNKNOWN;
        }
        if !brief.wanted {
            return Ok(());
        }
        let text = if escaped {
            None
        } else {
            self.block.text(inner, end)
        };
        let value = text.map_or(RawValue::Escaped(&self.bytes[inner..end]), RawValue::Text);
        if brief.embedded {
            self.record.shape = LayoutId::UNKNOWN;
            if unpack(value, self.rows, self.record, self.arena) {
                return Ok(());
            }
        }
        self.record.push(node, value);
        // What says that a record is of a strange shape is to be looked at each time.
        if !wrapped {
            self.learn(run, start, text.is_none());
        }
        Ok(())
    }

    /// An array whose elements are values of the same field.
    fn repeated(&mut self, node: KeyId) -> Scan<()> {
        self.at += 1;
        self.record.shape = LayoutId::UNKNOWN;
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
                _ => self.value(node, KeyPrefix::UNKNOWN)?,
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

    fn push_json(&mut self, node: KeyId, start: usize) {
        self.record.any = true;
        if self.rows.wants(node) {
            let text = self.block.text(start, self.at).unwrap_or_else(|| {
                let json = &self.bytes[start..self.at];
                self.arena.alloc_str(&String::from_utf8_lossy(json))
            });
            self.record.push(node, RawValue::Text(text));
        }
    }

    /// A number, `true`, `false` or `null`; numbers keep the digits they were written with.
    fn scalar(&mut self, node: KeyId, run: KeyPrefix) -> Scan<()> {
        let start = self.at;
        let digits = |b: &u8| b.is_ascii_digit();
        let rest = &self.bytes[start..];
        let mut len = rest.iter().take_while(|b| digits(b)).count();
        let ends = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n');
        let plain = len > 0 && rest.get(len).is_none_or(ends);
        if !plain {
            len = rest.iter().position(ends).unwrap_or(rest.len());
        }
        let token = &rest[..len];
        let spelled = plain
            || is_number(token)
            // JavaScript's words stand in some exports.
            || matches!(token, b"true" | b"false" | b"NaN" | b"Infinity" | b"-Infinity");
        if !spelled && token != b"null" {
            return self.fail("a value");
        }
        self.at += len;
        if !spelled {
            self.step(Step::Null(run));
            return Ok(());
        }
        let text = self.block.text(start, self.at).unwrap_or_default();
        self.record.any = true;
        if self.rows.wants(node) {
            self.record.push(node, RawValue::Text(text));
            self.learn(run, start, false);
        }
        Ok(())
    }

    /// Where the inside of the string that starts here begins and ends, and whether it holds escapes.
    #[inline]
    fn string(&mut self) -> Scan<(usize, usize, bool)> {
        self.expect(b'"', "a string")?;
        let start = self.at;
        let Some((end, escaped)) = self.block.string_end(start) else {
            self.at = self.bytes.len();
            return self.fail("the end of the string");
        };
        self.at = end + 1;
        Ok((start, end, escaped))
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

    #[inline(always)]
    fn blank(&mut self) {
        while let Some(b) = self.peek()
            && b <= b' '
            && matches!(b, b' ' | b'\t' | b'\r' | b'\n')
        {
            self.at += 1;
        }
    }

    #[inline(always)]
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
