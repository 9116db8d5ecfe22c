//! Two configurations compared by meaning: rules added, removed, moved to another element, changed.
//! Layout, comments, letter case of values and the splitting into groups do not count as differences.
//! What both do with recorded events is compared in `compare`.

use std::collections::BTreeMap;

use crate::options::{Options, Setting};
use crate::rules::{Element, Filter, Relation, RuleSet, Unit};
use crate::schema::{self, Verdict};
use crate::show;

/// What a rule means, however it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meaning {
    /// Its conditions as text, sorted; alternatives for one of several are one text.
    pub conditions: Vec<String>,
    /// `and` or `or` for a `<Rule>`, or an element that combines with `and`, with several conditions.
    pub relation: Option<&'static str>,
    /// The name it reports.
    pub name: String,
}

/// Where a rule takes effect: `include` or `exclude`.
pub type Home = &'static str;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the new configuration has it.
    Added(Home, Meaning),
    /// Only the old one has it.
    Removed(Home, Meaning),
    /// It takes effect elsewhere: from include to exclude, or the other way.
    Moved(Meaning, Home, Home),
    /// The same conditions under another name, or another value under the same name and field.
    Changed(Home, Meaning, Meaning),
    /// How the event type is treated as a whole.
    Extent(String, String),
    /// The same rules are asked in another order, so an event may be reported under another name.
    Order,
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
        if changes.is_empty() && reordered(old, new, tag) {
            changes.push(Change::Order);
        }
        if !changes.is_empty() {
            out.push(TagDiff {
                tag: tag.to_owned(),
                changes,
            });
        }
    }
    out
}

/// Whether rules with names are asked in another order.
fn reordered(old: &RuleSet, new: &RuleSet, tag: &str) -> bool {
    let asked = |rules: &RuleSet| -> Vec<Placed> {
        let of = |verdict| {
            let elements = rules.kept().rev().filter(move |e| e.tag == tag);
            elements.filter(move |e| e.on_match == verdict)
        };
        let elements = of(Verdict::Exclude).chain(of(Verdict::Include));
        elements.flat_map(units).collect()
    };
    let (before, after) = (asked(old), asked(new));
    before != after && before.iter().any(|(m, _)| m.names())
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
            list.push((meaning.clone(), home));
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

/// An element's rules, each with a meaning of its own.
fn units(element: &Element) -> Vec<Placed> {
    let home = match element.on_match {
        Verdict::Include => "include",
        Verdict::Exclude => "exclude",
    };
    let units = element.units();
    // One rule alone means the same under `and` and `or`.
    if element.relation == Relation::And && units.len() > 1 {
        return vec![(all_of(&units), home)];
    }
    let meanings = units.iter().map(|unit| match unit {
        Unit::Filter(f) => meaning(None, &[f]),
        Unit::Rule(_, relation, filters) => meaning(Some(*relation), filters),
    });
    meanings.map(|m| (m, home)).collect()
}

fn condition(f: &Filter) -> String {
    let value = f.value.to_ascii_lowercase();
    format!("{} {} {value}", f.field_name, f.op.name())
}

/// The meaning of filters that stand together.
fn meaning(relation: Option<Relation>, filters: &[&Filter]) -> Meaning {
    let name = filters.last().map_or("", |f| &f.name);
    let one_name = filters.iter().all(|f| f.name == name);
    let text = |f: &&Filter| match one_name || f.name.is_empty() {
        true => condition(f),
        false => format!("{} [{}]", condition(f), f.name),
    };
    let mut conditions: Vec<String> = filters.iter().map(text).collect();
    conditions.sort();
    conditions.dedup();
    Meaning {
        relation: relation.filter(|_| conditions.len() > 1).map(word),
        conditions,
        name: if one_name {
            name.to_owned()
        } else {
            String::new()
        },
    }
}

/// The meaning of an element that combines with `and`: fields whose filters are alternatives, and rules.
fn all_of(units: &[Unit<'_>]) -> Meaning {
    let mut fields: Vec<(u32, Vec<&Filter>)> = Vec::new();
    let mut parts: Vec<Meaning> = Vec::new();
    for unit in units {
        match unit {
            Unit::Rule(_, relation, filters) => parts.push(meaning(Some(*relation), filters)),
            Unit::Filter(f) => match fields.iter_mut().find(|(field, _)| *field == f.field) {
                Some((_, alternatives)) => alternatives.push(f),
                None => fields.push((f.field, vec![f])),
            },
        }
    }
    parts.extend(fields.iter().map(|(_, f)| meaning(Some(Relation::Or), f)));
    let name = parts.last().map_or(String::new(), |p| p.name.clone());
    let one_name = parts.iter().all(|p| p.name == name);
    let text = |p: &Meaning| match (p.conditions.len(), one_name) {
        (1, true) => p.conditions.concat(),
        (_, true) => format!("({})", p.joined()),
        (_, false) => format!("({})", p.text()),
    };
    let mut conditions: Vec<String> = parts.iter().map(text).collect();
    conditions.sort();
    Meaning {
        relation: (conditions.len() > 1).then_some("and"),
        conditions,
        name: if one_name { name } else { String::new() },
    }
}

fn word(relation: Relation) -> &'static str {
    match relation {
        Relation::And => "and",
        Relation::Or => "or",
    }
}

impl Meaning {
    /// One line.
    pub fn text(&self) -> String {
        if self.name.is_empty() {
            self.joined()
        } else {
            format!("{}  [{}]", self.joined(), self.name)
        }
    }

    fn joined(&self) -> String {
        let between = format!(" {} ", self.relation.unwrap_or("and"));
        self.conditions.join(&between)
    }

    /// Whether a match of it may be reported under a name.
    fn names(&self) -> bool {
        !self.name.is_empty()
            || self
                .conditions
                .iter()
                .any(|c| c.ends_with(']') || c.ends_with("])"))
    }
}

/// Options that differ, a line each.
pub fn options(old: &Options, new: &Options) -> String {
    let shown = |mark: char, (name, setting): (&String, &Setting)| match &setting.value {
        Some(value) => format!("  {mark} {name}={value}\n"),
        None => format!("  {mark} {name}\n"),
    };
    let lacks = |other: &Options, (name, setting): (&String, &Setting)| {
        other.get(name).is_none_or(|o| o.value != setting.value)
    };
    let gone = old.iter().filter(|s| lacks(new, *s)).map(|s| shown('-', s));
    let come = new.iter().filter(|s| lacks(old, *s)).map(|s| shown('+', s));
    let lines: String = gone.chain(come).collect();
    match lines.is_empty() {
        true => lines,
        false => format!("options\n{lines}"),
    }
}

/// The differences as text, a line each; empty where there are none.
pub fn text(diffs: &[TagDiff]) -> String {
    let mut out = String::new();
    for diff in diffs {
        out.push_str(&diff.tag);
        out.push('\n');
        for change in &diff.changes {
            let line = match change {
                Change::Added(h, m) => format!("  + {h}: {}", m.text()),
                Change::Removed(h, m) => format!("  - {h}: {}", m.text()),
                Change::Moved(m, a, b) => format!("  > from {a} to {b}: {}", m.text()),
                Change::Changed(h, a, b) => {
                    format!("  ~ {h}: {}\n      now {}", a.text(), b.text())
                }
                Change::Extent(a, b) => format!("  ! {a}\n      now {b}"),
                Change::Order => {
                    "  ~ the same events are kept, but rules are asked in another order,\n      \
                                  so some may be reported under another name"
                        .to_owned()
                }
            };
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}
