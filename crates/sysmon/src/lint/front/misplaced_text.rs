//! # SC013 misplaced-text
//!
//! Text stands where only elements may, or something where nothing may.
//!
//! What it does: Reports text directly inside `<Sysmon>`, `<EventFiltering>`, groups, event
//! elements and rules, and content in options that must be empty.
//!
//! Why it matters: The strict front end rejects the whole file; the lenient one ignores the text.
//!
//! Example: `<ProcessCreate onmatch="include">a remark<Image>x</Image></ProcessCreate>`.
//!
//! Use instead: an XML comment.
//!
//! Source: the document type that SysmonCommon's manifest generates per version.
