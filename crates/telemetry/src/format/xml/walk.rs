//! One `Event` element, from its start tag to its end tag, into a record: which element is which field, and what its
//! text is. Depth and attributes are bounded. This module refuses to know what stands between events.

use bumpalo::Bump;
use bumpalo::collections::Vec;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::tag::{attributes, local, only_name};
use super::text::{Undo, decode};
use crate::diagnostics::Problem;
use crate::table::batch_builder::BatchBuilder;
use crate::table::header::{self, Kind};
use crate::table::key_id::{DATA, KeyId, ROOT, SYSTEM};
use crate::table::record::Record;
use crate::value::RawValue;

/// How deep elements may nest. Windows itself stays far below.
const MAX_OPEN: usize = 64;
/// How many attributes an element may have.
const MAX_ATTRIBUTES: usize = 256;

/// Why an event could not be read, and where in the text.
pub(super) struct Broken {
    pub(super) at: usize,
    pub(super) problem: Problem,
}

/// What an element is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What holds `System`, `EventData` and the like.
    Event,
    /// The header.
    System,
    /// The event's data.
    Data,
    /// The element whose children wrap user data.
    UserData,
    /// Anything else an event has, such as `RenderingInfo`.
    Other,
}

/// An element whose end was not met yet.
#[derive(Clone, Copy)]
struct Open {
    node: KeyId,
    part: Part,
    /// It gives the event its shape; empty, it says nothing.
    frame: bool,
    /// Empty, it still is an empty text.
    value: bool,
    /// It has elements inside.
    parent: bool,
}

pub(super) struct Walker<'a, 'r> {
    /// What is read; the reader stands somewhere in it.
    pub(super) text: &'a str,
    pub(super) rows: &'r mut BatchBuilder,
    pub(super) record: &'r mut Record<'a>,
    pub(super) arena: &'a Bump,
    /// Control characters are written as `#012`.
    pub(super) octal: bool,
}

impl<'a> Walker<'a, '_> {
    /// Reads the `Event` element that starts at the reader's position, and leaves the reader after its end.
    pub(super) fn event(&mut self, reader: &mut Reader<&[u8]>) -> Result<(), Broken> {
        let open = Vec::with_capacity_in(8, self.arena);
        self.walk(reader, open)
    }

    /// Reads parts of an event that stand alone, or inside a `DataItem`, up to the end of the text.
    pub(super) fn parts(&mut self, reader: &mut Reader<&[u8]>) -> Result<(), Broken> {
        let mut open = Vec::with_capacity_in(8, self.arena);
        open.push(Open {
            node: ROOT,
            part: Part::Event,
            frame: true,
            value: false,
            parent: false,
        });
        self.walk(reader, open)
    }

    fn walk(&mut self, reader: &mut Reader<&[u8]>, mut open: Vec<'a, Open>) -> Result<(), Broken> {
        let embedded = !open.is_empty();
        let mut outer = "";
        // Where the text between two tags begins, and whether it is more than characters.
        let mut from = self.text.len() - reader.get_ref().len();
        let mut special = false;
        loop {
            let before = self.text.len() - reader.get_ref().len();
            let fail = |problem| {
                Err(Broken {
                    at: before,
                    problem,
                })
            };
            match reader.read_event() {
                Ok(Event::Text(_)) => {}
                Ok(
                    Event::GeneralRef(_)
                    | Event::CData(_)
                    | Event::Comment(_)
                    | Event::PI(_)
                    | Event::Decl(_),
                ) => {
                    special = true;
                }
                Ok(event @ (Event::Start(_) | Event::Empty(_))) => {
                    let after = self.text.len() - reader.get_ref().len();
                    let (name, empty) = match &event {
                        Event::Empty(e) => (e.name().as_ref().len(), true),
                        Event::Start(e) => (e.name().as_ref().len(), false),
                        _ => (0, false),
                    };
                    let tag = &self.text[before + 1..after - if empty { 2 } else { 1 }];
                    let local = local(&tag[..name]);
                    let element = match open.last_mut() {
                        None => {
                            outer = tag;
                            self.attributes(tag, name, ROOT, false, None, before)?;
                            Open {
                                node: ROOT,
                                part: Part::Event,
                                frame: true,
                                value: false,
                                parent: false,
                            }
                        }
                        Some(up) => {
                            up.parent = true;
                            let up = *up;
                            if local == "Event" && !embedded {
                                let in_user_data = open.iter().any(|o| o.part == Part::UserData);
                                if !in_user_data || tag == outer {
                                    return fail(Problem::BadRecord(super::OVERTAKEN.to_owned()));
                                }
                            }
                            self.mixed(up, &self.text[from..before], special);
                            self.enter(up, local, tag, name, before)?
                        }
                    };
                    if empty {
                        self.close(element, "", false);
                        if open.is_empty() {
                            return Ok(());
                        }
                    } else if open.len() >= MAX_OPEN {
                        return fail(Problem::BadRecord(format!(
                            "elements nest deeper than {MAX_OPEN}"
                        )));
                    } else {
                        open.push(element);
                    }
                    (from, special) = (after, false);
                }
                Ok(Event::End(_)) => {
                    let Some(element) = open.pop() else {
                        return fail(Problem::NotAnEvent);
                    };
                    self.close(element, &self.text[from..before], special);
                    if open.is_empty() {
                        return Ok(());
                    }
                    (from, special) = (self.text.len() - reader.get_ref().len(), false);
                }
                Ok(Event::DocType(_)) => return fail(Problem::BadXml(super::DOCTYPE.to_owned())),
                Ok(Event::Eof) => {
                    return match open.as_slice() {
                        [root] if embedded => {
                            // Words beside the elements would be lost.
                            let words = !self.text[from..before].trim_ascii().is_empty();
                            if root.parent && !words {
                                Ok(())
                            } else {
                                fail(Problem::NotAnEvent)
                            }
                        }
                        _ => fail(Problem::CutOff),
                    };
                }
                Err(error) => return fail(Problem::BadXml(error.to_string())),
            }
        }
    }

    /// The element that begins inside `up`; its attributes become fields.
    fn enter(
        &mut self,
        up: Open,
        local: &'a str,
        tag: &'a str,
        name: usize,
        at: usize,
    ) -> Result<Open, Broken> {
        let part = match (up.part, local) {
            (Part::Event, "System") => Part::System,
            (Part::Event, "EventData") => Part::Data,
            (Part::Event, "UserData") => Part::UserData,
            (Part::Event, "Event" | "DataItem") => Part::Event,
            (Part::Event, _) => Part::Other,
            (Part::UserData, _) => Part::Data,
            (part, _) => part,
        };
        let frame = matches!(up.part, Part::Event | Part::UserData);
        let named = part == Part::Data && !frame && local == "Data";
        let (title, alone) = if named {
            self.title(tag, name)
        } else {
            (None, false)
        };
        let node = match (up.part, local) {
            (Part::Event, "System") => SYSTEM,
            (Part::Event, "EventData") => DATA,
            (Part::Event, "Event") => ROOT,
            (Part::Event, "DataItem") => self.rows.names().child(DATA, b"DataItem"),
            _ => {
                let key = title.unwrap_or(local);
                let names = self.rows.names();
                // Deeper than names go, values stand under the deepest.
                if names.may_descend(up.node) {
                    names.child(up.node, key.as_bytes())
                } else {
                    up.node
                }
            }
        };
        if up.part == Part::UserData && self.rows.wants(up.node) {
            self.record.push(up.node, RawValue::Text(local));
        }
        let attributes =
            tag.len() > name && !alone && self.attributes(tag, name, node, named, title, at)?;
        Ok(Open {
            node,
            part,
            frame,
            value: named || !attributes,
            parent: false,
        })
    }

    /// The `Name` of a `Data` element, if it has one that says something, and whether it is all the element has.
    fn title(&self, tag: &'a str, name: usize) -> (Option<&'a str>, bool) {
        if let Some(title) = only_name(&tag[name..]) {
            return (Some(self.attribute(title)), true);
        }
        let title = attributes(tag, name)
            .map_while(Result::ok)
            .take(MAX_ATTRIBUTES)
            .find(|(key, value)| *key == "Name" && !value.is_empty())
            .map(|(_, value)| self.attribute(value));
        (title, false)
    }

    /// Makes fields of the attributes but `Name` where that was the `title`, and namespaces; says whether there are any.
    fn attributes(
        &mut self,
        tag: &'a str,
        name: usize,
        node: KeyId,
        named: bool,
        mut title: Option<&'a str>,
        at: usize,
    ) -> Result<bool, Broken> {
        let mut any = false;
        for (count, attribute) in attributes(tag, name).enumerate() {
            let fail = |why| {
                Err(Broken {
                    at,
                    problem: Problem::BadXml(why),
                })
            };
            if count >= MAX_ATTRIBUTES {
                return fail(format!(
                    "an element has more than {MAX_ATTRIBUTES} attributes"
                ));
            }
            let (key, value) = match attribute {
                Ok(attribute) => attribute,
                Err(why) => return fail(why),
            };
            // Namespaces are part of names, and names that say nothing are none.
            let silent = key == "xmlns"
                || key.starts_with("xmlns:")
                || (named && key == "Name" && value.is_empty());
            if silent || (key == "Name" && title.take().is_some()) {
                continue;
            }
            any = true;
            let key = local(key);
            let names = self.rows.names();
            let child = if names.may_descend(node) {
                names.child(node, key.as_bytes())
            } else {
                node
            };
            if self.rows.wants(child) {
                let value = self.attribute(value);
                let value = self.typed(child, value);
                self.record.push(child, value);
            }
        }
        Ok(any)
    }

    /// Text that stands beside elements.
    fn mixed(&mut self, element: Open, raw: &'a str, special: bool) {
        if raw.trim_ascii().is_empty() {
            return;
        }
        // Escaped line ends between elements are as blank as real ones.
        let text = self.decode(raw, special);
        if !text.trim_ascii().is_empty() {
            let node = if element.node == ROOT {
                self.rows.names().child(ROOT, b"#text")
            } else {
                element.node
            };
            self.push(node, element.part, text);
        }
    }

    /// Text up to the end of an element.
    fn close(&mut self, element: Open, raw: &'a str, special: bool) {
        if element.frame || element.parent || element.part == Part::System {
            self.mixed(element, raw, special);
        } else if self.rows.wants(element.node) {
            let text = self.decode(raw, special);
            if element.value || !text.is_empty() {
                self.push(element.node, element.part, text);
            }
        }
    }

    fn push(&mut self, node: KeyId, part: Part, text: &'a str) {
        if !self.rows.wants(node) {
            return;
        }
        let value = match part {
            Part::System => self.typed(node, text.trim_ascii()),
            _ => RawValue::Text(text),
        };
        self.record.push(node, value);
    }

    fn decode(&self, raw: &'a str, special: bool) -> &'a str {
        if !special && !self.octal {
            return raw;
        }
        decode(
            raw,
            Undo {
                markup: special,
                octal: self.octal,
            },
            self.arena,
        )
    }

    fn attribute(&self, raw: &'a str) -> &'a str {
        decode(
            raw,
            Undo {
                markup: false,
                octal: self.octal,
            },
            self.arena,
        )
    }

    /// A header value in the type of its column, where that says the same as the text.
    fn typed(&mut self, node: KeyId, text: &'a str) -> RawValue<'a> {
        let feed = self
            .rows
            .names()
            .info(node)
            .feed
            .filter(|f| !f.keeps_column);
        let value = match feed.map(|f| header::columns()[usize::from(f.column)].kind) {
            Some(Kind::Int) if !matches!(text.as_bytes(), [b'+' | b'-', ..] | [b'0', _, ..]) => {
                text.parse().ok().map(RawValue::Int)
            }
            Some(Kind::Time) => crate::value::time::parse(text).map(RawValue::Time),
            _ => None,
        };
        value.unwrap_or(RawValue::Text(text))
    }
}
