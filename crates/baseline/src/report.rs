//! The answer: one tree of plain values from which the terminal, JSON and the HTML page are drawn. It holds what was
//! counted and what was computed from it, and refuses to know how either is done or shown.

use serde::Serialize;

/// Microseconds since 1970 in UTC.
pub type Time = i64;

/// A baseline: what was counted in one reading.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// How it was counted.
    pub parameters: Parameters,
    /// How long was looked, and at how many machines.
    pub exposure: Exposure,
    /// The machines by name; [`HostCount::host`] and [`Boot::host`] are places in this list.
    pub hosts: Vec<Host>,
    /// Every boot found, by host and time.
    pub boots: Vec<Boot>,
    /// The buckets of time that every [`Tally::timeline`] is counted in.
    pub timeline: Timeline,
    /// What was counted: one for each event type and list of keys, by channel, event id and keys.
    pub streams: Vec<Stream>,
    /// What a reader must know: limits that were met, assumptions that may not hold.
    pub notes: Vec<String>,
}

/// How a baseline is counted. A comparison of two needs the same.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parameters {
    /// Minutes after a boot that count as start-up.
    pub startup_minutes: u32,
    /// Groups counted exactly for each list of keys; beyond them a sketch is kept.
    pub max_groups: usize,
    /// Coverage of the intervals, 0 to 1.
    pub confidence: f64,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            startup_minutes: 3,
            max_groups: 50_000,
            confidence: 0.95,
        }
    }
}

/// What was observed, whatever kind of event it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exposure {
    /// Events read.
    pub events: u64,
    /// Events without a time; they are counted, and placed nowhere.
    pub timeless: u64,
    /// First event of any kind.
    pub first: Option<Time>,
    /// Last event of any kind.
    pub last: Option<Time>,
    /// Days on which there is any event, UTC.
    pub days: u64,
    /// Sum over the hosts of the time in which they were observed, in days: from the first to the last event of any kind,
    /// without the days (UTC) that have none, and at least an hour, so that a recording of seconds is not blown up to
    /// thousands a day.
    pub host_days: f64,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Host {
    /// Its name as recorded; empty where events name none.
    pub name: String,
    /// Events of any kind.
    pub events: u64,
    /// First event of any kind.
    pub first: Option<Time>,
    /// Last event of any kind.
    pub last: Option<Time>,
    /// How long it was observed, in days; see [`Exposure::host_days`].
    pub days: f64,
}

/// A start of Windows, found in the recording.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Boot {
    /// The machine: a place in [`Report::hosts`].
    pub host: usize,
    /// The earliest sign of it.
    pub at: Time,
    /// How sure it is.
    pub strength: Strength,
    /// What it was seen by, by time; of each kind the first.
    pub signs: Vec<Sign>,
}

/// How sure a boot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// A sign that only a boot leaves, or several that agree.
    Sure,
    /// A single sign that something else may leave, too. Events are placed after it all the same.
    Likely,
}

/// Something that a boot leaves in the logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Sign {
    /// When.
    pub at: Time,
    /// What, in a few words: `wininit.exe started (Sysmon 1)`, `System 6005`.
    pub what: String,
}

/// Equal stretches of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timeline {
    /// Start of the first bucket.
    pub start: Time,
    /// Length of each in seconds.
    pub seconds: u64,
    /// How many there are.
    pub buckets: usize,
    /// The bucket with which the second half begins; see [`Tally::halves`].
    pub middle: usize,
}

/// Events of one type, counted by one list of keys.
#[derive(Clone, Debug, Serialize)]
pub struct Stream {
    /// What to call them: `CreateRemoteThread`, `Security 4688`, a hunt's id.
    pub name: String,
    /// `true` for events of Sysmon's channel.
    pub sysmon: bool,
    /// The channel as recorded, where the stream has one.
    pub channel: Option<String>,
    /// The event id, where the stream has one.
    pub event_id: Option<i64>,
    /// The fields that make a group, as the sensor spells them.
    pub keys: Vec<String>,
    /// The field that names who did it, where the event has one.
    pub user: Option<String>,
    /// The whole in words.
    pub summary: String,
    /// All events of the stream together.
    pub total: Tally,
    /// The groups, most events first, then by their values.
    pub groups: Vec<Group>,
    /// How many groups there are; with a sketch, at least so many.
    pub distinct: u64,
    /// Groups with events outside start-up.
    pub distinct_outside: u64,
    /// Where there were more groups than are counted exactly.
    pub sketch: Option<Sketch>,
    /// How it differs from a saved baseline.
    pub comparison: Option<Comparison>,
}

/// What a sketch (Space-Saving) does to the counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sketch {
    /// Groups that are kept.
    pub kept: usize,
    /// No count of a group is more than this too high, none is too low, and no group left out had more events.
    pub error: u64,
}

/// Events with the same values of the keys.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The values in the order of the keys; none where the event has none.
    pub values: Vec<Option<String>>,
    /// What was counted.
    pub tally: Tally,
    /// Its share of the stream's events, 0 to 1.
    pub share: f64,
    /// How much [`Tally::count`] may be too high: 0 where it is exact. Hosts, times and the rest cover what was seen
    /// since the group was last taken up, which is at least `count - error` events.
    pub error: u64,
    /// A record that is in it: the earliest.
    pub example: Option<Example>,
    /// What makes it stand out.
    pub marks: Vec<Mark>,
}

/// Where a record stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Example {
    /// `file#record`, or `file@offset` where records have no number.
    pub record: String,
}

/// What is known of a set of events.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// First time.
    pub first: Option<Time>,
    /// Last time.
    pub last: Option<Time>,
    /// Per host, most first. At most [`MAX_HOSTS`]; see `hosts_total`.
    pub hosts: Vec<HostCount>,
    /// Different hosts; where [`MAX_HOSTS`] is reached, at least so many.
    pub hosts_total: u64,
    /// Different users in alphabetical order, at most [`MAX_USERS`].
    pub users: Vec<String>,
    /// Different users; where [`MAX_USERS`] is reached, at least so many.
    pub users_total: u64,
    /// Days (UTC) on which there are any, as far as the buckets of time tell days apart.
    pub days: u64,
    /// Counts per bucket of [`Report::timeline`] that has any: place and count.
    pub timeline: Vec<(usize, u64)>,
    /// Counts before and after the start of bucket [`Timeline::middle`].
    pub halves: [u64; 2],
    /// Events a host-day, over all hosts and the whole time observed.
    pub rate: Interval,
    /// How the events lie to the boots.
    pub start_up: StartUp,
    /// Whether they come evenly.
    pub regularity: Regularity,
}

/// Hosts told apart in one group.
pub const MAX_HOSTS: usize = 256;
/// Users told apart in one group.
pub const MAX_USERS: usize = 32;
/// Minutes after a boot that are told apart.
pub const MAX_MINUTES: usize = 60;

/// Events on one host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostCount {
    /// The machine: a place in [`Report::hosts`].
    pub host: usize,
    /// How many.
    pub count: u64,
    /// Of these, outside start-up.
    pub outside: u64,
    /// First time.
    pub first: Option<Time>,
    /// Last time.
    pub last: Option<Time>,
}

/// A value with the interval that holds the true one with the stated confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How events lie to the boots of their host.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct StartUp {
    /// Events within [`Parameters::startup_minutes`] of a boot.
    pub count: u64,
    /// Their share of all events, 0 to 1.
    pub share: f64,
    /// Events in each minute after the latest boot of their host, up to [`MAX_MINUTES`].
    pub minutes: Vec<u64>,
    /// Events later than that.
    pub later: u64,
    /// Events before the first boot found on their host, or on a host without one.
    pub unknown: u64,
    /// Events outside start-up, a host-day.
    pub outside: Interval,
}

/// Whether events come evenly: Fisher's index of dispersion of the counts per host and bucket of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Regularity {
    /// Too few events or buckets to tell.
    #[default]
    Unknown,
    /// More even than chance: a timer.
    Regular {
        /// Variance over mean; below 1.
        dispersion: f64,
    },
    /// As by chance.
    Random {
        /// Variance over mean; about 1.
        dispersion: f64,
    },
    /// In bursts. A Poisson interval is then too narrow.
    Bursty {
        /// Variance over mean; above 1.
        dispersion: f64,
    },
}

/// What makes a group stand out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "mark")]
pub enum Mark {
    /// Seen on one host, while there are more.
    OneHost,
    /// Seen for the first time when three quarters of the time observed had passed.
    LateFirst,
    /// In one bucket of time at least ten, and five times what the same host has of it in any other bucket.
    AboveHabit {
        /// The machine: a place in [`Report::hosts`].
        host: usize,
        /// The bucket of [`Report::timeline`].
        bucket: usize,
        /// What was counted there.
        count: u64,
        /// The most that this host has of it in any other bucket.
        habit: u64,
    },
    /// Not in the saved baseline.
    New,
}

/// How a stream differs from a saved baseline.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Comparison {
    /// Groups that the saved baseline does not have, as places in [`Stream::groups`].
    pub appeared: Vec<usize>,
    /// Groups that only the saved baseline has.
    pub vanished: Vec<GroupChange>,
    /// Groups whose rate changed: the interval of the ratio does not hold 1.
    pub changed: Vec<GroupChange>,
    /// Groups in both whose rate may be the same.
    pub same: u64,
}

/// A group then and now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupChange {
    /// The values in the order of the keys.
    pub values: Vec<Option<String>>,
    /// Events then.
    pub before: u64,
    /// Events now.
    pub now: u64,
    /// Rate now over rate then.
    pub ratio: Interval,
}
