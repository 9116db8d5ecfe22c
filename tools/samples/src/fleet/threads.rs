//! Threads that Windows and honest programs start in processes of others. Nearly all of them belong to the start of
//! Windows; who starts them where is a handful of pairs.

use super::boot::Running;
use crate::model::host::{Host, Process};
use crate::model::sysmon::RemoteThread;
use crate::model::time::SECOND;
use crate::noise::services::jitter;

const NTDLL: &str = r"C:\Windows\SYSTEM32\ntdll.dll";
const KERNEL32: &str = r"C:\Windows\System32\KERNEL32.DLL";

/// What services start in each other while Windows comes up, from `from` on, most of it within two minutes.
pub(crate) fn start_up(host: &mut Host, from: i64, running: &Running) {
    let core = host.core.clone();
    let mut burst = |count: (u64, u64), source: &Process, target: &Process| {
        for _ in 0..host.random.between(count.0, count.1) {
            // One in thirty is late.
            let late = if host.random.between(0, 30) == 0 {
                160
            } else {
                0
            };
            let at = from + jitter(host, 110) + late * SECOND;
            notification(host, at, source, target);
        }
    };
    burst((2, 5), &core.csrss, &core.netsvcs);
    burst((2, 4), &core.netsvcs, &running.wmi);
    burst((3, 7), &running.wmi, &core.netsvcs);
    burst((1, 4), &core.defender, &core.netsvcs);
    let at = from + 20 * SECOND + jitter(host, 40);
    probe(host, at, &running.agent, &running.spooler);
}

/// Event tracing tells a provider that it is wanted.
fn notification(host: &mut Host, at: i64, source: &Process, target: &Process) {
    host.remote_thread(
        at,
        &RemoteThread {
            source,
            target,
            address: 0x0000_7ffb_28a5_1f40,
            module: NTDLL,
            function: "EtwpNotificationThread",
        },
    );
}

/// The window manager in the session's `csrss.exe`; no module holds the start.
pub(crate) fn compositor(host: &mut Host, at: i64, dwm: &Process, csrss: &Process) {
    host.remote_thread(
        at,
        &RemoteThread {
            source: dwm,
            target: csrss,
            address: 0xffff_f18c_5a2e_2f10,
            module: "-",
            function: "-",
        },
    );
}

/// The health agent has its probe loaded by another process.
pub(crate) fn probe(host: &mut Host, at: i64, agent: &Process, target: &Process) {
    host.remote_thread(
        at,
        &RemoteThread {
            source: agent,
            target,
            address: 0x0000_7ffb_27a1_04f0,
            module: KERNEL32,
            function: "LoadLibraryW",
        },
    );
    host.load(
        at + 40_000,
        target,
        r"C:\Program Files\Example Health\probe.dll",
        "Example Health Probe",
    );
}

/// A debugger stops what it debugs.
pub(crate) fn break_in(host: &mut Host, at: i64, debugger: &Process, debuggee: &Process) {
    host.remote_thread(
        at,
        &RemoteThread {
            source: debugger,
            target: debuggee,
            address: 0x0000_7ffb_28a9_d850,
            module: NTDLL,
            function: "DbgUiRemoteBreakin",
        },
    );
}
