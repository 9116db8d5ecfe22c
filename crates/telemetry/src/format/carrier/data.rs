//! Event data in the shapes that converters make of it.

use serde_json::Value;

use super::search::{get, json};
use super::{Object, xml};

/// The values of an event, with or without their names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fields {
    Named(Vec<(String, Value)>),
    Nameless(Vec<Value>),
}

const NAME_KEYS: [&str; 5] = ["@Name", "-Name", "Name", "_Name", "key"];
const ATTRIBUTE_KEYS: [&str; 5] = [
    "#attributes",
    "_attributes",
    "$",
    "@attributes",
    "attributes",
];
const TEXT_KEYS: [&str; 9] = [
    "#text", "_text", "_", "__text", "#content", "$t", "Value", "text", "content",
];

/// How deep containers of event data may stand in each other.
const MAX_DEPTH: usize = 6;

/// The event data that a value holds; `None` where it holds none.
pub(super) fn fields(value: &Value) -> Option<Fields> {
    at_depth(value, 0)
}

fn at_depth(value: &Value, depth: usize) -> Option<Fields> {
    if depth == MAX_DEPTH {
        return None;
    }
    match value {
        Value::String(text) => in_text(text, depth),
        Value::Array(items) => list(items),
        Value::Object(object) => in_object(object, depth),
        _ => None,
    }
}

fn in_text(text: &str, depth: usize) -> Option<Fields> {
    let text = text.trim();
    if text.starts_with('<') {
        let data = xml::data(text);
        return (!data.is_empty()).then_some(Fields::Named(data));
    }
    if text.starts_with(['{', '[']) {
        return json(text).and_then(|value| at_depth(&value, depth + 1));
    }
    None
}

/// The fields of a text of pairs, as chainsaw and Hayabusa write them.
pub(super) fn lines(text: &str) -> Option<Fields> {
    let separator = if text.contains(" ¦ ") { " ¦ " } else { "\n" };
    let pairs = text
        .split(separator)
        .map(|pair| pair.trim().split_once(": "));
    let pairs: Option<Vec<_>> = pairs
        .map(|pair| pair.map(|(n, v)| (n.to_owned(), Value::String(v.trim().to_owned()))))
        .collect();
    pairs.filter(|p| p.len() > 1).map(Fields::Named)
}

/// The name that an object gives itself, where it stands for one `<Data Name="...">`.
fn own_name(object: &Object) -> Option<&str> {
    let direct = NAME_KEYS.iter().find_map(|k| object.get(*k));
    let attribute = || {
        let attributes = ATTRIBUTE_KEYS.iter().find_map(|k| object.get(*k));
        attributes.and_then(|a| get(a.as_object()?, "Name"))
    };
    direct.or_else(attribute)?.as_str()
}

/// Whether an object has nothing but a name and a text.
fn is_data(object: &Object) -> bool {
    let known = |key: &String| {
        NAME_KEYS.contains(&&**key) || ATTRIBUTE_KEYS.contains(&&**key) || is_text(key)
    };
    own_name(object).is_some() && object.keys().all(|key| known(key) || key.starts_with('@'))
}

fn is_text(key: &str) -> bool {
    TEXT_KEYS.contains(&key) || key == "value"
}

fn own_text(object: &Object) -> Value {
    let mut texts = TEXT_KEYS
        .iter()
        .chain(&["value"])
        .filter_map(|k| object.get(*k));
    texts
        .next()
        .cloned()
        .unwrap_or(Value::String(String::new()))
}

fn list(items: &[Value]) -> Option<Fields> {
    if items.is_empty() {
        return None;
    }
    let named = items.iter().map(|item| {
        let object = item.as_object().filter(|o| is_data(o))?;
        Some((own_name(object)?.to_owned(), own_text(object)))
    });
    if let Some(named) = named.collect::<Option<Vec<_>>>() {
        return Some(Fields::Named(named));
    }
    let value = |item: &Value| match item {
        Value::Object(o) if o.len() == 1 && o.keys().all(|k| is_text(k)) => Some(own_text(o)),
        Value::Object(_) | Value::Array(_) => None,
        Value::Null => Some(Value::String(String::new())),
        scalar => Some(scalar.clone()),
    };
    let values = items.iter().map(value).collect::<Option<Vec<_>>>();
    values.map(Fields::Nameless)
}

fn in_object(object: &Object, depth: usize) -> Option<Fields> {
    for inner in ["EventData", "UserData"] {
        if let Some(value) = get(object, inner) {
            return at_depth(value, depth + 1);
        }
    }
    if is_data(object) {
        let name = own_name(object)?.to_owned();
        return Some(Fields::Named(vec![(name, own_text(object))]));
    }
    let mut named = Vec::new();
    for (key, value) in object {
        let mark = key.starts_with("@xmlns") || key == "xmlns" || key.starts_with("xmlns:");
        if mark || ATTRIBUTE_KEYS.contains(&&**key) || value.is_null() {
            continue;
        }
        let data = key.eq_ignore_ascii_case("Data") || key == "#text";
        let only = object.len() <= 1 + usize::from(object.keys().any(|k| k.starts_with('@')));
        match value {
            Value::Array(_) | Value::Object(_) if data => match at_depth(value, depth + 1) {
                Some(Fields::Named(fields)) => named.extend(fields),
                Some(Fields::Nameless(values)) if only => return Some(Fields::Nameless(values)),
                Some(Fields::Nameless(values)) => {
                    named.extend(values.into_iter().map(|v| ("Data".to_owned(), v)));
                }
                None => {}
            },
            // What wraps user data: its name is not the data's.
            Value::Object(inner) if object.len() == 1 && depth > 0 => {
                return in_object(inner, depth + 1);
            }
            _ => named.push((key.clone(), value.clone())),
        }
    }
    (!named.is_empty()).then_some(Fields::Named(named))
}
