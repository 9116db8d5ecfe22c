//! Proposals as a Sysmon configuration that logs everything else of their event types. What Sysmon
//! would read otherwise than it was recorded is refused. It refuses to choose.

use std::fmt::Write as _;

use super::{Condition, Proposal};

/// A configuration with these proposals: one excluding element for each event type, which logs all
/// others of it. The types of `logged` without a proposal are logged whole, so that nothing is lost
/// but what was promised.
pub fn configuration<'a>(
    proposals: impl IntoIterator<Item = &'a Proposal>,
    logged: &[&'a str],
) -> String {
    let mut tags: Vec<(&str, Vec<&Proposal>)> = Vec::new();
    for p in proposals {
        match tags.iter_mut().find(|(tag, _)| *tag == p.tag) {
            Some((_, list)) => list.push(p),
            None => tags.push((&p.tag, vec![p])),
        }
    }
    for tag in logged {
        if !tags.iter().any(|(t, _)| t == tag) {
            tags.push((tag, Vec::new()));
        }
    }
    let mut out = String::from(
        "<!-- Each element logs its event type except for the rules in it. Types that are not named here are\n     \
         left at Sysmon's default. -->\n<Sysmon schemaversion=\"4.90\">\n  <EventFiltering>\n",
    );
    for (tag, list) in tags {
        let _ = write!(
            out,
            "    <RuleGroup groupRelation=\"or\">\n      <{tag} onmatch=\"exclude\">\n"
        );
        for p in list {
            // A rule has no name: a name would show in events that match a part of it.
            let _ = write!(
                out,
                "        <!-- {}: {} events on {} hosts, {} days -->\n        <Rule groupRelation=\"and\">\n",
                p.name, p.count, p.hosts, p.days
            );
            for c in &p.conditions {
                let _ = writeln!(
                    out,
                    "          <{0} condition=\"is\">{1}</{0}>",
                    c.field,
                    escape(&c.value)
                );
            }
            out.push_str("        </Rule>\n");
        }
        let _ = write!(out, "      </{tag}>\n    </RuleGroup>\n");
    }
    out.push_str("  </EventFiltering>\n</Sysmon>\n");
    out
}

/// Why a condition would not mean what was recorded.
pub(super) fn inexact(c: &Condition) -> Option<String> {
    let allowed = |ch: char| !matches!(ch, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if c.value.contains('%') {
        Some(format!("{}: Sysmon expands what a % begins", c.field))
    } else if !c.value.chars().all(allowed) {
        Some(format!("{}: XML has no such character", c.field))
    } else {
        None
    }
}

/// Text between tags; line breaks and tabs as references, so that no reader normalises them.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}
