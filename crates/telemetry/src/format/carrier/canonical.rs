//! Telling whether an object is an event, in any of the dialects, and bringing it into the plain form.

use schema::{LogSource, Sensor};
use serde_json::Value;

use super::data::{self, Fields};
use super::search::{get, text};
use super::{Event, Object, message};
use crate::table::header;

/// Keys under which event data stands beside a flat header, best first.
const DATA: [&str; 14] = [
    "EventData",
    "UserData",
    "event_data",
    "user_data",
    "eventdata",
    "Payload",
    "StringInserts",
    "Properties",
    "data",
    "Details",
    "ExtraFieldInfo",
    "Event Data",
    "Inserts",
    "strings",
];

/// Those of them whose text is `name: value`, many times.
const LINES: [&str; 3] = ["Details", "ExtraFieldInfo", "Event Data"];

/// Names of header columns that only tables and a few shippers use, as they read without blanks, dots and case.
const SPELLINGS: [(&str, &str); 18] = [
    ("dateandtime", "TimeCreated"),
    ("datetime", "TimeCreated"),
    ("systemtime", "TimeCreated"),
    ("eventtimecreated", "TimeCreated"),
    ("timecreatediso8601", "TimeCreated"),
    ("timestamp", "TimeCreated"),
    ("time", "TimeCreated"),
    ("eventid", "EventID"),
    ("eventcode", "EventID"),
    ("eventidentifier", "EventID"),
    ("eventrecordid", "EventRecordID"),
    ("recordid", "EventRecordID"),
    ("taskcategory", "Task"),
    ("logname", "Channel"),
    ("logfile", "Channel"),
    ("providername", "Provider"),
    ("machinename", "Computer"),
    ("computername", "Computer"),
];

/// The event that an object is, if it has a header.
pub(super) fn event(object: &Object) -> Option<Event> {
    let object = &nested(object);
    let event = match get(object, "System") {
        Some(Value::Object(system)) => with_system(object, system)?,
        _ => flat(object)?,
    };
    Some(named(event))
}

/// Keys that spell a path (`winlog.event_data.Image`) as the objects they stand for.
fn nested(object: &Object) -> Object {
    const ROOTS: [&str; 5] = ["winlog", "Event", "System", "EventData", "event_data"];
    let path = |key: &str| {
        let (root, rest) = key.split_once('.')?;
        let root = ROOTS.iter().find(|r| r.eq_ignore_ascii_case(root))?;
        // `event.code` is the Elastic Common Schema's, and no `Event`.
        let event = *root != "Event" || key.starts_with("Event.");
        (event && !rest.is_empty()).then(|| (root.to_string(), rest.to_owned()))
    };
    let mut out = Object::new();
    for (key, value) in object {
        match path(key) {
            None => drop(out.insert(key.clone(), value.clone())),
            Some((root, rest)) => put(&mut out, &root, &rest, value),
        }
    }
    // What a whole event is wrapped in by its own root element.
    if let Some(Value::Object(inner)) = out.get("Event").cloned()
        && (get(&inner, "System").is_some() || inner.keys().any(|k| path(k).is_some()))
    {
        let mut whole = nested(&inner);
        out.shift_remove("Event");
        for (key, value) in out {
            whole.entry(key).or_insert(value);
        }
        return whole;
    }
    out
}

fn put(out: &mut Object, key: &str, rest: &str, value: &Value) {
    let slot = out
        .entry(key.to_owned())
        .or_insert_with(|| Value::Object(Object::new()));
    let Value::Object(slot) = slot else {
        return;
    };
    // Event data is flat: dots in the names of its fields are theirs.
    let flat = matches!(
        key.to_ascii_lowercase().as_str(),
        "event_data" | "eventdata"
    );
    match rest.split_once('.') {
        Some((first, rest)) if !flat && !rest.is_empty() => put(slot, first, rest, value),
        _ => drop(slot.insert(rest.to_owned(), value.clone())),
    }
}

/// An event with a `System` of its own, as XML has it and all that is made of it.
fn with_system(object: &Object, system: &Object) -> Option<Event> {
    let mut event = Event {
        system: plain_system(system),
        ..Event::default()
    };
    let id = event.system.get("EventID").and_then(text)?;
    integer(&id)?;
    let provider = event.system.get("Provider").is_some_and(|p| !p.is_null());
    if !provider && event.system.get("Channel").and_then(text).is_none() {
        return None;
    }
    // Wazuh's agent writes each backslash twice.
    let doubled = get(system, "providerName").is_some() && object.contains_key("eventdata");
    for (key, value) in object {
        let lower = key.to_ascii_lowercase();
        match lower.as_str() {
            "system" | "@xmlns" | "xmlns" | "#attributes" => {}
            "eventdata" | "userdata" | "processingerrordata" => match data::fields(value) {
                Some(Fields::Named(fields)) => event.data.extend(fields),
                Some(Fields::Nameless(values)) => nameless(&mut event, values),
                None => {}
            },
            _ => drop(event.beside.insert(key.clone(), value.clone())),
        }
    }
    if doubled {
        for (_, value) in &mut event.data {
            if let Value::String(text) = value {
                *text = halved(text);
            }
        }
    }
    Some(event)
}

/// The text with single backslashes, if all that it has come in pairs.
fn halved(text: &str) -> String {
    let runs = text.split(|c| c != '\\').filter(|run| !run.is_empty());
    if runs.clone().all(|run| run.len() % 2 == 0) {
        text.replace("\\\\", "\\")
    } else {
        text.to_owned()
    }
}

/// `System` with its elements spelled as in XML, and its attributes as plain keys below them.
fn plain_system(system: &Object) -> Object {
    let mut out = Object::new();
    for (key, value) in system {
        let value = attributes(value);
        match key.to_ascii_lowercase().as_str() {
            "eventid" => {
                let id = match &value {
                    Value::Object(o) => {
                        let id = ["Value", "#text", "text", "_"]
                            .iter()
                            .find_map(|k| get(o, k));
                        id.cloned().unwrap_or(Value::Null)
                    }
                    other => other.clone(),
                };
                out.insert("EventID".to_owned(), id);
            }
            // Wazuh's names, which are flat.
            "providername" => below(&mut out, "Provider", "Name", value),
            "providerguid" => below(&mut out, "Provider", "Guid", value),
            "systemtime" => below(&mut out, "TimeCreated", "SystemTime", value),
            "processid" => below(&mut out, "Execution", "ProcessID", value),
            "threadid" => below(&mut out, "Execution", "ThreadID", value),
            "userid" => below(&mut out, "Security", "UserID", value),
            "@xmlns" | "xmlns" => {}
            lower => {
                const ELEMENTS: [&str; 14] = [
                    "Provider",
                    "Version",
                    "Level",
                    "Task",
                    "Opcode",
                    "Keywords",
                    "TimeCreated",
                    "EventRecordID",
                    "Correlation",
                    "Execution",
                    "Channel",
                    "Computer",
                    "Security",
                    "Message",
                ];
                let known = ELEMENTS.iter().find(|e| e.eq_ignore_ascii_case(lower));
                let name = known.map_or_else(|| key.clone(), ToString::to_string);
                match (&*name, value) {
                    ("Provider", Value::String(text)) => {
                        below(&mut out, "Provider", "Name", Value::String(text));
                    }
                    (_, value) => drop(out.insert(name, value)),
                }
            }
        }
    }
    out
}

fn below(out: &mut Object, element: &str, attribute: &str, value: Value) {
    let slot = out
        .entry(element.to_owned())
        .or_insert_with(|| Value::Object(Object::new()));
    if let Value::Object(slot) = slot {
        slot.insert(attribute.to_owned(), value);
    }
}

/// Attributes, however a converter marked them, as plain keys.
fn attributes(value: &Value) -> Value {
    let Value::Object(object) = value else {
        return value.clone();
    };
    let mut out = Object::new();
    for (key, value) in object {
        match (key.as_str(), value) {
            (
                "#attributes" | "_attributes" | "$" | "@attributes" | "attributes",
                Value::Object(inner),
            ) => {
                out.extend(inner.iter().map(|(k, v)| (k.clone(), v.clone())));
            }
            ("@xmlns" | "xmlns", _) => {}
            ("#text" | "_text" | "_" | "__text", _) => {
                drop(out.insert("#text".to_owned(), value.clone()))
            }
            _ => {
                let name = key.trim_start_matches(['@', '-', '_']);
                out.insert(name.to_owned(), attributes(value));
            }
        }
    }
    match out.get("#text") {
        Some(text) if out.len() == 1 => text.clone(),
        _ => Value::Object(out),
    }
}

/// An event whose header stands flat, at the top or in `winlog`.
fn flat(object: &Object) -> Option<Event> {
    let mut beside = Object::new();
    let spelled = respelled(object);
    let event_viewer = object.contains_key("Event ID");
    for (key, value) in object {
        let column = match key.as_str() {
            "Source" if event_viewer => Some("Provider"),
            _ => spelled.iter().find(|(k, _)| k == key).map(|(_, c)| *c),
        };
        let name = column.unwrap_or(key);
        beside.insert(name.to_owned(), value.clone());
    }
    integer(&value_of(&beside, "EventID")?)?;
    value_of(&beside, "Channel").or_else(|| value_of(&beside, "Provider"))?;
    let mut event = Event {
        beside,
        ..Event::default()
    };
    writer(&mut event.beside);
    for key in DATA {
        let Some(name) = event
            .beside
            .keys()
            .find(|k| k.eq_ignore_ascii_case(key))
            .cloned()
        else {
            continue;
        };
        let value = &event.beside[&name];
        let fields = match value.as_str() {
            Some(text) if LINES.contains(&key) => data::lines(text),
            _ => data::fields(value),
        };
        match fields {
            // An empty list says nothing, and text of another kind is a column of its own.
            None => {}
            Some(Fields::Named(fields)) => {
                let known = fields.iter().any(|(n, _)| event.field(n).is_some());
                if known {
                    continue;
                }
                event.data.extend(fields);
                event.beside.shift_remove(&name);
            }
            Some(Fields::Nameless(values)) => {
                let before = event.data.len();
                if before == 0 {
                    nameless(&mut event, values);
                }
                if event.data.len() > before {
                    event.beside.shift_remove(&name);
                }
            }
        }
    }
    Some(event)
}

/// Keys that spell a header column in a way that the JSON reader does not know, and no other key spells it better.
fn respelled(object: &Object) -> Vec<(&str, &'static str)> {
    let plain = |key: &str| {
        let letters = key.chars().filter(|c| !matches!(c, ' ' | '_' | '-' | '.'));
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let feeds = |column: &str| {
        let column = header::by_name(&column.to_lowercase());
        object.keys().any(|key| {
            let feed = header::feed(&key.to_lowercase()).filter(|f| !f.keeps_column);
            feed.is_some_and(|f| Some(usize::from(f.column)) == column)
        })
    };
    let mut found: Vec<(&str, &'static str)> = Vec::new();
    for (spelling, column) in SPELLINGS {
        if found.iter().any(|(_, c)| *c == column) || feeds(column) {
            continue;
        }
        let mut keys = object.keys();
        if let Some(key) = keys.find(|key| plain(key) == spelling) {
            found.push((key, column));
        }
    }
    found
}

/// The text of a header column, wherever the dialects keep it.
fn value_of(object: &Object, column: &str) -> Option<String> {
    header::paths(column).find_map(|path| {
        // Too many things have an id and a source.
        if path == "Source" || path == "Id" && !object.contains_key("Id") {
            return None;
        }
        let mut at = object;
        let mut rest = path;
        loop {
            if let Some(value) = get(at, rest) {
                return text(value).map(|t| t.into_owned());
            }
            let (first, tail) = rest.split_once('.')?;
            at = get(at, first)?.as_object()?;
            rest = tail;
        }
    })
}

/// In these dialects `ProcessId` and `ThreadId` beside the header are the writer's, not the event's.
fn writer(beside: &mut Object) {
    const SIGNS: [&str; 7] = [
        "PayloadData1",
        "MapDescription",
        "ChunkNumber",
        "ProviderId",
        "LogName",
        "MatchedQueryIds",
        "StringInserts",
    ];
    if !SIGNS.iter().any(|sign| beside.contains_key(*sign)) {
        return;
    }
    for (key, column) in [
        ("processid", "ExecutionProcessID"),
        ("threadid", "ExecutionThreadID"),
    ] {
        let name = beside.keys().find(|k| k.eq_ignore_ascii_case(key)).cloned();
        if let Some(value) = name.and_then(|name| beside.shift_remove(&name)) {
            beside.insert(column.to_owned(), value);
        }
    }
}

/// Gives values without names the names that the event's schema has for them, if it has as many.
fn nameless(event: &mut Event, values: Vec<Value>) {
    let names = sysmon_id(event)
        .and_then(schema::sysmon::event)
        .and_then(|history| history.names(values.len()));
    match names {
        Some(names) => {
            event.data.extend(names.iter().cloned().zip(values));
            event.mark_names("Sysmon's schema, by their number and order".to_owned());
        }
        None => {
            let data = values.into_iter().map(|v| ("Data".to_owned(), v));
            event.data.extend(data);
        }
    }
}

/// The id of an event of Sysmon.
fn sysmon_id(event: &Event) -> Option<u32> {
    let of = |column: &str| {
        let system = match column {
            "Provider" => match event.system.get("Provider") {
                Some(Value::Object(o)) => o.get("Name").and_then(text),
                other => other.and_then(text),
            },
            _ => event.system.get(column).and_then(text),
        };
        system
            .map(|t| t.into_owned())
            .or_else(|| value_of(&event.beside, column))
    };
    let (channel, provider) = (of("Channel"), of("Provider"));
    let source = LogSource::of(channel.as_deref(), provider.as_deref());
    if source.sensor() != Some(Sensor::Sysmon) {
        return None;
    }
    integer(&of("EventID")?).and_then(|id| u32::try_from(id).ok())
}

/// Takes the fields from the event's text as Windows shows it where they stand nowhere else.
fn named(mut event: Event) -> Event {
    let Some(history) = sysmon_id(&event).and_then(schema::sysmon::event) else {
        return event;
    };
    let has = |event: &Event, name: &str| {
        let winlog = get(&event.beside, "winlog").and_then(Value::as_object);
        let data = winlog
            .and_then(|w| get(w, "event_data"))
            .and_then(Value::as_object);
        event.field(name).is_some()
            || get(&event.beside, name).is_some()
            || data.is_some_and(|d| get(d, name).is_some())
    };
    // The time alone may stand in a table without the rest.
    let known = history.fields.iter().filter(|f| has(&event, &f.name));
    if known.take(2).count() == 2 {
        return event;
    }
    let texts = event
        .beside
        .values()
        .chain(event.system.values())
        .filter_map(Value::as_str);
    let fields = texts
        .map(|t| message::fields(t, history))
        .find(|f| f.len() > 1);
    if let Some(fields) = fields {
        for (name, value) in fields {
            if event.field(&name).is_none() {
                event.data.push((name, Value::String(value)));
            }
        }
        event.mark_names("the event's message".to_owned());
    }
    event
}

/// An integer, also one that a tool wrote as a floating-point number.
pub(super) fn integer(text: &str) -> Option<i64> {
    crate::value::integer(text)
}
