//! The intruder: a document starts a shell, the shell drops a program, and the program has the user's own Explorer load
//! its library — with the same start function that an honest agent uses every morning.

use super::session::Session;
use crate::model::host::Host;
use crate::model::program;
use crate::model::sysmon::{Access, End, RemoteThread};
use crate::model::time::SECOND;

/// Everything the intruder does.
pub(crate) fn intrude(host: &mut Host, at: i64, session: &Session) {
    let (shell, user) = (session.shell.clone(), session.user);
    let word = host.create(
        at - 40 * SECOND,
        &shell,
        program::WORD,
        r#""C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE" /n "C:\Users\Public\Documents\invoice.docm""#,
        user,
    );
    let powershell = host.create(
        at - 20 * SECOND,
        &word,
        program::POWERSHELL,
        "powershell.exe -nop -w 1 -enc VwByAGkAdABlAC0ATwB1AHQAcAB1AHQAIAAnAHMAYQBtAHAAbABlACcA",
        user,
    );
    host.create_file(at - 9 * SECOND, &powershell, program::INTRUDER.path);
    let library = r"C:\Users\Public\Libraries\synclib.dll";
    host.create_file(at - 8 * SECOND, &powershell, library);
    let intruder = host.create(
        at,
        &powershell,
        program::INTRUDER,
        r"C:\Users\Public\Libraries\syncsvc.exe",
        user,
    );
    host.access(
        at + 2 * SECOND,
        &Access {
            source: &intruder,
            target: &shell,
            rights: 0x143a,
            trace: &[
                r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                r"C:\Users\Public\Libraries\syncsvc.exe+14b2",
                r"C:\Windows\System32\KERNEL32.DLL+17034",
                r"C:\Windows\SYSTEM32\ntdll.dll+52651",
            ],
        },
    );
    host.remote_thread(
        at + 2 * SECOND + 30_000,
        &RemoteThread {
            source: &intruder,
            target: &shell,
            address: 0x0000_7ffb_27a1_04f0,
            module: r"C:\Windows\System32\KERNEL32.DLL",
            function: "LoadLibraryW",
        },
    );
    host.exit(at + 4 * SECOND, &intruder);
    host.resolve(
        at + 6 * SECOND,
        &shell,
        "sync.example.net",
        "::ffff:198.51.100.40;",
    );
    host.connect(
        at + 7 * SECOND,
        &shell,
        "tcp",
        &End {
            address: "198.51.100.40",
            name: "-",
            port: 443,
            port_name: "https",
        },
    );
    host.exit(at + 30 * SECOND, &powershell);
}
