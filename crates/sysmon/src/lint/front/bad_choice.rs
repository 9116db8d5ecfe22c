//! # SC011 bad-choice
//!
//! An attribute has a value that is not one of its choices.
//!
//! What it does: `onmatch` and `default` take include or exclude, a RuleGroup's `groupRelation`
//! takes and or or, in lower case.
//!
//! Why it matters: The strict front end rejects the whole file. The lenient one ignores letter
//! case, takes any other groupRelation for `and`, and any other onmatch for the event type's
//! built-in default.
//!
//! Example: `<ProcessCreate onmatch="Include">`.
//!
//! Use instead: `<ProcessCreate onmatch="include">`.
//!
//! Source: SysmonCommon, xml.cpp; conformance vectors onmatch_upper, onmatch_empty,
//! hand_default_attr.
