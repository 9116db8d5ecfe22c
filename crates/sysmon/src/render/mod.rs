//! Diagnostics as text with the underlined source, as JSON, as SARIF 2.1.0 and as GitHub annotations.
//! Nothing is judged here.

mod json;
mod text;

pub use json::{github, json, sarif};
pub use text::{Style, text};

use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// The findings of one file.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The file.
    pub source: &'a Source,
    /// Its findings.
    pub diagnostics: &'a [Diagnostic],
}
