//! A web server: a web shell, a dump of the security authority, and an injection that asks for no more than it needs.

use super::START;
use crate::attack::injection::{self, Injection};
use crate::attack::{lsass_dump, web_shell};
use crate::model::host::{Host, Identity, LOCAL_SYSTEM, NETWORK_SERVICE};
use crate::model::program;
use crate::model::time::{MINUTE, SECOND};
use crate::noise::{agent, defender, services};

/// The recording: twenty minutes.
pub(crate) fn record() -> Host {
    let identity = Identity {
        name: "SRV03.corp.example".into(),
        domain: "CORP",
        address: "10.20.0.53".into(),
        gateway: "10.20.0.10",
        offset_minutes: 0,
        first_record: 41_207,
    };
    let mut host = Host::boot(&identity, START - 9000 * MINUTE);
    let worker = host.running(
        program::IIS_WORKER,
        r#"c:\windows\system32\inetsrv\w3wp.exe -ap "DefaultAppPool" -v "v4.0""#,
        NETWORK_SERVICE,
        START - 3000 * MINUTE,
    );
    let spooler = host.running(
        program::SPOOLSV,
        r"C:\Windows\System32\spoolsv.exe",
        LOCAL_SYSTEM,
        START - 8990 * MINUTE,
    );
    let others = [
        host.core.netsvcs.clone(),
        host.core.winlogon.clone(),
        spooler.clone(),
        worker.clone(),
    ];
    services::background(&mut host, START, 20, &others);
    defender::sweeps(&mut host, START, 20, &others);
    agent::instrument(&mut host, START + 2 * MINUTE, &[&worker, &spooler]);

    let shell = web_shell::command(&mut host, START + 5 * MINUTE, &worker);
    let implant = host.start(
        START + 5 * MINUTE + 20 * SECOND,
        &shell,
        program::IMPLANT,
        r"C:\ProgramData\Updates\upd64.exe",
        LOCAL_SYSTEM,
    );
    // The six rights that the published hunt lists, and not one more: its mask holds another one.
    injection::inject(
        &mut host,
        START + 6 * MINUTE,
        &Injection {
            source: &implant,
            target: &spooler,
            rights: 0x143a,
            threads: 3,
            address: 0x0000_01d2_0b7e_0000,
            trace: &[
                r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                "UNKNOWN(000001A4C2B10F3E)",
                "UNKNOWN(000001A4C2B11C07)",
            ],
        },
    );
    let second = host.start(
        START + 6 * MINUTE + 30 * SECOND,
        &spooler,
        program::CMD,
        r"cmd.exe /c rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump",
        LOCAL_SYSTEM,
    );
    lsass_dump::with_comsvcs(&mut host, START + 6 * MINUTE + 31 * SECOND, &second);
    host.exit(START + 7 * MINUTE, &second);
    host.close()
}
