//! Correlations: rules that count, compare and order the matches of others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType,
    Quantifier, WindowMode,
};

use crate::load::{Refusal, Rule};

/// Correlations that may stand one on the other.
const MAX_CHAIN: usize = 32;

/// What a correlation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Rule(usize),
    Correlation(usize),
}

/// A correlation of the matches of rules.
#[derive(Clone, Debug)]
pub struct Correlation {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Its title.
    pub title: String,
    /// `informational` to `critical`, where it is said.
    pub level: Option<String>,
    /// The file it stands in.
    pub file: PathBuf,
    /// The line of that file where its document begins, from 1.
    pub line: usize,
    rule: CorrelationRule,
    /// Temporal, and no condition says how many of the rules it takes.
    all: bool,
    members: Vec<Member>,
}

/// A match of a rule, as correlations see it.
#[derive(Clone, Debug)]
pub struct Match {
    /// The rule's number in its pack.
    pub rule: usize,
    /// Microseconds since 1970.
    pub time: i64,
    /// The record's number, in reading order.
    pub record: usize,
    /// The values of the fields that [`Correlation::fields`] names, where the record has them.
    pub values: HashMap<String, String>,
}

/// A group that a correlation fired for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The correlation's number in its pack.
    pub correlation: usize,
    /// Field or alias to value.
    pub group: BTreeMap<String, String>,
    /// The time of the first match of all windows it fired in, in microseconds since 1970.
    pub first: i64,
    /// The time of the last.
    pub last: i64,
    /// The numbers of their records, in order.
    pub records: Vec<usize>,
}

/// A match or a firing on its way up.
#[derive(Clone, Debug)]
struct Point {
    /// The place of its rule among the members.
    member: usize,
    first: i64,
    time: i64,
    records: BTreeSet<usize>,
    values: HashMap<String, String>,
}

impl Correlation {
    pub(crate) fn new(
        rule: CorrelationRule,
        document: &str,
        file: &Path,
        line: usize,
    ) -> Result<Self, String> {
        let temporal = matches!(
            rule.correlation_type,
            CorrelationType::Temporal | CorrelationType::TemporalOrdered
        );
        if rule.window != WindowMode::Sliding {
            return Err("windows other than sliding ones are not Sigma 2.1".to_owned());
        }
        if rule.rules.is_empty() {
            return Err("a correlation names rules".to_owned());
        }
        let field = matches!(
            &rule.condition,
            CorrelationCondition::Threshold { field: Some(_), .. }
        );
        if !temporal && rule.correlation_type != CorrelationType::EventCount && !field {
            return Err("the condition names no field".to_owned());
        }
        if matches!(rule.condition, CorrelationCondition::Extended(_)) && !temporal {
            return Err("only temporal correlations take an expression of rules".to_owned());
        }
        let said = document
            .lines()
            .any(|l| l.trim_start().starts_with("condition"));
        Ok(Self {
            id: rule.id.clone(),
            title: rule.title.clone(),
            level: rule.level.map(|l| l.as_str().to_owned()),
            file: file.to_owned(),
            line,
            all: temporal && !said,
            rule,
            members: Vec::new(),
        })
    }

    /// The numbers of the rules whose matches it counts, itself or through other correlations of its pack.
    pub fn rules(&self, all: &[Self]) -> BTreeSet<usize> {
        let mut rules = BTreeSet::new();
        let mut open: Vec<&Self> = vec![self];
        let mut seen = BTreeSet::new();
        while let Some(correlation) = open.pop() {
            for member in &correlation.members {
                match member {
                    Member::Rule(n) => {
                        rules.insert(*n);
                    }
                    Member::Correlation(n) if seen.insert(*n) => open.extend(all.get(*n)),
                    Member::Correlation(_) => {}
                }
            }
        }
        rules
    }

    /// The fields whose values it needs from matches.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let alias = |name: &&String| !self.rule.aliases.iter().any(|a| a.alias == **name);
        let aliased = self.rule.aliases.iter().flat_map(|a| a.mapping.values());
        let counted = match &self.rule.condition {
            CorrelationCondition::Threshold { field, .. } => field.as_deref().unwrap_or_default(),
            CorrelationCondition::Extended(_) => &[],
        };
        let grouped = self.rule.group_by.iter().filter(alias);
        grouped.chain(aliased).chain(counted).map(String::as_str)
    }

    /// The group a point belongs to, where it has all of its fields.
    fn group(&self, point: &Point) -> Option<BTreeMap<String, String>> {
        let member = &self.rule.rules[point.member];
        let value = |name: &String| {
            let alias = self.rule.aliases.iter().find(|a| a.alias == *name);
            let field = match alias {
                Some(alias) => alias.mapping.get(member).unwrap_or(name),
                None => name,
            };
            Some((name.clone(), point.values.get(field)?.clone()))
        };
        self.rule.group_by.iter().map(value).collect()
    }

    /// The windows it fires for among the points of one group, which are in order of time.
    fn windows(&self, points: &[Point]) -> Vec<(usize, usize)> {
        let span = i64::try_from(self.rule.timespan.seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1_000_000);
        if self.rule.correlation_type == CorrelationType::TemporalOrdered && self.in_order() {
            return self.ordered(points, span);
        }
        let mut out = Vec::new();
        let mut begin = 0;
        for end in 0..points.len() {
            // All that lies at the same time comes together.
            if points
                .get(end + 1)
                .is_some_and(|next| next.time == points[end].time)
            {
                continue;
            }
            while points[end].time.saturating_sub(points[begin].first) > span {
                begin += 1;
                if begin > end {
                    break;
                }
            }
            if begin <= end && self.holds(&points[begin..=end]) {
                out.push((begin, end));
            }
        }
        out
    }

    fn in_order(&self) -> bool {
        self.all
            || self.members.len() == self.rule.rules.len() && self.least() >= self.members.len()
    }

    /// How many of the rules must occur.
    fn least(&self) -> usize {
        match &self.rule.condition {
            CorrelationCondition::Threshold { predicates, .. } if !self.all => {
                let all = self.members.len();
                (0..=all)
                    .find(|n| fits(predicates, *n as f64))
                    .unwrap_or(all)
            }
            _ => self.members.len(),
        }
    }

    /// The stretches in which the rules occur in their order.
    fn ordered(&self, points: &[Point], span: i64) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        for (begin, first) in points.iter().enumerate().filter(|(_, p)| p.member == 0) {
            let mut wanted = 1;
            let mut end = begin;
            for (at, point) in points.iter().enumerate().skip(begin + 1) {
                if point.time.saturating_sub(first.first) > span || wanted == self.members.len() {
                    break;
                }
                if point.member == wanted {
                    wanted += 1;
                    end = at;
                }
            }
            if wanted == self.members.len() {
                out.push((begin, end));
            }
        }
        out
    }

    /// Whether the points of a window are enough.
    fn holds(&self, window: &[Point]) -> bool {
        let occurring = || window.iter().map(|p| p.member).collect::<BTreeSet<usize>>();
        let (predicates, field, percentile) = match &self.rule.condition {
            CorrelationCondition::Threshold {
                predicates,
                field,
                percentile,
            } => (predicates, field, percentile),
            CorrelationCondition::Extended(expression) => {
                let occurring = occurring();
                return self.occurs(expression, &occurring);
            }
        };
        let fields = field.as_deref().unwrap_or_default();
        let values = || {
            window.iter().filter_map(|p| {
                let all = fields.iter().map(|f| p.values.get(f).map(String::as_str));
                all.collect::<Option<Vec<&str>>>()
            })
        };
        let numbers = || -> Vec<f64> { values().filter_map(|v| v.first()?.parse().ok()).collect() };
        let measured = match self.rule.correlation_type {
            CorrelationType::EventCount => Some(window.len() as f64),
            CorrelationType::ValueCount => Some(values().collect::<BTreeSet<_>>().len() as f64),
            CorrelationType::Temporal | CorrelationType::TemporalOrdered => {
                let occurring = occurring().len();
                if self.all {
                    return occurring == self.members.len();
                }
                Some(occurring as f64)
            }
            CorrelationType::ValueSum => Some(numbers())
                .filter(|n| !n.is_empty())
                .map(|n| n.iter().sum()),
            CorrelationType::ValueAvg => Some(numbers())
                .filter(|n| !n.is_empty())
                .map(|n| n.iter().sum::<f64>() / n.len() as f64),
            CorrelationType::ValuePercentile => rank(numbers(), percentile.unwrap_or(50) as f64),
            CorrelationType::ValueMedian => rank(numbers(), 50.0),
        };
        measured.is_some_and(|m| fits(predicates, m))
    }

    fn occurs(&self, expression: &ConditionExpr, occurring: &BTreeSet<usize>) -> bool {
        let is = |name: &String| {
            self.rule
                .rules
                .iter()
                .position(|r| r == name)
                .is_some_and(|n| occurring.contains(&n))
        };
        match expression {
            ConditionExpr::And(parts) => parts.iter().all(|p| self.occurs(p, occurring)),
            ConditionExpr::Or(parts) => parts.iter().any(|p| self.occurs(p, occurring)),
            ConditionExpr::Not(inner) => !self.occurs(inner, occurring),
            ConditionExpr::Identifier(name) => is(name),
            ConditionExpr::Selector {
                quantifier: Quantifier::All,
                ..
            } => occurring.len() == self.members.len(),
            ConditionExpr::Selector { .. } => !occurring.is_empty(),
        }
    }
}

/// The value at a percentile, between two values in proportion.
fn rank(mut numbers: Vec<f64>, percentile: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let at = percentile.clamp(0.0, 100.0) / 100.0 * last as f64;
    let (low, high) = (numbers[at.floor() as usize], numbers[at.ceil() as usize]);
    Some(low + (high - low) * at.fract())
}

fn fits(predicates: &[(ConditionOperator, u64)], measured: f64) -> bool {
    predicates.iter().all(|(operator, number)| {
        let number = *number as f64;
        match operator {
            ConditionOperator::Lt => measured < number,
            ConditionOperator::Lte => measured <= number,
            ConditionOperator::Gt => measured > number,
            ConditionOperator::Gte => measured >= number,
            ConditionOperator::Eq => measured == number,
            ConditionOperator::Neq => measured != number,
        }
    })
}

/// Finds the rules that correlations name; those that name others are taken out and returned.
pub(crate) fn resolve(correlations: &mut Vec<Correlation>, rules: &mut [Rule]) -> Vec<Refusal> {
    let mut refused = Vec::new();
    loop {
        let before = correlations.len();
        let names: Vec<[Option<String>; 3]> = correlations
            .iter()
            .map(|c| [c.id.clone(), c.rule.name.clone(), Some(c.title.clone())])
            .collect();
        for correlation in correlations.iter_mut() {
            correlation.members.clear();
            for name in &correlation.rule.rules {
                let of_rule = |r: &Rule| {
                    [r.id.as_ref(), r.name.as_ref(), Some(&r.title)].contains(&Some(name))
                };
                let other = || {
                    names
                        .iter()
                        .position(|n| n.iter().flatten().any(|n| n == name))
                };
                let rule = rules.iter().position(of_rule).map(Member::Rule);
                correlation
                    .members
                    .extend(rule.or_else(|| other().map(Member::Correlation)));
            }
        }
        let depths: Vec<bool> = (0..correlations.len())
            .map(|n| depth(correlations, n, MAX_CHAIN).is_some())
            .collect();
        let mut number = 0;
        correlations.retain(|c| {
            let ends = depths[number];
            number += 1;
            let unknown = c.members.len() < c.rule.rules.len();
            if unknown || !ends {
                let reason = match unknown {
                    true => "it names a rule that is not there".to_owned(),
                    false => "correlations name each other in a circle".to_owned(),
                };
                refused.push(Refusal {
                    file: c.file.clone(),
                    line: c.line,
                    reason,
                });
            }
            !unknown && ends
        });
        if correlations.len() == before {
            break;
        }
    }
    for correlation in correlations.iter().filter(|c| !c.rule.generate) {
        for member in &correlation.members {
            if let Member::Rule(rule) = member {
                rules[*rule].counted_only = true;
            }
        }
    }
    refused
}

/// How many correlations stand below one; `None` where there is no end.
fn depth(all: &[Correlation], at: usize, left: usize) -> Option<usize> {
    let left = left.checked_sub(1)?;
    let below = all[at].members.iter().map(|m| match m {
        Member::Rule(_) => Some(0),
        Member::Correlation(n) => depth(all, *n, left).map(|d| d + 1),
    });
    below
        .collect::<Option<Vec<_>>>()
        .map(|d| d.into_iter().max().unwrap_or(0))
}

/// The groups that correlations fire for, given all matches of their rules in any order.
pub fn correlate(correlations: &[Correlation], matches: &[Match]) -> Vec<Fired> {
    let mut order: Vec<usize> = (0..correlations.len()).collect();
    order.sort_by_key(|n| depth(correlations, *n, MAX_CHAIN + 1));
    let mut points: Vec<Vec<Point>> = vec![Vec::new(); correlations.len()];
    let mut fired = Vec::new();
    for number in order {
        let correlation = &correlations[number];
        let mut groups: BTreeMap<BTreeMap<String, String>, Vec<Point>> = BTreeMap::new();
        for point in members(correlation, matches, &points) {
            if let Some(group) = correlation.group(&point) {
                groups.entry(group).or_default().push(point);
            }
        }
        for (group, mut inside) in groups {
            inside.sort_by_key(|p| (p.time, p.records.first().copied(), p.member));
            let windows = correlation.windows(&inside);
            let mut all: Option<Fired> = None;
            for (begin, end) in windows {
                let window = &inside[begin..=end];
                let records: BTreeSet<usize> = window
                    .iter()
                    .flat_map(|p| p.records.iter().copied())
                    .collect();
                let (first, last) = (window[0].first, window[window.len() - 1].time);
                let sum = all.get_or_insert_with(|| Fired {
                    correlation: number,
                    group: group.clone(),
                    first,
                    last,
                    records: Vec::new(),
                });
                sum.first = sum.first.min(first);
                sum.last = sum.last.max(last);
                sum.records.extend(&records);
                points[number].push(Point {
                    member: 0,
                    first,
                    time: last,
                    records,
                    values: group.clone().into_iter().collect(),
                });
            }
            if let Some(mut sum) = all {
                sum.records.sort_unstable();
                sum.records.dedup();
                fired.push(sum);
            }
        }
    }
    fired.sort_by(|a, b| (a.correlation, &a.group).cmp(&(b.correlation, &b.group)));
    fired
}

/// What a correlation counts, in the places of its members.
fn members(correlation: &Correlation, matches: &[Match], points: &[Vec<Point>]) -> Vec<Point> {
    let mut out = Vec::new();
    for (place, member) in correlation.members.iter().enumerate() {
        match member {
            Member::Rule(rule) => {
                out.extend(matches.iter().filter(|m| m.rule == *rule).map(|m| Point {
                    member: place,
                    first: m.time,
                    time: m.time,
                    records: BTreeSet::from([m.record]),
                    values: m.values.clone(),
                }))
            }
            Member::Correlation(number) => {
                out.extend(points[*number].iter().map(|p| Point {
                    member: place,
                    ..p.clone()
                }));
            }
        }
    }
    out
}
