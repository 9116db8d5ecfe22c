//! The tables a query can name: `events`, `sysmon`, one view per event type, `sysmon_events`, and the names a user
//! binds for a notebook. Each is made for the query at hand, with the columns it mentions. It refuses to read.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use datafusion::datasource::provider_as_source;
use schema::{Sensor, ossem, sysmon};
use spark::dialect::{LookedAt, Prepared, TableSources, Tables};
use spark::functions::udf::Scalar;
use telemetry::{Atom, Plan, RowFilter, Test, header};

use super::provider::EventTable;
use super::pushdown::has_id;
use super::recipe::Recipe;
use super::shared::{Found, QueryState, Source};

/// The table of all events.
pub(crate) const EVENTS: &str = "events";
const SYSMON: &str = "sysmon";
/// The tables under the OSSEM and HELK names: whose records they hold, and the names.
fn named(table: &str) -> Option<(Sensor, &'static ossem::Naming)> {
    match table {
        "sysmon_events" => Some((Sensor::Sysmon, ossem::sysmon_events())),
        "security_events" => Some((Sensor::Security, ossem::security_events())),
        _ => None,
    }
}

/// The names that a table has its columns under, where they are not the sensor's own.
pub(crate) fn naming_of(table: &str) -> Option<&'static ossem::Naming> {
    named(table).map(|(_, naming)| naming)
}

/// The tables over one set of files.
pub(crate) struct Catalog {
    source: Arc<Source>,
    /// Further names for `events`, in lower case.
    bound: BTreeSet<String>,
    /// What the files hold; learnt when a query asks for `*`.
    discovery: OnceLock<Discovery>,
}

/// What a reading of the files for their fields found.
struct Discovery {
    /// Fields that occur, as spelled, without the header's.
    fields: Vec<String>,
    found: Found,
}

/// The catalog as one query asks it, which notes whether the query needs to know all fields.
pub(crate) struct QueryTables<'a> {
    catalog: &'a Catalog,
    asked: Cell<bool>,
}

/// A table as a query reads it.
pub(crate) struct Reading {
    name: String,
    ids: LookedAt,
    table: Arc<EventTable>,
}

impl Reading {
    /// What it takes, as far as the query's text tells: perhaps more than will be read.
    pub(crate) fn foreseen(&self) -> Plan {
        self.table.plan(self.ids.among())
    }
}

/// The tables by name, as the engine wants them.
pub(crate) fn sources(readings: &[Reading]) -> TableSources {
    let source = |r: &Reading| {
        let table = Arc::clone(&r.table);
        (r.name.clone(), provider_as_source(table))
    };
    readings.iter().map(source).collect()
}

impl Catalog {
    pub(crate) fn new(source: Arc<Source>, bound: &[String]) -> Self {
        Self {
            source,
            bound: bound.iter().map(|b| b.to_lowercase()).collect(),
            discovery: OnceLock::new(),
        }
    }

    /// Reads the files once to learn which fields they have.
    pub(crate) fn discover(&self) -> &[String] {
        let learn = || {
            let plan = Plan::discovery();
            let mut scan = self.source.scan(plan.clone());
            for _ in &mut scan {}
            let fields = scan.report().fields.into_iter();
            Discovery {
                fields: fields
                    .filter(|f| !header::is_header(&f.to_lowercase()))
                    .collect(),
                found: Found::of(&scan, &plan),
            }
        };
        &self.discovery.get_or_init(learn).fields
    }

    /// What was found when the fields were learnt, if they were.
    pub(crate) fn discovered(&self) -> Option<&Found> {
        self.discovery.get().map(|d| &d.found)
    }

    /// The tables for one query.
    pub(crate) fn for_query(&self) -> QueryTables<'_> {
        QueryTables {
            catalog: self,
            asked: Cell::new(false),
        }
    }

    /// The tables that the query reads, each with the columns it mentions and no others: planning takes longer the
    /// more columns there are, and a pack of hunts is planned every time.
    pub(crate) fn readings(&self, query: &Prepared, state: &Arc<QueryState>) -> Vec<Reading> {
        let mut mentioned: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for m in &query.mentioned {
            mentioned
                .entry(&m.table)
                .or_default()
                .insert(m.column.clone());
        }
        let reading = |(name, ids): (&String, &LookedAt)| {
            let columns = mentioned.remove(name.as_str()).unwrap_or_default();
            Reading {
                name: name.clone(),
                ids: ids.clone(),
                table: Arc::new(self.table_for(name, columns, state)),
            }
        };
        query.tables.iter().map(reading).collect()
    }

    fn table_for(
        &self,
        table: &str,
        wanted: BTreeSet<String>,
        query: &Arc<QueryState>,
    ) -> EventTable {
        let raw = || wanted.iter().map(|c| Recipe::raw(c)).collect();
        let (recipes, sensor, mut clauses) = if let Some((sensor, naming)) = named(table) {
            let clauses = records_of(sensor);
            (ossem_recipes(naming, &wanted), Some(sensor), clauses)
        } else if table == EVENTS || self.bound.contains(table) {
            (raw(), None, Vec::new())
        } else {
            let ids = sysmon::views().find(|(name, _)| *name == table);
            let ids = ids.map(|(_, ids)| ids.iter().map(|id| i64::from(*id)).collect());
            let mut clauses = records_of(Sensor::Sysmon);
            clauses.extend(ids.map(|ids| vec![has_id(ids)]));
            (raw(), Some(Sensor::Sysmon), clauses)
        };
        clauses.extend(self.source.only().clauses.iter().cloned());
        let (source, query) = (Arc::clone(&self.source), Arc::clone(query));
        EventTable::new(recipes, sensor, RowFilter { clauses }, source, query)
    }
}

/// The columns under the OSSEM and HELK names, typed; every raw name a query mentions besides.
fn ossem_recipes(naming: &'static ossem::Naming, wanted: &BTreeSet<String>) -> Vec<Recipe> {
    let named = naming.columns().iter();
    let mut recipes: Vec<Recipe> = named
        .filter(|c| wanted.contains(&c.name.to_lowercase()))
        .map(Recipe::ossem)
        .collect();
    for name in wanted {
        if !recipes.iter().any(|r| r.name() == name) {
            recipes.push(Recipe::raw(name));
        }
    }
    recipes
}

/// The names every catalog has.
fn own_names() -> impl Iterator<Item = &'static str> {
    let views = sysmon::views().map(|(name, _)| name);
    [EVENTS, SYSMON, "sysmon_events", "security_events"]
        .into_iter()
        .chain(views)
}

impl Tables for Catalog {
    fn functions(&self) -> &'static [Scalar] {
        crate::detection_functions::FUNCTIONS
    }

    fn table(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        let known = own_names().any(|own| own == name) || self.bound.contains(&name);
        known.then_some(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = own_names().map(str::to_owned).collect();
        let others = self
            .bound
            .iter()
            .filter(|b| own_names().all(|own| own != *b));
        names.extend(others.cloned());
        names
    }

    fn canonical(&self, table: &str, name: &str) -> Option<String> {
        if let Some((_, naming)) = named(table)
            && let Some(column) = naming.column(name)
        {
            return Some(column.name.to_lowercase());
        }
        let canonical = header::canonical(name);
        let known = header::is_header(&canonical)
            || sysmon::field_type(&canonical).is_some()
            || self
                .discovery
                .get()
                .is_some_and(|d| d.fields.iter().any(|f| f.to_lowercase() == canonical));
        known.then_some(canonical)
    }

    fn columns(&self, table: &str) -> Vec<String> {
        if let Some((_, naming)) = named(table) {
            return naming.columns().iter().map(|c| c.name.clone()).collect();
        }
        let mut names: Vec<String> = header::columns().iter().map(|c| c.name.clone()).collect();
        names.extend([
            header::SOURCE_FILE.to_owned(),
            header::SOURCE_OFFSET.to_owned(),
        ]);
        match sysmon::views().find(|(name, _)| *name == table) {
            Some((_, ids)) => names.extend(sysmon::fields_of(ids).iter().map(|f| f.name.clone())),
            None => names.extend(self.discover().iter().cloned()),
        }
        names
    }
}

/// That a record is the sensor's, as [`schema::LogSource`] tells. The first clause is the one that fails most others.
fn records_of(sensor: Sensor) -> Vec<Vec<Atom>> {
    let atom = |column: &str, test| Atom {
        column: column.to_owned(),
        test,
    };
    let channel = |test| atom("channel", test);
    let provider = |test| atom("provider", test);
    let own = || channel(Test::LowerIn(sensor.channel_spellings()));
    let mut named = vec![own(), provider(Test::LowerIn(sensor.provider_spellings()))];
    let mut clauses = Vec::new();
    if let Some(word) = sensor.word() {
        let has = || Test::Contains {
            text: word.to_owned(),
            lower: true,
        };
        named.extend([channel(has()), provider(has())]);
        let others = Sensor::all().filter(|s| *s != sensor);
        let others = others.flat_map(Sensor::provider_spellings).collect();
        clauses.push(vec![own(), provider(Test::LowerNotIn(others))]);
    }
    clauses.push(vec![
        own(),
        channel(Test::LowerNotIn(sensor.foreign_channel_spellings())),
    ]);
    clauses.insert(0, named);
    clauses
}

impl QueryTables<'_> {
    /// What was found when the fields were learnt, if this query needed them.
    pub(crate) fn found(&self) -> Option<&Found> {
        self.catalog.discovered().filter(|_| self.asked.get())
    }
}

impl Tables for QueryTables<'_> {
    fn functions(&self) -> &'static [Scalar] {
        self.catalog.functions()
    }

    fn table(&self, name: &str) -> Option<String> {
        self.catalog.table(name)
    }

    fn names(&self) -> Vec<String> {
        self.catalog.names()
    }

    fn canonical(&self, table: &str, name: &str) -> Option<String> {
        self.catalog.canonical(table, name)
    }

    fn columns(&self, table: &str) -> Vec<String> {
        self.asked.set(true);
        self.catalog.columns(table)
    }
}
