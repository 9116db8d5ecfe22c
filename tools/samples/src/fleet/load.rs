//! Ordinary work in bulk, for fleets of millions of events: programs started, connections, files, values, modules and
//! names, with many different values in the fields that differ on real computers. No remote threads.

use super::boot::Running;
use crate::model::host::{Host, LOCAL_SYSTEM, Process};
use crate::model::program::{self, Program};
use crate::model::sysmon::{Access, End};
use crate::noise::services::jitter;

const PROGRAMS: &[Program] = &[
    program::BROWSER,
    program::CHAT,
    program::WORD,
    program::POWERSHELL,
    program::CMD,
    program::BACKUP,
    program::UPDATER,
    program::COMPILER,
    program::RUNTIME_BROKER,
    program::WMIPRVSE,
    program::SEARCH,
    program::TASKHOST,
];

const MODULES: &[&str] = &[
    "bcrypt",
    "combase",
    "crypt32",
    "cryptsp",
    "dnsapi",
    "gdi32full",
    "imm32",
    "iphlpapi",
    "msvcrt",
    "mswsock",
    "ole32",
    "oleaut32",
    "profapi",
    "propsys",
    "rpcrt4",
    "sechost",
    "setupapi",
    "shcore",
    "shlwapi",
    "ucrtbase",
    "userenv",
    "uxtheme",
    "version",
    "wininet",
    "winmm",
    "wintrust",
    "ws2_32",
    "wtsapi32",
];

/// Writes `count` events within the seconds from `from` on, by processes that come and go.
pub(crate) fn work(host: &mut Host, from: i64, seconds: u64, running: &Running, count: u64) {
    let parent = running
        .session
        .as_ref()
        .map_or_else(|| host.core.services.clone(), |s| s.shell.clone());
    let user = running.session.as_ref().map_or(LOCAL_SYSTEM, |s| s.user);
    let mut process: Option<Process> = None;
    let mut at = from;
    for n in 0..count {
        if n % 24 == 0 {
            at = from + jitter(host, seconds);
        }
        at += 3_000 + jitter(host, 1) / 20;
        let current = match process.take() {
            Some(process) if n % 24 != 0 => process,
            _ => {
                let program = *host.random.pick(PROGRAMS);
                let number = host.random.between(0, 5_000);
                let command_line = format!("\"{}\" --task {number}", program.path);
                process = Some(host.create(at, &parent, program, &command_line, user));
                continue;
            }
        };
        one(host, at, &current, n % 24 == 23);
        process = Some(current);
    }
}

fn one(host: &mut Host, at: i64, process: &Process, last: bool) {
    if last {
        host.exit(at, process);
        return;
    }
    match host.random.between(0, 20) {
        0..=6 => {
            let module = *host.random.pick(MODULES);
            let path = format!(r"C:\Windows\System32\{module}.dll");
            host.load(at, process, &path, "-");
        }
        7..=10 => {
            let address = address(host);
            let port = *host.random.pick(&[443, 443, 443, 80, 8080, 445]);
            host.connect(
                at,
                process,
                "tcp",
                &End {
                    address: &address,
                    name: "-",
                    port,
                    port_name: "-",
                },
            );
        }
        11..=13 => {
            let name = format!("host{}.example.net", host.random.rank(3_000));
            let address = address(host);
            host.resolve(at, process, &name, &format!("::ffff:{address};"));
        }
        14..=16 => {
            let folder = host.random.between(0, 300);
            let path = format!(
                r"C:\ProgramData\Example\cache\{folder:03}\{}.tmp",
                host.random.hex(8, false)
            );
            host.create_file(at, process, &path);
        }
        17..=18 => {
            let key = host.random.between(0, 2_000);
            let value = format!(r"HKLM\SOFTWARE\Example\State\{key}\Last");
            let details = format!("DWORD (0x{:08x})", host.random.between(0, 1 << 20));
            host.set_value(at, process, &value, &details);
        }
        _ => {
            let target = host.core.netsvcs.clone();
            host.access(
                at,
                &Access {
                    source: process,
                    target: &target,
                    rights: 0x1000,
                    trace: &[
                        r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                        r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                        r"C:\Windows\System32\KERNEL32.DLL+17034",
                    ],
                },
            );
        }
    }
}

fn address(host: &mut Host) -> String {
    let n = host.random.rank(1_000);
    format!("203.0.{}.{}", 113 + n / 250, n % 250 + 1)
}
