//! Events from JSON: one object after another, whatever stands between them. Where strings end is found for many bytes at
//! once; a walk over keys and values then only steps from one to the next. Nothing is decoded here and nothing is copied. Dialects are not this module's business: it
//! reports paths, and the names decide what they mean.

mod block;
mod scan;

use bumpalo::Bump;

use crate::diagnostics::{Diagnostics, Problem};
use crate::format::carrier::{self, Opened};
use crate::table::batch_builder::BatchBuilder;
use crate::table::key_id::{DATA, ROOT};
use crate::table::plan::Position;
use crate::table::record::Record;
use crate::table::record_layout::LayoutId;
use crate::value::RawValue;
use block::Block;
use scan::Scanner;

/// Records that share the arena before its memory is used again.
const ARENA_RECORDS: usize = 64;

/// Reads every object of `block` and offers it to `rows`. `base` is the block's offset in its file.
///
/// An object that breaks off or is no JSON is reported with its offset and skipped up to the next line.
pub(crate) fn read(
    block: &[u8],
    base: u64,
    source: &str,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let mut arena = Bump::new();
    let mut at = 0;
    let mut block = Block::new(block);
    while at < block.bytes.len() {
        // Records borrow from the arena, so it is emptied between them; doing so now and then is enough.
        arena.reset();
        let mut record = Record::default();
        for _ in 0..ARENA_RECORDS {
            record.clear();
            at = read_one(
                &mut block,
                at,
                base,
                source,
                rows,
                &mut record,
                diagnostics,
                &arena,
            );
        }
    }
}

/// Reads what begins at `start`; gives where to go on.
#[expect(
    clippy::too_many_arguments,
    reason = "one step of `read`, which owns all of them"
)]
fn read_one<'a, 'b: 'a>(
    block: &mut Block<'b>,
    start: usize,
    base: u64,
    source: &str,
    rows: &mut BatchBuilder,
    record: &mut Record<'a>,
    diagnostics: &mut Diagnostics,
    arena: &'a Bump,
) -> usize {
    let between = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | 0x1e);
    let bytes = block.bytes;
    let Some(skipped) = bytes[start.min(bytes.len())..]
        .iter()
        .position(|b| !between(b))
    else {
        return bytes.len();
    };
    let start = start + skipped;
    let offset = base + start as u64;
    if bytes[start] != b'{' {
        let end = line_end(bytes, start);
        // `evtx_dump` announces each record with a line of its own.
        if !bytes[start..end].starts_with(b"Record ") {
            diagnostics.report(source, Some(offset), Problem::NotAnEvent);
        }
        return object_behind(&bytes[start..end]).map_or(end, |n| start + n);
    }
    record.shape = rows.shapes.begin();
    let mut scanner = Scanner {
        bytes,
        block,
        at: start,
        rows,
        record,
        arena,
    };
    match scanner.object(ROOT) {
        Ok(()) => {
            let end = scanner.at;
            rows.shapes.end(record.shape);
            let at = Position { source, offset };
            if !record.any {
                diagnostics.report(source, Some(offset), Problem::NotAnEvent);
            } else if record.wrapped || !rows.push(record, at, arena) {
                let opened = carrier::open(&bytes[start..end]);
                push_opened(opened, Some(record), at, rows, diagnostics, arena);
            }
            end
        }
        Err(error) => {
            diagnostics.report(
                source,
                Some(base + error.at as u64),
                Problem::BadJson(error.expected),
            );
            line_end(bytes, error.at.max(start))
        }
    }
}

/// Takes the events that stood inside a record, or counts the record as one that is not understood; its values stay
/// in the table nevertheless, if it is given.
pub(crate) fn push_opened<'a>(
    opened: Opened,
    record: Option<&Record<'a>>,
    at: Position<'_>,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
    arena: &'a Bump,
) {
    match opened {
        Opened::Events(events) => {
            for event in events {
                push_plain(&event.to_json(), at, rows, diagnostics);
            }
        }
        Opened::Foreign(foreign) => {
            diagnostics.not_understood(at.source, at.offset, foreign.looks_like, foreign.needs);
            if let Some(record) = record {
                rows.push_any(record, at, arena);
            }
        }
        Opened::Own(name) => {
            diagnostics.not_understood(at.source, at.offset, name.to_owned(), "a log");
        }
    }
}

/// Takes an event in the plain form.
fn push_plain(
    text: &str,
    at: Position<'_>,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let arena = Bump::new();
    let mut record = Record::default();
    let mut scanner = Scanner {
        bytes: text.as_bytes(),
        block: &mut Block::new(text.as_bytes()),
        at: 0,
        rows,
        record: &mut record,
        arena: &arena,
    };
    let whole = scanner.object(ROOT).is_ok();
    record.shape = LayoutId::UNKNOWN;
    if !whole || !rows.push(&record, at, &arena) {
        diagnostics.report(at.source, Some(at.offset), Problem::NotAnEvent);
    }
}

/// Where behind other bytes an object begins on their line. In the rest of an object that broke off there is none.
fn object_behind(line: &[u8]) -> Option<usize> {
    let brace = memchr::memmem::find(line, b"{\"")?;
    let before = line[..brace].trim_ascii_end().last();
    before
        .is_some_and(|b| !matches!(b, b':' | b',' | b'['))
        .then_some(brace)
}

fn line_end(block: &[u8], from: usize) -> usize {
    memchr::memchr(b'\n', &block[from..]).map_or(block.len(), |n| from + n + 1)
}

/// Reads a JSON object that stands inside a string (Azure's `EventData`): its keys are the event's own data.
/// `false` if it is no object, and then nothing was added.
pub(crate) fn read_embedded<'a>(
    text: &'a str,
    rows: &mut BatchBuilder,
    record: &mut Record<'a>,
    arena: &'a Bump,
) -> bool {
    let before = record.fields.len();
    let trimmed = text.trim();
    if !trimmed.starts_with('{') {
        return false;
    }
    let mut scanner = Scanner {
        bytes: trimmed.as_bytes(),
        block: &mut Block::new(trimmed.as_bytes()),
        at: 0,
        rows,
        record,
        arena,
    };
    let whole = scanner.object(DATA).is_ok() && scanner.at == trimmed.len();
    if !whole {
        record.fields.truncate(before);
    }
    whole
}

/// Whether this value is an event's data in a document of its own, now unpacked into `record`.
fn unpack<'a>(
    value: RawValue<'a>,
    rows: &mut BatchBuilder,
    record: &mut Record<'a>,
    arena: &'a Bump,
) -> bool {
    let text = value.text(arena);
    match text.trim_start().as_bytes().first() {
        Some(b'{') => read_embedded(text, rows, record, arena),
        Some(b'<') => crate::format::xml::read_embedded(text, rows, record, arena),
        _ => false,
    }
}
