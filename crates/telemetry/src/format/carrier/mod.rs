//! Events inside what others put around them: answers of search engines, alerts, envelopes of shippers, event XML or JSON
//! inside a text, and event data in the shapes that converters make. What is found is written as JSON in the plain form
//! that the JSON reader knows, `System` and `EventData` at the top, with what stood around it beside them.
//!
//! Readers come here only with records in which they found no event, or whose keys say that they are one of these shapes.

mod canonical;
mod data;
mod event;
mod foreign;
mod message;
mod search;
mod xml;

use serde_json::{Map, Value};

pub(crate) use event::Event;

/// An object of JSON.
type Object = Map<String, Value>;

/// What a record that is no plain event turned out to hold.
pub(crate) enum Opened {
    /// Events, in the order of the record.
    Events(Vec<Event>),
    /// None: what it looks like, and what would be needed to understand it.
    Foreign(Foreign),
    /// What Scotoma itself wrote about events, by its name.
    Own(&'static str),
}

/// A record that is read but not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) looks_like: String,
    pub(crate) needs: &'static str,
}

/// The events in one JSON object.
pub(crate) fn open(text: &[u8]) -> Opened {
    let text = String::from_utf8_lossy(text);
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => open_object(&object),
        _ => Opened::Foreign(Foreign {
            looks_like: "JSON that is deeply nested or not strict".to_owned(),
            needs: foreign::HEADER,
        }),
    }
}

/// The events in one object, also one made of a line of a table.
pub(crate) fn open_object(object: &Object) -> Opened {
    if let Some(name) = foreign::own_output(object) {
        return Opened::Own(name);
    }
    let events = search::events(object);
    if events.is_empty() {
        return Opened::Foreign(foreign::describe(object));
    }
    Opened::Events(events)
}
