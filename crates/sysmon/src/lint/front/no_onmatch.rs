//! # SC014 no-onmatch
//!
//! An event element has neither or both of `onmatch` and `default`.
//!
//! What it does: Reports elements whose meaning is not given.
//!
//! Why it matters: Sysmon prints one line and ignores the element with all its rules; the rest of
//! the file is applied.
//!
//! Example: `<ProcessCreate><Image>x</Image></ProcessCreate>`.
//!
//! Use instead: `<ProcessCreate onmatch="include">`.
//!
//! Source: SysmonCommon, xml.cpp; conformance vectors no_onmatch, both_onmatch_default.
