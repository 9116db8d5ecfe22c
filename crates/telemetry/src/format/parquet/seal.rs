//! Checksums of a whole file, so that a flipped bit is an error and never another value. They stand between the data and
//! the footer, where no reader of Parquet looks: one of each column chunk, one of the footer.
//!
//! ```text
//! ... data, indexes | CRC-32 of chunk 0, 1, ... | CRC-32 of the footer | number of chunks | SEAL | footer | length | PAR1
//! ```
//! Numbers are 32 bits, little endian. Chunks count row group by row group.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

const SEAL: &[u8; 8] = b"SCOTOMA\x02";
/// The length of the footer, and `PAR1`.
const TAIL: u64 = 8;
/// Checksum of the footer, number of chunks, mark.
const FIXED: u64 = 16;

/// The checksums of a file.
#[derive(Debug)]
pub(super) struct Seal {
    chunks: Vec<u32>,
}

/// Writes the checksums into a file that is otherwise finished.
pub(super) fn seal(file: &mut File, metadata: &ParquetMetaData) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut tail = [0; 8];
    file.seek(SeekFrom::Start(end.saturating_sub(TAIL)))?;
    file.read_exact(&mut tail)?;
    let start = footer_start(end, &tail).ok_or(io::ErrorKind::InvalidData)?;
    let mut block = Vec::new();
    for group in metadata.row_groups() {
        for column in group.columns() {
            let (at, length) = column.byte_range();
            file.seek(SeekFrom::Start(at))?;
            block.extend(crc(&mut *file, length)?.to_le_bytes());
        }
    }
    let chunks = u32::try_from(block.len() / 4).map_err(io::Error::other)?;
    let mut footer = vec![0; usize::try_from(end - start).map_err(io::Error::other)?];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut footer)?;
    block.extend(crc32fast::hash(&footer).to_le_bytes());
    block.extend(chunks.to_le_bytes());
    block.extend(SEAL);
    file.seek(SeekFrom::Start(start))?;
    file.write_all(&block)?;
    file.write_all(&footer)
}

/// The checksums of a file, after that of its footer was found right; `None` where it has none.
pub(super) fn read(file: &impl ChunkReader) -> io::Result<Option<Seal>> {
    let end = Length::len(file);
    let bytes = |at: u64, length: u64| -> io::Result<Vec<u8>> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        Ok(file
            .get_bytes(at, length)
            .map_err(io::Error::other)?
            .to_vec())
    };
    if end < TAIL + FIXED {
        return Ok(None);
    }
    let tail = bytes(end - TAIL, TAIL)?;
    let Some(start) = footer_start(end, &tail).filter(|start| *start >= FIXED) else {
        return Ok(None);
    };
    let fixed = bytes(start - FIXED, FIXED)?;
    if fixed[8..] != SEAL[..] {
        return Ok(None);
    }
    let footer = bytes(start, end - start)?;
    if crc32fast::hash(&footer) != number(&fixed) {
        return Err(damaged("the footer"));
    }
    let length = u64::from(number(&fixed[4..])) * 4;
    let at = (start - FIXED).checked_sub(length);
    let at = at.ok_or_else(|| damaged("the list of checksums"))?;
    let chunks = bytes(at, length)?;
    Ok(Some(Seal {
        chunks: chunks.chunks_exact(4).map(number).collect(),
    }))
}

impl Seal {
    /// Whether the bytes of a column chunk are those that were written.
    pub(super) fn check(
        &self,
        file: &impl ChunkReader,
        metadata: &ParquetMetaData,
        group: usize,
        column: usize,
    ) -> io::Result<()> {
        let before = metadata.row_groups()[..group].iter();
        let place = before.map(|g| g.num_columns()).sum::<usize>() + column;
        let chunk = metadata.row_group(group).column(column);
        let (at, length) = chunk.byte_range();
        let mut reader = file.get_read(at).map_err(io::Error::other)?;
        if self.chunks.get(place) != Some(&crc(&mut reader, length)?) {
            return Err(damaged(&format!("column {}", chunk.column_path())));
        }
        Ok(())
    }
}

fn damaged(what: &str) -> io::Error {
    let what = format!("damaged Parquet: the checksum of {what} is wrong");
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Where the footer begins, in a file of this length that ends in this.
fn footer_start(end: u64, tail: &[u8]) -> Option<u64> {
    (tail[4..] == *b"PAR1")
        .then(|| end.checked_sub(TAIL + u64::from(number(tail))))
        .flatten()
}

fn number(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk()
        .map_or(0, |four| u32::from_le_bytes(*four))
}

fn crc(reader: &mut impl Read, length: u64) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 128 << 10];
    let mut left = length;
    while left > 0 {
        let most = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        let n = reader.read(&mut buffer[..most])?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        hasher.update(&buffer[..n]);
        left -= n as u64;
    }
    Ok(hasher.finalize())
}
