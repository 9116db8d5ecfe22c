//! Events from the chunks of Windows event log files. Values are taken from the records' binary XML as they stand
//! there; no text of the whole record is ever made. Where a file's chunks lie is not this module's business.
//!
//! The crate `evtx` is the reference for what a value looks like, and renders the rare types; its public interface does
//! not reach template definitions or the values of embedded instances, which is where nearly all of an event is, so
//! binary XML is read here.

mod chunk;
mod compiled_template;
mod element_context;
mod program;
mod templates;
#[cfg(test)]
mod tests;
mod token;
mod tree;
mod walk;

pub(crate) use templates::Templates;

use bumpalo::Bump;

use crate::diagnostics::Diagnostics;
use crate::table::batch_builder::BatchBuilder;
use crate::table::plan::Position;

/// Reads every record of `chunks` (whole chunks of 64 KiB, the last may be short) and offers it to `rows`. `base` is the
/// offset of the first chunk in its file, `templates` what was learned while filling the same `rows`.
///
/// Damaged chunks and records are reported with their offset, and everything around them is read. A damaged record is
/// left out as a whole: half of an event would look like one.
pub(crate) fn read(
    chunks: &[u8],
    base: u64,
    source: &str,
    templates: &mut Templates,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    read_all(chunks, base, source, templates, rows, diagnostics, false);
}

/// `walk`: without compiling templates, to compare both ways.
fn read_all(
    chunks: &[u8],
    base: u64,
    source: &str,
    templates: &mut Templates,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
    walk: bool,
) {
    let mut arena = Bump::new();
    let mut at = base;
    for data in chunks.chunks(chunk::CHUNK) {
        // Templates and decoded values of a chunk live until the next one.
        arena.reset();
        let mut walker = walk::Walker::new(data, &arena, templates, rows, walk);
        chunk::read(data, at, source, diagnostics, |span, _| {
            let offset = at + span.start as u64;
            walker.read(span.body(), span.end, Position { source, offset })
        });
        at += data.len() as u64;
    }
}
