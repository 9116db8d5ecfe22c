//! Arrows that a call takes over from the system services it ends in: only where what it passes to the service meets what
//! the arrow asks for. What is not stated counts as not met, so that nothing follows from silence.

use crate::model::calls::{Mapping, Service};
use crate::model::when::{Aspect, Precondition};
use crate::storage::ApiId;
use crate::tables;
use serde::Serialize;
use std::fmt;

/// An arrow of a system service that holds for the call above it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Derived {
    /// The arrow.
    pub arrow: &'static Mapping,
    /// The service it is taken from, and what the call passes to it.
    pub through: &'static Service,
    /// The conditions that the call does not settle by itself.
    pub open: Vec<&'static Precondition>,
}

/// The arrows that follow for `api` from the services it ends in.
pub fn derived(api: ApiId) -> Vec<Derived> {
    let mut derived = Vec::new();
    for through in api.row().native {
        for arrow in tables::mappings()
            .iter()
            .filter(|m| m.api == Some(through.call))
        {
            if let Some(open) = open_conditions(arrow, through) {
                derived.push(Derived {
                    arrow,
                    through,
                    open,
                });
            }
        }
    }
    derived
}

/// The conditions of `arrow` that stay open for a call that passes what `service` states; `None` if one cannot be met or
/// nothing is stated about it, or if the arrow itself is in doubt.
pub fn open_conditions(
    arrow: &'static Mapping,
    service: &Service,
) -> Option<Vec<&'static Precondition>> {
    if arrow.assessment.is_some() || arrow.mark > crate::Mark::Derived {
        return None;
    }
    let mut open = Vec::new();
    for wanted in arrow.when {
        if !wanted.on.is_passed() {
            open.push(wanted);
            continue;
        }
        let passed = service.passes.iter().find(|p| p.on == wanted.on)?;
        if passed.is.contains(&"any") {
            open.push(wanted);
            continue;
        }
        let mut meeting = passed.is.iter().filter(|value| wanted.is.contains(value));
        meeting.next()?;
        if passed.is.iter().any(|value| !wanted.is.contains(value)) {
            open.push(wanted);
        }
    }
    Some(open)
}

impl Aspect {
    /// Whether the call decides it by what it passes; else it lies in how the host or the sensor is set up.
    pub fn is_passed(self) -> bool {
        !matches!(
            self,
            Self::AuditPolicy
                | Self::Sacl
                | Self::ProcessLogging
                | Self::Host
                | Self::Version
                | Self::Configuration
        )
    }

    /// Its name in a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::InformationClass => "information class",
            Self::Object => "object",
            Self::Option => "option",
            Self::Target => "target",
            Self::Protection => "protection",
            Self::Token => "token",
            Self::Content => "content",
            Self::Caller => "caller",
            Self::AuditPolicy => "audit subcategory",
            Self::Sacl => "SACL",
            Self::ProcessLogging => "process logging",
            Self::Host => "written on",
            Self::Version => "version",
            Self::Configuration => "Sysmon configuration",
        }
    }
}

impl fmt::Display for Precondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.on.words(), self.is.join(" or "))
    }
}

/// Conditions as one text, `target: another process; protection: executable`; empty where there are none.
pub fn in_words<'c>(conditions: impl IntoIterator<Item = &'c Precondition>) -> String {
    let words: Vec<_> = conditions.into_iter().map(ToString::to_string).collect();
    words.join("; ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::find::Subject;
    use crate::find::apis;

    fn events(name: &str) -> Vec<&'static str> {
        let Subject::Api(api) = apis(name)[0].subject else {
            unreachable!("apis gives calls")
        };
        let own = tables::mappings().iter().filter(|m| m.api == Some(api));
        let own = own
            .filter(|m| m.assessment.is_none())
            .map(|m| m.event.slug());
        own.chain(derived(api).iter().map(|d| d.arrow.event.slug()))
            .collect()
    }

    /// What follows from the service alone and is false for the call: the class, the object or the process is another.
    #[test]
    fn arrows_that_do_not_follow() {
        for (call, false_events) in [
            (
                "SetFileTime",
                &["sysmon:23", "sysmon:26", "security:4664"][..],
            ),
            ("DeleteFile", &["sysmon:2", "security:4664"]),
            (
                "MoveFile",
                &["sysmon:2", "sysmon:23", "sysmon:26", "security:4664"],
            ),
            ("SetPriorityClass", &["security:4696"]),
            ("SetProcessInformation", &["security:4696"]),
            (
                "CreateDirectory",
                &["sysmon:2", "sysmon:9", "sysmon:15", "sysmon:18"],
            ),
            ("CopyFile", &["sysmon:2", "sysmon:9", "sysmon:18"]),
            (
                "CallNamedPipe",
                &["sysmon:2", "sysmon:9", "sysmon:11", "sysmon:15"],
            ),
            ("CreateFileW", &["sysmon:2"]),
            ("CreateFileInternal", &["sysmon:2"]),
            ("MapViewOfFile2", &["sysmon:6"]),
            ("MapViewOfFileNuma2", &["sysmon:6"]),
            (
                "LoadLibrary",
                &["threat-intelligence:3", "threat-intelligence:8"],
            ),
            (
                "Wow64SetThreadContext",
                &[
                    "threat-intelligence:33",
                    "threat-intelligence:34",
                    "threat-intelligence:36",
                ],
            ),
            ("PssCaptureSnapshot", &["sysmon:1"]),
            ("ImpersonateLoggedOnUser", &["threat-intelligence:34"]),
            (
                "RevertToSelf",
                &["threat-intelligence:33", "threat-intelligence:36"],
            ),
            ("SetFileInformationByHandle", &["security:4664"]),
            ("StartService", &["sysmon:1"]),
        ] {
            let said = events(call);
            for event in false_events {
                assert!(!said.contains(event), "{call} -> {event}");
            }
        }
    }

    #[test]
    fn arrows_that_do_follow() {
        for (call, event) in [
            ("SetFileTime", "sysmon:2"),
            ("CreateProcessWithTokenW", "sysmon:1"),
            ("CreateProcessWithTokenW", "sysmon:10"),
            ("RegCreateKeyExW", "sysmon:12"),
            ("PssCaptureSnapshot", "sysmon:10"),
            ("MapViewOfFile2", "sysmon:7"),
            ("MapViewOfFile2", "threat-intelligence:3"),
            ("SetFileInformationByHandle", "sysmon:23"),
            ("RevertToSelf", "threat-intelligence:34"),
        ] {
            assert!(events(call).contains(&event), "{call} -> {event}");
        }
    }

    #[test]
    fn nothing_follows_from_what_is_not_stated() {
        for api in ApiId::all() {
            for found in derived(api) {
                for wanted in found.arrow.when.iter().filter(|w| w.on.is_passed()) {
                    let passed = found.through.passes.iter().find(|p| p.on == wanted.on);
                    let passed = passed.unwrap_or_else(|| {
                        panic!("{api} -> {}: nothing is said of {wanted}", found.arrow.id)
                    });
                    let meets = passed
                        .is
                        .iter()
                        .any(|v| *v == "any" || wanted.is.contains(v));
                    assert!(meets, "{api} -> {}: {wanted}", found.arrow.id);
                }
            }
        }
        // An arrow with a condition, and a link that says nothing.
        let arrow = tables::mappings().iter().find(|m| {
            m.assessment.is_none() && m.when.iter().any(|w| w.on == Aspect::InformationClass)
        });
        let silent = Service {
            call: ApiId(0),
            passes: &[],
            by: None,
        };
        assert!(open_conditions(arrow.unwrap(), &silent).is_none());
    }
}
