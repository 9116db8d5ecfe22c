//! What must hold between the tables before they are compiled in: names are unique, every reference resolves, every source
//! is known, every mask is the sum of its rights.

use crate::CatalogData;
use crate::literal::RowPlaces;
use crate::model::{Mark, techniques::KnownTest};
use std::collections::{HashMap, HashSet};

type Checked = Result<(), String>;

/// Where every named row stands. A name used twice is an error.
pub fn places(data: &CatalogData) -> Result<RowPlaces, String> {
    let mut places = RowPlaces::new();
    let mut table = |id, names: Vec<&String>| -> Checked {
        let mut places_of = HashMap::new();
        for (place, name) in names.into_iter().enumerate() {
            if places_of.insert(name.clone(), place).is_some() {
                return Err(format!("{id}: two rows are called {name:?}"));
            }
        }
        places.insert(id, places_of);
        Ok(())
    };
    table("SourceId", data.sources.iter().map(|r| &r.id).collect())?;
    table("SensorId", data.sensors.iter().map(|r| &r.id).collect())?;
    table(
        "MechanismId",
        data.mechanisms.iter().map(|r| &r.id).collect(),
    )?;
    table("EventId", data.events.iter().map(|r| &r.id).collect())?;
    table("ApiId", data.apis.iter().map(|r| &r.id).collect())?;
    table(
        "BehaviourId",
        data.behaviours.iter().map(|r| &r.id).collect(),
    )?;
    table(
        "TamperingId",
        data.tampering.iter().map(|r| &r.id).collect(),
    )?;
    table(
        "ComponentId",
        data.components.iter().map(|r| &r.id).collect(),
    )?;
    Ok(places)
}

pub fn all(data: &CatalogData) -> Checked {
    crate::rights::check(&data.access)?;
    sources(data)?;
    masks(data)?;
    hosts_and_folders(data)?;
    known_fields(data)?;
    one_call_one_row(data)?;
    claims(data)?;
    without_arrows(data)?;
    for event in &data.events {
        if event.id != format!("{}:{}", event.sensor.0, event.number) {
            return Err(format!("event {:?} is not its sensor and number", event.id));
        }
    }
    let mut arrows = HashMap::new();
    for row in &data.mappings {
        let when = format!("{:?}", row.when);
        if let Some(other) = arrows.insert(
            (row.api.as_ref().map(|a| &a.0), &row.event.0, when),
            &row.id,
        ) && row.api.is_some()
        {
            return Err(format!("mappings {other:?} and {:?} say the same", row.id));
        }
        let event = data.events.iter().find(|e| e.id == row.event.0);
        if event.is_some_and(|e| e.mechanism.as_ref() != Some(&row.mechanism)) {
            return Err(format!(
                "mapping {:?} and event {:?} name different mechanisms",
                row.id, row.event.0
            ));
        }
    }
    Ok(())
}

/// A mechanism has arrows, or says why it has none.
fn without_arrows(data: &CatalogData) -> Checked {
    for row in &data.mechanisms {
        let has = data.mappings.iter().any(|m| m.mechanism.0 == row.id);
        if has == row.no_arrows.is_some() {
            return Err(format!(
                "mechanisms.yaml: {:?} must have arrows or say why it has none, and not both",
                row.id
            ));
        }
    }
    Ok(())
}

/// Every claim that is tested is one of the catalog's, and is tested once.
fn claims(data: &CatalogData) -> Checked {
    let mut tested = HashSet::new();
    for test in &data.evidence_tests {
        let claim = test.claim.as_str();
        let expected = || {
            let (behaviour, event) = claim.split_once('/')?;
            let behaviour = data.behaviours.iter().find(|b| b.id == behaviour)?;
            behaviour.expected.iter().find(|e| e.event.0 == event)
        };
        let known = test.statement.is_some()
            || data.mappings.iter().any(|m| m.id == claim)
            || data.not_observed.iter().any(|n| n.id == claim)
            || expected().is_some();
        if !known {
            return Err(format!("evidence_tests.yaml: nothing claims {claim:?}"));
        }
        if !tested.insert(claim) {
            return Err(format!("evidence_tests.yaml: {claim:?} is there twice"));
        }
        for record in test.confirms.iter().chain(&test.refutes) {
            if !data.events.iter().any(|e| e.id == record.event.0) {
                return Err(format!(
                    "evidence_tests.yaml: {claim:?}: no event {:?}",
                    record.event.0
                ));
            }
        }
    }
    match data
        .evidence
        .iter()
        .find(|e| !tested.contains(e.claim.as_str()))
    {
        Some(stray) => Err(format!(
            "generated/evidence.yaml: {:?} is not tested",
            stray.claim
        )),
        None => Ok(()),
    }
}

/// No name leads to two rows: a form of one call that has a row of its own would say something else there.
fn one_call_one_row(data: &CatalogData) -> Checked {
    let mut rows: HashMap<String, &str> = HashMap::new();
    for api in &data.apis {
        for name in api.variants.iter().chain([&api.id]) {
            if let Some(other) = rows.insert(name.to_ascii_lowercase(), &api.id) {
                return Err(format!(
                    "apis.yaml: {name:?} is in the rows {other:?} and {:?}",
                    api.id
                ));
            }
        }
    }
    for api in &data.apis {
        let object = api.opens.as_ref();
        if let Some(object) = object.filter(|o| data.access.objects.iter().all(|a| a.id != **o)) {
            return Err(format!("apis.yaml: {:?} opens no {object:?}", api.id));
        }
        for suffix in ["A", "W"] {
            let stem = api.id.strip_suffix(suffix).unwrap_or_default();
            if let Some(other) = rows.get(&stem.to_ascii_lowercase()) {
                return Err(format!("apis.yaml: {:?} is a form of {other:?}", api.id));
            }
        }
    }
    Ok(())
}

/// Every source is listed, and what a source is said to state was found in one.
fn sources(data: &CatalogData) -> Checked {
    let listed = |cited: &[String], row: &str| -> Checked {
        if cited.is_empty() {
            return Err(format!("{row}: no source"));
        }
        for source in cited {
            let id = source.split(['#', ' ']).next().unwrap_or_default();
            if !data.sources.iter().any(|s| s.id == id) {
                return Err(format!("{row}: no source is called {id:?}"));
            }
        }
        Ok(())
    };
    let known = |cited: &[String], mark: &Mark, row: &str| -> Checked {
        if *mark == Mark::FromSource && cited.iter().any(|s| s == "general-knowledge") {
            return Err(format!("{row}: from-source, but part of it is in none"));
        }
        listed(cited, row)
    };
    data.sensors
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.mechanisms
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.events
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.stack_signs
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.function))?;
    data.apis
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.mappings
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.not_observed
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.api_rights
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.api.0))?;
    data.claims
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.behaviours
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.tampering
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.protections
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))?;
    data.host_processes
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.file))?;
    data.writable_folders
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.folder))?;
    data.access
        .objects
        .iter()
        .try_for_each(|r| known(&r.source, &r.mark, &r.id))
}

/// What is known of an expected event's fields is about fields it has, and a mask is one as Sysmon writes it.
fn known_fields(data: &CatalogData) -> Checked {
    for row in &data.behaviours {
        for expected in row.expected.iter().filter(|e| !e.fields.is_empty()) {
            let event = data.events.iter().find(|e| e.id == expected.event.0);
            let has = event
                .and_then(|e| e.sysmon.as_ref())
                .map_or(&[][..], |s| &s.fields);
            for known in &expected.fields {
                if !has.contains(&known.field) {
                    return Err(format!(
                        "{}: {} has no field {:?}",
                        row.id, expected.event.0, known.field
                    ));
                }
                let mask = known.value.strip_prefix("0x");
                let mask = mask.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                if known.test == KnownTest::Holds
                    && mask.is_none_or(|m| known.value != format!("{m:#x}"))
                {
                    return Err(format!("{}: {:?} is no mask", row.id, known.value));
                }
            }
        }
    }
    Ok(())
}

/// Names as they are looked up: in lower case, once each; techniques as ATT&CK writes them.
fn hosts_and_folders(data: &CatalogData) -> Checked {
    let mut names = HashSet::new();
    for row in &data.host_processes {
        let name = &row.file;
        if *name != name.to_ascii_lowercase() || !name.ends_with(".exe") || !names.insert(name) {
            return Err(format!(
                "{name}: not a program name in lower case, or there twice"
            ));
        }
        let is_technique = |t: &String| {
            let mut parts = t.strip_prefix('T').unwrap_or_default().split('.');
            let digits = |part: Option<&str>, n| {
                part.is_some_and(|p| p.len() == n && p.bytes().all(|b| b.is_ascii_digit()))
            };
            digits(parts.next(), 4)
                && parts.next().is_none_or(|sub| digits(Some(sub), 3))
                && parts.next().is_none()
        };
        if row.uses.is_empty() || row.techniques.is_empty() {
            return Err(format!("{name}: no use or no technique"));
        }
        if let Some(wrong) = row.techniques.iter().find(|t| !is_technique(t)) {
            return Err(format!("{name}: {wrong:?} is no technique"));
        }
    }
    for row in &data.writable_folders {
        let folder = &row.folder;
        let bounded = |edge| folder.len() > 2 && folder.starts_with(edge) && folder.ends_with(edge);
        if *folder != folder.to_ascii_lowercase()
            || !(bounded('\\') || bounded('%'))
            || !names.insert(folder)
        {
            return Err(format!(
                "{folder}: not a piece of a path in lower case, or there twice"
            ));
        }
    }
    Ok(())
}

/// Every written mask against the sum of the rights beside it.
fn masks(data: &CatalogData) -> Checked {
    let sum = |object: &str, rights: &[String], mask: Option<u32>, row: &str| -> Checked {
        let object = data.access.objects.iter().find(|o| o.id == object);
        let object = object.ok_or_else(|| format!("{row}: no such object type"))?;
        let mut total = 0;
        for name in rights {
            let right = object
                .rights
                .iter()
                .chain(&data.access.standard)
                .find(|r| r.name == *name)
                .map(|r| r.mask);
            let composite = || {
                object
                    .composites
                    .iter()
                    .find(|c| c.name == *name)
                    .map(|c| c.mask)
            };
            total |= right
                .or_else(composite)
                .ok_or_else(|| format!("{row}: {} has no right {name}", object.id))?;
        }
        match mask {
            Some(mask) if mask != total => Err(format!(
                "{row}: the rights sum to {total:#x}, not {mask:#x}"
            )),
            _ => Ok(()),
        }
    };
    for row in &data.api_rights {
        for handle in &row.handles {
            sum(
                &handle.object,
                &handle.rights,
                Some(handle.mask),
                &row.api.0,
            )?;
            for case in handle.plus.iter().chain(&handle.alternatives) {
                sum(&handle.object, &case.rights, Some(case.mask), &row.api.0)?;
            }
        }
    }
    for row in &data.behaviours {
        row.handle_rights
            .iter()
            .try_for_each(|h| sum(&h.object, &h.rights, Some(h.mask), &row.id))?;
    }
    data.right_sets
        .iter()
        .try_for_each(|s| sum(&s.object, &s.rights, Some(s.mask), &s.name))?;
    // A claim is kept because its mask is wrong.
    data.claims
        .iter()
        .try_for_each(|c| sum(&c.object, &c.rights, None, &c.id))
}
