//! Whether any event tells two configurations apart: an event that only one of them keeps, or the proof that
//! there is none. Rule names are no part of it; see `diff`.

use predicate::Predicate;
use predicate::prove::{self, Answer, Limits, Witness};

use crate::diff::{self, TagDiff};
use crate::predicates;
use crate::rules::RuleSet;
use crate::schema;
use crate::text::Environment;

/// What two configurations make of the events of one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// An event that only the old one keeps, with its id.
    pub old: KeptAlone,
    /// An event that only the new one keeps.
    pub new: KeptAlone,
}

/// One direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptAlone {
    /// There is no such event; this is proved.
    Never,
    /// This is the shortest that was found.
    Event(u32, Witness),
    /// Not decided within the bounds.
    Unknown,
}

/// Bounds that keep a comparison of large configurations within seconds.
const LIMITS: Limits = Limits {
    nodes: 5_000,
    states: 30_000,
    steps: 3_000_000,
};

impl Apart {
    /// Compares what two configurations keep of a tag.
    pub fn of(old: &RuleSet, new: &RuleSet, environment: &Environment, tag: &str) -> Self {
        let mut apart = Self {
            old: KeptAlone::Never,
            new: KeptAlone::Never,
        };
        let ids = schema::newest().series(tag).map(|e| e.id);
        for id in ids {
            let before = predicates::keeps(old, environment, id);
            let after = predicates::keeps(new, environment, id);
            if before == after {
                continue;
            }
            apart.old.narrow(id, &before, &after);
            apart.new.narrow(id, &after, &before);
        }
        apart
    }

    /// Whether it is proved that no event tells the two apart.
    pub fn is_same(&self) -> bool {
        self.old == KeptAlone::Never && self.new == KeptAlone::Never
    }
}

impl KeptAlone {
    fn narrow(&mut self, id: u32, keeps: &Predicate, lacks: &Predicate) {
        if matches!(self, Self::Event(..)) {
            return;
        }
        let only = Predicate::all([keeps.clone(), lacks.clone().negate()]);
        match prove::solve(&only, &LIMITS) {
            Answer::Never => {}
            Answer::Holds(witness) => {
                *self = Self::Event(id, witness);
            }
            Answer::Unknown(_) => *self = Self::Unknown,
        }
    }
}

/// The differences of two configurations by meaning, each with what tells them apart. Rules that are
/// written otherwise and keep the same events under no name are no difference.
pub fn differences(
    old: &RuleSet,
    new: &RuleSet,
    environment: &Environment,
) -> Vec<(TagDiff, Apart)> {
    let named = |rules: &RuleSet, tag: &str| {
        let mut filters = rules
            .kept()
            .filter(|e| e.tag == tag)
            .flat_map(|e| e.filters());
        filters.any(|f| !f.name.is_empty())
    };
    diff::diff(old, new)
        .into_iter()
        .map(|d| {
            let apart = Apart::of(old, new, environment, &d.tag);
            (d, apart)
        })
        .filter(|(d, apart)| !apart.is_same() || named(old, &d.tag) || named(new, &d.tag))
        .collect()
}

/// What tells the two apart, a line each.
pub fn text(apart: &Apart) -> String {
    if apart.is_same() {
        return "  = no event is kept by one of them alone (proved); names of rules may differ\n"
            .to_owned();
    }
    let line = |which: &str, side: &KeptAlone| match side {
        KeptAlone::Never => format!("  = no event is kept by the {which} one alone (proved)\n"),
        KeptAlone::Event(id, witness) => {
            format!("  * only the {which} one keeps, for example: event {id}, {witness}\n")
        }
        KeptAlone::Unknown => {
            format!("  ? whether the {which} one alone keeps an event was not decided\n")
        }
    };
    line("old", &apart.old) + &line("new", &apart.new)
}

/// The first sentence of a comparison: which event types differ, and which way.
pub fn summary(differences: &[(TagDiff, Apart)]) -> String {
    let told = |f: fn(&Apart) -> bool| -> Vec<&str> {
        let those = differences.iter().filter(|(_, a)| f(a));
        those.map(|(d, _)| d.tag.as_str()).collect()
    };
    let more = told(|a| matches!(a.new, KeptAlone::Event(..)) && a.old == KeptAlone::Never);
    let less = told(|a| matches!(a.old, KeptAlone::Event(..)) && a.new == KeptAlone::Never);
    let both = told(|a| {
        matches!(
            (&a.old, &a.new),
            (KeptAlone::Event(..), KeptAlone::Event(..))
        )
    });
    let same = told(Apart::is_same);
    let rest = told(|a| a.old == KeptAlone::Unknown || a.new == KeptAlone::Unknown);
    let mut out = String::new();
    for (what, tags) in [
        ("The new one keeps more of", more),
        ("The new one keeps less of", less),
        ("Each keeps events that the other drops of", both),
        ("The same events under perhaps other rule names of", same),
        ("Not decided for", rest),
    ] {
        if !tags.is_empty() {
            out.push_str(&format!("{what} {}.\n", tags.join(", ")));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Config, Engine};

    fn config(relation: &str, body: &str) -> Config {
        let xml = format!(
            "<Sysmon schemaversion=\"4.90\"><EventFiltering><RuleGroup groupRelation=\"{relation}\"><ProcessCreate onmatch=\"include\">{body}</ProcessCreate></RuleGroup></EventFiltering></Sysmon>"
        );
        let config = Config::parse_text("x", &xml, Engine::Strict);
        assert!(config.accepted);
        config
    }

    #[test]
    fn or_and_and_around_one_field_are_the_same() {
        let body =
            "<Image condition=\"image\">a.exe</Image><Image condition=\"image\">b.exe</Image>";
        let (a, b) = (config("or", body), config("and", body));
        let found = differences(&a.rules, &b.rules, &Environment::new());
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn each_difference_has_an_event_or_a_proof() {
        let a = config("or", "<Image condition=\"image\">a.exe</Image>");
        let b = config("or", "<Image condition=\"end with\">a.exe</Image>");
        let found = differences(&a.rules, &b.rules, &Environment::new());
        let (_, apart) = &found[0];
        assert_eq!(apart.old, KeptAlone::Never);
        let KeptAlone::Event(1, event) = &apart.new else {
            panic!("{apart:?}")
        };
        assert!(event.get("Image").unwrap().ends_with("a.exe"));
        assert!(summary(&found).contains("keeps more of ProcessCreate"));
        assert!(text(apart).contains("proved"));
    }
}
