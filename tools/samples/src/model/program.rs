//! The programs that run on the hosts, with what Sysmon says of their files.

use super::random::Random;

/// A program's file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) path: &'static str,
    pub(crate) description: &'static str,
    pub(crate) product: &'static str,
    pub(crate) company: &'static str,
    pub(crate) version: &'static str,
    pub(crate) original: &'static str,
}

const WINDOWS: &str = "Microsoft® Windows® Operating System";
const MICROSOFT: &str = "Microsoft Corporation";
const BUILD: &str = "10.0.19041.1 (WinBuild.160101.0800)";

const fn windows(path: &'static str, description: &'static str, original: &'static str) -> Program {
    Program {
        path,
        description,
        product: WINDOWS,
        company: MICROSOFT,
        version: BUILD,
        original,
    }
}

macro_rules! programs {
    ($($name:ident: $path:literal, $description:literal, $original:literal;)*) => {
        $(pub(crate) const $name: Program = windows($path, $description, $original);)*
    };
}

programs! {
    SMSS: r"C:\Windows\System32\smss.exe", "Windows Session Manager", "smss.exe";
    WININIT: r"C:\Windows\System32\wininit.exe", "Windows Start-Up Application", "WinInit.exe";
    FONTS: r"C:\Windows\System32\fontdrvhost.exe", "Usermode Font Driver Host", "fontdrvhost.exe";
    LOGON_UI: r"C:\Windows\System32\LogonUI.exe", "Windows Logon User Interface Host", "logonui.exe";
    USERINIT: r"C:\Windows\System32\userinit.exe", "Userinit Logon Application", "USERINIT.EXE";
    SEARCH: r"C:\Windows\System32\SearchIndexer.exe", "Microsoft Windows Search Indexer", "SearchIndexer.exe";
    CSRSS: r"C:\Windows\System32\csrss.exe", "Client Server Runtime Process", "CSRSS.Exe";
    WINLOGON: r"C:\Windows\System32\winlogon.exe", "Windows Logon Application", "WINLOGON.EXE";
    SERVICES: r"C:\Windows\System32\services.exe", "Services and Controller app", "services.exe";
    LSASS: r"C:\Windows\System32\lsass.exe", "Local Security Authority Process", "lsass.exe";
    SVCHOST: r"C:\Windows\System32\svchost.exe", "Host Process for Windows Services", "svchost.exe";
    SPOOLSV: r"C:\Windows\System32\spoolsv.exe", "Spooler SubSystem App", "spoolsv.exe";
    DWM: r"C:\Windows\System32\dwm.exe", "Desktop Window Manager", "dwm.exe";
    EXPLORER: r"C:\Windows\explorer.exe", "Windows Explorer", "EXPLORER.EXE";
    TASKHOST: r"C:\Windows\System32\taskhostw.exe", "Host Process for Windows Tasks", "taskhostw.exe";
    RUNTIME_BROKER: r"C:\Windows\System32\RuntimeBroker.exe", "Runtime Broker", "RuntimeBroker.exe";
    WMIPRVSE: r"C:\Windows\System32\wbem\WmiPrvSE.exe", "WMI Provider Host", "Wmiprvse.exe";
    CONHOST: r"C:\Windows\System32\conhost.exe", "Console Window Host", "CONHOST.EXE";
    CMD: r"C:\Windows\System32\cmd.exe", "Windows Command Processor", "Cmd.Exe";
    WHOAMI: r"C:\Windows\System32\whoami.exe", "whoami - displays logged on user information", "whoami.exe";
    IPCONFIG: r"C:\Windows\System32\ipconfig.exe", "IP Configuration Utility", "ipconfig.exe";
    RUNDLL32: r"C:\Windows\System32\rundll32.exe", "Windows host process (Rundll32)", "RUNDLL32.EXE";
    NOTEPAD: r"C:\Windows\System32\notepad.exe", "Notepad", "NOTEPAD.EXE";
    POWERSHELL: r"C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe", "Windows PowerShell", "PowerShell.EXE";
    IIS_WORKER: r"C:\Windows\System32\inetsrv\w3wp.exe", "IIS Worker Process", "w3wp.exe";
    DEFENDER: r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2201.10-0\MsMpEng.exe", "Antimalware Service Executable", "MsMpEng.exe";
}

pub(crate) const WORD: Program = Program {
    path: r"C:\Program Files\Microsoft Office\root\Office16\WINWORD.EXE",
    description: "Microsoft Word",
    product: "Microsoft Office",
    company: MICROSOFT,
    version: "16.0.14931.20132",
    original: "WinWord.exe",
};

pub(crate) const BROWSER: Program = Program {
    path: r"C:\Program Files\Mozilla Firefox\firefox.exe",
    description: "Firefox",
    product: "Firefox",
    company: "Mozilla Corporation",
    version: "98.0",
    original: "firefox.exe",
};

/// A monitoring agent that opens other processes for good reasons. The product does not exist.
pub(crate) const HEALTH_AGENT: Program = Program {
    path: r"C:\Program Files\Example Health\HealthAgent.exe",
    description: "Example Health Agent",
    product: "Example Health",
    company: "Example Health Ltd",
    version: "3.2.0.0",
    original: "HealthAgent.exe",
};

/// The kernel's own process, as Sysmon names it.
pub(crate) const SYSTEM: Program = Program {
    path: "System",
    description: "-",
    product: "-",
    company: "-",
    version: "-",
    original: "-",
};

pub(crate) const SYSMON: Program = Program {
    path: r"C:\Windows\Sysmon64.exe",
    description: "System activity monitor",
    product: "Sysinternals Sysmon",
    company: "Sysinternals - www.sysinternals.com",
    version: "15.14",
    original: "-",
};

/// Software that nobody sells.
const fn example(
    path: &'static str,
    description: &'static str,
    product: &'static str,
    original: &'static str,
) -> Program {
    Program {
        path,
        description,
        product,
        company: "Example Ltd",
        version: "7.1.0.0",
        original,
    }
}

/// Looks for its own updates every hour.
pub(crate) const UPDATER: Program = example(
    r"C:\Program Files (x86)\Example\Update\ExampleUpdate.exe",
    "Example Update",
    "Example Office Tools",
    "ExampleUpdate.exe",
);

pub(crate) const CHAT: Program = example(
    r"C:\Program Files\Example Chat\chat.exe",
    "Example Chat",
    "Example Chat",
    "chat.exe",
);

pub(crate) const BUILD_TOOL: Program = example(
    r"C:\Program Files\Example Studio\bin\build.exe",
    "Example Build",
    "Example Studio",
    "build.exe",
);

pub(crate) const COMPILER: Program = example(
    r"C:\Program Files\Example Studio\bin\compile.exe",
    "Example Compiler",
    "Example Studio",
    "compile.exe",
);

pub(crate) const DEBUGGER: Program = example(
    r"C:\Program Files\Example Studio\bin\debug.exe",
    "Example Debugger",
    "Example Studio",
    "debug.exe",
);

/// What a developer builds.
pub(crate) const DEBUGGEE: Program = example(
    r"C:\Work\orders\out\orders.exe",
    "Orders",
    "Orders",
    "orders.exe",
);

pub(crate) const BACKUP: Program = example(
    r"C:\Program Files\Example Backup\backup.exe",
    "Example Backup",
    "Example Backup",
    "backup.exe",
);

/// The fleet's intruder: in a folder that every user may write to.
pub(crate) const INTRUDER: Program = Program {
    path: r"C:\Users\Public\Libraries\syncsvc.exe",
    description: "-",
    product: "-",
    company: "-",
    version: "-",
    original: "-",
};

/// A program without any of the things an honest one has.
pub(crate) const IMPLANT: Program = Program {
    path: r"C:\ProgramData\Updates\upd64.exe",
    description: "-",
    product: "-",
    company: "-",
    version: "-",
    original: "-",
};

/// The hashes Sysmon writes for a file, made from its path: the same file has the same hashes everywhere.
pub(crate) fn hashes(path: &str) -> String {
    let mut random = Random::named(&path.to_lowercase());
    format!(
        "SHA1={},MD5={},SHA256={},IMPHASH={}",
        random.hex(40, true),
        random.hex(32, true),
        random.hex(64, true),
        random.hex(32, true)
    )
}
