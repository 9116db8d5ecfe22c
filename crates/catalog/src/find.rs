//! From what a person types to rows of the catalog. It takes every name the field uses (any case, `A`/`W` forms, `Zw`,
//! `module!name`, event numbers, rule tags, ATT&CK ids) and offers the nearest names when nothing answers to one; it never
//! silently takes a near name for the one asked.

use crate::storage::{ApiId, BehaviourId, ComponentId, EventId, MechanismId, TamperingId};
use schema::Sensor;
use serde::Serialize;

/// A row that a question can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// An API call.
    Api(ApiId),
    /// A registration mechanism.
    Mechanism(MechanismId),
    /// An event.
    Event(EventId),
    /// A technique as it is carried out.
    Behaviour(BehaviourId),
    /// A data component.
    Component(ComponentId),
    /// A way of tampering.
    Tampering(TamperingId),
}

/// A row that answers to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Match {
    /// The row.
    pub subject: Subject,
    /// The name of the row that was met, where it is not its `id`: a variant, an imported function, a rule tag.
    pub by: Option<&'static str>,
}

/// The rows that answer to `name`: calls first, then mechanisms, events, techniques, components, tampering. Empty if none
/// does; see [`nearest`].
pub fn find(name: &str) -> Vec<Match> {
    let name = name.trim();
    if name.is_empty() {
        return Vec::new();
    }
    let mut found = apis(name);
    found.extend(mechanisms(name));
    found.extend(events(name));
    found.extend(behaviours(name));
    found.extend(components(name));
    let tampering = TamperingId::all().filter(|t| eq(t.id, name) || eq(t.name, name));
    found.extend(tampering.map(|t| Match {
        subject: Subject::Tampering(t),
        by: None,
    }));
    found
}

/// The API calls that answer to `name`: as such, as a variant, as `module!name`, and by the rules of naming (`A`/`W`
/// suffixes, `Zw` for `Nt`).
pub fn apis(name: &str) -> Vec<Match> {
    let name = name.trim();
    // `kernel32!CreateFileW`, but `IWbemServices::PutInstance` as it is.
    let name = name
        .rsplit_once('!')
        .map_or(name, |(_, function)| function.trim_end_matches("()"));
    let named = |name: &str| -> Vec<Match> {
        let by_name = |api: ApiId| {
            if eq(api.id, name) {
                return Some(None);
            }
            api.variants.iter().find(|v| eq(v, name)).map(|v| Some(*v))
        };
        ApiId::all()
            .filter_map(|api| {
                by_name(api).map(|by| Match {
                    subject: Subject::Api(api),
                    by,
                })
            })
            .collect()
    };
    let mut found = named(name);
    // `RegSetValueExW` is a form of RegSetValueEx even where only RegSetValue lists it.
    if let Some(stem) = name.strip_suffix(['A', 'W', 'a', 'w']) {
        let stems = if found.is_empty() {
            named(stem)
        } else {
            named(stem).into_iter().filter(|m| m.by.is_none()).collect()
        };
        for stem in stems {
            if found.iter().all(|m| m.subject != stem.subject) {
                found.push(stem);
            }
        }
    }
    found.sort_by_key(|m| match m.subject {
        // The call of that very name, then the one whose name says the most of it.
        Subject::Api(api) => (!eq(api.id, name), std::cmp::Reverse(api.id.len())),
        _ => (true, std::cmp::Reverse(0)),
    });
    if found.is_empty()
        && let (Some("zw" | "Zw" | "ZW"), Some(rest)) = (name.get(..2), name.get(2..))
    {
        found = named(&format!("Nt{rest}"));
    }
    found
}

/// The mechanisms that answer to `name`: by id, name, registration function (with or without its module) or ETW provider.
pub fn mechanisms(name: &str) -> Vec<Match> {
    let function = name.rsplit_once('!').map_or(name, |(_, function)| function);
    let by = |m: MechanismId| -> Option<Option<&'static str>> {
        if eq(m.id, name) || eq(m.name, name) {
            return Some(None);
        }
        let import = m
            .imports
            .iter()
            .find(|i| eq(i.name, function))
            .map(|i| i.name);
        import
            .or_else(|| {
                m.provider
                    .filter(|p| eq(p.name, name) || eq(p.guid, name))
                    .map(|p| p.name)
            })
            .map(Some)
    };
    MechanismId::all()
        .filter_map(|m| {
            by(m).map(|by| Match {
                subject: Subject::Mechanism(m),
                by,
            })
        })
        .collect()
}

/// The events that answer to `name`: `sysmon:10`, `10`, `ProcessAccess`, `security:4688`, `4688`, `ti:1`, the event's name
/// or its symbol. A bare number is Sysmon's where Sysmon has it, else everybody's who has it.
pub fn events(name: &str) -> Vec<Match> {
    let plain = |event: EventId| Match {
        subject: Subject::Event(event),
        by: None,
    };
    if let Ok(number) = name.parse::<u32>() {
        let mut of_number: Vec<_> = EventId::all().filter(|e| e.number == number).collect();
        if of_number.iter().any(|e| e.sensor.id == "sysmon") {
            of_number.retain(|e| e.sensor.id == "sysmon");
        }
        return of_number.into_iter().map(plain).collect();
    }
    if let Some((sensor, number)) = name.split_once(':')
        && let Ok(number) = number.trim().parse::<u32>()
    {
        let sensor = match Sensor::named(sensor) {
            Some(known) => known.id().to_owned(),
            None => sensor.trim().to_ascii_lowercase(),
        };
        let is = |e: &EventId| e.number == number && e.sensor.id == sensor;
        return EventId::all().filter(is).map(plain).collect();
    }
    let by = |e: EventId| -> Option<Option<&'static str>> {
        if e.name.is_some_and(|n| eq(n, name)) {
            return Some(None);
        }
        let sysmon = e.sysmon?;
        [sysmon.rule_tag, Some(sysmon.symbol)]
            .into_iter()
            .flatten()
            .find(|n| eq(n, name))
            .map(Some)
    };
    EventId::all()
        .filter_map(|e| {
            by(e).map(|by| Match {
                subject: Subject::Event(e),
                by,
            })
        })
        .collect()
}

/// The behaviours that answer to `name`: by id, name, or ATT&CK technique. A technique stands for its sub-techniques too.
pub fn behaviours(name: &str) -> Vec<Match> {
    let by = |b: BehaviourId| -> Option<Option<&'static str>> {
        if eq(b.id, name) || eq(b.name, name) {
            return Some(None);
        }
        let ids = [b.technique]
            .into_iter()
            .chain(b.also.iter().copied())
            .chain(b.technique_v19);
        let is = |id: &&'static str| {
            eq(id, name)
                || (!name.contains('.')
                    && id
                        .split_once('.')
                        .is_some_and(|(parent, _)| eq(parent, name)))
        };
        ids.chain([b.technique_name]).find(is).map(Some)
    };
    BehaviourId::all()
        .filter_map(|b| {
            by(b).map(|by| Match {
                subject: Subject::Behaviour(b),
                by,
            })
        })
        .collect()
}

/// The data components that answer to `name`: by name, id or ATT&CK number.
pub fn components(name: &str) -> Vec<Match> {
    let is = |c: &ComponentId| {
        eq(c.id, name) || eq(c.name, name) || c.attack_id.is_some_and(|id| eq(id, name))
    };
    ComponentId::all()
        .filter(is)
        .map(|c| Match {
            subject: Subject::Component(c),
            by: None,
        })
        .collect()
}

/// The names nearest to one that nothing answers to, best first, at most `limit`: those that differ by few letters, then
/// those that hold it.
pub fn nearest(name: &str, limit: usize) -> Vec<&'static str> {
    nearest_of(name, limit, names())
}

/// Like [`nearest`], among API calls alone.
pub fn nearest_api(name: &str, limit: usize) -> Vec<&'static str> {
    nearest_of(name, limit, api_names())
}

/// The nearest of `names` to `name`.
pub fn nearest_of(
    name: &str,
    limit: usize,
    names: impl Iterator<Item = &'static str>,
) -> Vec<&'static str> {
    // Beyond this a name is no misspelling of anything here, and the distance costs its square.
    const LONGEST: usize = 80;
    let wanted: String = name
        .trim()
        .rsplit('!')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if wanted.is_empty() || wanted.len() > LONGEST {
        return Vec::new();
    }
    let allowed = (wanted.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &'static str)> = names
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            if lower.len().abs_diff(wanted.len()) <= allowed {
                let distance = strsim::damerau_levenshtein(&wanted, &lower);
                if distance <= allowed {
                    return Some((distance, candidate));
                }
            }
            let holds = wanted.len() >= 4 && lower.contains(&wanted);
            holds.then(|| (allowed + lower.len() - wanted.len(), candidate))
        })
        .collect();
    near.sort_by_key(|(distance, name)| (*distance, name.len(), *name));
    near.dedup_by_key(|(_, name)| *name);
    near.into_iter().map(|(_, name)| name).take(limit).collect()
}

fn api_names() -> impl Iterator<Item = &'static str> {
    ApiId::all().flat_map(|a| {
        [a.slug()]
            .into_iter()
            .chain(a.row().variants.iter().copied())
    })
}

fn names() -> impl Iterator<Item = &'static str> {
    let mechanisms = MechanismId::all().flat_map(|m| {
        [m.slug(), m.row().name]
            .into_iter()
            .chain(m.row().imports.iter().map(|i| i.name))
    });
    let events = EventId::all().flat_map(|e| {
        let tag = e.row().sysmon.as_ref().and_then(|s| s.rule_tag);
        [Some(e.slug()), e.row().name, tag].into_iter().flatten()
    });
    let behaviours = BehaviourId::all().flat_map(|b| {
        [
            b.slug(),
            b.row().name,
            b.row().technique,
            b.row().technique_name,
        ]
    });
    let components = ComponentId::all().flat_map(|c| {
        [Some(c.row().name), c.row().attack_id]
            .into_iter()
            .flatten()
    });
    let tampering = TamperingId::all().map(TamperingId::slug);
    api_names()
        .chain(mechanisms)
        .chain(events)
        .chain(behaviours)
        .chain(components)
        .chain(tampering)
}

fn eq(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn subjects(name: &str) -> Vec<String> {
        let text = |m: &Match| match m.subject {
            Subject::Api(id) => format!("api {id}"),
            Subject::Mechanism(id) => format!("mechanism {id}"),
            Subject::Event(id) => format!("event {id}"),
            Subject::Behaviour(id) => format!("behaviour {id}"),
            Subject::Component(id) => format!("component {id}"),
            Subject::Tampering(id) => format!("tampering {id}"),
        };
        find(name).iter().map(text).collect()
    }

    fn api(id: &str) -> Subject {
        Subject::Api(ApiId::named(id).unwrap_or_else(|| panic!("{id}")))
    }

    #[test]
    fn calls_by_every_name() {
        for (name, id) in [
            ("CreateRemoteThread", "CreateRemoteThread"),
            ("createremotethread", "CreateRemoteThread"),
            ("kernel32!CreateRemoteThread", "CreateRemoteThread"),
            ("KERNELBASE!LoadLibraryExW", "LoadLibrary"),
            ("ntdll.dll!ZwOpenProcess", "NtOpenProcess"),
            ("nt!ZwSuspendProcess", "NtSuspendProcess"),
            ("SetWindowsHookExW", "SetWindowsHookEx"),
            ("iwbemservices::putinstance", "IWbemServices::PutInstance"),
        ] {
            assert_eq!(
                apis(name).iter().map(|m| m.subject).collect::<Vec<_>>(),
                [api(id)],
                "{name}"
            );
        }
        assert_eq!(apis("CreateProcessA")[0].by, Some("CreateProcessA"));
    }

    #[test]
    fn a_name_may_be_several_things() {
        assert_eq!(
            subjects("CreateRemoteThread"),
            ["api CreateRemoteThread", "event sysmon:8"]
        );
        // The published map draws the event's name where an API should be.
        assert_eq!(subjects("ImageLoad"), ["api ImageLoad", "event sysmon:7"]);
        assert_eq!(
            subjects("RegistryEvent"),
            ["event sysmon:12", "event sysmon:13", "event sysmon:14"]
        );
        assert_eq!(
            subjects("CreateFileW"),
            ["api CreateFileW", "api CreateFile"]
        );
        assert_eq!(
            subjects("RegSetValueExW"),
            ["api RegSetValueEx", "api RegSetValue"]
        );
        assert!(subjects("StartTraceW").len() >= 2);
    }

    #[test]
    fn events_by_every_name() {
        for name in [
            "10",
            "sysmon:10",
            " Sysmon:10",
            "ProcessAccess",
            "processaccess",
            "Process accessed",
        ] {
            assert_eq!(subjects(name), ["event sysmon:10"], "{name}");
        }
        assert_eq!(subjects("security:4688"), ["event security:4688"]);
        assert_eq!(subjects("4688"), ["event security:4688"]);
        assert_eq!(subjects("ti:14"), ["event threat-intelligence:14"]);
        assert_eq!(subjects("sysmon:30"), Vec::<String>::new());
    }

    #[test]
    fn mechanisms_techniques_components() {
        assert_eq!(
            subjects("obregistercallbacks"),
            ["mechanism object-callback"]
        );
        assert_eq!(
            subjects("nt!CmRegisterCallbackEx"),
            ["mechanism registry-callback"]
        );
        assert!(
            subjects("Microsoft-Windows-DNS-Client")
                .contains(&"mechanism etw-dns-client".to_owned())
        );
        assert_eq!(
            subjects("T1055.012"),
            ["behaviour inj-hollowing", "behaviour inj-hollowing-section"]
        );
        assert!(
            subjects("t1055").len() > 15,
            "a technique stands for its sub-techniques"
        );
        assert_eq!(subjects("DC0035"), ["component process-access"]);
        assert_eq!(subjects("Process Access"), ["component process-access"]);
        assert_eq!(
            subjects("handle-duplication"),
            ["tampering handle-duplication"]
        );
    }

    /// The catalog's channel, provider and GUID of a sensor are those that tell its records.
    #[test]
    fn sensors_are_those_of_the_schema() {
        let mut known = 0;
        for sensor in crate::storage::SensorId::all() {
            let Some(of) = Sensor::all().find(|s| s.id() == sensor.id) else {
                assert_eq!(
                    (sensor.channel, sensor.provider),
                    (None, None),
                    "{}",
                    sensor.id
                );
                continue;
            };
            known += 1;
            assert_eq!(sensor.name, of.name());
            let has =
                |all: &[String], one: Option<&str>| one.is_none_or(|o| all.iter().any(|a| a == o));
            assert!(has(of.channels(), sensor.channel), "{}", sensor.id);
            assert!(has(of.providers(), sensor.provider), "{}", sensor.id);
            let guid = sensor
                .guid
                .map(|g| g.trim_matches(['{', '}']).to_lowercase());
            assert!(has(of.guids(), guid.as_deref()), "{}", sensor.id);
        }
        assert_eq!(known, Sensor::all().count());
    }

    /// What the catalog says of a Sysmon event's fields is what the schema says.
    #[test]
    fn sysmon_events_are_those_of_the_schema() {
        use schema::sysmon;
        let mut seen = 0;
        for (event, row) in EventId::all().filter_map(|e| Some((e, e.sysmon?))) {
            let known = sysmon::newest().event(event.number);
            let known = known.unwrap_or_else(|| panic!("{event} is in no schema"));
            assert_eq!(known.fields, row.fields, "{event}");
            assert_eq!(known.tag.as_deref(), row.rule_tag, "{event}");
            let history = sysmon::event(event.number).unwrap();
            let since = |version: &str| sysmon::SchemaVersion::parse(version).unwrap();
            assert_eq!(history.since, since(row.since_schema), "{event}");
            for change in row.field_history {
                for added in change.added {
                    let field = history.fields.iter().find(|f| f.name == *added).unwrap();
                    assert_eq!(field.since, since(change.schema), "{added} of {event}");
                }
            }
            seen += 1;
        }
        assert_eq!(seen, sysmon::newest().events.len());
    }

    #[test]
    fn misspelt_names_get_the_nearest() {
        assert!(find("CreateRemoteTread").is_empty());
        assert_eq!(nearest("CreateRemoteTread", 3)[0], "CreateRemoteThread");
        assert_eq!(nearest("RltCreateUserThread", 3)[0], "RtlCreateUserThread");
        assert_eq!(nearest("ObRegistersCallback", 3)[0], "ObRegisterCallbacks");
        assert!(nearest("RemoteThread", 5).contains(&"CreateRemoteThread"));
        assert_eq!(nearest("", 3), Vec::<&str>::new());
        assert_eq!(nearest(&"x".repeat(100_000), 3), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(name in "\\PC{0,40}") {
            let _ = find(&name);
            let _ = nearest(&name, 5);
        }
    }
}
