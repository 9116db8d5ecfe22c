//! What happens on which computer when: uptimes, things people and software do, one intrusion. All of it follows from
//! the settings. Not here: what events that leaves.

use std::collections::BTreeMap;

use crate::model::host::{Account, Identity};
use crate::model::random::Random;
use crate::model::time::{DAY, HOUR, MINUTE, SECOND};

/// Midnight before the first day, a Monday (2026-03-02, UTC).
pub(crate) const MONDAY: i64 = 1_772_409_600_000_000;

/// How large a fleet is, and which of all possible ones.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Computers: of eight, five are desks, two are servers and one is a kiosk.
    pub hosts: u32,
    /// Days from Monday, 2026-03-02 on.
    pub days: u32,
    /// Another seed is another fleet.
    pub seed: u64,
    /// About how many events there should be; `None` for no more than what happens leaves anyway.
    pub events: Option<u64>,
}

impl Default for Settings {
    /// The fleet in `samples-fleet/`.
    fn default() -> Self {
        Self {
            hosts: 12,
            days: 9,
            seed: 1,
            events: None,
        }
    }
}

/// A start of Windows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Boot {
    /// Fully qualified name of the computer.
    pub host: String,
    /// When the kernel started, in microseconds since 1970, UTC.
    pub time: i64,
}

/// What the intruder did.
#[derive(Clone, Debug)]
pub struct Intrusion {
    /// Fully qualified name of the computer.
    pub host: String,
    /// When the intruder's program started, in microseconds since 1970, UTC.
    pub time: i64,
    /// `SourceImage` of the one thread the intruder started.
    pub source: &'static str,
    /// `TargetImage` of that thread.
    pub target: &'static str,
}

/// What an analysis of a fleet's events should find.
#[derive(Clone, Debug)]
pub struct Truth {
    /// Every start of Windows within the recording, by computer and time.
    pub boots: Vec<Boot>,
    /// Sessions that started their own `csrss.exe` and `winlogon.exe` while Windows was running.
    pub sessions: Vec<Boot>,
    /// Restarts of Sysmon's service while Windows was running.
    pub sysmon_restarts: Vec<Boot>,
    /// The intruder; there is none where no desk is switched on.
    pub intrusion: Option<Intrusion>,
}

/// The truth about a fleet.
pub fn truth(settings: &Settings) -> Truth {
    let hosts = plan(settings);
    let mut truth = Truth {
        boots: Vec::new(),
        sessions: Vec::new(),
        sysmon_restarts: Vec::new(),
        intrusion: None,
    };
    for host in hosts {
        let at = |time: i64| Boot {
            host: host.identity.name.clone(),
            time,
        };
        for uptime in &host.uptimes {
            truth.boots.extend(uptime.boot.map(at));
            for (time, action) in &uptime.actions {
                match action {
                    // A kiosk's Sysmon writes threads and its own state alone.
                    Action::SecondSession if host.sees != Sees::ThreadsAndSystem => {
                        truth.sessions.push(at(*time));
                    }
                    Action::RestartSysmon => truth.sysmon_restarts.push(at(*time)),
                    Action::Intrude => {
                        truth.intrusion = Some(Intrusion {
                            host: host.identity.name.clone(),
                            time: *time,
                            source: crate::model::program::INTRUDER.path,
                            target: crate::model::program::EXPLORER.path,
                        });
                    }
                    _ => {}
                }
            }
        }
    }
    truth.boots.sort();
    truth
}

/// What a computer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Desk,
    Server,
    /// Shows one page to passers-by.
    Kiosk,
}

/// Which of its events leave a computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    SysmonAndSystem,
    /// Nobody collects the System log.
    Sysmon,
    /// Sysmon logs remote threads and nothing else that can be switched off.
    ThreadsAndSystem,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    LookForUpdates,
    Report,
    Browse,
    Console,
    Chat,
    Build,
    Debug,
    BackUp,
    Inventory,
    Sweep,
    SecondSession,
    RestartSysmon,
    Intrude,
}

/// A time between a start of Windows and its end.
#[derive(Clone, Debug)]
pub(crate) struct Uptime {
    /// `None` where Windows was running before the recording begins.
    pub(crate) boot: Option<i64>,
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// It ends with a shutdown within the recording, not with the power or the recording.
    pub(crate) shuts_down: bool,
    /// The last uptime ended without a shutdown.
    pub(crate) after_crash: bool,
    /// In the order of time.
    pub(crate) actions: Vec<(i64, Action)>,
}

/// A computer and what happens on it.
#[derive(Clone, Debug)]
pub(crate) struct HostPlan {
    pub(crate) identity: Identity,
    pub(crate) role: Role,
    pub(crate) sees: Sees,
    pub(crate) user: Account,
    pub(crate) second_user: Account,
    pub(crate) random: Random,
    pub(crate) uptimes: Vec<Uptime>,
}

/// Names and last parts of the SIDs of the people; they share desks where there are more desks than people.
const PEOPLE: &[(&str, &str)] = &[
    (
        r"CORP\user1",
        "S-1-5-21-1004336348-1177238915-682003330-1104",
    ),
    (
        r"CORP\user2",
        "S-1-5-21-1004336348-1177238915-682003330-1105",
    ),
    (
        r"CORP\user3",
        "S-1-5-21-1004336348-1177238915-682003330-1106",
    ),
    (
        r"CORP\user4",
        "S-1-5-21-1004336348-1177238915-682003330-1107",
    ),
    (
        r"CORP\user5",
        "S-1-5-21-1004336348-1177238915-682003330-1108",
    ),
    (
        r"CORP\user6",
        "S-1-5-21-1004336348-1177238915-682003330-1109",
    ),
    (
        r"CORP\user7",
        "S-1-5-21-1004336348-1177238915-682003330-1110",
    ),
    (
        r"CORP\user8",
        "S-1-5-21-1004336348-1177238915-682003330-1111",
    ),
    (
        r"CORP\user9",
        "S-1-5-21-1004336348-1177238915-682003330-1112",
    ),
    (
        r"CORP\user10",
        "S-1-5-21-1004336348-1177238915-682003330-1113",
    ),
    (
        r"CORP\user11",
        "S-1-5-21-1004336348-1177238915-682003330-1114",
    ),
];

fn person(i: u32, session: u32) -> Account {
    let (name, sid) = PEOPLE[i as usize % PEOPLE.len()];
    Account {
        name,
        sid,
        logon_id: 0x0003_1a40 + i * 0x1_0102 + session * 0x40_0000,
        session,
        integrity: "Medium",
    }
}

/// Every computer of the fleet.
pub(crate) fn plan(settings: &Settings) -> Vec<HostPlan> {
    let mut hosts: Vec<HostPlan> = (0..settings.hosts).map(|i| host(settings, i)).collect();
    place_intruder(settings, &mut hosts);
    for host in &mut hosts {
        for uptime in &mut host.uptimes {
            uptime.actions.sort_by_key(|(time, _)| *time);
        }
    }
    hosts
}

fn host(settings: &Settings, i: u32) -> HostPlan {
    let (role, prefix) = match i % 8 {
        5 | 6 => (Role::Server, "SRV"),
        7 => (Role::Kiosk, "KIOSK"),
        _ => (Role::Desk, "DESK"),
    };
    let sees = match i % 8 {
        3 | 4 => Sees::Sysmon,
        7 => Sees::ThreadsAndSystem,
        _ => Sees::SysmonAndSystem,
    };
    let name = format!("{prefix}{:02}.corp.example", i + 1);
    let mut random = Random::named(&format!("{} {name}", settings.seed));
    let uptimes = uptimes(settings, i, role, &mut random);
    HostPlan {
        identity: Identity {
            domain: "CORP",
            address: format!("10.20.{}.{}", 2 + i / 200, 11 + i % 200),
            gateway: "10.20.0.10",
            offset_minutes: 0,
            first_record: 1_000 + 37_000 * u64::from(i % 90),
            name,
        },
        role,
        sees,
        user: person(i, 1),
        second_user: person(i + 5, 2),
        random,
        uptimes,
    }
}

/// Up to that many minutes, in milliseconds' steps.
fn within(random: &mut Random, minutes: i64) -> i64 {
    let steps = u64::try_from(minutes * MINUTE / 1000).unwrap_or(1);
    i64::try_from(random.between(0, steps)).unwrap_or(0) * 1000
}

fn one_in(random: &mut Random, n: u64) -> bool {
    random.between(0, n) == 0
}

fn uptimes(settings: &Settings, i: u32, role: Role, random: &mut Random) -> Vec<Uptime> {
    let mut found: Vec<Uptime> = Vec::new();
    let end = MONDAY + i64::from(settings.days) * DAY;
    let mut begin = |boot: Option<i64>, to: i64, after_crash: bool| {
        found.push(Uptime {
            boot,
            from: boot.unwrap_or(MONDAY),
            to: to.min(end),
            shuts_down: to < end,
            after_crash,
            actions: Vec::new(),
        });
    };
    match role {
        Role::Server => {
            // Patches: one restart in the night, in the middle of each week.
            let mut boot = None;
            for week in 0..settings.days.div_ceil(7) {
                let day = (settings.days - week * 7).min(7) / 2;
                let stop = MONDAY + i64::from(week * 7 + day) * DAY + 3 * HOUR + within(random, 40);
                begin(boot, stop, false);
                boot = Some(stop + 70 * SECOND + within(random, 1));
            }
            begin(boot, end + HOUR, false);
        }
        Role::Kiosk => {
            for day in 0..settings.days {
                let midnight = MONDAY + i64::from(day) * DAY;
                let on = midnight + 6 * HOUR + within(random, 4);
                begin(Some(on), midnight + 22 * HOUR, false);
            }
        }
        Role::Desk => {
            let mut left_on: Option<i64> = None;
            for day in (0..settings.days).filter(|day| day % 7 < 5) {
                let midnight = MONDAY + i64::from(day) * DAY;
                let on = midnight + 7 * HOUR + 20 * MINUTE + within(random, 110);
                let off = midnight + 17 * HOUR + within(random, 100);
                let on = left_on.take().unwrap_or(on);
                let stays = day % 7 < 4 && day + 1 < settings.days && one_in(random, 7);
                let crashes = !stays && day % 7 == 1 + i % 5 && one_in(random, 3);
                if stays {
                    left_on = Some(on);
                } else if crashes {
                    let crash = midnight + 13 * HOUR + within(random, 120);
                    begin(Some(on), crash, false);
                    begin(Some(crash + 95 * SECOND + within(random, 2)), off, true);
                } else {
                    begin(Some(on), off, false);
                }
            }
        }
    }
    let last = found.len();
    for n in 1..last {
        if found[n].after_crash {
            found[n - 1].shuts_down = false;
        }
    }
    for uptime in &mut found {
        habits(i, role, uptime, random);
    }
    found
}

/// The time of a day, where the computer is on then and will be for a while.
fn on_at(uptime: &Uptime, time: i64) -> bool {
    time > uptime.from + 5 * MINUTE && time < uptime.to - 15 * MINUTE
}

fn habits(i: u32, role: Role, uptime: &mut Uptime, random: &mut Random) {
    let mut actions = Vec::new();
    let settled = uptime.from + 6 * MINUTE;
    let mut every = |first: i64, step: i64, action: Action| {
        let mut time = first;
        while time < uptime.to - 15 * MINUTE {
            actions.push((time, action));
            time += step;
        }
    };
    every(settled + within(random, 9), 2 * HOUR, Action::Report);
    if role != Role::Kiosk {
        every(settled + within(random, 40), HOUR, Action::LookForUpdates);
        every(settled + within(random, 60), 4 * HOUR, Action::Sweep);
    }
    let first_day = (uptime.from - MONDAY) / DAY;
    let last_day = (uptime.to - 1 - MONDAY) / DAY;
    for day in first_day..=last_day {
        let midnight = MONDAY + day * DAY;
        let mut at = |time: i64, action: Action| {
            if on_at(uptime, time) {
                actions.push((time, action));
            }
        };
        match role {
            Role::Desk => {
                for _ in 0..random.between(3, 7) {
                    at(midnight + 8 * HOUR + within(random, 540), Action::Browse);
                }
                for _ in 0..random.between(0, 3) {
                    at(midnight + 9 * HOUR + within(random, 480), Action::Console);
                }
                at(midnight + 9 * HOUR + within(random, 60), Action::Chat);
                if i.is_multiple_of(8) {
                    for _ in 0..random.between(1, 4) {
                        at(midnight + 10 * HOUR + within(random, 380), Action::Build);
                    }
                    if day % 7 == 2 {
                        at(midnight + 15 * HOUR + within(random, 60), Action::Debug);
                    }
                }
                if i % 8 == 1 && day % 7 % 3 == 1 {
                    at(
                        midnight + 11 * HOUR + within(random, 90),
                        Action::SecondSession,
                    );
                }
                if i % 8 == 3 && day % 7 == 2 {
                    at(
                        midnight + 10 * HOUR + within(random, 90),
                        Action::RestartSysmon,
                    );
                }
            }
            Role::Server => {
                at(midnight + 2 * HOUR, Action::BackUp);
                at(midnight + 5 * HOUR + within(random, 5), Action::Inventory);
                at(midnight + 17 * HOUR + within(random, 5), Action::Inventory);
                if i % 8 == 6 && day % 7 == 1 {
                    at(
                        midnight + 14 * HOUR + within(random, 60),
                        Action::SecondSession,
                    );
                }
                if i % 8 == 5 && day % 7 == 2 {
                    at(
                        midnight + 11 * HOUR + within(random, 60),
                        Action::RestartSysmon,
                    );
                }
            }
            Role::Kiosk => {
                if day % 7 == 4 {
                    at(midnight + 12 * HOUR + within(random, 60), Action::Console);
                }
            }
        }
    }
    uptime.actions = actions;
}

/// One desk whose owner opens the wrong document in the second half of the recording, between two and four.
fn place_intruder(settings: &Settings, hosts: &mut [HostPlan]) {
    let mut random = Random::named(&format!("{} intruder", settings.seed));
    let mut places: BTreeMap<u32, Vec<(usize, usize, i64)>> = BTreeMap::new();
    for (h, host) in hosts
        .iter()
        .enumerate()
        .filter(|(_, h)| h.role == Role::Desk)
    {
        for day in 0..settings.days {
            let time = MONDAY + i64::from(day) * DAY + 14 * HOUR + within(&mut random, 120);
            let on = host.uptimes.iter().position(|u| on_at(u, time));
            places
                .entry(day)
                .or_default()
                .extend(on.map(|u| (h, u, time)));
        }
    }
    let days: Vec<u32> = places
        .iter()
        .filter(|(_, on)| !on.is_empty())
        .map(|(day, _)| *day)
        .collect();
    let chosen = days
        .iter()
        .find(|d| **d * 2 >= settings.days)
        .or(days.last());
    if let Some(day) = chosen {
        let (host, uptime, time) = *random.pick(&places[day]);
        hosts[host].uptimes[uptime]
            .actions
            .push((time, Action::Intrude));
    }
}
