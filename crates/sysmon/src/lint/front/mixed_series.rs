//! # SC016 mixed-series
//!
//! No single event type behind a shared tag has all fields of the element.
//!
//! What it does: RegistryEvent stands for events 12, 13 and 14, PipeEvent for 17 and 18, WmiEvent
//! for 19, 20 and 21. An element is stored under the first of them that has all its fields.
//!
//! Why it matters: Where none has, Sysmon takes back the element and skips every later one of the
//! tag, in both front ends.
//!
//! Example: `<Details>` (13 only) and `<NewName>` (14 only) in one `<RegistryEvent>`.
//!
//! Use instead: one element per kind of event.
//!
//! Source: SysmonCommon, xml.cpp; conformance vector wmi_mixed.
