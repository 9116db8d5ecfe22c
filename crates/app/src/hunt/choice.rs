//! Which of the loaded hunts and rules are run.

use std::collections::BTreeSet;

use analytics::pack::Hunt;
use sigma::Rule;

use super::Arsenal;

/// How much a finding weighs by itself, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleLevel {
    /// `critical`.
    Critical,
    /// `high`.
    High,
    /// `medium`.
    Medium,
    /// `low`.
    Low,
    /// `informational`.
    Informational,
    /// Nothing is said.
    Unstated,
}

impl RuleLevel {
    /// The severity of this name; [`RuleLevel::Unstated`] for any other.
    pub fn of(level: &str) -> Self {
        let named = [
            ("critical", Self::Critical),
            ("high", Self::High),
            ("medium", Self::Medium),
            ("low", Self::Low),
            ("informational", Self::Informational),
        ];
        let found = named
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(level));
        found.map_or(Self::Unstated, |(_, severity)| *severity)
    }
}

/// What is to be run of that which is loaded; nothing said takes all.
#[derive(Clone, Debug, Default)]
pub struct AnalyticChoice {
    /// This level or a graver one.
    pub level: Option<RuleLevel>,
    /// One of these states of maturity. Hunts have none.
    pub status: Vec<String>,
    /// One of these tags, or a part of one before a dot: `attack.t1059` takes `attack.t1059.001`.
    pub tags: Vec<String>,
    /// One of these ids, names or titles.
    pub only: Vec<String>,
}

/// Nothing that is loaded has this id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownAnalytic(String);

impl AnalyticChoice {
    /// Leaves of what is loaded what was chosen. Rules that correlations need are run all the same and report nothing.
    ///
    /// # Errors
    /// Where an id is asked for that nothing has.
    pub fn apply(&self, arsenal: &mut Arsenal) -> Result<(), UnknownAnalytic> {
        for id in &self.only {
            self.known(id, arsenal)?;
        }
        arsenal.hunts.retain(|hunt| self.takes_hunt(hunt));
        let correlations = arsenal.rules.correlations.iter().enumerate();
        arsenal.muted_correlations = correlations
            .filter(|(_, c)| {
                let names = [c.id.as_deref(), None, Some(&*c.title)];
                !self.takes(names, c.level.as_deref(), None, &[])
            })
            .map(|(n, _)| n)
            .collect();
        let muted = arsenal.muted_correlations.len();
        if muted == arsenal.rules.correlations.len() {
            arsenal.rules.correlations.clear();
            arsenal.muted_correlations.clear();
            // What a correlation counts may report for itself where the correlation is not asked.
            arsenal.rules.rules.retain(|rule| self.takes_rule(rule));
        } else {
            let rules = arsenal.rules.rules.iter().enumerate();
            let muted: BTreeSet<usize> = rules
                .filter(|(_, rule)| !self.takes_rule(rule))
                .map(|(n, _)| n)
                .collect();
            arsenal.muted_rules = muted;
        }
        Ok(())
    }

    fn known(&self, id: &str, arsenal: &Arsenal) -> Result<(), UnknownAnalytic> {
        let hunts = arsenal.hunts.iter().map(|h| h.id.as_str());
        let of_rule = |rule: &'_ Rule| -> Vec<String> {
            let names = [rule.id.clone(), rule.name.clone(), Some(rule.title.clone())];
            names.into_iter().flatten().collect()
        };
        let mut known: Vec<String> = hunts.map(str::to_owned).collect();
        let short = known.join(", ");
        known.extend(arsenal.rules.rules.iter().flat_map(of_rule));
        for c in &arsenal.rules.correlations {
            known.extend(c.id.iter().cloned().chain([c.title.clone()]));
        }
        if known.iter().any(|k| k.eq_ignore_ascii_case(id)) {
            return Ok(());
        }
        let near = text::nearest(id, known.iter().map(String::as_str), 3);
        let near = match near.is_empty() {
            true => String::new(),
            false => format!("; did you mean {}?", near.join(" or ")),
        };
        Err(UnknownAnalytic(match arsenal.rules.rules.is_empty() {
            true => format!("no hunt {id} in this pack{near}; it has {short}"),
            false => format!("no hunt or rule {id}{near}"),
        }))
    }

    fn takes_hunt(&self, hunt: &Hunt) -> bool {
        let techniques = hunt.technique.iter();
        let tags: Vec<String> = techniques.map(|t| format!("attack.{t}")).collect();
        let names = [Some(hunt.id.as_str()), None, Some(&*hunt.title)];
        self.takes(names, Some(&hunt.level), None, &tags)
    }

    fn takes_rule(&self, rule: &Rule) -> bool {
        let names = [rule.id.as_deref(), rule.name.as_deref(), Some(&*rule.title)];
        self.takes(
            names,
            rule.level.as_deref(),
            rule.status.as_deref(),
            &rule.tags,
        )
    }

    fn takes(
        &self,
        names: [Option<&str>; 3],
        level: Option<&str>,
        status: Option<&str>,
        tags: &[String],
    ) -> bool {
        let severity = RuleLevel::of(level.unwrap_or_default());
        let named = |wanted: &String| {
            names
                .iter()
                .flatten()
                .any(|n| n.eq_ignore_ascii_case(wanted))
        };
        let tagged = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            tags.iter().any(|tag| {
                let tag = tag.to_lowercase();
                let rest = tag.strip_prefix(&wanted);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        };
        let of_status = |wanted: &String| status.is_some_and(|s| s.eq_ignore_ascii_case(wanted));
        self.level.is_none_or(|least| severity <= least)
            && (self.status.is_empty() || self.status.iter().any(of_status))
            && (self.tags.is_empty() || self.tags.iter().any(tagged))
            && (self.only.is_empty() || self.only.iter().any(named))
    }
}
