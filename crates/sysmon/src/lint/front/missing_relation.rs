//! # SC012 missing-relation
//!
//! A RuleGroup lacks `groupRelation`.
//!
//! What it does: Reports groups that do not say how their conditions combine.
//!
//! Why it matters: The strict front end rejects the whole file. The lenient one combines with `and`
//! (with `or` up to schema 4.1).
//!
//! Example: `<RuleGroup name="x">`.
//!
//! Use instead: `<RuleGroup name="x" groupRelation="or">`.
//!
//! Source: the document type that SysmonCommon's manifest generates per version.
