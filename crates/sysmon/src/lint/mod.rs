//! The lints: what a configuration does that its author will not expect. One file per code; its doc
//! comment is its documentation. Findings are made from kept rules; of a rejected file from what can be
//! made out of it, without those that need the whole.

mod address_spelling;
mod blank_at_the_edge;
mod blank_in_list;
mod case_beyond_ascii;
mod context;
mod contradiction;
mod covers;
mod cut_rule_name;
mod dead_condition;
mod device_path;
mod doubled_backslash;
mod duplicate_condition;
mod duplicate_rule;
mod empty_include;
mod empty_list_entry;
mod empty_value;
mod end_without_backslash;
mod exclude_by_name;
mod exclude_of_everything;
mod exclude_writable_path;
mod excludes_list;
mod field_of_other_event;
mod filter_text;
mod front;
mod guid_spelling;
mod hash_without_algorithm;
mod hidden_by_exclude;
mod image_on_text;
mod image_with_partial_path;
mod implicit_and;
mod implicit_rule_or;
mod impossible_value;
mod leaking_name;
mod left_at_default;
mod list_without_list_condition;
mod lost_log_all;
mod mask_spelling;
mod name_as_path;
mod negative_alternative;
mod newer_schema;
mod only_excludes;
mod part_of_number;
mod percent_sign;
mod pipe_without_backslash;
mod quoted_path;
mod registry_root;
mod rule_name_condition;
mod suppression;
mod table;
mod text_order;
mod unknown_word;
mod user_without_domain;
mod wildcard;

use context::Context;
use table::ROWS;

use crate::Config;
use crate::diagnostic::Diagnostic;

type Check = fn(&Context<'_>, &mut Vec<Diagnostic>);
type Row = (&'static str, &'static str, &'static str, Option<Check>);

/// A code with its documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// `SCnnn`.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its first sentence.
    pub summary: String,
    /// All of it, as Markdown.
    pub text: String,
}

/// All codes in order.
pub fn all() -> Vec<Lint> {
    ROWS.iter().map(lint).collect()
}

/// The documentation of a code or name, without regard to letter case.
pub fn find(code: &str) -> Option<Lint> {
    let same = |r: &&Row| r.0.eq_ignore_ascii_case(code) || r.1.eq_ignore_ascii_case(code);
    ROWS.iter().find(same).map(lint)
}

/// The code or name that was perhaps meant.
pub fn nearest(code: &str) -> Option<&'static str> {
    ::text::meant(code, ROWS.iter().flat_map(|r| [r.0, r.1]))
}

/// The page that holds the documentation of all codes.
pub fn page() -> String {
    let mut out = String::from(
        "# What `scotoma config check` reports\n\nCodes below SC100 say what Sysmon itself rejects, ignores or drops; the others say what a\nconfiguration does that its author will not expect.\n\nThis page is made from the doc comments of the lints and checked by a test.\n",
    );
    for lint in all() {
        out.push_str("\n#");
        out.push_str(&lint.text);
    }
    out
}

fn lint(row: &Row) -> Lint {
    let lines = row.2.lines().map_while(|l| l.strip_prefix("//!"));
    let text: String = lines
        .map(|l| l.strip_prefix(' ').unwrap_or(l))
        .fold(String::new(), |t, l| t + l + "\n");
    let mut paragraphs = text.split("\n\n").skip(1);
    Lint {
        code: row.0,
        name: row.1,
        summary: paragraphs.next().unwrap_or("").replace('\n', " "),
        text,
    }
}

/// Codes that say something of an event type as a whole, which part of a file does not tell.
const NEED_ALL: &[&str] = &["SC101", "SC102", "SC103", "SC104", "SC105"];

/// The findings for a configuration.
#[derive(Clone, Debug)]
pub struct Findings {
    /// In the order of the file, the front end's own included.
    pub shown: Vec<Diagnostic>,
    /// How many more comments in the file silence.
    pub silenced: usize,
}

/// All findings for a configuration but those that comments silence.
pub fn check(config: &Config) -> Vec<Diagnostic> {
    findings(config).shown
}

/// All findings for a configuration.
pub fn findings(config: &Config) -> Findings {
    let mut out = config.diagnostics.clone();
    if let Some(cx) = Context::new(config) {
        for (code, _, _, check) in ROWS {
            if let Some(check) = check
                && (config.accepted || !NEED_ALL.contains(code))
            {
                check(&cx, &mut out);
            }
        }
    }
    out.sort_by_key(|d| (d.span.start, d.code, d.span.end));
    let silenced = suppression::silence(&config.source, &mut out);
    Findings {
        shown: out,
        silenced,
    }
}
