//! # SC003 no-root
//!
//! The root element is not `<Sysmon>`.
//!
//! What it does: Reports files whose outermost element has another name.
//!
//! Why it matters: Sysmon rejects the file.
//!
//! Example: `<sysmon schemaversion="4.90">`.
//!
//! Use instead: `<Sysmon schemaversion="4.90">`.
//!
//! Source: SysmonCommon, xml.cpp.
