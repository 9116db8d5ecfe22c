//! Windows starting and stopping, as the System log and Sysmon tell it.
//!
//! Sysmon's driver sees the first processes; its service writes them when it starts, so that the log's own time is
//! seconds after `UtcTime` for them.

use super::plan::{HostPlan, Role, Uptime};
use super::session::{self, Session};
use super::threads;
use crate::model::host::{Core, Host, LOCAL_SYSTEM, NETWORK_SERVICE, Process};
use crate::model::program;
use crate::model::time::{MINUTE, SECOND};
use crate::noise::services::jitter;

/// What runs on a computer that is on.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) agent: Process,
    pub(crate) wmi: Process,
    pub(crate) spooler: Process,
    /// Of whoever logged on after the start.
    pub(crate) session: Option<Session>,
}

/// How a computer is when it was running before the recording: the processes are there, no event tells of them.
pub(crate) fn already_on(host: &mut Host, plan: &HostPlan, since: i64) -> Running {
    let events = host.events.len();
    let running = start_up(host, plan, since, false);
    host.events.truncate(events);
    host.sysmon_since = i64::MIN;
    running
}

/// Starts Windows at `at`.
pub(crate) fn start_up(host: &mut Host, plan: &HostPlan, at: i64, after_crash: bool) -> Running {
    host.restart(at);
    host.kernel_started(at);
    if after_crash {
        host.power_was_lost(at + 900_000);
    }
    let service = at + 9 * SECOND + jitter(host, 11);
    host.sysmon_since = service;
    let system = Process {
        pid: 4,
        ..host.running(program::SYSTEM, "", LOCAL_SYSTEM, at)
    };
    let core = core(host, at, &system);
    host.core = core;
    let log = at + 6 * SECOND + jitter(host, 3);
    let version = ["10.00.", "19041", "", "Multiprocessor Free", "1415"];
    host.event_log(log, 6009, &version);
    host.event_log(log + 1000, 6005, &[]);
    let up = ((log - at) / SECOND).to_string();
    host.event_log(log + 2000, 6013, &["", "", "", "", &up, "60", "0 UTC"]);
    if after_crash {
        host.event_log(log + 3000, 6008, &["", ""]);
    }
    host.sysmon_state(service, true);

    let services = host.core.services.clone();
    let mut start = |delay: i64, program, command_line: &str, account| {
        let moment = service + delay * SECOND + jitter(host, 2);
        host.create(moment, &services, program, command_line, account)
    };
    let spooler = start(
        2,
        program::SPOOLSV,
        r"C:\Windows\System32\spoolsv.exe",
        LOCAL_SYSTEM,
    );
    let agent = start(
        5,
        program::HEALTH_AGENT,
        r#""C:\Program Files\Example Health\HealthAgent.exe" --service"#,
        LOCAL_SYSTEM,
    );
    start(
        8,
        program::SEARCH,
        r"C:\Windows\system32\SearchIndexer.exe /Embedding",
        LOCAL_SYSTEM,
    );
    let rpcss = host.core.rpcss.clone();
    let moment = service + 7 * SECOND + jitter(host, 4);
    let wmi = host.create(
        moment,
        &rpcss,
        program::WMIPRVSE,
        r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
        NETWORK_SERVICE,
    );
    for name in ["Windows Update", "Example Health Agent", "Print Spooler"] {
        let moment = service + 3 * SECOND + jitter(host, 30);
        host.service_state(moment, name, "running");
    }
    let winlogon = session::begin(host, at + 4 * SECOND, 1);
    let logon = match plan.role {
        // Nobody sits at a server.
        Role::Server => None,
        Role::Kiosk => Some(8 * SECOND),
        Role::Desk => Some(25 * SECOND + jitter(host, 35)),
    };
    let session =
        logon.map(|delay| session::log_on(host, service + delay, &winlogon, plan.user, &agent));
    let running = Running {
        agent,
        wmi,
        spooler,
        session,
    };
    threads::start_up(host, service + 4 * SECOND, &running);
    running
}

/// The processes of session 0 that everything else hangs from.
fn core(host: &mut Host, at: i64, system: &Process) -> Core {
    let mut moment = at + 1_800_000;
    let mut start = |parent: &Process, program, command_line: &str| {
        moment += 90_000 + jitter(host, 1) / 4;
        host.create(moment, parent, program, command_line, LOCAL_SYSTEM)
    };
    let manager = start(system, program::SMSS, r"\SystemRoot\System32\smss.exe");
    let copy = start(
        &manager,
        program::SMSS,
        r"\SystemRoot\System32\smss.exe 000000cc 00000084",
    );
    let csrss = start(
        &copy,
        program::CSRSS,
        r"%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On",
    );
    let wininit = start(&copy, program::WININIT, "wininit.exe");
    let services = start(
        &wininit,
        program::SERVICES,
        r"C:\Windows\system32\services.exe",
    );
    let lsass = start(&wininit, program::LSASS, r"C:\Windows\system32\lsass.exe");
    let rpcss = start(
        &services,
        program::SVCHOST,
        r"C:\Windows\system32\svchost.exe -k DcomLaunch -p",
    );
    start(&wininit, program::FONTS, r#""fontdrvhost.exe""#);
    let netsvcs = start(
        &services,
        program::SVCHOST,
        r"C:\Windows\system32\svchost.exe -k netsvcs -p",
    );
    start(
        &services,
        program::SVCHOST,
        r"C:\Windows\system32\svchost.exe -k LocalServiceNetworkRestricted -p",
    );
    let defender = start(
        &services,
        program::DEFENDER,
        r#""C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2201.10-0\MsMpEng.exe""#,
    );
    let sysmon = start(&services, program::SYSMON, r"C:\Windows\Sysmon64.exe");
    host.exit(at + 5 * SECOND, &copy);
    Core {
        csrss,
        // Replaced when the first session begins.
        winlogon: wininit,
        services,
        lsass,
        rpcss,
        netsvcs,
        defender,
        sysmon_pid: sysmon.pid,
    }
}

/// Ends an uptime as its plan says; a crash leaves nothing.
pub(crate) fn shut_down(host: &mut Host, uptime: &Uptime, running: &Running) {
    if !uptime.shuts_down {
        return;
    }
    let at = uptime.to - MINUTE;
    if let Some(session) = &running.session {
        host.exit(at, &session.shell);
    }
    host.event_log(at + 4 * SECOND, 6006, &[]);
    host.sysmon_state(at + 5 * SECOND, false);
    host.kernel_stopped(at + 7 * SECOND);
}
