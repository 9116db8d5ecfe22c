//! What the command line says of inputs that are not as they should be: what was skipped and why, what was read by the
//! user's word, and what a recording lacks.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

fn run(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json_of(run: &Output) -> Value {
    serde_json::from_slice(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&run.stderr)))
}

fn event(host: &str, number: u64, minute: u64) -> Value {
    json!({
        "@timestamp": format!("2026-07-01T08:{minute:02}:00.000Z"), "Hostname": host, "Channel": SYSMON,
        "SourceName": "Microsoft-Windows-Sysmon", "EventID": 10, "RecordNumber": number,
        "SourceImage": "C:\\a.exe", "TargetImage": "C:\\b.exe", "GrantedAccess": "0x1000",
    })
}

fn lost(host: &str, number: u64) -> Value {
    let mut event = event(host, number, 1);
    event["EventID"] = json!(255);
    event["ID"] = json!("QUEUE");
    event
}

fn log(folder: &Path, name: &str, events: &[Value]) {
    let lines: String = events.iter().map(|e| format!("{e}\n")).collect();
    fs::write(folder.join(name), lines).unwrap();
}

#[test]
fn all_damage_can_be_listed() {
    let folder = tempfile::tempdir().unwrap();
    let broken: String = (0..40).map(|_| "{\"EventID\": oops}\n").collect();
    fs::write(folder.path().join("a.json"), broken).unwrap();
    log(folder.path(), "b.json", &[event("WS01", 1, 0)]);
    fs::write(folder.path().join("c.hive"), b"regf\0\0\0\0").unwrap();
    fs::write(folder.path().join("d.json"), "{\"name\":\"package\"}\n").unwrap();

    let short = run(&["events", "."], folder.path());
    let said = text(&short.stderr);
    assert!(said.contains("and 30 more"), "{said}");
    assert!(
        said.contains("left out: ./c.hive: no log: a registry hive"),
        "{said}"
    );
    assert!(
        said.contains("40 damaged parts skipped (above); 1 file is no log (above)"),
        "{said}"
    );

    let whole = run(
        &["events", ".", "--damage", "--format", "json"],
        folder.path(),
    );
    let list = json_of(&whole);
    assert_eq!(list["damaged"], 40);
    assert_eq!(list["skipped"].as_array().unwrap().len(), 40);
    assert_eq!(list["skipped"][39]["file"], "./a.json");
    assert_eq!(list["skipped"][39]["offset"], 39 * 18 + 12);
    assert_eq!(list["skipped"][39]["kind"], "bad-json");
    assert_eq!(list["left_out"][0]["file"], "./c.hive");
    assert_eq!(list["not_understood"][0]["file"], "./d.json");
    assert_eq!(whole.status.code(), Some(0));
    let strict = run(
        &["events", ".", "--damage", "--fail-on=damage"],
        folder.path(),
    );
    assert_eq!(strict.status.code(), Some(1));
    assert_eq!(text(&strict.stdout).lines().count(), 42);
    // What is no log is no damage.
    fs::remove_file(folder.path().join("a.json")).unwrap();
    let strict = run(&["events", ".", "--fail-on=damage"], folder.path());
    assert_eq!(strict.status.code(), Some(0), "{}", text(&strict.stderr));
}

#[test]
fn holes_are_counted_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut events: Vec<Value> = (1..=20).map(|n| event("WS01", n, n)).collect();
    events.extend((31..=40).map(|n| event("WS01", n, n)));
    events.push(lost("WS01", 41));
    events.push(lost("WS01", 42));
    // Again, with the same number and time; and the same number after the log was cleared.
    events.push(event("WS01", 5, 5));
    events.push(event("WS01", 6, 59));
    events.extend((1..=9).map(|n| event("WS02", n, n)));
    log(folder.path(), "in.ndjson", &events);

    let inventory = json_of(&run(
        &["events", "in.ndjson", "--format", "json"],
        folder.path(),
    ));
    assert_eq!(
        inventory["holes"],
        json!([{"host": "WS01", "channel": SYSMON, "losses": 2, "missing": 10, "gaps": 1, "twice": 1}])
    );
    assert_eq!(inventory["count"], events.len());

    for more in [&[][..], &["--propose"]] {
        let args = [&["baseline", "in.ndjson"][..], more].concat();
        let said = text(&run(&args, folder.path()).stdout).replace("\n", " ");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        for note in [
            "2 reports on WS01",
            "lower bounds",
            "10 in 1 gap on WS01",
            "counted once: 1 on WS01",
        ] {
            assert!(said.contains(note), "{note}: {said}");
        }
    }
    let args = ["baseline", "in.ndjson", "--event", "10", "--format", "json"];
    let report = json_of(&run(&args, folder.path()));
    assert_eq!(
        report["streams"][0]["total"]["count"], 40,
        "each record once"
    );
}

#[test]
fn times_are_read_by_the_users_word_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let table = "EventID,Channel,TimeCreated\n1,Security,7/8/2026 10:15:30\n";
    fs::write(folder.path().join("a.csv"), table).unwrap();
    let query = "SELECT TimeCreated AS t FROM events";
    let ask = |more: &[&str]| {
        let args = [&["sql", "a.csv", query, "--format", "json"][..], more].concat();
        let run = run(&args, folder.path());
        (json_of(&run)[0]["t"].clone(), text(&run.stderr))
    };
    let (time, said) = ask(&[]);
    assert_eq!(time, Value::Null);
    assert!(said.contains("--time-format"), "{said}");
    let (time, said) = ask(&["--time-format", "day-first", "--time-zone", "Europe/Berlin"]);
    assert_eq!(time, "2026-08-07T08:15:30.000Z");
    assert!(said.contains("read as Europe/Berlin"), "{said}");
    let (time, _) = ask(&["--time-format", "month-first"]);
    assert_eq!(time, "2026-07-08T10:15:30.000Z");
    // Another date in the file decides.
    fs::write(
        folder.path().join("a.csv"),
        format!("{table}1,Security,13/8/2026 10:15:30\n"),
    )
    .unwrap();
    let (time, _) = ask(&[]);
    assert_eq!(time, "2026-08-07T10:15:30.000Z");
    let wrong = run(&["events", "a.csv", "--time-zone", "Berlin"], folder.path());
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("Europe/Berlin"),
        "{}",
        text(&wrong.stderr)
    );
}

#[test]
fn without_times_there_is_no_rate() {
    let folder = tempfile::tempdir().unwrap();
    let events: Vec<Value> = (0..30)
        .map(|n| {
            let mut event = event("WS01", n, 0);
            event.as_object_mut().unwrap().remove("@timestamp");
            event
        })
        .collect();
    log(folder.path(), "in.ndjson", &events);
    let said = text(&run(&["baseline", "in.ndjson", "--event", "10"], folder.path()).stdout);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("30 ") && said.contains("there is no rate"),
        "{said}"
    );
    assert!(!said.contains("a host-day"), "{said}");
}

/// A case beside the repository, or a visible reason why the test does nothing.
fn case(name: &str) -> Option<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let path = cases.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: ../shared/cases/{name} is not there");
    None
}

#[test]
fn a_file_of_passwords_opens_archives() {
    let Some(locked) = case("readers/18_password_infected.zip") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let locked = locked.to_str().unwrap();
    fs::write(folder.path().join("passwords"), "wrong\r\ninfected\r\n").unwrap();
    let without = run(&["events", locked], folder.path());
    assert_eq!(without.status.code(), Some(2));
    assert!(text(&without.stderr).contains("--password-file"));
    let with = run(
        &[
            "events",
            locked,
            "--password-file",
            "passwords",
            "--format",
            "json",
        ],
        folder.path(),
    );
    assert_eq!(json_of(&with)["count"], 26);
}

#[test]
fn losses_of_the_queue_are_said_by_machine() {
    let Some(log) = case("field/64-queue-losses-in-a-baseline/in.ndjson") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let said = text(&run(&["baseline", log.to_str().unwrap()], folder.path()).stdout);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("160 reports on WS01.corp.example"), "{said}");
}

#[test]
fn deleted_records_are_marked() {
    let Some(log) = case("readers/14_evtx_free_space_offset_too_small.evtx") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "events",
        log.to_str().unwrap(),
        "--recover",
        "--format",
        "json",
    ];
    let run = run(&args, folder.path());
    let inventory = json_of(&run);
    assert_eq!(inventory["count"], 87);
    let marked = inventory["files"][1]["file"].as_str().unwrap();
    assert!(marked.ends_with(".evtx (recovered)"), "{marked}");
    assert!(
        text(&run.stderr).contains("recovered: 81 deleted records"),
        "{}",
        text(&run.stderr)
    );
}
