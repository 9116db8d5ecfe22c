//! The counters against counting one event after the other: random recordings, cut into batches anywhere.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use baseline::{Collector, Names, Parameters, Report, Select, Spec, Survey};
use proptest::prelude::*;

const MINUTE: i64 = 60_000_000;

#[derive(Clone, Debug)]
struct Event {
    time: Option<i64>,
    host: u8,
    id: i64,
    source: Option<u8>,
    target: u8,
    user: Option<u8>,
}

impl Event {
    fn image(&self) -> Option<String> {
        (self.id == 1).then(|| match self.target % 3 {
            0 => r"C:\Windows\System32\wininit.exe".to_owned(),
            n => format!(r"C:\Programs\p{n}.exe"),
        })
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (
        prop::option::weighted(0.97, 0i64..20_000),
        0u8..4,
        prop::sample::select(vec![1i64, 4, 8, 8, 8, 8, 8, 10]),
        prop::option::weighted(0.9, 0u8..6),
        0u8..6,
        prop::option::weighted(0.8, 0u8..40),
    )
        .prop_map(|(minute, host, id, source, target, user)| Event {
            // Seconds matter at the edge of a minute.
            time: minute.map(|m| m * MINUTE / 2 + i64::from(target) * 1_000_000),
            host,
            id,
            source,
            target,
            user,
        });
    prop::collection::vec(event, 1..300)
}

fn text(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    let values: Vec<Option<String>> = values.collect();
    let array: DictionaryArray<Int32Type> = values.iter().map(Option::as_deref).collect();
    Arc::new(array)
}

fn batch(events: &[Event], from: usize, plain: bool) -> RecordBatch {
    let column = |f: &dyn Fn(&Event) -> Option<String>| text(events.iter().map(f));
    let times: TimestampMicrosecondArray = events.iter().map(|e| e.time).collect();
    let ids: Int64Array = events.iter().map(|e| Some(e.id)).collect();
    let records: Int64Array = (from..from + events.len())
        .map(|i| Some(i64::try_from(i).unwrap()))
        .collect();
    let targets = column(&|e| Some(format!("T{}", e.target)));
    // The results of a query may come without dictionaries.
    let targets = match plain {
        true => cast(&targets, &DataType::Utf8).unwrap(),
        false => targets,
    };
    RecordBatch::try_from_iter_with_nullable(vec![
        (
            "timecreated",
            Arc::new(times.with_timezone("UTC")) as ArrayRef,
            true,
        ),
        ("computer", column(&|e| Some(format!("H{}", e.host))), true),
        (
            "channel",
            column(&|_| Some("Microsoft-Windows-Sysmon/Operational".into())),
            true,
        ),
        ("eventid", Arc::new(ids), true),
        ("eventrecordid", Arc::new(records), true),
        ("source_file", column(&|_| Some("log.evtx".into())), true),
        ("image", column(&Event::image), true),
        (
            "state",
            column(&|e| (e.id == 4).then(|| "Started".into())),
            true,
        ),
        (
            "sourceimage",
            column(&|e| e.source.map(|s| format!("S{s}"))),
            true,
        ),
        ("targetimage", targets, true),
        (
            "sourceuser",
            column(&|e| e.user.map(|u| format!("U{u:02}"))),
            true,
        ),
    ])
    .unwrap()
}

fn spec() -> Spec {
    Spec {
        name: "CreateRemoteThread".to_owned(),
        rows: Select::Sysmon(8),
        by: vec!["SourceImage".to_owned(), "TargetImage".to_owned()],
        user: Some("SourceUser".to_owned()),
    }
}

/// Batches with dictionaries of their own, or with one that they share.
fn batches(events: &[Event], size: usize, shared: bool) -> Vec<RecordBatch> {
    if shared {
        let whole = batch(events, 0, false);
        let from = (0..events.len()).step_by(size);
        return from
            .map(|at| whole.slice(at, size.min(events.len() - at)))
            .collect();
    }
    let chunks = events.chunks(size).enumerate();
    chunks
        .map(|(i, chunk)| batch(chunk, i * size, true))
        .collect()
}

fn count(events: &[Event], size: usize, parameters: &Parameters) -> Report {
    count_batches(&batches(events, size, false), parameters)
}

fn count_batches(batches: &[RecordBatch], parameters: &Parameters) -> Report {
    let mut survey = Survey::default();
    let mut collector = Collector::new(vec![spec()], Names::default(), parameters.clone());
    for batch in batches {
        survey.add(batch).unwrap();
        collector.add(batch, &mut survey).unwrap();
    }
    if survey.late() {
        survey.settled();
        collector = Collector::new(vec![spec()], Names::default(), parameters.clone());
        for batch in batches {
            collector.add(batch, &mut survey).unwrap();
        }
    }
    collector.finish(&survey)
}

type Key = (Option<String>, String);

fn key(e: &Event) -> Key {
    (e.source.map(|s| format!("S{s}")), format!("T{}", e.target))
}

/// Boots by starts of wininit, which no boot has twice; what Sysmon's starts lie near belongs to the same boot, and they
/// alone are boots where a host has nothing better.
fn boots(events: &[Event]) -> BTreeMap<u8, BTreeSet<i64>> {
    let mut signs: BTreeMap<u8, BTreeSet<(i64, bool)>> = BTreeMap::new();
    for e in events {
        let sure = e.image().is_some_and(|i| i.ends_with("wininit.exe"));
        if let Some(time) = e.time.filter(|_| sure || e.id == 4) {
            signs.entry(e.host).or_default().insert((time, !sure));
        }
    }
    signs.into_iter().map(|(h, s)| (h, instants(&s))).collect()
}

fn instants(signs: &BTreeSet<(i64, bool)>) -> BTreeSet<i64> {
    // Where each begins, and whether wininit started in it.
    let mut clusters: Vec<(Vec<i64>, bool)> = Vec::new();
    for &(time, sensor) in signs {
        match clusters.last_mut() {
            Some((times, sure)) if time - times[0] <= 10 * MINUTE && (sensor || !*sure) => {
                if !sensor {
                    times.retain(|t| time - t <= 2 * MINUTE);
                    *sure = true;
                }
                times.push(time);
            }
            _ => clusters.push((vec![time], !sensor)),
        }
    }
    let any = clusters.iter().any(|(_, sure)| *sure);
    let boots = clusters.iter().filter(|(_, sure)| *sure || !any);
    boots.map(|(times, _)| times[0]).collect()
}

fn check(events: &[Event], report: &Report) -> Result<(), TestCaseError> {
    let mine: Vec<&Event> = events.iter().filter(|e| e.id == 8).collect();
    let Some(stream) = report.streams.first() else {
        prop_assert!(mine.is_empty());
        return Ok(());
    };
    let boots = boots(events);
    prop_assert_eq!(
        report.boots.len(),
        boots.values().map(BTreeSet::len).sum::<usize>()
    );
    let mut groups: BTreeMap<Key, Vec<&Event>> = BTreeMap::new();
    for e in &mine {
        groups.entry(key(e)).or_default().push(e);
    }
    prop_assert_eq!(stream.total.count, mine.len() as u64);
    prop_assert_eq!(stream.distinct, groups.len() as u64);
    prop_assert_eq!(stream.groups.len(), groups.len());
    for group in &stream.groups {
        let key = (group.values[0].clone(), group.values[1].clone().unwrap());
        let events = &groups[&key];
        let tally = &group.tally;
        prop_assert_eq!(tally.count, events.len() as u64);
        prop_assert_eq!(tally.first, events.iter().filter_map(|e| e.time).min());
        prop_assert_eq!(tally.last, events.iter().filter_map(|e| e.time).max());
        let mut hosts: BTreeMap<String, u64> = BTreeMap::new();
        let mut users = BTreeSet::new();
        let mut days = BTreeSet::new();
        let (mut start_up, mut unknown) = (0u64, 0u64);
        let mut minutes: BTreeMap<i64, u64> = BTreeMap::new();
        for e in events {
            *hosts.entry(format!("H{}", e.host)).or_default() += 1;
            users.extend(e.user);
            let Some(time) = e.time else { continue };
            days.insert(time.div_euclid(1440 * MINUTE));
            let boot = boots
                .get(&e.host)
                .and_then(|b| b.range(..=time).next_back());
            match boot.map(|b| (time - b) / MINUTE) {
                None => unknown += 1,
                Some(m) => {
                    start_up += u64::from(m < 3);
                    *minutes.entry(m.min(60)).or_default() += 1;
                }
            }
        }
        let found: BTreeMap<String, u64> = tally
            .hosts
            .iter()
            .map(|h| (report.hosts[h.host].name.clone(), h.count))
            .collect();
        prop_assert_eq!(found, hosts);
        prop_assert_eq!(tally.users.len(), users.len().min(32));
        prop_assert_eq!(tally.days, days.len() as u64);
        prop_assert_eq!(tally.start_up.count, start_up);
        prop_assert_eq!(tally.start_up.unknown, unknown);
        prop_assert_eq!(tally.start_up.later, minutes.remove(&60).unwrap_or(0));
        for (minute, n) in minutes {
            prop_assert_eq!(tally.start_up.minutes[usize::try_from(minute).unwrap()], n);
        }
        let line = &report.timeline;
        let start = |bucket: usize| {
            line.start + i64::try_from(bucket as u64 * line.seconds).unwrap() * 1_000_000
        };
        for (bucket, n) in &tally.timeline {
            let inside = |t: i64| start(*bucket) <= t && t < start(bucket + 1);
            let real = events.iter().filter(|e| e.time.is_some_and(inside)).count();
            prop_assert_eq!(*n, real as u64);
        }
        let early = events
            .iter()
            .filter(|e| e.time.is_some_and(|t| t < start(line.middle)))
            .count();
        prop_assert_eq!(tally.halves[0], early as u64);
        let timed = events.iter().filter(|e| e.time.is_some()).count();
        prop_assert_eq!(tally.halves[1], (timed - early) as u64);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn counts_are_those_of_counting_one_by_one(events in events(), size in 1usize..120) {
        check(&events, &count(&events, size, &Parameters::default()))?;
    }

    #[test]
    fn the_report_does_not_depend_on_where_batches_end(
        events in events(), one in 1usize..50, other in 1usize..300,
    ) {
        let parameters = Parameters::default();
        let [a, b] = [one, other].map(|size| serde_json::to_string(&count(&events, size, &parameters)).unwrap());
        prop_assert_eq!(&a, &b);
        // Batches of one dictionary are counted together.
        let shared: Vec<RecordBatch> = batches(&events, one, true);
        let c = serde_json::to_string(&count_batches(&shared, &parameters)).unwrap();
        prop_assert_eq!(&a, &c);
    }

    #[test]
    fn beyond_the_limit_counts_are_too_high_by_no_more_than_they_say(
        events in events(), size in 1usize..50, limit in 1usize..12,
    ) {
        let parameters = Parameters { max_groups: limit, ..Parameters::default() };
        let report = count(&events, size, &parameters);
        let mut groups: BTreeMap<Key, u64> = BTreeMap::new();
        for e in events.iter().filter(|e| e.id == 8) {
            *groups.entry(key(e)).or_default() += 1;
        }
        let Some(stream) = report.streams.first() else { return Ok(()) };
        prop_assert_eq!(stream.sketch.is_some(), groups.len() > limit);
        prop_assert!(stream.groups.len() <= limit);
        let most = stream.sketch.as_ref().map_or(0, |s| s.error);
        for group in &stream.groups {
            let real = groups.remove(&(group.values[0].clone(), group.values[1].clone().unwrap())).unwrap();
            prop_assert!(real <= group.tally.count && group.tally.count - group.error <= real);
            prop_assert!(group.error <= most);
        }
        // Whatever was left out is no larger than the error.
        prop_assert!(groups.values().all(|real| *real <= most));
    }
}

#[test]
fn a_boot_that_turns_up_late_is_told() {
    let event = |minute: i64, id: i64| Event {
        time: Some(minute * MINUTE),
        host: 0,
        id,
        source: Some(0),
        target: 0,
        user: None,
    };
    let mut survey = Survey::default();
    survey
        .add(&batch(&[event(0, 1), event(5, 8)], 0, true))
        .unwrap();
    assert!(!survey.late());
    survey.add(&batch(&[event(1000, 8)], 0, true)).unwrap();
    assert!(!survey.late());
    survey.add(&batch(&[event(999, 1)], 0, true)).unwrap();
    assert!(survey.late());
}
