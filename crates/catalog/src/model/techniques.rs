//! The shape of techniques, of tampering, and of ATT&CK's data components.

use super::{ApiId, ComponentId, EventId, List, Mark, MechanismId, SourceId, Text};

model! {
    /// A technique as it is carried out: calls in order, rights, what should show.
    pub struct Behaviour {
        /// Our name.
        pub id: Text,
        /// What it is called.
        pub name: Text,
        /// ATT&CK technique (v19).
        pub technique: Text,
        /// That technique's name.
        pub technique_name: Text,
        /// Its id in v18, where that was another.
        pub technique_v18: Option<Text>,
        /// Further techniques it is an instance of.
        #[serde(default)]
        pub also: List<Text>,
        /// ATT&CK tactics.
        pub tactics: List<Text>,
        /// The calls in order, through Win32, RPC and COM.
        #[serde(default)]
        pub win32: List<ApiId>,
        /// The calls in order, through system services.
        #[serde(default)]
        pub native: List<ApiId>,
        /// Whether it can be done by system calls of one's own.
        pub syscall: Syscall,
        /// What else that changes.
        pub syscall_note: Option<Text>,
        /// The rights needed on handles.
        #[serde(default)]
        pub handle_rights: List<NeededRights>,
        /// The events a log-everything setup can give.
        #[serde(default)]
        pub expected: List<Expected>,
        /// Signs in logs the catalog has no events of.
        #[serde(default)]
        pub expected_elsewhere: List<Elsewhere>,
        /// How sure the expected events are.
        pub expected_mark: Mark,
        /// What stays unseen.
        #[serde(default)]
        pub blind_spots: List<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
        /// How sure the calls are.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// What a direct or indirect system call changes.
    #[serde(rename_all = "kebab-case")]
    pub enum Syscall {
        /// The same services run, so kernel mechanisms see the same; hooks in user mode do not.
        SameServices,
        /// The work is done in another process or by a file.
        NotApplicable,
        /// See the note.
        Other,
    }

    /// Rights needed on a handle.
    pub struct NeededRights {
        /// The object type.
        pub object: Text,
        /// The rights.
        pub rights: List<Text>,
        /// Their sum.
        pub mask: u32,
        /// What else is to be known.
        pub note: Option<Text>,
    }

    /// An event that should be there.
    pub struct Expected {
        /// The event.
        pub event: EventId,
        /// The condition, or what it shows.
        pub when: Option<Text>,
        /// What of the condition is fixed: what these fields then hold.
        #[serde(default)]
        pub fields: List<KnownField>,
    }

    /// What is known of a field's value beforehand.
    pub struct KnownField {
        /// The field.
        pub field: Text,
        /// How the value relates to `value`.
        pub test: KnownTest,
        /// The text, compared without regard to the case of A to Z; a mask in hexadecimal for `holds`.
        pub value: Text,
    }

    /// What is known of a value.
    #[serde(rename_all = "kebab-case")]
    pub enum KnownTest {
        /// It is this text.
        Is,
        /// It ends with this text.
        EndsWith,
        /// It contains this text.
        Contains,
        /// It is a mask, in hexadecimal as Sysmon writes it, that has at least these bits.
        Holds,
    }

    /// A sign outside the catalog's events.
    pub struct Elsewhere {
        /// The log or provider.
        pub log: Text,
        /// The event in it.
        pub event: Option<Text>,
        /// What it shows.
        pub what: Text,
    }

    /// A way a mechanism or a sensor is blinded.
    pub struct Tampering {
        /// Our name.
        pub id: Text,
        /// What it is called.
        pub name: Text,
        /// The mechanisms it silences.
        pub targets: List<MechanismId>,
        /// The sensors it works on.
        pub sensor: Text,
        /// ATT&CK technique; `None` for properties of the sensor.
        pub technique: Option<Text>,
        /// What it takes.
        #[serde(default)]
        pub requires: List<Text>,
        /// What it does.
        pub effect: Text,
        /// The events that stop.
        #[serde(default)]
        pub events_lost: List<EventId>,
        /// What to know about them.
        pub lost_note: Option<Text>,
        /// The events that go on.
        #[serde(default)]
        pub still_working: List<EventId>,
        /// What to know about them.
        pub still_note: Option<Text>,
        /// The mechanisms it does not touch.
        #[serde(default)]
        pub unaffected: List<MechanismId>,
        /// The events that give it away.
        #[serde(default)]
        pub reveals: List<Sign>,
        /// Signs in logs the catalog has no events of.
        #[serde(default)]
        pub reveals_elsewhere: List<Elsewhere>,
        /// What helps.
        pub counter: Text,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// An event that gives tampering away.
    pub struct Sign {
        /// The event.
        pub event: EventId,
        /// The provider, where the number alone is not enough.
        pub provider: Option<Text>,
        /// What it shows.
        pub why: Text,
    }

    /// What protects the sensor.
    pub struct Protection {
        /// Our name.
        pub id: Text,
        /// Since when.
        pub since: Text,
        /// What it does.
        pub what: Text,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// A program that attacks put code into or run code through.
    pub struct HostProcess {
        /// The file name in lower case.
        pub file: Text,
        /// What attacks use it for.
        pub uses: List<HostUse>,
        /// Why it serves them.
        pub reason: Text,
        /// ATT&CK techniques (v19).
        pub techniques: List<Text>,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// What attacks use a process for.
    #[serde(rename_all = "kebab-case")]
    pub enum HostUse {
        /// Another process puts code into it, or starts it to replace what is in it.
        InjectedInto,
        /// It runs, loads, starts or fetches what it is given.
        RunsCode,
    }

    /// A folder and whether ordinary users may create files in it.
    pub struct WritableFolder {
        /// A piece of a path, in lower case, with the backslashes around it; or a variable.
        pub folder: Text,
        /// Open, or closed although it lies below an open one.
        pub kind: FolderKind,
        /// The reason.
        pub why: Text,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// Who may create files in a folder.
    #[serde(rename_all = "kebab-case")]
    pub enum FolderKind {
        /// Ordinary users may.
        Open,
        /// Only administrators and the system may.
        Closed,
    }

    /// An ATT&CK data component.
    pub struct Component {
        /// Our name.
        pub id: Text,
        /// Its name.
        pub name: Text,
        /// `DC....` in ATT&CK v18.1; `None` for names of earlier versions.
        pub attack_id: Option<Text>,
        /// The data source it belonged to.
        pub data_source: Text,
        /// That data source's number.
        pub data_source_id: Text,
    }

    /// What an event is evidence of.
    pub struct EventComponents {
        /// The event.
        pub event: EventId,
        /// Our choice.
        pub preferred: List<ComponentId>,
        /// What each source says.
        #[serde(default)]
        pub stated: List<Stated>,
        /// Why the choice is not simply ATT&CK's.
        pub remark: Option<Text>,
        /// How sure the row is.
        pub mark: Mark,
    }

    /// A source's word on an event.
    pub struct Stated {
        /// The component.
        pub component: ComponentId,
        /// The source.
        pub by: SourceId,
    }

    /// A mistake in a source.
    pub struct Correction {
        /// What it says.
        pub was: Text,
        /// What is right.
        pub correct: Text,
        /// Where.
        pub found_in: Text,
    }
}
