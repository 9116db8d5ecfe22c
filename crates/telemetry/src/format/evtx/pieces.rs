//! Where chunks lie in a stream: one after the other every 64 KiB, unless bytes were lost or added. Told by their magic;
//! what stands where no chunk begins is a piece of its own. This module refuses to look for records.

use memchr::memmem;

/// The size of a chunk.
pub(crate) const CHUNK: usize = 1 << 16;

const MAGIC: &[u8] = b"ElfChnk\0";
/// How much of a chunk tells it: its magic, and behind it the size of its header.
pub(crate) const TELLS: usize = 44;
const HEADER_SIZE: &[u8] = &128u32.to_le_bytes();

/// Where the first chunk at or behind `from` begins.
pub(crate) fn find(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memmem::find(bytes.get(at..)?, MAGIC)?;
        if is_chunk(bytes, at) {
            return Some(at);
        }
        at += 1;
    }
}

fn is_chunk(bytes: &[u8], at: usize) -> bool {
    let head = bytes.get(at..at + TELLS).unwrap_or_default();
    head.starts_with(MAGIC) && head.ends_with(HEADER_SIZE)
}

/// The length of the first piece: a chunk, or what stands where one should, up to the next; `None` where more bytes are
/// needed to tell. At the `end` of the stream there are no more.
pub(crate) fn first(bytes: &[u8], end: bool) -> Option<usize> {
    let seen = bytes.len().min(CHUNK + TELLS);
    if bytes.is_empty() || seen < CHUNK + TELLS && !end {
        return None;
    }
    let whole = is_chunk(bytes, 0);
    if whole && is_chunk(bytes, CHUNK) {
        return Some(CHUNK);
    }
    let from = if whole { TELLS } else { 1 };
    let next = find(bytes.get(from..seen)?, 0).map(|n| from + n);
    Some(next.unwrap_or(CHUNK).min(CHUNK).min(bytes.len()))
}

/// The length of all pieces that end for certain.
pub(crate) fn whole(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(n) = first(&bytes[at..], false) {
        at += n;
    }
    at
}

/// All pieces.
pub(super) fn all(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(first(rest, true)?);
        rest = after;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunk() -> Vec<u8> {
        let mut chunk = vec![b'x'; CHUNK];
        chunk[..MAGIC.len()].copy_from_slice(MAGIC);
        chunk[TELLS - 4..TELLS].copy_from_slice(HEADER_SIZE);
        chunk
    }

    proptest! {
        /// Junk between chunks and chunks that are cut short: each chunk begins a piece, however the stream comes.
        #[test]
        fn every_chunk_begins_a_piece(
            parts in proptest::collection::vec((0usize..3, 0usize..CHUNK - TELLS), 1..6),
            sizes in proptest::collection::vec(1usize..3 * CHUNK, 1..4),
        ) {
            let (mut stream, mut starts) = (Vec::new(), Vec::new());
            for (kind, n) in parts {
                match kind {
                    0 => stream.resize(stream.len() + n, b'j'),
                    _ => {
                        starts.push(stream.len());
                        let whole = if kind == 1 { CHUNK } else { TELLS + n };
                        stream.extend_from_slice(&chunk()[..whole]);
                    }
                }
            }
            let mut begins = Vec::new();
            let (mut at, mut taken) = (0, 0);
            for size in sizes.iter().cycle() {
                at = (at + size).min(stream.len());
                let buffer = &stream[taken..at];
                let n = if at == stream.len() { buffer.len() } else { whole(buffer) };
                for piece in all(&buffer[..n]) {
                    prop_assert!(piece.len() <= CHUNK);
                    begins.push(piece.as_ptr() as usize - stream.as_ptr() as usize);
                }
                taken += n;
                if taken == stream.len() {
                    break;
                }
            }
            for start in starts {
                prop_assert!(begins.contains(&start), "{} of {:?}", start, begins);
            }
        }
    }
}
