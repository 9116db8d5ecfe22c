//! Events against the manifests of their providers: the Security log is filled up with every event its manifest has, and no
//! row names an id that its provider does not know.

use crate::model::{Mark, map};
use crate::storage::SensorId;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// Providers from before manifests, with the events of theirs that the catalog names.
const CLASSIC: [(&str, &[u32]); 2] = [
    ("EventLog", &[6005, 6006, 6008, 6009, 6013]),
    ("PowerShell", &[400, 403, 500, 501, 600, 800]),
];

fn read(folder: &Path, name: &str) -> Result<String, String> {
    std::fs::read_to_string(folder.join(name)).map_err(|e| format!("generated/{name}: {e}"))
}

/// Adds the Security events that have no row, and names and audit subcategories where rows have none.
pub fn complete(folder: &Path, events: &mut Vec<map::Event>) -> Result<(), String> {
    for line in read(folder, "security_events.tsv")?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [number, title, subcategories] = fields.as_slice() else {
            return Err(format!("generated/security_events.tsv: {line:?}"));
        };
        let id = format!("security:{number}");
        let number = number.parse().map_err(|e| format!("{id}: {e}"))?;
        let title = (!title.is_empty()).then(|| (*title).to_owned());
        let listed = subcategories.split(';').filter(|s| !s.is_empty());
        let listed: Vec<String> = listed.map(str::to_owned).collect();
        match events.iter_mut().find(|e| e.id == id) {
            Some(event) => {
                if event.subcategories.is_empty() {
                    event.subcategories = listed;
                }
                event.name = event.name.take().or(title);
            }
            None => events.push(map::Event {
                id,
                sensor: SensorId("security".to_owned()),
                number,
                name: title,
                provider: None,
                mechanism: None,
                subcategories: listed,
                note: None,
                sysmon: None,
                security: None,
                threat_intelligence: None,
                mark: Mark::FromSource,
                source: vec![
                    "etw-manifests#manifest/Microsoft-Windows-Security-Auditing.tsv".to_owned(),
                    "ossem-dd".to_owned(),
                    "wela".to_owned(),
                ],
            }),
        }
    }
    Ok(())
}

/// Every event of a sensor with a provider is in the manifest of that provider. Sysmon's own are checked against its schema
/// elsewhere; JonMon's provider is no part of Windows.
pub fn check(folder: &Path, sensors: &[map::Sensor], events: &[map::Event]) -> Result<(), String> {
    let text = read(folder, "provider_events.tsv")?;
    let mut known: HashMap<&str, Vec<RangeInclusive<u32>>> = HashMap::new();
    for line in text.lines() {
        let (provider, ids) = line.split_once('\t').unwrap_or((line, ""));
        let ranges = ids.split(',').filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse().ok()?..=last.parse().ok()?)
        });
        known.insert(provider, ranges.collect());
    }
    for (provider, ids) in CLASSIC {
        known.insert(provider, ids.iter().map(|id| *id..=*id).collect());
    }
    for event in events {
        let sensor = sensors.iter().find(|s| s.id == event.sensor.0);
        let sensor = sensor.ok_or_else(|| format!("{}: no such sensor", event.id))?;
        if ["sysmon", "jonmon"].contains(&sensor.id.as_str()) {
            continue;
        }
        let provider = event.provider.as_ref().or(sensor.provider.as_ref());
        let provider = provider.ok_or_else(|| format!("{}: which provider?", event.id))?;
        let ranges = known.get(provider.as_str());
        let ranges = ranges.ok_or_else(|| format!("{}: no provider {provider:?}", event.id))?;
        if !ranges.iter().any(|r| r.contains(&event.number)) {
            return Err(format!("{}: {provider} has no such event", event.id));
        }
    }
    Ok(())
}
