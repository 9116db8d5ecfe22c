//! What is wrong with a configuration, where, and what Sysmon will really do about it.
//! A diagnostic is data; how it is shown is decided in `render`.

use std::ops::Range;

/// A byte range of the decoded source text; empty at 0 where there is no source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// First byte behind.
    pub end: usize,
}

impl Span {
    /// The span of a range.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

impl From<Range<usize>> for Span {
    fn from(r: Range<usize>) -> Self {
        Self::new(r.start, r.end)
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is lost.
    Note,
    /// The configuration does something else than it seems to say.
    Warning,
    /// Sysmon rejects the file or loses part of it.
    Error,
}

impl Severity {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Whether a fix may be applied without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// What is logged stays the same, or was plainly meant: applied by `--fix`.
    Safe,
    /// It changes what is logged: shown, applied only when asked for.
    Unsafe,
}

/// Edits that remove the cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an imperative.
    pub title: String,
    /// Whether it may be applied without looking.
    pub safety: Safety,
    /// Replacements; they do not overlap.
    pub edits: Vec<(Span, String)>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, `SCnnn`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence: what is there.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What Sysmon really does with it, and other remarks.
    pub notes: Vec<String>,
    /// Other places that matter, with a word each.
    pub related: Vec<(Span, String)>,
    /// How to remove the cause.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding without extras.
    pub fn new(
        code: &'static str,
        severity: Severity,
        span: Span,
        message: impl Into<String>,
    ) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            span,
            notes: Vec::new(),
            related: Vec::new(),
            fix: None,
        }
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push((span, text.into()));
        self
    }

    /// Adds a fix.
    #[must_use]
    pub fn fix(
        mut self,
        title: impl Into<String>,
        safety: Safety,
        edits: Vec<(Span, String)>,
    ) -> Self {
        self.fix = Some(Fix {
            title: title.into(),
            safety,
            edits,
        });
        self
    }
}
