//! Where in an event an element stands, and so which key its values have. This module knows the event schema's outline
//! (`Event`, `System`, `EventData`, `UserData`) and refuses to know what a provider puts there.

use crate::table::key_id::{DATA, KeyId, ROOT, SYSTEM};
use crate::table::key_tree::KeyTree;

/// What an element's children are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Inside {
    /// The record: its child is the event.
    Record,
    Event,
    /// `System`, at any depth.
    Header,
    /// `UserData`: its children wrap the event's own data.
    Wrapper,
    /// `EventData` or what wraps user data: its children are fields.
    Fields,
    /// A field of the event's own data.
    Field,
    /// Anything else.
    Other,
}

/// A parent for elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) inside: Inside,
    pub(super) node: KeyId,
}

impl Place {
    pub(super) const RECORD: Self = Self {
        inside: Inside::Record,
        node: ROOT,
    };

    /// The place of the children of an element that stands here.
    pub(super) fn enter(self, name: &str, names: &mut KeyTree) -> Self {
        let at = |inside, node| Self { inside, node };
        match (self.inside, name) {
            (Inside::Record, "Event") => at(Inside::Event, ROOT),
            (Inside::Event, "System") => at(Inside::Header, SYSTEM),
            (Inside::Event, "EventData") => at(Inside::Fields, DATA),
            (Inside::Event, "UserData") => at(Inside::Wrapper, child(names, ROOT, name)),
            (Inside::Record | Inside::Event | Inside::Other, _) => {
                at(Inside::Other, child(names, self.node, name))
            }
            (Inside::Header, _) => at(Inside::Header, child(names, self.node, name)),
            (Inside::Wrapper, _) => at(Inside::Fields, child(names, self.node, name)),
            (Inside::Fields | Inside::Field, _) => at(Inside::Field, child(names, self.node, name)),
        }
    }

    /// Whether an attribute `Name` may tell the field's name.
    pub(super) fn names_fields(self, element: &str) -> bool {
        matches!(self.inside, Inside::Fields | Inside::Field) && element == "Data"
    }

    /// Whether an element here that has no content at all has an empty text as its value.
    pub(super) fn keeps_empty(self) -> bool {
        matches!(self.inside, Inside::Field | Inside::Other)
    }
}

/// What nests too deep has the key of the last element that does not.
pub(super) fn child(names: &mut KeyTree, parent: KeyId, key: &str) -> KeyId {
    if names.may_descend(parent) {
        names.child(parent, key.as_bytes())
    } else {
        parent
    }
}
