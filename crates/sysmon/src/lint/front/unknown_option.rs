//! # SC017 unknown-option
//!
//! An option does not exist.
//!
//! What it does: Reports option elements that Sysmon does not know, such as the CopyOnDelete
//! options, which its documentation lists but no schema since 4.30 has.
//!
//! Why it matters: The lenient front end stops reading options there without a word: all later
//! options are lost. The strict one rejects the whole file.
//!
//! Example: `<CopyOnDeletePE>True</CopyOnDeletePE><DnsLookup>False</DnsLookup>`.
//!
//! Use instead: leave it out.
//!
//! Source: SysmonCommon, xml.cpp; conformance vectors copyondel, opt2.
