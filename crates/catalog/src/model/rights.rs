//! The shape of the access-right tables. Read by the build script (owned) and by the crate (static): see `storage`.

use super::{List, Mark, Text};

model! {
    /// Everything known about access rights, object type by object type.
    pub struct AccessRights {
        /// Rights every object type may have (`DELETE` ... `SYNCHRONIZE`), bits 16 to 20.
        pub standard: List<Right>,
        /// Bits with a meaning of their own in a *requested* mask: generic rights, `MAXIMUM_ALLOWED`, `ACCESS_SYSTEM_SECURITY`.
        pub request: List<Right>,
        /// Where `standard` and `request` were read.
        pub source: List<Text>,
        /// The object types.
        pub objects: List<Object>,
        /// Masks met often in recorded telemetry, with what they are.
        pub common_masks: List<CommonMask>,
    }

    /// One bit of an access mask.
    pub struct Right {
        /// Name as in the Windows headers.
        pub name: Text,
        /// The bit.
        pub mask: u32,
        /// What the name alone does not say.
        pub note: Option<Text>,
    }

    /// The rights of one kind of securable object.
    pub struct Object {
        /// Our name for the kind, e.g. `process`, `registry-key`.
        pub id: Text,
        /// Further names it is asked for by.
        pub aliases: List<Text>,
        /// The object manager's (or the service's) type names, as Security events 4656 and 4663 show them.
        pub type_names: List<Text>,
        /// The object-specific rights.
        pub rights: List<Right>,
        /// Names of the standard rights this type supports.
        pub standard: List<Text>,
        /// Named sums such as `PROCESS_ALL_ACCESS`; of two with one name the first is the current Windows'.
        pub composites: List<Composite>,
        /// What the generic rights of a request turn into; of several the first is the current Windows'.
        pub generic: List<GenericMapping>,
        /// Rights the kernel adds by itself to a granted mask.
        pub implied: List<Implied>,
        /// Further facts.
        pub notes: List<Text>,
        /// How sure the table is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// A named sum of rights.
    pub struct Composite {
        /// Name as in the Windows headers.
        pub name: Text,
        /// The sum.
        pub mask: u32,
        /// The Windows versions it holds for, where it differs between them.
        pub windows: Option<Text>,
        /// What the name alone does not say.
        pub note: Option<Text>,
    }

    /// The generic mapping of an object type.
    pub struct GenericMapping {
        /// Which Windows (or which kind of object) it holds for.
        pub applies_to: Text,
        /// `GENERIC_READ` becomes this.
        pub read: u32,
        /// `GENERIC_WRITE` becomes this.
        pub write: u32,
        /// `GENERIC_EXECUTE` becomes this.
        pub execute: Option<u32>,
        /// `GENERIC_ALL` becomes this.
        pub all: Option<u32>,
        /// Whether Microsoft documents it.
        pub documented: bool,
        /// What else is to be known.
        pub note: Option<Text>,
        /// How sure the mapping is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// A right that comes with another.
    pub struct Implied {
        /// Whoever is granted this right
        pub have: Text,
        /// is granted this one too.
        pub grants: Text,
        /// How it shows.
        pub effect: Option<Text>,
        /// What was seen that supports it.
        pub evidence: Option<Text>,
        /// How sure it is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// A process access mask worth recognising.
    pub struct CommonMask {
        /// The mask.
        pub mask: u32,
        /// What it is.
        pub is: Text,
    }
}
