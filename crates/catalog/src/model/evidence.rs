//! The shape of evidence: how a claim is tested against recordings, and what came of it.

use super::{EventId, List, Text};

model! {
    /// How a claim of the catalog is tested against recorded events.
    pub struct ClaimTest {
        /// The claim: an arrow, a silence, `technique/event` for an event a technique should give, or a statement.
        pub claim: Text,
        /// What is claimed, where the claim is no row of its own.
        pub statement: Option<Text>,
        /// The recordings that are published as doing this, by a part of their name; none for all recordings.
        #[serde(default)]
        pub recordings: List<Text>,
        /// Records that confirm the claim: any of these.
        #[serde(default)]
        pub confirms: List<RecordTest>,
        /// Records that refute it: any of these.
        #[serde(default)]
        pub refutes: List<RecordTest>,
    }

    /// A kind of record.
    pub struct RecordTest {
        /// The event.
        pub event: EventId,
        /// What its fields hold.
        #[serde(default)]
        pub fields: List<RecordedField>,
        /// The fields that must be equal in two records, where it takes two.
        #[serde(default)]
        pub repeats: List<Text>,
    }

    /// What a field of a record holds.
    pub struct RecordedField {
        /// The field.
        pub field: Text,
        /// How it relates to `value`.
        pub test: RecordedRelation,
        /// The text, compared without regard to case; for `same-as` and `other-than` the name of another field.
        pub value: Text,
    }

    /// How a recorded value relates to a text.
    #[serde(rename_all = "kebab-case")]
    pub enum RecordedRelation {
        /// It is this text.
        Is,
        /// It is not this text.
        IsNot,
        /// It begins with this text.
        StartsWith,
        /// It ends with this text.
        EndsWith,
        /// It contains this text.
        Contains,
        /// It is what the other field holds.
        SameAs,
        /// It is not what the other field holds.
        OtherThan,
    }

    /// What recordings say of a claim. Written by `tools/evidence`.
    pub struct ClaimEvidence {
        /// The claim.
        pub claim: Text,
        /// How many records confirm it.
        pub confirmed: u32,
        /// How many records refute it.
        pub refuted: u32,
        /// The first recording that refutes it, or else confirms it.
        pub recording: Text,
        /// The record in it, by its `EventRecordID` where it has one.
        pub record: Option<u64>,
    }
}
