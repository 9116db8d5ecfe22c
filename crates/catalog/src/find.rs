//! From what a person types to rows of the catalog. It takes every name the field uses (any case, `A`/`W` forms, `Zw`,
//! `module!name`, event numbers in every spelling, rule tags, GUIDs, fields, masks, rights, ATT&CK ids, tools) and offers the
//! nearest names when nothing answers to one; it never silently takes a near name for the one asked.

mod event_names;
mod suggest;
mod words;

pub use event_names::events;
pub use suggest::{nearest, nearest_api, nearest_of};

use crate::attack::{self, Technique};
use crate::functions::{self, Function};
use crate::storage::{
    ApiId, BehaviourId, ComponentId, EventId, MechanismId, SensorId, TamperingId,
};
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
    /// What writes events.
    Sensor(SensorId),
    /// A field of events.
    Field(&'static str),
    /// Access rights.
    Rights(Rights),
    /// A tactic of ATT&CK.
    Tactic(&'static str),
    /// A technique of ATT&CK that the catalog has no calls of.
    Technique(Technique),
    /// A function of Windows that the catalog has no row about.
    Function(Function),
}

/// Access rights to one kind of object, as one mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Rights {
    /// The kind of object, by its name in the table of access rights.
    pub object: &'static str,
    /// The rights.
    pub mask: u32,
}

/// A row that answers to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FoundRow {
    /// The row.
    pub subject: Subject,
    /// The name of the row that was met, where it is not its `id`: a variant, an imported function, a rule tag.
    pub by: Option<&'static str>,
    /// Whether the row only mentions the name in its text.
    pub mentioned: bool,
}

/// The rows that answer to `name`: calls first, then mechanisms, events, techniques, components, tampering, sensors, fields,
/// rights; where none of these does, the techniques and functions that are known by name alone, then the rows that mention
/// it. Where the whole text is no name, its words are looked up one by one, if each of them is. Empty if nothing does; see
/// [`nearest`].
pub fn find(name: &str) -> Vec<FoundRow> {
    let name = name.trim();
    let found = one(name);
    if !found.is_empty() {
        return found;
    }
    let words: Vec<_> = name
        .split([',', ';', ' ', '\t', '\n'])
        .filter(|w| !w.is_empty())
        .collect();
    if !(2..=64).contains(&words.len()) {
        return found;
    }
    let mut all: Vec<FoundRow> = Vec::new();
    for word in words {
        let of_word = one(word);
        if of_word.is_empty() {
            return of_word;
        }
        for found in of_word {
            if all.iter().all(|m| m.subject != found.subject) {
                all.push(found);
            }
        }
    }
    all
}

fn one(name: &str) -> Vec<FoundRow> {
    if name.is_empty() {
        return Vec::new();
    }
    let mut found = apis(name);
    found.extend(mechanisms(name));
    found.extend(events(name));
    found.extend(behaviours(name));
    found.extend(components(name));
    let tampering = TamperingId::all().filter(|t| eq(t.id, name) || eq(t.name, name));
    found.extend(tampering.map(|t| plain(Subject::Tampering(t))));
    found.extend(sensors(name));
    found.extend(words::fields(name));
    found.extend(words::rights(name));
    found.extend(words::tactics(name));
    if found.is_empty() {
        found.extend(unmapped_techniques(name));
    }
    if found.is_empty() {
        let function = name.rsplit_once('!').map_or(name, |(_, function)| function);
        let functions = functions::functions(function.trim_end_matches("()"));
        found.extend(functions.into_iter().map(|f| plain(Subject::Function(f))));
    }
    if found.is_empty() {
        found = words::mentions(name);
    }
    found
}

fn plain(subject: Subject) -> FoundRow {
    FoundRow {
        subject,
        by: None,
        mentioned: false,
    }
}

/// ATT&CK's own rows, for techniques that no row of the catalog is about.
fn unmapped_techniques(name: &str) -> Vec<FoundRow> {
    attack::all()
        .filter(|t| eq(t.id, name) || eq(t.name, name))
        .map(|t| FoundRow {
            subject: Subject::Technique(t.current()),
            by: t.now.is_some().then_some(t.id),
            mentioned: false,
        })
        .collect()
}

/// The sensors that answer to `name`: by id, name, channel, provider or the provider's GUID.
pub fn sensors(name: &str) -> Vec<FoundRow> {
    let by = |s: SensorId| -> Option<Option<&'static str>> {
        if eq(s.id, name) || eq(s.name, name) {
            return Some(None);
        }
        let names = [s.channel, s.provider].into_iter().flatten();
        let guid = s.guid.filter(|guid| same_guid(guid, name));
        names.filter(|n| eq(n, name)).chain(guid).next().map(Some)
    };
    SensorId::all()
        .filter_map(|s| {
            by(s).map(|by| FoundRow {
                subject: Subject::Sensor(s),
                by,
                mentioned: false,
            })
        })
        .collect()
}

/// Whether `name` is the GUID, with or without its braces.
fn same_guid(guid: &str, name: &str) -> bool {
    let bare = |text: &str| text.trim_matches(['{', '}']).to_ascii_lowercase();
    bare(guid) == bare(name)
}

/// The API calls that answer to `name`: as such, as a variant, as `module!name`, and by the rules of naming (`A`/`W`
/// suffixes, `Zw` for `Nt`).
pub fn apis(name: &str) -> Vec<FoundRow> {
    let name = name.trim();
    // `kernel32!CreateFileW`, but `IWbemServices::PutInstance` as it is.
    let name = name
        .rsplit_once('!')
        .map_or(name, |(_, function)| function.trim_end_matches("()"));
    let named = |name: &str| -> Vec<FoundRow> {
        let by_name = |api: ApiId| {
            if eq(api.id, name) {
                return Some(None);
            }
            api.variants.iter().find(|v| eq(v, name)).map(|v| Some(*v))
        };
        ApiId::all()
            .filter_map(|api| {
                by_name(api).map(|by| FoundRow {
                    subject: Subject::Api(api),
                    by,
                    mentioned: false,
                })
            })
            .collect()
    };
    let mut found = named(name);
    if found.is_empty()
        && let Some(stem) = name.strip_suffix(['A', 'W', 'a', 'w'])
    {
        // `RegSetValueExW` where the row names no forms.
        found = named(stem);
    }
    if found.is_empty()
        && let (Some("zw" | "Zw" | "ZW"), Some(rest)) = (name.get(..2), name.get(2..))
    {
        found = named(&format!("Nt{rest}"));
    }
    found
}

/// The mechanisms that answer to `name`: by id, name, registration function (with or without its module) or ETW provider.
pub fn mechanisms(name: &str) -> Vec<FoundRow> {
    let function = name.rsplit_once('!').map_or(name, |(_, function)| function);
    let by = |m: MechanismId| -> Option<Option<&'static str>> {
        if eq(m.id, name) || eq(m.name, name) {
            return Some(None);
        }
        if m.sysmon.altitude.is_some_and(|altitude| altitude == name) {
            return Some(m.sysmon.altitude);
        }
        let import = m
            .imports
            .iter()
            .find(|i| eq(i.name, function))
            .map(|i| i.name);
        import
            .or_else(|| {
                m.provider
                    .filter(|p| eq(p.name, name) || same_guid(p.guid, name))
                    .map(|p| p.name)
            })
            .map(Some)
    };
    MechanismId::all()
        .filter_map(|m| {
            by(m).map(|by| FoundRow {
                subject: Subject::Mechanism(m),
                by,
                mentioned: false,
            })
        })
        .collect()
}

/// The behaviours that answer to `name`: by id, name, or ATT&CK technique under its id of today or of v18. A technique
/// stands for its sub-techniques too.
pub fn behaviours(name: &str) -> Vec<FoundRow> {
    let below = |id: &str, asked: &str| {
        !asked.contains('.')
            && id
                .split_once('.')
                .is_some_and(|(parent, _)| eq(parent, asked))
    };
    let today = attack::technique(name).map(|t| t.current().id);
    let by = |b: BehaviourId| -> Option<Option<&'static str>> {
        if eq(b.id, name) || eq(b.name, name) {
            return Some(None);
        }
        let ids = [b.technique].into_iter().chain(b.also.iter().copied());
        let asked = today.unwrap_or(name);
        let names = ids.chain([b.technique_name]);
        let is = |id: &&'static str| eq(id, asked) || below(id, asked);
        let former = b.technique_v18.filter(|id| eq(id, name) || below(id, name));
        names.filter(is).chain(former).next().map(Some)
    };
    let rows: Vec<_> = BehaviourId::all()
        .filter_map(|b| {
            by(b).map(|by| FoundRow {
                subject: Subject::Behaviour(b),
                by,
                mentioned: false,
            })
        })
        .collect();
    // Of an id that is one of several now joined, the rows that had exactly this one.
    let had = |m: &&FoundRow| matches!(m.subject, Subject::Behaviour(b) if b.technique_v18.is_some_and(|id| eq(id, name)));
    let exact: Vec<FoundRow> = rows.iter().filter(had).copied().collect();
    if exact.is_empty() { rows } else { exact }
}

/// The data components that answer to `name`: by name, id or ATT&CK number, their own or their data source's.
pub fn components(name: &str) -> Vec<FoundRow> {
    let is = |c: &ComponentId| {
        let numbers = c.attack_id.into_iter().chain([c.data_source_id]);
        let mut names = numbers.chain([c.id, c.name]);
        names.any(|n| eq(n, name))
    };
    // A table of Defender's advanced hunting stands for what it is evidence of.
    let of_table = match name.is_empty() {
        true => Vec::new(),
        false => crate::defender::components(name),
    };
    let found = ComponentId::all().filter(|c| is(c) || of_table.contains(c));
    found.map(|c| plain(Subject::Component(c))).collect()
}

fn eq(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use schema::Sensor;

    fn subjects(name: &str) -> Vec<String> {
        let text = |m: &FoundRow| match m.subject {
            Subject::Api(id) => format!("api {id}"),
            Subject::Mechanism(id) => format!("mechanism {id}"),
            Subject::Event(id) => format!("event {id}"),
            Subject::Behaviour(id) => format!("behaviour {id}"),
            Subject::Component(id) => format!("component {id}"),
            Subject::Tampering(id) => format!("tampering {id}"),
            Subject::Sensor(id) => format!("sensor {id}"),
            Subject::Field(name) => format!("field {name}"),
            Subject::Rights(r) => format!("rights {} {:#x}", r.object, r.mask),
            Subject::Tactic(name) => format!("tactic {name}"),
            Subject::Technique(t) => format!("technique {}", t.id),
            Subject::Function(f) => format!("function {}", f.name),
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
        assert_eq!(subjects("CreateFileW"), ["api CreateFile"]);
        assert_eq!(subjects("RegSetValueExW"), ["api RegSetValueEx"]);
        assert_eq!(
            subjects("CreateProcessWithTokenW"),
            ["api CreateProcessWithToken"]
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
        for name in [
            "EID10",
            "EID 10",
            "Event ID 10",
            "EventID=10",
            "event 10",
            "Sysmon 10",
        ] {
            assert_eq!(subjects(name), ["event sysmon:10"], "{name}");
        }
        assert_eq!(subjects("TI 14"), ["event threat-intelligence:14"]);
        assert_eq!(subjects("Security 4688"), ["event security:4688"]);
        assert_eq!(subjects("Security EventCode 4688"), ["event security:4688"]);
        assert_eq!(subjects("7045"), ["event system:7045"]);
        assert_eq!(subjects("4104"), ["event powershell:4104"]);
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
        for sensor in SensorId::all() {
            // The catalog names logs that no view of records is about.
            let Some(of) = Sensor::all().find(|s| s.id() == sensor.id) else {
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
    fn names_that_are_no_rows() {
        assert_eq!(subjects("GrantedAccess"), ["field GrantedAccess"]);
        assert_eq!(subjects("0x1410"), ["rights process 0x1410"]);
        assert_eq!(subjects("PROCESS_VM_READ"), ["rights process 0x10"]);
        assert_eq!(subjects("TA0005"), ["tactic stealth"]);
        assert_eq!(
            subjects("Defense Evasion"),
            ["tactic stealth", "tactic defense-impairment"]
        );
        assert_eq!(subjects("T1003.008"), ["technique T1003.008"]);
        assert_eq!(subjects("WinExec"), ["function WinExec"]);
        assert_eq!(
            subjects("5770385f-c22a-43e0-bf4c-06f5698ffbd9"),
            ["sensor sysmon"]
        );
        assert_eq!(subjects("385201"), ["mechanism minifilter"]);
        for tool in [
            "Shhmon",
            "SysmonEnte",
            "EDRSandblast",
            "fltmc",
            "EtwTiLogReadWriteVm",
        ] {
            assert!(!subjects(tool).is_empty(), "{tool}");
        }
        assert_eq!(
            subjects("OpenProcess, sysmon:8"),
            ["api OpenProcess", "event sysmon:8"]
        );
        assert!(subjects("OpenProcess Xyzzyx").is_empty());
    }

    #[test]
    fn techniques_under_the_ids_of_v18() {
        for (old, new) in [
            ("T1070.001", "behaviour def-log-clear"),
            ("T1562.006", "behaviour def-etw-patch"),
        ] {
            assert_eq!(subjects(old), [new]);
        }
        assert!(subjects("T1685").len() > 3);
        assert!(subjects("T1562").contains(&"behaviour def-amsi-patch".to_owned()));
    }

    #[test]
    fn misspelt_names_get_the_nearest() {
        assert!(find("CreateRemoteTread").is_empty());
        assert_eq!(nearest("CreateRemoteTread", 3)[0], "CreateRemoteThread");
        assert_eq!(nearest("RltCreateUserThread", 3)[0], "RtlCreateUserThread");
        assert_eq!(nearest("ObRegistersCallback", 3)[0], "ObRegisterCallbacks");
        assert!(nearest("RemoteThread", 5).contains(&"CreateRemoteThread"));
        assert!(nearest("remote thread create", 5).contains(&"CreateRemoteThread"));
        assert_eq!(nearest("T1558.009", 5), Vec::<&str>::new());
        assert_eq!(nearest("security:7045", 5), ["system:7045"]);
        assert_eq!(nearest("", 3), Vec::<&str>::new());
        assert_eq!(nearest(&"x".repeat(100_000), 3), Vec::<&str>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn any_text_is_answered(name in "\\PC{0,40}") {
            let _ = find(&name);
            let _ = nearest(&name, 5);
        }
    }
}
