//! Which conditions hold wherever another one does: certain cases alone, found with one look at all
//! conditions of a field together. It knows no lint.

use std::collections::HashMap;

use predicate::eval::Matcher;
use predicate::{Test, Text};

use crate::reference::applies;
use crate::rules::{Element, Filter, Op, Relation, Rule, Unit};
use crate::schema::{self, Verdict};
use crate::text;

/// Conditions of one field, each under a number, ready to be asked which of them hold wherever a text is
/// found.
pub(super) struct FieldTests {
    /// Everything; only beginnings and parts; only ends and parts; only parts.
    matchers: [(Matcher, Vec<usize>); 4],
    same: HashMap<(Op, String), Vec<usize>>,
}

impl FieldTests {
    /// Conditions with their numbers, which may repeat.
    pub(super) fn new(filters: &[(usize, &Filter)]) -> Self {
        let mut tests: Vec<(usize, Test)> = Vec::new();
        let mut same: HashMap<(Op, String), Vec<usize>> = HashMap::new();
        for (number, f) in filters {
            tests.extend(sufficient(f).into_iter().map(|t| (*number, t)));
            same.entry(key(f)).or_default().push(*number);
        }
        let pick = |keep: fn(&Test) -> bool| {
            let kept: Vec<&(usize, Test)> = tests.iter().filter(|(_, t)| keep(t)).collect();
            let matcher = Matcher::new(kept.iter().map(|(_, t)| t));
            (matcher, kept.iter().map(|(n, _)| *n).collect())
        };
        Self {
            matchers: [
                pick(|_| true),
                pick(|t| matches!(t, Test::Contains(_) | Test::StartsWith(_))),
                pick(|t| matches!(t, Test::Contains(_) | Test::EndsWith(_))),
                pick(|t| matches!(t, Test::Contains(_))),
            ],
            same,
        }
    }

    fn ask(&self, which: usize, value: &str) -> Vec<usize> {
        let (matcher, numbers) = &self.matchers[which];
        let mut passed = Vec::new();
        matcher.passes(value, &mut passed);
        passed.into_iter().map(|t| numbers[t as usize]).collect()
    }

    /// For each text of which one is enough for the condition: the numbers of conditions that hold
    /// wherever it is found. Nothing for a condition that cannot be told by texts.
    pub(super) fn covering(&self, f: &Filter) -> Vec<Vec<usize>> {
        let value = f.value.as_str();
        let equal = self.same.get(&key(f)).cloned().unwrap_or_default();
        let with_equal = |mut found: Vec<usize>| {
            found.extend(&equal);
            found
        };
        if value.is_empty() || value.contains('%') {
            return vec![equal];
        }
        match f.op {
            Op::Is => vec![with_equal(self.ask(0, value))],
            Op::IsAny => {
                let each = value.split(';').map(|t| with_equal(self.ask(0, t)));
                each.collect()
            }
            Op::BeginWith => vec![with_equal(self.ask(1, value))],
            Op::EndWith => vec![with_equal(self.ask(2, value))],
            Op::Image if value.contains('\\') => vec![with_equal(self.ask(0, value))],
            // The value is this name, alone or behind a `\`: parts of it are parts of the value.
            Op::Image => {
                let mut found = self.ask(2, value);
                found.extend(self.same_image(value));
                vec![with_equal(found)]
            }
            Op::Contains => vec![with_equal(self.ask(3, value))],
            Op::ContainsAny => {
                let each = text::needles_of_any(value).into_iter();
                each.map(|t| with_equal(self.ask(3, t))).collect()
            }
            // All must be found, so whatever one of them is enough for holds.
            Op::ContainsAll => {
                let needles = text::needles_of_all(value).into_iter();
                let found = needles.flat_map(|t| self.ask(3, t)).collect();
                vec![with_equal(found)]
            }
            _ => vec![equal],
        }
    }

    /// `image` with the same name: the only whole-value test that passes the name alone and behind any
    /// folder.
    fn same_image(&self, value: &str) -> Vec<usize> {
        let (matcher, numbers) = &self.matchers[0];
        let ask = |value: &str| {
            let mut passed = Vec::new();
            matcher.passes(value, &mut passed);
            passed
        };
        let mut behind = ask(&format!("\u{1}\\{value}"));
        behind.sort_unstable();
        let both = ask(value)
            .into_iter()
            .filter(|t| behind.binary_search(t).is_ok());
        both.map(|t| numbers[t as usize]).collect()
    }
}

fn key(f: &Filter) -> (Op, String) {
    (f.op, f.value.to_ascii_lowercase())
}

/// Tests of which any one is enough for the condition.
pub(super) fn sufficient(f: &Filter) -> Vec<Test> {
    let ascii = |t: &str| Text::ascii(t.to_ascii_lowercase());
    let value = f.value.as_str();
    if value.is_empty() || value.contains('%') {
        return Vec::new();
    }
    match f.op {
        Op::Is => vec![Test::Equals(ascii(value))],
        Op::IsAny => value.split(';').map(|t| Test::Equals(ascii(t))).collect(),
        Op::Contains => vec![Test::Contains(ascii(value))],
        Op::ContainsAny => text::needles_of_any(value)
            .into_iter()
            .filter(|t| !t.is_empty())
            .map(|t| Test::Contains(ascii(t)))
            .collect(),
        Op::BeginWith => vec![Test::StartsWith(ascii(value))],
        Op::EndWith => vec![Test::EndsWith(ascii(value))],
        Op::Image => vec![Test::ImageIs(ascii(value))],
        _ => Vec::new(),
    }
}

/// What is judged as one: a condition below an `or` element, a `<Rule>`, or a whole `and` element.
pub(super) struct MatchUnit<'a> {
    pub element: &'a Element,
    /// The `<Rule>`, where it is one.
    pub rule: Option<&'a Rule>,
    /// Each group must match, by any of its conditions.
    pub groups: Vec<Vec<&'a Filter>>,
}

impl<'a> MatchUnit<'a> {
    /// Its conditions.
    pub(super) fn filters(&self) -> impl Iterator<Item = &'a Filter> {
        self.groups.iter().flatten().copied()
    }

    /// The one condition that it is.
    pub(super) fn single(&self) -> Option<&'a Filter> {
        match (self.rule, self.groups.as_slice()) {
            (None, [group]) if self.element.relation == Relation::Or => group.first().copied(),
            _ => None,
        }
    }
}

/// All units of some elements of one tag, in the order in which Sysmon asks them.
pub(super) fn units<'a>(elements: &[&'a Element]) -> Vec<MatchUnit<'a>> {
    let mut out = Vec::new();
    for verdict in [Verdict::Exclude, Verdict::Include] {
        let asked = elements.iter().rev().filter(|e| e.on_match == verdict);
        for element in asked {
            units_of(element, &mut out);
        }
    }
    out
}

fn units_of<'a>(element: &'a Element, out: &mut Vec<MatchUnit<'a>>) {
    let rules: HashMap<u32, &Rule> = element
        .records
        .iter()
        .filter_map(|r| match r {
            crate::rules::Record::Rule(rule) => Some((rule.id, rule)),
            crate::rules::Record::Filter(_) => None,
        })
        .collect();
    let groups = |unit: &Unit<'a>| match unit {
        Unit::Filter(f) => vec![vec![*f]],
        Unit::Rule(_, Relation::Or, filters) => vec![filters.clone()],
        Unit::Rule(_, Relation::And, filters) => filters.iter().map(|f| vec![*f]).collect(),
    };
    let all = element.units();
    if element.relation == Relation::Or {
        out.extend(all.iter().map(|unit| MatchUnit {
            element,
            rule: match unit {
                Unit::Rule(id, ..) => rules.get(id).copied(),
                Unit::Filter(_) => None,
            },
            groups: groups(unit),
        }));
        return;
    }
    let mut places: HashMap<u32, usize> = HashMap::new();
    let mut whole: Vec<Vec<&Filter>> = Vec::new();
    for unit in &all {
        match unit {
            Unit::Rule(..) => whole.extend(groups(unit)),
            Unit::Filter(f) => match places.get(&f.field) {
                Some(&at) => whole[at].push(f),
                None => {
                    places.insert(f.field, whole.len());
                    whole.push(vec![*f]);
                }
            },
        }
    }
    if !whole.is_empty() {
        out.push(MatchUnit {
            element,
            rule: None,
            groups: whole,
        });
    }
}

/// How many answers of conditions a search for covers may look at.
const BUDGET: usize = 3_000_000;

/// For each unit the earliest one before it that matches whenever it does.
pub(super) fn earlier_covers(units: &[MatchUnit<'_>]) -> Vec<Option<usize>> {
    // One number for each condition: the unit, the group, and the condition itself.
    let mut places: Vec<(usize, usize, &Filter)> = Vec::new();
    let mut fields: HashMap<&str, Vec<(usize, &Filter)>> = HashMap::new();
    for (u, unit) in units.iter().enumerate() {
        for (g, group) in unit.groups.iter().enumerate() {
            for f in group {
                let list = fields.entry(f.field_name.as_str()).or_default();
                list.push((places.len(), f));
                places.push((u, g, f));
            }
        }
    }
    let tests: HashMap<&str, FieldTests> = fields
        .into_iter()
        .map(|(name, list)| (name, FieldTests::new(&list)))
        .collect();
    let mut budget = BUDGET;
    let mut covers = Vec::with_capacity(units.len());
    for (u, unit) in units.iter().enumerate() {
        covers.push(cover(units, &tests, &places, u, unit, &mut budget));
    }
    covers
}

fn cover(
    units: &[MatchUnit<'_>],
    tests: &HashMap<&str, FieldTests>,
    places: &[(usize, usize, &Filter)],
    number: usize,
    unit: &MatchUnit<'_>,
    budget: &mut usize,
) -> Option<usize> {
    // Which groups of which earlier units hold whenever this one matches.
    let mut held: HashMap<usize, Vec<usize>> = HashMap::new();
    for group in &unit.groups {
        let mut common: Option<Vec<(usize, usize)>> = None;
        for f in group {
            let found = tests.get(f.field_name.as_str())?.covering(f);
            for numbers in found {
                *budget = budget.checked_sub(numbers.len())?;
                let mut these: Vec<(usize, usize)> = numbers
                    .into_iter()
                    .map(|n| places[n])
                    .filter(|(u, _, g)| {
                        *u < number && reaches(units[*u].element, g, unit.element, f)
                    })
                    .map(|(u, g, _)| (u, g))
                    .collect();
                these.sort_unstable();
                these.dedup();
                if let Some(before) = &common {
                    these.retain(|p| before.binary_search(p).is_ok());
                }
                common = Some(these);
            }
        }
        for (u, g) in common.unwrap_or_default() {
            let groups = held.entry(u).or_default();
            if !groups.contains(&g) {
                groups.push(g);
            }
        }
    }
    let whole = held
        .into_iter()
        .filter(|(u, g)| g.len() == units[*u].groups.len());
    whole.map(|(u, _)| u).min()
}

/// Whether a condition sees the field in every event in which another one does.
fn reaches(element: &Element, f: &Filter, other: &Element, g: &Filter) -> bool {
    if element.event_id == other.event_id {
        return true;
    }
    let mut series = schema::newest().series(&element.tag);
    series.all(|event| !applies(other, g, event.id) || applies(element, f, event.id))
}
