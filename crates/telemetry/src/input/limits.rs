//! How much an input may ask of the reader before it is abandoned. Real logs stay far below every one of these.

use crate::diagnostics::MAX_LISTED;

/// Bounds on what one input may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record, in bytes. The largest record Windows writes is 64 KiB of binary XML; as JSON with its message
    /// it stays below a megabyte.
    pub record: usize,
    /// Bytes handed to a reader at a time.
    pub block: usize,
    /// How many times its size a compressed stream may grow, once it is larger than `expansion_floor`. Recorded
    /// telemetry compresses 20 to 60 times.
    pub expansion: u64,
    /// Bytes below which growth is nobody's business.
    pub expansion_floor: u64,
    /// Archives within archives.
    pub depth: u32,
    /// Bytes of finished batches that wait for a slow consumer before reading pauses.
    pub buffered: usize,
    /// Problems listed one by one; the rest is counted.
    pub problems: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record: 64 << 20,
            block: 1 << 20,
            expansion: 300,
            expansion_floor: 256 << 20,
            depth: 3,
            buffered: 128 << 20,
            problems: MAX_LISTED,
        }
    }
}
