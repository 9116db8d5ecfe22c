//! Elements that fit no step: arrays that repeat them, text between elements, names that are values, streams without a
//! template. Each is walked as it comes, by the rules of the format ([MS-EVEN6] 2.2.12 and 3.1.4.7.5).

use super::super::element_context::{Inside, Place, child};
use super::super::token::{self, BINXML, Cursor, Damage, Read, Value};
use super::super::tree::{Attribute, Element, MAX_DEPTH, Part};
use super::{Frame, Walker, is_blank, local};
use crate::table::header::Kind;
use crate::value::RawValue;
use crate::value::binxml as value;

impl<'b> Walker<'b, '_> {
    /// Walks one part of an element's content; `true` if it was one or more elements.
    pub(super) fn child(
        &mut self,
        part: Part<'b>,
        frame: Frame,
        place: Place,
        depth: usize,
    ) -> Read<bool> {
        let embedded = match part {
            Part::Element(element) => {
                let out = element.dependency.and_then(|d| self.value(frame, d));
                if !out.is_some_and(|v| v.is_null()) {
                    self.element(element, frame, place, frame.template, depth + 1)?;
                }
                return Ok(true);
            }
            Part::Instance(at, end) => {
                let base = self.values.len();
                let mut cursor = Cursor::new(self.data, at as usize, end as usize);
                let definition = token::instance(&mut cursor, &mut self.values)?;
                let frame = self.frame(base);
                self.instance(definition, frame, place, depth + 1)?;
                self.values.truncate(base);
                return Ok(true);
            }
            Part::Value(v) => Some(v),
            Part::Slot { id, .. } => self.value(frame, id),
            Part::Char(_) | Part::Entity(_) => None,
        };
        match embedded {
            Some(v) if v.kind == BINXML && v.len > 0 => {
                let at = v.at as usize;
                self.stream(at, at + v.len as usize, place, depth + 1)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Walks an element that stands at `place`. `expand`: it is repeated for the items of an array.
    pub(super) fn element(
        &mut self,
        element: &'b Element<'b>,
        frame: Frame,
        place: Place,
        expand: bool,
        depth: usize,
    ) -> Read<()> {
        if depth > MAX_DEPTH {
            return Err(Damage {
                at: 0,
                what: "elements nested too deep",
            });
        }
        self.charge(0, 16)?;
        if expand && let Some((at, array)) = self.first_array(element, frame) {
            for item in value::items(array, self.data) {
                let copy = self.with_item(element, at, item)?;
                self.element(copy, frame, place, true, depth + 1)?;
            }
            return Ok(());
        }
        let mut own_name = None;
        if place.names_fields(element.name) {
            for (i, attribute) in element.attributes.iter().enumerate() {
                if attribute.name == "Name" && own_name.is_none() {
                    let text = self.text(attribute.parts, frame, Kind::Text)?;
                    let text = text.map_or("", |t| t.text(self.arena));
                    own_name = Some((i, text)).filter(|(_, t)| !t.is_empty());
                }
            }
        }
        let inner = match own_name {
            Some((_, name)) => Place {
                inside: Inside::Field,
                node: child(self.rows.names(), place.node, name),
            },
            None => place.enter(element.name, self.rows.names()),
        };
        if place.inside == Inside::Wrapper {
            self.push(place.node, RawValue::Text(local(element.name)))?;
        }
        let mut bare = true;
        for (i, attribute) in element.attributes.iter().enumerate() {
            if own_name.is_some_and(|(n, _)| n == i) {
                continue;
            }
            bare = false;
            let node = child(self.rows.names(), inner.node, attribute.name);
            let kind = self.kind(node);
            if let Some(raw) = self.text(attribute.parts, frame, kind)?
                && (inner.inside != Inside::Header || !is_blank(raw))
            {
                self.push(node, raw)?;
            }
        }
        let mut nested = false;
        for &part in element.parts {
            nested |= self.child(part, frame, inner, depth)?;
        }
        let kind = self.kind(inner.node);
        let text = self.text(element.parts, frame, kind)?;
        let text = text.unwrap_or(RawValue::Text(""));
        let keep = match nested {
            true => !text.text(self.arena).trim().is_empty(),
            false => !is_blank(text) || (bare && inner.keeps_empty()),
        };
        if keep {
            self.push(inner.node, text)?;
        }
        Ok(())
    }

    /// The first array of several items among an element's own parts, and where it stands: in the content, or in
    /// which attribute, as which part.
    fn first_array(
        &self,
        element: &Element<'b>,
        frame: Frame,
    ) -> Option<((Option<usize>, usize), Value)> {
        let array = |part: &Part<'b>| {
            let v = match *part {
                Part::Value(v) => v,
                Part::Slot { id, .. } => self.value(frame, id)?,
                _ => return None,
            };
            (v.is_array() && value::items(v, self.data).len() > 1).then_some(v)
        };
        let find = |parts: &[Part<'b>]| {
            let found = parts.iter().enumerate();
            found.into_iter().find_map(|(i, p)| Some((i, array(p)?)))
        };
        if let Some((i, v)) = find(element.parts) {
            return Some(((None, i), v));
        }
        let attributes = element.attributes.iter().enumerate();
        attributes
            .into_iter()
            .find_map(|(a, attribute)| find(attribute.parts).map(|(i, v)| ((Some(a), i), v)))
    }

    /// The element with one item in the place of its array.
    fn with_item(
        &mut self,
        element: &Element<'b>,
        (attribute, at): (Option<usize>, usize),
        item: Value,
    ) -> Read<&'b Element<'b>> {
        let arena = self.arena;
        let item = (!self.is_empty(item)).then_some(Part::Value(item));
        let replace = |parts: &[Part<'b>]| {
            let mut out = bumpalo::collections::Vec::with_capacity_in(parts.len(), arena);
            out.extend_from_slice(&parts[..at]);
            out.extend(item);
            out.extend_from_slice(&parts[at + 1..]);
            out.into_bump_slice()
        };
        self.charge(0, 16 * (element.parts.len() + element.attributes.len() + 1))?;
        let parts = match attribute {
            None => replace(element.parts),
            Some(_) => element.parts,
        };
        let mut attributes = bumpalo::collections::Vec::new_in(arena);
        for (i, a) in element.attributes.iter().enumerate() {
            let parts = match attribute == Some(i) {
                true => replace(a.parts),
                false => a.parts,
            };
            if !parts.is_empty() {
                attributes.push(Attribute {
                    name: a.name,
                    parts,
                });
            }
        }
        Ok(arena.alloc(Element {
            name: element.name,
            attributes: attributes.into_bump_slice(),
            parts,
            dependency: None,
        }))
    }

    /// The text of an attribute or of an element's content; `None` if nothing there has any.
    pub(in super::super) fn text(
        &mut self,
        parts: &[Part<'b>],
        frame: Frame,
        kind: Kind,
    ) -> Read<Option<RawValue<'b>>> {
        let mut only = None;
        let mut more: Option<bumpalo::collections::String<'b>> = None;
        for &part in parts {
            let raw = match part {
                Part::Element(_) | Part::Instance(..) => continue,
                Part::Value(v) if v.kind == BINXML => continue,
                Part::Value(v) => self.shown(v, kind),
                Part::Slot { id, optional } => match self.value(frame, id) {
                    None => continue,
                    Some(v) if v.kind == BINXML || (optional && self.is_empty(v)) => continue,
                    Some(v) => self.shown(v, kind),
                },
                Part::Char(c) => RawValue::Text(match char::from_u32(c.into()) {
                    Some(c) => self.arena.alloc_str(c.encode_utf8(&mut [0; 4])),
                    None => bumpalo::format!(in self.arena, "&#{};", c).into_bump_str(),
                }),
                Part::Entity(name) => RawValue::Text(match name {
                    "quot" => "\"",
                    "apos" => "'",
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    _ => bumpalo::format!(in self.arena, "&{};", name).into_bump_str(),
                }),
            };
            match (only, &mut more) {
                (None, None) => only = Some(raw),
                (Some(first), None) => {
                    let mut text = bumpalo::collections::String::new_in(self.arena);
                    for piece in [first, raw] {
                        text.push_str(self.piece(piece)?);
                    }
                    more = Some(text);
                }
                (_, Some(text)) => text.push_str(self.piece(raw)?),
            }
        }
        Ok(match more {
            Some(text) => Some(RawValue::Text(text.into_bump_str())),
            None => only,
        })
    }

    fn piece(&mut self, raw: RawValue<'b>) -> Read<&'b str> {
        let text = raw.text(self.arena);
        self.charge(0, text.len())?;
        Ok(text)
    }

    fn shown(&self, v: Value, kind: Kind) -> RawValue<'b> {
        match v.is_array() {
            true => value::list(v, self.data, self.arena),
            false => value::scalar(v, self.data, kind),
        }
    }
}
