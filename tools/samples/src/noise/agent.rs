//! A monitoring agent that instruments another process: it opens processes with the rights the published injection hunt
//! asks for, and it starts a thread in one of them — through handles of their own, at a named function of a module.

use crate::model::host::{Host, LOCAL_SYSTEM, Process};
use crate::model::program;
use crate::model::sysmon::{Access, RemoteThread};
use crate::model::time::SECOND;

const AGENT: &[&str] = &[
    r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
    r"C:\Windows\System32\KERNELBASE.dll+2c13e",
    r"C:\Program Files\Example Health\HealthAgent.exe+41c02",
    r"C:\Windows\System32\KERNEL32.DLL+17034",
    r"C:\Windows\SYSTEM32\ntdll.dll+52651",
];

/// One round: counts the handles of two processes, then loads its probe into the first.
pub(crate) fn instrument(host: &mut Host, at: i64, watched: &[&Process; 2]) {
    let services = host.core.services.clone();
    let agent = host.start(
        at,
        &services,
        program::HEALTH_AGENT,
        r#""C:\Program Files\Example Health\HealthAgent.exe" --service"#,
        LOCAL_SYSTEM,
    );
    let mut open = |delay: i64, target: &Process, rights: u32| {
        host.access(
            at + delay * SECOND,
            &Access {
                source: &agent,
                target,
                rights,
                trace: AGENT,
            },
        );
    };
    open(5, watched[0], 0x1478);
    open(6, watched[1], 0x1478);
    open(9, watched[0], 0x102a);
    host.remote_thread(
        at + 9 * SECOND + 30_000,
        &RemoteThread {
            source: &agent,
            target: watched[0],
            address: 0x0000_7ffb_27a1_04f0,
            module: r"C:\Windows\System32\KERNEL32.DLL",
            function: "LoadLibraryW",
        },
    );
    host.load(
        at + 9 * SECOND + 80_000,
        watched[0],
        r"C:\Program Files\Example Health\probe.dll",
        "Example Health Probe",
    );
}
