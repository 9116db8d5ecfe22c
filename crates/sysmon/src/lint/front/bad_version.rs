//! # SC004 bad-version
//!
//! `schemaversion` is missing, no number, or older than 4.00.
//!
//! What it does: Reports versions that Sysmon refuses. The number is read like C's `stod`: a prefix
//! counts, two decimals are kept, so `4.5` is 4.50 and `4.100` is 4.10.
//!
//! Why it matters: Sysmon rejects the file; the strict front end even crashes where the attribute
//! is missing or no number.
//!
//! Example: `<Sysmon schemaversion="3.4">`.
//!
//! Use instead: `sysmon -s` prints the version of the installed binary.
//!
//! Source: SysmonCommon, xml.cpp and the generated version ladder.
