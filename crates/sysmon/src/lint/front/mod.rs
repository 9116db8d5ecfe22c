//! What the front ends themselves report: one documentation file per code. The findings are made
//! where the file is read (`source`, `xml`, `dtd`, `ignored`, `options`, `lower`).

pub(super) mod bad_choice;
pub(super) mod bad_option_value;
pub(super) mod bad_switch;
pub(super) mod bad_version;
pub(super) mod cut_value;
pub(super) mod empty_option;
pub(super) mod empty_rule;
pub(super) mod list_and_exclude;
pub(super) mod list_and_includes;
pub(super) mod long_name;
pub(super) mod misplaced_text;
pub(super) mod missing_relation;
pub(super) mod mixed_series;
pub(super) mod no_onmatch;
pub(super) mod no_root;
pub(super) mod not_allowed;
pub(super) mod not_well_formed;
pub(super) mod unknown_attribute;
pub(super) mod unknown_condition;
pub(super) mod unknown_field;
pub(super) mod unknown_option;
pub(super) mod unreadable;
