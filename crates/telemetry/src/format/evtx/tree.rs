//! Binary XML as a tree: template definitions with their empty places, and streams that use no template. Values stay
//! undecoded, what is embedded in them stays unread until somebody walks there.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::token::{self, Cursor, Damage, Read, Value};

/// An element, with places for values where it is part of a template.
#[derive(Debug)]
pub(super) struct Element<'b> {
    pub(super) name: &'b str,
    pub(super) attributes: &'b [Attribute<'b>],
    pub(super) parts: &'b [Part<'b>],
    /// The value whose absence leaves the element out.
    pub(super) dependency: Option<u16>,
}

#[derive(Debug)]
pub(super) struct Attribute<'b> {
    pub(super) name: &'b str,
    /// Never empty.
    pub(super) parts: &'b [Part<'b>],
}

/// A piece of an element's content or of an attribute's value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'b> {
    Element(&'b Element<'b>),
    /// A value, or text, in its place.
    Value(Value),
    /// A place for the template instance's value of this number; left alone if `optional` and that is empty.
    Slot {
        id: u16,
        optional: bool,
    },
    Char(u16),
    Entity(&'b str),
    /// A template instance whose body stands between these offsets.
    Instance(u32, u32),
}

/// A stretch of a template that differs from copy to copy though both say the same: a name, or a size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Offset of the name that stands here.
    pub(super) name: Option<usize>,
}

/// Elements may nest this deep.
pub(super) const MAX_DEPTH: usize = 256;

struct Open<'b> {
    name: &'b str,
    dependency: Option<u16>,
    attributes: BumpVec<'b, Attribute<'b>>,
    parts: BumpVec<'b, Part<'b>>,
    attribute: Option<(&'b str, BumpVec<'b, Part<'b>>)>,
    /// The start tag is not closed yet.
    start: bool,
}

impl<'b> Open<'b> {
    /// An attribute without a value is none.
    fn close_attribute(&mut self) {
        if let Some((name, parts)) = self.attribute.take()
            && !parts.is_empty()
        {
            self.attributes.push(Attribute {
                name,
                parts: parts.into_bump_slice(),
            });
        }
    }
}

struct Builder<'b> {
    arena: &'b Bump,
    data: &'b [u8],
    definition: bool,
    roots: BumpVec<'b, Part<'b>>,
    open: Vec<Open<'b>>,
    marks: BumpVec<'b, Mark>,
}

/// What was read, and what in it may differ from copy to copy.
pub(super) struct Tree<'b> {
    pub(super) roots: &'b [Part<'b>],
    pub(super) marks: &'b [Mark],
}

/// Reads a stream. In a `definition` elements name what they depend on, and there are places for values.
pub(super) fn build<'b>(
    cursor: &mut Cursor<'b>,
    definition: bool,
    arena: &'b Bump,
) -> Read<Tree<'b>> {
    let mut b = Builder {
        arena,
        data: cursor.data,
        definition,
        roots: BumpVec::new_in(arena),
        open: Vec::new(),
        marks: BumpVec::new_in(arena),
    };
    let mut scratch = Vec::new();
    while cursor.at < cursor.end {
        let at = cursor.at;
        let done = match cursor.u8()? {
            0x00 => break,
            kind @ (0x01 | 0x41) => {
                let dependency = if definition {
                    Some(cursor.u16()?).filter(|d| *d != u16::MAX)
                } else {
                    None
                };
                b.size(cursor)?;
                let name = b.name(cursor)?;
                if kind == 0x41 {
                    b.size(cursor)?;
                }
                b.start(name, dependency)
            }
            0x02 => b.close_start(),
            0x03 => b.close_start().and_then(|()| b.end()),
            0x04 => b.end(),
            0x05 | 0x45 => {
                let value = cursor.literal()?;
                b.part(Part::Value(value))
            }
            0x06 | 0x46 => {
                let name = b.name(cursor)?;
                b.attribute(name)
            }
            0x07 | 0x47 => {
                let text = cursor.text()?;
                b.part(Part::Value(text))
            }
            0x08 | 0x48 => {
                let c = cursor.u16()?;
                b.part(Part::Char(c))
            }
            0x09 | 0x49 => {
                let name = b.name(cursor)?;
                token::name(b.data, name, arena)
                    .map_err(|e| e.what)
                    .and_then(|n| b.part(Part::Entity(n)))
            }
            // Processing instructions are no part of an event's values.
            0x0a => b.name(cursor).map(drop).map_err(|e| e.what),
            0x0b => cursor.text().map(drop).map_err(|e| e.what),
            0x0c if !definition => {
                let start = cursor.at;
                scratch.clear();
                token::instance(cursor, &mut scratch)?;
                b.part(Part::Instance(start as u32, cursor.at as u32))
            }
            kind @ (0x0d | 0x0e) if definition => {
                let id = cursor.u16()?;
                cursor.skip(1)?;
                b.part(Part::Slot {
                    id,
                    optional: kind == 0x0e,
                })
            }
            0x0f => cursor.skip(3).map_err(|e| e.what),
            _ => Err("no token"),
        };
        done.map_err(|what| Damage { at, what })?;
    }
    if !b.open.is_empty() {
        return cursor.fail("an element without an end");
    }
    Ok(Tree {
        roots: b.roots.into_bump_slice(),
        marks: b.marks.into_bump_slice(),
    })
}

impl<'b> Builder<'b> {
    fn size(&mut self, cursor: &mut Cursor<'b>) -> Read<()> {
        let start = cursor.at;
        cursor.skip(4)?;
        self.mark(start, cursor.at, None);
        Ok(())
    }

    fn name(&mut self, cursor: &mut Cursor<'b>) -> Read<usize> {
        let start = cursor.at;
        let name = cursor.name()?;
        self.mark(start, cursor.at, Some(name));
        Ok(name)
    }

    fn mark(&mut self, start: usize, end: usize, name: Option<usize>) {
        if self.definition {
            self.marks.push(Mark { start, end, name });
        }
    }

    fn start(&mut self, name: usize, dependency: Option<u16>) -> Result<(), &'static str> {
        if self.open.last().is_some_and(|o| o.start) {
            return Err("an element inside a start tag");
        }
        if self.open.len() >= MAX_DEPTH {
            return Err("elements nested too deep");
        }
        let name = token::name(self.data, name, self.arena).map_err(|e| e.what)?;
        self.open.push(Open {
            name,
            dependency,
            attributes: BumpVec::new_in(self.arena),
            parts: BumpVec::new_in(self.arena),
            attribute: None,
            start: true,
        });
        Ok(())
    }

    fn attribute(&mut self, name: usize) -> Result<(), &'static str> {
        let name = token::name(self.data, name, self.arena).map_err(|e| e.what)?;
        let open = self.open.last_mut().filter(|o| o.start);
        let open = open.ok_or("an attribute outside a start tag")?;
        open.close_attribute();
        open.attribute = Some((name, BumpVec::new_in(self.arena)));
        Ok(())
    }

    fn close_start(&mut self) -> Result<(), &'static str> {
        let open = self.open.last_mut().filter(|o| o.start);
        let open = open.ok_or("the end of a start tag that is not open")?;
        open.close_attribute();
        open.start = false;
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        let open = self.open.pop().filter(|o| !o.start);
        let open = open.ok_or("the end of an element that is not open")?;
        let element: &'b Element<'b> = self.arena.alloc(Element {
            name: open.name,
            attributes: open.attributes.into_bump_slice(),
            parts: open.parts.into_bump_slice(),
            dependency: open.dependency,
        });
        self.part(Part::Element(element))
    }

    fn part(&mut self, part: Part<'b>) -> Result<(), &'static str> {
        let Some(open) = self.open.last_mut() else {
            return match part {
                Part::Element(_) | Part::Instance(..) => {
                    self.roots.push(part);
                    Ok(())
                }
                Part::Value(v) if v.kind == token::BINXML => {
                    self.roots.push(part);
                    Ok(())
                }
                _ => Err("a value outside of elements"),
            };
        };
        if open.start {
            if matches!(part, Part::Element(_) | Part::Instance(..)) {
                return Err("an element inside an attribute");
            }
            // Text in a start tag before any attribute belongs to nothing.
            if let Some((_, parts)) = &mut open.attribute {
                parts.push(part);
            }
        } else {
            open.parts.push(part);
        }
        Ok(())
    }
}
