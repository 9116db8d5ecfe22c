//! What the log sources of Sigma rules mean in Windows event logs: `service` names channels, `category` names events
//! (`data/log_sources.toml`).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::LogSource;
use crate::sensor::tables;

/// Events that can feed the rules of a category.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The channels they are in.
    pub channels: Vec<String>,
    /// Their ids.
    pub ids: Vec<u32>,
    /// What a field of a rule is called in these events, where it has another name.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

impl Route {
    /// Whether a record with this source and event id can feed the rules.
    pub fn accepts(&self, source: &LogSource<'_>, id: u32) -> bool {
        self.ids.contains(&id) && self.channels.iter().any(|c| source.is_from(c))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Category {
    name: String,
    routes: Vec<Route>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Taxonomy {
    service: BTreeMap<String, Vec<String>>,
    category: Vec<Category>,
}

/// The channels that Sigma names.
pub(crate) fn channels(taxonomy: &Taxonomy) -> impl Iterator<Item = &str> {
    taxonomy.service.values().flatten().map(String::as_str)
}

/// The channels that a Sigma `service` stands for; `None` where no Windows event log has that name.
pub fn service(name: &str) -> Option<&'static [String]> {
    tables().taxonomy.service.get(name).map(Vec::as_slice)
}

/// The names of all services.
pub fn services() -> impl Iterator<Item = &'static str> {
    tables().taxonomy.service.keys().map(String::as_str)
}

/// The events that a Sigma `category` stands for: none for a category that no event log feeds, `None` for one that is
/// not known.
pub fn category(name: &str) -> Option<&'static [Route]> {
    let category = tables().taxonomy.category.iter().find(|c| c.name == name);
    category.map(|c| c.routes.as_slice())
}

/// The names of all categories.
pub fn categories() -> impl Iterator<Item = &'static str> {
    tables().taxonomy.category.iter().map(|c| c.name.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn services_and_categories_lead_to_channels() {
        assert_eq!(service("security").unwrap(), ["Security"]);
        assert_eq!(service("none such"), None);
        let creation = category("process_creation").unwrap();
        assert_eq!(creation.len(), 2);
        assert_eq!(creation[1].fields["Image"], "NewProcessName");
        assert_eq!(category("file_access").unwrap().len(), 0);
        assert!(category("none such").is_none());
        for name in categories() {
            for channel in category(name).unwrap().iter().flat_map(|r| &r.channels) {
                let named = |s: &str| service(s).unwrap().contains(channel);
                assert!(services().any(named), "{channel} of {name}");
            }
        }
    }

    #[test]
    fn a_route_accepts_by_channel_and_id() {
        let route = &category("process_creation").unwrap()[0];
        let sysmon = LogSource::of(None, Some("Microsoft-Windows-Sysmon"));
        assert!(route.accepts(&sysmon, 1));
        assert!(!route.accepts(&sysmon, 3));
        let system = LogSource::of(Some("System"), None);
        assert!(!route.accepts(&system, 1));
    }
}
