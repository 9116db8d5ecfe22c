//! The compiled-in rows. Written by the build script; nothing here is computed.

use crate::model::Mark;
use crate::model::{calls::*, evidence::*, map::*, rights::*, techniques::*, when::*};
use crate::storage::*;

macro_rules! tables {
    ($($name:ident: $row:ident from $file:literal;)*) => {
        $(pub(crate) static $name: &[$row] = include!(concat!(env!("OUT_DIR"), "/", $file, ".rs"));)*
    };
}

tables! {
    SOURCES: Source from "sources";
    SENSORS: Sensor from "sensors";
    MECHANISMS: Mechanism from "mechanisms";
    EVENTS: Event from "events";
    STACK_SIGNS: StackSign from "stack_signs";
    APIS: Api from "apis";
    MAPPINGS: Mapping from "mappings";
    NOT_OBSERVED: NotObserved from "not_observed";
    API_RIGHTS: ApiRights from "api_rights";
    RIGHT_SETS: RightSet from "right_sets";
    CLAIMS: Claim from "claims";
    BEHAVIOURS: Behaviour from "behaviours";
    TAMPERING: Tampering from "tampering";
    PROTECTIONS: Protection from "protections";
    HOST_PROCESSES: HostProcess from "host_processes";
    WRITABLE_FOLDERS: WritableFolder from "writable_folders";
    COMPONENTS: Component from "components";
    EVENT_COMPONENTS: EventComponents from "event_components";
    CORRECTIONS: Correction from "corrections";
    EVIDENCE_TESTS: ClaimTest from "evidence_tests";
    EVIDENCE: ClaimEvidence from "evidence";
}

pub(crate) static ACCESS_RIGHTS: AccessRights =
    include!(concat!(env!("OUT_DIR"), "/access_rights.rs"));
