//! # SC015 unknown-field
//!
//! An event type has no such field.
//!
//! What it does: Reports fields that no version of the event type has (in the strict front end only
//! inside `<Rule>`, where the document type allows the fields of all event types).
//!
//! Why it matters: Sysmon takes back the whole event element and skips every later element of the
//! same type; the rest of the file is applied.
//!
//! Example: `<Rule><TargetFilename>x</TargetFilename></Rule>` inside `<ProcessCreate>`.
//!
//! Use instead: a field of the event type; `sysmon -s` lists them.
//!
//! Source: SysmonCommon, xml.cpp.
