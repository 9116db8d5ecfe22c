//! The lints: what a configuration does that its author will not expect. One file per code; its doc
//! comment is its documentation. Findings are made from kept rules, so a rejected file has none.

mod blank_at_the_edge;
mod blank_in_list;
mod case_beyond_ascii;
mod context;
mod contradiction;
mod cut_rule_name;
mod dead_condition;
mod duplicate_condition;
mod empty_include;
mod empty_list_entry;
mod empty_value;
mod end_without_backslash;
mod exclude_by_name;
mod exclude_writable_path;
mod excludes_list;
mod field_of_other_event;
mod front;
mod image_with_partial_path;
mod implicit_and;
mod implicit_rule_or;
mod leaking_name;
mod left_at_default;
mod list_without_list_condition;
mod lost_log_all;
mod name_as_path;
mod negative_alternative;
mod newer_schema;
mod only_excludes;
mod percent_sign;
mod rule_name_condition;
mod text_order;
mod wildcard;

use context::Context;

use crate::Config;
use crate::diagnostic::Diagnostic;

type Check = fn(&Context<'_>, &mut Vec<Diagnostic>);
type Row = (&'static str, &'static str, &'static str, Option<Check>);

/// Code, name, source file, check; codes below SC100 are reported by the front ends themselves.
const ROWS: &[Row] = &[
    (
        "SC001",
        "unreadable",
        include_str!("front/unreadable.rs"),
        None,
    ),
    (
        "SC002",
        "not-well-formed",
        include_str!("front/not_well_formed.rs"),
        None,
    ),
    ("SC003", "no-root", include_str!("front/no_root.rs"), None),
    (
        "SC004",
        "bad-version",
        include_str!("front/bad_version.rs"),
        None,
    ),
    (
        "SC005",
        "cut-value",
        include_str!("front/cut_value.rs"),
        None,
    ),
    (
        "SC006",
        "unknown-condition",
        include_str!("front/unknown_condition.rs"),
        None,
    ),
    (
        "SC007",
        "long-name",
        include_str!("front/long_name.rs"),
        None,
    ),
    (
        "SC008",
        "bad-option-value",
        include_str!("front/bad_option_value.rs"),
        None,
    ),
    (
        "SC009",
        "not-allowed",
        include_str!("front/not_allowed.rs"),
        None,
    ),
    (
        "SC010",
        "unknown-attribute",
        include_str!("front/unknown_attribute.rs"),
        None,
    ),
    (
        "SC011",
        "bad-choice",
        include_str!("front/bad_choice.rs"),
        None,
    ),
    (
        "SC012",
        "missing-relation",
        include_str!("front/missing_relation.rs"),
        None,
    ),
    (
        "SC013",
        "misplaced-text",
        include_str!("front/misplaced_text.rs"),
        None,
    ),
    (
        "SC014",
        "no-onmatch",
        include_str!("front/no_onmatch.rs"),
        None,
    ),
    (
        "SC015",
        "unknown-field",
        include_str!("front/unknown_field.rs"),
        None,
    ),
    (
        "SC016",
        "mixed-series",
        include_str!("front/mixed_series.rs"),
        None,
    ),
    (
        "SC017",
        "unknown-option",
        include_str!("front/unknown_option.rs"),
        None,
    ),
    (
        "SC018",
        "empty-option",
        include_str!("front/empty_option.rs"),
        None,
    ),
    (
        "SC019",
        "bad-switch",
        include_str!("front/bad_switch.rs"),
        None,
    ),
    (
        "SC020",
        "empty-rule",
        include_str!("front/empty_rule.rs"),
        None,
    ),
    (
        "SC021",
        "list-and-includes",
        include_str!("front/list_and_includes.rs"),
        None,
    ),
    (
        "SC022",
        "list-and-exclude",
        include_str!("front/list_and_exclude.rs"),
        None,
    ),
    (
        "SC101",
        "only-excludes",
        include_str!("only_excludes.rs"),
        Some(only_excludes::check),
    ),
    (
        "SC102",
        "lost-log-all",
        include_str!("lost_log_all.rs"),
        Some(lost_log_all::check),
    ),
    (
        "SC103",
        "empty-include",
        include_str!("empty_include.rs"),
        Some(empty_include::check),
    ),
    (
        "SC104",
        "left-at-default",
        include_str!("left_at_default.rs"),
        Some(left_at_default::check),
    ),
    (
        "SC105",
        "implicit-and",
        include_str!("implicit_and.rs"),
        Some(implicit_and::check),
    ),
    (
        "SC106",
        "contradiction",
        include_str!("contradiction.rs"),
        Some(contradiction::check),
    ),
    (
        "SC107",
        "implicit-rule-or",
        include_str!("implicit_rule_or.rs"),
        Some(implicit_rule_or::check),
    ),
    (
        "SC108",
        "excludes-list",
        include_str!("excludes_list.rs"),
        Some(excludes_list::check),
    ),
    (
        "SC109",
        "text-order",
        include_str!("text_order.rs"),
        Some(text_order::check),
    ),
    (
        "SC110",
        "empty-list-entry",
        include_str!("empty_list_entry.rs"),
        Some(empty_list_entry::check),
    ),
    (
        "SC111",
        "blank-in-list",
        include_str!("blank_in_list.rs"),
        Some(blank_in_list::check),
    ),
    (
        "SC112",
        "list-without-list-condition",
        include_str!("list_without_list_condition.rs"),
        Some(list_without_list_condition::check),
    ),
    (
        "SC113",
        "negative-alternative",
        include_str!("negative_alternative.rs"),
        Some(negative_alternative::check),
    ),
    (
        "SC114",
        "rule-name-condition",
        include_str!("rule_name_condition.rs"),
        Some(rule_name_condition::check),
    ),
    (
        "SC115",
        "field-of-other-event",
        include_str!("field_of_other_event.rs"),
        Some(field_of_other_event::check),
    ),
    (
        "SC116",
        "leaking-name",
        include_str!("leaking_name.rs"),
        Some(leaking_name::check),
    ),
    (
        "SC117",
        "image-with-partial-path",
        include_str!("image_with_partial_path.rs"),
        Some(image_with_partial_path::check),
    ),
    (
        "SC118",
        "name-as-path",
        include_str!("name_as_path.rs"),
        Some(name_as_path::check),
    ),
    (
        "SC119",
        "end-without-backslash",
        include_str!("end_without_backslash.rs"),
        Some(end_without_backslash::check),
    ),
    (
        "SC120",
        "percent-sign",
        include_str!("percent_sign.rs"),
        Some(percent_sign::check),
    ),
    (
        "SC121",
        "empty-value",
        include_str!("empty_value.rs"),
        Some(empty_value::check),
    ),
    (
        "SC122",
        "blank-at-the-edge",
        include_str!("blank_at_the_edge.rs"),
        Some(blank_at_the_edge::check),
    ),
    (
        "SC123",
        "case-beyond-ascii",
        include_str!("case_beyond_ascii.rs"),
        Some(case_beyond_ascii::check),
    ),
    (
        "SC124",
        "cut-rule-name",
        include_str!("cut_rule_name.rs"),
        Some(cut_rule_name::check),
    ),
    (
        "SC125",
        "duplicate-condition",
        include_str!("duplicate_condition.rs"),
        Some(duplicate_condition::check),
    ),
    (
        "SC126",
        "dead-condition",
        include_str!("dead_condition.rs"),
        Some(dead_condition::check),
    ),
    (
        "SC127",
        "wildcard",
        include_str!("wildcard.rs"),
        Some(wildcard::check),
    ),
    (
        "SC128",
        "exclude-writable-path",
        include_str!("exclude_writable_path.rs"),
        Some(exclude_writable_path::check),
    ),
    (
        "SC129",
        "exclude-by-name",
        include_str!("exclude_by_name.rs"),
        Some(exclude_by_name::check),
    ),
    (
        "SC130",
        "newer-schema",
        include_str!("newer_schema.rs"),
        Some(newer_schema::check),
    ),
];

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

/// All findings for a configuration, the front end's own included, in the order of the file.
pub fn check(config: &Config) -> Vec<Diagnostic> {
    let mut out = config.diagnostics.clone();
    if let (true, Some(cx)) = (config.accepted, Context::new(config)) {
        for (.., check) in ROWS {
            if let Some(check) = check {
                check(&cx, &mut out);
            }
        }
    }
    out.sort_by_key(|d| (d.span.start, d.code, d.span.end));
    out
}
