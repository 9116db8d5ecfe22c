//! What would mend a break: changes of the configuration that were tried, and analytics that fire on what is logged.

use super::answer::{Link, LinkKind, LinkState, Remedy};
use super::links::Linking;
use super::suggest::suggested_rule;
use super::walk::WalkedTechnique;

impl Linking<'_> {
    /// Whether an analytic that was asked for would fire if only this dropped event were logged.
    pub(super) fn is_needed(&self, walked: &WalkedTechnique, place: usize) -> bool {
        !walked.fates[place].kept && !self.gains(walked, place).is_empty()
    }

    /// The analytics that were asked for and fire once a dropped event is logged.
    fn gains(&self, walked: &WalkedTechnique, place: usize) -> Vec<String> {
        let Some((_, then)) = &walked.repairs[place] else {
            return Vec::new();
        };
        let hunts = then.iter().filter(|n| !walked.on_kept.contains(n));
        let hunts = hunts.filter(|n| **n < self.stack.hunts.len());
        let mut gains: Vec<String> = hunts.map(|n| self.hunts[*n].id.clone()).collect();
        let fires_already = |rule: usize| {
            let mut places = 0..walked.rules.len();
            places.any(|p| walked.logged(p) && walked.rules[p].contains(&rule))
        };
        let rules = walked.rules[place].iter().filter(|r| !fires_already(**r));
        gains.extend(rules.map(|r| self.stack.rules[*r].title.clone()));
        gains
    }

    pub(super) fn remedies(
        &self,
        walked: &WalkedTechnique,
        links: &[Link],
        broken: Option<usize>,
    ) -> Vec<Remedy> {
        let mut remedies: Vec<Remedy> = Vec::new();
        let at_configuration = broken.is_some_and(|at| links[at].kind == LinkKind::Configuration);
        for (place, event) in walked.simulation.events.iter().enumerate() {
            let Some((repair, _)) = &walked.repairs[place] else {
                continue;
            };
            let catches = self.gains(walked, place);
            if catches.is_empty() && !at_configuration {
                continue;
            }
            let known = |r: &Remedy| r.change == repair.change;
            if remedies.iter().any(known) {
                continue;
            }
            remedies.push(Remedy {
                what: format!("{}: event {} is then logged", repair.what, event.id),
                verified: true,
                change: repair.change.clone(),
                catches,
            });
        }
        let fires = |l: &Link| l.kind == LinkKind::Analytic && l.state == LinkState::Seen;
        if self.stack.has_analytics() && !links.iter().any(fires) {
            remedies.extend(self.analytics_that_would(walked));
        }
        remedies
    }

    /// Analytics that fire on what is logged already: the program's own hunts, else a rule made of what the catalog knows.
    fn analytics_that_would(&self, walked: &WalkedTechnique) -> Vec<Remedy> {
        let own = walked
            .on_kept
            .iter()
            .filter(|n| **n >= self.stack.hunts.len());
        let mut remedies: Vec<Remedy> = own
            .map(|n| Remedy {
                what: format!(
                    "add the built-in hunt {}: it fires on what is logged",
                    self.hunts[*n].id
                ),
                verified: true,
                change: String::new(),
                catches: vec![self.hunts[*n].id.clone()],
            })
            .collect();
        if remedies.is_empty() {
            let technique = walked.simulation.technique;
            let events = walked.simulation.events.iter().enumerate();
            let logged = events.filter(|(place, _)| walked.logged(*place));
            remedies.extend(
                logged
                    .filter_map(|(_, e)| suggested_rule(technique, e))
                    .take(1),
            );
        }
        remedies
    }
}
