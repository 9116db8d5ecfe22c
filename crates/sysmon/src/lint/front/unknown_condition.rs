//! # SC006 unknown-condition
//!
//! A `condition` has a name that Sysmon does not know.
//!
//! What it does: Reports conditions that are none of the sixteen. Letter case does not count,
//! blanks do: ` contains` is unknown.
//!
//! Why it matters: Sysmon rejects the whole file.
//!
//! Example: `<Image condition="startswith">C:\</Image>`.
//!
//! Use instead: `<Image condition="begin with">C:\</Image>`.
//!
//! Source: SysmonCommon, xml.cpp; conformance vector bad_condition.
