//! The fields of one event: what the profile says, else what the catalog knows of the value, else what such an event has on
//! any computer. Every field of the event type gets a value.

use catalog::{BehaviourId, Expected, KnownTest, rights};

use super::machine::{Machine, ProcessInstance, SYSTEM_USER};
use super::profile::{self, EventProfile, TechniqueProfile};
use super::values::{Roles, hashes, in_its_folder, meet, other_value, process_value};
use super::variant::Variant;
use super::{MARK, SimulatedEvent, SimulationOptions};
use crate::time;

/// The calls that start a process.
const STARTING: [&str; 6] = [
    "CreateProcess",
    "CreateProcessWithToken",
    "CreateProcessAsUser",
    "NtCreateUserProcess",
    "NtCreateProcessEx",
    "StartService",
];

/// Whether an expected event 1 is of a process that the technique starts, and not of the tool that does it.
pub(super) fn starts_another(technique: BehaviourId, place: usize) -> bool {
    let profile = profile::of(technique);
    if let Some(by) = profile.event(technique, place).and_then(|e| e.by.as_ref()) {
        return by != "actor";
    }
    let calls = technique.win32.iter().chain(technique.native);
    let mut starting = calls.filter(|api| STARTING.contains(&api.slug()));
    starting.next().is_some()
}

/// Everything the events of one simulation have in common.
pub(super) struct Filling<'a> {
    technique: BehaviourId,
    variant: Variant,
    profile: &'static TechniqueProfile,
    machine: &'a mut Machine,
    actor: ProcessInstance,
    target: ProcessInstance,
    seed: u64,
}

impl<'a> Filling<'a> {
    pub(super) fn new(
        technique: BehaviourId,
        variant: Variant,
        options: &SimulationOptions,
        machine: &'a mut Machine,
    ) -> Self {
        let profile = profile::of(technique);
        let temp = format!(
            r"C:\Users\{}\AppData\Local\Temp",
            machine.user_name().to_owned()
        );
        let program = |chosen: &Option<String>, said: &Option<String>, else_: &str| {
            let path = chosen.as_deref().or(said.as_deref()).unwrap_or(else_);
            path.replace("{temp}", &temp)
        };
        let actor = program(&options.actor, &profile.actor, r"{temp}\tool64.exe");
        let target = program(
            &options.target,
            &profile.target,
            r"C:\Windows\System32\RuntimeBroker.exe",
        );
        let actor = machine.process(&actor, profile.elevated);
        let target = machine.process(&target, false);
        Self {
            technique,
            variant,
            profile,
            machine,
            actor,
            target,
            seed: options.seed,
        }
    }

    /// The event at a place of the catalog's list; none where Sysmon has no such event.
    pub(super) fn event(&mut self, place: usize) -> Option<SimulatedEvent> {
        let expected = &self.technique.expected[place];
        let id = expected.event.number;
        let kind = schema::sysmon::event(id)?;
        let said = self.profile.event(self.technique, place);
        let time = self.machine.tick();
        let mut of = self.roles(place, said, expected);
        of.time = time;
        let fields = kind.fields.iter().filter(|f| f.until.is_none());
        let mut filled: Vec<(String, String)> = Vec::new();
        for field in fields {
            let value = said
                .and_then(|said| said.fields.get(&field.name))
                .map(|value| self.expand(value))
                .unwrap_or_else(|| self.value(id, &field.name, &of));
            let known = expected.fields.iter().filter(|k| k.field == field.name);
            let value = known.fold(value, meet);
            filled.push((field.name.clone(), value));
        }
        let mark = format!(
            "technique={} variant={} seed={}",
            self.technique, self.variant, self.seed
        );
        filled.push((MARK.to_owned(), mark));
        Some(SimulatedEvent {
            id,
            record: 0,
            time,
            computer: self.machine.name.clone(),
            expected: place,
            fields: filled,
        })
    }

    fn roles(&mut self, place: usize, said: Option<&EventProfile>, expected: &Expected) -> Roles {
        let known = |field: &str| {
            let mut of_field = expected.fields.iter().filter(|k| k.field == field);
            of_field.find_map(|k| match k.test {
                KnownTest::Is => Some(k.value.to_owned()),
                KnownTest::EndsWith => Some(in_its_folder(k.value)),
                _ => None,
            })
        };
        let id = expected.event.number;
        let by = said.and_then(|s| s.by.clone());
        let default = match id {
            1 if starts_another(self.technique, place) => "target",
            25 => "target",
            _ => "actor",
        };
        let by = by
            .or_else(|| known("Image"))
            .or_else(|| known("SourceImage"))
            .unwrap_or_else(|| default.to_owned());
        let subject = self.role(&by);
        let parent = said
            .and_then(|s| s.parent.clone())
            .or_else(|| known("ParentImage"));
        let parent = parent.unwrap_or_else(|| match subject.image == self.actor.image {
            true => r"C:\Windows\explorer.exe".to_owned(),
            false => "actor".to_owned(),
        });
        let parent = self.role(&parent);
        let target = match known("TargetImage") {
            Some(image) => self.role(&image),
            None => self.target.clone(),
        };
        Roles {
            mask: self.mask(expected),
            trace: expected
                .fields
                .iter()
                .find(|k| k.field == "CallTrace")
                .map(|k| k.value),
            subject,
            parent,
            target,
            time: 0,
        }
    }

    fn role(&mut self, role: &str) -> ProcessInstance {
        match role {
            "actor" => self.actor.clone(),
            "target" => self.target.clone(),
            image => {
                let image = self.expand(image);
                self.machine.process(&image, self.profile.elevated)
            }
        }
    }

    /// The rights of the handle: what the catalog fixes, or what the technique needs, as the kernel grants it.
    fn mask(&self, expected: &Expected) -> u32 {
        let known = expected.fields.iter().find(|k| k.field == "GrantedAccess");
        let fixed = known.filter(|k| k.test == KnownTest::Is);
        if self.variant == Variant::AllAccess && fixed.is_none() {
            return 0x1f_ffff;
        }
        if let Some(mask) = known.and_then(|k| rights::parse_mask(k.value)) {
            return mask;
        }
        let needed = self.technique.handle_rights.iter();
        let needed = needed.filter(|n| n.object == "process").map(|n| n.mask);
        let needed = needed.fold(0, |all, mask| all | mask);
        rights::object("process").map_or(needed, |o| o.with_implied(needed))
    }

    fn expand(&self, text: &str) -> String {
        if !text.contains('{') {
            return text.to_owned();
        }
        let user = self.machine.user_name();
        let profile = format!(r"C:\Users\{user}");
        let name = self.actor.image.rsplit('\\').next().unwrap_or_default();
        text.replace("{temp}", &format!(r"{profile}\AppData\Local\Temp"))
            .replace("{profile}", &profile)
            .replace("{user}", user)
            .replace("{sid}", &self.machine.sid)
            .replace("{actor}", &self.actor.image)
            .replace("{actor.name}", name)
            .replace("{target}", &self.target.image)
            .replace("{target.pid}", &self.target.pid.to_string())
            .replace("{host}", &self.machine.name)
    }

    fn value(&mut self, id: u32, field: &str, of: &Roles) -> String {
        process_value(field, of)
            .or_else(|| self.access_value(field, of))
            .or_else(|| self.start_value(field, of))
            .or_else(|| self.file_value(id, field, of))
            .or_else(|| self.network_value(field))
            .unwrap_or_else(|| other_value(id, field))
    }

    fn access_value(&mut self, field: &str, of: &Roles) -> Option<String> {
        Some(match field {
            "SourceThreadId" => (of.subject.pid + 4 * self.machine.random.below(900)).to_string(),
            "NewThreadId" => (of.target.pid + 4 * self.machine.random.below(900)).to_string(),
            "GrantedAccess" => format!("{:#x}", of.mask),
            "StartAddress" => format!("0x000002{:06X}0000", self.machine.random.below(0xff_ffff)),
            "CallTrace" => self.call_trace(of),
            _ => return None,
        })
    }

    /// Frames from the inside out, as the variant makes them.
    fn call_trace(&self, of: &Roles) -> String {
        let mut frames = Vec::new();
        if self.variant != Variant::DirectSyscall {
            frames.push(r"C:\Windows\SYSTEM32\ntdll.dll+9d4e4".to_owned());
        }
        if matches!(self.variant, Variant::Api | Variant::AllAccess) {
            frames.push(r"C:\Windows\System32\KERNELBASE.dll+2c13e".to_owned());
            frames.extend(of.trace.map(|dll| {
                let path = dll.rsplit('\\').next().unwrap_or(dll);
                format!(r"C:\Windows\SYSTEM32\{path}+9447")
            }));
        } else if let Some(dll) = of.trace {
            frames.push(format!(r"C:\Windows\SYSTEM32\{dll}+9447"));
        }
        if self.profile.managed {
            frames.push("UNKNOWN(00007FF810786D22)".to_owned());
        } else {
            frames.push(format!("{}+13542", of.subject.image));
            frames.push(format!("{}+12e7d", of.subject.image));
            frames.push(r"C:\Windows\System32\KERNEL32.DLL+17034".to_owned());
            frames.push(r"C:\Windows\SYSTEM32\ntdll.dll+52651".to_owned());
        }
        frames.join("|")
    }

    fn start_value(&mut self, field: &str, of: &Roles) -> Option<String> {
        let system = of.subject.user == SYSTEM_USER;
        Some(match field {
            "CommandLine" => format!("\"{}\"", of.subject.image),
            "ParentCommandLine" => format!("\"{}\"", of.parent.image),
            "CurrentDirectory" => r"C:\Windows\system32\".to_owned(),
            "LogonId" if system => "0x3e7".to_owned(),
            "LogonId" => format!("{:#x}", self.machine.logon_id),
            "LogonGuid" => {
                let low = match system {
                    true => 0x3e7,
                    false => self.machine.logon_id,
                };
                // The machine's part is that of its processes' GUIDs.
                format!("{}-0000-0000-{low:08x}0000}}", of.subject.guid.get(..14)?).replacen(
                    "-0000-0000-",
                    "-0000-0020-",
                    1,
                )
            }
            "TerminalSessionId" => of.subject.session.to_string(),
            "IntegrityLevel" => of.subject.integrity.to_owned(),
            _ => return None,
        })
    }

    fn file_value(&mut self, id: u32, field: &str, of: &Roles) -> Option<String> {
        // What the version fields and hashes are of: the program that starts, or what is loaded.
        let file = match id {
            6 | 7 => self.loaded(id),
            _ => of.subject.image.clone(),
        };
        let of_windows = file.to_lowercase().starts_with(r"c:\windows\");
        let name = file.rsplit('\\').next().unwrap_or_default();
        let windows = |text: &str| match of_windows {
            true => text.to_owned(),
            false => "-".to_owned(),
        };
        Some(match field {
            "FileVersion" => windows("10.0.19041.3636 (WinBuild.160101.0800)"),
            "Description" if id != 255 => windows(name),
            "Product" => windows("Microsoft® Windows® Operating System"),
            "Company" => windows("Microsoft Corporation"),
            "OriginalFileName" => windows(name),
            "Signed" => of_windows.to_string(),
            "Signature" => windows("Microsoft Windows"),
            "SignatureStatus" => match of_windows {
                true => "Valid".to_owned(),
                false => "Unavailable".to_owned(),
            },
            "ImageLoaded" => file,
            "Hashes" | "Hash" => hashes(&file),
            "TargetFilename" => self.expand(r"{temp}\helper.exe"),
            "CreationUtcTime" => time::of_sysmon(of.time - 2_000),
            "PreviousCreationUtcTime" => time::of_sysmon(of.time),
            "Contents" => "-".to_owned(),
            "IsExecutable" => "false".to_owned(),
            "Archived" => "true".to_owned(),
            "Device" => r"\Device\HarddiskVolume3".to_owned(),
            _ => return None,
        })
    }

    /// What an event 6 or 7 loads, as the profile or the catalog says.
    fn loaded(&self, id: u32) -> String {
        let events = self.profile.event.iter().filter(|e| e.id == id);
        let said = events.filter_map(|e| e.fields.get("ImageLoaded")).next();
        match said {
            Some(path) => self.expand(path),
            None if id == 6 => r"C:\Windows\System32\drivers\helper.sys".to_owned(),
            None => self.expand(r"{temp}\helper.dll"),
        }
    }

    fn network_value(&mut self, field: &str) -> Option<String> {
        Some(match field {
            "Protocol" => "tcp".to_owned(),
            "Initiated" => "true".to_owned(),
            "SourceIsIpv6" | "DestinationIsIpv6" => "false".to_owned(),
            "SourceIp" => "10.0.0.57".to_owned(),
            "SourceHostname" => self.machine.name.clone(),
            "SourcePort" => (49_700 + self.machine.random.below(9_000)).to_string(),
            "DestinationIp" => "10.0.0.20".to_owned(),
            "DestinationHostname" => "SRV03.corp.example".to_owned(),
            "DestinationPort" => "443".to_owned(),
            "SourcePortName" | "DestinationPortName" => "-".to_owned(),
            "QueryName" => "cdn.example.net".to_owned(),
            "QueryStatus" => "0".to_owned(),
            "QueryResults" => "::ffff:203.0.113.57;".to_owned(),
            "ClientInfo" => format!("user: {}", self.machine.user),
            _ => return None,
        })
    }
}
