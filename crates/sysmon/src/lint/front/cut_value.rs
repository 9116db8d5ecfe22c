//! # SC005 cut-value
//!
//! Only the first part of a field's value counts.
//!
//! What it does: Reports fields whose text is interrupted by a comment, an element or a CDATA
//! section, for the lenient front end.
//!
//! Why it matters: The lenient front end compares with the first piece of text and loses the rest
//! without a word. The strict one joins all pieces, so that the same file means two things.
//!
//! Example: `<Image>C:\a<!-- the drive -->\b.exe</Image>`, which the lenient front end reads as `C:\a`.
//!
//! Use instead: the comment before or after the element.
//!
//! Source: SysmonCommon, xml.cpp of April 2026 and the pugixml library.
