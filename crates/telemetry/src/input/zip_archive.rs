//! Zip archives: by their directory, and where that is gone or names an entry twice, entry by entry from the beginning,
//! so that a cut archive gives what stands before the cut.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use zip::ZipArchive;
use zip::read::{ZipReadOptions, read_zipfile_from_stream_with_options};
use zip::result::{ZipError, ZipResult};

use super::discover::is_debris;
use super::open::{Bounded, Source, Stop, Walk, read_full, shown};
use super::seek_window::SeekWindow;
use crate::diagnostics::Problem;

/// Bytes that tell a right password from a wrong one.
const PROBE: usize = 4096;
/// What the longest comment of an archive and the end of its directory take.
const MAX_END: u64 = 0xffff + END_LEN as u64;
const END_LEN: usize = 22;
const END: &[u8] = b"PK\x05\x06";

/// Whether a zip archive stands at the end of a file that begins otherwise. Its comment is looked through only where a
/// program leads, which is how archives come that unpack themselves.
pub(super) fn ends_in_zip(file: &mut (impl Read + Seek), program: bool) -> io::Result<bool> {
    let size = file.seek(SeekFrom::End(0))?;
    let len = size.min(if program { MAX_END } else { END_LEN as u64 });
    file.seek(SeekFrom::Start(size - len))?;
    let mut tail = vec![0; usize::try_from(len).unwrap_or(END_LEN)];
    let n = read_full(file, &mut tail)?;
    file.rewind()?;
    let tail = &tail[..n];
    let ends = |at: usize| {
        let comment = tail.get(at + END_LEN - 2..at + END_LEN);
        let comment = comment.map_or(0, |b| usize::from(u16::from_le_bytes([b[0], b[1]])));
        at + END_LEN + comment == tail.len()
    };
    Ok(memchr::memmem::rfind_iter(tail, END).any(ends))
}

impl Walk<'_> {
    /// The entries of an archive.
    pub(super) fn zip(
        &mut self,
        name: &str,
        file: impl Read + Seek,
        depth: u32,
    ) -> Result<(), Stop> {
        let mut file = SeekWindow::new(file)?;
        match ZipArchive::new(&mut file) {
            Ok(archive) if !archive.has_duplicate_names() => {
                self.by_directory(name, archive, depth)
            }
            Ok(_) => self.in_order(name, &mut file, depth).map(drop),
            Err(error) => {
                // What the entries say of themselves comes before the archive's own trouble.
                match self.in_order(name, &mut file, depth)? {
                    0 => Err(Stop::Failed(Problem::Io(format!("zip: {error}")))),
                    _ => {
                        let why = format!(
                            "zip without a whole directory ({error}); its entries were read one by one"
                        );
                        self.diagnostics.report(name, None, Problem::Lacking(why));
                        Ok(())
                    }
                }
            }
        }
    }

    fn by_directory<R: Read + Seek>(
        &mut self,
        name: &str,
        mut archive: ZipArchive<R>,
        depth: u32,
    ) -> Result<(), Stop> {
        for i in 0..archive.len() {
            let Ok(listed) = archive.by_index_data(i) else {
                continue;
            };
            let path = String::from_utf8_lossy(listed.name_raw()).into_owned();
            if listed.is_dir() || is_debris(&path) {
                continue;
            }
            let (encrypted, compressed) = (listed.encrypted(), listed.compressed_size());
            let inner = format!("{name}/{}", shown(&path));
            let password = match encrypted {
                true => self.password(&mut |password| {
                    probe(archive.by_index_decrypt(i, password), self.passwords.len())
                }),
                false => None,
            };
            if encrypted && password.is_none() {
                self.diagnostics.report(&inner, None, Problem::Encrypted);
                continue;
            }
            let options = ZipReadOptions::new().password(password.as_deref());
            match archive.by_index_with_options(i, options) {
                Ok(entry) => self.zip_entry(&inner, entry, compressed, depth)?,
                Err(e) => {
                    let problem = Problem::Io(format!("zip: {e}"));
                    self.diagnostics.report(&inner, None, problem);
                }
            }
        }
        Ok(())
    }

    /// The entries by their own headers; gives how many there were.
    fn in_order<R: Read + Seek>(
        &mut self,
        name: &str,
        file: &mut SeekWindow<R>,
        depth: u32,
    ) -> Result<u64, Stop> {
        let mut entries = 0;
        file.rewind()?;
        while let Some(at) = file.find(*b"PK", |m| m == [3, 4])? {
            let Some(header) = LocalHeader::read(file, at)? else {
                file.seek(SeekFrom::Start(at + 4))?;
                continue;
            };
            entries += 1;
            let end = header.data.saturating_add(header.compressed);
            let path = String::from_utf8_lossy(&header.name).into_owned();
            let is_data = !path.ends_with('/') && !is_debris(&path);
            if is_data {
                let inner = format!("{name}/{}", shown(&path));
                self.local_entry(&inner, file, at, &header, depth)?;
            }
            file.seek(SeekFrom::Start(end.max(at + 4)))?;
        }
        Ok(entries)
    }

    fn local_entry<R: Read + Seek>(
        &mut self,
        name: &str,
        file: &mut SeekWindow<R>,
        at: u64,
        header: &LocalHeader,
        depth: u32,
    ) -> Result<(), Stop> {
        let all = header.data - at + header.compressed;
        let from_here = |file: &mut SeekWindow<R>| file.seek(SeekFrom::Start(at));
        let password = match header.encrypted() {
            true => {
                let many = self.passwords.len();
                self.password(&mut |password| {
                    from_here(file)?;
                    let mut bytes = (&mut *file).take(all);
                    let options = header.options().password(Some(password));
                    let entry = read_zipfile_from_stream_with_options(&mut bytes, options);
                    probe(entry.and_then(|e| e.ok_or(ZipError::FileNotFound)), many)
                })
            }
            false => None,
        };
        if header.encrypted() && password.is_none() {
            self.diagnostics.report(name, None, Problem::Encrypted);
            return Ok(());
        }
        from_here(file)?;
        let mut bytes = (&mut *file).take(all);
        let options = header.options().password(password.as_deref());
        match read_zipfile_from_stream_with_options(&mut bytes, options) {
            Ok(Some(entry)) => self.zip_entry(name, entry, header.compressed, depth),
            Ok(None) => Ok(()),
            Err(e) => {
                let problem = Problem::Io(format!("zip: {e}"));
                self.diagnostics.report(name, None, problem);
                Ok(())
            }
        }
    }

    fn zip_entry(
        &mut self,
        name: &str,
        entry: impl Read,
        compressed: u64,
        depth: u32,
    ) -> Result<(), Stop> {
        // The compressed size is a claim of the archive, good enough as one side of a ratio.
        let mut bounded = Bounded {
            inner: entry,
            limits: self.limits,
            expanded: 0,
            compressed: Source::Fixed(compressed),
        };
        self.entry(name, &mut bounded, depth)
    }

    /// The first password that opens what `opens` tries.
    fn password(&self, opens: &mut dyn FnMut(&[u8]) -> ZipResult<bool>) -> Option<Vec<u8>> {
        let passwords = Arc::clone(&self.passwords);
        let mut fits = passwords.iter().filter(|p| opens(p).unwrap_or(false));
        fits.next().cloned()
    }
}

/// Whether a password fits, given what it opens. One of 256 wrong ones passes the old cipher's own test, so where there
/// are several the content has its say too.
fn probe<R: Read>(
    entry: ZipResult<zip::read::ZipFile<'_, R>>,
    passwords: usize,
) -> ZipResult<bool> {
    match entry {
        Ok(mut entry) => {
            let first = &mut [0; PROBE];
            Ok(passwords == 1 || read_full(&mut entry, first).is_ok())
        }
        Err(ZipError::InvalidPassword) => Ok(false),
        // What else is wrong is told when the entry is read.
        Err(_) => Ok(true),
    }
}

/// What stands before an entry.
struct LocalHeader {
    flags: u16,
    name: Vec<u8>,
    /// Where its data begins.
    data: u64,
    /// The length of its data, which may go on behind the end of a cut file.
    compressed: u64,
}

impl LocalHeader {
    const LEN: usize = 30;

    fn encrypted(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Its lengths and checksum stand behind its data.
    fn described_behind(flags: u16) -> bool {
        flags & 8 != 0
    }

    fn options<'p>(&self) -> ZipReadOptions<'p> {
        ZipReadOptions::new()
            .ignore_crc32(Self::described_behind(self.flags))
            .override_compressed_size(self.compressed)
    }

    /// The header at this place; `None` where these bytes are none.
    fn read<R: Read + Seek>(file: &mut SeekWindow<R>, at: u64) -> io::Result<Option<Self>> {
        let mut fixed = [0; Self::LEN];
        file.seek(SeekFrom::Start(at))?;
        if read_full(file, &mut fixed)? < Self::LEN {
            return Ok(None);
        }
        let u16_at = |i: usize| u16::from_le_bytes([fixed[i], fixed[i + 1]]);
        let u32_at = |i: usize| u32::from(u16_at(i)) | u32::from(u16_at(i + 2)) << 16;
        let (version, flags, method) = (u16_at(4), u16_at(6), u16_at(8));
        let (name_len, extra_len) = (usize::from(u16_at(26)), usize::from(u16_at(28)));
        if version & 0xff > 63 || method > 99 || name_len == 0 {
            return Ok(None);
        }
        let mut rest = vec![0; name_len + extra_len];
        if read_full(file, &mut rest)? < rest.len() {
            return Ok(None);
        }
        let extra = rest.split_off(name_len);
        let mut header = Self {
            flags,
            name: rest,
            data: at + (Self::LEN + name_len + extra_len) as u64,
            compressed: u32_at(18).into(),
        };
        let long = u32_at(18) == u32::MAX || u32_at(22) == u32::MAX;
        if let Some(length) = long.then(|| zip64_length(&extra)).flatten() {
            header.compressed = length;
        } else if Self::described_behind(flags) && header.compressed == 0 {
            header.compressed = described(file, header.data)?;
        }
        Ok(Some(header))
    }
}

/// The compressed length that an extra field of a large archive has.
fn zip64_length(extra: &[u8]) -> Option<u64> {
    let mut rest = extra;
    loop {
        let (head, after) = rest.split_first_chunk::<4>()?;
        let len = usize::from(u16::from_le_bytes([head[2], head[3]]));
        let field = after.get(..len)?;
        if head[..2] == [1, 0] {
            let length = field.get(8..16)?.first_chunk()?;
            return Some(u64::from_le_bytes(*length));
        }
        rest = &after[len..];
    }
}

/// The length of an entry's data, found by what describes it behind; in a cut archive, all that is left.
fn described<R: Read + Seek>(file: &mut SeekWindow<R>, data: u64) -> io::Result<u64> {
    let marks = |m: [u8; 2]| matches!(m, [7, 8] | [3, 4] | [1, 2]);
    file.seek(SeekFrom::Start(data))?;
    while let Some(at) = file.find(*b"PK", marks)? {
        let mut mark = [0; 24];
        let n = read_full(file, &mut mark)?;
        let length = |from: usize, len: usize| -> Option<u64> {
            let bytes = mark[..n].get(from..from + len)?;
            Some(
                bytes
                    .iter()
                    .rev()
                    .fold(0, |all, b| all << 8 | u64::from(*b)),
            )
        };
        if mark[2..4] == [7, 8] {
            let here = Some(at - data);
            if length(8, 4) == here || length(8, 8) == here {
                return Ok(at - data);
            }
        } else if at >= data + 12 {
            // Without a mark of its own the description ends where the next entry begins.
            let mut before = [0; 12];
            file.seek(SeekFrom::Start(at - 12))?;
            read_full(file, &mut before)?;
            let length = u32::from_le_bytes([before[4], before[5], before[6], before[7]]);
            if u64::from(length) == at - 12 - data {
                return Ok(at - 12 - data);
            }
        }
        file.seek(SeekFrom::Start(at + 4))?;
    }
    Ok(file.size().saturating_sub(data))
}
