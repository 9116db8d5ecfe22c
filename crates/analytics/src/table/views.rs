//! The tables a query can name: `events`, `sysmon`, one view per event type, `sysmon_events`, and the names a user
//! binds for a notebook. Each is made for the query at hand, with the columns it mentions. It refuses to read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::{Column, Result};
use datafusion::datasource::provider_as_source;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, case, in_list, lit, when};
use telemetry::{Plan, header, ossem, sysmon_fields};

use super::conversion;
use super::provider::EventTable;
use super::shared::Source;
use crate::dialect::{Prepared, TableSources, Tables};
use crate::functions;

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
    pub(crate) fn sources(&self, query: &Prepared) -> Result<TableSources> {
        let mut mentioned: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for m in &query.mentioned {
            mentioned
                .entry(&m.table)
                .or_default()
                .insert(m.column.clone());
        }
        query
            .tables
            .iter()
            .map(|table| {
                let columns = mentioned.remove(table.as_str()).unwrap_or_default();
                let provider = self.table_for(table, columns)?;
                Ok((table.clone(), provider_as_source(provider)))
            })
            .collect()
    }

    fn table_for(&self, table: &str, wanted: BTreeSet<String>) -> Result<Arc<dyn TableProvider>> {
        let ids: Option<Vec<u32>> = sysmon_fields::views()
            .find(|(name, _)| *name == table)
            .map(|(_, ids)| ids.to_vec());
        if table == SYSMON_EVENTS {
            return self.ossem(wanted);
        }
        let columns: Vec<String> = wanted.into_iter().collect();
        let base = Arc::new(EventTable::new(columns.clone(), Arc::clone(&self.source)));
        if table == EVENTS || self.bound.contains(table) {
            return Ok(base);
        }
        let shown = columns;
        let mut columns = shown.clone();
        add(
            &mut columns,
            ["channel", "eventid"].map(str::to_owned).into_iter(),
        );
        let base = Arc::new(EventTable::new(columns, Arc::clone(&self.source)));
        let mut filter = is_sysmon();
        if let Some(ids) = ids {
            filter = filter.and(has_id(&ids));
        }
        let plan = LogicalPlanBuilder::scan(EVENTS, provider_as_source(base), None)?
            .filter(filter)?
            .build()?;
        let shown: Vec<Expr> = shown.iter().map(|c| column(c).alias(c)).collect();
        let plan = LogicalPlanBuilder::from(plan).project(shown)?.build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }

    /// The Sysmon channel under the OSSEM and HELK names, typed; every raw name a query mentions besides.
    fn ossem(&self, wanted: BTreeSet<String>) -> Result<Arc<dyn TableProvider>> {
        let mut columns = vec!["channel".to_owned(), "eventid".to_owned()];
        let mut shown: Vec<(String, Expr)> = Vec::new();
        for c in ossem::columns()
            .iter()
            .filter(|c| wanted.contains(&c.name.to_lowercase()))
        {
            for feed in &c.from {
                add(&mut columns, std::iter::once(feed.field.to_lowercase()));
            }
            let names: Vec<String> = c.names().map(str::to_lowercase).collect();
            // A document that HELK has transformed carries the name itself.
            let own: Vec<String> = names
                .iter()
                .filter(|n| header::by_name(n).is_none())
                .cloned()
                .collect();
            add(&mut columns, own.iter().cloned());
            shown.push((names[0].clone(), ossem_value(c, &own)?));
        }
        let raw = wanted
            .into_iter()
            .filter(|e| !shown.iter().any(|(name, _)| name == e))
            .collect::<Vec<_>>();
        add(&mut columns, raw.iter().cloned());
        shown.extend(raw.iter().map(|name| (name.clone(), column(name))));
        let base = Arc::new(EventTable::new(columns, Arc::clone(&self.source)));
        let plan = LogicalPlanBuilder::scan(EVENTS, provider_as_source(base), None)?
            .filter(is_sysmon())?
            .project(
                shown
                    .into_iter()
                    .map(|(name, value)| value.alias(name))
                    .collect::<Vec<_>>(),
            )?
            .build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

impl Tables for Catalog {
    fn table(&self, name: &str) -> Option<String> {
        let name = name.to_lowercase();
        self.names().contains(&name).then_some(name)
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

/// The value of an OSSEM column: the first of its raw fields that has one, typed; else what a column of its own says.
fn ossem_value(c: &ossem::Column, own: &[String]) -> Result<Expr> {
    let typed = |raw: &str| {
        let value = column(raw);
        match c.take {
            Some(take) => conversion::part(value, take, c.key.as_deref()),
            None if header::kind(raw) == header::Kind::Text => conversion::typed(value, c.kind),
            None => value,
        }
    };
    let mut choices = Vec::new();
    if !c.values.is_empty() {
        let mut ids = c.values.iter();
        if let Some((id, text)) = ids.next() {
            let mut cases = case(column("eventid")).when(lit(i64::from(*id)), lit(text.as_str()));
            for (id, text) in ids {
                cases = cases.when(lit(i64::from(*id)), lit(text.as_str()));
            }
            choices.push(cases.end()?);
        }
    }
    for feed in &c.from {
        let value = typed(&feed.field.to_lowercase());
        choices.push(match feed.events.as_slice() {
            // A condition that no event with this field fails only makes plans longer.
            ids if sysmon_fields::events()
                .iter()
                .all(|e| !e.has(&feed.field) || ids.contains(&e.id)) =>
            {
                value
            }
            [] => value,
            ids => when(has_id(ids), value).end()?,
        });
    }
    // Its own column already holds the part that was wanted.
    choices.extend(
        own.iter()
            .map(|name| conversion::typed(column(name), c.kind)),
    );
    Ok(match choices.len() {
        1 => choices.swap_remove(0),
        _ => coalesce(choices),
    })
}

fn is_sysmon() -> Expr {
    let channel = functions::engine("lower").call(vec![column("channel")]);
    in_list(channel, SYSMON_CHANNELS.map(lit).to_vec(), false)
}

fn has_id(ids: &[u32]) -> Expr {
    match ids {
        [id] => column("eventid").eq(lit(i64::from(*id))),
        ids => in_list(
            column("eventid"),
            ids.iter().map(|id| lit(i64::from(*id))).collect(),
            false,
        ),
    }
}

/// A column by its exact name: names hold dots and capitals of their own.
fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn add(columns: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for name in more {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
}
