//! # SC021 list-and-includes
//!
//! An image list option stands beside two including elements of its type.
//!
//! What it does: The lenient front end takes `<NetworkConnect>a.exe</NetworkConnect>` and
//! `<ImageLoad>a.dll</ImageLoad>` below `<Sysmon>` for the switches -n and -l.
//!
//! Why it matters: With two including elements of that type, Sysmon crashes; nothing is applied.
//!
//! Example: the option `<ImageLoad>x</ImageLoad>` and two `<ImageLoad onmatch="include">`.
//!
//! Use instead: write the images as rules.
//!
//! Source: SysmonCommon, xml.cpp; reproduced with the published engine.
