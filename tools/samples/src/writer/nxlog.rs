//! NDJSON as NXLog sends it and Logstash stores it: one flat object per line, the event's data beside the header, every
//! data field as text. Unnamed data is not sent; the message stands for it.

use serde_json::{Map, Value};

use crate::model::event::Event;
use crate::model::host::Host;
use crate::model::time;

/// The recording of a host.
pub(crate) fn write(host: &Host) -> String {
    let mut out = String::new();
    for event in &host.events {
        out.push_str(&Value::Object(object(host, event)).to_string());
        out.push('\n');
    }
    out
}

fn object(host: &Host, event: &Event) -> Map<String, Value> {
    let mut o = Map::new();
    let mut put = |key: &str, value: Value| {
        o.insert(key.to_owned(), value);
    };
    let audit = event.log.channel == "Security";
    let kind = if audit { "AUDIT_SUCCESS" } else { "INFO" };
    // What a collector adds on arrival, some seconds after the event.
    let arrived = event.time + 1_150_000 + i64::try_from(event.record % 7).unwrap_or(0) * 310_000;
    put("@timestamp", time::logstash(arrived).into());
    put("@version", "1".into());
    put("tags", vec!["sample"].into());
    put("host", "collector.corp.example".into());
    put(
        "EventTime",
        time::local(event.time, host.offset_minutes).into(),
    );
    put(
        "EventReceivedTime",
        time::local(arrived, host.offset_minutes).into(),
    );
    put("Hostname", host.name.as_str().into());
    // NXLog's own EventType gives way to an event's field of that name, under a name with NXLog's own spelling.
    let own_type = event.data.iter().any(|(name, _)| *name == "EventType");
    put(
        if own_type {
            "EventTypeOrignal"
        } else {
            "EventType"
        },
        kind.into(),
    );
    put("SeverityValue", 2.into());
    put("Severity", "INFO".into());
    put("Channel", event.log.channel.into());
    put("SourceName", event.log.provider.into());
    if !event.log.guid.is_empty() {
        put("ProviderGuid", event.log.guid.to_uppercase().into());
    }
    put("EventID", event.id.into());
    put("Version", event.version.into());
    put("Task", event.task.into());
    put("OpcodeValue", event.opcode.into());
    put("RecordNumber", event.record.into());
    put(
        "Keywords",
        i64::from_ne_bytes(event.log.keywords.to_ne_bytes()).into(),
    );
    put("ExecutionProcessID", event.writer.0.into());
    put("ThreadID", event.writer.1.into());
    if let Some(account) = event.user {
        let (domain, name) = account.name.split_once('\\').unwrap_or(("", account.name));
        put("UserID", account.sid.into());
        put("AccountName", name.into());
        put("Domain", domain.into());
        put("AccountType", "User".into());
    }
    for (name, value) in &event.data {
        match *name {
            "" => {}
            "ProcessID" => put("ProcessId", value.as_str().into()),
            "SourceProcessId" => {
                put("SourceProcessId", value.as_str().into());
                put("ProcessId", value.as_str().into());
            }
            name => put(name, value.as_str().into()),
        }
    }
    if let Some(message) = &event.message {
        put("Message", message.as_str().into());
    }
    put("SourceModuleName", "eventlog".into());
    put("SourceModuleType", "im_msvistalog".into());
    o
}
