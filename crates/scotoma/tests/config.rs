//! The config verbs as a user meets them: arguments, files, exit status, and what they print.
#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const XML: &str = r#"<Sysmon schemaversion="4.90"><EventFiltering><RuleGroup groupRelation="or">
<ProcessCreate onmatch="include">
<Image name="shell" condition="image">cmd.exe</Image>
<Image condition="image">CMD.EXE</Image>
<Image>notepad.exe</Image>
</ProcessCreate></RuleGroup></EventFiltering></Sysmon>
"#;

/// A folder of one test.
fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("c.xml"), XML).unwrap();
    dir
}

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
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn printed(dir: &Path, args: &[&str], input: &str) -> String {
    let out = scotoma(dir, args, input);
    assert!(
        out.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn check_shows_and_fixes() {
    let dir = folder("check");
    let text = printed(&dir, &["check", "c.xml", "--exit-zero"], "");
    assert!(
        text.contains("warning[SC125]") && text.contains("c.xml:4:2"),
        "{text}"
    );
    assert!(
        text.contains("1 error, 1 warning, 2 notes in 1 file"),
        "{text}"
    );
    let json = printed(
        &dir,
        &["check", "c.xml", "--format", "json", "--exit-zero"],
        "",
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
    let status = |args: &[&str]| scotoma(&dir, args, "").status.code();
    assert_eq!(status(&["check", "c.xml"]), Some(1));
    assert_eq!(status(&["check", "c.xml", "--fail-on=error"]), Some(1));
    assert_eq!(status(&["check", "absent.xml"]), Some(2));
    printed(&dir, &["check", "c.xml", "--fix", "--exit-zero"], "");
    assert!(
        !std::fs::read_to_string(dir.join("c.xml"))
            .unwrap()
            .contains("CMD.EXE")
    );
    assert!(printed(&dir, &["rule", "only-excludes"], "").starts_with("# SC101"));
    assert_eq!(status(&["rule", "SC999"]), Some(2));
}

#[test]
fn compile_and_decompile() {
    let dir = folder("compile");
    printed(&dir, &["compile", "c.xml", "-o", "r.bin"], "");
    printed(&dir, &["decompile", "r.bin", "-o", "back.xml"], "");
    printed(&dir, &["compile", "back.xml", "-o", "again.bin"], "");
    let read = |name| std::fs::read(dir.join(name)).unwrap();
    assert_eq!(read("r.bin"), read("again.bin"));
    assert_eq!(read("r.bin")[..4], [0, 0, 18, 0]);
    assert_eq!(
        printed(&dir, &["diff", "c.xml", "r.bin"], ""),
        "no difference in meaning: no event tells the two apart\n"
    );
    assert!(printed(&dir, &["show", "r.bin"], "").contains("only what 3 rules keep"));
    std::fs::write(dir.join("bad.xml"), XML.replace("4.90", "3.4")).unwrap();
    let out = scotoma(&dir, &["compile", "bad.xml", "-o", "x.bin"], "");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("bad.xml:1:24"));
}

#[test]
fn single_events() {
    let dir = folder("events");
    let event = r#"{"id": 1, "fields": {"Image": "C:\\Windows\\cmd.exe"}}"#;
    let other = r#"{"event": "ProcessCreate", "id": 1, "fields": {}}"#;
    let lines = printed(
        &dir,
        &["decide", "c.xml", "-"],
        &format!("{event}\n{other}\n"),
    );
    assert_eq!(
        lines,
        "{\"log\":true,\"rule\":\"shell\"}\n{\"log\":false,\"rule\":\"\"}\n"
    );
    let why = printed(&dir, &["explain", "c.xml"], event);
    assert!(
        why.contains("+ line 3: Image image `cmd.exe`: is `C:\\Windows\\cmd.exe`  [shell]"),
        "{why}"
    );
    assert_eq!(
        scotoma(&dir, &["decide", "c.xml", "-"], "nonsense\n")
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn recorded_events() {
    let dir = folder("replay");
    let line = |record: u32, image: &str| {
        format!(
            r#"{{"@timestamp":"2024-01-01T00:00:00Z","Hostname":"h","Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"RecordNumber":{record},"Image":"C:\\{image}"}}"#
        )
    };
    let log = [line(1, "cmd.exe"), line(2, "calc.exe")].join("\n");
    std::fs::write(dir.join("log.json"), log).unwrap();
    let text = printed(
        &dir,
        &["replay", "c.xml", "log.json", "-o", "kept.parquet"],
        "",
    );
    assert!(text.starts_with("1 event kept, 1 dropped"), "{text}");
    assert!(
        text.contains("1 kept event written") && text.contains("2 rules never decided"),
        "{text}"
    );
    let again = printed(&dir, &["replay", "c.xml", "kept.parquet"], "");
    assert!(again.starts_with("1 event kept, 0 dropped"), "{again}");
    assert!(printed(&dir, &["explain", "c.xml", "log.json#2"], "").contains("\nnot logged: "));
    std::fs::write(
        dir.join("all.xml"),
        "<Sysmon schemaversion=\"4.90\"><EventFiltering/></Sysmon>",
    )
    .unwrap();
    let diff = printed(&dir, &["diff", "c.xml", "all.xml", "log.json"], "");
    assert!(
        diff.contains(
            "of 2 Sysmon events: both keep 1, only the old one 0, only the new one 1\n\nonly the new one keeps 1 ProcessCreate event, such as log.json#2\n"
        ),
        "{diff}"
    );
    let told = scotoma(&dir, &["replay", "c.xml", "log.json"], "").stderr;
    let told = String::from_utf8(told).unwrap();
    assert!(
        told.starts_with("2 events in 1 file (") && told.ends_with("nothing skipped\n"),
        "{told}"
    );
    let quiet = scotoma(&dir, &["replay", "c.xml", "log.json", "--quiet"], "").stderr;
    assert!(quiet.is_empty());
    std::fs::write(dir.join("none.json"), "").unwrap();
    assert_eq!(
        scotoma(&dir, &["replay", "c.xml", "none.json"], "")
            .status
            .code(),
        Some(2)
    );
}
