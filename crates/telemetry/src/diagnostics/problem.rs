//! What can be wrong with an input. This module refuses to know where.

use std::fmt;

/// What was found instead of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The text is no JSON where this was expected.
    BadJson(&'static str),
    /// The XML is not well-formed.
    BadXml(String),
    /// A part of the input that is no event record.
    NotAnEvent,
    /// A record that could not be read.
    BadRecord(String),
    /// A chunk of an EVTX file that could not be read.
    BadChunk(String),
    /// The file ends in the middle of a record or chunk.
    CutOff,
    /// One record is longer than this many bytes.
    TooLong(usize),
    /// A compressed file grows beyond reason.
    Bomb {
        /// Bytes read so far.
        compressed: u64,
        /// Bytes they became.
        expanded: u64,
    },
    /// Archives inside archives inside archives.
    TooDeep,
    /// The content is of no format that is read here, and nobody knows what it is.
    UnknownFormat,
    /// It is something else than a log; what, is said.
    NotALog(String),
    /// The content is encrypted, and no password that was given opens it.
    Encrypted,
    /// More different field names than are told apart; this many values have no column of their own.
    TooManyFields(u64),
    /// The file holds no events.
    Foreign(String),
    /// The file is read, but has not all that it should.
    Lacking(String),
    /// The file could not be read.
    Io(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadJson(expected) => write!(f, "not JSON: expected {expected}"),
            Self::BadXml(why) => write!(f, "not XML: {why}"),
            Self::NotAnEvent => write!(f, "not an event"),
            Self::BadRecord(why) => write!(f, "damaged record: {why}"),
            Self::BadChunk(why) => write!(f, "damaged chunk: {why}"),
            Self::CutOff => write!(f, "cut off in the middle of a record"),
            Self::TooLong(limit) => write!(
                f,
                "one record is longer than {} MiB; the rest of this file is skipped",
                limit >> 20
            ),
            Self::Bomb {
                compressed,
                expanded,
            } => {
                write!(
                    f,
                    "{compressed} bytes expand to more than {expanded}; taken for a bomb and abandoned"
                )
            }
            Self::TooDeep => write!(f, "archives nested too deep; not opened"),
            Self::UnknownFormat => write!(
                f,
                "no known format (EVTX, JSON, event XML, syslog, Parquet)"
            ),
            Self::NotALog(what) => write!(f, "no log: {what}"),
            Self::Encrypted => write!(
                f,
                "encrypted; --password-file names a file with its password"
            ),
            Self::TooManyFields(n) => {
                write!(
                    f,
                    "too many different field names; {n} values can only be asked for by name"
                )
            }
            Self::Foreign(why) | Self::Lacking(why) | Self::Io(why) => write!(f, "{why}"),
        }
    }
}

impl Problem {
    /// Whether the rest of the file was not read because of it.
    pub fn ends_file(&self) -> bool {
        matches!(
            self,
            Self::TooLong(_)
                | Self::Bomb { .. }
                | Self::TooDeep
                | Self::UnknownFormat
                | Self::NotALog(_)
                | Self::Encrypted
                | Self::Foreign(_)
                | Self::Io(_)
        )
    }

    /// Whether events may be missing because of it. What is no log has none to lose.
    pub fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::UnknownFormat | Self::NotALog(_) | Self::Foreign(_)
        )
    }

    /// What kind of problem it is, in one word that stays the same.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BadJson(_) => "bad-json",
            Self::BadXml(_) => "bad-xml",
            Self::NotAnEvent => "not-an-event",
            Self::BadRecord(_) => "bad-record",
            Self::BadChunk(_) => "bad-chunk",
            Self::CutOff => "cut-off",
            Self::TooLong(_) => "too-long",
            Self::Bomb { .. } => "bomb",
            Self::TooDeep => "too-deep",
            Self::UnknownFormat | Self::NotALog(_) => "no-log",
            Self::Encrypted => "encrypted",
            Self::TooManyFields(_) => "too-many-fields",
            Self::Foreign(_) => "foreign",
            Self::Lacking(_) => "lacking",
            Self::Io(_) => "unreadable",
        }
    }
}
