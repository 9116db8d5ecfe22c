//! Hunting: SQL hunts and Sigma rules over one reading of the logs, and one answer that says of each of them whether it
//! found something, found nothing, or could not see.

mod choice;
mod keywords;
mod matches;
mod outcome;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use analytics::pack::{self, Hunt, PackError};
use analytics::{Engine, Finding, Gatherer, Prepared, SweepColumns};
use schema::LogSource;
use serde::Serialize;
use sigma::{Pack, Placeholders, ReadError};
use telemetry::Report;

use crate::navigator::NavigatorLayer;

pub use choice::{AnalyticChoice, RuleLevel, UnknownAnalytic};
pub use outcome::{AnalyticReport, HuntOutcome, OutcomeCounts};

pub use rules::{column_of, no_fields, source_columns};

use rules::RuleHunt;

/// Why a hunt gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HuntError {
    /// The pack of hunts cannot be used.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Rules cannot be read.
    #[error(transparent)]
    Rules(#[from] ReadError),
    /// Nothing has the id that was asked for.
    #[error(transparent)]
    Unknown(#[from] UnknownAnalytic),
    /// A hunt is wrong, or failed while it ran.
    #[error("{hunt}: {source}")]
    Query {
        /// The hunt, by its file and line where it came from one, else by its id.
        hunt: String,
        /// Why.
        source: analytics::Error,
    },
    /// A hunt's description does not fit its query.
    #[error("{0}")]
    Form(String),
    /// The reading failed.
    #[error(transparent)]
    Reading(#[from] analytics::Error),
    /// A batch cannot be asked the rules.
    #[error(transparent)]
    Matching(#[from] sigma::MatchError),
    /// A column cannot be read as text.
    #[error(transparent)]
    Column(#[from] predicate::eval::EvalError),
}

/// What is to be run.
#[derive(Debug, Default)]
pub struct Arsenal {
    /// Hunts in SQL.
    pub hunts: Vec<Hunt>,
    /// Sigma rules, with what was refused of them.
    pub rules: Pack,
    /// How many rules and correlations were loaded, before any choice.
    loaded: usize,
    /// Rules that run for correlations alone.
    muted_rules: BTreeSet<usize>,
    /// Correlations that run for others alone.
    muted_correlations: BTreeSet<usize>,
}

impl Arsenal {
    /// Loads hunts of a folder or file (those that come with the program where none is named), and rules. `exclude` are files of Sigma
    /// filters.
    ///
    /// # Errors
    /// Where a file or folder cannot be read, or a hunt is malformed.
    pub fn load(
        pack: Option<&Path>,
        rules: &[PathBuf],
        exclude: &[PathBuf],
    ) -> Result<Self, HuntError> {
        let rules: Vec<PathBuf> = rules.iter().chain(exclude).cloned().collect();
        let rules = Pack::read(&rules, &Placeholders::new())?;
        Ok(Self {
            hunts: pack::load(pack)?,
            loaded: rules.rules.len() + rules.correlations.len(),
            rules,
            ..Self::default()
        })
    }

    /// Whether there is nothing to run.
    pub fn is_empty(&self) -> bool {
        self.hunts.is_empty() && self.rules.rules.is_empty() && self.rules.correlations.is_empty()
    }
}

/// A hunt or rule that would be run.
#[derive(Clone, Debug, Serialize)]
pub struct ListedAnalytic {
    /// Its id; the title of a rule that has none.
    pub id: String,
    /// What it is written in.
    pub kind: AnalyticKind,
    /// Its title.
    pub title: String,
    /// How much a finding weighs; empty where it is not said.
    pub level: String,
    /// ATT&CK technique ids.
    pub technique: Vec<String>,
    /// The events it looks at.
    pub needs: Vec<String>,
    /// The file it stands in; none of a hunt that comes with the program.
    pub file: Option<String>,
}

/// What would be run, the gravest first, with what it needs. The engine reads nothing.
///
/// # Errors
/// Where a hunt is wrong.
pub fn list(engine: &Engine, arsenal: &Arsenal) -> Result<Vec<ListedAnalytic>, HuntError> {
    let mut listed = Vec::new();
    for hunt in &arsenal.hunts {
        let prepared = engine.prepare(&hunt.sql);
        let prepared = prepared.map_err(|source| HuntError::Query {
            hunt: hunt.place(),
            source,
        })?;
        hunt.check(prepared.columns()).map_err(HuntError::Form)?;
        listed.push(ListedAnalytic {
            id: hunt.id.clone(),
            kind: AnalyticKind::Sql,
            title: hunt.title.clone(),
            level: hunt.level.clone(),
            technique: hunt.technique.clone(),
            needs: prepared.needs().words(),
            file: hunt.file.as_ref().map(|f| f.display().to_string()),
        });
    }
    for (n, rule) in arsenal.rules.rules.iter().enumerate() {
        if rule.counted_only || arsenal.muted_rules.contains(&n) {
            continue;
        }
        listed.push(ListedAnalytic {
            id: rule.id.clone().unwrap_or_else(|| rule.title.clone()),
            kind: AnalyticKind::Sigma,
            title: rule.title.clone(),
            level: rule.level.clone().unwrap_or_default(),
            technique: outcome::techniques(&rule.tags),
            needs: outcome::needs(rule).words(),
            file: Some(rule.file.display().to_string()),
        });
    }
    for (n, correlation) in arsenal.rules.correlations.iter().enumerate() {
        if arsenal.muted_correlations.contains(&n) {
            continue;
        }
        let title = &correlation.title;
        listed.push(ListedAnalytic {
            id: correlation.id.as_ref().unwrap_or(title).clone(),
            kind: AnalyticKind::Sigma,
            title: title.clone(),
            level: correlation.level.clone().unwrap_or_default(),
            technique: Vec::new(),
            needs: Vec::new(),
            file: Some(correlation.file.display().to_string()),
        });
    }
    listed.sort_by_key(|a| RuleLevel::of(&a.level));
    Ok(listed)
}

/// A finding of a hunt or of a rule.
#[derive(Clone, Debug, Serialize)]
pub struct HuntFinding {
    /// What found it.
    pub kind: AnalyticKind,
    /// The id of the rule that found it; its title where it has none. `None` of a hunt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Who did what to whom where, and the records it stands on.
    #[serde(flatten)]
    pub finding: Finding,
    /// The tags of a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What else looks like it.
    pub false_positives: Vec<String>,
    /// The conditions that the matched records met, where that was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

/// What an analytic is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AnalyticKind {
    /// A query.
    Sql,
    /// A rule, or a correlation of rules.
    Sigma,
}

/// A document that is no rule.
#[derive(Clone, Debug, Serialize)]
pub struct RefusedRule {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// What became of the rules that were to be loaded, correlations among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleCounts {
    /// Loaded, before any choice.
    pub loaded: usize,
    /// Documents that could not be loaded.
    pub refused: usize,
    /// Of those that were run: fed by events of these logs.
    pub fed: usize,
    /// Matched.
    pub matched: usize,
}

/// The answer of a hunt.
#[derive(Clone, Debug, Serialize)]
pub struct HuntAnswer {
    /// What was found, the gravest first.
    pub findings: Vec<HuntFinding>,
    /// What was run, the gravest first, and what became of it.
    pub analytics: Vec<AnalyticReport>,
    /// Documents that could not be loaded as rules.
    pub refused: Vec<RefusedRule>,
    /// How many found something, found nothing, could not see.
    pub outcomes: OutcomeCounts,
    /// What became of the rules.
    pub rules: RuleCounts,
    /// Doubts, in words.
    pub warnings: Vec<String>,
    /// What was read.
    #[serde(skip)]
    pub report: Report,
}

impl HuntAnswer {
    /// The techniques of what was found, each with how many matches there are.
    pub fn layer(&self) -> NavigatorLayer {
        let mut techniques: BTreeMap<String, (u64, Vec<String>)> = BTreeMap::new();
        for HuntFinding { finding, .. } in &self.findings {
            for id in &finding.technique {
                let (score, titles) = techniques.entry(id.clone()).or_default();
                *score += finding.count;
                if !titles.contains(&finding.title) {
                    titles.push(finding.title.clone());
                }
            }
        }
        NavigatorLayer::new(
            "Scotoma: what was found",
            "Techniques of hunts and rules that matched; the score is the number of matches",
            techniques,
        )
    }
}

/// Runs hunts and rules over the files of an engine. With `why`, findings of rules name the conditions that were met.
///
/// # Errors
/// Where a hunt is wrong, and where reading fails.
pub fn hunt(engine: &Engine, arsenal: &Arsenal, why: bool) -> Result<HuntAnswer, HuntError> {
    let mut rules = RuleHunt::new(arsenal, why);
    let columns = SweepColumns {
        names: rules.columns(),
        learn: rules.has_keywords(),
    };
    let hunts = &arsenal.hunts;
    let failed = |hunt: &Hunt, source| HuntError::Query {
        hunt: hunt.place(),
        source,
    };
    let prepared = engine
        .prepare_sweep(hunts.iter().map(|h| h.sql.as_str()), &columns)
        .into_iter()
        .zip(hunts)
        .map(|(prepared, hunt)| prepared.map_err(|e| failed(hunt, e)))
        .collect::<Result<Vec<Prepared>, HuntError>>()?;
    let mut warnings = Vec::new();
    for (hunt, prepared) in hunts.iter().zip(&prepared) {
        warnings.extend(hunt.check(prepared.columns()).map_err(HuntError::Form)?);
    }
    let all: Vec<&Prepared> = prepared.iter().collect();
    let sweep = engine.sweep(&all, &columns, |batch, sources| rules.add(batch, sources))?;
    rules.second_reading(engine, &sweep)?;
    let found = engine.run_all(&prepared, |n, answer| {
        let mut gatherer = Gatherer::new(&hunts[n], &answer.columns);
        for batch in answer {
            gatherer.add(&batch.map_err(|e| failed(&hunts[n], e))?);
        }
        Ok::<_, HuntError>(gatherer.finish())
    })?;
    warnings.extend(engine.outcome(&all).warnings);
    warnings.extend(sweep.census.left_out());
    let mut findings = Vec::new();
    let mut reports = Vec::new();
    for ((hunt, found), visibility) in hunts.iter().zip(found).zip(&sweep.visibility) {
        reports.push(outcome::of_hunt(hunt, found.len() as u64, visibility));
        findings.extend(found.into_iter().map(|finding| HuntFinding {
            kind: AnalyticKind::Sql,
            rule: None,
            finding,
            tags: Vec::new(),
            false_positives: lines(&hunt.false_positives),
            why: Vec::new(),
        }));
    }
    let (found, of_rules) = rules.finish(&sweep);
    findings.extend(found);
    reports.extend(of_rules);
    // Stable: within a level, hunts in the order of their pack, then rules in the order of their files.
    findings.sort_by_key(|f| RuleLevel::of(&f.finding.level));
    reports.sort_by_key(|r| RuleLevel::of(&r.level));
    let of_rules = reports.iter().filter(|r| r.kind == AnalyticKind::Sigma);
    let of_rules = OutcomeCounts::of(of_rules);
    Ok(HuntAnswer {
        outcomes: OutcomeCounts::of(&reports),
        rules: RuleCounts {
            loaded: arsenal.loaded,
            refused: arsenal.rules.refused.len(),
            fed: of_rules.found + of_rules.no_match,
            matched: of_rules.found,
        },
        findings,
        analytics: reports,
        refused: refused(&arsenal.rules),
        warnings,
        report: sweep.report,
    })
}

fn refused(pack: &Pack) -> Vec<RefusedRule> {
    let each = pack.refused.iter().map(|r| RefusedRule {
        file: r.file.display().to_string(),
        line: r.line,
        reason: r.reason.clone(),
    });
    each.collect()
}

/// The entries of a list in prose, a dash before each.
fn lines(list: &str) -> Vec<String> {
    let each = list
        .lines()
        .map(|l| l.trim().trim_start_matches("- ").to_owned());
    each.filter(|l| !l.is_empty()).collect()
}

/// The name people know a channel by: its sensor's, where it has one.
fn channel_name(channel: &str) -> String {
    let sensor = LogSource::of(Some(channel), None).sensor();
    sensor.map_or_else(
        || channel.to_owned(),
        |s| analytics::short_name(s).to_owned(),
    )
}
