//! A file whose neighbourhood is kept at hand: what reads archives jumps back and forth by a few bytes, and each jump
//! would otherwise cost a read of its own.

use std::io::{self, Read, Seek, SeekFrom};

const WINDOW: usize = 64 << 10;

/// A seekable reader with a window of its last read.
pub(super) struct SeekWindow<R> {
    inner: R,
    size: u64,
    /// Where the next read begins.
    at: u64,
    /// The bytes from `start` on.
    window: Vec<u8>,
    start: u64,
}

impl<R: Read + Seek> SeekWindow<R> {
    pub(super) fn new(mut inner: R) -> io::Result<Self> {
        let size = inner.seek(SeekFrom::End(0))?;
        Ok(Self {
            inner,
            size,
            at: 0,
            window: Vec::new(),
            start: 0,
        })
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The bytes that are at hand from here on; none at the end.
    fn near(&mut self) -> io::Result<&[u8]> {
        let inside = self
            .at
            .checked_sub(self.start)
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n < self.window.len());
        let from = match inside {
            Some(n) => n,
            None => {
                self.inner.seek(SeekFrom::Start(self.at))?;
                self.window.resize(WINDOW, 0);
                let n = super::open::read_full(&mut self.inner, &mut self.window);
                self.window.truncate(*n.as_ref().unwrap_or(&0));
                n?;
                self.start = self.at;
                0
            }
        };
        Ok(&self.window[from..])
    }

    /// Where one of the marks that `is_mark` knows begins, from here on: two letters that are always the same, and two
    /// bytes. The next read begins there.
    pub(super) fn find(
        &mut self,
        letters: [u8; 2],
        is_mark: impl Fn([u8; 2]) -> bool,
    ) -> io::Result<Option<u64>> {
        loop {
            let (at, size) = (self.at, self.size);
            let near = self.near()?;
            let len = near.len();
            if len < 4 && at + len as u64 >= size {
                return Ok(None);
            }
            if len < 4 {
                // The window ends here: begin another at this byte.
                self.window.clear();
                continue;
            }
            let found = memchr::memmem::find_iter(near, &letters)
                .take_while(|n| n + 4 <= near.len())
                .find(|n| is_mark([near[n + 2], near[n + 3]]));
            match found {
                Some(n) => {
                    self.at += n as u64;
                    return Ok(Some(self.at));
                }
                None => self.at += len as u64 - 3,
            }
        }
    }
}

impl<R: Read + Seek> Read for SeekWindow<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let near = self.near()?;
        let n = near.len().min(buffer.len());
        buffer[..n].copy_from_slice(&near[..n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl<R: Read + Seek> Seek for SeekWindow<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    proptest! {
        #[test]
        fn it_reads_what_is_there(
            steps in proptest::collection::vec((0u64..200_000, 0usize..70_000), 1..20),
        ) {
            let bytes: Vec<u8> = (0..180_000u32).map(|i| (i * 7 % 251) as u8).collect();
            let mut window = SeekWindow::new(Cursor::new(&bytes)).expect("a size");
            for (to, n) in steps {
                window.seek(SeekFrom::Start(to)).expect("anywhere");
                let mut got = Vec::new();
                (&mut window).take(n as u64).read_to_end(&mut got).expect("bytes");
                let from = bytes.len().min(to as usize);
                prop_assert_eq!(&got[..], &bytes[from..bytes.len().min(from + n)]);
            }
        }

        #[test]
        fn marks_are_found_wherever_windows_meet(at in WINDOW - 6..WINDOW + 6, from in 0u64..10) {
            let mut bytes = vec![b'P'; 2 * WINDOW];
            bytes[at..at + 4].copy_from_slice(b"PK\x03\x04");
            let mut window = SeekWindow::new(Cursor::new(&bytes)).expect("a size");
            window.seek(SeekFrom::Start(from)).expect("anywhere");
            let found = window.find(*b"PK", |m| m == [3, 4]).expect("bytes");
            prop_assert_eq!(found, Some(at as u64));
            window.seek(SeekFrom::Start(at as u64 + 1)).expect("anywhere");
            prop_assert_eq!(window.find(*b"PK", |m| m == [3, 4]).expect("bytes"), None);
        }
    }
}
