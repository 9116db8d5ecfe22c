//! Rules that look for words in every field. Which fields there are is known only once the logs have been read, so these
//! rules have a reading of their own: of the events alone that can feed them, and none where there are none.

use std::collections::BTreeSet;

use analytics::{Engine, EventSource, Sweep};
use arrow::array::RecordBatch;
use predicate::Predicate;
use sigma::{Matcher, Pack, Rule};
use telemetry::{Atom, Plan, RowFilter, Test, header};

use super::HuntError;
use super::rules::{column_of, no_fields, source_columns};

/// Whether a rule looks for words in every field.
pub fn has_keywords(rule: &Rule) -> bool {
    let mut has = false;
    for feed in &rule.feeds {
        feed.predicate
            .leaves(&mut |leaf| has |= matches!(leaf, Predicate::Keyword(_)));
    }
    has
}

/// The columns that these rules name besides.
pub(super) fn columns(pack: &Pack) -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    let feeds = pack
        .rules
        .iter()
        .filter(|r| has_keywords(r))
        .flat_map(|r| &r.feeds);
    for feed in feeds {
        feed.predicate.leaves(&mut |leaf| match leaf {
            Predicate::Atom(atom) => {
                columns.insert(column_of(&atom.field));
            }
            Predicate::Fields(pair) => {
                columns.extend([column_of(&pair.field), column_of(&pair.other)]);
            }
            _ => {}
        });
    }
    columns
}

/// A rule with its number and the sources that can feed it.
type FedRule<'p> = (usize, &'p Rule, Vec<&'p EventSource>);

/// The rules with words that the events of a source can feed.
fn fed<'p>(pack: &'p Pack, sweep: &'p Sweep) -> Vec<FedRule<'p>> {
    let worded = pack
        .rules
        .iter()
        .enumerate()
        .filter(|(_, r)| has_keywords(r));
    let with_sources = worded.map(|(n, rule)| {
        let accepts = |source: &&EventSource| {
            let id = source.event_id.and_then(|id| u32::try_from(id).ok());
            let mut feeds = rule.feeds.iter();
            feeds.any(|f| f.route.accepts(&source.log_source(), id))
        };
        let sources = sweep.census.iter().map(|(source, _)| source);
        (n, rule, sources.filter(accepts).collect::<Vec<_>>())
    });
    with_sources
        .filter(|(_, _, sources)| !sources.is_empty())
        .collect()
}

/// Takes a batch and the matches in it, by rule and row.
type EachMatches<'a> = dyn FnMut(&RecordBatch, &[(usize, usize)]) -> Result<(), HuntError> + 'a;

/// Reads the events that feed rules with words, with all of their fields, and gives the matches batch by batch.
pub(super) fn read(
    pack: &Pack,
    engine: &Engine,
    sweep: &Sweep,
    mut columns: BTreeSet<String>,
    each: &mut EachMatches<'_>,
) -> Result<(), HuntError> {
    let fed = fed(pack, sweep);
    if fed.is_empty() {
        return Ok(());
    }
    let rules = fed.iter().map(|(n, rule, _)| (*n, *rule));
    let matcher = Matcher::of(rules, source_columns(), &column_of, &no_fields());
    let channels: Option<BTreeSet<String>> = fed
        .iter()
        .flat_map(|(_, _, sources)| sources)
        .map(|source| source.channel.clone())
        .collect();
    let filter = RowFilter {
        // Where some of them have no channel, all are read.
        clauses: channels.map_or_else(Vec::new, |channels| {
            vec![vec![Atom {
                column: "channel".to_owned(),
                test: Test::TextIn(channels.into_iter().collect()),
            }]]
        }),
    };
    columns.extend(matcher.columns().map(str::to_owned));
    columns.extend(sweep.report.fields.iter().map(|f| f.to_lowercase()));
    columns.extend(header::columns().iter().map(|c| c.name.to_lowercase()));
    let plan = Plan {
        columns: columns.into_iter().collect(),
        filter,
        discover: false,
    };
    let read = engine.read_each(plan, &mut |batch| each(batch, &matcher.matches(batch)?));
    read.map(drop)
}
