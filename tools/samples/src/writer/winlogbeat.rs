//! NDJSON as Winlogbeat 7 stores it, without the rendered message: header under `winlog`, data under
//! `winlog.event_data`, all of it as text. Data without names is numbered: `param1`, `param2`, ...

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::model::event::Event;
use crate::model::time;

/// Writes one event as one line.
pub(crate) fn write(out: &mut impl Write, computer: &str, event: &Event) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &document(computer, event))?;
    out.write_all(b"\n")
}

fn document(computer: &str, event: &Event) -> Value {
    let log = event.log;
    let mut winlog = Map::new();
    let mut put = |key: &str, value: Value| {
        winlog.insert(key.to_owned(), value);
    };
    put("channel", log.channel.into());
    put("computer_name", computer.into());
    put("provider_name", log.provider.into());
    if !log.guid.is_empty() {
        put("provider_guid", log.guid.into());
    }
    put("event_id", event.id.into());
    put("record_id", event.record.into());
    put("task", task(event).into());
    if event.version > 0 {
        put("version", event.version.into());
    }
    let (process, thread) = event.writer;
    if process > 0 {
        put(
            "process",
            json!({ "pid": process, "thread": { "id": thread } }),
        );
    }
    if let Some(user) = event.user {
        put("user", json!({ "identifier": user.sid }));
    }
    let mut data = Map::new();
    for (i, (name, value)) in event.data.iter().enumerate() {
        let name = match *name {
            "" => format!("param{}", i + 1),
            name => name.to_owned(),
        };
        data.insert(name, value.as_str().into());
    }
    put("event_data", data.into());
    json!({
        "@timestamp": time::logstash(event.time),
        "event": { "code": event.id, "kind": "event", "provider": log.provider },
        "log": { "level": level(event.level) },
        "winlog": winlog,
    })
}

fn level(level: u8) -> &'static str {
    match level {
        1 => "critical",
        2 => "error",
        3 => "warning",
        _ => "information",
    }
}

/// The task as Winlogbeat renders it: by its name where the provider has one.
fn task(event: &Event) -> String {
    let name = match (event.log.provider, event.id) {
        ("Microsoft-Windows-Sysmon", 1) => "Process Create (rule: ProcessCreate)",
        ("Microsoft-Windows-Sysmon", 3) => "Network connection detected (rule: NetworkConnect)",
        ("Microsoft-Windows-Sysmon", 4) => "Sysmon service state changed",
        ("Microsoft-Windows-Sysmon", 5) => "Process terminated (rule: ProcessTerminate)",
        ("Microsoft-Windows-Sysmon", 7) => "Image loaded (rule: ImageLoad)",
        ("Microsoft-Windows-Sysmon", 8) => "CreateRemoteThread detected (rule: CreateRemoteThread)",
        ("Microsoft-Windows-Sysmon", 10) => "Process accessed (rule: ProcessAccess)",
        ("Microsoft-Windows-Sysmon", 11) => "File created (rule: FileCreate)",
        ("Microsoft-Windows-Sysmon", 13) => "Registry value set (rule: RegistryEvent)",
        ("Microsoft-Windows-Sysmon", 16) => "Sysmon config state changed",
        ("Microsoft-Windows-Sysmon", 22) => "Dns query (rule: DnsQuery)",
        _ => return event.task.to_string(),
    };
    name.to_owned()
}
