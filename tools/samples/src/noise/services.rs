//! Windows looking after itself: services that open each other, logons of the computer's own account, pipes, values.

use crate::model::host::{Host, NETWORK_SERVICE, Process};
use crate::model::program;
use crate::model::sysmon::{Access, End, RemoteThread};
use crate::model::time::{MINUTE, SECOND};

const MANAGER: &[&str] = &[
    r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
    r"C:\Windows\System32\KERNELBASE.dll+2c13e",
    r"c:\windows\system32\lsm.dll+10e93",
    r"C:\Windows\System32\RPCRT4.dll+76953",
    r"C:\Windows\System32\RPCRT4.dll+1364b",
    r"C:\Windows\SYSTEM32\ntdll.dll+333ed",
    r"C:\Windows\System32\KERNEL32.DLL+17034",
    r"C:\Windows\SYSTEM32\ntdll.dll+52651",
];

const CREDENTIALS: &[&str] = &[
    r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
    r"C:\Windows\system32\lsasrv.dll+ea8e",
    r"C:\Windows\system32\lsasrv.dll+f7a1",
    r"C:\Windows\System32\RPCRT4.dll+76953",
    r"C:\Windows\SYSTEM32\ntdll.dll+333ed",
];

/// Some minutes of background.
pub(crate) fn background(host: &mut Host, from: i64, minutes: i64, others: &[Process]) {
    let core = host.core.clone();
    let computer = NETWORK_SERVICE;
    for minute in 0..minutes {
        let at = from + minute * MINUTE;
        for i in 0..7 {
            let source = if i % 2 == 0 {
                &core.rpcss
            } else {
                &core.netsvcs
            };
            let target = host.random.pick(others).clone();
            let rights = *host.random.pick(&[0x1000, 0x1000, 0x1000, 0x3000, 0x40]);
            let moment = at + jitter(host, 58);
            host.access(
                moment,
                &Access {
                    source,
                    target: &target,
                    rights,
                    trace: MANAGER,
                },
            );
        }
        if minute % 3 == 0 {
            // Looking up who runs what: these rights hold the published mask, and no thread follows.
            let target = host.random.pick(others).clone();
            let moment = at + jitter(host, 50);
            host.access(
                moment,
                &Access {
                    source: &core.lsass,
                    target: &target,
                    rights: 0x1478,
                    trace: CREDENTIALS,
                },
            );
            host.access(
                moment + SECOND,
                &Access {
                    source: &core.netsvcs,
                    target: &core.lsass,
                    rights: 0x1000,
                    trace: MANAGER,
                },
            );
        }
        if minute % 4 == 1 {
            let moment = at + jitter(host, 40);
            let own = host.address.clone();
            host.logon(moment, computer, 3, &own);
            host.pipe(moment + SECOND, &core.netsvcs, r"\lsass", false);
            let gateway = host.gateway;
            host.connect(
                moment + 2 * SECOND,
                &core.lsass,
                "tcp",
                &End {
                    address: gateway,
                    name: "dc01.corp.example",
                    port: 88,
                    port_name: "kerberos",
                },
            );
        }
        if minute % 5 == 2 {
            let moment = at + jitter(host, 30);
            let service = *host.random.pick(&[
                "Windows Update",
                "Background Intelligent Transfer Service",
                "Software Protection",
                "WMI Performance Adapter",
            ]);
            host.service_state(moment, service, "running");
            host.service_state(moment + 20 * SECOND, service, "stopped");
            let details = format!("DWORD (0x{:08x})", minute + 1);
            host.set_value(
                moment + SECOND,
                &core.services,
                r"HKLM\System\CurrentControlSet\Services\wuauserv\Start",
                &details,
            );
            host.create_file(
                moment + 3 * SECOND,
                &core.netsvcs,
                r"C:\Windows\SoftwareDistribution\DataStore\Logs\edbtmp.log",
            );
        }
        if minute % 6 == 3 {
            let moment = at + jitter(host, 30);
            let worker = host.start(
                moment,
                &core.rpcss,
                program::WMIPRVSE,
                r"C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding",
                computer,
            );
            for (i, module) in ["wmiutils.dll", "wbemsvc.dll", "ncobjapi.dll"]
                .iter()
                .enumerate()
            {
                let path = format!(r"C:\Windows\System32\wbem\{module}");
                let later = moment + i64::try_from(i + 1).unwrap_or(1) * 30_000;
                host.load(later, &worker, &path, "WMI");
            }
            host.exit(moment + 25 * SECOND, &worker);
        }
    }
}

/// Closing a console: csrss starts a thread in it, at a function of a module that says what it is.
pub(crate) fn close_console(host: &mut Host, at: i64, console: &Process) {
    let csrss = host.core.csrss.clone();
    host.remote_thread(
        at,
        &RemoteThread {
            source: &csrss,
            target: console,
            address: 0x0000_7ffb_2685_3970,
            module: r"C:\Windows\System32\KERNELBASE.dll",
            function: "CtrlRoutine",
        },
    );
}

/// Up to that many seconds, in milliseconds' steps.
pub(crate) fn jitter(host: &mut Host, seconds: u64) -> i64 {
    i64::try_from(host.random.between(0, seconds * 1000)).unwrap_or(0) * 1000
}
