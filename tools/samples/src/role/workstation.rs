//! A desk: mail, browser, documents — and a document that brings an injection.

use super::START;
use crate::attack::injection::{self, Injection};
use crate::attack::office_shell;
use crate::model::host::{Account, Host, Identity, LOCAL_SYSTEM};
use crate::model::program;
use crate::model::sysmon::End;
use crate::model::time::{MINUTE, SECOND};
use crate::noise::{defender, desktop, services};

const USER: Account = Account {
    name: r"CORP\user1",
    sid: "S-1-5-21-1004336348-1177238915-682003330-1104",
    logon_id: 0x002b_a622,
    session: 1,
    integrity: "Medium",
};

/// The recording: a quarter of an hour.
pub(crate) fn record() -> Host {
    let identity = Identity {
        name: "WS07.corp.example".into(),
        domain: "CORP",
        address: "10.20.1.37".into(),
        gateway: "10.20.0.10",
        offset_minutes: -240,
        first_record: 766_501,
    };
    let mut host = Host::boot(&identity, START - 300 * MINUTE);
    let shell = host.running(
        program::EXPLORER,
        r"C:\Windows\Explorer.EXE",
        USER,
        START - 200 * MINUTE,
    );
    let mut others = vec![shell.clone()];
    for (program, command_line, account) in [
        (program::DWM, "\"dwm.exe\"", LOCAL_SYSTEM),
        (
            program::SPOOLSV,
            r"C:\Windows\System32\spoolsv.exe",
            LOCAL_SYSTEM,
        ),
        (program::TASKHOST, "taskhostw.exe", USER),
        (
            program::RUNTIME_BROKER,
            r"C:\Windows\System32\RuntimeBroker.exe -Embedding",
            USER,
        ),
    ] {
        others.push(host.running(program, command_line, account, START - 190 * MINUTE));
    }
    services::background(&mut host, START, 15, &others);
    defender::sweeps(&mut host, START, 15, &others);
    host.logon(START + 5 * SECOND, USER, 11, "-");
    desktop::browse(&mut host, START + 20 * SECOND, 14, &shell, USER);
    desktop::console(&mut host, START + 3 * MINUTE, &shell, USER);
    desktop::list_processes(&mut host, START + 6 * MINUTE, &shell, USER, &others);

    let notepad = host.start(
        START + 4 * MINUTE,
        &shell,
        program::NOTEPAD,
        r#""C:\Windows\system32\notepad.exe" C:\Users\user1\Documents\notes.txt"#,
        USER,
    );
    let powershell = office_shell::document(&mut host, START + 8 * MINUTE, &shell, USER);
    // A child: PowerShell's own handle to it holds every right, the published mask too.
    let whoami = host.start(
        START + 9 * MINUTE,
        &powershell,
        program::WHOAMI,
        "whoami /groups",
        USER,
    );
    host.exit(START + 9 * MINUTE + SECOND, &whoami);
    let at = START + 10 * MINUTE;
    injection::inject(
        &mut host,
        at,
        &Injection {
            source: &powershell,
            target: &notepad,
            rights: 0x001f_3fff,
            threads: 12,
            address: 0x0000_02af_644e_0000,
            trace: &[
                r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                "UNKNOWN(00007FFC3C786D22)",
            ],
        },
    );
    host.load(
        at + 4 * SECOND,
        &notepad,
        r"C:\Windows\Microsoft.NET\Framework64\v4.0.30319\clr.dll",
        "Microsoft .NET Runtime Common Language Runtime - WorkStation",
    );
    let pipe = format!(
        r"\PSHost.134176182041663805.{}.DefaultAppDomain.notepad",
        notepad.pid
    );
    host.pipe(at + 5 * SECOND, &notepad, &pipe, true);
    host.resolve(
        at + 6 * SECOND,
        &notepad,
        "updates.example.net",
        "::ffff:198.51.100.23;",
    );
    host.connect(
        at + 7 * SECOND,
        &notepad,
        "tcp",
        &End {
            address: "198.51.100.23",
            name: "-",
            port: 443,
            port_name: "https",
        },
    );
    host.close()
}
