//! Documents that passed Elastic's Sysmon pipeline say what the sensor said.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Table, file, read};
use telemetry::{Atom, Options, Plan, RowFilter, Scan, Test, discover};

const HEAD: &str = r#""@timestamp":"2020-08-07T18:32:44.580Z","ecs":{"version":"8.0.0"},"event":{"code":"ID","module":"sysmon"},"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"ID","provider_name":"Microsoft-Windows-Sysmon","computer_name":"WS5""#;

fn document(id: u32, data: &str, rest: &str) -> String {
    let head = HEAD.replace("ID", &id.to_string());
    format!("{{{head},\"event_data\":{{{data}}}}}{rest}}}\n")
}

fn log() -> String {
    [
        document(10, r#""TargetImage":"C:\\n.exe","GrantedAccess":"0x1f3fff""#,
            r#","process":{"entity_id":"{1}","pid":3456,"executable":"C:\\p.exe","thread":{"id":77}}"#),
        document(1, r#""LogonId":"0x3e7""#,
            r#","process":{"entity_id":"{2}","pid":7,"executable":"C:\\c.exe","command_line":"c /x","working_directory":"C:\\","hash":{"md5":"ab","sha1":"cd"},"pe":{"imphash":"ef","original_file_name":"Cmd.Exe"},"parent":{"entity_id":"{3}","pid":4,"executable":"C:\\w.exe","command_line":"w"}},"user":{"domain":"LAB","name":"bob"},"rule":{"name":"T1"}"#),
        document(3, "", r#","process":{"executable":"C:\\p.exe"},"network":{"transport":"tcp","direction":"egress","type":"ipv4"},"source":{"ip":"10.0.0.1","port":5},"destination":{"ip":"10.0.0.2","port":443,"domain":"h"}"#),
        document(13, r#""EventType":"SetValue""#, r#","registry":{"path":"HKLM\\x","data":{"strings":["1"]}}"#),
        document(22, "", r#","dns":{"question":{"name":"a.example"}},"sysmon":{"dns":{"status":"SUCCESS"}}"#),
        document(7, "", r#","file":{"path":"C:\\l.dll","hash":{"sha256":"aa"}},"process":{"executable":"C:\\p.exe"}"#),
        // Its own value is better than what ECS says.
        document(5, r#""Image":"C:\\own.exe""#, r#","process":{"executable":"C:\\other.exe"}"#),
        // No pipeline, and not Sysmon's.
        r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","process":{"executable":"C:\\x.exe"}}"#.to_owned() + "\n",
        r#"{"EventID":1,"Channel":"Security","ecs":{"version":"8"},"process":{"executable":"C:\\y.exe"}}"#.to_owned() + "\n",
    ]
    .concat()
}

fn column(table: &Table, name: &str) -> Vec<String> {
    let cells = table.column(name).into_iter();
    cells.map(|c| c.unwrap_or_default()).collect()
}

#[test]
fn renamed_fields_have_their_names_again() {
    let (_guard, log) = file("log.json", log().as_bytes());
    let table = read(&[log]);
    let is = |name: &str, expected: [&str; 9]| assert_eq!(column(&table, name), expected, "{name}");
    is("sourceimage", [r"C:\p.exe", "", "", "", "", "", "", "", ""]);
    is("sourceprocessguid", ["{1}", "", "", "", "", "", "", "", ""]);
    is("sourcethreadid", ["77", "", "", "", "", "", "", "", ""]);
    is(
        "image",
        [
            "",
            r"C:\c.exe",
            r"C:\p.exe",
            "",
            "",
            r"C:\p.exe",
            r"C:\own.exe",
            "",
            "",
        ],
    );
    is("parentimage", ["", r"C:\w.exe", "", "", "", "", "", "", ""]);
    is(
        "hashes",
        [
            "",
            "SHA1=CD,MD5=AB,IMPHASH=EF",
            "",
            "",
            "",
            "SHA256=AA",
            "",
            "",
            "",
        ],
    );
    is("user", ["", r"LAB\bob", "", "", "", "", "", "", ""]);
    is("rulename", ["", "T1", "", "", "", "", "", "", ""]);
    is("initiated", ["", "", "true", "", "", "", "", "", ""]);
    is("destinationport", ["", "", "443", "", "", "", "", "", ""]);
    is(
        "destinationisipv6",
        ["", "", "false", "", "", "", "", "", ""],
    );
    is("targetobject", ["", "", "", r"HKLM\x", "", "", "", "", ""]);
    is("details", ["", "", "", "1", "", "", "", "", ""]);
    is("querystatus", ["", "", "", "", "0", "", "", "", ""]);
    is("imageloaded", ["", "", "", "", "", r"C:\l.dll", "", "", ""]);
    assert_eq!(column(&table, "utctime")[0], "2020-08-07 18:32:44.580");
    // What ECS calls it stays.
    assert_eq!(column(&table, "process.executable")[8], r"C:\y.exe");
}

/// A condition is met by what stands elsewhere as by what stands in its place.
#[test]
fn conditions_see_restored_values() {
    let (_guard, log) = file("log.json", log().as_bytes());
    let count = |column: &str, test: Test| {
        let atom = |column: &str, test| Atom {
            column: column.to_owned(),
            test,
        };
        let plan = Plan {
            columns: vec!["eventid".to_owned()],
            filter: RowFilter {
                clauses: vec![vec![atom(column, test)]],
            },
            discover: false,
        };
        let scan = Scan::new(
            discover(std::slice::from_ref(&log)).unwrap(),
            plan,
            Options::default(),
        );
        scan.map(|b| b.num_rows()).sum::<usize>()
    };
    let ends = |text: &str| Test::EndsWith {
        text: text.to_owned(),
        lower: true,
    };
    assert_eq!(count("image", ends("p.exe")), 2);
    assert_eq!(count("image", ends("other.exe")), 0);
    assert_eq!(count("image", ends("y.exe")), 0);
    assert_eq!(count("sourceimage", Test::NotNull), 1);
    assert_eq!(count("image", Test::Null), 5);
    assert_eq!(
        count(
            "hashes",
            Test::Contains {
                text: "IMPHASH=EF".into(),
                lower: false
            }
        ),
        1
    );
    assert_eq!(count("initiated", Test::TextIn(vec!["true".into()])), 1);
    assert_eq!(count("user", Test::LowerIn(vec!["lab\\bob".into()])), 1);
}

#[test]
fn the_pipelines_own_golden_file() {
    let Some(cases) = common::shared("cases/readers") else {
        return;
    };
    let table = read(&[cases.join("01_elastic_sysmon_module_golden.json")]);
    let expected = [
        ("image", r"C:\Windows\System32\notepad.exe"),
        ("processguid", "{9F32B55F-7C4E-5F98-5803-000000000500}"),
        ("processid", "3616"),
        ("commandline", r#""C:\Windows\system32\notepad.exe" "#),
        ("parentimage", r"C:\Windows\explorer.exe"),
        ("user", r"VAGRANT\vagrant"),
    ];
    for (name, value) in expected {
        assert_eq!(column(&table, name)[0], value, "{name}");
    }
}

#[test]
fn the_same_events_before_and_after_the_pipeline() {
    let Some(cases) = common::shared("cases/ecs") else {
        return;
    };
    let before = read(&[cases.join("winlogbeat8_no_pipeline.ndjson")]);
    let after = read(&[cases.join("winlogbeat8_sysmon_module.ndjson")]);
    for name in before.columns.keys() {
        // The keys of the shipper, and hashes that the short example does not carry through.
        if !name.contains('.') && !name.starts_with("source_") && after.columns.contains_key(name) {
            for (b, a) in column(&before, name).iter().zip(column(&after, name)) {
                assert!(b.is_empty() || *b == a, "{name}: {b:?} and {a:?}");
            }
        }
    }
    assert_eq!(
        column(&after, "sourceimage"),
        column(&before, "sourceimage")
    );
}
