//! Events from Windows Event XML, alone, in `<Events>`, or inside syslog lines. Only `Event` elements are read as XML;
//! what stands between them is stepped over. No DTD is processed and nothing is expanded. A broken event costs itself:
//! reading goes on at the next `<Event`. This module refuses to know encodings; it takes UTF-8.

mod gap;
pub(crate) mod mark;
mod tag;
mod text;
mod walk;

use std::borrow::Cow;

use bumpalo::Bump;
use quick_xml::Reader;

use crate::diagnostics::{Diagnostics, Problem};
use crate::table::batch_builder::BatchBuilder;
use crate::table::plan::Position;
use crate::table::record::Record;
use gap::Gaps;
use walk::Walker;

/// What is said of a DOCTYPE.
const DOCTYPE: &str = "a DOCTYPE is not processed, and nothing it declares is expanded";

/// What is said of an event that the next one cuts short.
const OVERTAKEN: &str = "another <Event> begins before this one ends";

/// How many times over a block may be read because of faults in it.
const MAX_REREAD: usize = 4;

/// Records that share the arena before its memory is used again.
const ARENA_RECORDS: usize = 64;

/// Reads every `<Event>` of `block` and offers it to `rows`. `base` is the block's offset in its file.
///
/// An event that breaks off or is no XML is reported with its offset. Bytes that are not UTF-8 become U+FFFD.
pub(crate) fn read(
    block: &[u8],
    base: u64,
    source: &str,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let source = Source::new(block, base, source);
    let text = &*source.text;
    let mut gaps = Gaps::new(text);
    let mut reader = reader(text);
    // A fault may be found far behind the event that has it, and what was read is read again from the next event on.
    // Once that could cost too much, an event is taken to end where the next begins.
    let mut patience = MAX_REREAD * text.len();
    let mut arena = Bump::new();
    let mut at = Some(0);
    while let Some(mut from) = at {
        // Records borrow from the arena, so it is emptied between them; doing so now and then is enough.
        arena.reset();
        let mut record = Record::default();
        at = None;
        for _ in 0..ARENA_RECORDS {
            let Some(start) = gaps.next_event(from, &source, diagnostics) else {
                break;
            };
            let limit = match patience {
                0 => mark::start(text.as_bytes(), start + 1).unwrap_or(text.len()),
                _ => text.len(),
            };
            let octal = gaps.octal(start);
            *reader.get_mut() = &text.as_bytes()[start..limit];
            record.clear();
            let mut walker = Walker {
                text: &text[..limit],
                rows,
                record: &mut record,
                arena: &arena,
                octal,
            };
            from = match walker.event(&mut reader) {
                Ok(()) => {
                    let offset = source.offset(start);
                    if record.is_empty() {
                        diagnostics.report(source.name, Some(offset), Problem::NotAnEvent);
                    } else {
                        let position = Position {
                            source: source.name,
                            offset,
                        };
                        if !rows.push(&record, position, &arena) {
                            rows.push_any(&record, position, &arena);
                            let needs = "an event id, and a channel or a provider";
                            let what = "event XML without a header".to_owned();
                            diagnostics.not_understood(source.name, offset, what, needs);
                        }
                    }
                    limit - reader.get_ref().len()
                }
                Err(broken) => {
                    patience = patience.saturating_sub(limit - start);
                    let (at, problem) = match broken.problem {
                        Problem::CutOff if limit < text.len() => {
                            (start, Problem::BadRecord(OVERTAKEN.to_owned()))
                        }
                        Problem::CutOff => (start, Problem::CutOff),
                        problem => (broken.at, problem),
                    };
                    diagnostics.report(source.name, Some(source.offset(at)), problem);
                    reader = self::reader(text);
                    gaps.after_fault = true;
                    start + 1
                }
            };
            at = Some(from);
        }
    }
}

/// Reads event data that stands as XML inside a string (Azure's `EventData`).
/// `false` if it is no such thing, and then nothing was added.
pub(crate) fn read_embedded<'a>(
    text: &'a str,
    rows: &mut BatchBuilder,
    record: &mut Record<'a>,
    arena: &'a Bump,
) -> bool {
    let before = record.fields.len();
    let text = text.trim_start_matches('\u{feff}').trim_ascii();
    if !text.starts_with('<') {
        return false;
    }
    let mut walker = Walker {
        text,
        rows,
        record,
        arena,
        octal: false,
    };
    let whole = walker.parts(&mut reader(text)).is_ok();
    if !whole {
        record.fields.truncate(before);
    }
    whole
}

fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    // An `&` that begins no entity stands for itself.
    reader.config_mut().allow_dangling_amp = true;
    reader
}

/// A block as text, and where its bytes are in their file.
struct Source<'b> {
    name: &'b str,
    text: Cow<'b, str>,
    base: u64,
    /// Where the text goes on after bytes that were replaced, and what was there in the block.
    repairs: Vec<(usize, usize)>,
}

impl<'b> Source<'b> {
    fn new(block: &'b [u8], base: u64, name: &'b str) -> Self {
        let mut repairs = Vec::new();
        let text = match std::str::from_utf8(block) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                let mut text = String::with_capacity(block.len());
                let mut read = 0;
                for chunk in block.utf8_chunks() {
                    text.push_str(chunk.valid());
                    read += chunk.valid().len() + chunk.invalid().len();
                    if !chunk.invalid().is_empty() {
                        text.push(char::REPLACEMENT_CHARACTER);
                        repairs.push((text.len(), read));
                    }
                }
                Cow::Owned(text)
            }
        };
        Self {
            name,
            text,
            base,
            repairs,
        }
    }

    /// The offset in the file of what is at `at` in the text.
    fn offset(&self, at: usize) -> u64 {
        let before = self.repairs.partition_point(|(text, _)| *text <= at);
        let (text, block) = match before {
            0 => (0, 0),
            n => self.repairs[n - 1],
        };
        self.base + (block + (at - text)) as u64
    }
}

#[cfg(test)]
mod tests;
