//! The computer of a simulation: its name, its user, its processes with their GUIDs and ids, its clock, and numbers that
//! look random and follow from the seed.

use std::collections::BTreeMap;

use super::SimulationOptions;

/// Noon UTC of the day on which simulations happen; the seed moves it by less than a day.
const DAY: i64 = 1_767_614_400_000_000;
/// Microseconds in a second.
const SECOND: i64 = 1_000_000;
/// The account of the system.
pub(super) const SYSTEM_USER: &str = r"NT AUTHORITY\SYSTEM";

/// The number of the first computer's name.
const FIRST: u32 = 7;

/// Which computer has this name.
pub(crate) fn computer_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("WS")?.split_once('.')?.0;
    digits.parse::<u64>().ok()?.checked_sub(u64::from(FIRST))
}

/// Numbers that look random and are the same on every machine (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream of its own for every name.
    pub(super) fn named(seed: u64, name: &str) -> Self {
        // FNV-1a: enough to tell names apart.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).unwrap_or(0)
    }

    /// That many hexadecimal digits in upper case.
    pub(super) fn hex(&mut self, digits: usize) -> String {
        let mut out = String::with_capacity(digits + 16);
        while out.len() < digits {
            out.push_str(&format!("{:016X}", self.next()));
        }
        out.truncate(digits);
        out
    }
}

/// A running process.
#[derive(Clone, Debug)]
pub(super) struct ProcessInstance {
    pub(super) image: String,
    pub(super) guid: String,
    pub(super) pid: u32,
    pub(super) user: String,
    pub(super) integrity: &'static str,
    pub(super) session: u32,
}

/// The computer.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) name: String,
    pub(super) user: String,
    pub(super) sid: String,
    pub(super) logon_id: u32,
    pub(super) random: Random,
    /// First part of the GUIDs its Sysmon makes.
    id: u32,
    boot: i64,
    now: i64,
    processes: BTreeMap<String, ProcessInstance>,
}

impl Machine {
    pub(super) fn new(options: &SimulationOptions) -> Self {
        let name = format!("WS{:02}.corp.example", FIRST + options.computer);
        // Only what tells computers apart depends on the computer, so that what happens is the same on each.
        let mut identity = Random::named(options.seed, &name);
        let mut random = Random::named(options.seed, "simulation");
        let moved = i64::from(random.below(6 * 3600)) * SECOND;
        Self {
            id: identity.below(u32::MAX),
            name,
            user: options
                .user
                .clone()
                .unwrap_or_else(|| r"CORP\user1".to_owned()),
            sid: "S-1-5-21-1004336348-1177238915-682003330-1104".to_owned(),
            logon_id: 0x3_0000 + random.below(0x4_0000),
            boot: DAY + moved - 3 * 3600 * SECOND,
            now: DAY + moved,
            random,
            processes: BTreeMap::new(),
        }
    }

    /// The name of the user without the domain.
    pub(super) fn user_name(&self) -> &str {
        self.user
            .rsplit_once('\\')
            .map_or(self.user.as_str(), |(_, name)| name)
    }

    /// A moment later than the last.
    pub(super) fn tick(&mut self) -> i64 {
        self.now += 40_000 + i64::from(self.random.below(900_000));
        self.now
    }

    /// The process of a program; one program has one.
    pub(super) fn process(&mut self, image: &str, elevated: bool) -> ProcessInstance {
        let key = image.to_lowercase();
        if let Some(known) = self.processes.get(&key) {
            return known.clone();
        }
        let (pid, sequence, started) = match key.as_str() {
            "system" => (4, 1, self.boot),
            _ => {
                let nth = u32::try_from(self.processes.len()).unwrap_or(0);
                let pid = 612 + nth * 388 + self.random.below(90) * 4;
                let started = self.boot + i64::from(nth + 1) * 400 * SECOND;
                (pid, 0x20 + nth, started)
            }
        };
        let seconds = u32::try_from(started / SECOND).unwrap_or(0);
        let system = is_of_the_system(&key);
        let process = ProcessInstance {
            image: image.to_owned(),
            guid: format!(
                "{{{:08x}-{:04x}-{:04x}-{:02x}{:02x}-000000000400}}",
                self.id,
                seconds & 0xffff,
                seconds >> 16,
                sequence & 0xff,
                sequence >> 8
            ),
            pid,
            user: match system {
                true => SYSTEM_USER.to_owned(),
                false => self.user.clone(),
            },
            integrity: match (system, elevated) {
                (true, _) => "System",
                (_, true) => "High",
                _ => "Medium",
            },
            session: u32::from(!system),
        };
        self.processes.insert(key, process.clone());
        process
    }
}

/// Whether a program runs as the system.
fn is_of_the_system(image: &str) -> bool {
    const OF_THE_SYSTEM: [&str; 9] = [
        "lsass.exe",
        "services.exe",
        "svchost.exe",
        "winlogon.exe",
        "wininit.exe",
        "csrss.exe",
        "werfault.exe",
        "mpnotify.exe",
        "wmiprvse.exe",
    ];
    let name = image.rsplit('\\').next().unwrap_or(image);
    image == "system" || OF_THE_SYSTEM.contains(&name)
}
