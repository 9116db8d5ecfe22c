//! Bytes on their way from a stream to a reader. The storage is initialised once and used again, since making fresh
//! memory ready costs more than decompressing into it. It refuses to know what the bytes are.

use std::io::{self, Read};

/// Storage with its first bytes in use.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    storage: Vec<u8>,
    len: usize,
}

impl Buffer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.storage[..self.len]
    }

    /// Reads until `goal` bytes are there; `true` when the stream has ended. What was read before an error stays.
    pub(crate) fn fill(&mut self, reader: &mut dyn Read, goal: usize) -> io::Result<bool> {
        if self.storage.len() < goal {
            self.storage.resize(goal, 0);
        }
        while self.len < goal {
            match reader.read(&mut self.storage[self.len..goal]) {
                Ok(0) => return Ok(true),
                Ok(n) => self.len += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(false)
    }

    /// Takes bytes away from the front.
    pub(crate) fn skip(&mut self, n: usize) {
        self.storage.copy_within(n..self.len, 0);
        self.len -= n;
    }

    /// Keeps the first `n` bytes and puts the others into `rest`, which is emptied first.
    pub(crate) fn split(&mut self, n: usize, rest: &mut Self) {
        let tail = &self.storage[n..self.len];
        if rest.storage.len() < tail.len() {
            rest.storage.resize(tail.len(), 0);
        }
        rest.storage[..tail.len()].copy_from_slice(tail);
        rest.len = tail.len();
        self.len = n;
    }

    /// Empties it and keeps the storage.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Bytes of storage.
    pub(crate) fn size(&self) -> usize {
        self.storage.len()
    }
}
