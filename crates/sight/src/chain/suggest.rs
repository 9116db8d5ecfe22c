//! A Sigma rule for a technique that nothing catches: made of what the catalog knows of one of its events, and tried on it.

use std::fmt::Write as _;
use std::path::Path;

use catalog::{BehaviourId, KnownTest};
use sigma::{Pack, Placeholders};

use super::answer::Remedy;
use super::rules::RuleIndex;
use crate::simulate::SimulatedEvent;

/// A rule that matches the event; none where the catalog knows nothing of its fields, so that a rule would match any.
pub(super) fn suggested_rule(technique: BehaviourId, event: &SimulatedEvent) -> Option<Remedy> {
    let category = category(event.id)?;
    let known = technique.expected[event.expected].fields;
    if known.is_empty() {
        return None;
    }
    let mut text = format!(
        "title: {}\nlogsource: {{product: windows, category: {category}}}\ndetection:\n  selection:\n",
        quoted(technique.name)
    );
    for field in known {
        let (modifier, values) = match field.test {
            KnownTest::Is => ("", vec![field.value.to_owned()]),
            KnownTest::EndsWith => ("|endswith", vec![field.value.to_owned()]),
            KnownTest::Contains => ("|contains", vec![field.value.to_owned()]),
            KnownTest::Holds => {
                let mask = catalog::rights::parse_mask(field.value)?;
                let object = catalog::rights::object("process")?;
                let masks = catalog::condition::for_rights(object, mask).masks;
                ("", masks.iter().map(|m| format!("{m:#x}")).collect())
            }
        };
        let values: Vec<String> = values.iter().map(|v| quoted(v)).collect();
        let _ = writeln!(
            text,
            "    {}{modifier}: [{}]",
            field.field,
            values.join(", ")
        );
    }
    let _ = writeln!(
        text,
        "  condition: selection\nlevel: medium\ntags: [attack.{}]",
        technique.technique.to_lowercase()
    );
    let pack = Pack::parse(Path::new("suggested.yml"), &text, &Placeholders::new());
    let matches = !RuleIndex::new(&pack.rules)
        .matching(event.into())
        .is_empty();
    matches.then(|| Remedy {
        what: format!(
            "a rule on event {} that matches what the catalog knows of it",
            event.id
        ),
        verified: true,
        change: text,
        catches: vec![technique.name.to_owned()],
    })
}

/// A text in YAML's single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Sigma's category of an event type.
fn category(id: u32) -> Option<&'static str> {
    Some(match id {
        1 => "process_creation",
        2 => "file_change",
        3 => "network_connection",
        6 => "driver_load",
        7 => "image_load",
        8 => "create_remote_thread",
        9 => "raw_access_thread",
        10 => "process_access",
        11 => "file_event",
        12 => "registry_add",
        13 => "registry_set",
        15 => "create_stream_hash",
        17 | 18 => "pipe_created",
        22 => "dns_query",
        23 | 26 => "file_delete",
        25 => "process_tampering",
        29 => "file_executable_detected",
        _ => return None,
    })
}
