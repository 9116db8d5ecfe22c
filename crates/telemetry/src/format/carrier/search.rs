//! Looking for events inside an object: in it, in its objects and lists, in its texts. The nearest event counts; what
//! order the keys stand in does not.

use std::borrow::Cow;

use serde_json::Value;

use super::{Event, Object, canonical, xml};

/// How many objects, lists and documents inside texts may stand around an event.
const MAX_DEPTH: usize = 10;

/// The events in an object.
pub(super) fn events(object: &Object) -> Vec<Event> {
    inside(object, 0)
}

fn inside(object: &Object, depth: usize) -> Vec<Event> {
    let object = &*single_values(object);
    // Splunk's text of the event is whole, what it made of it need not be.
    if let Some(Value::String(raw)) = object.get("_raw")
        && let [event] = &mut *xml::events(raw)
    {
        event.put_beside(object, "_raw");
        return vec![event.clone()];
    }
    if let Some(event) = canonical::event(object) {
        return vec![event];
    }
    if depth == MAX_DEPTH {
        return Vec::new();
    }
    let mut children: Vec<(&String, &Value)> = object.iter().filter(|(_, v)| holds(v)).collect();
    let rank = |value: &Value| match value {
        Value::Object(_) => 0,
        Value::Array(_) => 1,
        _ => 2,
    };
    children.sort_by(|a, b| rank(a.1).cmp(&rank(b.1)).then_with(|| a.0.cmp(b.0)));
    for (name, child) in children {
        let mut found = in_value(child, depth + 1);
        match &mut *found {
            [] => continue,
            // What stands beside a list of events is not any one event's.
            _ if child.is_array() => {}
            [event] => event.put_beside(object, name),
            _ => {}
        }
        return found;
    }
    Vec::new()
}

fn in_value(value: &Value, depth: usize) -> Vec<Event> {
    match value {
        Value::Object(object) => inside(object, depth),
        Value::Array(items) if depth < MAX_DEPTH => items
            .iter()
            .flat_map(|item| in_value(item, depth + 1))
            .collect(),
        Value::String(text) if depth < MAX_DEPTH => in_text(text, depth),
        _ => Vec::new(),
    }
}

/// The events in a text: event XML, or a JSON document.
pub(super) fn in_text(text: &str, depth: usize) -> Vec<Event> {
    let events = xml::events(text);
    if !events.is_empty() {
        return events;
    }
    json(text).map_or_else(Vec::new, |value| in_value(&value, depth + 1))
}

/// Whether a value can have an event in it.
fn holds(value: &Value) -> bool {
    match value {
        Value::Object(o) => !o.is_empty(),
        Value::Array(a) => !a.is_empty(),
        Value::String(t) => t.contains("<Event") || t.contains('{'),
        _ => false,
    }
}

/// The JSON object or list that a text is, or that stands in it behind other words.
pub(super) fn json(text: &str) -> Option<Value> {
    let trimmed = text.trim();
    if trimmed.starts_with(['{', '[']) {
        return serde_json::from_str(trimmed).ok();
    }
    let object = &trimmed[trimmed.find('{')?..];
    let mut values = serde_json::Deserializer::from_str(object).into_iter::<Value>();
    values.next()?.ok().filter(Value::is_object)
}

/// Kibana writes each value of `fields` as a list, mostly of one.
fn single_values(object: &Object) -> Cow<'_, Object> {
    let listed = |v: &Value| matches!(v, Value::Array(items) if matches!(&items[..], [one] if !one.is_object() && !one.is_array()));
    let lists = object.values().filter(|v| listed(v)).count();
    if lists < 2 || 2 * lists < object.len() {
        return Cow::Borrowed(object);
    }
    let single = |(name, value): (&String, &Value)| match value {
        Value::Array(items) if listed(value) => (name.clone(), items[0].clone()),
        _ => (name.clone(), value.clone()),
    };
    Cow::Owned(object.iter().map(single).collect())
}

/// The value of a key, whatever its case.
pub(super) fn get<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    object.get(name).or_else(|| {
        let mut pairs = object.iter();
        pairs
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// A scalar as text; nothing for an empty one.
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Some(Cow::Owned(value.to_string())),
        _ => None,
    }
}
