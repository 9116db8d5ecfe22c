//! The shape of the conditions under which a call is seen.

use super::{List, Text};

model! {
    /// What a condition is about. The first group is what a call passes; the second is how the host is set up.
    #[derive(PartialOrd, Ord, Hash)]
    #[serde(rename_all = "kebab-case")]
    pub enum Aspect {
        /// The class of information that is set: `FileDispositionInformation`, `ThreadImpersonationToken`.
        InformationClass,
        /// The kind of object that is opened, made or mapped: `volume`, `named pipe`, `image section`.
        Object,
        /// How it is opened or made: `create`, `delete on close`, `first thread`.
        Option,
        /// The process that is worked on: `own process`, `another process`.
        Target,
        /// The protection of memory: `executable`.
        Protection,
        /// The token that is put on: `more privileged`, `less privileged`, `none`.
        Token,
        /// What is written: `PE image`, `overwriting`.
        Content,
        /// Who calls: `user mode`, `kernel mode`.
        Caller,
        /// The audit subcategory that must be on.
        AuditPolicy,
        /// The audit entry that the object's security descriptor must have.
        Sacl,
        /// The flag of `PROCESS_LOGGING_INFORMATION` that must be set on the process.
        ProcessLogging,
        /// The machine on which the event is written.
        Host,
        /// The version it takes.
        Version,
        /// What the sensor's configuration must hold.
        Configuration,
    }

    /// A condition: one of the values must hold.
    pub struct Precondition {
        /// What it is about.
        pub on: Aspect,
        /// The values, of which one must hold; `any` on the side of a call where the caller chooses.
        pub is: List<Text>,
    }
}
