//! Walks recordings and counts, for every claim of the catalog that has a test, the records that confirm or refute it.

#![forbid(unsafe_code)]

pub mod sample;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use catalog::{ClaimTest, EventId, RecordTest};
use schema::LogSource;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use telemetry::{Options, Plan, Scan, discover};

/// Why recordings cannot be walked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    Input {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A column is not text.
    #[error("a column of {name}: {source}")]
    Column {
        /// The recording.
        name: String,
        /// Why.
        source: arrow::error::ArrowError,
    },
}

/// What came of a claim so far.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Verdict {
    confirmed: u32,
    refuted: u32,
    first_confirmed: Option<Place>,
    first_refuted: Option<Place>,
}

/// Where a record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    recording: String,
    record: Option<u64>,
}

/// Walks `recordings` and gives the evidence as the YAML of `generated/evidence.yaml`.
pub fn walk(recordings: &[PathBuf]) -> Result<String, Failure> {
    let tests = catalog::evidence::tests();
    let mut verdicts = vec![Verdict::default(); tests.len()];
    for path in files(recordings)? {
        one(&path, tests, &mut verdicts)?;
    }
    let mut out = String::from(
        "# Written by tools/evidence: how many records confirm or refute a claim, and the first of them.\n\n",
    );
    for (test, verdict) in tests.iter().zip(&verdicts) {
        let first = verdict
            .first_refuted
            .as_ref()
            .or(verdict.first_confirmed.as_ref());
        let Some(place) = first else { continue };
        let record = place
            .record
            .map_or_else(String::new, |r| format!(", record: {r}"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "- {{claim: \"{}\", confirmed: {}, refuted: {}, recording: \"{}\"{record}}}",
            test.claim, verdict.confirmed, verdict.refuted, place.recording
        );
    }
    Ok(out)
}

/// The files among `recordings` and in its folders, by their names, whatever the system lists first.
fn files(recordings: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in recordings {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let failed = |source| Failure::Input {
            path: path.clone(),
            source,
        };
        let mut inner = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            inner.push(entry.map_err(failed)?.path());
        }
        found.extend(files(&inner)?);
    }
    found.sort_by_key(|path| name(path));
    Ok(found)
}

/// A recording's name: its file's, without what says how it is packed.
fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let endings = [".tar.gz", ".zip", ".evtx", ".json"];
    let stem = endings.iter().find_map(|e| name.strip_suffix(e));
    stem.unwrap_or(&name).to_owned()
}

/// The header's columns, before the fields that tests ask for.
const HEADER: [&str; 4] = ["channel", "provider", "eventid", "eventrecordid"];

fn one(path: &Path, tests: &[ClaimTest], verdicts: &mut [Verdict]) -> Result<(), Failure> {
    let recording = name(path);
    let lower = recording.to_lowercase();
    let applies = |test: &&ClaimTest| {
        let parts = test.recordings;
        parts.is_empty()
            || parts
                .iter()
                .any(|part| lower.contains(&part.to_lowercase()))
    };
    // The tests by the event they are about.
    let mut by_event: HashMap<EventId, Vec<Job>> = HashMap::new();
    let mut fields: BTreeMap<String, usize> = BTreeMap::new();
    for (claim, test) in tests.iter().enumerate().filter(|(_, t)| applies(t)) {
        let confirming = test.confirms.iter().map(|record| (record, false));
        let refuting = test.refutes.iter().map(|record| (record, true));
        for (record, refutes) in confirming.chain(refuting) {
            let mut names: Vec<&str> = record.repeats.to_vec();
            names.extend(record.fields.iter().flat_map(|f| [f.field, f.value]));
            fields.extend(names.into_iter().map(|n| (n.to_lowercase(), 0)));
            let job = Job {
                claim,
                record,
                refutes,
                met: HashSet::new(),
            };
            by_event.entry(record.event).or_default().push(job);
        }
    }
    // A value that is no field's name only gives a column without values.
    let columns: Vec<String> = HEADER
        .iter()
        .map(|c| (*c).to_owned())
        .chain(fields.keys().cloned())
        .collect();
    for (place, name) in columns.iter().enumerate().skip(HEADER.len()) {
        fields.insert(name.clone(), place);
    }
    let origins =
        discover(&[path.to_owned()]).map_err(|(path, source)| Failure::Input { path, source })?;
    for batch in Scan::new(origins, Plan::of(columns), Options::default()) {
        let cells = texts(&batch).map_err(|source| Failure::Column {
            name: recording.clone(),
            source,
        })?;
        for row in 0..batch.num_rows() {
            let cell = |column: usize| {
                cells[column]
                    .is_valid(row)
                    .then(|| cells[column].value(row))
            };
            let Some(event) = event(cell(0), cell(1), cell(2)) else {
                continue;
            };
            for job in by_event.get_mut(&event).into_iter().flatten() {
                let value_of = |name: &str| fields.get(&name.to_lowercase()).and_then(|c| cell(*c));
                if job.met_by(value_of) {
                    let record = cell(3).and_then(|r| r.parse().ok());
                    let place = Place {
                        recording: recording.clone(),
                        record,
                    };
                    verdicts[job.claim].count(job.refutes, place);
                }
            }
        }
    }
    Ok(())
}

/// A record test at work.
struct Job {
    claim: usize,
    record: &'static RecordTest,
    refutes: bool,
    /// The values of the fields that must repeat, as far as they were met.
    met: HashSet<Vec<String>>,
}

impl Job {
    fn met_by<'r>(&mut self, value_of: impl Fn(&str) -> Option<&'r str>) -> bool {
        if !self.record.fields.iter().all(|f| f.holds(&value_of)) {
            return false;
        }
        if self.record.repeats.is_empty() {
            return true;
        }
        let values = self
            .record
            .repeats
            .iter()
            .map(|f| value_of(f).map(str::to_owned));
        let values: Option<Vec<String>> = values.collect();
        values.is_some_and(|values| !self.met.insert(values))
    }
}

impl Verdict {
    fn count(&mut self, refutes: bool, place: Place) {
        let (count, first) = match refutes {
            true => (&mut self.refuted, &mut self.first_refuted),
            false => (&mut self.confirmed, &mut self.first_confirmed),
        };
        *count += 1;
        first.get_or_insert(place);
    }
}

fn event(channel: Option<&str>, provider: Option<&str>, id: Option<&str>) -> Option<EventId> {
    let sensor = LogSource::of(channel, provider).sensor()?;
    EventId::named(&format!("{}:{}", sensor.id(), id?))
}

fn texts(batch: &RecordBatch) -> Result<Vec<StringArray>, arrow::error::ArrowError> {
    let columns = batch.columns().iter();
    columns
        .map(|c| cast(c, &DataType::Utf8).map(|text| text.as_string::<i32>().clone()))
        .collect()
}
