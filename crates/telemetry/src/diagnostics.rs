//! What went wrong while reading, as data: which file, at which byte, what. Reading goes on; nothing is hidden. A file
//! that is wrong all over is listed in part and counted in whole. This module refuses to print.

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
    /// The content is of no format that is read here.
    UnknownFormat,
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
                | Self::Foreign(_)
                | Self::Io(_)
        )
    }
}

/// A problem and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, with the archive it lies in.
    pub source: String,
    /// Byte offset in the (decompressed) file.
    pub offset: Option<u64>,
    /// What was found.
    pub problem: Problem,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} at byte {offset}: {}", self.source, self.problem),
            None => write!(f, "{}: {}", self.source, self.problem),
        }
    }
}

/// Problems listed one by one in one reading; the rest is counted.
const MAX_LISTED: usize = 1000;

/// The problems of one reading.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// The first of them.
    pub listed: Vec<Diagnostic>,
    /// All of them.
    pub count: u64,
    /// Records and chunks that were lost, and files given up.
    pub damaged: u64,
    /// Lines of a syslog that hold no event, which is no problem.
    pub other_lines: u64,
}

impl Diagnostics {
    /// Notes a problem.
    pub fn report(&mut self, source: &str, offset: Option<u64>, problem: Problem) {
        self.count += 1;
        self.damaged += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(Diagnostic {
                source: source.to_owned(),
                offset,
                problem,
            });
        }
    }

    /// Adds another worker's problems.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.damaged += other.damaged;
        self.other_lines += other.other_lines;
        let room = MAX_LISTED.saturating_sub(self.listed.len());
        self.listed.extend(other.listed.into_iter().take(room));
    }
}
