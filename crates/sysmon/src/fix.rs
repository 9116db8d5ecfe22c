//! Applies the edits of diagnostics to a source. Which fixes to apply is the caller's choice by safety.

use std::collections::BTreeMap;

use crate::config::Config;
use crate::diagnostic::{Diagnostic, Fix, Safety, Span};
use crate::lint;
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
    let mut taken: BTreeMap<usize, (Span, &str)> = BTreeMap::new();
    let (mut applied, mut skipped) = (0, 0);
    for fix in diagnostics
        .iter()
        .filter_map(|d| d.fix.as_ref())
        .filter(wanted)
    {
        // Insertions at the same place have no order, so touching counts as overlapping.
        let touches = |span: &Span| {
            let before = taken.range(..=span.end).next_back();
            before.is_some_and(|(_, (t, _))| t.end >= span.start)
        };
        let clash = fix
            .edits
            .iter()
            .any(|(s, _)| s.end > source.text.len() || touches(s));
        if clash {
            skipped += 1;
            continue;
        }
        applied += 1;
        for (span, text) in &fix.edits {
            taken.insert(span.start, (*span, text.as_str()));
        }
    }
    let mut text = String::with_capacity(source.text.len());
    let mut at = 0;
    for (span, with) in taken.into_values() {
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

/// Rounds after which no further fix is tried; each one takes something out, so few are ever needed.
const ROUNDS: usize = 50;

/// Applies all safe fixes, and those that they lay open, until none is left. A file that is rejected is
/// first made one that is accepted, where that can be done; what else it needs is told by its own rules
/// alone. The result is the configuration after it, and how many fixes are in its text.
pub fn all(config: Config) -> (Config, usize) {
    let (mut config, mut applied) = (config, 0);
    for _ in 0..ROUNDS {
        let mut found = lint::check(&config);
        if !config.accepted {
            found.retain(|d| d.code < "SC100");
        }
        let fixed = apply(&config.source, &found, Safety::Safe);
        if fixed.applied == 0 {
            break;
        }
        applied += fixed.applied;
        config = Config::parse_text(&config.source.name, &fixed.text, config.engine);
    }
    (config, applied)
}
