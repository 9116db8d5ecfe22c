//! `data/profiles.toml`: what a technique looks like where the catalog leaves it open.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use catalog::BehaviourId;
use serde::Deserialize;

/// How one technique looks.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TechniqueProfile {
    /// The program that acts.
    pub(super) actor: Option<String>,
    /// The program it acts on.
    pub(super) target: Option<String>,
    /// Whether the actor runs elevated.
    #[serde(default)]
    pub(super) elevated: bool,
    /// Whether frames of the actor's code lie in no module.
    #[serde(default)]
    pub(super) managed: bool,
    /// What its events look like.
    #[serde(default)]
    pub(super) event: Vec<EventProfile>,
}

/// How one of its events looks.
#[derive(Debug, Deserialize)]
pub(super) struct EventProfile {
    /// The event id.
    pub(super) id: u32,
    /// Which of the expected events of this id, from 1; all of them where absent.
    pub(super) nth: Option<usize>,
    /// The process it is about.
    pub(super) by: Option<String>,
    /// The parent of a started process.
    pub(super) parent: Option<String>,
    /// Values of fields.
    #[serde(flatten)]
    pub(super) fields: BTreeMap<String, String>,
}

static PROFILES: LazyLock<BTreeMap<String, TechniqueProfile>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../data/profiles.toml"))
        .expect("data/profiles.toml is checked by a test")
});

static NONE: TechniqueProfile = TechniqueProfile {
    actor: None,
    target: None,
    elevated: false,
    managed: false,
    event: Vec::new(),
};

/// The profile of a technique.
pub(super) fn of(technique: BehaviourId) -> &'static TechniqueProfile {
    PROFILES.get(technique.slug()).unwrap_or(&NONE)
}

impl TechniqueProfile {
    /// What is said of the expected event at a place of the catalog's list.
    pub(super) fn event(&self, technique: BehaviourId, place: usize) -> Option<&EventProfile> {
        let id = technique.expected[place].event.number;
        let same = |e: &&catalog::Expected| e.event.number == id;
        let nth = technique.expected[..=place].iter().filter(same).count();
        let of_id = |e: &&EventProfile| e.id == id && e.nth.is_none_or(|n| n == nth);
        self.event.iter().find(of_id)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_profile_is_of_a_technique_and_its_events() {
        for (name, profile) in PROFILES.iter() {
            let technique = BehaviourId::named(name).unwrap_or_else(|| panic!("{name}"));
            for event in &profile.event {
                let kind = schema::sysmon::event(event.id).unwrap();
                let known = |f: &String| kind.has(f);
                assert!(event.fields.keys().all(known), "{name}: {}", event.id);
                let mut expected = technique.expected.iter();
                let of_sysmon = |e: &catalog::Expected| {
                    e.event.sensor.slug() == "sysmon" && e.event.number == event.id
                };
                assert!(expected.any(of_sysmon), "{name}: {}", event.id);
            }
        }
    }
}
