//! A computer: its identity, its processes, its accounts, and the logs it writes.

use std::collections::BTreeMap;

use super::event::Event;
use super::program::{self, Program};
use super::random::Random;

/// An account with one logon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) name: &'static str,
    pub(crate) sid: &'static str,
    pub(crate) logon_id: u32,
    pub(crate) session: u32,
    pub(crate) integrity: &'static str,
}

pub(crate) const LOCAL_SYSTEM: Account = Account {
    name: r"NT AUTHORITY\SYSTEM",
    sid: "S-1-5-18",
    logon_id: 0x3e7,
    session: 0,
    integrity: "System",
};

pub(crate) const NETWORK_SERVICE: Account = Account {
    name: r"NT AUTHORITY\NETWORK SERVICE",
    sid: "S-1-5-20",
    logon_id: 0x3e4,
    session: 0,
    integrity: "System",
};

/// What the first process after the kernel's gets.
const FIRST_PID: u32 = 300;
/// Where process ids begin again: Windows gives the free ones anew.
const LAST_PID: u32 = 48_000;

/// A running process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) program: Program,
    pub(crate) pid: u32,
    pub(crate) guid: String,
    pub(crate) command_line: String,
    pub(crate) account: Account,
}

/// A computer with its logs.
#[derive(Debug)]
pub(crate) struct Host {
    /// Fully qualified name.
    pub(crate) name: String,
    pub(crate) domain: &'static str,
    pub(crate) address: String,
    pub(crate) gateway: &'static str,
    /// Minutes its local time is ahead of UTC.
    pub(crate) offset_minutes: i64,
    /// First part of the GUIDs that its Sysmon makes.
    machine: u32,
    boot: i64,
    sequence: u32,
    next_pid: u32,
    pub(crate) random: Random,
    pub(crate) events: Vec<Event>,
    first_record: u64,
    next_record: BTreeMap<&'static str, u64>,
    /// Since when Sysmon's service runs: what its driver saw before is written then.
    pub(crate) sysmon_since: i64,
    pub(crate) core: Core,
}

/// The processes every Windows computer has.
#[derive(Clone, Debug)]
pub(crate) struct Core {
    pub(crate) csrss: Process,
    pub(crate) winlogon: Process,
    pub(crate) services: Process,
    pub(crate) lsass: Process,
    pub(crate) rpcss: Process,
    pub(crate) netsvcs: Process,
    pub(crate) defender: Process,
    pub(crate) sysmon_pid: u32,
}

/// What a host is, before it boots.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) domain: &'static str,
    pub(crate) address: String,
    pub(crate) gateway: &'static str,
    pub(crate) offset_minutes: i64,
    /// Number of the first record in each log.
    pub(crate) first_record: u64,
}

impl Host {
    /// Boots the computer: its core processes run from here on, without events of their own.
    pub(crate) fn boot(identity: &Identity, boot: i64) -> Self {
        Self::boot_with(identity, boot, Random::named(&identity.name))
    }

    /// Boots the computer with numbers that do not come from its name.
    pub(crate) fn boot_with(identity: &Identity, boot: i64, mut random: Random) -> Self {
        let machine = u32::try_from(random.next() >> 32).unwrap_or(1);
        let mut maker = Maker {
            machine,
            sequence: 1,
            next_pid: FIRST_PID,
        };
        let mut core = |program: Program, command_line: &str, account: Account| {
            maker.process(program, command_line, account, boot, &mut random)
        };
        let csrss = core(
            program::CSRSS,
            r"%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,768",
            LOCAL_SYSTEM,
        );
        let winlogon = core(program::WINLOGON, "winlogon.exe", LOCAL_SYSTEM);
        let services = core(
            program::SERVICES,
            r"C:\Windows\system32\services.exe",
            LOCAL_SYSTEM,
        );
        let lsass = core(
            program::LSASS,
            r"C:\Windows\system32\lsass.exe",
            LOCAL_SYSTEM,
        );
        let rpcss = core(
            program::SVCHOST,
            r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
            LOCAL_SYSTEM,
        );
        let netsvcs = core(
            program::SVCHOST,
            r"C:\Windows\system32\svchost.exe -k netsvcs -p",
            LOCAL_SYSTEM,
        );
        let defender = core(
            program::DEFENDER,
            r#""C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2201.10-0\MsMpEng.exe""#,
            LOCAL_SYSTEM,
        );
        let (sequence, next_pid) = (maker.sequence, maker.next_pid);
        Self {
            name: identity.name.clone(),
            domain: identity.domain,
            address: identity.address.clone(),
            gateway: identity.gateway,
            offset_minutes: identity.offset_minutes,
            machine,
            boot,
            sequence,
            next_pid: next_pid + 1200,
            random,
            events: Vec::new(),
            first_record: identity.first_record,
            next_record: BTreeMap::new(),
            sysmon_since: i64::MIN,
            core: Core {
                csrss,
                winlogon,
                services,
                lsass,
                rpcss,
                netsvcs,
                defender,
                sysmon_pid: next_pid + 400,
            },
        }
    }

    /// The name without its domain.
    pub(crate) fn short_name(&self) -> &str {
        self.name.split('.').next().unwrap_or(&self.name)
    }

    /// Begins again as after a boot: process ids and GUIDs restart, and what ran is gone. The caller starts the core
    /// processes anew and puts them into `core`.
    pub(crate) fn restart(&mut self, boot: i64) {
        self.boot = boot;
        self.sequence = 1;
        self.next_pid = FIRST_PID;
    }

    /// A process that runs from `time` on; no event is written.
    pub(crate) fn running(
        &mut self,
        program: Program,
        command_line: &str,
        account: Account,
        time: i64,
    ) -> Process {
        let mut maker = Maker {
            machine: self.machine,
            sequence: self.sequence,
            next_pid: self.next_pid,
        };
        let process = maker.process(program, command_line, account, time, &mut self.random);
        self.sequence = maker.sequence;
        self.next_pid = maker.next_pid;
        process
    }

    /// The GUID Sysmon gives a logon.
    pub(crate) fn logon_guid(&self, account: Account) -> String {
        let [a, b, c, d] = account.logon_id.to_le_bytes();
        let (low, high) = seconds(self.boot);
        format!(
            "{{{:08x}-{low:04x}-{high:04x}-{a:02x}{b:02x}-{c:02x}{d:02x}00000000}}",
            self.machine
        )
    }

    /// Adds an event to its log.
    pub(crate) fn write(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Closes the logs: events in the order of time, numbered per log.
    pub(crate) fn close(mut self) -> Self {
        self.events = self.drain(i64::MAX);
        self
    }

    /// Takes the events before `until` in the order of time, numbered per log. Nothing earlier may be written after.
    pub(crate) fn drain(&mut self, until: i64) -> Vec<Event> {
        self.events.sort_by_key(|e| e.time);
        let later = self
            .events
            .split_off(self.events.partition_point(|e| e.time < until));
        let mut events = std::mem::replace(&mut self.events, later);
        for event in &mut events {
            let record = self
                .next_record
                .entry(event.log.channel)
                .or_insert(self.first_record);
            event.record = *record;
            *record += 1;
        }
        events
    }
}

/// What makes processes: pids and GUIDs that grow as on a real computer.
struct Maker {
    machine: u32,
    sequence: u32,
    next_pid: u32,
}

impl Maker {
    fn process(
        &mut self,
        program: Program,
        command_line: &str,
        account: Account,
        started: i64,
        random: &mut Random,
    ) -> Process {
        let pid = self.next_pid;
        self.next_pid += 4 * u32::try_from(random.between(1, 9)).unwrap_or(1);
        if self.next_pid > LAST_PID {
            self.next_pid = FIRST_PID + 4_000;
        }
        let [a, b, c, d] = self.sequence.to_le_bytes();
        self.sequence += 1;
        let (low, high) = seconds(started);
        Process {
            program,
            pid,
            // The machine, the start in seconds, a number that grows, and the boot: what Sysmon 11 and later write.
            guid: format!(
                "{{{:08x}-{low:04x}-{high:04x}-{a:02x}{b:02x}-{c:02x}{d:02x}00000400}}",
                self.machine
            ),
            command_line: command_line.to_owned(),
            account,
        }
    }
}

/// The low and the high half of an instant in seconds.
fn seconds(instant: i64) -> (u16, u16) {
    let bytes = u32::try_from(instant / 1_000_000)
        .unwrap_or(0)
        .to_le_bytes();
    (
        u16::from_le_bytes([bytes[0], bytes[1]]),
        u16::from_le_bytes([bytes[2], bytes[3]]),
    )
}
