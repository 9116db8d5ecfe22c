//! # SC018 empty-option
//!
//! An empty option ends the options.
//!
//! What it does: The strict front end stops reading options at an element without content, and does
//! not set that option.
//!
//! Why it matters: Every later option is lost without a word. Most public configurations do this
//! with `<CheckRevocation/>`.
//!
//! Example: `<CheckRevocation/><DnsLookup>False</DnsLookup>`.
//!
//! Use instead: `<CheckRevocation>true</CheckRevocation>`, or put the empty option last.
//!
//! Source: SysmonCommon with libxml2 2.9; conformance vector opt1.
