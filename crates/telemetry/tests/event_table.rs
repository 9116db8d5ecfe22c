//! What `docs/event-table.md` promises, case by case, and the samples of this repository as the readers see them.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};

use common::{Table, read};

/// The table of a file with this content.
fn table(content: &str) -> Table {
    let (_folder, path) = common::file("input", content.as_bytes());
    read(&[path])
}

fn text(table: &Table, row: usize, column: &str) -> Option<String> {
    table.cell(table.each().nth(row).unwrap(), column)
}

/// Reads one record and compares some of its cells; `None` is NULL or a column that is not there.
fn holds(content: &str, expected: &[(&str, Option<&str>)]) {
    let table = table(content);
    assert_eq!(table.report.diagnostics.damaged, 0, "{content}");
    let foreign = table.report.diagnostics.not_understood;
    assert_eq!(table.report.records + foreign, 1, "{content}");
    for (column, value) in expected {
        let found = text(&table, 0, column);
        assert_eq!(found.as_deref(), *value, "{column} of {content}");
    }
}

const XML: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
    <Provider Name='P' Guid='{0}'/><EventID Qualifiers='16384'>7036</EventID><Version>3</Version><Level>4</Level>\
    <TimeCreated SystemTime='2026-03-10T12:00:00.1234567Z'/><EventRecordID>9</EventRecordID><Correlation ActivityID='{1}'/>\
    <Execution ProcessID='10' ThreadID='11'/><Channel>System</Channel><Computer>h</Computer><Security/></System>";

#[test]
fn the_header_of_every_dialect_is_one_header() {
    let expected = [
        ("timecreated", Some("2026-03-10T12:00:00.123Z")),
        ("computer", Some("h.example")),
        ("channel", Some("Security")),
        ("provider", Some("P")),
        ("eventid", Some("4688")),
        ("eventrecordid", Some("77")),
        ("newprocessname", Some("x.exe")),
    ];
    for document in [
        // NXLog, flat.
        r#"{"@timestamp":"2026-03-10T12:00:00.123Z","Hostname":"h.example","Channel":"Security","SourceName":"P","EventID":4688,"RecordNumber":77,"NewProcessName":"x.exe"}"#,
        // Winlogbeat 6.
        r#"{"@timestamp":"2026-03-10T12:00:00.123Z","computer_name":"h.example","log_name":"Security","source_name":"P","event_id":4688,"record_number":"77","event_data":{"NewProcessName":"x.exe"}}"#,
        // Winlogbeat 7 and later.
        r#"{"@timestamp":"2026-03-10T12:00:00.123Z","winlog":{"computer_name":"h.example","channel":"Security","provider_name":"P","event_id":"4688","record_id":77,"event_data":{"NewProcessName":"x.exe"}},"event":{"code":4688}}"#,
        // evtx_dump.
        r##"{"Event":{"#attributes":{"xmlns":"x"},"System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":{"#attributes":{"Qualifiers":0},"#text":4688},"TimeCreated":{"#attributes":{"SystemTime":"2026-03-10T12:00:00.123Z"}},"EventRecordID":77,"Channel":"Security","Computer":"h.example"},"EventData":{"NewProcessName":"x.exe"}}}"##,
        // An Azure table.
        r#"{"TimeGenerated":"2026-03-10T12:00:00.123Z","Computer":"h.example","Channel":"Security","Provider":"P","EventID":4688,"EventRecordId":"77","EventData":"{\"NewProcessName\":\"x.exe\"}"}"#,
        r#"{"TimeGenerated":"2026-03-10T12:00:00.123Z","Computer":"h.example","EventLog":"Security","Source":"P","EventID":4688,"EventRecordId":"77","EventData":"<EventData><Data Name=\"NewProcessName\">x.exe</Data></EventData>"}"#,
    ] {
        holds(document, &expected);
    }
}

#[test]
fn the_rest_of_the_header_keeps_its_path() {
    let document = format!("{XML}<EventData><Data Name='param1'>s</Data></EventData></Event>");
    holds(
        &document,
        &[
            ("timecreated", Some("2026-03-10T12:00:00.123456Z")),
            ("executionprocessid", Some("10")),
            ("executionthreadid", Some("11")),
            ("providerguid", Some("{0}")),
            ("system.version", Some("3")),
            ("system.eventid.qualifiers", Some("16384")),
            ("system.correlation.activityid", Some("{1}")),
            ("param1", Some("s")),
        ],
    );
    holds(
        r#"{"EventID":1,"host":{"name":"n"},"agent":{"version":"7"},"tags":["a","b"],"e":{}}"#,
        &[
            ("host.name", Some("n")),
            ("agent.version", Some("7")),
            ("tags", Some(r#"["a","b"]"#)),
            ("e", Some("{}")),
            ("computer", Some("n")),
        ],
    );
}

#[test]
fn collisions_have_a_place() {
    let document = format!(
        "{XML}<EventData><Data Name='A'>1</Data><Data Name='A'>2</Data><Data>x</Data><Data>y</Data>\
         <Data Name='Level'>own</Data><Data Name='event_id'>5</Data><Data Name='Empty'></Data></EventData></Event>"
    );
    holds(
        &document,
        &[
            ("a", Some("1")),
            ("a#2", Some("2")),
            ("data", Some("x")),
            ("data#2", Some("y")),
            ("level", Some("4")),
            ("eventdata.level", Some("own")),
            ("eventdata.event_id", Some("5")),
            ("eventid", Some("7036")),
            ("empty", Some("")),
        ],
    );
    holds(
        r#"{"EventID":"none","Channel":"c"}"#,
        &[("eventid", None), ("eventid#raw", Some("none"))],
    );
    holds(
        r#"{"Channel":"c","LogName":"d","EventID":1}"#,
        &[("channel", Some("c")), ("logname#raw", Some("d"))],
    );
    holds(
        r#"{"EventID":1,"EventData":{"Data":["a","b"]}}"#,
        &[("data", Some("a")), ("data#2", Some("b"))],
    );
}

#[test]
fn process_and_thread_ids_depend_on_the_document() {
    holds(
        r#"{"event_id":1,"process_id":4,"thread_id":5,"event_data":{"ProcessId":"9"}}"#,
        &[
            ("executionprocessid", Some("4")),
            ("executionthreadid", Some("5")),
            ("processid", Some("9")),
        ],
    );
    holds(
        r#"{"event_id":1,"process_id":4,"thread_id":5,"process_path":"x"}"#,
        &[
            ("executionprocessid", None),
            ("process_id", Some("4")),
            ("thread_id", Some("5")),
        ],
    );
}

#[test]
fn values_keep_the_text_they_had() {
    holds(
        r#"{"EventID":1,"GrantedAccess":"0x1f3fff","n":1.50,"t":true,"nothing":null,"d":{"e":{"f":"g"}}}"#,
        &[
            ("grantedaccess", Some("0x1f3fff")),
            ("n", Some("1.50")),
            ("t", Some("true")),
            ("nothing", None),
            ("d.e.f", Some("g")),
        ],
    );
    let two = table(
        "{\"EventID\":10,\"SourceProcessGUID\":\"a\"}\n{\"EventID\":8,\"SourceProcessGuid\":\"b\"}\n",
    );
    assert_eq!(text(&two, 0, "sourceprocessguid").as_deref(), Some("a"));
    assert_eq!(text(&two, 1, "sourceprocessguid").as_deref(), Some("b"));
}

#[test]
fn user_data_is_data_under_the_name_of_its_wrapper() {
    let document = format!(
        "{XML}<UserData><LogFileCleared xmlns='x'><SubjectUserName>u</SubjectUserName></LogFileCleared></UserData></Event>"
    );
    holds(
        &document,
        &[
            ("userdata", Some("LogFileCleared")),
            ("subjectusername", Some("u")),
        ],
    );
}

#[test]
fn the_samples_are_read_whole() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let files: Vec<PathBuf> = ["workstation.ndjson", "server.xml"]
        .iter()
        .map(|f| samples.join(f))
        .collect();
    for (file, records) in files.iter().zip([305, 285]) {
        let table = read(std::slice::from_ref(file));
        assert_eq!(table.report.diagnostics.damaged, 0);
        assert_eq!(table.report.records, records);
    }
    let both = read(&files);
    // The first open in the server's log, as wevtutil printed it.
    let row = (0..both.rows())
        .find(|row| {
            text(&both, *row, "eventid").as_deref() == Some("10")
                && text(&both, *row, "computer").as_deref() == Some("SRV03.corp.example")
        })
        .unwrap();
    assert_eq!(text(&both, row, "eventrecordid").as_deref(), Some("41207"));
    assert_eq!(
        text(&both, row, "timecreated").as_deref(),
        Some("2026-03-10T12:10:01.373716Z")
    );
    assert_eq!(text(&both, row, "grantedaccess").as_deref(), Some("0x40"));
}

#[test]
fn the_folder_of_the_samples_has_no_damage() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let table = read(&[samples]);
    let listed: Vec<String> = table
        .report
        .diagnostics
        .listed
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(listed, Vec::<String>::new());
    assert_eq!(table.report.records, 590);
}

#[test]
fn a_field_of_the_event_has_its_name_before_the_shippers_own() {
    let text = r#"{"type":"wineventlog","event_id":20,"log_name":"x","event_data":{"Type":"Command Line"}}"#;
    let (_guard, path) = common::file("x.json", text.as_bytes());
    let table = read(&[path]);
    assert_eq!(table.column("type"), [Some("Command Line".to_owned())]);
    assert_eq!(table.column("type#2"), [Some("wineventlog".to_owned())]);
}

#[test]
fn what_elasticsearch_wraps_around_a_document_is_unwrapped() {
    let text = r#"{"_index":"logs","_source":{"@timestamp":"2020-08-07T18:32:07.555Z","winlog":{"channel":"Security","event_id":4624,"event_data":{"LogonType":"3"}}}}"#;
    let (_guard, path) = common::file("x.json", text.as_bytes());
    let table = read(&[path]);
    assert_eq!(table.column("logontype"), [Some("3".to_owned())]);
    assert_eq!(table.column("channel"), [Some("Security".to_owned())]);
    assert_eq!(
        table.column("timecreated"),
        [Some("2020-08-07T18:32:07.555Z".to_owned())]
    );
}
