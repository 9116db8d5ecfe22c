//! The tables a query can name: `events`, `sysmon`, one view per event type, `sysmon_events`, and the names a user
//! binds for a notebook. Each is made for the query at hand, with the columns it mentions. It refuses to read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use datafusion::datasource::provider_as_source;
use telemetry::{Atom, Plan, RowFilter, Test, header, ossem, sysmon_fields};

use super::provider::EventTable;
use super::pushdown::has_id;
use super::recipe::Recipe;
use super::shared::Source;
use crate::dialect::{LookedAt, Prepared, TableSources, Tables};

/// The table of all events.
pub(crate) const EVENTS: &str = "events";
const SYSMON: &str = "sysmon";
const SYSMON_EVENTS: &str = "sysmon_events";
/// Channels that hold Sysmon's events, in lower case.
const SYSMON_CHANNELS: [&str; 2] = [
    "microsoft-windows-sysmon/operational",
    "linux-sysmon/operational",
];

/// The tables over one set of files.
pub(crate) struct Catalog {
    source: Arc<Source>,
    /// Further names for `events`, in lower case.
    bound: BTreeSet<String>,
    /// Fields that occur in the files, as spelled; learnt when a query asks for `*`.
    fields: OnceLock<Vec<String>>,
}

impl Catalog {
    pub(crate) fn new(source: Arc<Source>, bound: &[String]) -> Self {
        Self {
            source,
            bound: bound.iter().map(|b| b.to_lowercase()).collect(),
            fields: OnceLock::new(),
        }
    }

    /// Reads the files once to learn which fields they have.
    pub(crate) fn discover(&self) -> &[String] {
        self.fields.get_or_init(|| {
            let plan = Plan::discovery();
            let mut scan = self.source.scan(plan.clone());
            for _ in &mut scan {}
            self.source.finished(&scan, &plan);
            scan.report()
                .fields
                .into_iter()
                .filter(|f| !header::is_header(&f.to_lowercase()))
                .collect()
        })
    }

    /// The tables that the query reads, each with the columns it mentions and no others: planning takes longer the
    /// more columns there are, and a pack of hunts is planned every time.
    pub(crate) fn sources(&self, query: &Prepared) -> TableSources {
        self.tables_of(query)
            .map(|(name, _, table)| (name.clone(), provider_as_source(Arc::new(table))))
            .collect()
    }

    /// What reading for the query takes, as far as its text tells: perhaps more than will be read.
    pub(crate) fn foreseen(&self, query: &Prepared) -> Vec<Plan> {
        self.tables_of(query)
            .map(|(_, ids, table)| table.plan(ids.among()))
            .collect()
    }

    fn tables_of<'q>(
        &self,
        query: &'q Prepared,
    ) -> impl Iterator<Item = (&'q String, &'q LookedAt, EventTable)> {
        let mut mentioned: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for m in &query.mentioned {
            mentioned
                .entry(&m.table)
                .or_default()
                .insert(m.column.clone());
        }
        query.tables.iter().map(move |(table, ids)| {
            let columns = mentioned.remove(table.as_str()).unwrap_or_default();
            (table, ids, self.table_for(table, columns))
        })
    }

    fn table_for(&self, table: &str, wanted: BTreeSet<String>) -> EventTable {
        let raw = || wanted.iter().map(|c| Recipe::raw(c)).collect();
        let (recipes, clauses) = if table == SYSMON_EVENTS {
            (ossem_recipes(&wanted), vec![vec![is_sysmon()]])
        } else if table == EVENTS || self.bound.contains(table) {
            (raw(), Vec::new())
        } else {
            let ids = sysmon_fields::views().find(|(name, _)| *name == table);
            let ids = ids.map(|(_, ids)| ids.iter().map(|id| i64::from(*id)).collect());
            let sysmon = std::iter::once(vec![is_sysmon()]);
            let clauses = sysmon.chain(ids.map(|ids| vec![has_id(ids)]));
            (raw(), clauses.collect())
        };
        let rows = RowFilter { clauses };
        EventTable::new(recipes, rows, Arc::clone(&self.source))
    }
}

/// The columns under the OSSEM and HELK names, typed; every raw name a query mentions besides.
fn ossem_recipes(wanted: &BTreeSet<String>) -> Vec<Recipe> {
    let columns = ossem::columns().iter();
    let named: Vec<Recipe> = columns
        .filter(|c| wanted.contains(&c.name.to_lowercase()))
        .map(Recipe::ossem)
        .collect();
    let raw = wanted
        .iter()
        .filter(|w| !named.iter().any(|r| r.name() == w.as_str()))
        .map(|name| Recipe::raw(name));
    let raw: Vec<Recipe> = raw.collect();
    named.into_iter().chain(raw).collect()
}

impl Tables for Catalog {
    fn table(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let known = [EVENTS, SYSMON, SYSMON_EVENTS].contains(&name.as_str())
            || self.bound.contains(&name)
            || sysmon_fields::views().any(|(view, _)| view == name);
        known.then_some(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec![
            EVENTS.to_owned(),
            SYSMON.to_owned(),
            SYSMON_EVENTS.to_owned(),
        ];
        names.extend(sysmon_fields::views().map(|(name, _)| name.to_owned()));
        names.extend(
            self.bound
                .iter()
                .filter(|b| !names.contains(b))
                .cloned()
                .collect::<Vec<_>>(),
        );
        names
    }

    fn canonical(&self, table: &str, name: &str) -> Option<String> {
        if table == SYSMON_EVENTS
            && let Some(column) = ossem::column(name)
        {
            return Some(column.name.to_lowercase());
        }
        let canonical = header::canonical(name);
        let known = header::is_header(&canonical)
            || sysmon_fields::field_type(&canonical).is_some()
            || self
                .fields
                .get()
                .is_some_and(|fields| fields.iter().any(|f| f.to_lowercase() == canonical));
        known.then_some(canonical)
    }

    fn columns(&self, table: &str) -> Vec<String> {
        if table == SYSMON_EVENTS {
            return ossem::columns().iter().map(|c| c.name.clone()).collect();
        }
        let mut names: Vec<String> = header::columns().iter().map(|c| c.name.clone()).collect();
        names.extend([
            header::SOURCE_FILE.to_owned(),
            header::SOURCE_OFFSET.to_owned(),
        ]);
        match sysmon_fields::views().find(|(name, _)| *name == table) {
            Some((_, ids)) => {
                names.extend(sysmon_fields::fields_of(ids).iter().map(|f| f.name.clone()))
            }
            None => names.extend(self.discover().iter().cloned()),
        }
        names
    }
}

fn is_sysmon() -> Atom {
    Atom {
        column: "channel".to_owned(),
        test: Test::LowerIn(SYSMON_CHANNELS.map(str::to_owned).to_vec()),
    }
}
