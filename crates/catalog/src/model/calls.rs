//! The shape of API calls, of what they reach, and of the rights they need.

use super::when::Precondition;
use super::{ApiId, EventId, List, Mark, MechanismId, SensorId, Text};

model! {
    /// Where in the system a call is made.
    #[serde(rename_all = "kebab-case")]
    pub enum Layer {
        /// Documented Windows API.
        Win32,
        /// A function inside a Windows API module that nobody calls directly.
        Win32Internal,
        /// A system service (`Nt`/`Zw`) or another `ntdll` export.
        Native,
        /// A function inside the kernel.
        KernelInternal,
        /// A call that another process carries out (SCM, SAM, LSA).
        Rpc,
        /// A COM method.
        Com,
        /// An operation of a network protocol, whatever sends it.
        Protocol,
        /// A name the published map has where an API should be.
        NotAnApi,
    }

    /// An API call.
    pub struct Api {
        /// The name, without the `A`/`W` suffix where both forms exist.
        pub id: Text,
        /// Where it is called.
        pub layer: Layer,
        /// The modules that export it.
        pub modules: List<Text>,
        /// The exact names it goes by: `A`/`W` and `Ex` forms, `Zw` names.
        #[serde(default)]
        pub variants: List<Text>,
        /// The system services it ends in, where known.
        #[serde(default)]
        pub native: List<Service>,
        /// The kind of object it opens a handle to, as in the table of access rights.
        pub opens: Option<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
        /// How sure the row is.
        pub mark: Mark,
        /// Where the name was read.
        pub source: List<Text>,
    }

    /// A system service that a call ends in, and what the call passes to it.
    pub struct Service {
        /// The service.
        pub call: ApiId,
        /// What is passed. Where an arrow of the service asks for something that is not stated here, it is not taken over.
        #[serde(default)]
        pub passes: List<Precondition>,
        /// The process that makes the call, where it is not the caller itself.
        pub by: Option<Text>,
    }

    /// Whether the published sheet says the row was verified in a debugger.
    #[serde(rename_all = "kebab-case")]
    pub enum Verified {
        /// It says so.
        Yes,
        /// Not claimed by any sheet.
        No,
        /// The picture of the sheet ends before the row.
        NotShown,
        /// The source has no such column.
        NotStated,
        /// Seen in recorded data instead.
        Data,
    }

    /// What we think of a published row that is not simply right.
    #[serde(rename_all = "kebab-case")]
    pub enum Assessment {
        /// The call has to come before; it is not the cause.
        Prerequisite,
        /// Probably wrong.
        Doubtful,
        /// No API at all.
        NotAnApi,
    }

    /// One arrow of the map: this call is noticed by this mechanism and gives this event.
    pub struct Mapping {
        /// Our name for the row.
        pub id: Text,
        /// The call; `None` where the source names none.
        pub api: Option<ApiId>,
        /// The mechanism.
        pub mechanism: MechanismId,
        /// The event.
        pub event: EventId,
        /// The conditions under which the call does this; all must hold.
        #[serde(default)]
        pub when: List<Precondition>,
        /// The service (or function) the call gets there by.
        pub reaches: Option<Text>,
        /// Whether the published sheet calls it verified.
        pub verified: Verified,
        /// What we think of it, where that differs.
        pub assessment: Option<Assessment>,
        /// What is wrong or imprecise in the source.
        pub correction: Option<Text>,
        /// How the source spells the call.
        #[serde(default)]
        pub original_spelling: List<Text>,
        /// How the source names the mechanism.
        pub mechanism_as_written: Option<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
        /// How sure the row is.
        pub mark: Mark,
        /// Whether it is a row of the published map.
        pub published: bool,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// Calls that leave no event.
    pub struct NotObserved {
        /// Our name for the row.
        pub id: Text,
        /// The calls.
        pub apis: List<ApiId>,
        /// The sensor that stays silent.
        pub sensor: SensorId,
        /// The event one would expect; `None` for any.
        pub event: Option<EventId>,
        /// Why.
        pub why: Text,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// The rights a call needs on the handles it is given.
    pub struct ApiRights {
        /// The call.
        pub api: ApiId,
        /// One entry per handle; none for calls that take none.
        #[serde(default)]
        pub handles: List<HandleRights>,
        /// Whether Microsoft documents the rights.
        pub documented: bool,
        /// Privileges that matter, with the reason.
        #[serde(default)]
        pub privileges: List<Text>,
        /// What does the work, where that is no call of the catalog's own.
        pub served_by: Option<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
        /// How sure the row is.
        pub mark: Mark,
        /// Where it was read.
        pub source: List<Text>,
    }

    /// The rights needed on one handle.
    pub struct HandleRights {
        /// The parameter.
        pub param: Text,
        /// The object type, as in the rights table.
        pub object: Text,
        /// The rights.
        pub rights: List<Text>,
        /// Their sum.
        pub mask: u32,
        /// The condition, where not always.
        pub when: Option<Text>,
        /// What the kernel checks, where that is less.
        pub kernel_check: Option<Text>,
        /// What else is to be known.
        pub note: Option<Text>,
        /// Rights needed as well under a condition.
        #[serde(default)]
        pub plus: List<RightsCase>,
        /// Sets that are enough instead.
        #[serde(default)]
        pub alternatives: List<RightsCase>,
    }

    /// Rights under a condition.
    pub struct RightsCase {
        /// The condition.
        pub when: Option<Text>,
        /// The rights.
        pub rights: List<Text>,
        /// Their sum.
        pub mask: u32,
    }

    /// Rights that go together in a known behaviour.
    pub struct RightSet {
        /// What for.
        pub name: Text,
        /// The object type.
        pub object: Text,
        /// The rights.
        pub rights: List<Text>,
        /// Their sum.
        pub mask: u32,
    }

    /// A sum of rights that somebody published, checked.
    pub struct Claim {
        /// Our name for it.
        pub id: Text,
        /// The object type.
        pub object: Text,
        /// What is claimed.
        pub claim: Text,
        /// The rights it names.
        pub rights: List<Text>,
        /// The mask it gives for them.
        pub claimed: u32,
        /// What the difference does.
        pub note: Text,
        /// How sure the claim is.
        pub mark: Mark,
        /// Where it was read, and what it was checked against.
        pub source: List<Text>,
    }
}
