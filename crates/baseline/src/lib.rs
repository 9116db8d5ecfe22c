//! How often does this happen in normal use? Recorded events counted by who does what to whom, when, on which machines
//! and how long after a boot, with intervals instead of bare rates. Not inside: how events are read, SQL, and what an
//! event means for an attacker.

mod report;

pub use report::{
    Boot, Comparison, Example, Exposure, Group, GroupChange, Host, HostCount, Interval, MAX_HOSTS,
    MAX_MINUTES, MAX_USERS, Mark, Parameters, Regularity, Report, Sign, Sketch, StartUp, Stream,
    Strength, Tally, Time, Timeline,
};
