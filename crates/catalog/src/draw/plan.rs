//! What a picture shows and in which order. No coordinates here.

use crate::map::{self, LineOfSight};
use crate::model::calls::{Mapping, NotObserved};
use crate::storage::{EventId, MechanismId, SensorId};
use std::collections::BTreeSet;

/// The content of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MapPlan {
    /// One section per sensor.
    pub sections: Vec<Section>,
    /// Mechanisms none of whose events are in the catalog.
    pub unused: Vec<MechanismId>,
}

/// What one sensor sees, and what it is known not to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The sensor.
    pub sensor: SensorId,
    /// Its mechanisms.
    pub blocks: Vec<MechanismBlock>,
    /// Known not_observed.
    pub not_observed: Vec<&'static NotObserved>,
}

/// A mechanism with the events it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MechanismBlock {
    /// The mechanism.
    pub mechanism: MechanismId,
    /// Its events.
    pub groups: Vec<EventGroup>,
}

/// An event with the arrows that lead to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventGroup {
    /// The event.
    pub event: EventId,
    /// The arrows, those of the published map first, then by call.
    pub arrows: Vec<&'static Mapping>,
}

impl MapPlan {
    /// The whole map.
    pub fn all() -> Self {
        let mut plan = Self::new(
            EventId::all().collect(),
            map::arrows().collect(),
            map::not_observed().collect(),
        );
        let drawn: BTreeSet<_> = EventId::all().filter_map(|e| e.mechanism).collect();
        plan.unused = MechanismId::all().filter(|m| !drawn.contains(m)).collect();
        plan
    }

    /// The part of the map that lies on `lines`.
    pub fn of(lines: &[LineOfSight]) -> Self {
        let arrows: BTreeSet<_> = lines
            .iter()
            .flat_map(LineOfSight::own_and_derived)
            .map(|m| m.id)
            .collect();
        let not_observed: BTreeSet<_> = lines
            .iter()
            .flat_map(|l| &l.not_observed)
            .map(|n| n.id)
            .collect();
        let events: BTreeSet<_> = lines
            .iter()
            .flat_map(|l| l.events.iter().copied())
            .collect();
        Self::new(
            events,
            map::arrows().filter(|m| arrows.contains(m.id)).collect(),
            map::not_observed()
                .filter(|n| not_observed.contains(n.id))
                .collect(),
        )
    }

    fn new(
        events: BTreeSet<EventId>,
        arrows: Vec<&'static Mapping>,
        not_observed: Vec<&'static NotObserved>,
    ) -> Self {
        let section = |sensor: SensorId| {
            let mut blocks: Vec<MechanismBlock> = Vec::new();
            for event in events.iter().filter(|e| e.sensor == sensor) {
                let Some(mechanism) = event.mechanism else {
                    continue;
                };
                let mut arrows: Vec<_> = arrows
                    .iter()
                    .filter(|m| m.event == *event)
                    .copied()
                    .collect();
                arrows.sort_by_key(|m| {
                    (
                        !m.published,
                        m.api.map(|a| a.slug().to_ascii_lowercase()),
                        m.id,
                    )
                });
                let group = EventGroup {
                    event: *event,
                    arrows,
                };
                match blocks.iter_mut().find(|b| b.mechanism == mechanism) {
                    Some(block) => block.groups.push(group),
                    None => blocks.push(MechanismBlock {
                        mechanism,
                        groups: vec![group],
                    }),
                }
            }
            let not_observed = not_observed
                .iter()
                .filter(|n| n.sensor == sensor)
                .copied()
                .collect();
            Section {
                sensor,
                blocks,
                not_observed,
            }
        };
        let sections = SensorId::all()
            .map(section)
            .filter(|s| !s.blocks.is_empty() || !s.not_observed.is_empty());
        Self {
            sections: sections.collect(),
            unused: Vec::new(),
        }
    }
}
