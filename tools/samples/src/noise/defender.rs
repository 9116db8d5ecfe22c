//! The antimalware engine: it reads whom it likes, the security authority too.

use super::services::jitter;
use crate::model::host::{Host, Process};
use crate::model::sysmon::Access;
use crate::model::time::{MINUTE, SECOND};

const ENGINE: &[&str] = &[
    r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
    r"C:\Windows\System32\KERNELBASE.dll+2c13e",
    r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2201.10-0\MpSvc.dll+1f1a2",
    r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2201.10-0\MpSvc.dll+2b07c",
    r"C:\Windows\System32\KERNEL32.DLL+17034",
    r"C:\Windows\SYSTEM32\ntdll.dll+52651",
];

/// Sweeps over the running processes.
pub(crate) fn sweeps(host: &mut Host, from: i64, minutes: i64, others: &[Process]) {
    let engine = host.core.defender.clone();
    let lsass = host.core.lsass.clone();
    for minute in (1..minutes).step_by(4) {
        let at = from + minute * MINUTE + jitter(host, 20);
        for (i, target) in others.iter().take(4).enumerate() {
            let later = at + i64::try_from(i).unwrap_or(0) * 120_000;
            host.access(
                later,
                &Access {
                    source: &engine,
                    target,
                    rights: 0x1400,
                    trace: ENGINE,
                },
            );
        }
        host.access(
            at + SECOND,
            &Access {
                source: &engine,
                target: &lsass,
                rights: 0x1010,
                trace: ENGINE,
            },
        );
        host.resolve(
            at + 2 * SECOND,
            &engine,
            "definitions.update.example",
            "::ffff:203.0.113.8;",
        );
    }
}
