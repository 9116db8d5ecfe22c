//! # SC002 not-well-formed
//!
//! The file is not well-formed.
//!
//! What it does: Reports the place where the chosen front end's parser gives up. The strict one is
//! an XML 1.0 parser without a document type; the lenient one accepts much that is not XML.
//!
//! Why it matters: Sysmon rejects the file and keeps running with the configuration it had.
//!
//! Example: `<EventFiltering></Sysmon>`.
//!
//! Use instead: close every element; escape `&` and `<` in values as `&amp;` and `&lt;`.
//!
//! Source: libxml2 and pugixml, the parsers that Sysmon has used.
