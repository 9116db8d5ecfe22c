//! The groups of a baseline added up by fewer keys, as a configuration sees their values: letters A-Z
//! folded, an absent text read as `-`. It refuses to judge.

use std::collections::{BTreeMap, BTreeSet};

use sysmon::schema;

use crate::report::{Report, Stream};

/// Added-up groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    /// Values as first recorded.
    pub values: Vec<String>,
    pub count: u64,
    pub halves: [u64; 2],
    pub hosts: BTreeSet<usize>,
    /// Days since 1970.
    pub days: BTreeSet<i64>,
    /// The groups that make it up, as places in the stream.
    pub groups: Vec<usize>,
}

impl Sum {
    pub fn add(&mut self, report: &Report, stream: &Stream, group: usize) {
        let tally = &stream.groups[group].tally;
        self.count += tally.count;
        self.halves[0] += tally.halves[0];
        self.halves[1] += tally.halves[1];
        self.hosts.extend(tally.hosts.iter().map(|h| h.host));
        let day = |bucket: usize| {
            let seconds = report.timeline.seconds as i64 * bucket as i64;
            (report.timeline.start / 1_000_000 + seconds).div_euclid(86_400)
        };
        self.days
            .extend(tally.timeline.iter().map(|(b, _)| day(*b)));
        self.groups.push(group);
    }
}

/// What a filter on a field sees of a recorded value; `None` where it sees nothing and fails.
pub(super) fn seen<'a>(field: &str, value: Option<&'a str>) -> Option<&'a str> {
    match value {
        Some(text) if !text.is_empty() => Some(text),
        _ => schema::is_text(field).then_some("-"),
    }
}

/// The values of a group for some fields as they are compared; `None` where a filter fails on one.
pub(super) fn folded(stream: &Stream, group: usize, fields: &[String]) -> Option<Vec<String>> {
    fields
        .iter()
        .map(|field| {
            let at = place(stream, field)?;
            let value = stream.groups[group].values[at].as_deref();
            seen(field, value).map(str::to_ascii_lowercase)
        })
        .collect()
}

/// The place of a field among a stream's keys.
pub(super) fn place(stream: &Stream, field: &str) -> Option<usize> {
    stream
        .keys
        .iter()
        .position(|k| k.eq_ignore_ascii_case(field))
}

/// Adds the groups of a stream up by some of its keys.
pub(super) fn by(
    report: &Report,
    stream: &Stream,
    fields: &[String],
) -> BTreeMap<Vec<String>, Sum> {
    let mut sums: BTreeMap<Vec<String>, Sum> = BTreeMap::new();
    for group in 0..stream.groups.len() {
        let Some(key) = folded(stream, group, fields) else {
            continue;
        };
        let sum = sums.entry(key).or_insert_with(|| Sum {
            values: fields
                .iter()
                .filter_map(|f| {
                    let value = stream.groups[group].values[place(stream, f)?].as_deref();
                    seen(f, value).map(str::to_owned)
                })
                .collect(),
            ..Sum::default()
        });
        sum.add(report, stream, group);
    }
    sums
}
