//! Sysmon's schema: what each version of it declares ([`Schema`]), and its event types over all versions together
//! ([`EventHistory`]). Both are made of one file, `data/sysmon.toml`.

mod data;
mod history;
mod version;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

pub use history::{EventHistory, Field, FieldType, event, events, field_type, fields_of, views};
pub use version::{
    Argument, EventType, OptionType, Schema, SchemaVersion, Verdict, all, for_validation, is_text,
    newest, since,
};

struct Tables {
    schemas: Vec<Schema>,
    events: Vec<EventHistory>,
    /// Types of fields that are not text, by exact name.
    types: BTreeMap<String, FieldType>,
    /// Types of all fields, by name in lower case.
    by_lower_name: HashMap<String, FieldType>,
    views: BTreeMap<String, Vec<u32>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let file: data::File = toml::from_str(include_str!("../../data/sysmon.toml"))
        .expect("data/sysmon.toml is checked by a test");
    let events = history::histories(&file);
    let fields = events.iter().flat_map(|e| &e.fields);
    Tables {
        schemas: version::schemas(&file),
        by_lower_name: fields.map(|f| (f.name.to_lowercase(), f.kind)).collect(),
        views: history::views_of(&events),
        events,
        types: file.types,
    }
});

fn tables() -> &'static Tables {
    &TABLES
}
