//! Proposals keep their word: the configuration that is written is accepted without a complaint, and
//! replaying the same events drops exactly what was promised, whatever is in the values.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;
use baseline::propose::{
    Hidden, Minimum, Proposal, Reason, configuration, ladder, propose, settle,
};
use baseline::{Collector, Names, Parameters, Report, Select, Spec, Survey};
use predicate::eval::Evaluator;
use proptest::prelude::*;
use sysmon::diagnostic::Severity;
use sysmon::replay::Replay;
use sysmon::text::Environment;
use sysmon::{Config, Engine, lint};

const HOUR: i64 = 3_600_000_000;

/// A remote thread: hour, host, source, target, start module.
type Thread<'a> = (i64, u8, &'a str, &'a str, Option<&'a str>);

fn batch(threads: &[Thread<'_>]) -> RecordBatch {
    let text = |f: &dyn Fn(&Thread<'_>) -> Option<String>| {
        let values: Vec<Option<String>> = threads.iter().map(f).collect();
        let array: DictionaryArray<Int32Type> = values.iter().map(Option::as_deref).collect();
        Arc::new(array) as ArrayRef
    };
    let times: TimestampMicrosecondArray = threads.iter().map(|t| Some(t.0 * HOUR)).collect();
    let ids: Int64Array = threads.iter().map(|_| Some(8)).collect();
    let channel = "Microsoft-Windows-Sysmon/Operational";
    RecordBatch::try_from_iter_with_nullable(vec![
        (
            "timecreated",
            Arc::new(times.with_timezone("UTC")) as ArrayRef,
            true,
        ),
        ("computer", text(&|t| Some(format!("H{}", t.1))), true),
        ("channel", text(&|_| Some(channel.into())), true),
        ("eventid", Arc::new(ids), true),
        ("sourceimage", text(&|t| Some(t.2.to_owned())), true),
        ("targetimage", text(&|t| Some(t.3.to_owned())), true),
        ("startmodule", text(&|t| t.4.map(str::to_owned)), true),
        ("startfunction", text(&|_| None), true),
    ])
    .unwrap()
}

fn report(batch: &RecordBatch) -> Report {
    let spec = Spec {
        name: "CreateRemoteThread".to_owned(),
        rows: Select::Sysmon(8),
        by: ladder(8).unwrap().keys(),
        user: None,
    };
    let mut survey = Survey::default();
    let mut collector = Collector::new(vec![spec], Names::default(), Parameters::default());
    survey.add(batch).unwrap();
    collector.add(batch, &mut survey).unwrap();
    collector.finish(&survey)
}

const MINIMUM: Minimum = Minimum {
    count: 4,
    hosts: 2,
    days: 2,
};

/// Writes the chosen proposals, checks the file, replays the events; the number dropped.
fn dropped(batch: &RecordBatch, proposals: &[Proposal]) -> (u64, String) {
    let xml = configuration(
        proposals.iter().filter(|p| p.chosen),
        &["CreateRemoteThread"],
    );
    let config = Config::parse("proposed.xml", xml.as_bytes(), Engine::Strict);
    assert!(config.accepted, "{xml}\n{:?}", config.diagnostics);
    let complaints: Vec<_> = lint::check(&config)
        .into_iter()
        .filter(|d| d.severity != Severity::Note)
        .collect();
    assert!(complaints.is_empty(), "{xml}\n{complaints:?}");
    let mut replay = Replay::new(&config.rules, &Environment::new());
    replay.add(batch).unwrap();
    (replay.finish(1).events[&8].dropped, xml)
}

fn promised(report: &Report, proposals: &[Proposal]) -> u64 {
    let groups: BTreeSet<usize> = proposals
        .iter()
        .filter(|p| p.chosen)
        .flat_map(|p| p.groups.iter().copied())
        .collect();
    groups
        .iter()
        .map(|g| report.streams[0].groups[*g].tally.count)
        .sum()
}

const CSRSS: &str = r"C:\Windows\System32\csrss.exe";
const DWM: &str = r"C:\Windows\System32\dwm.exe";
const AGENT: &str = r"C:\Program Files\Agent\agent.exe";
const LSASS: &str = r"C:\Windows\System32\lsass.exe";

/// Two hosts, six days; an agent that is common, csrss that is common into two targets and once, on one
/// host, into a third, and a program of a user.
fn fleet() -> Vec<Thread<'static>> {
    let mut all = Vec::new();
    for hour in (0..144).step_by(6) {
        let host = u8::try_from(hour / 6 % 2).unwrap();
        all.push((
            hour,
            host,
            CSRSS,
            DWM,
            Some(r"C:\Windows\System32\kernel32.dll"),
        ));
        all.push((hour, host, CSRSS, AGENT, None));
        all.push((
            hour,
            host,
            AGENT,
            DWM,
            Some(r"C:\Program Files\Agent\hook.dll"),
        ));
        all.push((
            hour,
            host,
            r"C:\Users\a\AppData\Local\Tool\t.exe",
            DWM,
            None,
        ));
    }
    all.push((140, 1, CSRSS, LSASS, None));
    all
}

#[test]
fn the_common_is_proposed_and_the_rare_is_not() {
    let batch = batch(&fleet());
    let report = report(&batch);
    let (mut proposals, skipped) = propose(&report, &MINIMUM);
    assert!(skipped.is_empty());
    settle(&mut proposals, &[]).unwrap();
    let find = |rung: usize, source: &str| {
        proposals
            .iter()
            .find(|p| p.rung == rung && p.conditions[0].value == source)
            .unwrap()
    };
    // No proposal is made of the rare pair, and what would hide it is not offered.
    assert!(
        proposals
            .iter()
            .all(|p| p.conditions.iter().all(|c| c.value != LSASS))
    );
    let alone = find(3, CSRSS);
    assert!(alone.cost.source_alone && !alone.offered);
    assert!(alone.reasons.contains(&Reason::HostProcessAlone {
        file: "csrss.exe".into()
    }));
    assert!(alone.reasons.contains(&Reason::HidesRare { count: 1 }));
    assert_eq!(alone.count, 49);
    // What it hides was recorded: the shortest such event that was not.
    let Hidden::Event { fields, shortest } = &alone.cost.witness else {
        panic!("{:?}", alone.cost.witness);
    };
    assert!(*shortest && fields.iter().any(|(n, v)| n == "SourceImage" && v == CSRSS));
    assert_eq!(find(0, AGENT).cost.witness, Hidden::Nothing);
    let user = find(0, r"C:\Users\a\AppData\Local\Tool\t.exe");
    assert!(matches!(user.reasons[..], [Reason::Writable { .. }]));
    // The narrow ones of the others are chosen, and give what they promise.
    let (n, _) = dropped(&batch, &proposals);
    assert_eq!(n, 72);
    assert_eq!(promised(&report, &proposals), n);
    // Asked for by name, the wide one is written in their place.
    let name = alone.name.clone();
    settle(&mut proposals, &[name.to_lowercase()]).unwrap();
    let (n, xml) = dropped(&batch, &proposals);
    assert_eq!((n, promised(&report, &proposals)), (73, 73), "{xml}");
    assert_eq!(
        settle(&mut proposals, &["nothing".into()]),
        Err("nothing".into())
    );
}

#[test]
fn a_finding_that_would_disappear_is_a_reason() {
    let report = report(&batch(&fleet()));
    let (mut proposals, _) = propose(&report, &MINIMUM);
    proposals[0].cost.findings.push("hunt: H0 a -> b".into());
    settle(&mut proposals, &[]).unwrap();
    assert!(
        proposals[0]
            .reasons
            .contains(&Reason::HidesFindings { count: 1 })
    );
    assert!(!proposals[0].offered && !proposals[0].chosen);
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[aAbéÉ]{1,2}",
        2 => "[ \t\r\n;%<>&'\"*\\]\\[-]{1,3}",
        1 => "[\0-\u{1f}\u{fffe}]",
        1 => Just("-".to_owned()),
        1 => Just(String::new()),
        1 => Just("]]>".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn promises_are_kept(
        values in prop::collection::vec((value(), value(), prop::option::of(value())), 1..4),
        picks in prop::collection::vec((0usize..4, 0i64..96, 0u8..2), 1..60),
    ) {
        let mut threads: Vec<Thread<'_>> = Vec::new();
        for (pick, hour, host) in &picks {
            let (source, target, module) = &values[pick % values.len()];
            threads.push((*hour, *host, source, target, module.as_deref()));
        }
        let batch = batch(&threads);
        let report = report(&batch);
        let minimum = Minimum { count: 2, hosts: 1, days: 1 };
        let (mut proposals, _) = propose(&report, &minimum);
        let all: Vec<String> = proposals.iter().map(|p| p.name.clone()).collect();
        settle(&mut proposals, &all).unwrap();
        // Each alone, by its own predicate.
        let predicates: Vec<_> = proposals.iter().map(|p| p.predicate.clone()).collect();
        let found = Evaluator::new(&predicates).evaluate(&batch).unwrap();
        for (p, bits) in proposals.iter().zip(&found) {
            prop_assert_eq!(bits.count_set_bits() as u64, p.count, "{:?}", p.conditions);
        }
        // All of them together, by the configuration.
        let xml = configuration(proposals.iter().filter(|p| p.chosen), &["CreateRemoteThread"]);
        let config = Config::parse("p.xml", xml.as_bytes(), Engine::Strict);
        prop_assert!(config.accepted, "{}\n{:?}", xml, config.diagnostics);
        let mut replay = Replay::new(&config.rules, &Environment::new());
        replay.add(&batch).unwrap();
        prop_assert_eq!(replay.finish(1).events[&8].dropped, promised(&report, &proposals), "{}", xml);
    }
}
