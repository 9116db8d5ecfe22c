//! Rows that a user adds. They hold for the whole program, so that everything about them is one test.

#![allow(clippy::unwrap_used)]

use catalog::additions::{Added, AdditionError, add};
use catalog::map::{Visibility, line, seen};
use catalog::{ApiId, SensorId, find};
use std::path::PathBuf;

fn folder(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in files {
        std::fs::write(folder.join(file), text).unwrap();
    }
    folder
}

const SOURCES: &str = r#"
- {id: own-lab, title: Stacks of our own, at: notes of 2026, licence: ours}
"#;
const APIS: &str = r#"
- {id: CreateProcessFromSnapshotW, layer: win32, modules: [kernelbase.dll], native: [{call: NtCreateUserProcess}], mark: observed, source: [own-lab]}
- {id: LabCall, layer: win32, modules: [lab.dll], mark: observed, source: [own-lab]}
"#;
const MAPPINGS: &str = r#"
- id: lab-1
  api: LabCall
  mechanism: lab-hook
  event: "lab:7"
  when: [{on: target, is: [another process]}]
  verified: data
  mark: observed
  published: false
  source: ["own-lab#stack 3"]
"#;
const EVENTS: &str = r#"
- {id: "lab:7", sensor: lab, number: 7, name: Lab event, mechanism: lab-hook, mark: observed, source: [own-lab]}
"#;
const SENSORS: &str = r#"
- {id: lab, name: Lab sensor, what: a sensor of ours, mark: observed, source: [own-lab]}
"#;
const MECHANISMS: &str = r#"
- id: lab-hook
  name: Hook of the lab
  kind: user-hook
  side: user
  min_windows: any
  min_windows_mark: derived
  observes: [lab calls]
  not_observed: [the rest]
  sysmon: {used: "no"}
  mark: observed
  source: [own-lab]
"#;

#[test]
fn rows_are_added_once_and_wrong_ones_never() {
    let before = ApiId::all().len();
    let wrong = |name: &str, files: &[(&str, &str)], why: &str| {
        let error = add(&folder(name, files)).unwrap_err().to_string();
        assert!(error.contains(why), "{name}: {error}");
        assert_eq!(ApiId::all().len(), before, "{name}");
    };
    wrong("empty", &[], "no file there is called .yaml");
    wrong(
        "name",
        &[("calls.yaml", "[]")],
        "no table is called so; there are api_rights, apis,",
    );
    wrong("key", &[("apis.yaml", "- {id: X, colour: red}")], "colour");
    wrong(
        "source",
        &[("apis.yaml", APIS)],
        "no source is called \"own-lab\"",
    );
    let own = ("sources.yaml", SOURCES);
    let again = "- {id: OpenProcess, layer: win32, modules: [], mark: derived, source: [own-lab]}";
    wrong(
        "twice",
        &[own, ("apis.yaml", again)],
        "a row called \"OpenProcess\" already",
    );
    let variant = "- {id: Foo, variants: [createfilew], layer: win32, modules: [], mark: derived, source: [own-lab]}";
    wrong(
        "variant",
        &[own, ("apis.yaml", variant)],
        "a call called \"createfilew\" already",
    );
    wrong(
        "no such",
        &[own, ("mappings.yaml", MAPPINGS)],
        "no row is called \"LabCall\"",
    );
    let event =
        "- {id: \"sysmon:77\", sensor: sysmon, number: 78, mark: derived, source: [own-lab]}";
    wrong(
        "event",
        &[own, ("events.yaml", event)],
        "is not its sensor and number",
    );
    let rights = "- {api: ExitThread, documented: false, mark: derived, source: [own-lab], handles: [{param: h, object: thread, rights: [THREAD_TERMINATE], mask: 0x2}]}";
    wrong(
        "mask",
        &[own, ("api_rights.yaml", rights)],
        "the rights sum to 0x1, not 0x2",
    );
    let mechanism = MAPPINGS
        .replace("LabCall", "OpenProcess")
        .replace("lab:7", "sysmon:10")
        .replace("lab-hook", "minifilter");
    wrong(
        "mechanism",
        &[own, ("mappings.yaml", &mechanism)],
        "different mechanisms",
    );

    let all = folder(
        "all",
        &[
            own,
            ("apis.yaml", APIS),
            ("mappings.yaml", MAPPINGS),
            ("events.yaml", EVENTS),
            ("sensors.yaml", SENSORS),
            ("mechanisms.yaml", MECHANISMS),
            ("notes.txt", "not read"),
        ],
    );
    let rows = vec![
        ("apis", 2),
        ("events", 1),
        ("mappings", 1),
        ("mechanisms", 1),
        ("sensors", 1),
        ("sources", 1),
    ];
    assert_eq!(add(&all).unwrap(), Added { rows });

    // They answer from every end, and what follows from them is derived as for every other row.
    let lab = SensorId::named("lab").unwrap();
    let call = ApiId::named("LabCall").unwrap();
    assert_eq!(seen(call, lab), Visibility::Seen);
    for name in ["lab!labcall", "lab:7", "lab-hook", "Lab event"] {
        let lines: Vec<_> = find(name).into_iter().map(|f| line(f.subject)).collect();
        let met = lines
            .iter()
            .any(|l| l.arrows.iter().any(|a| a.id == "lab-1"));
        assert!(met, "{name}");
    }
    let sysmon = SensorId::named("sysmon").unwrap();
    let snapshot = ApiId::named("CreateProcessFromSnapshotW").unwrap();
    assert_eq!(seen(snapshot, sysmon), Visibility::SeenBelow);
    assert!(catalog::contents().mappings.iter().any(|m| m.id == "lab-1"));

    assert!(matches!(
        add(&all),
        Err(AdditionError::Content { .. } | AdditionError::Late)
    ));
    let late = folder(
        "late",
        &[("sources.yaml", &SOURCES.replace("own-lab", "other"))],
    );
    assert!(matches!(add(&late), Err(AdditionError::Late)));
}
