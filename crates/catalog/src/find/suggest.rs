//! Names offered where nothing answers to the one asked.

use crate::storage::{ApiId, BehaviourId, ComponentId, EventId, MechanismId, TamperingId};
use crate::{attack, functions};

/// The names nearest to one that nothing answers to, best first, at most `limit`: those that differ by few typing errors,
/// then those that share its words.
pub fn nearest(name: &str, limit: usize) -> Vec<&'static str> {
    // An event that the sensor does not have is another's of that number, or none.
    if let Some((_, number)) = super::event_names::number(name.trim()) {
        let of_number = EventId::all().filter(|e| e.number == number);
        return of_number.map(EventId::slug).take(limit).collect();
    }
    nearest_of(name, limit, names())
}

/// The API calls nearest to `name`.
pub fn nearest_api(name: &str, limit: usize) -> Vec<&'static str> {
    nearest_of(name, limit, api_names())
}

/// The nearest of `names` to `name`.
pub fn nearest_of(
    name: &str,
    limit: usize,
    names: impl Iterator<Item = &'static str>,
) -> Vec<&'static str> {
    let wanted = name.trim().rsplit('!').next().unwrap_or_default();
    let all: Vec<&'static str> = names.collect();
    // A number is no misspelling of another: `T1558.003` is nothing like `T1518.001`.
    let mut near: Vec<&str> =
        match wanted.bytes().any(|b| b.is_ascii_alphabetic()) && !is_id(wanted) {
            true => text::nearest(wanted, all.iter().copied(), limit),
            false => Vec::new(),
        };
    if near.len() < limit {
        let asked = words(wanted);
        let mut sharing: Vec<(usize, &str)> = all
            .into_iter()
            .filter_map(|candidate| {
                let has = words(candidate);
                let shared = asked.iter().filter(|w| has.contains(w)).count();
                // One word of many is chance.
                (shared * 2 > asked.len()).then_some((asked.len() - shared, candidate))
            })
            .collect();
        sharing.sort_by_key(|(missing, name)| (*missing, name.len(), *name));
        for (_, candidate) in sharing {
            if near.len() < limit && !near.contains(&candidate) {
                near.push(candidate);
            }
        }
    }
    near
}

/// Whether it is an id of ATT&CK, or meant to be one.
fn is_id(name: &str) -> bool {
    let rest = name.strip_prefix(['T', 't']).unwrap_or_default();
    !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// `CreateRemoteThreadEx`, `remote-thread`, `remote thread`: the words of a name, in lower case. At most as many as a name has.
fn words(name: &str) -> Vec<String> {
    const MOST: usize = 12;
    let mut words: Vec<String> = Vec::new();
    let mut before = ' ';
    for c in name.chars().take(120) {
        if c.is_alphanumeric() {
            let begins = !before.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase());
            if begins && words.len() < MOST {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(c.to_lowercase());
            }
        }
        before = c;
    }
    words.retain(|w| w.len() > 2);
    words
}

fn api_names() -> impl Iterator<Item = &'static str> {
    let rows = ApiId::all().flat_map(|a| {
        [a.slug()]
            .into_iter()
            .chain(a.row().variants.iter().copied())
    });
    rows.chain(functions::all().map(|f| f.name))
}

fn names() -> impl Iterator<Item = &'static str> {
    let mechanisms = MechanismId::all().flat_map(|m| {
        [m.slug(), m.row().name]
            .into_iter()
            .chain(m.row().imports.iter().map(|i| i.name))
    });
    let events = EventId::all().flat_map(|e| {
        let tag = e.row().sysmon.as_ref().and_then(|s| s.rule_tag);
        [Some(e.slug()), e.row().name, tag].into_iter().flatten()
    });
    let behaviours = BehaviourId::all().flat_map(|b| [b.slug(), b.row().name]);
    let techniques = attack::all().filter(|t| t.now.is_none()).map(|t| t.name);
    let components = ComponentId::all().flat_map(|c| {
        [Some(c.row().name), c.row().attack_id]
            .into_iter()
            .flatten()
    });
    let tampering = TamperingId::all().map(TamperingId::slug);
    api_names()
        .chain(mechanisms)
        .chain(events)
        .chain(behaviours)
        .chain(techniques)
        .chain(components)
        .chain(tampering)
}
