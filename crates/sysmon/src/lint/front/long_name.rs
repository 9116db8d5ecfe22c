//! # SC007 long-name
//!
//! A rule name is longer than 255 bytes of UTF-8.
//!
//! What it does: Reports names, inherited ones included, that do not fit. Sysmon for Linux prints
//! the error but goes on.
//!
//! Why it matters: Sysmon rejects the whole file.
//!
//! Example: a `name` with a whole paragraph.
//!
//! Use instead: a short name; the explanation belongs into a comment.
//!
//! Source: SysmonCommon, xml.cpp; conformance vector longnames.
