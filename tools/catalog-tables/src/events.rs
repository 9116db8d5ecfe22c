//! Providers and their events.

use crate::source::{Failure, Sources, csv};
use std::collections::{BTreeMap, BTreeSet};

/// `provider`, `ids` as ranges (`1-4,6`); one line each, by provider.
pub fn provider_events(sources: &Sources) -> Result<String, Failure> {
    let mut table: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (_, text) in sources.files("etw-events/manifest", ".tsv")? {
        for line in text.lines().skip(1) {
            let mut fields = line.split('\t');
            if let (Some(provider), Some(Ok(id))) = (fields.next(), fields.next().map(str::parse)) {
                table.entry(provider.to_owned()).or_default().insert(id);
            }
        }
    }
    let line = |(provider, ids): (String, BTreeSet<u32>)| format!("{provider}\t{}\n", ranges(&ids));
    Ok(table.into_iter().map(line).collect())
}

fn ranges(ids: &BTreeSet<u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for &id in ids {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == id => *last = id,
            _ => ranges.push((id, id)),
        }
    }
    let text = ranges.iter().map(|&(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    text.collect::<Vec<_>>().join(",")
}

/// `id`, `title`, `subcategories` (semicolon); every event of the Security-Auditing manifest, by id.
pub fn security_events(sources: &Sources) -> Result<String, Failure> {
    const MAP: &str = "wela/config/eid_subcategory_mapping.csv";
    const PROVIDER: &str = "Microsoft-Windows-Security-Auditing";
    let manifest = sources.text(&format!("etw-events/manifest/{PROVIDER}.tsv"))?;
    let ids: BTreeSet<u32> = manifest
        .lines()
        .filter_map(|l| l.split('\t').nth(1)?.parse().ok())
        .collect();
    let mut titles: BTreeMap<u32, String> = BTreeMap::new();
    let events = format!("ossem-dd/windows/etw-providers/{PROVIDER}/events");
    for (_, text) in sources.files(&events, ".yml")? {
        let name = text.lines().find_map(|l| l.strip_prefix("name:"));
        let name = name.unwrap_or_default().trim().trim_matches(['\'', '"']);
        let Some((id, title)) = name
            .strip_prefix("Event ID ")
            .and_then(|n| n.split_once(": "))
        else {
            continue;
        };
        if let Ok(id) = id.parse() {
            let title = title.trim().trim_end_matches('.').replace("''", "'");
            // Versions of an event for one kind of object come after the event itself and do not rename it.
            titles.entry(id).or_insert(title);
        }
    }
    let mut subcategories: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for line in sources.text(MAP)?.lines().skip(1) {
        let fields = csv(line);
        if let [id, _, subcategory, ..] = fields.as_slice()
            && let Ok(id) = id.parse::<u32>()
            && !subcategory.is_empty()
        {
            let all = subcategories.entry(id).or_default();
            if !all.contains(subcategory) {
                all.push(subcategory.clone());
            }
        }
    }
    subcategories.values_mut().for_each(without_repeats);
    let line = |id: &u32| {
        let title = titles.get(id).map_or("", String::as_str);
        let subcategory = subcategories
            .get(id)
            .map(|s| s.join(";"))
            .unwrap_or_default();
        format!("{id}\t{title}\t{subcategory}\n")
    };
    Ok(ids.iter().map(line).collect())
}

/// The list repeats two blocks of events under the subcategories before theirs; Microsoft's pages have them once.
fn without_repeats(subcategories: &mut Vec<String>) {
    let has = |name: &str| subcategories.iter().any(|s| s == name);
    if has("Other Object Access Events") {
        subcategories.retain(|s| s != "Filtering Platform Connection");
    } else if has("Detailed Directory Service Replication") {
        subcategories.retain(|s| s.starts_with("Detailed"));
    }
}

/// `component`, `table`, `action`: what Defender for Endpoint claims to record, by data component.
pub fn defender_tables(sources: &Sources) -> Result<String, Failure> {
    let mut lines = BTreeSet::new();
    for (_, text) in sources.files("ossem-dm/relationships", ".yml")? {
        let component = text
            .lines()
            .find_map(|l| l.trim().strip_prefix("data_component:"));
        let Some(component) = component.map(|c| c.trim().to_lowercase().replace(' ', "-")) else {
            continue;
        };
        // One file holds all of the others.
        if text.matches("relationship_id:").count() != 1 {
            continue;
        }
        for event in text.split("\n- event_id: ").skip(1) {
            let table = event
                .lines()
                .next()
                .unwrap_or_default()
                .trim()
                .trim_matches('\'');
            if !table.starts_with("Device") {
                continue;
            }
            let actions = event
                .lines()
                .filter_map(|l| l.trim().strip_prefix("- ActionType:"));
            let mut actions: Vec<_> = actions.map(|a| a.trim().trim_matches('\'')).collect();
            if actions.is_empty() {
                actions.push("");
            }
            lines.extend(
                actions
                    .iter()
                    .map(|a| format!("{component}\t{table}\t{a}\n")),
            );
        }
    }
    Ok(lines.into_iter().collect())
}

/// `service`, `provider`, `event`, `id`, `path`: what the call graph of a system service reaches, without the writes that
/// have no event of their own.
pub fn syscall_etw(sources: &Sources) -> Result<String, Failure> {
    const FILE: &str = "api-to-etw/ntoskrnl.exe.csv";
    let mut lines = BTreeSet::new();
    for line in sources.text(FILE)?.lines().skip(1) {
        let fields = csv(line);
        let [service, guid, symbol, _, _, event, id, .., path] = fields.as_slice() else {
            continue;
        };
        if event.is_empty() || id.is_empty() || !guid.contains('-') {
            continue;
        }
        let event = event.trim_matches('"');
        let path = path.trim_matches(['[', ']']).replace("->", " -> ");
        let id = if id == "-" { "" } else { id };
        lines.insert(format!(
            "{service}\t{{{guid}}}\t{}\t{event}\t{id}\t{path}\n",
            symbol.trim_matches('"')
        ));
    }
    Ok(lines.into_iter().collect())
}
