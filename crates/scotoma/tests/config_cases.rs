//! Configurations and events from users' bug reports, as the config verbs answer them; and inputs that are
//! no plain XML file.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn scotoma(dir: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .arg("config")
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends early does not read all.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// The folder of cases beside the workspace.
fn cases() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let there = path.is_dir();
    if !there {
        println!("skipped: ../shared/cases is not there");
    }
    there.then_some(path)
}

fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A run in a folder of cases: arguments, standard input, exit status, what the output holds and lacks.
struct Run {
    dir: &'static str,
    args: &'static [&'static str],
    input: &'static str,
    status: i32,
    holds: &'static [&'static str],
    lacks: &'static [&'static str],
}

const NONE: &[&str] = &[];

const RUNS: &[Run] = &[
    Run {
        dir: "sysmon",
        args: &["show", "02_wrong_reason.xml", "--engine", "lenient"],
        input: "",
        status: 2,
        holds: &[":3:", "SC006"],
        lacks: &["SC014"],
    },
    Run {
        dir: "sysmon",
        args: &["decide", "03_percent_contains.xml", "03_events.ndjson"],
        input: "",
        status: 0,
        holds: &["{\"log\":true,\"rule\":\"\"}\n{\"log\":true,\"rule\":\"\"}\n"],
        lacks: NONE,
    },
    Run {
        dir: "sysmon",
        args: &["explain", "05_registry_user.xml"],
        input: r#"{"id":13,"fields":{"User":"NT AUTHORITY\\SYSTEM"}}"#,
        status: 0,
        holds: &["not logged", "never matches", "field 8 of event 13"],
        lacks: &["has no field"],
    },
    Run {
        dir: "sysmon",
        args: &["show", "06_option_off.xml"],
        input: "",
        status: 0,
        holds: &["switches it off"],
        lacks: &["1 rule keep"],
    },
    Run {
        dir: "sysmon",
        args: &["decide", "06_option_off.xml", "-"],
        input: r#"{"id":3,"fields":{"Image":"a"}}"#,
        status: 0,
        holds: &["\"log\":false", "\"collected\":false"],
        lacks: NONE,
    },
    Run {
        dir: "sysmon",
        args: &["explain", "06_option_off.xml"],
        input: r#"{"id":3,"fields":{"Image":"a"}}"#,
        status: 0,
        holds: &["not logged: the last NetworkConnect element, in line 3"],
        lacks: NONE,
    },
    Run {
        dir: "sysmon",
        args: &["check", "07_blank_before_declaration.xml"],
        input: "",
        status: 1,
        holds: &["SC001", "XML declaration"],
        lacks: NONE,
    },
    Run {
        dir: "sysmon",
        args: &["decide", "11_env.xml", "-"],
        input: r#"{"id":7,"fields":{"Image":"C:\\Windows\\System32\\svchost.exe","ProcessId":12}}"#,
        status: 0,
        holds: &["\"log\":true", "%windir% = C:\\Windows"],
        lacks: NONE,
    },
    Run {
        dir: "field/30-begin-with-list-pipe-catchall",
        args: &["decide", "c.xml", "e.ndjson"],
        input: "",
        status: 0,
        holds: &[
            "{\"log\":false,\"rule\":\"\"}\n{\"log\":true,\"rule\":\"technique_id=T1562.001b\"}\n{\"log\":true,\"rule\":\"Possible Pipe\"}\n{\"log\":true,\"rule\":\"Possible Pipe\"}\n",
        ],
        lacks: NONE,
    },
    Run {
        dir: "field/33-passwd-S-two-contains",
        args: &["decide", "c.xml", "e.ndjson"],
        input: "",
        status: 0,
        holds: &[
            "{\"log\":true,\"rule\":\"T1201\"}\n{\"log\":true,\"rule\":\"T1201\"}\n{\"log\":false,\"rule\":\"\"}\n{\"log\":false,\"rule\":\"\"}\n",
        ],
        lacks: NONE,
    },
    Run {
        dir: "field/37-catch-all-exclude",
        args: &["explain", "c.xml", "-q"],
        input: r#"{"id": 13, "fields": {"TargetObject": "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\x"}}"#,
        status: 0,
        holds: &["not logged", "excludes are asked before includes"],
        lacks: NONE,
    },
    Run {
        dir: "field/42-ipv6-address-spelling",
        args: &["decide", "c.xml", "e.ndjson"],
        input: "",
        status: 0,
        holds: &[
            "{\"log\":false,\"rule\":\"\"}\n{\"log\":true,\"rule\":\"\"}\n{\"log\":false,\"rule\":\"\"}\n{\"log\":true,\"rule\":\"\"}\n",
        ],
        lacks: NONE,
    },
    Run {
        dir: "field/49-sysmon-c-dump-as-input",
        args: &["show", "dump.txt"],
        input: "",
        status: 0,
        holds: &["ProcessAccess", "NetworkConnect", "1 rule", "sysmon -c"],
        lacks: NONE,
    },
    Run {
        dir: "field/49-sysmon-c-dump-as-input",
        args: &["decompile", "dump.txt"],
        input: "",
        status: 0,
        holds: &[
            "<SourceImage condition=\"end with\">sfc.exe</SourceImage>",
            "<DestinationPort condition=\"is\">443</DestinationPort>",
        ],
        lacks: NONE,
    },
    Run {
        dir: "config",
        args: &["check", "broken.xml", "--select", "SC006,SC008,not-allowed"],
        input: "",
        status: 1,
        holds: &["SC006", "SC008", "SC009", "`begin with`"],
        lacks: &["SC119", "SC110"],
    },
];

#[test]
fn cases_are_answered_as_written() {
    let Some(root) = cases() else { return };
    let mut wrong = Vec::new();
    for run in RUNS {
        let out = scotoma(&root.join(run.dir), run.args, run.input);
        let text = String::from_utf8_lossy(&out.stdout).into_owned()
            + &String::from_utf8_lossy(&out.stderr);
        let mut say = |what: String| wrong.push(format!("{:?}: {what}\n{text}", run.args));
        if out.status.code() != Some(run.status) {
            say(format!("exit {:?}", out.status.code()));
        }
        for part in run.holds.iter().filter(|p| !text.contains(**p)) {
            say(format!("lacks {part:?}"));
        }
        for part in run.lacks.iter().filter(|p| text.contains(**p)) {
            say(format!("holds {part:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const XML: &str = r#"<Sysmon schemaversion="4.90"><EventFiltering><RuleGroup groupRelation="or">
<ProcessCreate onmatch="include">
<Image name="shell" condition="image">cmd.exe</Image>
<Image condition="image">CMD.EXE</Image>
<Image condition="image">Cmd.exe</Image>
</ProcessCreate></RuleGroup></EventFiltering></Sysmon>
"#;

#[test]
fn logs_of_any_dialect_are_decided_and_explained() {
    let dir = folder("dialects");
    std::fs::write(dir.join("c.xml"), XML).unwrap();
    let line = |image: &str| {
        format!(
            r#"{{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\Windows\\{image}","ProcessId":77}}"#
        )
    };
    let log = format!("{}\n{}\n", line("calc.exe"), line("cmd.exe"));
    std::fs::write(dir.join("log.json"), &log).unwrap();
    let lines = "{\"log\":false,\"rule\":\"\"}\n{\"log\":true,\"rule\":\"shell\"}\n";
    for (events, input) in [("log.json", ""), ("-", log.as_str())] {
        let out = scotoma(&dir, &["decide", "c.xml", events], input);
        assert_eq!(String::from_utf8(out.stdout).unwrap(), lines, "{events}");
    }
    let second = scotoma(&dir, &["explain", "c.xml", "log.json#2"], "");
    let text = String::from_utf8(second.stdout).unwrap();
    assert!(text.contains("\nlogged: "), "{text}");
    assert_eq!(
        scotoma(&dir, &["explain", "c.xml", "log.json#3"], "")
            .status
            .code(),
        Some(2)
    );
    let typed = scotoma(&dir, &["explain", "c.xml"], &line("cmd.exe"));
    assert!(String::from_utf8_lossy(&typed.stdout).contains("\nlogged: "));
}

#[test]
fn folders_standard_input_and_marks() {
    let dir = folder("inputs");
    std::fs::create_dir(dir.join("below")).unwrap();
    std::fs::write(dir.join("below/c.xml"), XML).unwrap();
    std::fs::write(dir.join("below/other.xml"), "<a/>").unwrap();
    std::fs::write(dir.join("page.xml"), "<!DOCTYPE html><html><Sysmon></html>").unwrap();
    let text = |out: Output| String::from_utf8(out.stdout).unwrap();
    let all = text(scotoma(&dir, &["check", "."], ""));
    assert!(
        all.contains("in 2 files") && all.contains("web page"),
        "{all}"
    );
    let one = text(scotoma(&dir, &["check", "-", "--ignore", "SC104"], XML));
    assert!(one.contains("SC125") && !one.contains("SC104"), "{one}");
    let empty = scotoma(&dir, &["check", "-", "--select", "nonsense"], XML);
    assert_eq!(empty.status.code(), Some(2));
    // Both repetitions go in one run, and the mark of UTF-8 stays.
    std::fs::write(dir.join("m.xml"), format!("\u{FEFF}{XML}")).unwrap();
    let out = scotoma(&dir, &["check", "m.xml", "--fix"], "");
    assert!(String::from_utf8_lossy(&out.stderr).contains("2 fixes applied"));
    let fixed = std::fs::read_to_string(dir.join("m.xml")).unwrap();
    assert!(fixed.starts_with("\u{FEFF}<Sysmon") && fixed.contains("name=\"shell\""));
    assert_eq!(fixed.matches("cmd.exe").count(), 1, "{fixed}");
}

#[test]
fn kept_events_bear_the_rule_names_of_this_configuration() {
    let dir = folder("names");
    std::fs::write(dir.join("c.xml"), XML).unwrap();
    let line = |rule: &str| {
        format!(
            r#"{{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Image":"C:\\Windows\\cmd.exe"{rule}}}"#
        )
    };
    for (name, rule) in [("with", r#","RuleName":"another""#), ("without", "")] {
        let log = format!("{name}.json");
        std::fs::write(dir.join(&log), line(rule)).unwrap();
        let kept = format!("{name}.parquet");
        let out = scotoma(&dir, &["replay", "c.xml", &log, "-o", &kept], "");
        assert!(
            out.status.success(),
            "{}",
            String::from_utf8_lossy(&out.stderr)
        );
        assert!(String::from_utf8_lossy(&out.stdout).contains("[shell]"));
        let sql = Command::new(env!("CARGO_BIN_EXE_scotoma"))
            .args([
                "sql",
                &kept,
                "SELECT RuleName FROM sysmon_events",
                "--format",
                "csv",
                "-q",
            ])
            .current_dir(&dir)
            .output()
            .unwrap();
        let rows = String::from_utf8_lossy(&sql.stdout).into_owned();
        assert!(
            rows.contains("shell"),
            "{rows}{}",
            String::from_utf8_lossy(&sql.stderr)
        );
    }
}
