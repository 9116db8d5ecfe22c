//! # SC022 list-and-exclude
//!
//! An image list option stands beside an excluding element of its type.
//!
//! What it does: See SC021. The list is put before the first element of the type, which must be an
//! including one.
//!
//! Why it matters: Sysmon reports an incompatible configuration and drops that element.
//!
//! Example: the option `<ImageLoad>x</ImageLoad>` and `<ImageLoad onmatch="exclude">`.
//!
//! Use instead: write the images as rules.
//!
//! Source: SysmonCommon, xml.cpp.
