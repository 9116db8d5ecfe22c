//! Event XML inside a text, as the objects that the search knows.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event as Xml};
use serde_json::Value;

use super::{Event, Object, canonical, data};
use crate::format::xml::mark;

/// How deep elements may nest.
const MAX_DEPTH: usize = 32;

/// The events in a text.
pub(super) fn events(text: &str) -> Vec<Event> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(start) = mark::start(text.as_bytes(), from) {
        let next = mark::start(text.as_bytes(), start + 1).unwrap_or(text.len());
        let Some(end) = mark::last_end(&text.as_bytes()[..next], start) else {
            from = next;
            continue;
        };
        let element = &text[start..end];
        let parsed = element_of(element).or_else(|| element_of(&element.replace("\\\"", "\"")));
        if let Some(Value::Object(event)) = parsed {
            out.extend(canonical::event(&event));
        }
        from = end;
    }
    out
}

/// The fields of event data that stands as XML.
pub(super) fn data(text: &str) -> Vec<(String, Value)> {
    let wrapped = format!("<EventData>{text}</EventData>");
    let Some(mut value) = element_of(&wrapped) else {
        return Vec::new();
    };
    // `DataItem` and the like around it.
    for _ in 0..4 {
        match &value {
            Value::Object(o) if o.len() == 1 && !o.contains_key("Data") => {
                let inner = o.values().next().cloned().unwrap_or_default();
                if !inner.is_object() {
                    break;
                }
                value = inner;
            }
            _ => break,
        }
    }
    match data::fields(&value) {
        Some(data::Fields::Named(fields)) => fields,
        Some(data::Fields::Nameless(values)) => {
            values.into_iter().map(|v| ("Data".to_owned(), v)).collect()
        }
        None => Vec::new(),
    }
}

struct Open {
    name: String,
    object: Object,
    text: String,
}

/// An element as the object that converters make of it: attributes with `@`, repeated elements as a list.
fn element_of(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().allow_dangling_amp = true;
    let mut open: Vec<Open> = Vec::new();
    loop {
        match reader.read_event().ok()? {
            Xml::Start(tag) if open.len() < MAX_DEPTH => open.push(begin(&tag)),
            Xml::Empty(tag) => {
                let element = begin(&tag);
                let Some(parent) = open.last_mut() else {
                    return Some(value_of(element));
                };
                add(&mut parent.object, element);
            }
            Xml::Text(t) => push(&mut open, &t),
            Xml::CData(t) => push(&mut open, &t),
            Xml::GeneralRef(r) => {
                let name: &str = &r;
                let known = match r.resolve_char_ref().ok().flatten() {
                    Some(c) => c.to_string(),
                    None => quick_xml::escape::resolve_predefined_entity(name)
                        .map_or_else(|| format!("&{name};"), str::to_owned),
                };
                push(&mut open, &known);
            }
            Xml::End(_) => {
                let element = open.pop()?;
                match open.last_mut() {
                    Some(parent) => add(&mut parent.object, element),
                    None => return Some(value_of(element)),
                }
            }
            Xml::Eof | Xml::Start(_) => return None,
            _ => {}
        }
    }
}

fn push(open: &mut [Open], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn local(name: &str) -> String {
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

fn begin(tag: &BytesStart<'_>) -> Open {
    let mut object = Object::new();
    for attribute in tag.attributes().flatten() {
        let key = attribute.key.as_ref().to_owned();
        if key == "xmlns" || key.starts_with("xmlns:") {
            continue;
        }
        let raw: &str = &attribute.value;
        let value =
            quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), |v| v.into_owned());
        object.insert(format!("@{key}"), Value::String(value));
    }
    Open {
        name: local(tag.name().as_ref()),
        object,
        text: String::new(),
    }
}

fn value_of(element: Open) -> Value {
    let mut object = element.object;
    let children = object.keys().any(|k| !k.starts_with('@'));
    if object.is_empty() {
        return Value::String(element.text);
    }
    if !children {
        object.insert("#text".to_owned(), Value::String(element.text));
    }
    Value::Object(object)
}

fn add(parent: &mut Object, element: Open) {
    let name = element.name.clone();
    let mut value = value_of(element);
    // An element of the header without text has attributes only.
    if let Value::Object(object) = &mut value
        && object.get("#text").and_then(Value::as_str) == Some("")
        && name != "Data"
    {
        object.shift_remove("#text");
    }
    match parent.get_mut(&name) {
        None => drop(parent.insert(name, value)),
        Some(Value::Array(items)) => items.push(value),
        Some(first) => {
            let before = first.take();
            *first = Value::Array(vec![before, value]);
        }
    }
}
