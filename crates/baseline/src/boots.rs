//! Boots of one machine, found from what a boot leaves in the logs. A sign is sure where nothing else leaves it, likely
//! where something else may (a restarted service, a program that was given session 0), and a support where new sessions
//! leave it all the time. Signs that lie near each other are one boot. It refuses to know how events are read.

use std::collections::BTreeMap;

use crate::report::{Boot, Sign, Strength, Time};

/// Something that a boot leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Kernel-General 12: the operating system started.
    KernelStarted,
    /// System 6009: the Event Log tells the version of Windows when it first starts.
    Version,
    /// The first session manager: in session 0, started by `System`.
    SessionManager,
    /// `wininit.exe`, of which there is one, started once.
    Wininit,
    /// A session manager in session 0 whose parent is not known to be `System`.
    SessionManagerZero,
    /// `csrss.exe` in session 0.
    CsrssZero,
    /// System 6005: the Event Log service started.
    EventLogStarted,
    /// Sysmon 4: Sysmon's service started; an update restarts it, too.
    SensorStarted,
    /// `smss.exe` or `csrss.exe` in a session that is not known.
    SessionProcess,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weight {
    Sure,
    Likely,
    Support,
}

impl Kind {
    fn weight(self) -> Weight {
        match self {
            Self::KernelStarted | Self::Version | Self::SessionManager | Self::Wininit => {
                Weight::Sure
            }
            Self::SessionManagerZero
            | Self::CsrssZero
            | Self::EventLogStarted
            | Self::SensorStarted => Weight::Likely,
            Self::SessionProcess => Weight::Support,
        }
    }

    /// What a reader is told; `source` says which event it was.
    fn words(self) -> &'static str {
        match self {
            Self::KernelStarted => "operating system started (System 12)",
            Self::Version => "version of Windows at start (System 6009)",
            Self::SessionManager => "smss.exe started by System in session 0",
            Self::Wininit => "wininit.exe started",
            Self::SessionManagerZero => "smss.exe started in session 0",
            Self::CsrssZero => "csrss.exe started in session 0",
            Self::EventLogStarted => "Event Log started (System 6005)",
            Self::SensorStarted => "Sysmon started (Sysmon 4)",
            Self::SessionProcess => "session process started",
        }
    }
}

/// Signs this near to the first sign of a boot belong to it, unless one that a boot leaves once comes a second time.
pub(crate) const WINDOW: i64 = 10 * 60 * 1_000_000;
/// Likely signs may come this long before the first sure one.
const AHEAD: i64 = 2 * 60 * 1_000_000;
/// Signs kept of one machine. There are about ten to a boot.
const MAX_SIGNS: usize = 50_000;

/// The signs of one machine, and the boots they make.
#[derive(Clone, Debug, Default)]
pub(crate) struct Boots {
    signs: BTreeMap<(Time, Kind), ()>,
    /// Instants of the boots as far as known, in order.
    at: Vec<Time>,
    changed: bool,
    /// Nothing but starts of Sysmon's service was met: boots, unless better signs turn up.
    provisional: bool,
    /// Signs beyond [`MAX_SIGNS`].
    pub(crate) lost: u64,
}

struct Cluster {
    signs: Vec<(Time, Kind)>,
}

impl Cluster {
    /// Whether a later sign belongs to the same boot.
    fn takes(&self, at: Time, kind: Kind) -> bool {
        let again = kind.weight() == Weight::Sure && self.has(kind);
        at - self.signs[0].0 <= WINDOW && !again
    }

    fn has(&self, kind: Kind) -> bool {
        self.signs.iter().any(|s| s.1 == kind)
    }

    fn sure(&self) -> bool {
        let likely = |k: &Kind| k.weight() == Weight::Likely;
        let mut kinds: Vec<Kind> = self.signs.iter().map(|s| s.1).filter(likely).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.len() > 1 || self.signs.iter().any(|s| s.1.weight() == Weight::Sure)
    }

    /// Likely by more than Sysmon's own start.
    fn likely(&self) -> bool {
        self.signs
            .iter()
            .any(|s| s.1.weight() == Weight::Likely && s.1 != Kind::SensorStarted)
    }
}

impl Boots {
    pub(crate) fn add(&mut self, at: Time, kind: Kind) {
        if self.signs.len() >= MAX_SIGNS {
            self.lost += 1;
        } else if self.signs.insert((at, kind), ()).is_none() {
            self.changed = true;
        }
    }

    /// Works out the boots anew where signs came in. Returns the first instant from which they differ from before;
    /// that provisional boots turn out to be none is no difference.
    pub(crate) fn settle(&mut self) -> Option<Time> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let found = self.found();
        let now: Vec<Time> = found.iter().map(|(c, _)| c.signs[0].0).collect();
        let provisional = !found.iter().any(|(c, _)| c.sure() || c.likely());
        if std::mem::replace(&mut self.provisional, provisional) && !provisional {
            self.at.clear();
        }
        let same = now.iter().zip(&self.at).take_while(|(a, b)| a == b).count();
        let differs = match (now.get(same), self.at.get(same)) {
            (Some(a), Some(b)) => Some(*a.min(b)),
            (a, b) => a.or(b).copied(),
        };
        self.at = now;
        differs
    }

    /// Whether the boots are none should better signs turn up.
    pub(crate) fn provisional(&self) -> bool {
        self.provisional && !self.at.is_empty()
    }

    /// The instants of the boots, as of the last [`Boots::settle`].
    pub(crate) fn instants(&self) -> &[Time] {
        &self.at
    }

    /// The boots with what they were seen by, for the machine in this place.
    pub(crate) fn report(&self, host: usize) -> Vec<Boot> {
        let told = |cluster: &Cluster| {
            let mut signs: Vec<Sign> = Vec::new();
            for (at, kind) in &cluster.signs {
                let what = kind.words();
                if !signs.iter().any(|s| s.what == what) {
                    signs.push(Sign {
                        at: *at,
                        what: what.to_owned(),
                    });
                }
            }
            signs
        };
        let found = self.found();
        found
            .iter()
            .map(|(cluster, strength)| Boot {
                host,
                at: cluster.signs[0].0,
                strength: *strength,
                signs: told(cluster),
            })
            .collect()
    }

    fn found(&self) -> Vec<(Cluster, Strength)> {
        let clusters = self.clusters();
        // Where boots leave better signs, Sysmon's start alone is a restart of Sysmon.
        let better = clusters.iter().any(|c| c.sure() || c.likely());
        clusters
            .into_iter()
            .filter_map(|c| {
                if c.sure() {
                    Some((c, Strength::Sure))
                } else if c.likely() || (!better && c.has(Kind::SensorStarted)) {
                    Some((c, Strength::Likely))
                } else {
                    None
                }
            })
            .collect()
    }

    fn clusters(&self) -> Vec<Cluster> {
        let mut clusters: Vec<Cluster> = Vec::new();
        for &(at, kind) in self.signs.keys() {
            let sure = kind.weight() == Weight::Sure;
            // A session that somebody opens is no beginning of a boot.
            let begins = kind.weight() != Weight::Support;
            match clusters.last_mut() {
                Some(cluster) if cluster.takes(at, kind) => {
                    if sure && !cluster.signs.iter().any(|s| s.1.weight() == Weight::Sure) {
                        // What lay long before the first sure sign was something else.
                        cluster.signs.retain(|s| at - s.0 <= AHEAD);
                    }
                    cluster.signs.push((at, kind));
                }
                _ if begins => clusters.push(Cluster {
                    signs: vec![(at, kind)],
                }),
                _ => {}
            }
        }
        clusters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const HOUR: i64 = 3600 * SECOND;

    fn boots(signs: &[(i64, Kind)]) -> Vec<(i64, Strength)> {
        let mut boots = Boots::default();
        for (at, kind) in signs {
            boots.add(*at, *kind);
        }
        boots.settle();
        let found = boots.report(0);
        assert!(found.iter().map(|b| &b.at).eq(boots.instants()));
        found.into_iter().map(|b| (b.at, b.strength)).collect()
    }

    #[test]
    fn signs_of_one_boot_are_one_boot() {
        use Kind::*;
        let one = [
            (0, SessionManager),
            (SECOND, CsrssZero),
            (2 * SECOND, Wininit),
            (20 * SECOND, EventLogStarted),
            (40 * SECOND, SensorStarted),
        ];
        assert_eq!(boots(&one), [(0, Strength::Sure)]);
        let two: Vec<_> = one
            .iter()
            .flat_map(|(at, k)| [(*at, *k), (at + HOUR, *k)])
            .collect();
        assert_eq!(boots(&two), [(0, Strength::Sure), (HOUR, Strength::Sure)]);
    }

    #[test]
    fn two_boots_in_a_row_are_two() {
        use Kind::*;
        let found = boots(&[
            (0, SessionManager),
            (2 * SECOND, Wininit),
            (90 * SECOND, SessionManager),
            (92 * SECOND, Wininit),
        ]);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn new_sessions_and_restarts_of_sysmon_are_none() {
        use Kind::*;
        assert_eq!(boots(&[(0, SessionProcess), (SECOND, SessionProcess)]), []);
        let restart = [(0, Wininit), (5 * HOUR, SensorStarted)];
        assert_eq!(boots(&restart), [(0, Strength::Sure)]);
        // With nothing else to go by, it is the best there is, and says so.
        assert_eq!(boots(&[(0, SensorStarted)]), [(0, Strength::Likely)]);
        assert_eq!(
            boots(&[(0, EventLogStarted), (SECOND, SensorStarted)]),
            [(0, Strength::Sure)]
        );
    }

    #[test]
    fn what_happened_shortly_before_a_boot_does_not_belong_to_it() {
        use Kind::*;
        let minute = 60 * SECOND;
        let found = boots(&[
            (0, SessionProcess),
            (minute, SensorStarted),
            (8 * minute, SessionManager),
            (8 * minute + SECOND, Wininit),
        ]);
        assert_eq!(found, [(8 * minute, Strength::Sure)]);
    }

    #[test]
    fn it_says_from_when_on_it_has_changed_its_mind() {
        let mut boots = Boots::default();
        boots.add(10 * HOUR, Kind::Wininit);
        assert_eq!(boots.settle(), Some(10 * HOUR));
        boots.add(10 * HOUR + SECOND, Kind::CsrssZero);
        assert_eq!(boots.settle(), None);
        boots.add(HOUR, Kind::Wininit);
        assert_eq!(boots.settle(), Some(HOUR));
    }

    #[test]
    fn that_a_start_of_sysmon_was_no_boot_is_no_change_of_mind() {
        let mut boots = Boots::default();
        boots.add(HOUR, Kind::SensorStarted);
        assert_eq!(boots.settle(), Some(HOUR));
        assert!(boots.provisional());
        boots.add(10 * HOUR, Kind::Wininit);
        assert_eq!(boots.settle(), Some(10 * HOUR));
        assert!(!boots.provisional());
        assert_eq!(boots.instants(), [10 * HOUR]);
        // Shortly before a boot it belongs to it, and then the boot began earlier than was known.
        boots.add(9 * HOUR, Kind::SensorStarted);
        assert_eq!(boots.settle(), None);
        boots.add(10 * HOUR - SECOND, Kind::SensorStarted);
        assert_eq!(boots.settle(), Some(10 * HOUR - SECOND));
    }
}
