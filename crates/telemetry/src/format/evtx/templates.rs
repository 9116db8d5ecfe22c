//! Templates met in earlier chunks. Every chunk brings its own copy of each template it uses; what was worked out for one
//! copy serves the others, once they are seen to say the same. This module refuses to know what a template means.

use rustc_hash::FxHashMap;

use super::compiled_template::TemplateCache;
use super::element_context::Place;
use super::program::{Program, Step};
use super::token::{Cursor, DEFINITION_HEADER, Read};
use super::tree::Mark;
use crate::value::bytes::same;

/// Bytes that the templates kept may take together; past that, all are forgotten and learned anew. A machine's logs use
/// some hundred templates of a few thousand bytes.
const MAX_SIZE: usize = 8 << 20;
/// Different templates kept under one identifier at one place: versions of a provider share theirs now and then.
const MAX_ALIKE: usize = 8;

/// What one worker has learned. It holds nodes, so that it is worth something to one table's names alone.
#[derive(Default)]
pub(crate) struct Templates {
    kept: FxHashMap<([u8; 16], Place), Vec<Kept>>,
    size: usize,
    /// The identifier given out last.
    ids: u64,
    /// The ways of records of kept templates.
    pub(super) ways: TemplateCache,
}

/// A template as far as it can be told from others, and its program.
pub(super) struct Kept {
    /// No other one ever has it.
    pub(super) id: u64,
    pieces: Box<[Piece]>,
    /// The bytes of the pieces, one behind the other.
    bytes: Box<[u8]>,
    pub(super) steps: Box<[Step]>,
    pub(super) texts: Box<str>,
    pub(super) no_arrays: Box<[u16]>,
}

/// What a template consists of.
#[derive(Clone, Copy)]
enum Piece {
    /// Bytes that are the same in every copy.
    Same(u32),
    /// A size, which depends on whether names stand inside.
    Size,
    /// A name of so many bytes: a place in the chunk, and the name itself where it is the first of its chunk.
    Name(u32),
}

/// Where in its chunk a template stands, and what in it differs from copy to copy.
#[derive(Clone, Copy)]
pub(super) struct Copied<'b> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) marks: &'b [Mark],
}

impl Templates {
    /// The template defined at this offset, if it was kept.
    pub(super) fn find(&self, data: &[u8], definition: u32, place: Place) -> Option<&Kept> {
        let at = definition as usize;
        let kept = self.kept.get(&(guid(data, at)?, place))?;
        let mut header = Cursor::new(data, at, data.len());
        header.skip(DEFINITION_HEADER - 4).ok()?;
        let size = header.u32().ok()? as usize;
        let start = header.at;
        header.skip(size).ok()?;
        let body = Cursor::new(data, start, header.at);
        kept.iter().find(|k| k.says(body).unwrap_or(false))
    }

    /// Keeps a template that was read, with what was made of it.
    pub(super) fn keep(
        &mut self,
        data: &[u8],
        definition: u32,
        place: Place,
        copied: Copied<'_>,
        program: &Program<'_>,
    ) -> Option<&Kept> {
        let guid = guid(data, definition as usize)?;
        self.ids += 1;
        let kept = Kept::new(self.ids, data, copied, program)?;
        let size = kept.size();
        if self.size + size > MAX_SIZE {
            self.kept.clear();
            self.ways = TemplateCache::default();
            self.size = 0;
        }
        let alike = self.kept.entry((guid, place)).or_default();
        if alike.len() >= MAX_ALIKE {
            return None;
        }
        alike.push(kept);
        self.size += size;
        alike.last()
    }
}

#[cfg(test)]
impl Templates {
    /// How many are kept.
    pub(super) fn count(&self) -> usize {
        self.kept.values().map(Vec::len).sum()
    }
}

impl Kept {
    fn new(id: u64, data: &[u8], copied: Copied<'_>, program: &Program<'_>) -> Option<Self> {
        let (mut pieces, mut bytes) = (Vec::new(), Vec::new());
        let mut add = |piece: &[u8], kind: fn(u32) -> Piece| {
            bytes.extend_from_slice(piece);
            pieces.push(kind(piece.len() as u32));
        };
        let mut at = copied.start;
        for mark in copied.marks {
            add(data.get(at..mark.start)?, Piece::Same);
            match mark.name {
                None => add(&[], |_| Piece::Size),
                Some(name) => add(self::name(data, name).ok()?, Piece::Name),
            }
            at = mark.end;
        }
        add(data.get(at..copied.end)?, Piece::Same);
        Some(Self {
            id,
            pieces: pieces.into(),
            bytes: bytes.into(),
            steps: program.steps.into(),
            texts: program.texts.into(),
            no_arrays: program.no_arrays.into(),
        })
    }

    fn size(&self) -> usize {
        let steps = size_of_val(&*self.steps) + size_of_val(&*self.no_arrays);
        let own = size_of::<Self>() + size_of_val(&*self.pieces) + steps;
        own + self.bytes.len() + self.texts.len()
    }

    /// Whether the template that stands here says the same.
    fn says(&self, mut body: Cursor<'_>) -> Read<bool> {
        let mut rest = &*self.bytes;
        for piece in &self.pieces {
            let len = match *piece {
                Piece::Same(len) | Piece::Name(len) => len as usize,
                Piece::Size => 0,
            };
            let Some((expected, after)) = rest.split_at_checked(len) else {
                return Ok(false);
            };
            rest = after;
            match piece {
                Piece::Same(_) => {
                    let start = body.at;
                    body.skip(len)?;
                    if !body
                        .data
                        .get(start..body.at)
                        .is_some_and(|b| same(b, expected))
                    {
                        return Ok(false);
                    }
                }
                Piece::Size => body.skip(4)?,
                Piece::Name(_) => {
                    let offset = body.name()?;
                    if !same(name(body.data, offset)?, expected) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(body.at == body.end)
    }
}

/// The code units of the name at this offset.
fn name(data: &[u8], offset: usize) -> Read<&[u8]> {
    let mut cursor = Cursor::new(data, offset, data.len());
    cursor.skip(6)?;
    Ok(cursor.text()?.bytes(data))
}

/// The identifier of the template defined at this offset. It says where to look, and proves nothing.
fn guid(data: &[u8], definition: usize) -> Option<[u8; 16]> {
    data.get(definition..)?.get(4..)?.first_chunk().copied()
}
