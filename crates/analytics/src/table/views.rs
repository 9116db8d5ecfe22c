//! The tables a query can name: `events`, `sysmon`, one view per event type, `sysmon_events`, and the names a user
//! binds for a notebook. Each is made for the query at hand, with the columns it mentions. It refuses to read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use datafusion::catalog::TableProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::common::{Column, Result};
use datafusion::datasource::provider_as_source;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ScalarUDF, case, in_list, lit, when};
use datafusion::prelude::SessionContext;
use telemetry::{Plan, header, ossem, sysmon_fields};

use super::conversion;
use super::provider::EventTable;
use super::shared::Source;
use crate::dialect::{Mention, Tables};

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
                .filter(|f| header::by_name(&f.to_lowercase()).is_none())
                .collect()
        })
    }

    /// The name a column is shown under when a query asks for `*`.
    pub(crate) fn display_name(&self, table: &str, column: &str) -> String {
        if table == SYSMON_EVENTS && ossem::column(column).is_some() {
            return column.to_owned();
        }
        if let Some(i) = header::by_name(column) {
            return header::columns()[i].name.clone();
        }
        let spelled = self
            .fields
            .get()
            .and_then(|f| f.iter().find(|f| f.to_lowercase() == column));
        match (spelled, sysmon_name(column)) {
            (Some(name), _) => name.clone(),
            (None, Some(name)) => name.to_owned(),
            (None, None) => column.to_owned(),
        }
    }

    /// Registers the tables that the statement names, with the columns it mentions; with all of them where it asks for
    /// `*` (`whole`). Planning takes longer the more columns there are, and a pack of hunts is planned every time.
    pub(crate) fn register(
        &self,
        context: &SessionContext,
        statement: &str,
        mentions: &[Mention],
        whole: bool,
    ) -> Result<()> {
        let mut mentioned: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for m in mentions {
            mentioned
                .entry(&m.table)
                .or_default()
                .insert(m.column.clone());
        }
        let lower = context.state().scalar_functions().get("lower").cloned();
        // A table's name inside a text or another name only costs its registration.
        for table in self
            .names()
            .into_iter()
            .filter(|t| statement.contains(t.as_str()))
        {
            let extra = mentioned.remove(table.as_str()).unwrap_or_default();
            context.register_table(
                &*table,
                self.table_for(&table, extra, whole, lower.as_ref())?,
            )?;
        }
        Ok(())
    }

    fn table_for(
        &self,
        table: &str,
        extra: BTreeSet<String>,
        whole: bool,
        lower: Option<&Arc<ScalarUDF>>,
    ) -> Result<Arc<dyn TableProvider>> {
        let ids: Option<Vec<u32>> = sysmon_fields::views()
            .find(|(name, _)| *name == table)
            .map(|(_, ids)| ids.to_vec());
        if table == SYSMON_EVENTS {
            return self.ossem(extra, whole, lower);
        }
        let mut columns = if whole { header_columns() } else { Vec::new() };
        match (&ids, whole) {
            // What the events can have, in their own order.
            (Some(ids), true) => add(
                &mut columns,
                sysmon_fields::fields_of(ids)
                    .iter()
                    .map(|f| f.name.to_lowercase()),
            ),
            (None, true) => add(
                &mut columns,
                self.discover().iter().map(|f| f.to_lowercase()),
            ),
            (_, false) => {}
        }
        add(&mut columns, extra.into_iter());
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
        let mut filter = is_sysmon(lower);
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
    fn ossem(
        &self,
        extra: BTreeSet<String>,
        whole: bool,
        lower: Option<&Arc<ScalarUDF>>,
    ) -> Result<Arc<dyn TableProvider>> {
        let mut columns = vec!["channel".to_owned(), "eventid".to_owned()];
        let mut shown: Vec<(String, Expr)> = Vec::new();
        for c in ossem::columns()
            .iter()
            .filter(|c| whole || extra.contains(&c.name.to_lowercase()))
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
        let raw = extra
            .into_iter()
            .filter(|e| !shown.iter().any(|(name, _)| name == e))
            .collect::<Vec<_>>();
        add(&mut columns, raw.iter().cloned());
        shown.extend(raw.iter().map(|name| (name.clone(), column(name))));
        let base = Arc::new(EventTable::new(columns, Arc::clone(&self.source)));
        let plan = LogicalPlanBuilder::scan(EVENTS, provider_as_source(base), None)?
            .filter(is_sysmon(lower))?
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
        let known = header::by_name(&canonical).is_some()
            || canonical == header::SOURCE_FILE
            || canonical == header::SOURCE_OFFSET
            || sysmon_fields::field_type(&canonical).is_some()
            || self
                .fields
                .get()
                .is_some_and(|fields| fields.iter().any(|f| f.to_lowercase() == canonical));
        known.then_some(canonical)
    }

    fn columns(&self, table: &str) -> Option<Vec<String>> {
        if table == SYSMON_EVENTS {
            return Some(ossem::columns().iter().map(|c| c.name.clone()).collect());
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
        Some(names)
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

fn is_sysmon(lower: Option<&Arc<ScalarUDF>>) -> Expr {
    let channel = column("channel");
    let channel = match lower {
        Some(lower) => lower.call(vec![channel]),
        None => channel,
    };
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

fn header_columns() -> Vec<String> {
    let mut columns: Vec<String> = header::columns()
        .iter()
        .map(|c| c.name.to_lowercase())
        .collect();
    columns.extend([
        header::SOURCE_FILE.to_owned(),
        header::SOURCE_OFFSET.to_owned(),
    ]);
    columns
}

fn add(columns: &mut Vec<String>, more: impl Iterator<Item = String>) {
    for name in more {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
}

/// A Sysmon field as its schema spells it.
fn sysmon_name(lower: &str) -> Option<&'static str> {
    sysmon_fields::events()
        .iter()
        .flat_map(|e| &e.fields)
        .find(|f| f.name.to_lowercase() == lower)
        .map(|f| f.name.as_str())
}
