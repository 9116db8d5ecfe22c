//! What software and people do on a computer that is on: things that come by the clock, and things that come in bursts.

use super::boot::Running;
use super::plan::{Action, HostPlan};
use super::session::{self, Session};
use super::{intruder, threads};
use crate::model::host::{Host, LOCAL_SYSTEM, NETWORK_SERVICE, Process};
use crate::model::program;
use crate::model::sysmon::{Access, End};
use crate::model::time::SECOND;
use crate::noise::services::{close_console, jitter};

const SITES: &[(&str, &str)] = &[
    ("www.example.org", "203.0.113.20"),
    ("cdn.example.org", "203.0.113.21"),
    ("mail.example.com", "203.0.113.44"),
    ("news.example.net", "203.0.113.77"),
    ("maps.example.net", "203.0.113.78"),
    ("shop.example.com", "203.0.113.91"),
];

/// Carries out one thing. What needs somebody who is logged on does not happen where nobody is.
pub(crate) fn act(host: &mut Host, plan: &HostPlan, running: &Running, at: i64, action: Action) {
    match action {
        Action::LookForUpdates => look_for_updates(host, at),
        Action::Report => report(host, at, &running.agent),
        Action::BackUp => back_up(host, at),
        Action::Inventory => inventory(host, at),
        Action::Sweep => sweep(host, at),
        Action::RestartSysmon => {
            host.sysmon_state(at, false);
            host.sysmon_state(at + 21 * SECOND, true);
            host.sysmon_configured(at + 22 * SECOND);
        }
        Action::SecondSession => {
            let winlogon = session::begin(host, at, 2);
            let user = plan.second_user;
            session::log_on(host, at + 6 * SECOND, &winlogon, user, &running.agent);
        }
        _ => {
            if let Some(session) = &running.session {
                at_the_desk(host, at, action, session);
            }
        }
    }
}

fn at_the_desk(host: &mut Host, at: i64, action: Action, session: &Session) {
    match action {
        Action::Browse => browse(host, at, session),
        Action::Console => console(host, at, session),
        Action::Chat => chat(host, at, session),
        Action::Build => build(host, at, session),
        Action::Debug => debug(host, at, session),
        Action::Intrude => intruder::intrude(host, at, session),
        _ => {}
    }
}

fn connect(host: &mut Host, at: i64, process: &Process, address: &str, port: u16) {
    let port_name = if port == 443 { "https" } else { "-" };
    host.connect(
        at,
        process,
        "tcp",
        &End {
            address,
            name: "-",
            port,
            port_name,
        },
    );
}

/// Every hour, to the second.
fn look_for_updates(host: &mut Host, at: i64) {
    let netsvcs = host.core.netsvcs.clone();
    let updater = host.create(
        at,
        &netsvcs,
        program::UPDATER,
        r#""C:\Program Files (x86)\Example\Update\ExampleUpdate.exe" /ua /installsource scheduler"#,
        LOCAL_SYSTEM,
    );
    host.resolve(
        at + SECOND,
        &updater,
        "update.example.com",
        "::ffff:203.0.113.9;",
    );
    connect(host, at + SECOND + 60_000, &updater, "203.0.113.9", 443);
    host.exit(at + 4 * SECOND, &updater);
}

/// The health agent calls home.
fn report(host: &mut Host, at: i64, agent: &Process) {
    let at = at + jitter(host, 20);
    connect(host, at, agent, "10.20.0.31", 8443);
}

fn browse(host: &mut Host, at: i64, session: &Session) {
    let browser = host.create(
        at,
        &session.shell,
        program::BROWSER,
        r#""C:\Program Files\Mozilla Firefox\firefox.exe""#,
        session.user,
    );
    let mut moment = at;
    for _ in 0..host.random.between(3, 9) {
        moment += jitter(host, 25);
        let (name, address) = *host.random.pick(SITES);
        host.resolve(moment, &browser, name, &format!("::ffff:{address};"));
        connect(host, moment + 70_000, &browser, address, 443);
    }
    if host.random.between(0, 4) == 0 {
        let file = format!(
            r"C:\Users\Public\Downloads\report-{}.pdf",
            host.random.between(100, 999)
        );
        host.create_file(moment + SECOND, &browser, &file);
    }
    host.exit(moment + 40 * SECOND, &browser);
}

/// A console is opened, used and closed: `csrss.exe` starts the thread that tells it to go.
fn console(host: &mut Host, at: i64, session: &Session) {
    let (shell, user) = (&session.shell, session.user);
    let console = host.create(
        at,
        shell,
        program::CMD,
        r#""C:\Windows\system32\cmd.exe""#,
        user,
    );
    let window = host.create(
        at + 60_000,
        &console,
        program::CONHOST,
        r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1",
        user,
    );
    let command = host.create(
        at + 9 * SECOND,
        &console,
        program::IPCONFIG,
        "ipconfig /all",
        user,
    );
    host.exit(at + 10 * SECOND, &command);
    let end = at + 30 * SECOND + jitter(host, 120);
    close_console(host, end, &console);
    host.exit(end + SECOND, &console);
    host.exit(end + SECOND + 200_000, &window);
}

fn chat(host: &mut Host, at: i64, session: &Session) {
    let chat = host.create(
        at,
        &session.shell,
        program::CHAT,
        r#""C:\Program Files\Example Chat\chat.exe" --minimized"#,
        session.user,
    );
    host.resolve(
        at + SECOND,
        &chat,
        "chat.example.com",
        "::ffff:203.0.113.60;",
    );
    connect(host, at + SECOND + 50_000, &chat, "203.0.113.60", 443);
}

/// A dozen compilers within seconds.
fn build(host: &mut Host, at: i64, session: &Session) {
    let tool = host.create(
        at,
        &session.shell,
        program::BUILD_TOOL,
        r"build.exe C:\Work\orders",
        session.user,
    );
    let mut moment = at;
    for unit in 0..host.random.between(8, 16) {
        moment += 200_000 + jitter(host, 1) / 2;
        let compiler = host.create(
            moment,
            &tool,
            program::COMPILER,
            &format!(r"compile.exe /O2 C:\Work\orders\src\unit{unit:02}.src"),
            session.user,
        );
        let object = format!(r"C:\Work\orders\out\unit{unit:02}.obj");
        host.create_file(moment + 600_000, &compiler, &object);
        host.exit(moment + 700_000, &compiler);
    }
    host.create_file(moment + 2 * SECOND, &tool, program::DEBUGGEE.path);
    host.exit(moment + 3 * SECOND, &tool);
}

fn debug(host: &mut Host, at: i64, session: &Session) {
    let debugger = host.create(
        at,
        &session.shell,
        program::DEBUGGER,
        r"debug.exe C:\Work\orders\out\orders.exe",
        session.user,
    );
    let debuggee = host.create(
        at + SECOND,
        &debugger,
        program::DEBUGGEE,
        r"C:\Work\orders\out\orders.exe",
        session.user,
    );
    for pause in [40, 95] {
        threads::break_in(host, at + pause * SECOND, &debugger, &debuggee);
    }
    host.exit(at + 200 * SECOND, &debuggee);
    host.exit(at + 201 * SECOND, &debugger);
}

fn back_up(host: &mut Host, at: i64) {
    let services = host.core.services.clone();
    let backup = host.create(
        at,
        &services,
        program::BACKUP,
        r#""C:\Program Files\Example Backup\backup.exe" --job nightly"#,
        LOCAL_SYSTEM,
    );
    for part in 0..host.random.between(4, 8) {
        let moment = at + i64::try_from(part).unwrap_or(0) * 20 * SECOND + jitter(host, 9);
        let file = format!(r"D:\Backup\nightly.{part:03}");
        host.create_file(moment, &backup, &file);
    }
    connect(host, at + 170 * SECOND, &backup, "10.20.0.40", 9102);
    host.exit(at + 200 * SECOND, &backup);
}

/// Somebody asks WMI what there is.
fn inventory(host: &mut Host, at: i64) {
    let rpcss = host.core.rpcss.clone();
    let worker = host.create(
        at,
        &rpcss,
        program::WMIPRVSE,
        r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
        NETWORK_SERVICE,
    );
    host.load(
        at + 80_000,
        &worker,
        r"C:\Windows\System32\wbem\cimwin32.dll",
        "WMI Win32 Provider",
    );
    host.exit(at + 90 * SECOND, &worker);
}

/// The antimalware engine looks at the security authority.
fn sweep(host: &mut Host, at: i64) {
    let (source, target) = (host.core.defender.clone(), host.core.lsass.clone());
    host.access(
        at,
        &Access {
            source: &source,
            target: &target,
            rights: 0x1010,
            trace: &[
                r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2201.10-0\MpSvc.dll+1f1a2",
                r"C:\Windows\System32\KERNEL32.DLL+17034",
                r"C:\Windows\SYSTEM32\ntdll.dll+52651",
            ],
        },
    );
    host.set_value(
        at + SECOND,
        &source,
        r"HKLM\SOFTWARE\Microsoft\Windows Defender\Signature Updates\LastScan",
        "Binary Data",
    );
}
