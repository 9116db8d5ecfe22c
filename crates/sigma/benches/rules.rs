//! Loading SigmaHQ's Windows rules, and matching them over recordings against only reading these. Prints the times and the
//! ratio, also for a part of the rules.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use sigma::{Matcher, Pack, Placeholders, Rule, SourceColumns};
use telemetry::probe::medians;
use telemetry::{Options, Plan, Scan, discover, header};

fn shared(what: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(what)
}

fn matcher(rules: &[Rule]) -> Matcher {
    let source = SourceColumns {
        channel: "channel".to_owned(),
        provider: "provider".to_owned(),
        event_id: "eventid".to_owned(),
    };
    Matcher::new(rules, source, &header::canonical, &[])
}

/// Reads the recordings with the columns that rules name, and gives how many matches there are.
fn read(paths: &[PathBuf], columns: &BTreeSet<String>, matcher: Option<&Matcher>) -> usize {
    let origins = discover(paths).expect("the recordings");
    let plan = Plan::of(columns.iter().cloned().collect());
    let scan = Scan::new(origins, plan, Options::default());
    scan.map(|batch| matcher.map_or(0, |m| m.matches(&batch).expect("columns of text").len()))
        .sum()
}

fn main() {
    let (rules, recordings) = (shared("conformance/sigma/rules"), shared("data"));
    if !rules.exists() || !recordings.exists() {
        println!("skipped: ../shared is not there");
        return;
    }
    let load = || Pack::read(std::slice::from_ref(&rules), &Placeholders::new());
    let [loading] = medians(
        3,
        [&|| {
            black_box(load().is_ok());
        }],
    );
    let pack = load().expect("rules");
    println!(
        "{} rules loaded in {loading:.1?}, {} refused",
        pack.rules.len(),
        pack.refused.len()
    );
    let paths = [
        recordings.join("evtx"),
        recordings.join("security-datasets"),
    ];
    for count in [300, 1000, pack.rules.len()] {
        let matcher = matcher(&pack.rules[..count.min(pack.rules.len())]);
        let mut columns: BTreeSet<String> = matcher.columns().map(str::to_owned).collect();
        columns.extend(["channel", "provider", "eventid"].map(str::to_owned));
        let [only, with_rules] = medians(
            3,
            [
                &|| {
                    black_box(read(&paths, &columns, None));
                },
                &|| {
                    black_box(read(&paths, &columns, Some(&matcher)));
                },
            ],
        );
        println!(
            "{count} rules: reading {only:.1?}, with rules {with_rules:.1?}, ratio {:.2}",
            with_rules.as_secs_f64() / only.as_secs_f64()
        );
    }
}
