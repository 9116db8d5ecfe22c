//! The shape of sources, sensors, mechanisms and events.

use super::{EventId, List, Mark, MechanismId, SensorId, Text};

model! {
    /// Where facts were read.
    pub struct Source {
        /// What rows cite, before the `#`.
        pub id: Text,
        /// Title.
        pub title: Text,
        /// Address and revision.
        pub at: Text,
        /// Licence, and what was taken.
        pub licence: Text,
    }

    /// What writes events.
    pub struct Sensor {
        /// Our name, the part before the colon in `sysmon:10`.
        pub id: Text,
        /// Name.
        pub name: Text,
        /// The event log channel, where it has one.
        pub channel: Option<Text>,
        /// The provider's name.
        pub provider: Option<Text>,
        /// The provider's GUID.
        pub guid: Option<Text>,
        /// What it is.
        pub what: Text,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// The family a mechanism belongs to.
    #[serde(rename_all = "kebab-case")]
    pub enum MechanismKind {
        /// `PsSet...NotifyRoutine`.
        KernelCallback,
        /// `ObRegisterCallbacks`.
        ObjectCallback,
        /// `CmRegisterCallback(Ex)`.
        RegistryCallback,
        /// A filter of the filter manager.
        Minifilter,
        /// A device attached to another's stack.
        LegacyDeviceFilter,
        /// `IoRegisterFsRegistrationChange`.
        FsRegistration,
        /// A system trace session.
        EtwKernelLogger,
        /// An ETW provider.
        EtwProvider,
        /// A WMI event subscription.
        WmiSubscription,
        /// A clipboard listener.
        ClipboardListener,
        /// A check made on top of other mechanisms.
        DerivedCheck,
        /// The sensor on itself.
        SelfReport,
        /// The Antimalware Scan Interface.
        Amsi,
        /// A subscription to an event log channel.
        EventlogSubscription,
        /// The Windows Filtering Platform.
        WfpCallout,
        /// Early-launch boot driver callbacks.
        BootCallback,
        /// Image verification before a driver loads.
        ImageVerificationCallback,
        /// Logon session termination.
        SessionCallback,
        /// Plug and Play notification.
        PnpNotification,
        /// Hooks in the monitored process.
        UserHook,
    }

    /// Where a mechanism lives.
    #[serde(rename_all = "kebab-case")]
    pub enum Side {
        /// In a driver.
        Kernel,
        /// In a process.
        User,
    }

    /// Whether Sysmon uses a mechanism.
    #[serde(rename_all = "kebab-case")]
    pub enum Used {
        /// It does.
        Yes,
        /// It does not.
        No,
        /// Nothing read tells.
        Unknown,
    }

    /// How a sensor comes to see something.
    pub struct Mechanism {
        /// Our name.
        pub id: Text,
        /// What it is called.
        pub name: Text,
        /// The family.
        pub kind: MechanismKind,
        /// Driver or process.
        pub side: Side,
        /// The functions whose import gives it away.
        #[serde(default)]
        pub imports: List<Import>,
        /// How a registration is taken back.
        #[serde(default)]
        pub remove_with: List<Text>,
        /// The first Windows that has it.
        pub min_windows: Text,
        /// How sure `min_windows` is.
        pub min_windows_mark: Mark,
        /// How the callback is called.
        pub callback: Option<Callback>,
        /// The ETW provider behind it.
        pub provider: Option<Provider>,
        /// How it is turned on, where no function does.
        pub registration: Option<Text>,
        /// The mechanisms it is built on.
        #[serde(default)]
        pub derives_from: List<MechanismId>,
        /// What it sees.
        pub observes: List<Text>,
        /// What it does not see.
        pub not_observed: List<Text>,
        /// How Sysmon uses it.
        pub sysmon: SysmonUse,
        /// The functions every event of it passes through.
        #[serde(default)]
        pub common_chain: List<Text>,
        /// What sensors use it for.
        pub general_use: Option<Text>,
        /// Further facts.
        #[serde(default)]
        pub notes: List<Text>,
        /// Why no arrow of the map leads to it, where none does.
        pub no_arrows: Option<Text>,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// A function that registers for a mechanism.
    pub struct Import {
        /// Exported name, or the COM method.
        pub name: Text,
        /// The modules that export it.
        pub modules: List<Text>,
        /// The first Windows that has it.
        pub min_windows: Option<Text>,
        /// Whether Microsoft has a page on it.
        pub documented: bool,
        /// Whether it serves many other ends, so that importing it says little.
        #[serde(default)]
        pub common: bool,
        /// What else is to be known.
        pub note: Option<Text>,
    }

    /// How a callback is called.
    pub struct Callback {
        /// Interrupt request level.
        pub irql: Option<Text>,
        /// The thread it runs in.
        pub context: Option<Text>,
        /// The thread it runs in when something is created.
        pub create_context: Option<Text>,
        /// The thread it runs in when something ends.
        pub exit_context: Option<Text>,
        /// What the order among several drivers depends on.
        pub ordered_by: Option<Text>,
        /// How many there can be.
        pub max_registrations: Option<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
    }

    /// What a function on a stack tells.
    #[serde(rename_all = "kebab-case")]
    pub enum SignRole {
        /// It calls the registered callbacks.
        Dispatches,
        /// It says which of the mechanism's events the call leads to.
        Narrows,
    }

    /// A function that, on a stack, gives a mechanism away.
    pub struct StackSign {
        /// The module, as a debugger names it in lower case.
        pub module: Text,
        /// The function.
        pub function: Text,
        /// The module that must have called it, where the function serves others too.
        pub caller: Option<Text>,
        /// The mechanism.
        pub mechanism: MechanismId,
        /// What it tells.
        pub role: SignRole,
        /// The event, where it narrows.
        pub event: Option<EventId>,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// An ETW provider.
    pub struct Provider {
        /// Name.
        pub name: Text,
        /// GUID, in braces.
        pub guid: Text,
        /// Where its events are written: what can be patched to silence it.
        pub emitted_in: Text,
    }

    /// How Sysmon uses a mechanism. Its events name it themselves.
    pub struct SysmonUse {
        /// Whether it does.
        pub used: Used,
        /// The operations it registers for.
        #[serde(default)]
        pub operations: List<Text>,
        /// The object types it registers for.
        #[serde(default)]
        pub object_types: List<Text>,
        /// Minifilter altitude.
        pub altitude: Option<Text>,
        /// The load order group of that altitude.
        pub altitude_group: Option<Text>,
        /// Minifilter instance.
        pub instance_name: Option<Text>,
        /// Trace session.
        pub session: Option<Text>,
        /// Why we think so.
        pub evidence: Option<Text>,
    }

    /// A kind of event.
    pub struct Event {
        /// `sensor:number`.
        pub id: Text,
        /// The sensor.
        pub sensor: SensorId,
        /// The number within the sensor's log.
        pub number: u32,
        /// Name; `None` where only the number is known.
        pub name: Option<Text>,
        /// The provider that writes it, where the log has several or it is not the sensor's own.
        pub provider: Option<Text>,
        /// What makes the sensor see it; `None` where that is not known.
        pub mechanism: Option<MechanismId>,
        /// The audit subcategories of which one must be on, for events of the Security log.
        #[serde(default)]
        pub subcategories: List<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
        /// What only Sysmon's events have.
        pub sysmon: Option<SysmonEvent>,
        /// What only Security events with a known chain have.
        pub security: Option<SecurityEvent>,
        /// What only Threat-Intelligence events have.
        pub threat_intelligence: Option<ThreatIntelligenceEvent>,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// What only Sysmon's events have.
    pub struct SysmonEvent {
        /// The element of the configuration that filters it; `None` where none does.
        pub rule_tag: Option<Text>,
        /// `include` or `exclude`, where the schema names a default.
        pub rule_default: Option<Text>,
        /// The symbol in the manifest.
        pub symbol: Text,
        /// The version of the event template.
        pub template_version: u32,
        /// Whether a configuration can filter it.
        pub filterable: bool,
        /// `driver` or `service`.
        pub component: Text,
        /// The driver's own event type.
        pub driver_event_type: Option<Text>,
        /// Whether Sysmon for Linux has it too.
        #[serde(default)]
        pub linux: bool,
        /// The Sysmon version that brought it.
        pub since_version: Text,
        /// The oldest kept schema that has it.
        pub since_schema: Text,
        /// How sure `since_version` is: `high`, `medium`, `low`.
        pub since_confidence: Text,
        /// The data fields in the order of schema 4.90.
        pub fields: List<Text>,
        /// The fields that came later, by schema.
        #[serde(default)]
        pub field_history: List<FieldChange>,
    }

    /// Fields that a schema version added.
    pub struct FieldChange {
        /// Schema version.
        pub schema: Text,
        /// The fields.
        pub added: List<Text>,
    }

    /// What only Security events with a known chain have.
    pub struct SecurityEvent {
        /// Where the chain starts.
        pub entry_functions: List<Text>,
        /// Starts that other sources add.
        #[serde(default)]
        pub further_entry_functions: List<Text>,
        /// The modules it runs through.
        pub modules: List<Text>,
        /// The functions from the entry to the write.
        pub functions_in_order: List<Text>,
        /// The calls between them, `caller -> callee`.
        pub edges: List<Text>,
        /// The function that writes the event.
        pub emission: Text,
        /// What is wrong or missing in the source.
        pub correction: Option<Text>,
    }

    /// What only Threat-Intelligence events have.
    pub struct ThreatIntelligenceEvent {
        /// The provider keyword.
        pub keyword: Text,
        /// The first Windows with it.
        pub since_windows: Text,
        /// The kernel functions that log, with their callers.
        pub operational_functions: List<Text>,
        /// The function that builds the event.
        pub processing_function: Text,
        /// The function that writes it.
        pub emission: Text,
        /// Its place in the published list.
        pub position_in_sheet: Option<u32>,
        /// Where the functions were read.
        pub functions_from: Text,
    }
}
