//! Events from Windows Event XML, alone, in `<Events>`, or inside syslog lines.

pub(crate) mod mark;

use bumpalo::Bump;

use crate::diagnostics::Diagnostics;
use crate::record::Record;
use crate::rows::Rows;

/// Reads every `<Event>` of `block` and offers it to `rows`. `base` is the block's offset in its file.
pub(crate) fn read(
    _block: &[u8],
    _base: u64,
    _source: &str,
    _rows: &mut Rows,
    _diagnostics: &mut Diagnostics,
) {
}

/// Reads event data that stands as XML inside a string (Azure's `EventData`).
pub(crate) fn read_embedded<'a>(
    _text: &'a str,
    _rows: &mut Rows,
    _record: &mut Record<'a>,
    _arena: &'a Bump,
) -> bool {
    false
}
