//! The shapes of the catalog's rows, written once and read twice: by the build script over owned text (to read and check
//! `data/*.yaml`) and by the crate over static text (the tables that are compiled in). `model!`, `Text`, `List` and the ids
//! differ between the two; the shapes cannot.

pub mod calls;
pub mod evidence;
pub mod map;
pub mod rights;
pub mod techniques;
pub mod when;

use super::storage::{ApiId, ComponentId, EventId, List, MechanismId, SensorId, SourceId, Text};

model! {
    /// How far a row may be trusted.
    #[derive(PartialOrd, Ord, Hash)]
    #[serde(rename_all = "kebab-case")]
    pub enum Mark {
        /// A cited source states it.
        FromSource,
        /// It was seen in recorded telemetry.
        Observed,
        /// Reasoned from other facts, or general knowledge; not verified.
        Derived,
        /// A source states it and there is reason to think it wrong.
        Doubtful,
        /// A source states it and recordings show the opposite.
        Refuted,
    }
}
