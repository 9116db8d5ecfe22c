//! The codes in order, each with its name, its documentation and what finds it.

use super::{Check, Row};

/// What the front ends themselves report; the file holds the documentation alone.
macro_rules! front {
    ($code:literal, $name:literal, $file:literal) => {
        (
            $code,
            $name,
            include_str!(concat!("front/", $file, ".rs")),
            None,
        )
    };
}

/// A lint of its own.
macro_rules! lint {
    ($code:literal, $name:literal, $module:ident) => {
        (
            $code,
            $name,
            include_str!(concat!(stringify!($module), ".rs")),
            Some(super::$module::check as Check),
        )
    };
}

/// Code, name, source file, check; codes below SC100 are reported by the front ends themselves.
pub(super) const ROWS: &[Row] = &[
    front!("SC001", "unreadable", "unreadable"),
    front!("SC002", "not-well-formed", "not_well_formed"),
    front!("SC003", "no-root", "no_root"),
    front!("SC004", "bad-version", "bad_version"),
    front!("SC005", "cut-value", "cut_value"),
    front!("SC006", "unknown-condition", "unknown_condition"),
    front!("SC007", "long-name", "long_name"),
    front!("SC008", "bad-option-value", "bad_option_value"),
    front!("SC009", "not-allowed", "not_allowed"),
    front!("SC010", "unknown-attribute", "unknown_attribute"),
    front!("SC011", "bad-choice", "bad_choice"),
    front!("SC012", "missing-relation", "missing_relation"),
    front!("SC013", "misplaced-text", "misplaced_text"),
    front!("SC014", "no-onmatch", "no_onmatch"),
    front!("SC015", "unknown-field", "unknown_field"),
    front!("SC016", "mixed-series", "mixed_series"),
    front!("SC017", "unknown-option", "unknown_option"),
    front!("SC018", "empty-option", "empty_option"),
    front!("SC019", "bad-switch", "bad_switch"),
    front!("SC020", "empty-rule", "empty_rule"),
    front!("SC021", "list-and-includes", "list_and_includes"),
    front!("SC022", "list-and-exclude", "list_and_exclude"),
    lint!("SC101", "only-excludes", only_excludes),
    lint!("SC102", "lost-log-all", lost_log_all),
    lint!("SC103", "empty-include", empty_include),
    lint!("SC104", "left-at-default", left_at_default),
    lint!("SC105", "implicit-and", implicit_and),
    lint!("SC106", "contradiction", contradiction),
    lint!("SC107", "implicit-rule-or", implicit_rule_or),
    lint!("SC108", "excludes-list", excludes_list),
    lint!("SC109", "text-order", text_order),
    lint!("SC110", "empty-list-entry", empty_list_entry),
    lint!("SC111", "blank-in-list", blank_in_list),
    lint!(
        "SC112",
        "list-without-list-condition",
        list_without_list_condition
    ),
    lint!("SC113", "negative-alternative", negative_alternative),
    lint!("SC114", "rule-name-condition", rule_name_condition),
    lint!("SC115", "field-of-other-event", field_of_other_event),
    lint!("SC116", "leaking-name", leaking_name),
    lint!("SC117", "image-with-partial-path", image_with_partial_path),
    lint!("SC118", "name-as-path", name_as_path),
    lint!("SC119", "end-without-backslash", end_without_backslash),
    lint!("SC120", "percent-sign", percent_sign),
    lint!("SC121", "empty-value", empty_value),
    lint!("SC122", "blank-at-the-edge", blank_at_the_edge),
    lint!("SC123", "case-beyond-ascii", case_beyond_ascii),
    lint!("SC124", "cut-rule-name", cut_rule_name),
    lint!("SC125", "duplicate-condition", duplicate_condition),
    lint!("SC126", "dead-condition", dead_condition),
    lint!("SC127", "wildcard", wildcard),
    lint!("SC128", "exclude-writable-path", exclude_writable_path),
    lint!("SC129", "exclude-by-name", exclude_by_name),
    lint!("SC130", "newer-schema", newer_schema),
    lint!("SC131", "registry-root", registry_root),
    lint!("SC132", "pipe-without-backslash", pipe_without_backslash),
    lint!("SC133", "address-spelling", address_spelling),
    lint!("SC134", "doubled-backslash", doubled_backslash),
    lint!("SC135", "mask-spelling", mask_spelling),
    lint!("SC136", "guid-spelling", guid_spelling),
    lint!("SC137", "hash-without-algorithm", hash_without_algorithm),
    lint!("SC138", "device-path", device_path),
    lint!("SC139", "user-without-domain", user_without_domain),
    lint!("SC140", "unknown-word", unknown_word),
    lint!("SC141", "quoted-path", quoted_path),
    lint!("SC142", "image-on-text", image_on_text),
    lint!("SC143", "part-of-number", part_of_number),
    lint!("SC144", "impossible-value", impossible_value),
    lint!("SC145", "hidden-by-exclude", hidden_by_exclude),
    lint!("SC146", "duplicate-rule", duplicate_rule),
    lint!("SC147", "exclude-of-everything", exclude_of_everything),
    lint!("SC148", "suppression", suppression),
];
