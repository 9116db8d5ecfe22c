//! Two configurations compared by meaning: rules added, removed, moved to another element, changed.
//! Layout, comments, letter case of values and the splitting into groups do not count as differences.

use std::collections::BTreeMap;

use crate::rules::{Element, Filter, Relation, RuleSet, Unit};
use crate::schema::{self, Verdict};
use crate::show;

/// What a rule means, however it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meaning {
    /// Its conditions in order, as text; sorted inside a `<Rule>`.
    pub conditions: Vec<String>,
    /// `and` or `or` for a `<Rule>` with several conditions.
    pub relation: Option<&'static str>,
    /// The name it reports.
    pub name: String,
}

/// Where a rule takes effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    /// `include` or `exclude`.
    pub verdict: &'static str,
    /// How the element around it combines, where that matters.
    pub relation: &'static str,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the new configuration has it.
    Added(Home, Meaning),
    /// Only the old one has it.
    Removed(Home, Meaning),
    /// It takes effect elsewhere: from include to exclude, or in another combination.
    Moved(Meaning, Home, Home),
    /// The same conditions under another name, or another value under the same name and field.
    Changed(Home, Meaning, Meaning),
    /// How the event type is treated as a whole.
    Extent(String, String),
}

/// The differences of one event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagDiff {
    /// The tag.
    pub tag: String,
    /// What differs, in a fixed order.
    pub changes: Vec<Change>,
}

/// All differences, by event type; empty where the two mean the same.
pub fn diff(old: &RuleSet, new: &RuleSet) -> Vec<TagDiff> {
    let (before, after) = (show::rows(old), show::rows(new));
    let mut out = Vec::new();
    for (i, tag) in schema::newest().tags().into_iter().enumerate() {
        let mut changes = Vec::new();
        if let (Some(a), Some(b)) = (before.get(i), after.get(i))
            && a.extent != b.extent
        {
            changes.push(Change::Extent(a.words.clone(), b.words.clone()));
        }
        changes.extend(rules(old, new, tag));
        if !changes.is_empty() {
            out.push(TagDiff {
                tag: tag.to_owned(),
                changes,
            });
        }
    }
    out
}

type Placed = (Meaning, Home);
type Counted = BTreeMap<Placed, i64>;

fn rules(old: &RuleSet, new: &RuleSet, tag: &str) -> Vec<Change> {
    let mut counted = Counted::new();
    for (rules, step) in [(old, -1), (new, 1)] {
        for element in rules.kept().filter(|e| e.tag == tag) {
            for unit in units(element) {
                *counted.entry(unit).or_default() += step;
            }
        }
    }
    let mut removed: Vec<Placed> = Vec::new();
    let mut added: Vec<Placed> = Vec::new();
    for ((meaning, home), count) in counted {
        let list = if count < 0 { &mut removed } else { &mut added };
        for _ in 0..count.unsigned_abs() {
            list.push((meaning.clone(), home.clone()));
        }
    }
    let mut changes = Vec::new();
    let mut pair = |same: fn(&Placed, &Placed) -> bool, made: fn(Placed, Placed) -> Change| {
        let mut i = 0;
        while i < removed.len() {
            if let Some(k) = added.iter().position(|a| same(&removed[i], a)) {
                changes.push(made(removed.remove(i), added.remove(k)));
            } else {
                i += 1;
            }
        }
    };
    pair(|a, b| a.0 == b.0, |a, b| Change::Moved(a.0, a.1, b.1));
    let changed = |a: Placed, b: Placed| Change::Changed(a.1, a.0, b.0);
    pair(
        |a, b| a.1 == b.1 && a.0.conditions == b.0.conditions && a.0.relation == b.0.relation,
        changed,
    );
    pair(
        |a, b| {
            a.1 == b.1
                && !a.0.name.is_empty()
                && a.0.name == b.0.name
                && fields(&a.0) == fields(&b.0)
        },
        changed,
    );
    changes.extend(removed.into_iter().map(|(m, h)| Change::Removed(h, m)));
    changes.extend(added.into_iter().map(|(m, h)| Change::Added(h, m)));
    changes
}

/// The fields of a rule's conditions.
fn fields(m: &Meaning) -> Vec<&str> {
    let first = |c: &'_ str| c.find(' ').unwrap_or(c.len());
    m.conditions.iter().map(|c| &c[..first(c)]).collect()
}

fn units(element: &Element) -> Vec<(Meaning, Home)> {
    let units = element.units();
    // One rule alone means the same under `and` and `or`.
    let relation = match element.relation {
        Relation::And if units.len() > 1 => "and",
        _ => "or",
    };
    let home = Home {
        verdict: match element.on_match {
            Verdict::Include => "include",
            Verdict::Exclude => "exclude",
        },
        relation,
    };
    let condition = |f: &Filter| {
        format!(
            "{} {} {}",
            f.field_name,
            f.op.name(),
            f.value.to_ascii_lowercase()
        )
    };
    units
        .iter()
        .map(|unit| match unit {
            Unit::Filter(f) => Meaning {
                conditions: vec![condition(f)],
                relation: None,
                name: f.name.clone(),
            },
            Unit::Rule(_, relation, filters) => {
                let mut conditions: Vec<String> = filters.iter().map(|f| condition(f)).collect();
                conditions.sort();
                conditions.dedup();
                Meaning {
                    relation: (conditions.len() > 1).then_some(match relation {
                        Relation::And => "and",
                        Relation::Or => "or",
                    }),
                    conditions,
                    name: filters.last().map_or(String::new(), |f| f.name.clone()),
                }
            }
        })
        .map(|meaning| (meaning, home.clone()))
        .collect()
}

impl Meaning {
    /// One line.
    pub fn text(&self) -> String {
        let joined = self
            .conditions
            .join(&format!(" {} ", self.relation.unwrap_or("and")));
        if self.name.is_empty() {
            joined
        } else {
            format!("{joined}  [{}]", self.name)
        }
    }
}

/// The differences as text, a line each.
pub fn text(diffs: &[TagDiff]) -> String {
    let mut out = String::new();
    if diffs.is_empty() {
        out.push_str("no difference in meaning\n");
    }
    for diff in diffs {
        out.push_str(&diff.tag);
        out.push('\n');
        for change in &diff.changes {
            let line = match change {
                Change::Added(h, m) => format!("  + {}: {}", h.verdict, m.text()),
                Change::Removed(h, m) => format!("  - {}: {}", h.verdict, m.text()),
                Change::Moved(m, a, b) => format!(
                    "  > from {} ({}) to {} ({}): {}",
                    a.verdict,
                    a.relation,
                    b.verdict,
                    b.relation,
                    m.text()
                ),
                Change::Changed(h, a, b) => {
                    format!("  ~ {}: {}\n      now {}", h.verdict, a.text(), b.text())
                }
                Change::Extent(a, b) => format!("  ! {a}\n      now {b}"),
            };
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}
