//! Rules over batches of events: each batch is split by where its events come from, and each part asked the rules that it
//! can feed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use predicate::Predicate;
use predicate::eval::{EvalError, Evaluator, column};
use schema::LogSource;

use crate::load::Rule;
use crate::source::{Route, renamed};

/// The columns of a batch that say where its events come from.
#[derive(Clone, Debug)]
pub struct SourceColumns {
    /// The channel of the header.
    pub channel: String,
    /// The provider.
    pub provider: String,
    /// The event id.
    pub event_id: String,
}

/// Rules ready for batches.
#[derive(Debug)]
pub struct Matcher {
    source: SourceColumns,
    groups: Vec<Group>,
    fields: BTreeSet<String>,
    keywords: bool,
}

/// Rules that the same events can feed.
#[derive(Debug)]
struct Group {
    route: Route,
    rules: Vec<usize>,
    evaluator: Evaluator,
    /// The columns its rules look at; `None` for all.
    columns: Option<BTreeSet<String>>,
}

/// Why a batch cannot be matched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatchError {
    /// A column cannot be read as text.
    #[error(transparent)]
    Evaluation(#[from] EvalError),
    /// The batch cannot be split.
    #[error(transparent)]
    Arrow(#[from] arrow::error::ArrowError),
}

impl Matcher {
    /// Prepares rules. `column_of` gives the column that holds a field; `not_fields` names the columns that are no field of
    /// an event, so that no keyword is looked for in them.
    pub fn new(
        rules: &[Rule],
        source: SourceColumns,
        column_of: &dyn Fn(&str) -> String,
        not_fields: &[String],
    ) -> Self {
        Self::of(rules.iter().enumerate(), source, column_of, not_fields)
    }

    /// The same of some rules, each under the number that its matches shall bear.
    pub fn of<'r>(
        rules: impl IntoIterator<Item = (usize, &'r Rule)>,
        source: SourceColumns,
        column_of: &dyn Fn(&str) -> String,
        not_fields: &[String],
    ) -> Self {
        let mut groups: BTreeMap<Route, (Vec<usize>, Vec<Predicate>)> = BTreeMap::new();
        let mut fields = BTreeSet::new();
        let mut keywords = false;
        for (number, rule) in rules {
            for feed in &rule.feeds {
                let predicate = renamed(&feed.predicate, column_of);
                predicate.leaves(&mut |leaf| match leaf {
                    Predicate::Atom(atom) => {
                        fields.insert(atom.field.to_string());
                    }
                    Predicate::Fields(pair) => {
                        fields.extend([pair.field.to_string(), pair.other.to_string()]);
                    }
                    _ => keywords = true,
                });
                // The names of fields and the event types are in the predicate.
                let route = Route {
                    fields: BTreeMap::new(),
                    event_types: None,
                    ..feed.route.clone()
                };
                let group = groups.entry(route).or_default();
                group.0.push(number);
                group.1.push(predicate);
            }
        }
        let group = |(route, (rules, predicates)): (Route, (Vec<usize>, Vec<Predicate>))| Group {
            route,
            rules,
            columns: named(&predicates),
            evaluator: Evaluator::new(&predicates).without_keywords_in(not_fields.to_vec()),
        };
        Self {
            source,
            groups: groups.into_iter().map(group).collect(),
            fields,
            keywords,
        }
    }

    /// The columns the rules name.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }

    /// Whether a rule looks for words in every field.
    pub fn has_keywords(&self) -> bool {
        self.keywords
    }

    /// The matches in a batch: the number of a rule and a row, in order of the rows.
    ///
    /// # Errors
    /// Where a column cannot be read as text.
    pub fn matches(&self, batch: &RecordBatch) -> Result<Vec<(usize, usize)>, MatchError> {
        let mut out = Vec::new();
        let kinds = self.kinds(batch)?;
        for (n, group) in self.groups.iter().enumerate() {
            let rows = BooleanBuffer::collect_bool(batch.num_rows(), |row| kinds.accepts(row, n));
            let count = rows.count_set_bits();
            if count == 0 {
                continue;
            }
            let part = group.part(batch)?;
            let part = match count == batch.num_rows() {
                true => part,
                false => filter_record_batch(&part, &BooleanArray::new(rows.clone(), None))?,
            };
            let rows: Vec<usize> = rows.set_indices().collect();
            for (bits, rule) in group.evaluator.evaluate(&part)?.iter().zip(&group.rules) {
                out.extend(bits.set_indices().map(|at| (*rule, rows[at])));
            }
        }
        out.sort_unstable_by_key(|(rule, row)| (*row, *rule));
        out.dedup();
        Ok(out)
    }

    /// For each row the kind of its source, and which groups each kind feeds.
    fn kinds(&self, batch: &RecordBatch) -> Result<Kinds, EvalError> {
        let channel = column(batch, &self.source.channel)?;
        let provider = column(batch, &self.source.provider)?;
        let event_id = column(batch, &self.source.event_id)?;
        let mut known: HashMap<[u32; 3], usize> = HashMap::new();
        let mut kinds = Kinds {
            of_row: Vec::with_capacity(batch.num_rows()),
            feeds: Vec::new(),
        };
        for row in 0..batch.num_rows() {
            let key = [&channel, &provider, &event_id]
                .map(|c| c.as_ref().map_or(u32::MAX, |c| c.keys[row]));
            let text = |c: &'_ Option<predicate::eval::Distinct<'_>>, key: u32| -> Option<String> {
                c.as_ref()?
                    .values
                    .get(key as usize)?
                    .as_deref()
                    .map(str::to_owned)
            };
            let kind = *known.entry(key).or_insert_with(|| {
                let (channel, provider) = (text(&channel, key[0]), text(&provider, key[1]));
                let source = LogSource::of(channel.as_deref(), provider.as_deref());
                let id = text(&event_id, key[2]).and_then(|id| id.parse().ok());
                let feeds = self.groups.iter().map(|g| g.route.accepts(&source, id));
                kinds.feeds.push(feeds.collect());
                kinds.feeds.len() - 1
            });
            kinds.of_row.push(kind);
        }
        Ok(kinds)
    }
}

impl Group {
    /// The columns of a batch that its rules look at.
    fn part(&self, batch: &RecordBatch) -> Result<RecordBatch, MatchError> {
        let Some(wanted) = &self.columns else {
            return Ok(batch.clone());
        };
        let fields = batch.schema_ref().fields().iter().enumerate();
        let is_wanted = |name: &str| wanted.contains(&name.to_ascii_lowercase());
        let places = fields.filter(|(_, f)| is_wanted(f.name())).map(|(n, _)| n);
        Ok(batch.project(&places.collect::<Vec<_>>())?)
    }
}

/// The columns that predicates look at, in lower case; `None` where one looks at all.
fn named(predicates: &[Predicate]) -> Option<BTreeSet<String>> {
    let mut columns = Some(BTreeSet::new());
    for predicate in predicates {
        predicate.leaves(&mut |leaf| {
            let names: &[&str] = match leaf {
                Predicate::Atom(atom) => &[&atom.field],
                Predicate::Fields(pair) => &[&pair.field, &pair.other],
                _ => {
                    columns = None;
                    &[]
                }
            };
            if let Some(columns) = &mut columns {
                columns.extend(names.iter().map(|n| n.to_ascii_lowercase()));
            }
        });
    }
    columns
}

/// The sources of a batch's rows.
struct Kinds {
    of_row: Vec<usize>,
    feeds: Vec<Vec<bool>>,
}

impl Kinds {
    fn accepts(&self, row: usize, group: usize) -> bool {
        self.feeds[self.of_row[row]][group]
    }
}
