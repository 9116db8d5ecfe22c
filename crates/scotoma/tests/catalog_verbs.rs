//! The verbs that answer from the catalog and from files: what they say, how wide they say it, and how they fail.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::{Command, Output};

fn scotoma(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_scotoma"))
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../research/tests"))
        .output()
        .unwrap()
}

fn says(arguments: &[&str]) -> String {
    let output = scotoma(arguments);
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&says(arguments)).unwrap()
}

fn fails(arguments: &[&str]) -> String {
    let output = scotoma(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn answers_fit_eighty_columns() {
    for arguments in [
        &["map", "WriteProcessMemory", "--full"][..],
        &[
            "map",
            "10",
            "security:4688",
            "ObRegisterCallbacks",
            "DC0035",
            "handle-duplication",
        ],
        &["map", "T1055.001", "--full"],
        &["map", "--all"],
        &["map", "--not-observed"],
        &["rights", "decode", "0x1478", "0x1fffff"],
        &["rights", "check", "0x1440"],
        &[
            "rights",
            "for",
            "OpenProcess",
            "OpenThread",
            "QueueUserAPC",
            "VirtualAllocEx",
            "OpenProcessToken",
            "DuplicateTokenEx",
        ],
        &["technique"],
        &["technique", "T1003.001", "--full"],
        &[
            "stack",
            "stacks/event-01-process-create.txt",
            "stacks/event-10-wow64.txt",
            "stacks/x86-image-load.txt",
        ],
    ] {
        let text = says(arguments);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn the_map_is_asked_by_any_name() {
    for name in [
        "WriteProcessMemory",
        "kernel32!WriteProcessMemory",
        "writeprocessmemory",
    ] {
        let text = says(&["map", name]);
        assert!(
            text.contains("no Sysmon event; Threat-Intelligence event 14"),
            "{name}: {text}"
        );
        assert!(text.contains("threat-intelligence:14"));
    }
    assert!(fails(&["map", "security:7045"]).contains("system:7045"));
    assert!(says(&["map", "Shhmon"]).contains("tampering driver-unload"));
    assert!(says(&["map", "OpenProcessApiCall"]).contains("DeviceEvents (OpenProcessApiCall)"));
    let line = json(&["map", "sysmon:10", "--format", "json"]);
    assert_eq!(line[0]["mechanisms"][0], "object-callback");
    assert!(fails(&["map", "CreateRemoteTread"]).contains("the nearest names: CreateRemoteThread"));
    assert!(says(&["map", "--not-observed"]).contains("DuplicateHandle, NtDuplicateObject"));
    assert!(fails(&["map", "--not-observed", "--sensor", "sysmun"]).contains("sysmon"));
}

#[test]
fn the_map_is_drawn_and_published() {
    assert!(says(&["map", "--all", "--format", "svg"]).starts_with("<svg"));
    assert!(says(&["map", "OpenProcess", "--format", "dot"]).starts_with("digraph"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("map.html");
    assert_eq!(
        says(&[
            "map",
            "--all",
            "--format",
            "html",
            "-o",
            file.to_str().unwrap()
        ]),
        ""
    );
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .starts_with("<!doctype html>")
    );
    let all = json(&["map", "--all", "--format", "json"]);
    assert_eq!(all["mechanisms"].as_array().unwrap().len(), 35);
    assert_eq!(json(&["map", "--schema"])["title"], "The Scotoma catalog");
}

#[test]
fn masks_and_rights() {
    let check = says(&[
        "rights",
        "check",
        "0x1440",
        "PROCESS_CREATE_THREAD",
        "PROCESS_QUERY_INFORMATION",
        "PROCESS_QUERY_LIMITED_INFORMATION",
        "PROCESS_VM_OPERATION",
        "PROCESS_VM_WRITE",
        "PROCESS_VM_READ",
    ]);
    assert!(check.contains("that is 0x143A (5178)"), "{check}");
    let lacks = check
        .split("It lacks")
        .nth(1)
        .unwrap()
        .split("It carries")
        .next()
        .unwrap();
    assert_eq!(lacks.split_whitespace().count(), 4, "{lacks}");
    assert!(
        check
            .split("It carries")
            .nth(1)
            .unwrap()
            .contains("PROCESS_DUP_HANDLE")
    );
    assert_eq!(
        json(&[
            "rights",
            "sum",
            "PROCESS_VM_WRITE|PROCESS_VM_READ",
            "--format",
            "json"
        ])["mask"],
        0x30
    );
    assert_eq!(
        json(&["rights", "sum", "THREAD_SET_CONTEXT", "--format", "json"])["object"],
        "thread"
    );
    let needs = json(&[
        "rights",
        "for",
        "OpenProcess",
        "VirtualAllocEx",
        "WriteProcessMemory",
        "CreateRemoteThread",
        "--format",
        "json",
    ]);
    let process = &needs["needs"]["objects"][0];
    assert_eq!(
        (
            &process["documented"]["mask"],
            &process["documented"]["logged"]
        ),
        (&0x43A.into(), &0x143A.into())
    );
    assert_eq!(process["kernel"]["mask"], 0x2A);
    assert!(fails(&["rights", "sum", "PROCESS_VM_WRIT"]).contains("PROCESS_VM_WRITE"));
    assert!(fails(&["rights", "decode", "0xZZ"]).contains("is no mask"));
    assert!(fails(&["rights", "decode", "1", "--object", "chair"]).contains("process, thread"));
    assert!(says(&["rights", "check", "0x1410"]).contains("ReadProcessMemory"));
    assert!(says(&["rights", "decode", "PROCESS_ALL_ACCESS"]).contains("0x1fffff"));
    assert!(says(&["rights", "sum", "VM_READ"]).contains("PROCESS_VM_READ"));
    assert!(says(&["rights", "sum", "0x10", "0x400"]).contains("0x410 (1040)"));
}

#[test]
fn techniques_and_stacks() {
    let technique = says(&["technique", "T1055.012"]);
    assert!(
        technique.contains("1. CreateProcess") && technique.contains("sysmon:25"),
        "{technique}"
    );
    assert!(fails(&["technique", "T9999"]).contains("no technique"));
    let unmapped = says(&["technique", "T1003.008"]);
    assert!(
        unmapped.contains("/etc/passwd") && unmapped.contains("No calls known"),
        "{unmapped}"
    );
    let stack = says(&["stack", "stacks/event-01-process-create.txt"]);
    assert!(
        stack.contains("process 0dd0 = 3536 powershell.exe"),
        "{stack}"
    );
    assert!(
        says(&["stack", "stacks/event-10-direct-syscall.txt"])
            .contains("DIRECT SYSTEM CALL from dumper+0x1d42")
    );
    assert!(fails(&["stack", "stacks/no-such.txt"]).contains("no-such.txt"));
    assert!(fails(&["stack", "stacks/README.md"]).contains("no stack found"));
    assert!(fails(&["imports", "stacks/README.md"]).contains("not a PE file"));
}

const CONFIG: &str = r#"<Sysmon schemaversion="4.90"><EventFiltering>
<RuleGroup groupRelation="or"><ProcessAccess onmatch="include">
<GrantedAccess condition="is">0x1410</GrantedAccess>
<TargetImage condition="image">lsass.exe</TargetImage>
</ProcessAccess></RuleGroup>
<RuleGroup groupRelation="or"><CreateRemoteThread onmatch="exclude"/></RuleGroup>
</EventFiltering></Sysmon>"#;

#[test]
fn a_technique_against_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.xml");
    std::fs::write(&file, CONFIG).unwrap();
    let file = file.to_str().unwrap();
    let text = says(&["technique", "inj-dll-loadlibrary", "--against", file]);
    // The mask of the technique is not listed, the target is not known: it depends on the target.
    assert!(
        text.contains("sysmon:10 ProcessAccess, Process accessed: PERHAPS"),
        "{text}"
    );
    assert!(
        text.contains("sysmon:8 CreateRemoteThread, Remote thread created: KEPT"),
        "{text}"
    );
    assert!(
        text.contains("sysmon:7 ImageLoad, Image loaded: NEVER KEPT"),
        "{text}"
    );
    assert!(text.contains("Not a proof"), "{text}");
    assert!(text.contains("CreateRemoteThread: sysmon:8 kept"), "{text}");
    let text = says(&["technique", "T1003.001", "--against", file]);
    assert!(
        text.contains("line 4 keeps: TargetImage image \"lsass.exe\""),
        "{text}"
    );
    for arguments in [
        &["technique", "T1055", "--against", file][..],
        &["technique", "--against", file],
        &["technique", "T1003.001", "--against", file, "--full"],
    ] {
        let wide = says(arguments);
        assert!(wide.lines().all(|l| l.chars().count() <= 80), "{wide}");
    }
    let rows = json(&[
        "technique",
        "T1055.001",
        "--against",
        file,
        "--format",
        "json",
    ]);
    assert_eq!(rows["proof"], false);
    let fate = &rows["techniques"][0]["against"]["expected"][1]["keeps"]["fate"];
    assert_eq!(fate, "kept-whole");
    std::fs::write(folder.path().join("bad.xml"), "<Sysmon").unwrap();
    let bad = folder.path().join("bad.xml");
    assert!(fails(&["technique", "--against", bad.to_str().unwrap()]).contains("rejects"));
}

/// A recorded remote thread, as Winlogbeat writes it.
const RECORDED: &str = r#"{"@timestamp":"2020-08-07T18:32:09.100Z","winlog":{"provider_name":"Microsoft-Windows-Sysmon","channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"WS5","event_id":8,"record_id":ID,"event_data":{"UtcTime":"2020-08-07 18:32:09.100","SourceProcessId":"PID","SourceImage":"C:\\Users\\Public\\inject.exe","TargetProcessId":"2576","TargetImage":"C:\\Windows\\System32\\notepad.exe"}}}"#;

#[test]
fn a_break_is_tied_to_the_event_recorded_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.ndjson");
    // 0x1778 of the log is 6008 of the event; another process does the same at the same time.
    let lines: String = [("41", "6008"), ("42", "6012")]
        .map(|(id, process)| {
            RECORDED
                .replace("ID\":ID", &format!("ID\":{id}"))
                .replace(":ID,", &format!(":{id},"))
                .replace("PID", process)
                + "\n"
        })
        .concat();
    std::fs::write(&events, lines).unwrap();
    let shape = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../research/tests/stacks/event-08-remote-thread.txt");
    let stack = std::fs::read_to_string(shape).unwrap();
    let near = format!(
        "{stack}0: kd> .time\nDebug session time: Fri Aug  7 20:32:07.555 2020 (UTC + 2:00)\n"
    );
    let log = folder.path().join("kd.log");
    std::fs::write(&log, &near).unwrap();
    let (log, events) = (log.to_str().unwrap(), events.to_str().unwrap());
    let text = says(&["stack", log, "--events", events]);
    assert!(text.contains("record 41"), "{text}");
    assert!(text.contains("1.545 s after"), "{text}");
    assert!(!text.contains("record 42"), "{text}");
    // A day later it is another process of the same number.
    std::fs::write(log, near.replace("Aug  7", "Aug  8")).unwrap();
    let text = says(&["stack", log, "--events", events]);
    assert!(
        text.contains("no event of this process and kind near this time"),
        "{text}"
    );
}

/// What a debugger showed and the catalog does not know becomes rows, and with these rows it is known.
#[test]
fn a_discovery_is_added_without_building_anything() {
    let log = r"0: kd> k
 # Child-SP          RetAddr               Call Site
00 ffffb08f`9f4c7a88 fffff807`6a0b2c3d     SysmonDrv+0xa1c0
01 ffffb08f`9f4c7ae8 fffff807`6a0b2c6e     nt!PspCallProcessNotifyRoutines+0x213
02 ffffb08f`9f4c7b48 fffff807`6a0b2c9f     nt!PspInsertThread+0x72e
03 ffffb08f`9f4c7ba8 fffff807`6a0b2cd0     nt!NtCreateUserProcess+0x92e
04 ffffb08f`9f4c7d28 00007ffb`6e88d9f5     nt!KiSystemServiceCopyEnd+0x25
05 000000d4`5d0fe7b8 00007ffb`6e88da1c     ntdll!NtCreateUserProcess+0x14
06 000000d4`5d0fe7f8 00007ffb`6e88da43     KERNELBASE!MakeProcessFromLab+0x4e
07 000000d4`5d0fe838 00007ffb`6e88da6a     lab+0x2c10
08 000000d4`5d0fe878 00007ffb`6e88da91     KERNEL32!BaseThreadInitThunk+0x14
09 000000d4`5d0fe8b8 00007ffb`6e88dab8     ntdll!RtlUserThreadStart+0x21
";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("discovery");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join("rows")).unwrap();
    let path = folder.join("lab.log");
    std::fs::write(&path, log).unwrap();
    let path = path.to_str().unwrap();
    assert!(fails(&["map", "MakeProcessFromLab"]).contains("nothing is called"));

    let text = says(&["stack", path, "--format", "rows"]);
    for file in text.split("# ").filter(|f| !f.is_empty()) {
        let (name, rows) = file.split_once('\n').unwrap();
        std::fs::write(folder.join("rows").join(name), rows).unwrap();
    }
    let rows = folder.join("rows");
    let rows = rows.to_str().unwrap();
    let answer = says(&["map", "MakeProcessFromLab", "--catalog", rows]);
    assert!(answer.contains("sysmon:1 ProcessCreate"), "{answer}");
    assert!(answer.contains("[observed: own-stacks]"), "{answer}");
    assert_eq!(
        says(&["stack", path, "--format", "rows", "--catalog", rows]),
        ""
    );

    let wrong = folder.join("wrong");
    std::fs::create_dir_all(&wrong).unwrap();
    std::fs::write(wrong.join("apis.yaml"), "- {id: X, colour: red}").unwrap();
    let told = fails(&["map", "X", "--catalog", wrong.to_str().unwrap()]);
    assert!(
        told.contains("apis.yaml") && told.contains("colour"),
        "{told}"
    );
}
