//! XML as `wevtutil qe LOG /f:xml` prints it: one event per line, attributes in single quotes, no root element.

use std::fmt::Write;

use crate::model::event::Event;
use crate::model::host::Host;
use crate::model::time;

/// The recording of a host.
pub(crate) fn write(host: &Host) -> String {
    let mut out = String::new();
    for event in &host.events {
        element(&mut out, host, event);
        out.push_str("\r\n");
    }
    out
}

fn element(out: &mut String, host: &Host, event: &Event) {
    let log = event.log;
    out.push_str("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>");
    let _ = write!(out, "<Provider Name='{}'", escaped(log.provider));
    if !log.guid.is_empty() {
        let _ = write!(out, " Guid='{}'", log.guid);
    }
    match log.qualifiers {
        Some(q) => {
            if !log.guid.is_empty() {
                let _ = write!(out, " EventSourceName='{}'", escaped(log.provider));
            }
            let _ = write!(out, "/><EventID Qualifiers='{q}'>{}</EventID>", event.id);
        }
        None => {
            let _ = write!(out, "/><EventID>{}</EventID>", event.id);
        }
    }
    let _ = write!(
        out,
        "<Version>{}</Version><Level>{}</Level><Task>{}</Task><Opcode>{}</Opcode><Keywords>0x{:x}</Keywords>",
        event.version, event.level, event.task, event.opcode, log.keywords
    );
    let _ = write!(
        out,
        "<TimeCreated SystemTime='{}'/><EventRecordID>{}</EventRecordID><Correlation/>",
        time::system(event.time),
        event.record
    );
    let _ = write!(
        out,
        "<Execution ProcessID='{}' ThreadID='{}'/><Channel>{}</Channel><Computer>{}</Computer>",
        event.writer.0, event.writer.1, log.channel, host.name
    );
    match event.user {
        Some(account) => {
            let _ = write!(out, "<Security UserID='{}'/>", account.sid);
        }
        None => out.push_str("<Security/>"),
    }
    out.push_str("</System><EventData>");
    for (name, value) in &event.data {
        let value = escaped(value);
        let _ = match (name.is_empty(), value.is_empty()) {
            (true, _) => write!(out, "<Data>{value}</Data>"),
            (false, true) => write!(out, "<Data Name='{name}'></Data>"),
            (false, false) => write!(out, "<Data Name='{name}'>{value}</Data>"),
        };
    }
    out.push_str("</EventData></Event>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&apos;")
        .replace('"', "&quot;")
}
