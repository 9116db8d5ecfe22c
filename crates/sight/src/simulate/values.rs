//! Values of fields that need no more than the roles of an event, and what the catalog knows of a value.

use catalog::{KnownField, KnownTest, rights};

use super::machine::{ProcessInstance, Random};
use crate::time;

/// Who and what an event is about.
pub(super) struct Roles {
    pub(super) subject: ProcessInstance,
    pub(super) parent: ProcessInstance,
    pub(super) target: ProcessInstance,
    pub(super) mask: u32,
    pub(super) trace: Option<&'static str>,
    pub(super) time: i64,
}

pub(super) fn process_value(field: &str, of: &Roles) -> Option<String> {
    let (subject, target, parent) = (&of.subject, &of.target, &of.parent);
    Some(match field {
        "RuleName" => "-".to_owned(),
        "UtcTime" => time::of_sysmon(of.time),
        "ProcessGuid" | "SourceProcessGuid" | "SourceProcessGUID" => subject.guid.clone(),
        "ProcessId" | "SourceProcessId" => subject.pid.to_string(),
        "Image" | "SourceImage" => subject.image.clone(),
        "User" | "SourceUser" => subject.user.clone(),
        "TargetProcessGuid" | "TargetProcessGUID" => target.guid.clone(),
        "TargetProcessId" => target.pid.to_string(),
        "TargetImage" => target.image.clone(),
        "TargetUser" => target.user.clone(),
        "ParentProcessGuid" => parent.guid.clone(),
        "ParentProcessId" => parent.pid.to_string(),
        "ParentImage" => parent.image.clone(),
        "ParentUser" => parent.user.clone(),
        _ => return None,
    })
}

pub(super) fn other_value(id: u32, field: &str) -> String {
    let value = match (id, field) {
        (12, "EventType") => "CreateKey",
        (13, "EventType") => "SetValue",
        (14, "EventType") => "RenameKey",
        (17, "EventType") => "CreatePipe",
        (18, "EventType") => "ConnectPipe",
        (19, "EventType") => "WmiFilterEvent",
        (20, "EventType") => "WmiConsumerEvent",
        (21, "EventType") => "WmiBindingEvent",
        (25, "Type") => "Image is replaced",
        (255, "ID") => "DriverCommunication",
        (255, "Description") => "Failed to retrieve events",
        (_, "Operation") => "Created",
        (_, "TargetObject" | "NewName") => r"HKLM\SOFTWARE\Helper",
        (_, "Details") => "DWORD (0x00000001)",
        (_, "PipeName") => r"\helper",
        (_, "Session") => "1",
        _ => "-",
    };
    value.to_owned()
}

/// The hashes of a file: the same for the same path.
pub(super) fn hashes(path: &str) -> String {
    let mut random = Random::named(0, &path.to_lowercase());
    format!(
        "SHA1={},MD5={},SHA256={},IMPHASH={}",
        random.hex(40),
        random.hex(32),
        random.hex(64),
        random.hex(32)
    )
}

/// The value, or where it does not meet what the catalog knows of it, one that does.
pub(super) fn meet(value: String, known: &KnownField) -> String {
    if meets(&value, known) {
        return value;
    }
    let all: &str = known.value;
    match known.test {
        KnownTest::Is | KnownTest::Holds => all.to_owned(),
        KnownTest::Contains => format!("{value}{all}"),
        KnownTest::EndsWith if is_path(known.field) => in_its_folder(all),
        KnownTest::EndsWith => format!("{value}{all}"),
    }
}

/// Whether a field holds the path of a file: a program, a module, whatever is written.
fn is_path(field: &str) -> bool {
    // The form of these fields is the same in every event that has them.
    let form = schema::FieldForm::of(0, field).form;
    matches!(form, schema::ValueForm::Program | schema::ValueForm::Path)
}

/// The path of a program or module of which the end is known.
pub(super) fn in_its_folder(end: &str) -> String {
    match end.to_ascii_lowercase().as_str() {
        r"\wmiprvse.exe" => format!(r"C:\Windows\System32\wbem{end}"),
        _ => format!(r"C:\Windows\System32{end}"),
    }
}

/// Whether a value is as the catalog knows it to be.
pub(crate) fn meets(value: &str, known: &KnownField) -> bool {
    let (value, wanted) = (value.to_ascii_lowercase(), known.value.to_ascii_lowercase());
    match known.test {
        KnownTest::Is => value == wanted,
        KnownTest::EndsWith => value.ends_with(&wanted),
        KnownTest::Contains => value.contains(&wanted),
        KnownTest::Holds => {
            let bits = rights::parse_mask(&wanted);
            bits.is_some_and(|bits| rights::parse_mask(&value).is_some_and(|v| v & bits == bits))
        }
    }
}
