//! What writes events: its channels, its providers, its names (`data/log_sources.toml`).

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::taxonomy::{self, Taxonomy};

/// What writes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sensor {
    /// Sysmon, on Windows and on Linux.
    Sysmon,
    /// The Security log: the audit events of the kernel and of LSASS.
    Security,
    /// The ETW provider for protected antimalware processes.
    ThreatIntelligence,
    /// The System log.
    System,
    /// The logs of Windows PowerShell and of PowerShell 7.
    #[serde(rename = "powershell")]
    PowerShell,
    /// The log of WMI's operations.
    WmiActivity,
    /// The logs of AppLocker.
    #[serde(rename = "applocker")]
    AppLocker,
    /// The log of scheduled tasks.
    TaskScheduler,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: Sensor,
    name: String,
    aliases: Vec<String>,
    channels: Vec<String>,
    providers: Vec<String>,
    guids: Vec<String>,
    word: Option<String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sensor: Vec<Row>,
    #[serde(flatten)]
    taxonomy: Taxonomy,
}

pub(crate) struct Tables {
    rows: Vec<Row>,
    pub(crate) taxonomy: Taxonomy,
    /// By channel in lower case: the sensor, or none where the channel is known and no sensor's here.
    channels: BTreeMap<String, Option<Sensor>>,
    /// By provider name or GUID in lower case.
    providers: HashMap<String, Sensor>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/log_sources.toml"))
        .expect("data/log_sources.toml is checked by a test");
    let mut channels = BTreeMap::new();
    let mut providers = HashMap::new();
    let foreign = taxonomy::channels(&file.taxonomy).chain(["Application", "Setup"]);
    for channel in foreign {
        channels.insert(channel.to_lowercase(), None);
    }
    for row in &file.sensor {
        for channel in &row.channels {
            channels.insert(channel.to_lowercase(), Some(row.id));
        }
        for provider in row.providers.iter().chain(&row.guids) {
            providers.insert(provider.to_lowercase(), row.id);
        }
    }
    Tables {
        rows: file.sensor,
        taxonomy: file.taxonomy,
        channels,
        providers,
    }
});

pub(crate) fn tables() -> &'static Tables {
    &TABLES
}

impl Tables {
    pub(crate) fn channel(&self, lower: &str) -> Option<Option<Sensor>> {
        self.channels.get(lower).copied()
    }

    pub(crate) fn provider(&self, lower: &str) -> Option<Sensor> {
        self.providers.get(lower).copied()
    }

    /// The sensor whose word a name in lower case has.
    pub(crate) fn word(&self, lower: &str) -> Option<Sensor> {
        let has = |row: &&Row| row.word.as_ref().is_some_and(|w| lower.contains(w));
        self.rows.iter().find(has).map(|row| row.id)
    }
}

impl Sensor {
    /// All sensors.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLES.rows.iter().map(|row| row.id)
    }

    fn row(self) -> &'static Row {
        let row = TABLES.rows.iter().find(|row| row.id == self);
        row.expect("a test finds every sensor in the data")
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        &self.row().name
    }

    /// The sensor that answers to a name: its own (`Sysmon`, `threat-intelligence`), a short one (`ti`, `sec`), one of
    /// its channels or providers. Case does not count.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.trim();
        let row = TABLES.rows.iter().find(|row| {
            row.aliases
                .iter()
                .chain([&row.name])
                .any(|n| n.eq_ignore_ascii_case(name))
                || row.id.id() == name.to_ascii_lowercase()
        });
        row.map(|row| row.id).or_else(|| {
            let lower = name.to_lowercase();
            TABLES
                .channel(&lower)
                .flatten()
                .or_else(|| TABLES.provider(&lower))
        })
    }

    /// Its name in the catalog.
    pub fn id(self) -> &'static str {
        match self {
            Self::Sysmon => "sysmon",
            Self::Security => "security",
            Self::ThreatIntelligence => "threat-intelligence",
            Self::System => "system",
            Self::PowerShell => "powershell",
            Self::WmiActivity => "wmi-activity",
            Self::AppLocker => "applocker",
            Self::TaskScheduler => "task-scheduler",
        }
    }

    /// Its own channels, the most usual first.
    pub fn channels(self) -> &'static [String] {
        &self.row().channels
    }

    /// The channels that are known and not its own, in lower case and in order.
    pub fn foreign_channels(self) -> impl Iterator<Item = &'static str> {
        let foreign = move |(name, of): (&'static String, &Option<Self>)| {
            (*of != Some(self)).then_some(name.as_str())
        };
        TABLES.channels.iter().filter_map(foreign)
    }

    /// What tells it in the name of a channel or provider that is not known, in lower case.
    pub fn word(self) -> Option<&'static str> {
        self.row().word.as_deref()
    }

    /// The providers that write to its channels alone, by name.
    pub fn providers(self) -> &'static [String] {
        &self.row().providers
    }

    /// The GUIDs of those providers, without braces, in lower case.
    pub fn guids(self) -> &'static [String] {
        &self.row().guids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sensor_is_in_the_data_under_its_own_name() {
        for row in &TABLES.rows {
            assert_eq!(Sensor::named(row.id.id()), Some(row.id));
            assert_eq!(row.id.row().name, row.name);
            assert_eq!(
                row.guids,
                row.guids
                    .iter()
                    .map(|g| g.to_lowercase())
                    .collect::<Vec<_>>()
            );
        }
        assert_eq!(Sensor::all().count(), 8);
        assert_eq!(Sensor::named("TI"), Some(Sensor::ThreatIntelligence));
        assert_eq!(
            Sensor::named("linux-sysmon/operational"),
            Some(Sensor::Sysmon)
        );
        assert_eq!(Sensor::named("Application"), None);
    }

    #[test]
    fn a_channel_and_a_provider_belong_to_one_sensor() {
        let mut seen = HashMap::new();
        for row in &TABLES.rows {
            for name in row.channels.iter().chain(&row.providers).chain(&row.guids) {
                let before = seen.insert(name.to_lowercase(), row.id);
                assert!(before.is_none_or(|b| b == row.id), "{name}");
            }
        }
    }
}
