//! # SC019 bad-switch
//!
//! An on/off option has another value than true or false.
//!
//! What it does: Reports values of options without argument that are none of true, 1, enabled,
//! false, 0, null, disabled.
//!
//! Why it matters: The lenient front end prints a message and stops reading options there. (The
//! strict one demands an empty element.)
//!
//! Example: `<CaptureClipboard>yes</CaptureClipboard>`.
//!
//! Use instead: `<CaptureClipboard/>`.
//!
//! Source: SysmonCommon, xml.cpp; conformance vector capture_bad.
