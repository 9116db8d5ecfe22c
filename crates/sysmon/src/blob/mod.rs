//! The rule blob: the compiled form that Sysmon stores in its `Rules` registry value and its driver reads.
//! `encode` writes it byte for byte, stale bytes included; `decode` reads it, older layouts too.

mod decode;
mod encode;
mod legacy;

use std::fmt;

pub use decode::{BlobError, Decoded, decode};
pub use encode::encode;

pub(crate) const HEADER: usize = 24;
pub(crate) const EVENT: usize = 24;
pub(crate) const AGGREGATION: usize = 292;
/// Bytes of a filter before its data.
pub(crate) const FILTER: usize = 536;
/// UTF-16 units of a `<Rule>` name and of a filter name, closing zero included.
pub(crate) const RULE_NAME: usize = 128;
pub(crate) const FILTER_NAME: usize = 256;

/// The version of a blob's layout, which is that of the writing binary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BinaryVersion(pub u32);

impl BinaryVersion {
    /// The version that the newest schema's binaries write.
    pub const NEWEST: Self = Self::new(18, 0);

    /// A version from its parts.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self(((major as u32) << 16) | minor as u32)
    }

    /// The part that must equal the reading binary's own.
    pub const fn major(self) -> u32 {
        self.0 >> 16
    }
}

impl fmt::Display for BinaryVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.0 & 0xFFFF)
    }
}

impl fmt::Debug for BinaryVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const fn aligned(n: usize) -> usize {
    n.next_multiple_of(8)
}

/// The little-endian number at an offset.
fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let b = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}
