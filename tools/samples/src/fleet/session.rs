//! A session: its own `csrss.exe` and `winlogon.exe`, then somebody who logs on. The first begins with Windows, later
//! ones when a second person logs on beside the first.

use super::threads;
use crate::model::host::{Account, Host, LOCAL_SYSTEM, Process};
use crate::model::program;
use crate::model::time::SECOND;
use crate::noise::services::jitter;

/// Somebody who is logged on.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) shell: Process,
    pub(crate) user: Account,
}

/// Begins session number `number` at `at`; nobody has logged on yet. Gives its `winlogon.exe`.
pub(crate) fn begin(host: &mut Host, at: i64, number: u32) -> Process {
    let system = Account {
        session: number,
        ..LOCAL_SYSTEM
    };
    // The copy of the session manager that makes a session is gone before anybody looks at it.
    let manager = host.running(
        program::SMSS,
        r"\SystemRoot\System32\smss.exe 000000e4 00000084",
        system,
        at,
    );
    let csrss = host.create(
        at + 300_000,
        &manager,
        program::CSRSS,
        r"%SystemRoot%\system32\csrss.exe ObjectDirectory=\Windows SharedSection=1024,20480,768 Windows=On",
        system,
    );
    let winlogon = host.create(
        at + 500_000,
        &manager,
        program::WINLOGON,
        "winlogon.exe",
        system,
    );
    host.create(
        at + 900_000,
        &winlogon,
        program::LOGON_UI,
        r#""LogonUI.exe" /flags:0x2 /state0:0xa3ad2855 /state1:0x41c64e6d"#,
        system,
    );
    let dwm = host.create(at + SECOND, &winlogon, program::DWM, r#""dwm.exe""#, system);
    let moment = at + 6 * SECOND + jitter(host, 9);
    threads::compositor(host, moment, &dwm, &csrss);
    if number == 1 {
        host.core.csrss = csrss;
        host.core.winlogon = winlogon.clone();
    }
    winlogon
}

/// Somebody logs on in a session that has begun.
pub(crate) fn log_on(
    host: &mut Host,
    at: i64,
    winlogon: &Process,
    user: Account,
    agent: &Process,
) -> Session {
    let userinit = host.create(
        at,
        winlogon,
        program::USERINIT,
        r"C:\Windows\system32\userinit.exe",
        user,
    );
    let shell = host.create(
        at + 400_000,
        &userinit,
        program::EXPLORER,
        r"C:\Windows\Explorer.EXE",
        user,
    );
    host.exit(at + 20 * SECOND, &userinit);
    let netsvcs = host.core.netsvcs.clone();
    host.create(
        at + 2 * SECOND,
        &netsvcs,
        program::TASKHOST,
        "taskhostw.exe",
        user,
    );
    let moment = at + 8 * SECOND + jitter(host, 25);
    threads::probe(host, moment, agent, &shell);
    Session { shell, user }
}
