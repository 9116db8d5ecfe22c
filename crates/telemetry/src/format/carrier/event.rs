//! An event in the plain form that the JSON reader knows.

use serde_json::Value;

use super::Object;

/// The name of the column that tells where the names of an event's fields come from when its record had none.
const NAMES_FROM: &str = "FieldNamesFrom";

/// One event, taken out of what stood around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Event {
    /// Elements of `System`, their attributes below them.
    pub(super) system: Object,
    /// The event's own data; a name may come twice.
    pub(super) data: Vec<(String, Value)>,
    /// What stands beside both, and headers that were written flat.
    pub(super) beside: Object,
}

impl Event {
    /// The data field of this name, whatever its case.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        let mut data = self.data.iter();
        data.find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Takes over what stood around the event, but for what the event says itself.
    pub(super) fn put_beside(&mut self, around: &Object, taken: &str) {
        for (name, value) in around {
            if name == taken || value.is_null() {
                continue;
            }
            let said = self
                .field(name)
                .or_else(|| super::search::get(&self.beside, name))
                .or_else(|| super::search::get(&self.system, name));
            if said.is_some_and(|said| same(said, value)) {
                continue;
            }
            let reserved = [
                "system",
                "event",
                "eventdata",
                "userdata",
                "event_data",
                "winlog",
            ];
            let free = !reserved.iter().any(|r| name.eq_ignore_ascii_case(r))
                && super::search::get(&self.beside, name).is_none();
            let name = if free {
                name.clone()
            } else {
                format!("around.{name}")
            };
            self.beside.entry(name).or_insert_with(|| value.clone());
        }
    }

    /// Says that the names of the data were not in the record.
    pub(super) fn mark_names(&mut self, from: String) {
        self.beside
            .insert(NAMES_FROM.to_owned(), Value::String(from));
    }

    /// The event as JSON text.
    pub(crate) fn to_json(&self) -> String {
        let mut out = String::from("{");
        if !self.system.is_empty() {
            part(&mut out, "System", &Value::Object(self.system.clone()));
        }
        if !self.data.is_empty() {
            separate(&mut out);
            out.push_str("\"EventData\":{");
            for (name, value) in &self.data {
                part(&mut out, name, value);
            }
            out.push('}');
        }
        for (name, value) in &self.beside {
            part(&mut out, name, value);
        }
        out.push('}');
        out
    }
}

fn part(out: &mut String, name: &str, value: &Value) {
    separate(out);
    out.push_str(&Value::String(name.to_owned()).to_string());
    out.push(':');
    out.push_str(&value.to_string());
}

fn separate(out: &mut String) {
    if !out.ends_with('{') {
        out.push(',');
    }
}

/// Whether two values read alike, whether or not they are written as text.
fn same(a: &Value, b: &Value) -> bool {
    a == b || super::search::text(a).is_some_and(|a| super::search::text(b) == Some(a))
}
