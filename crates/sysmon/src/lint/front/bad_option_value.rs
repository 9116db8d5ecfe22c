//! # SC008 bad-option-value
//!
//! An option's value is invalid.
//!
//! What it does: Checks HashAlgorithms, FieldSizes, ArchiveDirectory and ProcessAccess as Sysmon
//! does when it applies a file. Blanks are not trimmed: `md5, sha256` is invalid.
//!
//! Why it matters: Sysmon rejects the whole file.
//!
//! Example: `<HashAlgorithms>md5, sha256</HashAlgorithms>`.
//!
//! Use instead: `<HashAlgorithms>md5,sha256</HashAlgorithms>`.
//!
//! Source: SysmonCommon, parsecommandline.c.
