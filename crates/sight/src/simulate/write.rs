//! Simulated events in the forms that programs read: the event log's XML, and the JSON that is made of it, one event a line.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::{CHANNEL, PROVIDER, SimulatedEvent};
use crate::time;

/// Sysmon's provider in the event log.
const PROVIDER_GUID: &str = "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}";
/// The process that writes Sysmon's events.
const WRITER: (u32, u32) = (3048, 4012);

/// Writes events as JSON, one a line, shaped as the event log's XML.
///
/// # Errors
/// What the output says.
pub fn write_ndjson<'e>(
    out: &mut impl Write,
    events: impl IntoIterator<Item = &'e SimulatedEvent>,
) -> io::Result<()> {
    for event in events {
        let data: Map<String, Value> = event
            .fields
            .iter()
            .map(|(name, value)| (name.clone(), Value::String(value.clone())))
            .collect();
        let line = json!({ "Event": {
            "System": {
                "Provider": { "#attributes": { "Name": PROVIDER, "Guid": PROVIDER_GUID } },
                "EventID": event.id,
                "Version": version(event.id),
                "Level": 4,
                "Task": event.id,
                "Opcode": 0,
                "Keywords": "0x8000000000000000",
                "TimeCreated": { "#attributes": { "SystemTime": time::of_system(event.time) } },
                "EventRecordID": event.record,
                "Execution": { "#attributes": { "ProcessID": WRITER.0, "ThreadID": WRITER.1 } },
                "Channel": CHANNEL,
                "Computer": event.computer,
                "Security": { "#attributes": { "UserID": "S-1-5-18" } },
            },
            "EventData": data,
        } });
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes events as XML, one `<Event>` a line.
///
/// # Errors
/// What the output says.
pub fn write_xml<'e>(
    out: &mut impl Write,
    events: impl IntoIterator<Item = &'e SimulatedEvent>,
) -> io::Result<()> {
    writeln!(out, "<Events>")?;
    for event in events {
        write!(
            out,
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='{PROVIDER}' \
             Guid='{PROVIDER_GUID}'/><EventID>{id}</EventID><Version>{version}</Version><Level>4</Level><Task>{id}</Task>\
             <Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='{time}'/>\
             <EventRecordID>{record}</EventRecordID><Correlation/><Execution ProcessID='{}' ThreadID='{}'/>\
             <Channel>{CHANNEL}</Channel><Computer>{}</Computer><Security UserID='S-1-5-18'/></System><EventData>",
            WRITER.0,
            WRITER.1,
            escaped(&event.computer),
            id = event.id,
            version = version(event.id),
            time = time::of_system(event.time),
            record = event.record,
        )?;
        for (name, value) in &event.fields {
            write!(
                out,
                "<Data Name='{}'>{}</Data>",
                escaped(name),
                escaped(value)
            )?;
        }
        writeln!(out, "</EventData></Event>")?;
    }
    writeln!(out, "</Events>")
}

/// The version of an event's template, as the catalog has it.
fn version(id: u32) -> u32 {
    let mut events = catalog::EventId::all()
        .filter(|e| e.number == id)
        .filter_map(|e| e.sysmon);
    events.next().map_or(0, |s| s.template_version)
}

/// Text inside XML; what XML cannot hold becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&apos;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push_str(&format!("&#{};", u32::from(c))),
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
