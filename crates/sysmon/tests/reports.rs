//! What people ask: why, what at all, what changed, what would have been kept.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, UInt16Array};
use sysmon::compare::Compare;
use sysmon::diff::{self, Change};
use sysmon::event::Event;
use sysmon::reference::Cause;
use sysmon::replay::{Count, Replay};
use sysmon::show::{self, Extent};
use sysmon::text::Environment;
use sysmon::{Config, Engine, explain};

mod common;

fn config(body: &str) -> Config {
    let xml = format!(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering>\n{body}\n</EventFiltering></Sysmon>"
    );
    let config = Config::parse_text("t.xml", &xml, Engine::Strict);
    assert!(config.accepted, "{:?}", config.diagnostics);
    config
}

const BOTH: &str = r#"<RuleGroup groupRelation="or">
<ProcessCreate onmatch="exclude">
<Rule name="quiet" groupRelation="and"><Image condition="image">a.exe</Image>
<User>SYSTEM</User></Rule>
</ProcessCreate>
<ProcessCreate onmatch="include">
<Image name="tools" condition="image">a.exe</Image>
<User>x</User>
</ProcessCreate></RuleGroup>"#;

fn event(id: u32, fields: &[(&str, &str)]) -> Event {
    let fields = fields
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Event {
        id,
        fields: fields.collect(),
    }
}

#[test]
fn explanations() {
    let config = config(BOTH);
    let env = Environment::new();
    let text = |fields: &[(&str, &str)]| {
        let e = explain::explain(&config, &env, &event(1, fields));
        e.text(&config, &env)
    };
    let kept = text(&[("Image", "C:\\a.exe"), ("User", "bob")]);
    assert!(kept.starts_with("logged: an include of ProcessCreate in line 7 matched, and no exclude did\nrule name: tools\n"), "{kept}");
    assert!(
        kept.contains("+ line 4: Image image `a.exe`: is `C:\\a.exe`  in a <Rule>  [quiet]"),
        "{kept}"
    );
    assert!(
        kept.contains("- line 5: User is `SYSTEM`: is `bob`  in a <Rule>  [quiet]"),
        "{kept}"
    );
    let dropped = text(&[("Image", "C:\\a.exe"), ("User", "system")]);
    assert!(dropped.starts_with("not logged: an exclude of ProcessCreate in line 3 matched; excludes are asked before includes"), "{dropped}");
    let none = text(&[("Image", "C:\\b.exe")]);
    assert!(
        none.starts_with("not logged: nothing matched, and with more than one element"),
        "{none}"
    );
    assert!(
        kept.contains(
            "line 7: <ProcessCreate onmatch=\"include\">, 2 rules, any of which is enough: matched"
        ),
        "{kept}"
    );
    assert!(
        kept.contains("line 3: <ProcessCreate onmatch=\"exclude\">, 1 rule: no match"),
        "{kept}"
    );
    let other = explain::explain(&config, &env, &event(5, &[]));
    assert!(
        other
            .text(&config, &env)
            .starts_with("logged: the configuration does not mention ProcessTerminate")
    );
    assert_eq!(other.decision.cause, Cause::BuiltIn);
}

#[test]
fn the_blog_post_of_2018() {
    let Some(dir) = common::vectors() else { return };
    let bytes = std::fs::read(dir.join("configs/hand_seed_002_createremotethread.xml")).unwrap();
    for engine in [Engine::Strict, Engine::Lenient] {
        let config = Config::parse("seed.xml", &bytes, engine);
        let text = show::text(&config);
        assert!(
            text.contains("Only CreateRemoteThread is kept, and all of it."),
            "{text}"
        );
    }
}

#[test]
fn the_screen() {
    let extent = |body: &str, tag: &str| {
        let rows = show::rows(&config(body).rules);
        rows.into_iter().find(|r| r.tag == tag).unwrap()
    };
    assert_eq!(
        extent(BOTH, "ProcessCreate").words,
        "only what 2 rules keep, less what 1 rule drop"
    );
    assert_eq!(extent(BOTH, "ProcessTerminate").extent, Extent::All);
    assert_eq!(extent(BOTH, "FileDelete").extent, Extent::Nothing);
    let two = "<ProcessCreate onmatch=\"exclude\"/><ProcessCreate onmatch=\"exclude\"/>";
    assert_eq!(extent(two, "ProcessCreate").extent, Extent::Nothing);
}

#[test]
fn differences() {
    let group = |body: &str| {
        config(&format!(
            "<RuleGroup groupRelation=\"or\">{body}</RuleGroup>"
        ))
    };
    let old = group(
        "<ProcessCreate onmatch=\"include\"><Image>a</Image><User name=\"n\">u</User><Company>c</Company><Product>p</Product></ProcessCreate>",
    );
    let same = group(
        "<ProcessCreate onmatch=\"include\"><Image>A</Image></ProcessCreate><ProcessCreate onmatch=\"include\"><Company>c</Company><Product>p</Product><User name=\"n\">u</User></ProcessCreate>",
    );
    // The same events, but one with this user and company is reported under no name now.
    assert_eq!(
        diff::diff(&old.rules, &same.rules)[0].changes,
        [Change::Order]
    );
    let unnamed = group(
        "<ProcessCreate onmatch=\"include\"><Image>a</Image><Image>b</Image></ProcessCreate>",
    );
    let turned = group(
        "<ProcessCreate onmatch=\"include\"><Image>B</Image></ProcessCreate><ProcessCreate onmatch=\"include\"><Image>A</Image></ProcessCreate>",
    );
    assert_eq!(diff::diff(&unnamed.rules, &turned.rules), []);
    let new = group(
        "<ProcessCreate onmatch=\"include\"><Image>a</Image><User name=\"n\">v</User><Description>d</Description></ProcessCreate><ProcessCreate onmatch=\"exclude\"><Company>c</Company></ProcessCreate>",
    );
    let found = diff::diff(&old.rules, &new.rules);
    let changes = &found[0].changes;
    assert!(
        matches!(&changes[0], Change::Moved(m, a, b) if m.conditions == ["Company is c"] && *a == "include" && *b == "exclude"),
        "{changes:?}"
    );
    assert!(
        matches!(&changes[1], Change::Changed(_, a, b) if a.conditions == ["User is u"] && b.conditions == ["User is v"])
    );
    assert!(matches!(&changes[2], Change::Removed(_, m) if m.conditions == ["Product is p"]));
    assert!(matches!(&changes[3], Change::Added(_, m) if m.conditions == ["Description is d"]));
    let gone = diff::diff(&old.rules, &config("").rules);
    assert!(
        matches!(&gone[0].changes[0], Change::Extent(a, b) if a.starts_with("only") && b.starts_with("all")),
        "{gone:?}"
    );
}

#[test]
fn conditions_that_must_hold_together_are_one_rule() {
    let of = |pairs: [[&str; 2]; 2]| {
        let element = |[image, user]: [&str; 2]| {
            format!(
                "<ProcessCreate onmatch=\"include\"><Image>{image}</Image><User>{user}</User></ProcessCreate>"
            )
        };
        config(&pairs.map(element).concat())
    };
    let old = of([["a", "x"], ["b", "y"]]);
    assert_eq!(
        diff::diff(&old.rules, &of([["b", "Y"], ["a", "x"]]).rules),
        []
    );
    let found = diff::diff(&old.rules, &of([["a", "y"], ["b", "x"]]).rules);
    assert_eq!(found[0].changes.len(), 4, "{found:?}");
    let text = diff::text(&found);
    assert!(
        text.contains("  - include: Image is a and User is x\n"),
        "{text}"
    );
    let options = |xml: &str| {
        let xml = format!("<Sysmon schemaversion=\"4.90\">{xml}<EventFiltering/></Sysmon>");
        Config::parse_text("t", &xml, Engine::Lenient).options
    };
    assert_eq!(
        diff::options(
            &options("<HashAlgorithms>md5</HashAlgorithms><CheckRevocation/>"),
            &options("<HashAlgorithms>sha256</HashAlgorithms><CheckRevocation/>")
        ),
        "options\n  - HashAlgorithms=md5\n  + HashAlgorithms=sha256\n"
    );
}

#[test]
fn recorded_events_on_which_two_configurations_differ() {
    let old = config(
        "<ProcessCreate onmatch=\"include\"><Image condition=\"image\">a.exe</Image></ProcessCreate>",
    );
    let new = config(
        "<ProcessCreate onmatch=\"exclude\"><Image condition=\"image\">a.exe</Image></ProcessCreate>",
    );
    let text = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "EventID",
            Arc::new(UInt16Array::from(vec![1, 1, 1, 11])) as ArrayRef,
            true,
        ),
        (
            "EventRecordID",
            Arc::new(UInt16Array::from(vec![7, 8, 9, 10])) as ArrayRef,
            true,
        ),
        ("source_file", text(vec![Some("l.evtx"); 4]), true),
        (
            "Image",
            text(vec![
                Some("C:\\b.exe"),
                Some("C:\\a.exe"),
                Some("C:\\b.exe"),
                None,
            ]),
            true,
        ),
    ])
    .unwrap();
    let mut compare = Compare::new(&old.rules, &new.rules, &Environment::new());
    compare.add(&batch).unwrap();
    let outcome = compare.finish();
    assert_eq!((outcome.both, outcome.neither), (0, 1));
    let [gained, lost] = outcome.differences.as_slice() else {
        panic!("{outcome:?}");
    };
    assert_eq!((gained.count, gained.new.log, gained.id), (2, true, 1));
    assert_eq!(gained.example, Some("l.evtx#7".to_owned()));
    assert_eq!((lost.count, lost.old.log), (1, true));
    let reason = explain::reason(&new, lost.id, &lost.new);
    assert!(
        reason.starts_with("an exclude of ProcessCreate in line 2 matched"),
        "{reason}"
    );
}

#[test]
fn replays() {
    let config = config(BOTH);
    let text = |values: Vec<Option<&str>>| Arc::new(StringArray::from(values)) as ArrayRef;
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "TimeCreated",
            Arc::new(TimestampMicrosecondArray::from(vec![10, 30, 20, 5, 6])) as ArrayRef,
            true,
        ),
        (
            "Channel",
            text(
                vec![Some("Microsoft-Windows-Sysmon/Operational"); 4]
                    .into_iter()
                    .chain([Some("Security")])
                    .collect(),
            ),
            true,
        ),
        (
            "EventID",
            Arc::new(UInt16Array::from(vec![1, 1, 1, 11, 1])) as ArrayRef,
            true,
        ),
        (
            "Image",
            text(vec![
                Some("C:\\a.exe"),
                Some("C:\\a.exe"),
                Some("C:\\a.exe"),
                Some("x"),
                Some("C:\\a.exe"),
            ]),
            true,
        ),
        (
            "User",
            text(vec![None, Some("bob"), Some("SYSTEM"), None, None]),
            true,
        ),
    ])
    .unwrap();
    let mut replay = Replay::new(&config.rules, &Environment::new());
    let kept = replay.add(&batch).unwrap();
    assert_eq!(
        kept.iter().map(Option::unwrap).collect::<Vec<_>>(),
        [true, true, false, false, false]
    );
    replay.add(&batch).unwrap();
    let summary = replay.finish(10);
    assert_eq!(
        summary.events[&1],
        Count {
            kept: 4,
            dropped: 2
        }
    );
    assert_eq!(
        summary.events[&11],
        Count {
            kept: 0,
            dropped: 2
        }
    );
    assert_eq!(summary.others, 2);
    let [tools, quiet] = summary.rules.as_slice() else {
        panic!("{:?}", summary.rules)
    };
    assert_eq!((tools.hits, tools.last, tools.keeps), (4, Some(30), true));
    assert_eq!((quiet.hits, quiet.last, quiet.keeps), (2, Some(20), false));
    assert_eq!(summary.unused.len(), 1, "{:?}", summary.unused);
    assert_eq!((summary.volume.len(), summary.volume[0].kept), (1, 4));
}
