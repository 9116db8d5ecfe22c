//! From an unpacked file to blocks of whole records. It refuses to parse them.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::state::{Shared, Work};
use crate::diagnostics::{Diagnostics, Part, Problem};
use crate::format::csv::Header;
use crate::format::evtx::pieces::{self, CHUNK};
use crate::format::other_files;
use crate::format::parquet::RowGroup;
use crate::format::record_splitter::{Format, RecordSplitter};
use crate::format::sniff::{sniff, turn_to_json, turn_to_xml};
use crate::input;
use crate::input::Buffer;
use crate::input::Stop;
use crate::value::time_rules::{self, DayOrder};

/// Hands work to whoever is free, and says which part of the reading comes next.
pub(super) type Give<'g> = dyn FnMut(Work) -> Result<Part, Stop> + 'g;

pub(super) fn feed_parquet(
    name: &str,
    file: File,
    diagnostics: &mut Diagnostics,
    give: &mut Give<'_>,
) -> Result<(), Stop> {
    let (groups, lacking) = RowGroup::all(name, file).map_err(Stop::Failed)?;
    if let Some(problem) = lacking {
        diagnostics.report(name, None, problem);
    }
    for group in groups {
        diagnostics.enter(give(Work::RowGroup(group))?);
    }
    Ok(())
}

pub(super) fn feed_stream(
    name: &str,
    head: &[u8],
    rest: &mut dyn Read,
    shared: &Shared,
    diagnostics: &mut Diagnostics,
    give: &mut Give<'_>,
) -> Result<(), Stop> {
    if head.is_empty() {
        return Err(Stop::Failed(Problem::NotALog("empty".to_owned())));
    }
    let mut reader = input::utf8(head, rest);
    let mut buffer = spare(shared);
    let mut ended = buffer.fill(&mut *reader, head.len().max(CHUNK))?;
    let mut base = 0;
    let format = match sniff(buffer.bytes()) {
        Some(format) => format,
        None => {
            let problem = other_files::problem(buffer.bytes());
            let carved = shared.evtx.recover && buffer.bytes().contains(&0);
            if !carved || !carve(&mut buffer, &mut *reader, shared, &mut base, &mut ended)? {
                return Err(Stop::Failed(problem));
            }
            Format::Evtx
        }
    };
    let mut feeder = Feeder {
        name,
        source: name.into(),
        shared,
        format,
        cutter: RecordSplitter::new(format),
        table: None,
        order: None,
        base,
        ended,
        diagnostics,
        give,
    };
    if format != Format::Evtx {
        feeder.order = time_rules::told(buffer.bytes());
    }
    feeder.skip_header(&mut buffer);
    feeder.all(buffer, &mut *reader)
}

/// One stream on its way into blocks.
struct Feeder<'f, 'g> {
    name: &'f str,
    source: Arc<str>,
    shared: &'f Shared,
    format: Format,
    cutter: RecordSplitter,
    table: Option<Arc<Header>>,
    /// See [`Work::Bytes`].
    order: Option<DayOrder>,
    /// Where the buffer begins in the stream.
    base: u64,
    ended: bool,
    diagnostics: &'f mut Diagnostics,
    give: &'f mut Give<'g>,
}

impl Feeder<'_, '_> {
    /// Takes off what stands before the first record and is none.
    fn skip_header(&mut self, buffer: &mut Buffer) {
        let header = match self.format {
            Format::Evtx if self.base > 0 => {
                self.passed_over(self.base);
                0
            }
            Format::Evtx => self.evtx_header(buffer.bytes()),
            Format::Csv => Header::find(buffer.bytes()).map_or(0, |header| {
                let len = header.len;
                self.table = Some(Arc::new(header));
                len
            }),
            _ => 0,
        };
        buffer.skip(header);
        self.base += header as u64;
        self.shared.expanded.fetch_add(self.base, Ordering::Relaxed);
    }

    fn evtx_header(&mut self, head: &[u8]) -> usize {
        let header = evtx_header(head);
        // A file header that was wiped is as long as one.
        if header > 0 && header != 4096 && !head.starts_with(b"ElfFile\0") {
            self.passed_over(header as u64);
        }
        if self.ended && head.starts_with(b"ElfFile\0") && head.len() < 4096 {
            self.diagnostics.report(self.name, None, Problem::CutOff);
        }
        header
    }

    fn passed_over(&mut self, bytes: u64) {
        let why =
            format!("the first chunk begins at byte {bytes}; what stands before is passed over");
        self.diagnostics
            .report(self.name, Some(0), Problem::BadChunk(why));
    }

    fn all(&mut self, mut buffer: Buffer, reader: &mut dyn Read) -> Result<(), Stop> {
        // Text has two bytes for each character there, and chunks are seldom full.
        let block = match self.format {
            Format::Evtx => 2 * self.shared.limits.block,
            _ => self.shared.limits.block,
        };
        let longest = self.shared.limits.record;
        let mut goal = block;
        loop {
            // What a failing decompressor gave before it failed is read like the rest.
            let failure = match self.ended {
                true => None,
                false => buffer.fill(reader, goal).map(|e| self.ended = e).err(),
            };
            self.ended |= failure.is_some();
            let turn = self.turn(buffer.bytes());
            let n = match turn {
                Some(turn) => turn,
                None => self.cutter.cut(buffer.bytes(), self.ended),
            };
            let held = buffer.bytes().len();
            if n == 0 && turn.is_none() && !self.ended {
                if held >= longest {
                    return Err(Stop::Failed(Problem::TooLong(longest)));
                }
                goal = (held * 2).min(longest);
                continue;
            }
            let mut next = spare(self.shared);
            buffer.split(n, &mut next);
            self.give(buffer)?;
            buffer = next;
            goal = block;
            if turn.is_some() {
                self.format = sniff(buffer.bytes()).unwrap_or(Format::JsonObjects);
                self.cutter = RecordSplitter::new(self.format);
            }
            if let Some(error) = failure {
                self.diagnostics
                    .report(self.name, Some(self.base), problem(error));
            }
            if self.ended && (turn.is_none() || buffer.bytes().is_empty()) {
                return Ok(());
            }
        }
    }

    /// Where records of another kind begin: exports are put together with `cat`.
    fn turn(&self, bytes: &[u8]) -> Option<usize> {
        match self.format {
            Format::Xml => turn_to_json(bytes),
            Format::JsonLines | Format::JsonObjects => turn_to_xml(bytes),
            _ => None,
        }
    }

    fn give(&mut self, bytes: Buffer) -> Result<(), Stop> {
        let n = bytes.bytes().len() as u64;
        self.shared.expanded.fetch_add(n, Ordering::Relaxed);
        let progress = &self.shared.progress;
        progress.bytes.fetch_add(n, Ordering::Relaxed);
        if n > 0 {
            let part = (self.give)(Work::Bytes {
                format: self.format,
                bytes,
                base: self.base,
                source: Arc::clone(&self.source),
                table: self.table.clone(),
                order: self.order,
            })?;
            self.diagnostics.enter(part);
        }
        self.base += n;
        Ok(())
    }
}

/// Looks through what is no log for the first chunk of an event log, and leaves the buffer there; `base` is where that is.
fn carve(
    buffer: &mut Buffer,
    reader: &mut dyn Read,
    shared: &Shared,
    base: &mut u64,
    ended: &mut bool,
) -> Result<bool, Stop> {
    loop {
        let held = buffer.bytes().len();
        let found = pieces::find(buffer.bytes(), 0);
        // What tells a chunk may go on behind the end.
        let skipped = found.unwrap_or(held.saturating_sub(pieces::TELLS));
        buffer.skip(skipped);
        *base += skipped as u64;
        if found.is_some() {
            return Ok(true);
        }
        if *ended || shared.stopped() {
            return Ok(false);
        }
        *ended = buffer.fill(reader, shared.limits.block.max(2 * CHUNK))?;
    }
}

/// A buffer that was used before, or a new one.
fn spare(shared: &Shared) -> Buffer {
    let mut buffer = shared.lock().spare.pop().unwrap_or_default();
    buffer.clear();
    buffer
}

fn problem(error: std::io::Error) -> Problem {
    match Stop::from(error) {
        Stop::Failed(problem) => problem,
        Stop::Done => Problem::CutOff,
    }
}

/// Bytes before the first chunk: the file header, and whatever was put before it.
fn evtx_header(head: &[u8]) -> usize {
    let usual = head.len().min(4096);
    let first = pieces::find(head, 0);
    // Behind a file header nothing is passed over.
    match head.starts_with(b"ElfFile\0") {
        true => first.map_or(usual, |f| f.min(usual)),
        false => first.unwrap_or(usual),
    }
}
