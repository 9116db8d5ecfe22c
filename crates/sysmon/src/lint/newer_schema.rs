//! # SC130 newer-schema
//!
//! The file names a schema version that is newer than the newest known one.
//!
//! What it does: Reports versions above the newest published schema.
//!
//! Why it matters: Sysmon accepts any newer version and validates with the tables that it has (with
//! the second newest, in fact), so the number promises fields that may not exist.
//!
//! Example: `<Sysmon schemaversion="5.00">`.
//!
//! Use instead: the version that `sysmon -s` prints.
//!
//! Source: SysmonCommon, generated version ladder; conformance vectors ver_491, ver_5.

use super::context::{Context, warning};
use crate::diagnostic::Diagnostic;
use crate::schema;
pub(super) fn check(cx: &Context<'_>, out: &mut Vec<Diagnostic>) {
    let (version, newest) = (cx.config.version, schema::newest().version);
    if version <= newest {
        return;
    }
    let used = schema::for_validation(version).map_or(newest, |s| s.version);
    if let Some(a) = cx.tree.attribute(cx.root, "schemaversion") {
        out.push(
            warning(
                "SC130",
                a.value_span,
                format!("schema version {version} is newer than {newest}, the newest known"),
            )
            .note(format!(
                "Sysmon accepts it and validates the file as one of version {used}."
            )),
        );
    }
}
