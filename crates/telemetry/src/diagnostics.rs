//! What went wrong while reading, as data: which file, at which byte, what. Reading goes on; nothing is hidden. A file
//! that is wrong all over is listed in part and counted in whole. This module refuses to print.

use std::collections::BTreeMap;
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

/// Records of one file that were read and are no events: they say no event id, or neither channel nor provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// The file, with the archive it lies in.
    pub source: String,
    /// How many records.
    pub count: u64,
    /// Where the first of them stands: byte offset in the (decompressed) file.
    pub offset: u64,
    /// What that one looks like.
    pub looks_like: String,
    /// What it lacks.
    pub needs: &'static str,
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let records = if self.count == 1 { "record" } else { "records" };
        write!(
            f,
            "{}: {} {records} not understood ({}; needs {})",
            self.source, self.count, self.looks_like, self.needs
        )
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
    /// Records that were read and not understood, all of them.
    pub not_understood: u64,
    /// The files that have such records, the first thousand by name.
    pub foreign: BTreeMap<String, NotUnderstood>,
    /// Events whose time was there and could not be read.
    pub unread_times: u64,
    /// One of those times.
    pub unread_time: Option<String>,
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

    /// Notes a record that is no event.
    pub fn not_understood(
        &mut self,
        source: &str,
        offset: u64,
        looks_like: String,
        needs: &'static str,
    ) {
        self.add_foreign(NotUnderstood {
            source: source.to_owned(),
            count: 1,
            offset,
            looks_like,
            needs,
        });
    }

    fn add_foreign(&mut self, found: NotUnderstood) {
        self.not_understood += found.count;
        match self.foreign.get_mut(&found.source) {
            Some(known) => {
                let count = known.count + found.count;
                // The first one speaks for all, whichever worker was faster.
                if found.offset < known.offset {
                    *known = found;
                }
                known.count = count;
            }
            None => {
                self.foreign.insert(found.source.clone(), found);
                if self.foreign.len() > MAX_LISTED {
                    self.foreign.pop_last();
                }
            }
        }
    }

    /// Adds another worker's problems.
    pub fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.damaged += other.damaged;
        self.other_lines += other.other_lines;
        self.unread_times += other.unread_times;
        // The least of them, so that every run names the same.
        self.unread_time = match (self.unread_time.take(), other.unread_time) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let counted = self.not_understood + other.not_understood;
        for found in other.foreign.into_values() {
            self.add_foreign(found);
        }
        self.not_understood = counted;
        let room = MAX_LISTED.saturating_sub(self.listed.len());
        self.listed.extend(other.listed.into_iter().take(room));
    }
}
