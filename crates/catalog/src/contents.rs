//! The catalog as one value, for those who want all of it: what `map --all --format json` prints, and the schema of that.

use crate::model::{calls::*, map::*, rights::AccessRights, techniques::*};
use crate::tables;
use serde::Serialize;

/// The published JSON Schema of [`Contents`] (draft 2020-12).
pub const SCHEMA: &str = include_str!("../schema/catalog.schema.json");

/// Every table of the catalog. Rows refer to each other by `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Contents {
    /// Where facts were read.
    pub sources: &'static [Source],
    /// What writes events.
    pub sensors: &'static [Sensor],
    /// How sensors come to see something.
    pub mechanisms: &'static [Mechanism],
    /// The events.
    pub events: &'static [Event],
    /// Functions that give a mechanism away on a stack.
    pub stack_signs: &'static [StackSign],
    /// The API calls.
    pub apis: &'static [Api],
    /// The arrows: call, mechanism, event.
    pub mappings: &'static [Mapping],
    /// Calls known to leave no event.
    pub not_observed: &'static [NotObserved],
    /// Access rights per object type.
    pub access_rights: &'static AccessRights,
    /// The rights API calls need.
    pub api_rights: &'static [ApiRights],
    /// Rights that go together.
    pub right_sets: &'static [RightSet],
    /// Published sums, checked.
    pub claims: &'static [Claim],
    /// Techniques as calls.
    pub behaviours: &'static [Behaviour],
    /// Ways to blind a sensor.
    pub tampering: &'static [Tampering],
    /// What protects a sensor.
    pub protections: &'static [Protection],
    /// Programs that attacks put code into or run code through.
    pub host_processes: &'static [HostProcess],
    /// Folders that ordinary users may write to.
    pub writable_folders: &'static [WritableFolder],
    /// ATT&CK data components.
    pub components: &'static [Component],
    /// What events are evidence of.
    pub event_components: &'static [EventComponents],
    /// Mistakes found in the sources.
    pub corrections: &'static [Correction],
}

/// All of it.
pub fn contents() -> Contents {
    Contents {
        sources: tables::sources(),
        sensors: tables::sensors(),
        mechanisms: tables::mechanisms(),
        events: tables::events(),
        stack_signs: tables::stack_signs(),
        apis: tables::apis(),
        mappings: tables::mappings(),
        not_observed: tables::not_observed(),
        access_rights: &tables::ACCESS_RIGHTS,
        api_rights: tables::api_rights(),
        right_sets: tables::right_sets(),
        claims: tables::claims(),
        behaviours: tables::behaviours(),
        tampering: tables::tampering(),
        protections: tables::protections(),
        host_processes: tables::host_processes(),
        writable_folders: tables::writable_folders(),
        components: tables::components(),
        event_components: tables::event_components(),
        corrections: tables::corrections(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::map::{Visibility, seen};
    use crate::{ClaimEvidence, Mark};
    use schemars::generate::SchemaSettings;

    fn generated() -> String {
        let mut schema = SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Contents>();
        schema.insert("title".into(), "The Scotoma catalog".into());
        serde_json::to_string_pretty(&schema).unwrap() + "\n"
    }

    #[test]
    fn the_published_schema_is_the_schema_of_the_model() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/catalog.schema.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(path, generated()).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        assert_eq!(
            published,
            generated(),
            "run the test with UPDATE_SCHEMA=1 and look at what changed"
        );
    }

    #[test]
    fn the_json_satisfies_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut json = serde_json::to_value(contents()).unwrap();
        let faults: Vec<_> = validator
            .iter_errors(&json)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert_eq!(faults, Vec::<String>::new());
        // And the schema can say no.
        json["mappings"][0]["mark"] = "guessed".into();
        assert!(!validator.is_valid(&json));
    }

    /// The counts in docs/map.md are those of the tables.
    #[test]
    fn the_documented_counts_are_those_of_the_tables() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/map.md");
        let text = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        let (before, rest) = text.split_once("<!-- counts -->\n").unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        let mark = |mark: Mark| tables::mappings().iter().filter(|m| m.mark == mark).count();
        let confirmed = |e: &&ClaimEvidence| e.refuted == 0;
        let apis = crate::ApiId::all();
        let sysmon = crate::SensorId::named("sysmon").unwrap();
        let seen = |wanted: &[Visibility]| {
            apis.clone()
                .filter(|a| wanted.contains(&seen(*a, sysmon)))
                .count()
        };
        let counts = format!(
            "| what | number |\n| --- | --- |\n\
             | calls | {} |\n\
             | of these, by Sysmon: seen, not observed, unknown | {}, {}, {} |\n\
             | further functions known by name | {} |\n\
             | events | {} |\n\
             | arrows: from-source, observed, derived, doubtful, refuted | {}, {}, {}, {}, {} |\n\
             | claims tested against recordings | {} |\n\
             | of these confirmed, refuted, never exercised | {}, {}, {} |\n\
             | techniques as calls in order | {} |\n",
            apis.len(),
            seen(&[Visibility::Seen, Visibility::SeenBelow]),
            seen(&[Visibility::NotObserved]),
            seen(&[Visibility::Unknown]),
            crate::functions::all().count(),
            tables::events().len(),
            mark(Mark::FromSource),
            mark(Mark::Observed),
            mark(Mark::Derived),
            mark(Mark::Doubtful),
            mark(Mark::Refuted),
            tables::evidence_tests().len(),
            tables::evidence().iter().filter(confirmed).count(),
            tables::evidence().iter().filter(|e| e.refuted > 0).count(),
            tables::evidence_tests().len() - tables::evidence().len(),
            tables::behaviours().len(),
        );
        let right = format!("{before}<!-- counts -->\n{counts}<!-- end -->{after}");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &right).unwrap();
        } else {
            assert_eq!(text, right, "run the test with UPDATE_DOCS=1");
        }
    }

    #[test]
    fn sizes_of_the_tables() {
        let all = contents();
        let published = all.mappings.iter().filter(|m| m.published).count();
        assert_eq!(
            (
                all.mechanisms.len(),
                published,
                all.behaviours.len(),
                all.tampering.len()
            ),
            (35, 83, 149, 34)
        );
        let sysmon = |e: &&Event| e.sensor.slug() == "sysmon";
        assert_eq!(all.events.iter().filter(sysmon).count(), 30);
        assert!(all.apis.len() >= 245);
    }
}
