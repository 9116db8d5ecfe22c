//! # SC148 suppression
//!
//! A comment that is to silence a finding and does not.
//!
//! What it does: Reports comments of the form `scotoma: ignore CODE reason` that name no known code or
//! give no reason. Such a comment silences findings of its code in its own line and in that of the next
//! tag; `scotoma: ignore-file CODE reason` silences them in the whole file. What Sysmon rejects cannot be
//! silenced.
//!
//! Why it matters: Whoever reads the file next needs to know why the finding was left.
//!
//! Example: `<!-- scotoma: ignore SC129 -->`.
//!
//! Use instead: `<!-- scotoma: ignore SC129 the scanner runs from changing folders -->`.
//!
//! Source: this project.

use super::context::{Context, warning};
use super::table::ROWS;
use crate::diagnostic::{Diagnostic, Span};
use crate::source::Source;

/// What one comment silences.
struct Suppression {
    span: Span,
    codes: Vec<String>,
    reason: bool,
    file: bool,
    /// The lines that it speaks of.
    lines: [usize; 2],
}

pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    for s in all(&cx.config.source) {
        let unknown = s.codes.iter().find(|c| known(c).is_none());
        let what = match (unknown, s.codes.is_empty(), s.reason) {
            (_, true, _) => "the comment names no code to ignore".to_owned(),
            (Some(code), ..) => format!("there is no code `{code}` to ignore"),
            (None, _, false) => "an ignored code needs a reason".to_owned(),
            _ => continue,
        };
        out.push(
            warning("SC148", s.span, what)
                .note("Nothing is ignored. Write `scotoma: ignore CODE reason`."),
        );
    }
}

/// Takes out what comments silence; gives the number.
pub(super) fn silence(source: &Source, found: &mut Vec<Diagnostic>) -> usize {
    let mut all = all(source);
    all.retain(|s| s.reason && s.codes.iter().all(|c| known(c).is_some()));
    if all.is_empty() {
        return 0;
    }
    let before = found.len();
    found.retain(|d| {
        let line = source.position(d.span.start).0;
        let silent = |s: &Suppression| {
            let here = s.file || (s.lines[0] <= line && line <= s.lines[1]);
            here && s.codes.iter().any(|c| known(c) == Some(d.code))
        };
        d.code < "SC100" || d.code == "SC148" || !all.iter().any(silent)
    });
    before - found.len()
}

fn known(code: &str) -> Option<&'static str> {
    let same = |r: &&super::Row| r.0.eq_ignore_ascii_case(code) || r.1.eq_ignore_ascii_case(code);
    ROWS.iter().find(same).map(|r| r.0)
}

fn all(source: &Source) -> Vec<Suppression> {
    let text = source.text.as_str();
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(open) = text[at..].find("<!--").map(|i| at + i) {
        let body = open + 4;
        let Some(close) = text[body..].find("-->").map(|i| body + i) else {
            break;
        };
        at = close + 3;
        let Some(rest) = text[body..close].trim().strip_prefix("scotoma:") else {
            continue;
        };
        let rest = rest.trim_start();
        let (file, rest) = match rest.strip_prefix("ignore-file") {
            Some(rest) => (true, rest),
            None => match rest.strip_prefix("ignore") {
                Some(rest) => (false, rest),
                None => continue,
            },
        };
        let mut words = rest.split_whitespace();
        let codes = words.next().unwrap_or("").split(',');
        let codes = codes.filter(|c| !c.is_empty()).map(str::to_owned).collect();
        let next = text[at..].find('<').map_or(text.len(), |i| at + i);
        out.push(Suppression {
            span: Span::new(open, at),
            codes,
            reason: words.next().is_some(),
            file,
            lines: [source.position(open).0, source.position(next).0],
        });
    }
    out
}
