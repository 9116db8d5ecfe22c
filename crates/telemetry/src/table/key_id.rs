//! The number under which a key of an input is known.

/// A key of an input, with the path that leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub(super) u32);

impl KeyId {
    /// No node.
    pub(crate) const NONE: Self = Self(u32::MAX);

    /// A number of its own.
    pub(crate) fn number(self) -> u64 {
        self.0.into()
    }

    /// Its place among all nodes.
    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The root of a record: children are top-level keys.
pub const ROOT: KeyId = KeyId(0);
/// The event's `System` element: children are its elements, their children its attributes.
pub const SYSTEM: KeyId = KeyId(1);
/// The event's own data: children are its named fields.
pub const DATA: KeyId = KeyId(2);
