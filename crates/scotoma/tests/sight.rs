//! `scotoma simulate` and `scotoma sight` from the outside.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn scotoma(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .current_dir(root())
        .args(arguments)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn simulated_events_are_read_and_hunted_as_recorded_ones() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.ndjson", "a.xml"] {
        let file = folder.path().join(name);
        let file = file.to_str().unwrap();
        let made = scotoma(&["simulate", "inj-reflective-dll", "-o", file]);
        assert!(made.status.success(), "{}", complaint(&made));
        let hunted = scotoma(&["hunt", file, "--format", "json"]);
        assert!(hunted.status.success(), "{}", complaint(&hunted));
        let findings: Value = serde_json::from_str(&text(&hunted)).unwrap();
        let fired = |id: &str| {
            let mut all = findings.as_array().unwrap().iter();
            all.any(|f| f["hunt"] == id)
        };
        // One way asks for the rights it needs, which the published mask does not see; another asks for all.
        assert!(
            fired("reflective_dll_injection_published")
                && fired("reflective_dll_injection_corrected")
        );
        let marked = scotoma(&[
            "sql",
            file,
            "SELECT count(*) AS n FROM events WHERE Simulated LIKE '%technique=inj-reflective-dll%'",
            "--format",
            "json",
        ]);
        let rows: Value = serde_json::from_str(&text(&marked)).unwrap();
        assert_eq!(rows[0]["n"], 8);
    }
}

#[test]
fn one_technique_is_a_story() {
    let told = scotoma(&[
        "sight",
        "inj-reflective-dll",
        "--config",
        "docs/remote-threads.xml",
        "--pack",
        "built-in",
        "--only",
        "reflective_dll_injection_published",
        "--variant",
        "all-access",
    ]);
    assert!(told.status.success(), "{}", complaint(&told));
    let story = text(&told).split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "event 10 (ProcessAccess) is dropped: the configuration does not mention ProcessAccess, and by default it is not logged",
        "configuration seen event 8 (CreateRemoteThread) (line 5)",
        "What passes unseen: event 10",
        "then fires: reflective_dll_injection_published",
        "<ProcessAccess onmatch=\"include\">",
    ] {
        assert!(story.contains(part), "{part}\n{story}");
    }
    assert!(text(&told).lines().all(|l| l.chars().count() <= 80));
}

#[test]
fn all_techniques_are_a_matrix_of_80_columns() {
    let shown = scotoma(&[
        "sight",
        "--config",
        "docs/remote-threads.xml",
        "--variant",
        "api",
    ]);
    assert!(shown.status.success(), "{}", complaint(&shown));
    let matrix = text(&shown);
    assert!(matrix.lines().all(|l| l.chars().count() <= 80), "{matrix}");
    let row = |name: &str| {
        matrix
            .lines()
            .find(|l| l.contains(name))
            .unwrap()
            .to_owned()
    };
    assert!(row("inj-thread-hijack").starts_with("+-+-+-+-F "));
    assert!(row("inj-remote-thread").starts_with("+-+-+-+-+ "));
    assert!(row("self-reflective-load").starts_with("+-O "));
}

#[test]
fn answers_for_programs_have_their_form() {
    let run = |format: &str| {
        let shown = scotoma(&[
            "sight",
            "T1055",
            "--config",
            "docs/remote-threads.xml",
            "--format",
            format,
        ]);
        assert!(shown.status.success(), "{}", complaint(&shown));
        text(&shown)
    };
    let lines: Value = serde_json::from_str(&run("json")).unwrap();
    for line in lines.as_array().unwrap() {
        for key in [
            "schema",
            "technique",
            "variant",
            "links",
            "break",
            "event",
            "remedies",
        ] {
            assert!(line.get(key).is_some(), "{key}");
        }
        for link in line["links"].as_array().unwrap() {
            assert!(
                link["kind"].is_string() && link["state"].is_string() && link["why"].is_string()
            );
        }
    }
    let layer: Value = serde_json::from_str(&run("navigator")).unwrap();
    let score = |id: &str| {
        let mut all = layer["techniques"].as_array().unwrap().iter();
        all.find(|t| t["techniqueID"] == id).unwrap()["score"]
            .as_u64()
            .unwrap()
    };
    assert_eq!((score("T1055.002"), score("T1055.003")), (100, 30));
    let sarif: Value = serde_json::from_str(&run("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|r| r["ruleId"] == "sight/configuration"));
    let page = run("html");
    assert!(page.contains("<summary>") && page.contains("Thread execution hijacking"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
}

#[test]
fn a_loss_fails_a_build_and_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let head =
        "<Sysmon schemaversion=\"4.90\"><EventFiltering><CreateRemoteThread onmatch=\"exclude\"/>";
    let tail = "</EventFiltering></Sysmon>";
    let (more, less) = (path("more.xml"), path("less.xml"));
    std::fs::write(
        &more,
        format!("{head}<ProcessAccess onmatch=\"exclude\"/>{tail}"),
    )
    .unwrap();
    std::fs::write(&less, format!("{head}{tail}")).unwrap();
    let old = path("old.json");
    let saved = scotoma(&[
        "sight",
        "inj-thread-hijack",
        "--config",
        &more,
        "--format",
        "json",
        "-o",
        &old,
    ]);
    assert!(saved.status.success(), "{}", complaint(&saved));
    let against = |config: &str| {
        scotoma(&[
            "sight",
            "inj-thread-hijack",
            "--config",
            config,
            "--against",
            &old,
            "--fail-on",
            "loss",
        ])
    };
    assert_eq!(against(&more).status.code(), Some(0));
    let lost = against(&less);
    assert_eq!(lost.status.code(), Some(1), "{}", complaint(&lost));
    assert!(text(&lost).contains("No longer seen") && text(&lost).contains("GrantedAccess=0x28"));
    let diff = |old: &str, new: &str| {
        scotoma(&[
            "sight",
            "diff",
            "inj-thread-hijack",
            "--config",
            old,
            "--config",
            new,
            "--fail-on",
            "loss",
        ])
    };
    assert_eq!(diff(&more, &less).status.code(), Some(1));
    let gained = diff(&less, &more);
    assert_eq!(gained.status.code(), Some(0));
    assert!(text(&gained).contains("Seen now"));
}

#[test]
fn recordings_are_asked_the_same() {
    let shown = scotoma(&[
        "sight",
        "inj-reflective-dll",
        "--logs",
        "samples",
        "--pack",
        "built-in",
        "--format",
        "json",
    ]);
    assert!(shown.status.success(), "{}", complaint(&shown));
    let found: Value = serde_json::from_str(&text(&shown)).unwrap();
    let events = found[0]["events"].as_array().unwrap();
    assert!(events.iter().all(|e| e["count"].as_u64().unwrap() > 0));
    let mut analytics = found[0]["analytics"].as_array().unwrap().iter();
    assert!(analytics.any(|a| a["name"] == "reflective_dll_injection_corrected"));
}

#[test]
fn wrong_usage_is_named() {
    for (arguments, what) in [
        (vec!["sight", "T9999"], "no technique"),
        (vec!["sight", "inj-pe", "--variant", "no"], "all-access"),
        (vec!["sight", "inj-pe", "--only", "x"], "--pack"),
        (vec!["sight", "inj-pe", "--tampered", "no"], "tampering"),
        (vec!["sight", "diff", "inj-pe"], "twice"),
        (vec!["simulate", "inj-pe", "-o", "x.csv"], ".csv"),
    ] {
        let refused = scotoma(&arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(
            complaint(&refused).contains(what),
            "{}",
            complaint(&refused)
        );
    }
}

#[test]
fn tampering_silences_what_the_catalog_says() {
    let shown = scotoma(&[
        "sight",
        "inj-thread-hijack",
        "--tampered",
        "callback-removal",
        "--variant",
        "api",
        "--format",
        "json",
    ]);
    assert!(shown.status.success(), "{}", complaint(&shown));
    let lines: Value = serde_json::from_str(&text(&shown)).unwrap();
    let at = usize::try_from(lines[0]["break"].as_u64().unwrap()).unwrap();
    assert_eq!(lines[0]["links"][at]["state"], "tampered");
}
