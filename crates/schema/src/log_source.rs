//! Whose a record is. One rule, for every place that asks:
//!
//! 1. The channel decides where it is a sensor's own, or is known to be nobody's here.
//! 2. Any other channel is a collector's: `ForwardedEvents`, or one made for a subscription. Forwarding keeps the
//!    provider, so the provider decides; likewise where a record has no channel.
//! 3. A record with neither is nobody's.
//!
//! Case does not count, nor do the spellings shippers give channels: `XmlWinEventLog:Security`,
//! `Microsoft-Windows-Sysmon%4Operational`.

use std::borrow::Cow;

use crate::sensor::{Sensor, tables};

/// What a channel's name says of the records in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// They are this sensor's.
    Of(Sensor),
    /// They are no sensor's that is known here.
    Foreign,
    /// Nothing: the channel is unknown, or a collector's.
    Unknown,
}

impl Channel {
    /// What the name of a channel says. An empty name says nothing.
    pub fn of(name: &str) -> Self {
        match tables().channel(&plain_channel(name)) {
            Some(Some(sensor)) => Self::Of(sensor),
            Some(None) => Self::Foreign,
            None => Self::Unknown,
        }
    }

    /// Whose a record in such a channel is, where `by_provider` is what its provider says.
    #[inline]
    pub fn or_provider(self, by_provider: Option<Sensor>) -> Option<Sensor> {
        match self {
            Self::Of(sensor) => Some(sensor),
            Self::Foreign => None,
            Self::Unknown => by_provider,
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
        let said = |text: &&str| !text.trim().is_empty();
        Self {
            channel: channel.filter(said),
            provider: provider.filter(said),
        }
    }

    /// The sensor whose record it is.
    pub fn sensor(&self) -> Option<Sensor> {
        let channel = self.channel.map_or(Channel::Unknown, Channel::of);
        channel.or_provider(self.provider.and_then(Self::sensor_of_provider))
    }

    /// The sensor that a provider writes for, told by the provider's name or its GUID with or without braces.
    pub fn sensor_of_provider(name: &str) -> Option<Sensor> {
        let name = name.trim().trim_start_matches('{').trim_end_matches('}');
        tables().provider(&name.to_lowercase())
    }

    /// Whether the record may come from this channel: it is its own, or, where its own says nothing, that of its
    /// provider. The provider of `Microsoft-Windows-Name/Any` is `Microsoft-Windows-Name`.
    pub fn is_from(&self, channel: &str) -> bool {
        let wanted = plain_channel(channel);
        let own = self.channel.map(plain_channel);
        if own.as_deref() == Some(wanted.as_ref()) {
            return true;
        }
        if self
            .channel
            .is_some_and(|own| Channel::of(own) != Channel::Unknown)
        {
            return false;
        }
        let Some(provider) = self.provider else {
            return false;
        };
        match (Channel::of(channel), Self::sensor_of_provider(provider)) {
            (Channel::Of(wanted), Some(sensor)) if wanted == sensor => {
                // Sensors with several channels write each by a provider of the same name.
                let own = own_provider(channel);
                sensor.channels().len() == 1
                    || sensor
                        .providers()
                        .iter()
                        .all(|p| !p.eq_ignore_ascii_case(own))
                    || own.eq_ignore_ascii_case(provider.trim())
            }
            _ => own_provider(channel).eq_ignore_ascii_case(provider.trim()),
        }
    }
}

/// The provider a channel is named after.
fn own_provider(channel: &str) -> &str {
    channel
        .split_once('/')
        .map_or(channel, |(provider, _)| provider)
}

/// A channel's name in lower case, without what shippers put around it.
fn plain_channel(name: &str) -> Cow<'_, str> {
    let mut name = name.trim();
    for prefix in ["XmlWinEventLog:", "WinEventLog:"] {
        if let Some(head) = name.get(..prefix.len())
            && head.eq_ignore_ascii_case(prefix)
        {
            name = &name[prefix.len()..];
        }
    }
    // As in the names of EVTX files.
    if name.contains("%4") {
        return Cow::Owned(name.replace("%4", "/").to_lowercase());
    }
    if name
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii())
    {
        Cow::Owned(name.to_lowercase())
    } else {
        Cow::Borrowed(name)
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
            "Contoso-Sysmon/Operational",
            "WEC-Process-Execution",
        ] {
            assert_eq!(sensor(Some(collector), Some(SYSMON)), Some(Sensor::Sysmon));
            let security = Some("Microsoft-Windows-Security-Auditing");
            assert_eq!(sensor(Some(collector), security), Some(Sensor::Security));
            assert_eq!(sensor(Some(collector), None), None);
        }
    }

    #[test]
    fn spellings_of_the_same_channel_and_provider_are_one() {
        for channel in [
            "microsoft-windows-sysmon/operational",
            "MICROSOFT-WINDOWS-SYSMON/OPERATIONAL",
            "XmlWinEventLog:Microsoft-Windows-Sysmon/Operational",
            "WinEventLog:Microsoft-Windows-Sysmon/Operational",
            "Microsoft-Windows-Sysmon%4Operational",
            " Microsoft-Windows-Sysmon/Operational ",
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

    proptest! {
        #[test]
        fn case_and_blanks_change_nothing(channel in "\\PC{0,40}", provider in "\\PC{0,40}") {
            let plain = sensor(Some(&channel), Some(&provider));
            let upper = (channel.to_ascii_uppercase(), format!(" {provider} "));
            prop_assert_eq!(plain, sensor(Some(&upper.0), Some(&upper.1)));
        }
    }
}
