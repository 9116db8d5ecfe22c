//! A configuration on one screen: per event type what is logged and what is dropped, in plain words.

use std::fmt::Write as _;

use crate::Config;
use crate::rules::{Element, RuleSet};
use crate::schema::{self, Verdict};

/// How much of an event type is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// Everything.
    All,
    /// Some of it.
    Part,
    /// Nothing.
    Nothing,
}

/// One event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The tag.
    pub tag: String,
    /// The event ids behind it.
    pub ids: Vec<u32>,
    /// How much is logged.
    pub extent: Extent,
    /// Why, in words.
    pub words: String,
}

/// All event types in the order of their ids.
pub fn rows(rules: &RuleSet) -> Vec<Row> {
    let newest = schema::newest();
    newest
        .tags()
        .into_iter()
        .map(|tag| {
            let elements: Vec<&Element> = rules.kept().filter(|e| e.tag == tag).collect();
            let default = newest.series(tag).next().and_then(|e| e.default);
            let (extent, words) = match rules.switched_off(tag) {
                None => judge(&elements, default == Some(Verdict::Include)),
                Some(_) => (
                    Extent::Nothing,
                    "nothing is logged (the last element, an empty include, switches it off)"
                        .to_owned(),
                ),
            };
            Row {
                tag: tag.to_owned(),
                ids: newest.series(tag).map(|e| e.id).collect(),
                extent,
                words,
            }
        })
        .collect()
}

fn count(n: usize) -> String {
    if n == 1 {
        "1 rule".to_owned()
    } else {
        format!("{n} rules")
    }
}

fn judge(elements: &[&Element], default: bool) -> (Extent, String) {
    let number = |verdict| -> (usize, usize) {
        let of = elements.iter().filter(|e| e.on_match == verdict);
        of.fold((0, 0), |(n, units), e| (n + 1, units + e.units().len()))
    };
    let ((excluding, drops), (including, keeps)) =
        (number(Verdict::Exclude), number(Verdict::Include));
    match (excluding, including) {
        (0, 0) if default => (
            Extent::All,
            "all of it is logged (not mentioned; Sysmon's default)".to_owned(),
        ),
        (0, 0) => (
            Extent::Nothing,
            "nothing is logged (not mentioned; Sysmon's default)".to_owned(),
        ),
        (1, 0) if drops == 0 => (
            Extent::All,
            "all of it is logged (an empty exclude)".to_owned(),
        ),
        (1, 0) => (
            Extent::Part,
            format!("logged, except what {} drop", count(drops)),
        ),
        (_, 0) => (
            Extent::Nothing,
            format!("nothing is logged ({excluding} excluding elements and no include)"),
        ),
        (_, _) if keeps == 0 => (
            Extent::Nothing,
            "nothing is logged (an empty include)".to_owned(),
        ),
        (_, _) if drops == 0 => (Extent::Part, format!("only what {} keep", count(keeps))),
        _ => (
            Extent::Part,
            format!(
                "only what {} keep, less what {} drop",
                count(keeps),
                count(drops)
            ),
        ),
    }
}

/// Broken between words so that it fits a narrow terminal.
fn wrapped(sentence: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in sentence.split(' ') {
        if column > 0 && column + 1 + word.len() > 80 {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// The screen.
pub fn text(config: &Config) -> String {
    let mut out = String::new();
    if !config.accepted {
        let _ = writeln!(
            out,
            "{}: Sysmon rejects this file, so nothing of it applies.",
            config.source.name
        );
        return out;
    }
    let rows = rows(&config.rules);
    let named = |extent| -> Vec<&str> {
        rows.iter()
            .filter(|r| r.extent == extent)
            .map(|r| r.tag.as_str())
            .collect()
    };
    let (all, part) = (named(Extent::All), named(Extent::Part));
    let sentence = match (all.as_slice(), part.as_slice()) {
        ([], []) => "Nothing is kept.".to_owned(),
        ([one], []) => format!("Only {one} is kept, and all of it."),
        (all, []) => format!("Kept, and in full: {}. Nothing else.", all.join(", ")),
        ([], part) => format!("Kept in part: {}. Nothing else.", part.join(", ")),
        (all, part) => format!(
            "Kept in full: {}. In part: {}. Nothing else.",
            all.join(", "),
            part.join(", ")
        ),
    };
    let _ = writeln!(out, "{}, schema {}", config.source.name, config.version);
    let _ = writeln!(out, "{}\n", wrapped(&sentence));
    let width = rows.iter().map(|r| r.tag.len()).max().unwrap_or(0);
    for row in &rows {
        let ids: Vec<String> = row.ids.iter().map(u32::to_string).collect();
        let mark = match row.extent {
            Extent::All => "##",
            Extent::Part => "#-",
            Extent::Nothing => "--",
        };
        let _ = writeln!(
            out,
            "{mark} {:>8}  {:<width$}  {}",
            ids.join(","),
            row.tag,
            row.words
        );
    }
    out.push('\n');
    let options: Vec<String> = config
        .options
        .iter()
        .map(|(name, s)| {
            s.value
                .as_ref()
                .map_or_else(|| name.clone(), |v| format!("{name}={v}"))
        })
        .collect();
    let _ = writeln!(
        out,
        "options: {}",
        if options.is_empty() {
            "none".to_owned()
        } else {
            options.join(", ")
        }
    );
    out
}
