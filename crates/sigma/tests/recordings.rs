//! SigmaHQ's Windows rules over recordings: the matches are those a reference found.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use predicate::eval::column;
use serde_json::Value;
use sigma::{Matcher, Pack, Placeholders, SourceColumns};
use telemetry::{Options, Plan, Scan, discover, header};

type Matches = BTreeMap<String, BTreeSet<u64>>;

fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(what);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/{what} is not there");
    None
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The column that holds a field of the event as Sigma names it.
fn column_of(field: &str) -> String {
    match field {
        "Provider_Name" => "provider".to_owned(),
        "Execution_ProcessID" => "executionprocessid".to_owned(),
        "Execution_ThreadID" => "executionthreadid".to_owned(),
        "Security_UserID" => "userid".to_owned(),
        field => header::canonical(field),
    }
}

/// The matches in one file, by the record's id or, without one, its place in the file.
fn matches(pack: &Pack, matcher: &Matcher, file: &Path, by_place: bool) -> Matches {
    let origins = discover(&[file.to_owned()]).unwrap();
    let mut discovery = Scan::new(origins.clone(), Plan::discovery(), Options::default());
    for _ in &mut discovery {}
    let fields = discovery.report().fields;
    let header = header::columns().iter().map(|c| c.name.to_lowercase());
    let mut columns: BTreeSet<String> = header.collect();
    columns.extend(fields.iter().map(|f| f.to_lowercase()));
    let plan = Plan::of(columns.into_iter().collect());
    let mut out = Matches::new();
    let mut before = 0;
    for batch in Scan::new(
        origins,
        plan,
        Options {
            threads: 1,
            ..Options::default()
        },
    ) {
        let batch: RecordBatch = batch;
        let ids = column(&batch, "eventrecordid").unwrap().unwrap();
        for (rule, row) in matcher.matches(&batch).unwrap() {
            let record = match by_place {
                true => before + row as u64 + 1,
                false => ids.values[ids.keys[row] as usize]
                    .as_ref()
                    .unwrap()
                    .parse()
                    .unwrap(),
            };
            let id = pack.rules[rule].id.clone().unwrap();
            out.entry(id).or_default().insert(record);
        }
        before += batch.num_rows() as u64;
    }
    out
}

fn ids(value: &Value) -> Matches {
    let records = |v: &Value| {
        v.as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap())
            .collect()
    };
    let rules = value.as_object().into_iter().flatten();
    rules.map(|(id, v)| (id.clone(), records(v))).collect()
}

/// Where two sets of matches differ, except for those where both answers are right.
fn differing(name: &str, found: &Matches, expected: &Matches, either: &Matches) -> Vec<String> {
    let none = BTreeSet::new();
    let rules: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let mut out = Vec::new();
    for rule in rules {
        let (f, e) = (
            found.get(rule).unwrap_or(&none),
            expected.get(rule).unwrap_or(&none),
        );
        let tolerated = either.get(rule).unwrap_or(&none);
        let mut different = f
            .symmetric_difference(e)
            .filter(|n| !tolerated.contains(n))
            .peekable();
        if different.peek().is_some() {
            let missing = e.difference(f).take(3).collect::<Vec<_>>();
            let beyond = f.difference(e).take(3).collect::<Vec<_>>();
            out.push(format!(
                "{name} {rule}: missing {missing:?}, beyond {beyond:?}"
            ));
        }
    }
    out
}

fn pack(folder: &Path) -> (Pack, Matcher) {
    let pack = Pack::read(&[folder.join("rules")], &Placeholders::new()).unwrap();
    let source = SourceColumns {
        channel: "channel".to_owned(),
        provider: "provider".to_owned(),
        event_id: "eventid".to_owned(),
    };
    let matcher = Matcher::new(&pack.rules, source, &column_of, &["timecreated".to_owned()]);
    (pack, matcher)
}

/// The recordings of a folder.
fn recordings(folder: &str) {
    let (Some(truth), Some(data)) = (shared("conformance/sigma"), shared("data")) else {
        return;
    };
    let (pack, matcher) = pack(&truth);
    let expected = json(&truth.join("expected/matches.json"));
    let either = json(&truth.join("expected/either.json"));
    let mut wrong = Vec::new();
    for (name, rules) in expected.as_object().unwrap() {
        if !name.starts_with(folder) {
            continue;
        }
        let by_place = !name.ends_with(".evtx");
        let found = matches(&pack, &matcher, &data.join(name), by_place);
        wrong.extend(differing(name, &found, &ids(rules), &ids(&either[name])));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn matches_in_event_logs_are_those_expected() {
    recordings("evtx/");
}

#[test]
fn matches_in_json_are_those_expected() {
    recordings("security-datasets/");
}

#[test]
fn matches_in_the_regression_recordings_are_those_expected() {
    let Some(truth) = shared("conformance/sigma") else {
        return;
    };
    let (pack, matcher) = pack(&truth);
    let mut wrong = Vec::new();
    for (name, rules) in json(&truth.join("regression/matches.json"))
        .as_object()
        .unwrap()
    {
        let file = [
            truth.join("regression").join(name),
            truth.join("regression/evtx").join(name),
            truth.join(name),
        ];
        let file = file.iter().find(|f| f.exists()).unwrap();
        let found = matches(&pack, &matcher, file, false);
        wrong.extend(differing(name, &found, &ids(rules), &Matches::new()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
