//! # SC010 unknown-attribute
//!
//! An element has an attribute that it does not take.
//!
//! What it does: Reports attributes that the document type does not declare, namespace declarations
//! included.
//!
//! Why it matters: The strict front end rejects the whole file; the lenient one ignores the
//! attribute.
//!
//! Example: `<Image conditon="contains">x</Image>`, which the lenient front end reads as `is`.
//!
//! Use instead: `<Image condition="contains">x</Image>`.
//!
//! Source: the document type that SysmonCommon's manifest generates per version.
