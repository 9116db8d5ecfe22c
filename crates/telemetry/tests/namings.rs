//! The names of the header and those of OSSEM do not contradict each other.
#![allow(clippy::unwrap_used)]

use schema::{ossem, sysmon};
use telemetry::header;

#[test]
fn a_feed_is_a_field_or_a_header_column_but_not_both() {
    for c in ossem::columns() {
        for feed in &c.from {
            let field = sysmon::field_type(&feed.field).is_some();
            let in_header = header::by_name(&feed.field.to_lowercase()).is_some();
            assert!(
                !(field && in_header),
                "{} of {} is ambiguous",
                feed.field,
                c.name
            );
        }
    }
}

/// A name that both namings use must mean the same thing in both.
#[test]
fn names_of_the_header_mean_the_header() {
    for c in ossem::columns() {
        for name in c.names() {
            if let Some(i) = header::by_name(&name.to_lowercase()) {
                assert_eq!(c.from.len(), 1, "{name}");
                assert_eq!(header::columns()[i].name, c.from[0].field, "{name}");
            }
        }
    }
}
