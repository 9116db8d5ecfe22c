//! From an unpacked file to blocks of whole records. It refuses to parse them.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::state::{Shared, Work};
use crate::diagnostics::{Diagnostics, Problem};
use crate::format::csv::Header;
use crate::format::parquet::RowGroup;
use crate::format::record_splitter::{CHUNK, Format, RecordSplitter};
use crate::format::sniff::sniff;
use crate::input;
use crate::input::Buffer;
use crate::input::Stop;

pub(super) type Give<'g> = dyn FnMut(Work) -> Result<(), Stop> + 'g;

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
        give(Work::RowGroup(group))?;
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
        return Ok(());
    }
    let mut reader = input::utf8(head, rest);
    let source: Arc<str> = name.into();
    let mut buffer = spare(shared);
    let mut ended = buffer.fill(&mut *reader, head.len().max(CHUNK))?;
    let format = sniff(buffer.bytes()).ok_or(Stop::Failed(Problem::UnknownFormat))?;
    let mut cutter = RecordSplitter::new(format);
    let mut base = 0;
    if format == Format::Evtx {
        let header = evtx_header(buffer.bytes());
        if ended && buffer.bytes().starts_with(b"ElfFile\0") && buffer.bytes().len() < 4096 {
            diagnostics.report(name, None, Problem::CutOff);
        }
        buffer.skip(header);
        base = header as u64;
    }
    let mut table = None;
    if format == Format::Csv
        && let Some(header) = Header::find(buffer.bytes())
    {
        buffer.skip(header.len);
        base = header.len as u64;
        table = Some(Arc::new(header));
    }
    shared.expanded.fetch_add(base, Ordering::Relaxed);
    // Text has two bytes for each character there, and chunks are seldom full.
    let block = match format {
        Format::Evtx => 2 * shared.limits.block,
        _ => shared.limits.block,
    };
    let mut goal = block;
    loop {
        // What a failing decompressor gave before it failed is read like the rest.
        let failure = match ended {
            true => None,
            false => buffer.fill(&mut *reader, goal).map(|e| ended = e).err(),
        };
        ended |= failure.is_some();
        let n = cutter.cut(buffer.bytes(), ended);
        let held = buffer.bytes().len();
        if n == 0 && !ended {
            if held >= shared.limits.record {
                return Err(Stop::Failed(Problem::TooLong(shared.limits.record)));
            }
            goal = (held * 2).min(shared.limits.record);
            continue;
        }
        let mut next = spare(shared);
        buffer.split(n, &mut next);
        shared.expanded.fetch_add(n as u64, Ordering::Relaxed);
        shared.progress.bytes.fetch_add(n as u64, Ordering::Relaxed);
        if n > 0 {
            give(Work::Bytes {
                format,
                bytes: buffer,
                base,
                source: Arc::clone(&source),
                table: table.clone(),
            })?;
        }
        base += n as u64;
        buffer = next;
        goal = block;
        if let Some(error) = failure {
            diagnostics.report(name, Some(base), problem(error));
        }
        if ended {
            return Ok(());
        }
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

/// Bytes before the first chunk: the file header, unless the file begins with a chunk.
fn evtx_header(head: &[u8]) -> usize {
    if head.starts_with(b"ElfChnk\0") {
        0
    } else {
        head.len().min(4096)
    }
}
