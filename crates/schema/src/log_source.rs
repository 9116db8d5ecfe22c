//! Whose a record is. One rule, for every place that asks:
//!
//! 1. The channel decides where it is a sensor's own, or is known to be another's.
//! 2. Any other channel is a collector's: `ForwardedEvents`, or one made for a subscription. Forwarding keeps the
//!    provider, so the provider decides, if it is known to write for a sensor; likewise where a record has no channel.
//! 3. Where neither is known, a name that has the sensor's word in it (`WEC-Sysmon`) is the sensor's.
//! 4. All other records are nobody's, and so are those that have neither.
//!
//! Case does not count, nor do the spellings shippers give channels and providers: `XmlWinEventLog:Security`,
//! `Microsoft-Windows-Sysmon%4Operational`, a GUID in place of a name.

use std::borrow::Cow;

use crate::sensor::{Sensor, tables};

/// What shippers put before a channel's name.
const PREFIXES: [&str; 2] = ["xmlwineventlog:", "wineventlog:"];
/// What stands for `/` in the names of EVTX files.
const SLASH: &str = "%4";

/// What the name of a channel or of a provider says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attribution {
    /// The record is this sensor's.
    Of(Sensor),
    /// It is none's.
    Foreign,
    /// The name is not known, but has this sensor's word in it.
    Perhaps(Sensor),
    /// Nothing.
    Unknown,
}

impl Attribution {
    /// What the name of a channel says.
    pub fn of_channel(name: &str) -> Self {
        let name = plain_channel(name);
        match tables().channel(&name) {
            Some(Some(sensor)) => Self::Of(sensor),
            Some(None) => Self::Foreign,
            None => tables().word(&name).map_or(Self::Unknown, Self::Perhaps),
        }
    }

    /// What the name of a provider says, or its GUID with or without braces.
    pub fn of_provider(name: &str) -> Self {
        let bare = name.strip_prefix('{').and_then(|n| n.strip_suffix('}'));
        let lower = bare.unwrap_or(name).to_lowercase();
        match tables().provider(&lower) {
            Some(sensor) => Self::Of(sensor),
            None => tables().word(&lower).map_or(Self::Unknown, Self::Perhaps),
        }
    }

    /// Whose a record is of whose channel this is said, and that of its provider.
    #[inline]
    pub fn sensor(self, provider: Self) -> Option<Sensor> {
        match (self, provider) {
            (Self::Of(sensor), _) => Some(sensor),
            (Self::Foreign, _) => None,
            (_, Self::Of(sensor)) => Some(sensor),
            (Self::Perhaps(sensor), _) | (_, Self::Perhaps(sensor)) => Some(sensor),
            _ => None,
        }
    }
}

/// Where a record comes from, as its header tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogSource<'a> {
    channel: Option<&'a str>,
    provider: Option<&'a str>,
}

impl<'a> LogSource<'a> {
    /// The channel and the provider of a record's header. Empty text is none.
    pub fn of(channel: Option<&'a str>, provider: Option<&'a str>) -> Self {
        let said = |text: &&str| !text.is_empty();
        Self {
            channel: channel.filter(said),
            provider: provider.filter(said),
        }
    }

    /// The sensor whose record it is.
    pub fn sensor(&self) -> Option<Sensor> {
        let channel = self
            .channel
            .map_or(Attribution::Unknown, Attribution::of_channel);
        let provider = self
            .provider
            .map_or(Attribution::Unknown, Attribution::of_provider);
        channel.sensor(provider)
    }

    /// Whether the record may come from this channel: it is its own, or, where its own is not known, one that its
    /// provider writes to. The provider of `Microsoft-Windows-Name/Any` is `Microsoft-Windows-Name`; a sensor's only
    /// channel has all its providers.
    pub fn is_from(&self, channel: &str) -> bool {
        if let Some(own) = self.channel {
            if plain_channel(own) == plain_channel(channel) {
                return true;
            }
            if matches!(
                Attribution::of_channel(own),
                Attribution::Of(_) | Attribution::Foreign
            ) {
                return false;
            }
        }
        let named_after = channel.split_once('/').map_or(channel, |(name, _)| name);
        if self
            .provider
            .is_some_and(|p| p.eq_ignore_ascii_case(named_after))
        {
            return true;
        }
        match self.sensor() {
            Some(sensor) if sensor.channels().len() == 1 || sensor == Sensor::Sysmon => {
                Attribution::of_channel(channel) == Attribution::Of(sensor)
            }
            _ => false,
        }
    }
}

impl Sensor {
    /// Every spelling of its channels that is taken for them, in lower case.
    pub fn channel_spellings(self) -> Vec<String> {
        spellings(self.channels().iter().map(|c| c.to_lowercase()))
    }

    /// Every spelling of the channels that are known and not its own, in lower case.
    pub fn foreign_channel_spellings(self) -> Vec<String> {
        spellings(self.foreign_channels().map(str::to_owned))
    }

    /// Every spelling of its providers, in lower case.
    pub fn provider_spellings(self) -> Vec<String> {
        let names = self.providers().iter().map(|p| p.to_lowercase());
        let guids = self.guids().iter();
        let mut all: Vec<String> = names.collect();
        all.extend(guids.flat_map(|g| [g.clone(), format!("{{{g}}}")]));
        all
    }
}

fn spellings(channels: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    for channel in channels {
        for prefix in [""].iter().chain(&PREFIXES) {
            all.push(format!("{prefix}{channel}"));
            if channel.contains('/') {
                all.push(format!("{prefix}{}", channel.replace('/', SLASH)));
            }
        }
    }
    all
}

/// A channel's name in lower case, without what shippers do to it.
fn plain_channel(name: &str) -> Cow<'_, str> {
    let name = match name
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii())
    {
        true => Cow::Owned(name.to_lowercase()),
        false => Cow::Borrowed(name),
    };
    let prefix = PREFIXES.iter().find(|p| name.starts_with(**p));
    match (prefix, name.contains(SLASH)) {
        (None, false) => name,
        (prefix, _) => {
            let bare = &name[prefix.map_or(0, |p| p.len())..];
            Cow::Owned(bare.replace(SLASH, "/"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SYSMON: &str = "Microsoft-Windows-Sysmon";

    fn sensor(channel: Option<&str>, provider: Option<&str>) -> Option<Sensor> {
        LogSource::of(channel, provider).sensor()
    }

    #[test]
    fn the_channel_decides_else_the_provider() {
        let channel = Some("Microsoft-Windows-Sysmon/Operational");
        let sysmon = Some(Sensor::Sysmon);
        assert_eq!(sensor(channel, Some(SYSMON)), sysmon);
        assert_eq!(sensor(channel, None), sysmon);
        assert_eq!(sensor(None, Some(SYSMON)), sysmon);
        assert_eq!(sensor(Some(""), Some(SYSMON)), sysmon);
        assert_eq!(sensor(None, None), None);
        assert_eq!(sensor(Some("Linux-Sysmon/Operational"), None), sysmon);
        assert_eq!(sensor(None, Some("Linux-Sysmon")), sysmon);
        // A log that was cleared is told by the event log service, which writes to more than one channel.
        let eventlog = Some("Microsoft-Windows-Eventlog");
        assert_eq!(sensor(Some("Security"), eventlog), Some(Sensor::Security));
        assert_eq!(sensor(Some("System"), eventlog), Some(Sensor::System));
        assert_eq!(sensor(None, eventlog), None);
        assert_eq!(sensor(Some("Application"), Some(SYSMON)), None);
        assert_eq!(sensor(Some("Application"), Some("ESENT")), None);
    }

    #[test]
    fn what_was_forwarded_keeps_its_provider() {
        for collector in [
            "ForwardedEvents",
            "Contoso-Events/Operational",
            "WEC-Process-Execution",
        ] {
            assert_eq!(sensor(Some(collector), Some(SYSMON)), Some(Sensor::Sysmon));
            let security = Some("Microsoft-Windows-Security-Auditing");
            assert_eq!(sensor(Some(collector), security), Some(Sensor::Security));
            assert_eq!(sensor(Some(collector), None), None);
        }
    }

    #[test]
    fn a_name_nobody_knows_is_told_by_the_word_in_it() {
        let sysmon = Some(Sensor::Sysmon);
        assert_eq!(sensor(Some("WEC-Sysmon"), None), sysmon);
        assert_eq!(sensor(Some("ForwardedEvents"), Some("Sysmon")), sysmon);
        assert_eq!(sensor(Some("WEC-Sysmon"), Some("unknown")), sysmon);
        let security = Some("Microsoft-Windows-Security-Auditing");
        assert_eq!(sensor(Some("WEC-Sysmon"), security), Some(Sensor::Security));
        assert_eq!(sensor(Some("Application"), Some("Sysmon")), None);
    }

    #[test]
    fn spellings_of_the_same_channel_and_provider_are_one() {
        for channel in [
            "microsoft-windows-sysmon/operational",
            "MICROSOFT-WINDOWS-SYSMON/OPERATIONAL",
            "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational",
            "WinEventLog:Microsoft-Windows-Sysmon/Operational",
            "Microsoft-Windows-Sysmon%4Operational",
        ] {
            assert_eq!(
                sensor(Some(channel), None),
                Some(Sensor::Sysmon),
                "{channel}"
            );
        }
        for provider in [
            "MICROSOFT-WINDOWS-SYSMON",
            "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}",
            "5770385f-c22a-43e0-bf4c-06f5698ffbd9",
        ] {
            assert_eq!(
                sensor(None, Some(provider)),
                Some(Sensor::Sysmon),
                "{provider}"
            );
        }
    }

    #[test]
    fn a_record_may_come_from_the_channels_of_its_provider() {
        let from = |channel: Option<&str>, provider: Option<&str>, wanted: &str| {
            LogSource::of(channel, provider).is_from(wanted)
        };
        let sysmon = "Microsoft-Windows-Sysmon/Operational";
        assert!(from(
            Some("microsoft-windows-sysmon/operational"),
            None,
            sysmon
        ));
        assert!(from(None, Some(SYSMON), sysmon));
        assert!(from(Some("ForwardedEvents"), Some(SYSMON), sysmon));
        assert!(!from(Some("Security"), Some(SYSMON), sysmon));
        assert!(!from(None, None, sysmon));
        let powershell = "Microsoft-Windows-PowerShell";
        assert!(from(
            None,
            Some(powershell),
            "Microsoft-Windows-PowerShell/Operational"
        ));
        assert!(!from(None, Some(powershell), "PowerShellCore/Operational"));
        assert!(from(
            None,
            Some("PowerShellCore"),
            "PowerShellCore/Operational"
        ));
        assert!(from(
            None,
            Some("Microsoft-Windows-AppLocker"),
            "Microsoft-Windows-AppLocker/MSI and Script"
        ));
        assert!(from(
            None,
            Some("Microsoft-Windows-NTLM"),
            "Microsoft-Windows-NTLM/Operational"
        ));
        assert!(from(None, Some("Service Control Manager"), "System"));
        assert!(!from(
            Some("Application"),
            Some("Service Control Manager"),
            "System"
        ));
    }

    #[test]
    fn every_spelling_is_taken_for_what_it_spells() {
        for of in Sensor::all() {
            for channel in of.channel_spellings() {
                assert_eq!(sensor(Some(&channel), None), Some(of), "{channel}");
            }
            for channel in of.foreign_channel_spellings() {
                assert_ne!(sensor(Some(&channel), None), Some(of), "{channel}");
            }
            for provider in of.provider_spellings() {
                assert_eq!(sensor(None, Some(&provider)), Some(of), "{provider}");
            }
        }
    }

    proptest! {
        #[test]
        fn case_changes_nothing(channel in "\\PC{0,40}", provider in "\\PC{0,40}") {
            let plain = sensor(Some(&channel), Some(&provider));
            let upper = (channel.to_ascii_uppercase(), provider.to_ascii_uppercase());
            prop_assert_eq!(plain, sensor(Some(&upper.0), Some(&upper.1)));
        }
    }
}
