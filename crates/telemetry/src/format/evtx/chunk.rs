//! One chunk of 64 KiB: its header, and its records one after the other, past the damaged ones. Refuses to know what is
//! in a record.

use evtx::{ChunkFlags, EvtxChunkHeader};
use memchr::memmem;

use super::token::Read;
use crate::diagnostics::{Diagnostics, Problem};

pub(super) const CHUNK: usize = 1 << 16;
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
    ids: std::ops::RangeInclusive<u64>,
}

/// Calls `record` for each record of a chunk that lies at `base` in its file, and reports what is damaged.
pub(super) fn read(
    data: &[u8],
    base: u64,
    source: &str,
    diagnostics: &mut Diagnostics,
    mut record: impl FnMut(Span, &mut Diagnostics) -> Read<()>,
) {
    // Logs grow by many chunks at once; those not used yet are all zeroes.
    if data
        .chunks(64)
        .all(|c| c.iter().fold(0, |all, b| all | b) == 0)
    {
        return;
    }
    let bounds = match EvtxChunkHeader::from_bytes(data) {
        Ok(header) => {
            if let Some(why) = checksum(data, &header) {
                diagnostics.report(source, Some(base), Problem::BadChunk(why.to_owned()));
            }
            Some(Bounds {
                end: header.free_space_offset as usize,
                ids: header.first_event_record_id..=header.last_event_record_id,
            })
            .filter(|b| b.end >= HEADER && !b.ids.is_empty())
        }
        Err(_) => None,
    };
    if bounds.is_none() {
        let why = "no sound chunk header; its records are looked for one by one";
        diagnostics.report(source, Some(base), Problem::BadChunk(why.to_owned()));
    }
    let cut = data.len() < CHUNK && bounds.as_ref().is_none_or(|b| b.end > data.len());
    let mut at = if bounds.is_some() { HEADER } else { 0 };
    let end = bounds
        .as_ref()
        .map_or(data.len(), |b| b.end.min(data.len()));
    let mut last = None;
    while at < end {
        let here = Span::at(data, at).filter(|_| bounds.is_some());
        let span = match here {
            Some(span) => span,
            None => {
                let found = search(data, at, end, bounds.as_ref());
                // Zeroes up to the end are free space that the header counts too little of.
                let blank = data[at..end].iter().take(4).all(|b| *b == 0);
                let lost = bounds.is_some() && (found.is_some() || !blank);
                if lost && !(cut && found.is_none()) {
                    diagnostics.report(
                        source,
                        Some(base + at as u64),
                        Problem::BadRecord("no record where one should start".to_owned()),
                    );
                }
                match found {
                    Some(span) => span,
                    None => break,
                }
            }
        };
        if let Err(damage) = record(span, diagnostics) {
            let why = format!("{} (at byte {} of its chunk)", damage.what, damage.at);
            diagnostics.report(
                source,
                Some(base + span.start as u64),
                Problem::BadRecord(why),
            );
        }
        at = span.next();
        // A size that its copy does not confirm may lead past records, or to none.
        if !span.closed
            && let Some(next) = search(data, span.start + 1, end, bounds.as_ref())
            && (next.start < at || Span::at(data, at).is_none())
        {
            at = next.start;
        }
        last = Some(span.id);
        // The header counts some space too many now and then, and old records lie there; but an altered identifier must
        // not end the chunk.
        let own = |b: &Bounds, s: Span| s.closed && b.ids.contains(&s.id);
        if let Some(b) = &bounds
            && *b.ids.end() == span.id
            && !Span::at(data, at).is_some_and(|s| own(b, s))
        {
            break;
        }
    }
    if cut {
        let at = base + data.len() as u64;
        diagnostics.report(source, Some(at), Problem::CutOff);
        return;
    }
    // The log of a machine that was running, or was switched off, may hold records newer than its header.
    let Some((mut last, bounds)) = last.zip(bounds.as_ref()) else {
        return;
    };
    if last != *bounds.ids.end() {
        return;
    }
    while let Some(span) =
        Span::at(data, at).filter(|s| s.closed && Some(s.id) == last.checked_add(1))
    {
        if record(span, diagnostics).is_err() {
            return;
        }
        at = span.next();
        last = span.id;
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
