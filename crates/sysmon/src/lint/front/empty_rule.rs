//! # SC020 empty-rule
//!
//! A `<Rule>` without content crashes the strict front end.
//!
//! What it does: Reports rules that hold nothing at all.
//!
//! Why it matters: Sysmon ends while it reads the file; nothing is applied. The lenient front end
//! keeps an empty rule that never matches.
//!
//! Example: `<Rule groupRelation="and"></Rule>`.
//!
//! Use instead: remove it.
//!
//! Source: SysmonCommon with libxml2; conformance vector empty_rule.
