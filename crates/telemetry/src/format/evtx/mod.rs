//! Events from the chunks of Windows event log files. Values are taken from the records' binary XML as they stand
//! there; no text of the whole record is ever made. Where a file's chunks lie is not this module's business.
//!
//! The crate `evtx` is the reference for what a value looks like, and renders the rare types; its public interface does
//! not reach template definitions or the values of embedded instances, which is where nearly all of an event is, so
//! binary XML is read here.

mod chunk;
mod compiled_template;
mod element_context;
pub(crate) mod pieces;
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

/// What stands behind the name of a file in the records that were deleted from it.
const RECOVERED: &str = " (recovered)";

/// How to read chunks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EvtxOptions {
    /// Also what deleted records are still there, under a name of their own.
    pub(crate) recover: bool,
    /// Without compiling templates, to compare both ways.
    pub(crate) walk: bool,
}

/// Reads every record of `chunks` (whole pieces, the last may be short) and offers it to `rows`. `base` is the
/// offset of the first chunk in its file, `templates` what was learned while filling the same `rows`.
///
/// Damaged chunks and records are reported with their offset, and everything around them is read. A damaged record is
/// left out as a whole: half of an event would look like one.
pub(crate) fn read(
    chunks: &[u8],
    base: u64,
    source: &str,
    options: EvtxOptions,
    templates: &mut Templates,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let mut arena = Bump::new();
    let recovered = match options.recover {
        true => format!("{source}{RECOVERED}"),
        false => String::new(),
    };
    let mut at = base;
    for data in pieces::all(chunks) {
        // Templates and decoded values of a chunk live until the next one.
        arena.reset();
        let place = chunk::Place {
            base: at,
            source,
            recover: options.recover,
        };
        let mut walker = walk::Walker::new(data, &arena, templates, rows, options.walk);
        chunk::read(data, &place, diagnostics, |span, deleted, _| {
            let position = Position {
                source: if deleted { &recovered } else { source },
                offset: at + span.start as u64,
            };
            match deleted {
                true => walker.read_deleted(span.body(), span.end, position),
                false => walker.read(span.body(), span.end, position),
            }
        });
        at += data.len() as u64;
    }
}
