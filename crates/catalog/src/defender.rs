//! What Microsoft Defender for Endpoint claims to record, by ATT&CK's data components: its advanced hunting tables and their
//! action types, as OSSEM-DM has them. A claim of the product's documentation, not an arrow: by which mechanism it sees is
//! not public.

use crate::storage::ComponentId;
use serde::Serialize;

/// Made by `tools/catalog-tables`: component, table, action type.
static TABLES: &str = include_str!("../data/generated/defender_tables.tsv");

/// The source, and of when it is.
pub const SOURCE: &str = "ossem-dm of 2022-10-11";

/// A table of advanced hunting that holds a component's events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DefenderTable {
    /// The component, by its id in the catalog.
    pub component: &'static str,
    /// `DeviceEvents`.
    pub table: &'static str,
    /// Its `ActionType`; empty where all are meant.
    pub action: &'static str,
}

/// Every row.
pub fn all() -> impl Iterator<Item = DefenderTable> {
    TABLES.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(DefenderTable {
            component: fields.next()?,
            table: fields.next()?,
            action: fields.next()?,
        })
    })
}

/// The tables that hold a component's events.
pub fn of(component: ComponentId) -> impl Iterator<Item = DefenderTable> {
    all().filter(move |t| t.component == component.slug())
}

/// The components of which a table, or an action type, is evidence.
pub fn components(name: &str) -> Vec<ComponentId> {
    let is = |t: &DefenderTable| {
        t.table.eq_ignore_ascii_case(name) || t.action.eq_ignore_ascii_case(name)
    };
    let mut found: Vec<_> = all()
        .filter(is)
        .filter_map(|t| ComponentId::named(t.component))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_belong_to_components_of_the_catalog() {
        for row in all() {
            assert!(ComponentId::named(row.component).is_some(), "{row:?}");
        }
        let opened = components("OpenProcessApiCall");
        assert_eq!(opened.len(), 1);
        assert!(of(opened[0]).any(|t| t.table == "DeviceEvents"));
        assert!(components("").is_empty());
    }
}
