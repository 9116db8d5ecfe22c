//! What a template makes of its values, worked out once: which value feeds which key. Steps for keys nobody
//! asked for do not exist. Refuses to know values; what depends on their types is left to the walker.

use std::cell::Cell;

use bumpalo::Bump;

use super::element_context::{Inside, Place, child};
use super::templates::Kept;
use super::token::BINXML;
use super::tree::{Element, Part};
use super::walk::{Frame, Walker, is_blank, local};
use crate::table::header::Kind;
use crate::table::key_id::KeyId;

/// One thing to do for an instance of a template.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A text that every instance has.
    Text {
        node: KeyId,
        /// Where among the program's texts it starts and ends.
        start: u32,
        end: u32,
        number: u32,
    },
    /// An attribute with one value.
    Attribute {
        node: KeyId,
        slot: u16,
        optional: bool,
        kind: Kind,
        /// An empty text counts.
        empty: bool,
    },
    /// An element with one value, or with elements embedded in it.
    Leaf {
        node: KeyId,
        slot: u16,
        kind: Kind,
        /// Where embedded elements stand.
        place: Place,
        wanted: bool,
        /// An empty text counts.
        empty: bool,
    },
    /// Leaves out the next steps if the value is null.
    Guard { slot: u16, skip: u32 },
    /// An element that fits none of the above.
    Walk {
        /// Which of the program's elements.
        element: u32,
        place: Place,
        expand: bool,
    },
}

/// The steps of a template at one place of an event.
pub(super) struct Program<'b> {
    /// Of one that is kept for other chunks.
    pub(super) id: Option<u64>,
    /// What was asked last, and the answer: [`Self::embeds`].
    embeds: Cell<Option<(u16, Option<Place>)>>,
    pub(super) steps: &'b [Step],
    /// The texts of steps, one behind the other.
    pub(super) texts: &'b str,
    pub(super) elements: &'b [&'b Element<'b>],
    /// Values that must not be arrays for the steps to be right.
    pub(super) no_arrays: &'b [u16],
}

struct Compiler<'b, 'w, 'r> {
    walker: &'w mut Walker<'b, 'r>,
    steps: Vec<Step>,
    texts: String,
    elements: Vec<&'b Element<'b>>,
    no_arrays: Vec<u16>,
    /// Some text could not be paid for.
    spent: bool,
}

/// What an element's content is.
enum Content {
    Empty,
    Slot(u16),
    Literal,
    /// Elements, and perhaps one place where others may be embedded.
    Elements(Option<u16>),
    Other,
}

impl<'b> Program<'b> {
    /// The steps of a template, and whether they are right for each of its copies.
    pub(super) fn compile(
        root: &'b Element<'b>,
        place: Place,
        walker: &mut Walker<'b, '_>,
    ) -> (&'b Self, bool) {
        let arena = walker.arena;
        let mut compiler = Compiler {
            walker,
            steps: Vec::with_capacity(64),
            texts: String::new(),
            elements: Vec::new(),
            no_arrays: Vec::new(),
            spent: false,
        };
        compiler.element(root, place, true);
        // Elements that are walked point into this chunk.
        let lasting = compiler.elements.is_empty() && !compiler.spent;
        let program = arena.alloc(Self {
            id: None,
            embeds: Cell::new(None),
            steps: arena.alloc_slice_copy(&compiler.steps),
            texts: arena.alloc_str(&compiler.texts),
            elements: arena.alloc_slice_copy(&compiler.elements),
            no_arrays: arena.alloc_slice_copy(&compiler.no_arrays),
        });
        (program, lasting)
    }

    /// What was kept of another copy of the template defined here.
    pub(super) fn kept(kept: &Kept, arena: &'b Bump) -> &'b Self {
        arena.alloc(Self {
            id: Some(kept.id),
            embeds: Cell::new(None),
            steps: arena.alloc_slice_copy(&kept.steps),
            texts: arena.alloc_str(&kept.texts),
            elements: &[],
            no_arrays: arena.alloc_slice_copy(&kept.no_arrays),
        })
    }

    /// Where the elements stand that are embedded in the value of this number, if that is one place.
    pub(super) fn embeds(&self, slot: u16) -> Option<Place> {
        if let Some((known, place)) = self.embeds.get()
            && known == slot
        {
            return place;
        }
        let mut places = self.steps.iter().filter_map(|step| match *step {
            Step::Leaf { slot: s, place, .. } if s == slot => Some(place),
            _ => None,
        });
        let place = places.next().filter(|_| places.next().is_none());
        self.embeds.set(Some((slot, place)));
        place
    }
}

impl<'b> Compiler<'b, '_, '_> {
    fn element(&mut self, element: &'b Element<'b>, place: Place, root: bool) {
        let guard = element.dependency.filter(|_| !root).map(|slot| {
            self.steps.push(Step::Guard { slot, skip: 0 });
            (self.steps.len(), slot)
        });
        if !self.regular(element, place, root) {
            self.elements.push(element);
            self.steps.push(Step::Walk {
                element: self.elements.len() as u32 - 1,
                place,
                expand: !root,
            });
        }
        if let Some((start, slot)) = guard {
            let skip = (self.steps.len() - start) as u32;
            self.steps[start - 1] = Step::Guard { slot, skip };
        }
    }

    /// Adds the steps of an element, or nothing and `false` if it does not fit them.
    fn regular(&mut self, element: &'b Element<'b>, place: Place, root: bool) -> bool {
        let content = content(element.parts);
        let fits = match content {
            Content::Other => false,
            // An array at the root has nothing to repeat.
            Content::Slot(_) => !root,
            _ => true,
        };
        let plain = |parts: &[Part<'_>]| matches!(parts, [Part::Slot { .. }]) || literal(parts);
        if !fits || !element.attributes.iter().all(|a| plain(a.parts)) {
            return false;
        }
        let mut own_name = None;
        if place.names_fields(element.name)
            && let Some(i) = element.attributes.iter().position(|a| a.name == "Name")
        {
            if !literal(element.attributes[i].parts) {
                return false;
            }
            let name = self.literal(element.attributes[i].parts);
            own_name = Some((i, name)).filter(|(_, name)| !name.is_empty());
        }
        let names = self.walker.rows.names();
        let inner = match own_name {
            Some((_, name)) => Place {
                inside: Inside::Field,
                node: child(names, place.node, name),
            },
            None => place.enter(element.name, names),
        };
        if place.inside == Inside::Wrapper {
            self.text(place.node, local(element.name));
        }
        let mut bare = true;
        for (i, attribute) in element.attributes.iter().enumerate() {
            if own_name.is_some_and(|(n, _)| n == i) {
                continue;
            }
            bare = false;
            let node = child(self.walker.rows.names(), inner.node, attribute.name);
            let empty = inner.inside != Inside::Header;
            if let [Part::Slot { id, optional }] = *attribute.parts {
                self.no_arrays.push(id);
                if self.walker.rows.wants(node) {
                    let kind = self.walker.kind(node);
                    self.steps.push(Step::Attribute {
                        node,
                        slot: id,
                        optional,
                        kind,
                        empty,
                    });
                }
            } else {
                let text = self.literal(attribute.parts);
                if empty || !text.is_empty() {
                    self.text(node, text);
                }
            }
        }
        match content {
            Content::Empty => {
                if bare && inner.keeps_empty() {
                    self.text(inner.node, "");
                }
            }
            Content::Literal => {
                let text = self.literal(element.parts);
                if !text.is_empty() || (bare && inner.keeps_empty()) {
                    self.text(inner.node, text);
                }
            }
            Content::Slot(slot) => {
                if !bare {
                    self.no_arrays.push(slot);
                }
                self.leaf(slot, inner, bare);
            }
            Content::Elements(slot) => {
                self.no_arrays.extend(slot);
                for part in element.parts {
                    match *part {
                        Part::Element(e) => self.element(e, inner, false),
                        Part::Slot { id, .. } => self.leaf(id, inner, false),
                        _ => {}
                    }
                }
            }
            Content::Other => {}
        }
        true
    }

    fn leaf(&mut self, slot: u16, place: Place, bare: bool) {
        let kind = self.walker.kind(place.node);
        self.steps.push(Step::Leaf {
            node: place.node,
            slot,
            kind,
            place,
            wanted: self.walker.rows.wants(place.node),
            empty: bare && place.keeps_empty(),
        });
    }

    fn text(&mut self, node: KeyId, text: &'b str) {
        if self.walker.rows.wants(node) {
            let start = self.texts.len() as u32;
            self.texts.push_str(text);
            self.steps.push(Step::Text {
                node,
                start,
                end: self.texts.len() as u32,
                number: self.walker.rows.number(),
            });
        }
    }

    /// The text of parts that no value of an instance is needed for.
    fn literal(&mut self, parts: &[Part<'b>]) -> &'b str {
        let text = self.walker.text(parts, Frame::NONE, Kind::Text);
        // Only a spent budget fails here, and then the walker says so.
        self.spent |= text.is_err();
        let text = text.ok().flatten().filter(|t| !is_blank(*t));
        text.map_or("", |t| t.text(self.walker.arena))
    }
}

fn content(parts: &[Part<'_>]) -> Content {
    match parts {
        [] => Content::Empty,
        [Part::Slot { id, .. }] => Content::Slot(*id),
        _ if literal(parts) => Content::Literal,
        _ => {
            let mut slot = None;
            for part in parts {
                match part {
                    Part::Element(_) => {}
                    Part::Slot { id, .. } if slot.is_none() => slot = Some(*id),
                    _ => return Content::Other,
                }
            }
            Content::Elements(slot)
        }
    }
}

/// Whether no instance has a say in these parts.
fn literal(parts: &[Part<'_>]) -> bool {
    parts.iter().all(|part| match part {
        Part::Value(v) => v.kind != BINXML && !v.is_array(),
        Part::Char(_) | Part::Entity(_) => true,
        Part::Element(_) | Part::Slot { .. } | Part::Instance(..) => false,
    })
}
