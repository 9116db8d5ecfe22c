//! # SC001 unreadable
//!
//! The file's bytes are no text that Sysmon reads.
//!
//! What it does: Reports files that are empty, too large for Scotoma, without a `<` in their first
//! 2048 bytes, in big-endian UTF-16, or not valid in the encoding they declare.
//!
//! Why it matters: Sysmon rejects the file and keeps running with the configuration it had.
//!
//! Example: a file saved as "Unicode big endian".
//!
//! Use instead: UTF-8, or UTF-16 with little-endian bytes.
//!
//! Source: SysmonCommon, FetchConfigurationVersion.
