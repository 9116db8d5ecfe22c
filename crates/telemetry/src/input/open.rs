//! Unpacking: gzip, zstd, bzip2, xz, zip, 7z and tar, by their magic bytes, in any nesting up to a limit. Everything is
//! streamed; an entry's name is only ever shown, never written to. Growth beyond reason ends the input it happens in.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::discover::{Origin, is_debris};
use super::limits::Limits;
use super::zip_archive::ends_in_zip;
use crate::diagnostics::{Diagnostics, Problem};

/// Unpacked content: a stream with its first bytes already looked at, or a file that must be seekable.
pub(crate) enum Content<'r> {
    /// Bytes in order. `head` are the first of them, still to be read from `rest` after it.
    Stream {
        /// The first bytes.
        head: &'r [u8],
        /// What follows them.
        rest: &'r mut dyn Read,
    },
    /// A Parquet file, which is read from its end.
    Parquet(File),
}

/// Why visiting stopped early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Nobody wants more.
    Done,
    /// This input failed; others go on.
    Failed(Problem),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|e| e.downcast_ref::<Bomb>()) {
            Some(bomb) => Self::Failed(Problem::Bomb {
                compressed: bomb.compressed,
                expanded: bomb.expanded,
            }),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Failed(Problem::CutOff),
            None => Self::Failed(Problem::Io(error.to_string())),
        }
    }
}

/// Bytes looked at to tell formats apart.
const HEAD: usize = 64 << 10;
const TAR_MAGIC: usize = 257;

type Visitor<'v> = dyn FnMut(&str, Content<'_>, &mut Diagnostics) -> Result<(), Stop> + 'v;

/// What is needed on the way down.
pub(super) struct Walk<'v> {
    pub(super) limits: Limits,
    pub(super) passwords: Arc<[Vec<u8>]>,
    pub(super) diagnostics: &'v mut Diagnostics,
    visitor: &'v mut Visitor<'v>,
    compressed: Arc<AtomicU64>,
}

/// How a stream is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Zip,
    SevenZip,
    Tar,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // The first block, or the end where there is none.
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::SevenZip,
            _ if is_tar(head) => Self::Tar,
            _ => return None,
        })
    }
}

/// Memory for the dictionary of an xz stream, in KiB.
const MAX_XZ_MEMORY: u32 = 512 << 10;

/// Calls `visitor` for every unpacked file inside `origin`. Problems end up in `diagnostics`; `Stop::Done` from the
/// visitor ends the visit. Returns the bytes read from the origin itself.
pub(crate) fn visit<'v>(
    origin: &Origin,
    limits: Limits,
    passwords: &Arc<[Vec<u8>]>,
    diagnostics: &'v mut Diagnostics,
    visitor: &'v mut Visitor<'v>,
) -> u64 {
    let name = origin.name();
    let compressed = Arc::new(AtomicU64::new(0));
    let mut walk = Walk {
        limits,
        passwords: Arc::clone(passwords),
        diagnostics,
        visitor,
        compressed: Arc::clone(&compressed),
    };
    let outcome = origin
        .open()
        .map_err(Stop::Failed)
        .and_then(|file| walk.file(&name, file));
    if let Err(Stop::Failed(problem)) = outcome {
        walk.diagnostics.report(&name, None, problem);
    }
    compressed.load(Ordering::Relaxed)
}

impl Walk<'_> {
    /// A file on disk, whose end can be reached: zip, 7z and Parquet need that.
    fn file(&mut self, name: &str, mut file: File) -> Result<(), Stop> {
        let mut magic = [0; 8];
        let n = read_full(&mut file, &mut magic)?;
        file.rewind()?;
        let magic = &magic[..n];
        let count = Arc::clone(&self.compressed);
        // A Parquet file is told by its end as well, where its beginning is damaged.
        if magic.starts_with(b"PAR1")
            || Packing::of(magic).is_none() && ends_in(&mut file, b"PAR1")?
        {
            count.fetch_add(file.metadata()?.len(), Ordering::Relaxed);
            return (self.visitor)(name, Content::Parquet(file), self.diagnostics);
        }
        let packing = match Packing::of(magic) {
            None if ends_in_zip(&mut file, magic.starts_with(b"MZ"))? => Some(Packing::Zip),
            packing => packing,
        };
        let mut counted = CountedFile(Counted { inner: file, count });
        match packing {
            Some(Packing::Zip) => self.zip(name, counted, 1),
            Some(Packing::SevenZip) => self.seven_zip(name, counted, 1),
            _ => self.stream(name, &mut counted, 0),
        }
    }

    /// A stream of unknown content.
    fn stream(&mut self, name: &str, reader: &mut dyn Read, depth: u32) -> Result<(), Stop> {
        let mut head = vec![0; HEAD];
        let n = read_full(reader, &mut head)?;
        head.truncate(n);
        let Some(packing) = Packing::of(&head) else {
            if head.starts_with(b"PAR1") {
                let file = self.spool(&head, reader)?;
                return (self.visitor)(name, Content::Parquet(file), self.diagnostics);
            }
            let content = Content::Stream {
                head: &head,
                rest: reader,
            };
            return (self.visitor)(name, content, self.diagnostics);
        };
        if depth > self.limits.depth {
            return Err(Stop::Failed(Problem::TooDeep));
        }
        let depth = depth + 1;
        let mut whole = Cursor::new(head.as_slice()).chain(reader);
        match packing {
            Packing::Gzip => {
                let inner = flate2::read::MultiGzDecoder::new(whole);
                self.stream(name, &mut self.bounded(inner), depth)
            }
            Packing::Zstd => {
                let mut inner = zstd::Decoder::new(whole)?;
                // 128 MiB, what `zstd` itself accepts without being asked.
                inner.window_log_max(27)?;
                self.stream(name, &mut self.bounded(inner), depth)
            }
            Packing::Bzip2 => {
                let inner = bzip2::read::MultiBzDecoder::new(whole);
                self.stream(name, &mut self.bounded(inner), depth)
            }
            Packing::Xz => {
                let inner = lzma_rust2::XzReader::new_mem_limit(whole, true, MAX_XZ_MEMORY);
                self.stream(name, &mut self.bounded(inner), depth)
            }
            Packing::Zip => {
                let file = self.spool(&[], &mut whole)?;
                self.zip(name, file, depth)
            }
            Packing::SevenZip => {
                let file = self.spool(&[], &mut whole)?;
                self.seven_zip(name, io::BufReader::new(file), depth)
            }
            Packing::Tar => self.tar(name, &mut whole, depth),
        }
    }

    fn tar(&mut self, name: &str, reader: &mut dyn Read, depth: u32) -> Result<(), Stop> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if !entry.header().entry_type().is_file() || is_debris(&path) {
                continue;
            }
            self.entry(&format!("{name}/{}", shown(&path)), &mut entry, depth)?;
        }
        Ok(())
    }

    /// An entry of an archive: its failure is its own, unless nobody wants more.
    pub(super) fn entry(
        &mut self,
        name: &str,
        reader: &mut dyn Read,
        depth: u32,
    ) -> Result<(), Stop> {
        match self.stream(name, reader, depth) {
            Err(Stop::Failed(problem)) => {
                self.diagnostics.report(name, None, problem);
                Ok(())
            }
            other => other,
        }
    }

    pub(super) fn bounded<R: Read>(&self, inner: R) -> Bounded<R> {
        Bounded {
            inner,
            limits: self.limits,
            expanded: 0,
            compressed: Source::Counted(Arc::clone(&self.compressed)),
        }
    }

    /// Puts a stream that must be seekable into a temporary file without a name.
    fn spool(&self, head: &[u8], reader: &mut dyn Read) -> Result<File, Stop> {
        let mut file = tempfile::tempfile()?;
        file.write_all(head)?;
        io::copy(reader, &mut file)?;
        file.rewind()?;
        Ok(file)
    }
}

/// Whether a file ends in these bytes.
fn ends_in(file: &mut File, magic: &[u8; 4]) -> io::Result<bool> {
    let size = file.seek(io::SeekFrom::End(0))?;
    let mut tail = [0; 4];
    file.seek(io::SeekFrom::Start(size.saturating_sub(4)))?;
    let n = read_full(file, &mut tail)?;
    file.rewind()?;
    Ok(n == 4 && tail == *magic)
}

/// An entry's name as it may be shown on a terminal.
pub(super) fn shown(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn is_tar(head: &[u8]) -> bool {
    head.get(TAR_MAGIC..TAR_MAGIC + 5)
        .is_some_and(|m| m == b"ustar")
}

/// Reads until the buffer is full or the stream ends.
pub(crate) fn read_full(reader: &mut (impl Read + ?Sized), buffer: &mut [u8]) -> io::Result<usize> {
    let mut n = 0;
    while n < buffer.len() {
        match reader.read(&mut buffer[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}

/// A reader that counts what it hands out.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

struct CountedFile(Counted<File>);

impl Read for CountedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for CountedFile {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.0.inner.seek(to)
    }
}

/// How many compressed bytes stand behind what was expanded.
pub(super) enum Source {
    Counted(Arc<AtomicU64>),
    Fixed(u64),
}

/// A decompressor that gives up when it grows beyond reason.
pub(super) struct Bounded<R> {
    pub(super) inner: R,
    pub(super) limits: Limits,
    pub(super) expanded: u64,
    pub(super) compressed: Source,
}

/// The error that stands for it inside `io::Error`.
#[derive(Debug)]
struct Bomb {
    compressed: u64,
    expanded: u64,
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} bytes expand to more than {}",
            self.compressed, self.expanded
        )
    }
}

impl std::error::Error for Bomb {}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.expanded += n as u64;
        if self.expanded > self.limits.expansion_floor {
            let compressed = match &self.compressed {
                Source::Counted(count) => count.load(Ordering::Relaxed),
                Source::Fixed(size) => *size,
            };
            if self.expanded / self.limits.expansion > compressed {
                return Err(io::Error::other(Bomb {
                    compressed,
                    expanded: self.expanded,
                }));
            }
        }
        Ok(n)
    }
}
