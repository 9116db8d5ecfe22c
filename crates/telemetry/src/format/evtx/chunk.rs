//! One chunk of 64 KiB: its header, and its records one after the other, past the damaged ones; on request also what
//! deleted records are still there. Refuses to know what is in a record.

use std::ops::RangeInclusive;

use evtx::{ChunkFlags, EvtxChunkHeader};
use memchr::memmem;
use rustc_hash::FxHashSet;

use super::pieces::CHUNK;
use super::token::Read;
use crate::diagnostics::{Diagnostics, Problem};

const HEADER: usize = 512;
const MAGIC: &[u8; 4] = b"\x2a\x2a\0\0";
/// Magic, size, identifier and time of writing in front, the size again behind.
const RECORD_HEADER: usize = 24;
const RECORD_MIN: usize = RECORD_HEADER + 4;

/// A record in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where it starts.
    pub(super) start: usize,
    /// Where its binary XML ends, and the copy of its size starts.
    pub(super) end: usize,
    id: u64,
    /// It ends with a copy of its size, as an undamaged record does.
    closed: bool,
}

impl Span {
    /// Where its binary XML starts.
    pub(super) fn body(&self) -> usize {
        self.start + RECORD_HEADER
    }

    fn next(&self) -> usize {
        self.end + 4
    }

    fn at(data: &[u8], start: usize) -> Option<Self> {
        let record = data.get(start..)?;
        let header = record.first_chunk::<RECORD_HEADER>()?;
        let (magic, rest) = header.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<4>()?;
        let (id, _) = rest.split_first_chunk::<8>()?;
        let len = u32::from_le_bytes(*size) as usize;
        if magic != MAGIC || len < RECORD_MIN || len - 4 > record.len() {
            return None;
        }
        Some(Self {
            start,
            end: start + len - 4,
            id: u64::from_le_bytes(*id),
            closed: record.get(len - 4..len) == Some(size),
        })
    }
}

/// Where to look for records, and which are the chunk's own.
struct Bounds {
    /// End of the records; behind it lies what earlier records left.
    end: usize,
    ids: RangeInclusive<u64>,
}

impl Bounds {
    fn own(&self, span: &Span) -> bool {
        span.closed && self.ids.contains(&span.id)
    }
}

/// Where a chunk lies, and what it is part of.
pub(super) struct Place<'c> {
    /// Its offset in the file.
    pub(super) base: u64,
    /// The file.
    pub(super) source: &'c str,
    /// Whether deleted records are wanted.
    pub(super) recover: bool,
}

/// Calls `record` for each record of a chunk, the deleted ones after the others and marked so, and reports what is
/// damaged.
pub(super) fn read(
    data: &[u8],
    place: &Place<'_>,
    diagnostics: &mut Diagnostics,
    mut record: impl FnMut(Span, bool, &mut Diagnostics) -> Read<()>,
) {
    // Logs grow by many chunks at once; those not used yet are all zeroes.
    if data
        .chunks(64)
        .all(|c| c.iter().fold(0, |all, b| all | b) == 0)
    {
        return;
    }
    let mut reader = ChunkReader {
        data,
        place,
        bounds: None,
        at: 0,
        last: None,
        live: place.recover.then(FxHashSet::default),
        diagnostics,
        record: &mut record,
    };
    reader.header();
    reader.all();
}

struct ChunkReader<'c, F> {
    data: &'c [u8],
    place: &'c Place<'c>,
    bounds: Option<Bounds>,
    /// Where to go on.
    at: usize,
    /// The record read last.
    last: Option<u64>,
    /// Records that were read, if that is of interest.
    live: Option<FxHashSet<u64>>,
    diagnostics: &'c mut Diagnostics,
    record: &'c mut F,
}

impl<F: FnMut(Span, bool, &mut Diagnostics) -> Read<()>> ChunkReader<'_, F> {
    fn report(&mut self, at: usize, problem: Problem) {
        let offset = self.place.base + at as u64;
        self.diagnostics
            .report(self.place.source, Some(offset), problem);
    }

    fn bad_chunk(&mut self, why: &str) {
        self.report(0, Problem::BadChunk(why.to_owned()));
    }

    fn header(&mut self) {
        let data = self.data;
        let header = EvtxChunkHeader::from_bytes(data).ok();
        if let Some(header) = header {
            if let Some(why) = checksum(data, &header) {
                self.bad_chunk(why);
            }
            let ids = header.first_event_record_id..=header.last_event_record_id;
            let end = header.free_space_offset as usize;
            if end >= HEADER && !ids.is_empty() {
                self.bounds = Some(Bounds { end, ids });
            }
        }
        // Between what is carved anything may stand.
        let junk = || self.place.recover && search(data, 0, data.len(), None).is_none();
        if self.bounds.is_none() && !junk() {
            self.bad_chunk("no sound chunk header; its records are looked for one by one");
        }
        self.at = if self.bounds.is_some() { HEADER } else { 0 };
    }

    fn all(&mut self) {
        let end = self.bounds.as_ref().map_or(self.data.len(), |b| b.end);
        let cut = match &self.bounds {
            Some(_) => self.data.len() < CHUNK && end > self.data.len(),
            None => self.data.len() < CHUNK && !self.place.recover,
        };
        self.run(end.min(self.data.len()), cut, false);
        if cut {
            self.report(self.data.len(), Problem::CutOff);
        } else {
            self.beyond();
            self.newer();
        }
        self.deleted();
    }

    /// Reads the records up to `end`; only the chunk's `own` where others may stand between.
    fn run(&mut self, end: usize, cut: bool, own: bool) {
        let data = self.data;
        while self.at < end {
            let here = Span::at(data, self.at).filter(|s| match &self.bounds {
                Some(bounds) => !own || bounds.own(s) && self.last.is_none_or(|l| s.id > l),
                None => false,
            });
            let Some(span) = here.or_else(|| self.next_span(end, cut, own)) else {
                break;
            };
            self.read_one(span);
            self.at = span.next();
            // A size that its copy does not confirm may lead past records, or to none.
            if !span.closed
                && let Some(next) = search(data, span.start + 1, end, self.bounds.as_ref())
                && (next.start < self.at || Span::at(data, self.at).is_none())
            {
                self.at = next.start;
            }
            // The header counts some space too many now and then, and old records lie there; but an altered identifier
            // must not end the chunk.
            if let Some(b) = &self.bounds
                && *b.ids.end() == span.id
                && !Span::at(data, self.at).is_some_and(|s| b.own(&s))
            {
                break;
            }
        }
    }

    /// The record to go on with where none starts.
    fn next_span(&mut self, end: usize, cut: bool, own: bool) -> Option<Span> {
        let mut found = search(self.data, self.at, end, self.bounds.as_ref());
        if own {
            let later = |s: &Span| self.last.is_none_or(|l| s.id > l);
            while let Some(span) = found.filter(|s| !later(s)) {
                found = search(self.data, span.next(), end, self.bounds.as_ref());
            }
        }
        // Zeroes up to the end are free space that the header counts too little of.
        let blank = self.data[self.at..end].iter().take(4).all(|b| *b == 0);
        let lost = self.bounds.is_some() && (found.is_some() || !blank);
        if lost && !(cut && found.is_none()) && !own {
            let why = "no record where one should start".to_owned();
            self.report(self.at, Problem::BadRecord(why));
        }
        found
    }

    fn read_one(&mut self, span: Span) {
        if let Err(damage) = (self.record)(span, false, self.diagnostics) {
            let why = format!("{} (at byte {} of its chunk)", damage.what, damage.at);
            self.report(span.start, Problem::BadRecord(why));
        }
        self.last = Some(span.id);
        if let Some(live) = &mut self.live {
            live.insert(span.id);
        }
    }

    /// Records of the chunk that the header places in free space.
    fn beyond(&mut self) {
        let Some(bounds) = &self.bounds else { return };
        let last = *bounds.ids.end();
        if self.last.is_some_and(|l| l >= last) {
            return;
        }
        let end = self.data.len();
        if bounds.end < end {
            let before = self.last;
            self.run(end, false, true);
            if self.last != before {
                self.bad_chunk(
                    "its header counts records as free space; read all the same, but for deleted ones, which --recover reads",
                );
            }
        }
        let next = self.last.map_or_else(
            || self.bounds.as_ref().map_or(last, |b| *b.ids.start()),
            |l| l.saturating_add(1),
        );
        if next <= last {
            self.report(
                self.at.min(end),
                Problem::BadRecord(format!("records {next} to {last} are not there")),
            );
        }
    }

    /// The log of a machine that was running, or was switched off, may hold records newer than its header.
    fn newer(&mut self) {
        let Some((last, bounds)) = self.last.zip(self.bounds.as_ref()) else {
            return;
        };
        if last != *bounds.ids.end() {
            return;
        }
        let mut last = last;
        while let Some(span) =
            Span::at(self.data, self.at).filter(|s| s.closed && Some(s.id) == last.checked_add(1))
        {
            if (self.record)(span, false, self.diagnostics).is_err() {
                return;
            }
            self.at = span.next();
            last = span.id;
            if let Some(live) = &mut self.live {
                live.insert(last);
            }
        }
    }

    /// What earlier records left behind the last.
    fn deleted(&mut self) {
        let Some(live) = self.live.take() else { return };
        let (data, end) = (self.data, self.data.len());
        let mut at = self.at;
        while let Some(span) = search(data, at, end, None) {
            let old = !live.contains(&span.id);
            let whole = old && (self.record)(span, true, self.diagnostics).is_ok();
            match (old, whole) {
                (false, _) => {}
                (_, true) => self.diagnostics.recovered += 1,
                (_, false) => self.diagnostics.unrecoverable += 1,
            }
            at = if whole { span.next() } else { span.start + 1 };
        }
    }
}

/// The next record at or behind `from` that is whole and, as far as the header tells, this chunk's own.
fn search(data: &[u8], from: usize, end: usize, bounds: Option<&Bounds>) -> Option<Span> {
    let mut at = from;
    while let Some(found) = memmem::find(data.get(at..end)?, MAGIC) {
        at += found;
        let own = |s: &Span| s.closed && bounds.is_none_or(|b| b.ids.contains(&s.id));
        if let Some(span) = Span::at(data, at).filter(own)
            && span.next() <= end
        {
            return Some(span);
        }
        at += 1;
    }
    None
}

/// What the chunk's checksums say against it.
fn checksum(data: &[u8], header: &EvtxChunkHeader) -> Option<&'static str> {
    if header.flags.contains(ChunkFlags::NO_CRC32) {
        return None;
    }
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(data.get(..120).unwrap_or_default());
    hasher.update(data.get(128..HEADER).unwrap_or_default());
    if hasher.finalize() != header.header_chunk_checksum {
        return Some("its header does not have the checksum written there; read all the same");
    }
    let records = data.get(HEADER..header.free_space_offset as usize)?;
    let differs = evtx::checksum_ieee(records) != header.events_checksum;
    differs.then_some("its records do not have the checksum written there; read all the same")
}
