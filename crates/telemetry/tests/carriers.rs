//! One event in everything that people carry events in: the same row comes out of each. And what holds no event is
//! named, not counted as one.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::PathBuf;

use common::{Table, read};
use serde_json::{Map, Value, json};

const FIELDS: [(&str, &str); 4] = [
    ("UtcTime", "2026-07-10 08:15:30.101"),
    ("ProcessId", "5128"),
    ("Image", r"C:\Windows\System32\whoami.exe"),
    ("CommandLine", r#""whoami"  /all"#),
];

const CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";
const PROVIDER: &str = "Microsoft-Windows-Sysmon";

/// What every carrier's row says. Not every carrier has a record id or the writer's process.
const EXPECTED: [(&str, &str); 8] = [
    ("timecreated", "2026-07-10T08:15:30.123Z"),
    ("eventid", "1"),
    ("channel", CHANNEL),
    ("provider", PROVIDER),
    ("computer", "WS11.corp.example"),
    ("processid", "5128"),
    ("image", r"C:\Windows\System32\whoami.exe"),
    ("commandline", r#""whoami"  /all"#),
];

fn xml() -> String {
    let escape = |t: &str| t.replace('&', "&amp;").replace('<', "&lt;");
    let data: String = FIELDS
        .iter()
        .map(|(n, v)| format!("<Data Name='{n}'>{}</Data>", escape(v)))
        .collect();
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{PROVIDER}' \
         Guid='{{5770385f-c22a-43e0-bf4c-06f5698ffbd9}}'/><EventID>1</EventID><Version>5</Version><Level>4</Level>\
         <TimeCreated SystemTime='2026-07-10T08:15:30.1230000Z'/><EventRecordID>8801</EventRecordID>\
         <Execution ProcessID='3120' ThreadID='4404'/><Channel>{CHANNEL}</Channel><Computer>WS11.corp.example</Computer>\
         <Security UserID='S-1-5-18'/></System><EventData>{data}</EventData></Event>"
    )
}

fn data() -> Value {
    Value::Object(
        FIELDS
            .iter()
            .map(|(n, v)| ((*n).to_owned(), json!(v)))
            .collect(),
    )
}

fn with(mut object: Value, more: Value) -> Value {
    let (Value::Object(all), Value::Object(more)) = (&mut object, more) else {
        panic!("objects");
    };
    all.extend(more);
    object
}

/// `System` as converters of XML write it, their mark before attributes.
fn system(mark: &str) -> Value {
    let attribute = |name: &str, value: Value| json!({ format!("{mark}{name}"): value });
    json!({
        "Provider": attribute("Name", json!(PROVIDER)), "EventID": "1", "Version": "5", "Level": "4",
        "TimeCreated": attribute("SystemTime", json!("2026-07-10T08:15:30.123Z")), "EventRecordID": "8801",
        "Execution": { format!("{mark}ProcessID"): "3120", format!("{mark}ThreadID"): "4404" },
        "Channel": CHANNEL, "Computer": "WS11.corp.example",
    })
}

fn list(name: &str, text: &str) -> Value {
    FIELDS
        .iter()
        .map(|(n, v)| json!({ name: n, text: v }))
        .collect()
}

fn winlogbeat() -> Value {
    json!({
        "@timestamp": "2026-07-10T08:15:30.123Z", "host": {"name": "WS11.corp.example"},
        "event": {"code": "1", "provider": PROVIDER},
        "winlog": {"channel": CHANNEL, "provider_name": PROVIDER, "event_id": "1", "record_id": 8801,
            "computer_name": "WS11.corp.example", "process": {"pid": 3120, "thread": {"id": 4404}}, "event_data": data()},
    })
}

fn dotted(prefix: &str, value: &Value, out: &mut Map<String, Value>) {
    for (key, value) in value.as_object().unwrap() {
        let path = format!("{prefix}{key}");
        match value {
            Value::Object(_) => dotted(&format!("{path}."), value, out),
            _ => drop(out.insert(path, json!([value]))),
        }
    }
}

fn message() -> String {
    let lines: Vec<String> = FIELDS.iter().map(|(n, v)| format!("{n}: {v}")).collect();
    format!("Process Create:\r\nRuleName: -\r\n{}", lines.join("\r\n"))
}

fn flat(time: &str, time_value: Value) -> Value {
    json!({
        time: time_value, "ProviderName": PROVIDER, "EventID": 1, "Channel": CHANNEL, "EventRecordID": 8801,
        "Computer": "WS11.corp.example",
    })
}

/// Every carrier in JSON, by name.
fn documents() -> Vec<(&'static str, String)> {
    let xml = xml();
    let kibana = {
        let mut fields = Map::new();
        dotted("", &winlogbeat(), &mut fields);
        Value::Object(fields)
    };
    let evtx_ecmd = json!({
        "PayloadData1": "ProcessID: 5128", "MapDescription": "Process creation", "ChunkNumber": 0, "RecordNumber": 1,
        "EventRecordId": "8801", "EventId": 1, "Channel": CHANNEL, "Provider": PROVIDER, "ProcessId": 3120,
        "ThreadId": 4404, "Computer": "WS11.corp.example", "TimeCreated": "2026-07-10T08:15:30.1230000+00:00",
        "Payload": json!({"EventData": {"Data": list("@Name", "#text")}}).to_string(),
    });
    let wazuh_data = json!({"utcTime": "2026-07-10 08:15:30.101", "processId": "5128",
        "image": r"C:\\Windows\\System32\\whoami.exe", "commandLine": r#""whoami"  /all"#});
    let get_winevent = json!({
        "Id": 1, "ProviderName": PROVIDER, "ProviderId": "5770385f-c22a-43e0-bf4c-06f5698ffbd9", "LogName": CHANNEL,
        "ProcessId": 3120, "ThreadId": 4404, "MachineName": "WS11.corp.example", "RecordId": 8801,
        "TimeCreated": "/Date(1783671330123)/", "Message": message(), "Properties": [],
    });
    let osquery = json!({"name": "windows_events", "hostIdentifier": "x", "calendarTime": "Fri Jul 10 08:15:31 2026 UTC",
        "columns": {"eventid": "1", "provider_name": PROVIDER, "channel": CHANNEL, "computer_name": "WS11.corp.example",
            "datetime": "2026-07-10T08:15:30.123Z", "data": json!({"EventData": data()}).to_string()}});
    vec![
        ("xmltodict", json!({"Event": {"@xmlns": "x", "System": system("@"), "EventData": {"Data": list("@Name", "#text")}}}).to_string()),
        ("xml2js", json!({"Event": {"System": system(""), "EventData": {"Data": FIELDS.iter().map(|(n, v)| json!({"$": {"Name": n}, "_": v})).collect::<Value>()}}}).to_string()),
        ("data by name below Data", json!({"Event": {"System": system("@"), "EventData": {"Data": data()}}}).to_string()),
        ("name and value", json!({"System": system(""), "EventData": list("Name", "Value")}).to_string()),
        ("velociraptor", json!({"System": with(system(""), json!({"EventID": {"Value": 1}, "TimeCreated": {"SystemTime": 1_783_671_330.123_f64}})), "EventData": data()}).to_string()),
        ("winlogbeat", winlogbeat().to_string()),
        ("elasticdump", json!({"_index": "i", "_id": "1", "_score": 1, "_source": winlogbeat()}).to_string()),
        ("elasticsearch answer", json!({"took": 1, "timed_out": false, "hits": {"total": {"value": 1}, "hits": [{"_index": "i", "_source": winlogbeat()}]}}).to_string()),
        ("kibana hit", json!({"_index": "i", "_version": 1, "fields": kibana}).to_string()),
        ("kibana fields", kibana.to_string()),
        ("logstash around text", json!({"@version": "1", "message": winlogbeat().to_string(), "tags": ["x"]}).to_string()),
        ("splunk web", json!({"preview": false, "offset": 0, "result": {"_raw": xml, "_time": "2026-07-10 08:15:30.123 UTC", "host": "x", "EventCode": "1"}}).to_string()),
        ("splunk rest", json!({"preview": false, "messages": [], "fields": [{"name": "_raw"}], "results": [{"_raw": xml}]}).to_string()),
        ("splunk hec", json!({"time": 1_783_671_330.123_f64, "host": "x", "sourcetype": "XmlWinEventLog", "event": xml}).to_string()),
        ("journal", json!({"__REALTIME_TIMESTAMP": "1783671330123456", "_PID": "77", "MESSAGE": xml}).to_string()),
        ("elastic agent, original", json!({"@timestamp": "2026-07-10T08:15:31.000Z", "event": {"original": xml}}).to_string()),
        ("azure syslog", json!({"TimeGenerated": "2026-07-10T08:15:31Z", "Computer": "X", "SyslogMessage": xml}).to_string()),
        ("wazuh", json!({"timestamp": "2026-07-10T10:15:31.404+0200", "rule": {"level": 3}, "agent": {"id": "003"}, "manager": {"name": "w"}, "id": "1783671331.1",
            "data": {"win": {"system": {"providerName": PROVIDER, "eventID": "1", "systemTime": "2026-07-10T08:15:30.123Z", "eventRecordID": "8801", "processID": "3120",
                "threadID": "4404", "channel": CHANNEL, "computer": "WS11.corp.example"}, "eventdata": wazuh_data}}}).to_string()),
        ("evtxecmd", evtx_ecmd.to_string()),
        ("get-winevent", get_winevent.to_string()),
        ("osquery", osquery.to_string()),
        ("fluent bit, map", with(flat("TimeCreated", json!("2026-07-10 10:15:30.123 +0200")), json!({"ProcessID": 3120, "ThreadID": 4404, "EventData": data()})).to_string()),
        ("nxlog", with(with(flat("@timestamp", json!("2026-07-10T08:15:30.123Z")), json!({"ProcessID": 3120, "ThreadID": 4404, "SourceModuleName": "in"})), data()).to_string()),
        ("vector", json!({"timestamp": "2026-07-10T08:15:31Z", "source_type": "windows_event_log", "message": "x", "event": with(flat("TimeCreated", json!("2026-07-10T08:15:30.123Z")), json!({"event_data": data()}))}).to_string()),
    ]
}

fn table(content: &str) -> Table {
    let (_folder, path) = common::file("input", content.as_bytes());
    read(&[path])
}

fn holds(name: &str, table: &Table) {
    assert_eq!(
        table.report.records, 1,
        "{name}: {:?}",
        table.report.diagnostics
    );
    assert_eq!(table.rows(), 1, "{name}");
    let at = table.each().next().unwrap();
    for (column, value) in EXPECTED {
        assert_eq!(
            table.cell(at, column).as_deref(),
            Some(value),
            "{column} of {name}"
        );
    }
    let writer = table.cell(at, "executionprocessid");
    assert!(writer.is_none_or(|w| w == "3120"), "{name}");
}

#[test]
fn one_event_is_one_row_in_every_carrier() {
    for (name, document) in documents() {
        holds(name, &table(&document));
        let pretty: Value = serde_json::from_str(&document).unwrap();
        let pretty = serde_json::to_string_pretty(&pretty).unwrap();
        holds(name, &table(&pretty));
    }
}

/// The keys of every object the other way round.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(o) => Value::Object(
            o.iter()
                .rev()
                .map(|(k, v)| (k.clone(), reversed(v)))
                .collect(),
        ),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

#[test]
fn the_order_of_keys_changes_nothing() {
    for (name, document) in documents() {
        let value: Value = serde_json::from_str(&document).unwrap();
        holds(name, &table(&reversed(&value).to_string()));
    }
}

#[test]
fn many_records_of_all_carriers_in_one_file_are_read_alike() {
    let lines: Vec<String> = documents().into_iter().map(|(_, d)| d).collect();
    let all = table(&(lines.join("\n") + "\n").repeat(20));
    assert_eq!(all.report.records, 20 * lines.len() as u64);
    for (column, value) in EXPECTED {
        assert!(
            all.column(column)
                .iter()
                .all(|v| v.as_deref() == Some(value)),
            "{column}"
        );
    }
}

#[test]
fn what_is_no_event_is_named_and_not_counted() {
    for document in [
        r#"{"name":"pkg","version":"1.0"}"#,
        r#"{"ts":1.5,"id.orig_h":"10.0.0.1","proto":"tcp"}"#,
        r#"{"__REALTIME_TIMESTAMP":"1783671330123456","MESSAGE":"session opened"}"#,
        r#"{"id":5,"source":"npm","level":"info"}"#,
        r#"{"took":1,"hits":{"total":{"value":0},"hits":[]}}"#,
        r#"{"EventID":1,"Image":"x"}"#,
        r#"{"Timestamp":"2026-07-10T08:15:30Z","DeviceName":"x","ActionType":"ProcessCreated","FileName":"a.exe"}"#,
    ] {
        let table = table(document);
        assert_eq!(table.report.records, 0, "{document}");
        let diagnostics = &table.report.diagnostics;
        assert_eq!(diagnostics.not_understood, 1, "{document}");
        let foreign = diagnostics.foreign.values().next().unwrap();
        assert_eq!((foreign.count, foreign.offset), (1, 0), "{document}");
        assert!(
            !foreign.looks_like.is_empty() && !foreign.needs.is_empty(),
            "{document}"
        );
        // Its values are not lost.
        assert_eq!(table.rows(), 1, "{document}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_told() {
    let all =
        table(r#"{"Channel":"Security","EventID":4688,"TimeCreated":"7/10/2026 8:15:30 AM"}"#);
    assert_eq!(all.report.records, 1);
    assert_eq!(all.report.diagnostics.unread_times, 1);
    assert_eq!(
        all.report.diagnostics.unread_time.as_deref(),
        Some("7/10/2026 8:15:30 AM")
    );
    assert_eq!(all.column("timecreated"), [None]);
}

#[test]
fn values_without_names_are_named_by_the_schema_and_marked() {
    let schema = schema::sysmon::event(1).unwrap();
    let count = 23;
    let names = schema.names(count).unwrap();
    let values: Vec<String> = (0..count).map(|i| format!("v{i}")).collect();
    for key in ["StringInserts", "Properties"] {
        let document = with(
            flat("TimeCreated", json!("2026-07-10 10:15:30 +0200")),
            json!({key: values}),
        );
        let table = table(&document.to_string());
        let at = table.each().next().unwrap();
        for (name, value) in names.iter().zip(&values) {
            assert_eq!(
                table.cell(at, &name.to_lowercase()).as_ref(),
                Some(value),
                "{name}"
            );
        }
        assert!(table.cell(at, "fieldnamesfrom").unwrap().contains("schema"));
    }
    // One too many: no name is guessed.
    let more: Vec<&str> = vec!["x"; 99];
    let document = with(
        flat("TimeCreated", json!("2026-07-10 10:15:30 +0200")),
        json!({"StringInserts": more}),
    );
    let table = table(&document.to_string());
    let at = table.each().next().unwrap();
    assert_eq!(table.cell(at, "image"), None);
    assert_eq!(table.cell(at, "data").as_deref(), Some("x"));
}

/// Rows of a file of the shared cases.
fn case(path: &str) -> Option<Table> {
    let path: PathBuf = common::shared(&format!("cases/{path}"))?;
    Some(read(&[path]))
}

#[test]
fn the_cases_from_the_field_are_read() {
    type Case<'a> = (&'a str, u64, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 17] = [
        (
            "field/01-fluentbit-stringinserts/in.ndjson",
            1,
            &[
                ("image", r"C:\Windows\System32\whoami.exe"),
                ("processid", "5128"),
                ("executionprocessid", "3120"),
                ("timecreated", "2026-07-10T08:15:30.000Z"),
            ],
        ),
        (
            "field/02-fluentbit-eventdata-map/in.ndjson",
            1,
            &[
                ("processid", "5128"),
                ("executionprocessid", "3120"),
                ("executionthreadid", "4404"),
            ],
        ),
        (
            "field/05-splunk-json-export/web.json",
            2,
            &[("eventid", "1"), ("eventrecordid", "8801")],
        ),
        (
            "field/05-splunk-json-export/rest.json",
            1,
            &[("eventid", "1"), ("computer", "WS11.corp.example")],
        ),
        (
            "field/05-splunk-json-export/raw.txt",
            2,
            &[("eventid", "1")],
        ),
        (
            "field/07-wazuh-alerts-json/archives.json",
            1,
            &[
                ("image", r"C:\Windows\System32\whoami.exe"),
                ("eventrecordid", "8801"),
            ],
        ),
        (
            "field/09-elasticsearch-source-wrapper/dump.ndjson",
            1,
            &[("grantedaccess", "0x1fffff")],
        ),
        (
            "field/09-elasticsearch-source-wrapper/search.json",
            1,
            &[("grantedaccess", "0x1fffff")],
        ),
        (
            "field/12-xmltodict-json/xmltodict.ndjson",
            1,
            &[
                ("image", r"C:\Windows\System32\whoami.exe"),
                ("timecreated", "2026-07-10T08:15:30.123456Z"),
            ],
        ),
        (
            "field/12-xmltodict-json/evtxtoelk.ndjson",
            1,
            &[
                ("image", r"C:\Windows\System32\whoami.exe"),
                ("eventrecordid", "8803"),
                ("executionprocessid", "3120"),
            ],
        ),
        (
            "field/13-velociraptor-parse-evtx/velo.json",
            1,
            &[
                ("timecreated", "2026-07-10T08:15:30.123456Z"),
                ("processid", "5128"),
            ],
        ),
        (
            "field/23-evtxecmd-json/evtxecmd.json",
            1,
            &[
                ("processid", "5128"),
                ("executionprocessid", "3120"),
                ("eventrecordid", "8801"),
            ],
        ),
        (
            "field/27-kibana-fields-arrays/hit.json",
            1,
            &[("grantedaccess", "0x1fffff"), ("eventrecordid", "8802")],
        ),
        (
            "field/27-kibana-fields-arrays/fields.ndjson",
            1,
            &[("grantedaccess", "0x1fffff")],
        ),
        ("readers/06_es_hits.json", 4, &[("eventid", "1")]),
        (
            "readers/09_azure_syslog_sysmon_linux.json",
            4,
            &[("eventid", "5")],
        ),
        (
            "readers/10_velociraptor_parse_evtx_4624.json",
            1,
            &[("timecreated", "2019-02-06T14:18:35.946133Z")],
        ),
    ];
    for (path, events, expected) in cases {
        let Some(table) = case(path) else { return };
        assert_eq!(
            table.report.records, events,
            "{path}: {:?}",
            table.report.diagnostics
        );
        let at = table.each().next().unwrap();
        for (column, value) in expected {
            assert_eq!(
                table.cell(at, column).as_deref(),
                Some(*value),
                "{column} of {path}"
            );
        }
    }
    for (path, events) in [
        ("readers/03_wazuh_archives.json", 4),
        ("readers/11_fluentbit_winevtlog.ndjson", 2),
        ("readers/21_not_events.json", 0),
    ] {
        let Some(table) = case(path) else { return };
        assert_eq!(
            table.report.records, events,
            "{path}: {:?}",
            table.report.diagnostics
        );
    }
    let nxlog = case("readers/02_nxlog_ce_processid.json").unwrap();
    let at = nxlog.each().next().unwrap();
    assert_eq!(
        nxlog.cell(at, "executionprocessid").as_deref(),
        Some("2740")
    );
    assert_ne!(nxlog.cell(at, "processid").as_deref(), Some("2740"));
}

/// A table of text with these columns and this one row.
fn csv(delimiter: char, columns: &[(&str, &str)]) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let line = |of: fn(&(&str, &str)) -> String| {
        let cells: Vec<String> = columns.iter().map(|c| quoted(&of(c))).collect();
        cells.join(&delimiter.to_string()) + "\r\n"
    };
    line(|c| c.0.to_owned()) + &line(|c| c.1.to_owned())
}

#[test]
fn one_event_is_one_row_in_every_table_of_text() {
    let (xml, message) = (xml(), message());
    let payload = json!({"EventData": {"Data": list("@Name", "#text")}}).to_string();
    let header = [
        ("Channel", CHANNEL),
        ("Computer", "WS11.corp.example"),
        ("Provider", PROVIDER),
    ];
    let named = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        header.iter().chain(more).copied().collect()
    };
    let mut evtx_ecmd = named(&[
        ("TimeCreated", "2026-07-10 08:15:30.1230000"),
        ("EventId", "1"),
        ("ProcessId", "3120"),
        ("ThreadId", "4404"),
        ("ChunkNumber", "0"),
        ("PayloadData1", "ProcessID: 5128"),
    ]);
    evtx_ecmd.push(("Payload", &payload));
    let export = [
        ("Message", &*message),
        ("Id", "1"),
        ("Version", "5"),
        ("RecordId", "8801"),
        ("ProviderName", PROVIDER),
        ("ProviderId", "5770385f"),
        ("LogName", CHANNEL),
        ("ProcessId", "3120"),
        ("ThreadId", "4404"),
        ("MachineName", "WS11.corp.example"),
        ("TimeCreated", "2026-07-10T08:15:30.123Z"),
        ("Properties", "System.Collections.Generic.List`1"),
    ];
    let kibana = [
        ("@timestamp", "Jul 10, 2026 @ 08:15:30.123"),
        ("winlog.event_id", "1"),
        ("winlog.channel", CHANNEL),
        ("winlog.provider_name", PROVIDER),
        ("winlog.computer_name", "WS11.corp.example"),
        ("winlog.event_data.ProcessId", "5128"),
        ("winlog.event_data.Image", r"C:\Windows\System32\whoami.exe"),
        ("winlog.event_data.CommandLine", r#""whoami"  /all"#),
        ("winlog.event_data.UtcTime", "2026-07-10 08:15:30.101"),
    ];
    let splunk = [
        ("_raw", &*xml),
        ("_time", "2026-07-10T08:15:30.123+0000"),
        ("host", "x"),
    ];
    let azure = [
        ("TimeGenerated [UTC]", "7/10/2026, 8:15:30.123 AM"),
        ("TimeCreated", "2026-07-10T08:15:30.123Z"),
        ("EventLog", CHANNEL),
        ("Source", PROVIDER),
        ("EventID", "1"),
        ("Computer", "WS11.corp.example"),
        ("EventData", &payload),
    ];
    let flat: Vec<(&str, &str)> = named(&[("TimeCreated", "1783671330.123"), ("Event ID", "1.0")])
        .into_iter()
        .chain(FIELDS)
        .collect();
    let chainsaw_data = FIELDS.map(|(n, v)| format!("{n}: {v}")).join("\n");
    let mut chainsaw = named(&[("timestamp", "2026-07-10T08:15:30.123Z"), ("Event ID", "1")]);
    chainsaw.push(("Event Data", &chainsaw_data));
    let hayabusa_details = FIELDS.map(|(n, v)| format!("{n}: {v}")).join(" ¦ ");
    let mut hayabusa = named(&[
        ("Timestamp", "2026-07-10 10:15:30.123 +02:00"),
        ("RuleTitle", "x"),
        ("EventID", "1"),
        ("RecordID", "8801"),
    ]);
    hayabusa.push(("ExtraFieldInfo", &hayabusa_details));
    for (name, columns) in [
        ("evtxecmd", &evtx_ecmd[..]),
        ("export-csv", &export),
        ("kibana", &kibana),
        ("splunk", &splunk),
        ("azure", &azure),
        ("flat", &flat),
        ("chainsaw", &chainsaw),
        ("hayabusa", &hayabusa),
    ] {
        for delimiter in [',', ';', '\t'] {
            let text = csv(delimiter, columns);
            holds(name, &table(&text));
            holds(name, &table(&format!("\u{feff}{text}")));
        }
        let backwards: Vec<_> = columns.iter().rev().copied().collect();
        holds(name, &table(&csv(',', &backwards)));
    }
    holds(
        "PowerShell 5",
        &table(&format!(
            "#TYPE System.Diagnostics.Eventing.Reader.EventLogRecord\r\n{}",
            csv(',', &export)
        )),
    );
}

#[test]
fn the_event_viewers_last_column_is_the_message() {
    let text = format!(
        "Level,Date and Time,Source,Event ID,Task Category\r\nInformation,2026-07-10 08:15:30,{PROVIDER},1,Process Create (rule: ProcessCreate),\"{}\"\r\n",
        message().replace('"', "\"\"")
    );
    let all = table(&text);
    assert_eq!(all.report.records, 1, "{:?}", all.report.diagnostics);
    let at = all.each().next().unwrap();
    for (column, value) in [
        ("image", r"C:\Windows\System32\whoami.exe"),
        ("processid", "5128"),
        ("provider", PROVIDER),
        ("timecreated", "2026-07-10T08:15:30.000Z"),
    ] {
        assert_eq!(all.cell(at, column).as_deref(), Some(value), "{column}");
    }
}

#[test]
fn rows_of_a_large_table_keep_their_quotes_and_places() {
    let header = "EventID,Channel,CommandLine\n";
    let row = "1,Microsoft-Windows-Sysmon/Operational,\"a \"\"b\"\",\nc\"\n";
    let all = table(&(header.to_owned() + &row.repeat(60_000)));
    assert_eq!(all.report.records, 60_000);
    assert!(
        all.column("commandline")
            .iter()
            .all(|v| v.as_deref() == Some("a \"b\",\nc"))
    );
    let offsets = all.column("source_offset");
    let expected = |i: usize| Some((header.len() + i * row.len()).to_string());
    assert!(offsets.iter().enumerate().all(|(i, o)| *o == expected(i)));
}

#[test]
fn what_stands_behind_the_header_of_a_syslog_is_read() {
    let document = winlogbeat().to_string();
    let snare = format!(
        "MSWinEventLog\t1\t{CHANNEL}\t77\tFri Jul 10 08:15:30.123 2026\t1\t{PROVIDER}\tSYSTEM\tUser\tInformation\tWS11.corp.example\tProcess Create\t\t{}",
        message().replace("\r\n", " ")
    );
    for header in [
        "<14>Jul 10 08:15:30 WS11 Microsoft-Windows-Sysmon[3120]: ",
        "<14>1 2026-07-10T08:15:30Z WS11 Sysmon 3120 - - ",
        "<14>1 2026-07-10T08:15:30.123+02:00 WS11 Sysmon 3120 ID47 [x@32473 a=\"b\"] \u{feff}",
        "Jul 10 08:15:30 WS11 Sysmon: ",
        "2026-07-10T08:15:30Z WS11 Sysmon: ",
        "2026-07-10 08:15:30 WS11 Sysmon ",
    ] {
        for (name, body) in [("json", &document), ("snare", &snare), ("xml", &xml())] {
            if name != "json" && header.starts_with("2026-07-10 ") {
                continue;
            }
            let line = format!("{header}{body}\n");
            holds(header, &table(&line));
            // Lines of others between them.
            let mixed = format!(
                "{line}Jul 10 08:15:31 WS11 cron: nothing {{}}\n{header}{document}\n{header}{}\n",
                xml()
            );
            let all = table(&mixed);
            assert_eq!(all.report.records, 3, "{header} {name}");
            assert_eq!(all.report.diagnostics.other_lines, 1, "{header} {name}");
            assert_eq!(all.report.diagnostics.damaged, 0, "{header} {name}");
        }
    }
    for path in [
        "field/25-syslog-prefixed-json/collector.log",
        "readers/13_syslog_with_json.log",
    ] {
        if let Some(table) = case(path) {
            assert_eq!(table.report.records, 2, "{path}");
        }
    }
    if let Some(table) = case("readers/05_splunk_export_quotes.csv") {
        assert_eq!(
            table.column("commandline"),
            [Some(r#""C:\a b\x.exe" -k"#.to_owned())]
        );
    }
}
