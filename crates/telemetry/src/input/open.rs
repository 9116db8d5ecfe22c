//! Unpacking: gzip, zstd, zip and tar, by their magic bytes, in any nesting up to a limit. Everything is streamed; an
//! entry's name is only ever shown, never written to. Growth beyond reason ends the input it happens in.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::discover::{Origin, is_debris};
use super::limits::Limits;
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
struct Walk<'v> {
    limits: Limits,
    diagnostics: &'v mut Diagnostics,
    visitor: &'v mut Visitor<'v>,
    compressed: Arc<AtomicU64>,
}

/// Calls `visitor` for every unpacked file inside `origin`. Problems end up in `diagnostics`; `Stop::Done` from the
/// visitor ends the visit. Returns the bytes read from the origin itself.
pub(crate) fn visit<'v>(
    origin: &Origin,
    limits: Limits,
    diagnostics: &'v mut Diagnostics,
    visitor: &'v mut Visitor<'v>,
) -> u64 {
    let name = origin.name();
    let compressed = Arc::new(AtomicU64::new(0));
    let mut walk = Walk {
        limits,
        diagnostics,
        visitor,
        compressed: Arc::clone(&compressed),
    };
    let outcome = origin
        .open()
        .map_err(Stop::from)
        .and_then(|file| walk.file(&name, file));
    if let Err(Stop::Failed(problem)) = outcome {
        walk.diagnostics.report(&name, None, problem);
    }
    compressed.load(Ordering::Relaxed)
}

impl Walk<'_> {
    /// A file on disk, whose end can be reached: zip and Parquet need that.
    fn file(&mut self, name: &str, mut file: File) -> Result<(), Stop> {
        let mut magic = [0; 4];
        let n = read_full(&mut file, &mut magic)?;
        file.rewind()?;
        match &magic[..n] {
            b"PK\x03\x04" | b"PK\x05\x06" => {
                let counted = CountedFile(Counted {
                    inner: file,
                    count: Arc::clone(&self.compressed),
                });
                self.zip(name, io::BufReader::with_capacity(64 << 10, counted), 1)
            }
            b"PAR1" => {
                self.compressed
                    .fetch_add(file.metadata()?.len(), Ordering::Relaxed);
                (self.visitor)(name, Content::Parquet(file), self.diagnostics)
            }
            _ => {
                let count = Arc::clone(&self.compressed);
                self.stream(name, &mut Counted { inner: file, count }, 0)
            }
        }
    }

    /// A stream of unknown content.
    fn stream(&mut self, name: &str, reader: &mut dyn Read, depth: u32) -> Result<(), Stop> {
        let mut head = vec![0; HEAD];
        let n = read_full(reader, &mut head)?;
        head.truncate(n);
        let packed = matches!(
            head.as_slice(),
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [b'P', b'K', 3 | 5, 4 | 6, ..]
        ) || is_tar(&head);
        if packed && depth > self.limits.depth {
            return Err(Stop::Failed(Problem::TooDeep));
        }
        match head.as_slice() {
            [0x1f, 0x8b, ..] => {
                let inner =
                    flate2::read::MultiGzDecoder::new(Cursor::new(head.as_slice()).chain(reader));
                let mut bounded = self.bounded(inner);
                self.stream(name, &mut bounded, depth + 1)
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let mut inner = zstd::Decoder::new(Cursor::new(head.as_slice()).chain(reader))?;
                // 128 MiB, what `zstd` itself accepts without being asked.
                inner.window_log_max(27)?;
                let mut bounded = self.bounded(inner);
                self.stream(name, &mut bounded, depth + 1)
            }
            [b'P', b'K', 3 | 5, 4 | 6, ..] => {
                let file = self.spool(&head, reader)?;
                self.zip(name, io::BufReader::new(file), depth + 1)
            }
            b if b.starts_with(b"PAR1") => {
                let file = self.spool(&head, reader)?;
                (self.visitor)(name, Content::Parquet(file), self.diagnostics)
            }
            _ if is_tar(&head) => self.tar(
                name,
                &mut Cursor::new(head.as_slice()).chain(reader),
                depth + 1,
            ),
            _ => (self.visitor)(
                name,
                Content::Stream {
                    head: &head,
                    rest: reader,
                },
                self.diagnostics,
            ),
        }
    }

    fn zip(&mut self, name: &str, file: impl Read + Seek, depth: u32) -> Result<(), Stop> {
        let bad = |e: zip::result::ZipError| Stop::Failed(Problem::Io(format!("zip: {e}")));
        let mut archive = zip::ZipArchive::new(file).map_err(bad)?;
        for i in 0..archive.len() {
            let entry = match archive.by_index(i) {
                Ok(entry) => entry,
                Err(e) => {
                    self.diagnostics
                        .report(name, None, Problem::Io(format!("zip entry {i}: {e}")));
                    continue;
                }
            };
            let path = String::from_utf8_lossy(entry.name_raw()).into_owned();
            if entry.is_dir() || is_debris(&path) {
                continue;
            }
            let inner = format!("{name}/{}", shown(&path));
            // The compressed size is a claim of the archive, good enough as one side of a ratio.
            let before = entry.compressed_size();
            let mut bounded = Bounded {
                inner: entry,
                limits: self.limits,
                expanded: 0,
                compressed: Source::Fixed(before),
            };
            self.entry(&inner, &mut bounded, depth)?;
        }
        Ok(())
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
    fn entry(&mut self, name: &str, reader: &mut dyn Read, depth: u32) -> Result<(), Stop> {
        match self.stream(name, reader, depth) {
            Err(Stop::Failed(problem)) => {
                self.diagnostics.report(name, None, problem);
                Ok(())
            }
            other => other,
        }
    }

    fn bounded<R: Read>(&self, inner: R) -> Bounded<R> {
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

/// An entry's name as it may be shown on a terminal.
fn shown(name: &str) -> String {
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
enum Source {
    Counted(Arc<AtomicU64>),
    Fixed(u64),
}

/// A decompressor that gives up when it grows beyond reason.
struct Bounded<R> {
    inner: R,
    limits: Limits,
    expanded: u64,
    compressed: Source,
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
