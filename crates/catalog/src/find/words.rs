//! Names that are no rows of their own: fields, rights and masks, tactics, and whatever stands in the text of a row.

use super::{FoundRow, Rights, Subject, eq, plain};
use crate::storage::{ApiId, BehaviourId, EventId, MechanismId, TamperingId};
use crate::{attack, rights};
use serde::Serialize;
use std::sync::LazyLock;

/// The field of Sysmon's events called `name`.
pub fn fields(name: &str) -> Option<FoundRow> {
    EventId::all()
        .filter_map(|e| e.row().sysmon.as_ref())
        .flat_map(|s| s.fields)
        .find(|field| eq(field, name))
        .map(|field| plain(Subject::Field(field)))
}

/// A mask in hexadecimal (of a process, as event 10 logs it), or the name of a right of any kind of object.
pub fn rights(name: &str) -> Vec<FoundRow> {
    let hexadecimal = name.get(..2).is_some_and(|p| eq(p, "0x"));
    if let Some(mask) = rights::parse_mask(name).filter(|_| hexadecimal) {
        let object = "process";
        return vec![plain(Subject::Rights(Rights { object, mask }))];
    }
    let of = |object: &'static rights::Object| {
        let mask = object.right(name)?;
        // A standard or generic right belongs to all; it is shown for the process.
        let own = object.rights.iter().any(|r| eq(r.name, name))
            || object.composites.iter().any(|c| eq(c.name, name));
        (own || object.id == "process").then_some(Rights {
            object: object.id,
            mask,
        })
    };
    let objects = rights::objects().iter();
    objects
        .filter_map(of)
        .map(|r| plain(Subject::Rights(r)))
        .collect()
}

/// The tactics called `name`; the one of v18 that was split stands for its parts.
pub fn tactics(name: &str) -> Vec<FoundRow> {
    let names = match name.to_ascii_lowercase().replace(' ', "-").as_str() {
        "defense-evasion" => vec!["stealth", "defense-impairment"],
        _ => attack::tactic(name).into_iter().collect(),
    };
    names
        .into_iter()
        .map(|t| plain(Subject::Tactic(t)))
        .collect()
}

/// The rows with their whole text in lower case.
static TEXTS: LazyLock<Vec<(Subject, String)>> = LazyLock::new(|| {
    let tampering = TamperingId::all().map(|t| (Subject::Tampering(t), text(t.row())));
    let behaviours = BehaviourId::all().map(|b| (Subject::Behaviour(b), text(b.row())));
    let mechanisms = MechanismId::all().map(|m| (Subject::Mechanism(m), text(m.row())));
    let events = EventId::all().map(|e| (Subject::Event(e), text(e.row())));
    let apis = ApiId::all().map(|a| (Subject::Api(a), text(a.row())));
    let rows = tampering.chain(behaviours).chain(mechanisms).chain(events);
    rows.chain(apis).collect()
});

/// The rows whose text holds `name` as a word: tools, functions inside the kernel, sessions.
pub fn mentions(name: &str) -> Vec<FoundRow> {
    // Two letters stand in every row, and a long text in none.
    if !(3..=80).contains(&name.len()) {
        return Vec::new();
    }
    let wanted = name.to_lowercase();
    let rows = TEXTS.iter().filter(|(_, text)| holds_word(text, &wanted));
    rows.map(|(subject, _)| FoundRow {
        mentioned: true,
        ..plain(*subject)
    })
    .collect()
}

fn text(row: &impl Serialize) -> String {
    // A row that could not be written would only not be found by a word in it.
    let json = serde_json::to_string(row).unwrap_or_default();
    json.to_lowercase()
}

fn holds_word(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    text.match_indices(word).any(|(at, _)| {
        edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
    })
}
