//! Events from the chunks of Windows event log files. Values are taken from the records' binary XML as they stand
//! there; no text of the whole record is ever made. Where a file's chunks lie is not this module's business.

use crate::diagnostics::Diagnostics;
use crate::rows::Rows;

/// Reads every record of `chunks` (whole chunks of 64 KiB, the last may be short) and offers it to `rows`.
pub(crate) fn read(
    _chunks: &[u8],
    _base: u64,
    _source: &str,
    _rows: &mut Rows,
    _diagnostics: &mut Diagnostics,
) {
}
