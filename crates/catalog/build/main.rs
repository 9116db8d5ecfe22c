//! Reads `data/*.yaml`, checks it, and writes it out as static Rust tables. A mistake in the data stops the build with the
//! file, the row and the reason.

mod check;
mod literal;
mod manifests;
mod rights;

/// How the build script holds the model: owned, so that YAML can be read into it.
mod storage {
    pub type Text = String;
    pub type List<T> = Vec<T>;

    macro_rules! ids {
        ($($id:ident)*) => {
            $(#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
            pub struct $id(pub String);)*
        };
    }
    ids! { SourceId SensorId MechanismId EventId ApiId ComponentId }
}

macro_rules! model {
    ($($(#[$meta:meta])* pub $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub $kind $name { $($body)* })*
    };
}

#[path = "../src/model/mod.rs"]
#[allow(dead_code)]
mod model;

use literal::RowPlaces;
use model::{calls, evidence, map, techniques};
use serde::{Serialize, de::DeserializeOwned};
use std::error::Error;
use std::path::{Path, PathBuf};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// Everything in `data/`.
pub struct CatalogData {
    access: model::rights::AccessRights,
    sources: Vec<map::Source>,
    sensors: Vec<map::Sensor>,
    mechanisms: Vec<map::Mechanism>,
    events: Vec<map::Event>,
    stack_signs: Vec<map::StackSign>,
    apis: Vec<calls::Api>,
    mappings: Vec<calls::Mapping>,
    not_observed: Vec<calls::NotObserved>,
    api_rights: Vec<calls::ApiRights>,
    right_sets: Vec<calls::RightSet>,
    claims: Vec<calls::Claim>,
    behaviours: Vec<techniques::Behaviour>,
    tampering: Vec<techniques::Tampering>,
    protections: Vec<techniques::Protection>,
    host_processes: Vec<techniques::HostProcess>,
    writable_folders: Vec<techniques::WritableFolder>,
    components: Vec<techniques::Component>,
    event_components: Vec<techniques::EventComponents>,
    corrections: Vec<techniques::Correction>,
    evidence_tests: Vec<evidence::ClaimTest>,
    evidence: Vec<evidence::ClaimEvidence>,
}

fn main() -> Fallible<()> {
    println!("cargo:rerun-if-changed=data");
    let mut data = read_all(&PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("data"))?;
    let places = check::places(&data)?;
    check::all(&data)?;
    evidence_marks(&mut data)?;
    write_all(&PathBuf::from(std::env::var("OUT_DIR")?), &data, &places)
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Fallible<T> {
    let text =
        std::fs::read_to_string(folder.join(name)).map_err(|e| format!("data/{name}: {e}"))?;
    serde_saphyr::from_str(&text).map_err(|e| format!("data/{name}: {e}").into())
}

fn read_all(folder: &Path) -> Fallible<CatalogData> {
    let mut events: Vec<map::Event> = Vec::new();
    for name in [
        "events_sysmon",
        "events_security",
        "events_threat_intelligence",
        "events_other",
    ] {
        events.extend(read::<Vec<_>>(folder, &format!("{name}.yaml"))?);
    }
    manifests::complete(&folder.join("generated"), &mut events)?;
    let sensors: Vec<map::Sensor> = read(folder, "sensors.yaml")?;
    manifests::check(&folder.join("generated"), &sensors, &events)?;
    events.sort_by_key(|e| (sensors.iter().position(|s| s.id == e.sensor.0), e.number));
    Ok(CatalogData {
        access: read(folder, "access_rights.yaml")?,
        sources: read(folder, "sources.yaml")?,
        sensors,
        mechanisms: read(folder, "mechanisms.yaml")?,
        events,
        stack_signs: read(folder, "stack_signs.yaml")?,
        apis: read(folder, "apis.yaml")?,
        mappings: read(folder, "mappings.yaml")?,
        not_observed: read(folder, "not_observed.yaml")?,
        api_rights: read(folder, "api_rights.yaml")?,
        right_sets: read(folder, "right_sets.yaml")?,
        claims: read(folder, "claims.yaml")?,
        behaviours: read(folder, "behaviours.yaml")?,
        tampering: read(folder, "tampering.yaml")?,
        protections: read(folder, "protections.yaml")?,
        host_processes: read(folder, "host_processes.yaml")?,
        writable_folders: read(folder, "writable_folders.yaml")?,
        components: read(folder, "data_components.yaml")?,
        event_components: read(folder, "event_components.yaml")?,
        corrections: read(folder, "corrections.yaml")?,
        evidence_tests: read(folder, "evidence_tests.yaml")?,
        evidence: read(folder, "generated/evidence.yaml")?,
    })
}

/// What recordings confirm is observed; what they refute stops the build until the row says so.
fn evidence_marks(data: &mut CatalogData) -> Fallible<()> {
    for evidence in &data.evidence {
        let row = data.mappings.iter_mut().find(|m| m.id == evidence.claim);
        let Some(row) = row else { continue };
        if evidence.refuted > 0 && row.mark < model::Mark::Doubtful {
            return Err(
                format!("mapping {:?} is refuted by {}", row.id, evidence.recording).into(),
            );
        }
        if evidence.refuted == 0 && evidence.confirmed > 0 && row.mark == model::Mark::Derived {
            row.mark = model::Mark::Observed;
        }
    }
    Ok(())
}

fn write_all(out: &Path, data: &CatalogData, places: &RowPlaces) -> Fallible<()> {
    let access = literal::literal(&data.access, places)?;
    std::fs::write(out.join("access_rights.rs"), access)?;
    rows(out, "sources", &data.sources, places)?;
    rows(out, "sensors", &data.sensors, places)?;
    rows(out, "mechanisms", &data.mechanisms, places)?;
    rows(out, "events", &data.events, places)?;
    rows(out, "stack_signs", &data.stack_signs, places)?;
    rows(out, "apis", &data.apis, places)?;
    rows(out, "mappings", &data.mappings, places)?;
    rows(out, "not_observed", &data.not_observed, places)?;
    rows(out, "api_rights", &data.api_rights, places)?;
    rows(out, "right_sets", &data.right_sets, places)?;
    rows(out, "claims", &data.claims, places)?;
    rows(out, "behaviours", &data.behaviours, places)?;
    rows(out, "tampering", &data.tampering, places)?;
    rows(out, "protections", &data.protections, places)?;
    rows(out, "host_processes", &data.host_processes, places)?;
    rows(out, "writable_folders", &data.writable_folders, places)?;
    rows(out, "components", &data.components, places)?;
    rows(out, "event_components", &data.event_components, places)?;
    rows(out, "corrections", &data.corrections, places)?;
    rows(out, "evidence_tests", &data.evidence_tests, places)?;
    rows(out, "evidence", &data.evidence, places)
}

fn rows<T: Serialize + std::fmt::Debug>(
    out: &Path,
    name: &str,
    rows: &[T],
    places: &RowPlaces,
) -> Fallible<()> {
    let mut text = String::from("&[");
    for row in rows {
        let row = literal::literal(row, places).map_err(|e| format!("{name}: {e}, in {row:?}"))?;
        text.push_str(&row);
        text.push(',');
    }
    text.push(']');
    std::fs::write(out.join(format!("{name}.rs")), text)?;
    Ok(())
}
