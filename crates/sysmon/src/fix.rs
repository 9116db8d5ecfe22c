//! Applies the edits of diagnostics to a source. Which fixes to apply is the caller's choice by safety.

use crate::diagnostic::{Diagnostic, Fix, Safety, Span};
use crate::source::Source;

/// A source with edits applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The new text.
    pub text: String,
    /// How many fixes are in it.
    pub applied: usize,
    /// How many were left out because they touch a place that another one changes.
    pub skipped: usize,
}

/// Applies all fixes up to a safety (`Safe`: only safe ones), first come, first served.
pub fn apply(source: &Source, diagnostics: &[Diagnostic], up_to: Safety) -> Fixed {
    let wanted = |f: &&Fix| up_to == Safety::Unsafe || f.safety == Safety::Safe;
    let mut taken: Vec<(Span, &str)> = Vec::new();
    let (mut applied, mut skipped) = (0, 0);
    for fix in diagnostics
        .iter()
        .filter_map(|d| d.fix.as_ref())
        .filter(wanted)
    {
        // Insertions at the same place have no order, so touching counts as overlapping.
        let clash = fix.edits.iter().any(|(s, _)| {
            s.end > source.text.len()
                || taken
                    .iter()
                    .any(|(t, _)| s.start <= t.end && t.start <= s.end)
        });
        if clash {
            skipped += 1;
            continue;
        }
        applied += 1;
        taken.extend(fix.edits.iter().map(|(s, text)| (*s, text.as_str())));
    }
    taken.sort_by_key(|(s, _)| *s);
    let mut text = String::with_capacity(source.text.len());
    let mut at = 0;
    for (span, with) in taken {
        text.push_str(&source.text[at..span.start]);
        text.push_str(with);
        at = span.end;
    }
    text.push_str(&source.text[at..]);
    Fixed {
        text,
        applied,
        skipped,
    }
}
