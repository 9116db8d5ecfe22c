//! The compiled-in rows, written by the build script, and those that were added to them when the program began.

use crate::model::Mark;
use crate::model::{calls::*, evidence::*, map::*, rights::*, techniques::*, when::*};
use crate::storage::*;
use std::sync::OnceLock;

macro_rules! tables {
    ($($table:ident is $name:ident: $row:ident from $file:literal;)*) => {
        $(static $name: &[$row] = include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));

        pub(crate) fn $table() -> &'static [$row] {
            EXTENDED.get().and_then(|e| e.$table).unwrap_or($name)
        })*

        /// Tables with rows added behind those that are compiled in; `None` where none were.
        #[derive(Debug, Default)]
        pub(crate) struct Extended {
            $(pub(crate) $table: Option<&'static [$row]>,)*
        }
    };
}

static EXTENDED: OnceLock<Extended> = OnceLock::new();

/// Puts `tables` in the place of the compiled-in ones; an error where that was done before.
pub(crate) fn extend(tables: Extended) -> Result<(), ()> {
    EXTENDED.set(tables).map_err(|_| ())
}

tables! {
    sources is SOURCES: Source from "sources";
    sensors is SENSORS: Sensor from "sensors";
    mechanisms is MECHANISMS: Mechanism from "mechanisms";
    events is EVENTS: Event from "events";
    stack_signs is STACK_SIGNS: StackSign from "stack_signs";
    apis is APIS: Api from "apis";
    mappings is MAPPINGS: Mapping from "mappings";
    not_observed is NOT_OBSERVED: NotObserved from "not_observed";
    api_rights is API_RIGHTS: ApiRights from "api_rights";
    right_sets is RIGHT_SETS: RightSet from "right_sets";
    claims is CLAIMS: Claim from "claims";
    behaviours is BEHAVIOURS: Behaviour from "behaviours";
    tampering is TAMPERING: Tampering from "tampering";
    protections is PROTECTIONS: Protection from "protections";
    host_processes is HOST_PROCESSES: HostProcess from "host_processes";
    writable_folders is WRITABLE_FOLDERS: WritableFolder from "writable_folders";
    components is COMPONENTS: Component from "components";
    event_components is EVENT_COMPONENTS: EventComponents from "event_components";
    corrections is CORRECTIONS: Correction from "corrections";
    evidence_tests is EVIDENCE_TESTS: ClaimTest from "evidence_tests";
    evidence is EVIDENCE: ClaimEvidence from "evidence";
}

pub(crate) static ACCESS_RIGHTS: AccessRights =
    include!(concat!(env!("OUT_DIR"), "/access_rights.rs"));
