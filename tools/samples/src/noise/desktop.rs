//! Somebody at work: a browser, a shell, an administrator's script that lists processes.

use super::services::{close_console, jitter};
use crate::model::host::{Account, Host, Process};
use crate::model::program;
use crate::model::sysmon::{Access, End};
use crate::model::time::{MINUTE, SECOND};

const SITES: &[(&str, &str)] = &[
    ("www.example.org", "203.0.113.20"),
    ("cdn.example.org", "203.0.113.21"),
    ("mail.example.com", "203.0.113.44"),
    ("news.example.net", "203.0.113.77"),
];

/// Browsing: names resolved, connections made, a file now and then.
pub(crate) fn browse(host: &mut Host, from: i64, minutes: i64, shell: &Process, user: Account) {
    let browser = host.start(
        from,
        shell,
        program::BROWSER,
        r#""C:\Program Files\Mozilla Firefox\firefox.exe""#,
        user,
    );
    let tab = host.start(
        from + 2 * SECOND,
        &browser,
        program::BROWSER,
        r#""C:\Program Files\Mozilla Firefox\firefox.exe" -contentproc --channel=2 tab"#,
        user,
    );
    for (i, module) in ["xul.dll", "nss3.dll", "mozglue.dll"].iter().enumerate() {
        let path = format!(r"C:\Program Files\Mozilla Firefox\{module}");
        let later = from + SECOND + i64::try_from(i).unwrap_or(0) * 20_000;
        host.load(later, &tab, &path, "Firefox");
    }
    for minute in 0..minutes {
        let (name, address) = *host.random.pick(SITES);
        let at = from + minute * MINUTE + 3 * SECOND + jitter(host, 45);
        host.resolve(at, &browser, name, &format!("::ffff:{address};"));
        host.connect(
            at + 80_000,
            &browser,
            "tcp",
            &End {
                address,
                name: "-",
                port: 443,
                port_name: "https",
            },
        );
        if minute % 5 == 4 {
            host.create_file(
                at + SECOND,
                &browser,
                r"C:\Users\user1\Downloads\report.pdf",
            );
        }
    }
}

/// A console with some commands in it, opened and closed.
pub(crate) fn console(host: &mut Host, at: i64, shell: &Process, user: Account) {
    let console = host.start(
        at,
        shell,
        program::CMD,
        r#""C:\Windows\system32\cmd.exe""#,
        user,
    );
    let conhost = host.start(
        at + 60_000,
        &console,
        program::CONHOST,
        r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1",
        user,
    );
    let command = host.start(
        at + 9 * SECOND,
        &console,
        program::IPCONFIG,
        "ipconfig /all",
        user,
    );
    host.exit(at + 10 * SECOND, &command);
    close_console(host, at + 40 * SECOND, &console);
    host.exit(at + 41 * SECOND, &console);
    host.exit(at + 41 * SECOND + 200_000, &conhost);
}

/// `Get-Process` in a script: PowerShell opens what it may, from code compiled as it runs, so that frames lie outside
/// every module. Nothing more than reading is asked for.
pub(crate) fn list_processes(
    host: &mut Host,
    at: i64,
    shell: &Process,
    user: Account,
    others: &[Process],
) {
    let script = host.start(
        at,
        shell,
        program::POWERSHELL,
        r"powershell.exe -NoProfile -File C:\Scripts\inventory.ps1",
        user,
    );
    host.script(
        at + 2 * SECOND,
        &script,
        "Get-Process | Select-Object Name, Id, Path",
    );
    for (i, target) in others.iter().enumerate() {
        let frame = format!("UNKNOWN(00007FFC3C5{i:X}A1F2)");
        host.access(
            at + 3 * SECOND + i64::try_from(i).unwrap_or(0) * 40_000,
            &Access {
                source: &script,
                target,
                rights: 0x1410,
                trace: &[
                    r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                    r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                    r"C:\Windows\assembly\NativeImages_v4.0.30319_64\System\a1b2c3d4\System.ni.dll+38ad12",
                    &frame,
                ],
            },
        );
    }
    host.exit(at + 9 * SECOND, &script);
}
