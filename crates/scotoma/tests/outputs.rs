//! What the program writes: never over what it reads, never over what is there, whole or not at all, and nothing from a
//! log that could steer a terminal.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SYSMON: &str = "Microsoft-Windows-Sysmon/Operational";

/// A folder with a log and a configuration.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let event = |id: u32, image: &str| {
            serde_json::json!({
                "Channel": SYSMON,
                "EventID": 1,
                "RecordNumber": id,
                "EventReceivedTime": "2026-03-10T12:00:00Z",
                "UtcTime": "2026-03-10 12:00:00.000",
                "Image": image,
                "Hostname": "WS01",
            })
        };
        let lines = [
            event(1, "C:\\a.exe"),
            event(2, "C:\\\u{1b}[2Jb\u{9b}31m\u{202e}.exe"),
            event(3, " =1+1"),
        ];
        let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
        fs::create_dir(folder.path().join("logs")).unwrap();
        fs::write(folder.path().join("logs/a.ndjson"), text).unwrap();
        let config = "<Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"exclude\"/></EventFiltering></Sysmon>";
        fs::write(folder.path().join("c.xml"), config).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_scotoma"))
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap()
    }

    /// Files and folders below the case's folder, temporary ones included.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const ALL: &str = "SELECT * FROM events";

/// Every verb that writes, with what it reads and the option that names the output last.
fn writers(input: &str) -> Vec<Vec<&str>> {
    vec![
        vec!["sql", input, ALL, "-o"],
        vec!["convert", input, "-o"],
        vec!["baseline", input, "-o"],
        vec!["baseline", input, "--propose", "-o"],
        vec!["config", "replay", "c.xml", input, "-o"],
    ]
}

#[test]
fn no_output_is_an_input() {
    for (input, output) in [
        ("logs/a.ndjson", "logs/a.ndjson"),
        ("logs", "logs/a.ndjson"),
        ("logs/a.ndjson", "./logs/../logs/a.ndjson"),
    ] {
        for writer in writers(input) {
            for force in [&[][..], &["--force"]] {
                let case = Case::new();
                let before = fs::read(case.at("logs/a.ndjson")).unwrap();
                let run = case.run(&[&writer[..], &[output], force].concat());
                assert_eq!(
                    run.status.code(),
                    Some(2),
                    "{writer:?} {}",
                    text(&run.stderr)
                );
                assert_eq!(
                    fs::read(case.at("logs/a.ndjson")).unwrap(),
                    before,
                    "{writer:?}"
                );
            }
        }
    }
    for verb in ["compile", "decompile"] {
        let case = Case::new();
        let before = fs::read(case.at("c.xml")).unwrap();
        let run = case.run(&["config", verb, "c.xml", "-o", "c.xml", "--force"]);
        assert_eq!(run.status.code(), Some(2));
        assert_eq!(fs::read(case.at("c.xml")).unwrap(), before);
    }
}

#[test]
fn what_exists_is_replaced_only_when_asked() {
    let outputs = ["x.ndjson", "x.parquet", "x.txt", "x.xml", "x.parquet"];
    for (writer, output) in writers("logs").into_iter().zip(outputs) {
        let case = Case::new();
        fs::write(case.at(output), "mine").unwrap();
        let run = case.run(&[&writer[..], &[output]].concat());
        assert_eq!(run.status.code(), Some(2), "{writer:?}");
        assert!(
            text(&run.stderr).contains("--force"),
            "{}",
            text(&run.stderr)
        );
        assert_eq!(fs::read(case.at(output)).unwrap(), b"mine");
        let run = case.run(&[&writer[..], &[output, "--force"]].concat());
        assert_eq!(
            run.status.code(),
            Some(0),
            "{writer:?} {}",
            text(&run.stderr)
        );
        assert_ne!(fs::read(case.at(output)).unwrap(), b"mine");
        assert_eq!(case.names(), ["c.xml", "logs", output]);
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let case = Case::new();
    fs::create_dir(case.at("site")).unwrap();
    fs::write(case.at("site/index.html"), "mine").unwrap();
    let run = case.run(&["map", "--all", "-o", "site"]);
    assert_eq!(run.status.code(), Some(2));
    assert_eq!(fs::read(case.at("site/index.html")).unwrap(), b"mine");
    let run = case.run(&["map", "--all", "-o", "new"]);
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    assert!(case.at("new/index.html").exists());
    assert_eq!(case.names(), ["c.xml", "logs", "new", "site"]);
}

#[test]
fn the_ending_is_the_format() {
    let case = Case::new();
    for args in [
        &["config", "replay", "c.xml", "logs", "-o", "x.ndjson"][..],
        &["convert", "logs", "-o", "x.csv"],
        &["sql", "logs", ALL, "--format", "csv", "-o", "x.parquet"],
        &["baseline", "logs", "-o", "x.json"],
        &["baseline", "logs", "--save", "x.json"],
        &["baseline", "logs", "--propose", "-o", "x.json"],
        &["map", "10", "--format", "svg", "-o", "x.html"],
    ] {
        let run = case.run(args);
        assert_eq!(run.status.code(), Some(2), "{args:?}");
    }
    assert_eq!(case.names(), ["c.xml", "logs"]);
}

#[test]
fn no_rows_are_a_valid_file() {
    let case = Case::new();
    let none = "SELECT Image, EventID FROM events WHERE EventID = 99999";
    for output in ["z.parquet", "z.json", "z.ndjson", "z.csv"] {
        let run = case.run(&["sql", "logs", none, "-o", output]);
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    }
    let parquet = fs::read(case.at("z.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    assert_eq!(text(&fs::read(case.at("z.json")).unwrap()).trim(), "[]");
    assert_eq!(text(&fs::read(case.at("z.ndjson")).unwrap()), "");
    assert_eq!(
        text(&fs::read(case.at("z.csv")).unwrap()),
        "Image,EventID\n"
    );
}

#[test]
fn a_failed_query_leaves_nothing() {
    let case = Case::new();
    let run = case.run(&[
        "sql",
        "logs",
        "SELECT assert_true(false), Image FROM events",
        "-o",
        "x.csv",
    ]);
    assert_eq!(run.status.code(), Some(2));
    assert_eq!(case.names(), ["c.xml", "logs"]);
}

#[cfg(unix)]
#[test]
fn a_signal_leaves_nothing() {
    use std::process::Stdio;
    use std::time::Duration;
    let case = Case::new();
    // More rows than are written before the signal.
    let mut child = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args([
            "sql",
            "logs",
            "SELECT x.n FROM (SELECT explode(sequence(1, 20000)) AS n) x \
             CROSS JOIN (SELECT explode(sequence(1, 20000)) AS n) y",
            "-o",
            "x.csv",
        ])
        .current_dir(case.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = || case.names().iter().any(|n| n.starts_with(".scotoma-"));
    for _ in 0..200 {
        if begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun());
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(killed.success());
    assert!(!child.wait().unwrap().success());
    assert_eq!(case.names(), ["c.xml", "logs"]);
}

/// Whether something could steer a terminal or hide in it.
fn steers(shown: &[u8]) -> bool {
    let hidden = |c: char| c != '\n' && text_hides(c);
    text(shown).chars().any(hidden)
}

fn text_hides(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
}

#[test]
fn nothing_from_a_log_steers_the_terminal() {
    let case = Case::new();
    for format in ["table", "json", "ndjson", "csv"] {
        let run = case.run(&[
            "sql",
            "logs",
            "SELECT Image FROM sysmon",
            "--format",
            format,
        ]);
        assert!(!steers(&run.stdout), "{format}");
        assert_eq!(run.status.code(), Some(0));
    }
    // The value is whole for whoever reads JSON.
    let run = case.run(&[
        "sql",
        "logs",
        "SELECT Image FROM sysmon",
        "--format",
        "ndjson",
    ]);
    let second = text(&run.stdout).lines().nth(1).unwrap().to_owned();
    let value: serde_json::Value = serde_json::from_str(&second).unwrap();
    assert_eq!(value["Image"], "C:\\\u{1b}[2Jb\u{9b}31m\u{202e}.exe");
    // A pipe that wants it, and a file, get it as it is.
    let raw = case.run(&[
        "sql",
        "logs",
        "SELECT Image FROM sysmon",
        "--format",
        "csv",
        "--raw",
    ]);
    assert!(steers(&raw.stdout));
    case.run(&["sql", "logs", "SELECT Image FROM sysmon", "-o", "x.csv"]);
    assert_eq!(fs::read(case.at("x.csv")).unwrap(), raw.stdout);
    for args in [
        &["events", "logs"][..],
        &["hunt", "logs"],
        &["baseline", "logs"],
    ] {
        let run = case.run(args);
        assert!(!steers(&run.stdout) && !steers(&run.stderr), "{args:?}");
    }
}

#[test]
fn a_spreadsheet_computes_nothing() {
    let case = Case::new();
    let query = "SELECT Image FROM sysmon WHERE Image LIKE '%1+1'";
    let run = case.run(&["sql", "logs", query, "--format", "csv", "--csv-safe"]);
    assert_eq!(text(&run.stdout), "Image\n' =1+1\n");
    let run = case.run(&["sql", "logs", query, "--format", "csv"]);
    assert_eq!(text(&run.stdout), "Image\n =1+1\n");
}

#[test]
fn a_misspelt_column_is_told_to_the_quiet_too() {
    let case = Case::new();
    let run = case.run(&["sql", "-q", "logs", "SELECT Imge FROM sysmon"]);
    let said = text(&run.stderr);
    assert!(said.contains("no record has a field Imge"), "{said}");
    assert!(!said.contains("events in"), "{said}");
}

#[test]
fn ndjson_leaves_out_what_is_null() {
    let case = Case::new();
    let run = case.run(&[
        "sql",
        "logs",
        "SELECT Image, Nothing FROM sysmon LIMIT 1",
        "--format",
        "ndjson",
    ]);
    assert_eq!(text(&run.stdout), "{\"Image\":\"C:\\\\a.exe\"}\n");
}

#[test]
fn hostile_cases_are_harmless() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/hostile");
    if !folder.exists() {
        println!("skipped: ../shared/cases/hostile is not there");
        return;
    }
    let case = Case::new();
    let log = folder.join("evil.ndjson").display().to_string();
    for format in ["table", "json", "ndjson", "csv"] {
        let run = case.run(&["sql", &log, "SELECT * FROM sysmon", "--format", format]);
        assert!(!steers(&run.stdout), "{format}");
        let run = case.run(&["hunt", &log, "--format", format]);
        assert!(!steers(&run.stdout), "{format}");
    }
    for file in ["c1.xml", "c2.xml", "gh.xml", "lol.xml", "xxe.xml"] {
        let config = folder.join(file).display().to_string();
        for args in [
            &["config", "check", &config][..],
            &["config", "check", &config, "--format", "json"],
            &["config", "check", &config, "--format", "github"],
            &["config", "show", &config],
        ] {
            let run = case.run(args);
            assert!(!steers(&run.stdout) && !steers(&run.stderr), "{args:?}");
        }
    }
}
