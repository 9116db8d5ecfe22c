//! Events in the lines of a syslog: event XML, JSON or Snare's tabs behind whatever header a collector wrote.

use bumpalo::Bump;
use memchr::{memchr, memmem, memrchr};
use serde_json::{Map, Value};

use super::xml::{self, mark};
use super::{carrier, json};
use crate::diagnostics::Diagnostics;
use crate::table::batch_builder::BatchBuilder;
use crate::table::plan::Position;

/// Reads a block of whole lines and whole events; `base` is its offset in the file.
pub(crate) fn read(
    block: &[u8],
    base: u64,
    source: &str,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let has = |what: &[u8]| memmem::find(block, what).is_some();
    let plain = !has(b"{\"") && !has(b"{ \"") && !has(SNARE) && !has_objects(block);
    if plain {
        return xml::read(block, base, source, rows, diagnostics);
    }
    let mut at = 0;
    while at < block.len() {
        let start = mark::start(block, at);
        let line = start.map_or(block.len(), |s| line_start(block, at, s));
        other_lines(
            &block[at..line],
            base + at as u64,
            source,
            rows,
            diagnostics,
        );
        let Some(start) = start else {
            return;
        };
        let end = run_end(block, start);
        xml::read(
            &block[line..end],
            base + line as u64,
            source,
            rows,
            diagnostics,
        );
        at = end;
    }
}

/// Whether a line begins with an object.
pub(crate) fn has_objects(block: &[u8]) -> bool {
    block.starts_with(b"{") || memmem::find(block, b"\n{").is_some()
}

/// Where the events end that begin with this one and have nothing but blanks between them: behind their line.
fn run_end(block: &[u8], start: usize) -> usize {
    let mut start = start;
    loop {
        // As far as no line without an event follows.
        let next = mark::start(block, start + 1);
        let until = next.unwrap_or(block.len());
        let end = mark::last_end(&block[..until], start).unwrap_or(until);
        match next {
            Some(next) if block[end..until].iter().all(u8::is_ascii_whitespace) => start = next,
            _ => return memchr(b'\n', &block[end..]).map_or(block.len(), |n| end + n + 1),
        }
    }
}

fn line_start(block: &[u8], from: usize, at: usize) -> usize {
    memrchr(b'\n', &block[from..at]).map_or(from, |n| from + n + 1)
}

/// Lines without event XML.
fn other_lines(
    lines: &[u8],
    base: u64,
    source: &str,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let mut at = 0;
    while at < lines.len() {
        let next = memchr(b'\n', &lines[at..]).map_or(lines.len(), |n| at + n + 1);
        let line = lines[at..next].trim_ascii_end();
        let offset = base + at as u64;
        if let Some(brace) = object_start(line) {
            let offset = offset + brace as u64;
            json::read(&line[brace..], offset, source, rows, diagnostics);
        } else if line.starts_with(b"{") && !line.ends_with(b"}") {
            // An object over many lines; what follows it may be one as well, up to the next line that is markup.
            let end = memmem::find(&lines[at..], b"\n<").map_or(lines.len(), |n| at + n + 1);
            json::read(&lines[at..end], offset, source, rows, diagnostics);
            at = end;
            continue;
        } else if let Some(object) = snare(line) {
            let opened = carrier::open_object(&object);
            let position = Position { source, offset };
            json::push_opened(opened, None, position, rows, diagnostics, &Bump::new());
        } else if !line.is_empty() {
            diagnostics.other_lines += 1;
        }
        at = next;
    }
}

/// Where the JSON object begins that ends a line.
pub(super) fn object_start(line: &[u8]) -> Option<usize> {
    if line.last() != Some(&b'}') {
        return None;
    }
    let brace = memchr(b'{', line)?;
    (line[brace + 1..].trim_ascii_start().first() == Some(&b'"')).then_some(brace)
}

const SNARE: &[u8] = b"MSWinEventLog\t";

/// A line of Snare for Windows: its columns stand behind a word, tabs between them.
fn snare(line: &[u8]) -> Option<Map<String, Value>> {
    const COLUMNS: [Option<&str>; 10] = [
        None,
        Some("Channel"),
        None,
        Some("TimeCreated"),
        Some("EventID"),
        Some("Provider"),
        Some("User"),
        None,
        None,
        Some("Computer"),
    ];
    let at = memmem::find(line, SNARE)? + SNARE.len();
    let text = String::from_utf8_lossy(&line[at..]);
    let fields: Vec<&str> = text.split('\t').collect();
    let mut object = Map::new();
    for (field, name) in fields.iter().zip(COLUMNS) {
        if let Some(name) = name.filter(|_| !field.is_empty() && *field != "N/A") {
            object.insert(name.to_owned(), Value::String((*field).to_owned()));
        }
    }
    let message = fields.iter().skip(COLUMNS.len()).max_by_key(|f| f.len())?;
    object.insert("Message".to_owned(), Value::String((*message).to_owned()));
    Some(object)
}
