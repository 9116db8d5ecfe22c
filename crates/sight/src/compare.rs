//! What a change of a configuration or of analytics gained and lost, between two answers.

use serde::Serialize;

use crate::chain::{EventExample, TechniqueSight};
use crate::render::end_of;

/// A technique in one way of which more or less is seen than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SightChange {
    /// The technique.
    pub technique: String,
    /// The technique of ATT&CK.
    pub attack: String,
    /// The way.
    pub variant: String,
    /// How far sight reached before, from 0 to 100.
    pub score_before: u32,
    /// How far it reaches now.
    pub score_now: u32,
    /// Where sight ended before.
    pub before: String,
    /// Where it ends now.
    pub now: String,
    /// The analytics that fired before and do not now.
    pub silent: Vec<String>,
    /// The event that passes unseen now.
    pub event: Option<EventExample>,
}

impl SightChange {
    /// Whether less is seen than before.
    pub fn is_loss(&self) -> bool {
        self.score_now < self.score_before || !self.silent.is_empty()
    }
}

/// The differences between two answers; what only one of them has is no difference.
pub fn compare(old: &[TechniqueSight], new: &[TechniqueSight]) -> Vec<SightChange> {
    let mut changes = Vec::new();
    for now in new {
        let same = |o: &&TechniqueSight| o.technique == now.technique && o.variant == now.variant;
        let Some(before) = old.iter().find(same) else {
            continue;
        };
        let firing = |line: &TechniqueSight| -> Vec<String> {
            let analytics = line.of(crate::chain::LinkKind::Analytic);
            let firing = analytics.filter(|l| l.state == crate::chain::LinkState::Seen);
            firing.map(|l| l.name.clone()).collect()
        };
        let fires_now = firing(now);
        let silent: Vec<String> = firing(before)
            .into_iter()
            .filter(|name| !fires_now.contains(name))
            .collect();
        if before.score() == now.score() && silent.is_empty() {
            continue;
        }
        let mut end = end_of(now);
        if !silent.is_empty() {
            end = format!("{end}; no longer fires: {}", silent.join(", "));
        }
        changes.push(SightChange {
            technique: now.technique.clone(),
            attack: now.attack.clone(),
            variant: now.variant.clone(),
            score_before: before.score(),
            score_now: now.score(),
            before: end_of(before),
            now: end,
            silent,
            event: now.event.clone(),
        });
    }
    changes
}
