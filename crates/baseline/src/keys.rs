//! By which fields the events of a type are counted when nobody says otherwise. The choices are data
//! (`data/keys.toml`), each with its reason; this module looks them up, finds event types by whatever people call them,
//! and refuses to count.

use std::sync::LazyLock;

use schema::sysmon as sysmon_schema;
use serde::Deserialize;

/// How the events of one type are counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventKeys {
    /// The event id.
    pub id: i64,
    /// The channel; `None` is Sysmon's.
    pub channel: Option<String>,
    /// A name given here; see [`EventKeys::name`].
    name: Option<String>,
    /// The fields that make a group.
    pub by: Vec<String>,
    /// The field that names who did it.
    pub user: Option<String>,
    /// Fields by which a proposed exclusion may be made narrower.
    #[serde(default)]
    pub further: Vec<String>,
    /// Why these fields.
    pub why: String,
}

#[derive(Deserialize)]
struct File {
    event: Vec<EventKeys>,
}

static KEYS: LazyLock<Vec<EventKeys>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/keys.toml"))
        .expect("data/keys.toml is checked by a test");
    file.event
});

/// Every event type with keys of its own: Sysmon's by id, then the others.
pub fn all() -> &'static [EventKeys] {
    &KEYS
}

/// The keys of a Sysmon event type.
pub fn sysmon(id: i64) -> Option<&'static EventKeys> {
    all().iter().find(|e| e.channel.is_none() && e.id == id)
}

impl EventKeys {
    /// What to call the event: Sysmon's tag where a tag means one id, else its title; `Security 4688` elsewhere.
    pub fn name(&self) -> String {
        if let Some(channel) = &self.channel {
            return format!("{channel} {}", self.id);
        }
        let event = u32::try_from(self.id).ok().and_then(sysmon_schema::event);
        match event {
            Some(event) => match &event.tag {
                Some(tag) if tags(tag) == 1 => tag.clone(),
                _ => event.title.clone(),
            },
            None => format!("Sysmon {}", self.id),
        }
    }

    /// What it is in words, where its name does not say: `Process created`.
    pub fn title(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// How many event ids a configuration tag stands for.
fn tags(tag: &str) -> usize {
    sysmon_schema::events()
        .iter()
        .filter(|e| e.tag.as_deref() == Some(tag))
        .count()
}

/// A name that no event type has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no event type {name}{}", near.as_ref().map_or_else(String::new, |n| format!("; did you mean {n}?")))]
pub struct UnknownEvent {
    /// What was asked for.
    pub name: String,
    /// The nearest name there is.
    pub near: Option<String>,
}

/// The event types somebody means by a name: an id (Sysmon's where Sysmon has it), `Security 4688`, a configuration tag
/// (which may mean several ids), a title, or the name of a view (`sysmon_process_access`). Without regard to case.
///
/// # Errors
/// When there is none, with the nearest name.
pub fn find(name: &str) -> Result<Vec<&'static EventKeys>, UnknownEvent> {
    let wanted = plain(name);
    let found: Vec<&EventKeys> = match wanted.parse::<i64>() {
        Ok(id) => {
            let first = all().iter().find(|e| e.id == id);
            first.into_iter().collect()
        }
        Err(_) => all()
            .iter()
            .filter(|e| names(e).any(|n| plain(&n) == wanted))
            .collect(),
    };
    if !found.is_empty() {
        return Ok(found);
    }
    let candidates = all().iter().flat_map(names);
    Err(UnknownEvent {
        name: name.to_owned(),
        near: text::meant(name, candidates),
    })
}

/// Every name an event type answers to.
fn names(keys: &EventKeys) -> impl Iterator<Item = String> + use<> {
    let mut names = vec![keys.name()];
    names.extend(keys.name.clone());
    if keys.channel.is_none()
        && let Some(event) = u32::try_from(keys.id).ok().and_then(sysmon_schema::event)
    {
        names.push(event.title.clone());
        names.extend(event.tag.clone());
        names.extend(event.views.iter().cloned());
        names.push(format!("sysmon {}", keys.id));
    }
    names.into_iter()
}

/// A name without what people leave out or add.
fn plain(name: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric();
    let lower: String = name.chars().filter(kept).collect();
    lower.to_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_sysmon_event_has_keys_it_has_fields_for() {
        let ids: BTreeSet<i64> = all()
            .iter()
            .filter(|e| e.channel.is_none())
            .map(|e| e.id)
            .collect();
        assert!((1..=29).all(|id| ids.contains(&id)));
        for keys in all() {
            assert!(!keys.by.is_empty() && !keys.why.is_empty(), "{}", keys.id);
            let Some(event) = (keys.channel.is_none())
                .then(|| sysmon_schema::event(u32::try_from(keys.id).unwrap()).unwrap())
            else {
                continue;
            };
            for field in keys.by.iter().chain(&keys.further).chain(&keys.user) {
                let known = event.fields.iter().find(|f| f.name == *field);
                assert!(known.is_some(), "event {} has no {field}", keys.id);
            }
        }
        let pairs: BTreeSet<_> = all().iter().map(|e| (&e.channel, e.id)).collect();
        assert_eq!(pairs.len(), all().len(), "an event type stands there twice");
    }

    #[test]
    fn event_types_answer_to_their_names() {
        let ids = |name: &str| -> Vec<i64> { find(name).unwrap().iter().map(|e| e.id).collect() };
        assert_eq!(ids("8"), [8]);
        assert_eq!(ids("createremotethread"), [8]);
        assert_eq!(ids("CreateRemoteThread detected"), [8]);
        assert_eq!(ids("sysmon_process_access"), [10]);
        assert_eq!(ids("RegistryEvent"), [12, 13, 14]);
        assert_eq!(ids("Registry value set"), [13]);
        assert_eq!(ids("security 4688"), [4688]);
        let near = find("CreateRemoteTread").unwrap_err();
        assert_eq!(near.near.as_deref(), Some("CreateRemoteThread"));
        assert_eq!(find("quite another thing").unwrap_err().near, None);
    }
}
