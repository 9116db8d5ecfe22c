//! # SC009 not-allowed
//!
//! An element may not stand where it stands.
//!
//! What it does: Reports elements that the document type of the file's schema version does not
//! allow in their place: misspelt names, wrong letter case, fields and event types of later
//! versions, nested groups and rules.
//!
//! Why it matters: The strict front end rejects the whole file. The lenient one passes over unknown
//! event types in silence, and drops the whole event element (and all later ones of its type) for
//! an unknown field.
//!
//! Example: `<ProcessCreate onmatch="include"><Commandline>x</Commandline></ProcessCreate>`.
//!
//! Use instead: `<CommandLine>x</CommandLine>`.
//!
//! Source: the document type that SysmonCommon's manifest generates per version.
