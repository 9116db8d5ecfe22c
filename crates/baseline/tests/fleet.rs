//! Baselines of generated fleets, held to what the generator knows to be true of them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use baseline::propose::{Minimum, ladder, propose, settle};
use baseline::{
    Collector, Names, Parameters, Report, Select, Spec, Stream, Survey, keys, with_survey,
};
use samples::fleet::{self, Settings, Truth};
use telemetry::{Options, Plan, Scan, discover};

fn report(folder: &Path) -> Report {
    count(
        folder,
        keys::all().iter().map(|k| Spec::of(k, None)).collect(),
    )
}

fn count(folder: &Path, specs: Vec<Spec>) -> Report {
    let plan = Plan::of(with_survey(baseline::columns(&specs)));
    let mut survey = Survey::default();
    let mut collector = Collector::new(specs, Names::default(), Parameters::default());
    let origins = discover(&[folder.to_owned()]).unwrap();
    for batch in Scan::new(origins, plan, Options::default()) {
        survey.add(&batch).unwrap();
        collector.add(&batch, &mut survey).unwrap();
    }
    // Each file is in order of time, so one reading is enough.
    assert!(!survey.late());
    collector.finish(&survey)
}

fn stream<'r>(report: &'r Report, name: &str) -> &'r Stream {
    report.streams.iter().find(|s| s.name == name).unwrap()
}

/// Boots found and true boots, as far as they are the same: same host, and found within a minute of the kernel's start.
fn precision_and_recall(report: &Report, truth: &Truth) -> (f64, f64) {
    let mut matched = BTreeSet::new();
    let mut right = 0;
    for boot in &report.boots {
        let host = &report.hosts[boot.host].name;
        let hit = truth.boots.iter().position(|t| {
            t.host.eq_ignore_ascii_case(host) && (boot.at - t.time).abs() < 60_000_000
        });
        if let Some(hit) = hit
            && matched.insert(hit)
        {
            right += 1;
        }
    }
    (
        f64::from(right) / report.boots.len() as f64,
        matched.len() as f64 / truth.boots.len() as f64,
    )
}

/// Three fleets: their truth and their baseline.
static FLEETS: LazyLock<Vec<(Truth, Report)>> = LazyLock::new(|| {
    let made = (1..=3).map(|seed| {
        let settings = Settings {
            seed,
            ..Settings::default()
        };
        let folder = tempfile::tempdir().unwrap();
        fleet::write(folder.path(), &settings).unwrap();
        (fleet::truth(&settings), report(folder.path()))
    });
    made.collect()
});

#[test]
fn boots_found_are_the_boots_there_were() {
    for (truth, report) in FLEETS.iter() {
        // There is something to be wrong about.
        assert!(!truth.sessions.is_empty() && !truth.sysmon_restarts.is_empty());
        let (precision, recall) = precision_and_recall(report, truth);
        println!(
            "{} boots: precision {precision:.3}, recall {recall:.3}",
            truth.boots.len()
        );
        assert_eq!((precision, recall), (1.0, 1.0));
    }
}

#[test]
fn the_intruder_is_among_the_rarest() {
    for (truth, report) in FLEETS.iter() {
        let intrusion = truth.intrusion.as_ref().unwrap();
        let threads = stream(report, "CreateRemoteThread");
        let pair = [Some(intrusion.source), Some(intrusion.target)];
        let group = threads
            .groups
            .iter()
            .find(|g| g.values.iter().map(Option::as_deref).eq(pair))
            .unwrap();
        assert_eq!(group.tally.count, 1);
        let rarer = threads
            .groups
            .iter()
            .filter(|g| g.tally.count < group.tally.count);
        assert_eq!(rarer.count(), 0);
        let as_rare = threads.groups.iter().filter(|g| g.tally.count == 1);
        assert_eq!(as_rare.count(), 1);
        assert_eq!(report.hosts[group.tally.hosts[0].host].name, intrusion.host);
    }
}

#[test]
fn the_intruder_is_not_hidden_by_anything_that_is_proposed() {
    for seed in 1..=3 {
        let settings = Settings {
            seed,
            ..Settings::default()
        };
        let folder = tempfile::tempdir().unwrap();
        fleet::write(folder.path(), &settings).unwrap();
        let intrusion = fleet::truth(&settings).intrusion.unwrap();
        let spec = Spec {
            name: "CreateRemoteThread".to_owned(),
            rows: Select::Sysmon(8),
            by: ladder(8).unwrap().keys(),
            user: None,
        };
        let report = count(folder.path(), vec![spec]);
        let (mut proposals, skipped) = propose(&report, &Minimum::default());
        assert!(skipped.is_empty());
        settle(&mut proposals, &[]).unwrap();
        assert!(proposals.iter().filter(|p| p.chosen).count() > 3);
        let threads = &report.streams[0];
        let at = |field: &str| threads.keys.iter().position(|k| k == field).unwrap();
        let (source, target) = (at("SourceImage"), at("TargetImage"));
        let pair = threads
            .groups
            .iter()
            .position(|g| {
                g.values[source].as_deref() == Some(intrusion.source)
                    && g.values[target].as_deref() == Some(intrusion.target)
            })
            .unwrap();
        for p in &proposals {
            let named = p.conditions.iter().any(|c| c.value == intrusion.source);
            assert!(!named, "{p:?}");
            assert!(!(p.offered && p.groups.contains(&pair)), "{p:?}");
        }
    }
}

#[test]
fn remote_threads_belong_to_start_up() {
    let report = &FLEETS[0].1;
    let threads = stream(report, "CreateRemoteThread");
    assert!(threads.total.start_up.share > 0.85, "{}", threads.summary);
    let page = baseline::html(report);
    assert!(page.contains("syncsvc.exe"));
    if let Some(path) = std::env::var_os("BASELINE_PAGE") {
        std::fs::write(path, page).unwrap();
    }
}
