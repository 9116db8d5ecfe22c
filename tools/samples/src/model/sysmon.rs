//! The events Sysmon writes, with their fields in the order and form of schema 4.90.

use super::event::{Event, SYSMON};
use super::host::{Account, Host, LOCAL_SYSTEM, Process};
use super::program::{self, Program};
use super::time;

/// What an open of another process shows.
pub(crate) struct Access<'a> {
    pub(crate) source: &'a Process,
    pub(crate) target: &'a Process,
    pub(crate) rights: u32,
    /// Frames from the inside out; `UNKNOWN(...)` where no module holds the address.
    pub(crate) trace: &'a [&'a str],
}

/// What a thread started in another process shows.
pub(crate) struct RemoteThread<'a> {
    pub(crate) source: &'a Process,
    pub(crate) target: &'a Process,
    pub(crate) address: u64,
    /// `-` where no module holds the address.
    pub(crate) module: &'a str,
    pub(crate) function: &'a str,
}

/// One end of a connection.
pub(crate) struct End<'a> {
    pub(crate) address: &'a str,
    pub(crate) name: &'a str,
    pub(crate) port: u16,
    pub(crate) port_name: &'a str,
}

impl Host {
    pub(super) fn sysmon(
        &mut self,
        at: i64,
        id: u16,
        version: u8,
        data: Vec<(&'static str, String)>,
    ) {
        let thread = 4000 + u32::try_from(self.random.between(0, 8)).unwrap_or(0) * 4;
        // The service writes a moment after the driver took the time.
        let delay = i64::try_from(self.random.between(300, 9_000)).unwrap_or(300);
        let writer = (self.core.sysmon_pid, thread);
        self.write(Event {
            log: &SYSMON,
            id: u32::from(id),
            version,
            level: 4,
            task: id,
            opcode: 0,
            time: at.max(self.sysmon_since) + delay,
            record: 0,
            writer,
            user: Some(LOCAL_SYSTEM),
            data,
            message: None,
        });
    }

    /// Starts a process and writes event 1, the opens by its creator and by csrss that go with it, and Security 4688.
    pub(crate) fn start(
        &mut self,
        at: i64,
        parent: &Process,
        program: Program,
        command_line: &str,
        account: Account,
    ) -> Process {
        let process = self.create(at, parent, program, command_line, account);
        let csrss = self.core.csrss.clone();
        self.access(
            at + 40,
            &Access {
                source: parent,
                target: &process,
                rights: 0x001f_ffff,
                trace: &[
                    r"C:\Windows\SYSTEM32\ntdll.dll+9e664",
                    r"C:\Windows\System32\KERNELBASE.dll+8e73",
                    r"C:\Windows\System32\KERNELBASE.dll+71d6",
                    r"C:\Windows\System32\KERNEL32.DLL+1cbb4",
                ],
            },
        );
        self.access(
            at + 90,
            &Access {
                source: &csrss,
                target: &process,
                rights: 0x001f_ffff,
                trace: &[
                    r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                    r"C:\Windows\system32\basesrv.DLL+2f9a",
                    r"C:\Windows\SYSTEM32\CSRSRV.dll+5b34",
                    r"C:\Windows\SYSTEM32\ntdll.dll+6ef1f",
                ],
            },
        );
        self.audit_process_creation(at + 200, parent, &process);
        process
    }

    /// Starts a process and writes event 1 alone.
    pub(crate) fn create(
        &mut self,
        at: i64,
        parent: &Process,
        program: Program,
        command_line: &str,
        account: Account,
    ) -> Process {
        let process = self.running(program, command_line, account, at);
        let logon_guid = self.logon_guid(account);
        self.sysmon(
            at,
            1,
            5,
            vec![
                ("RuleName", "-".into()),
                ("UtcTime", time::sysmon(at)),
                ("ProcessGuid", process.guid.clone()),
                ("ProcessId", process.pid.to_string()),
                ("Image", program.path.into()),
                ("FileVersion", program.version.into()),
                ("Description", program.description.into()),
                ("Product", program.product.into()),
                ("Company", program.company.into()),
                ("OriginalFileName", program.original.into()),
                ("CommandLine", command_line.into()),
                ("CurrentDirectory", r"C:\Windows\system32\".into()),
                ("User", account.name.into()),
                ("LogonGuid", logon_guid),
                ("LogonId", format!("0x{:x}", account.logon_id)),
                ("TerminalSessionId", account.session.to_string()),
                ("IntegrityLevel", account.integrity.into()),
                ("Hashes", program::hashes(program.path)),
                ("ParentProcessGuid", parent.guid.clone()),
                ("ParentProcessId", parent.pid.to_string()),
                ("ParentImage", parent.program.path.into()),
                ("ParentCommandLine", parent.command_line.clone()),
                ("ParentUser", parent.account.name.into()),
            ],
        );
        process
    }

    /// Writes event 5.
    pub(crate) fn exit(&mut self, at: i64, process: &Process) {
        let mut data = acting(at, process);
        data.push(("User", process.account.name.into()));
        self.sysmon(at, 5, 3, data);
    }

    /// Writes event 10.
    pub(crate) fn access(&mut self, at: i64, access: &Access<'_>) {
        let (source, target) = (access.source, access.target);
        let thread = source.pid + 4 * u32::try_from(self.random.between(1, 40)).unwrap_or(1);
        self.sysmon(
            at,
            10,
            3,
            vec![
                ("RuleName", "-".into()),
                ("UtcTime", time::sysmon(at)),
                ("SourceProcessGUID", source.guid.clone()),
                ("SourceProcessId", source.pid.to_string()),
                ("SourceThreadId", thread.to_string()),
                ("SourceImage", source.program.path.into()),
                ("TargetProcessGUID", target.guid.clone()),
                ("TargetProcessId", target.pid.to_string()),
                ("TargetImage", target.program.path.into()),
                ("GrantedAccess", format!("0x{:x}", access.rights)),
                ("CallTrace", access.trace.join("|")),
                ("SourceUser", source.account.name.into()),
                ("TargetUser", target.account.name.into()),
            ],
        );
    }

    /// Writes event 8.
    pub(crate) fn remote_thread(&mut self, at: i64, thread: &RemoteThread<'_>) {
        let (source, target) = (thread.source, thread.target);
        let id = 6000 + 4 * u32::try_from(self.random.between(0, 800)).unwrap_or(0);
        self.sysmon(
            at,
            8,
            2,
            vec![
                ("RuleName", "-".into()),
                ("UtcTime", time::sysmon(at)),
                ("SourceProcessGuid", source.guid.clone()),
                ("SourceProcessId", source.pid.to_string()),
                ("SourceImage", source.program.path.into()),
                ("TargetProcessGuid", target.guid.clone()),
                ("TargetProcessId", target.pid.to_string()),
                ("TargetImage", target.program.path.into()),
                ("NewThreadId", id.to_string()),
                ("StartAddress", format!("0x{:016X}", thread.address)),
                ("StartModule", thread.module.into()),
                ("StartFunction", thread.function.into()),
                ("SourceUser", source.account.name.into()),
                ("TargetUser", target.account.name.into()),
            ],
        );
    }

    /// Writes event 7.
    pub(crate) fn load(&mut self, at: i64, process: &Process, module: &str, description: &str) {
        let original = module.rsplit('\\').next().unwrap_or(module).to_owned();
        let mut data = acting(at, process);
        data.extend([
            ("ImageLoaded", module.into()),
            ("FileVersion", "10.0.19041.1 (WinBuild.160101.0800)".into()),
            ("Description", description.into()),
            ("Product", "Microsoft® Windows® Operating System".into()),
            ("Company", "Microsoft Corporation".into()),
            ("OriginalFileName", original),
            ("Hashes", program::hashes(module)),
            ("Signed", "true".into()),
            ("Signature", "Microsoft Windows".into()),
            ("SignatureStatus", "Valid".into()),
            ("User", process.account.name.into()),
        ]);
        self.sysmon(at, 7, 3, data);
    }

    /// Writes event 3, for a connection that the process made.
    pub(crate) fn connect(&mut self, at: i64, process: &Process, protocol: &str, to: &End<'_>) {
        let port = self.random.between(49_664, 65_535);
        let mut data = acting(at, process);
        data.extend([
            ("User", process.account.name.into()),
            ("Protocol", protocol.into()),
            ("Initiated", "true".into()),
            ("SourceIsIpv6", "false".into()),
            ("SourceIp", self.address.clone()),
            ("SourceHostname", self.name.clone()),
            ("SourcePort", port.to_string()),
            ("SourcePortName", "-".into()),
            ("DestinationIsIpv6", "false".into()),
            ("DestinationIp", to.address.into()),
            ("DestinationHostname", to.name.into()),
            ("DestinationPort", to.port.to_string()),
            ("DestinationPortName", to.port_name.into()),
        ]);
        self.sysmon(at, 3, 5, data);
        self.audit_connection(at + 150, process, port, to);
    }

    /// Writes event 22.
    pub(crate) fn resolve(&mut self, at: i64, process: &Process, name: &str, results: &str) {
        let status = if results == "-" { "9003" } else { "0" };
        self.sysmon(
            at,
            22,
            5,
            vec![
                ("RuleName", "-".into()),
                ("UtcTime", time::sysmon(at)),
                ("ProcessGuid", process.guid.clone()),
                ("ProcessId", process.pid.to_string()),
                ("QueryName", name.into()),
                ("QueryStatus", status.into()),
                ("QueryResults", results.into()),
                ("Image", process.program.path.into()),
                ("User", process.account.name.into()),
            ],
        );
    }

    /// Writes event 11.
    pub(crate) fn create_file(&mut self, at: i64, process: &Process, path: &str) {
        let mut data = acting(at, process);
        data.extend([
            ("TargetFilename", path.into()),
            ("CreationUtcTime", time::sysmon(at)),
            ("User", process.account.name.into()),
        ]);
        self.sysmon(at, 11, 2, data);
    }

    /// Writes event 13.
    pub(crate) fn set_value(&mut self, at: i64, process: &Process, value: &str, details: &str) {
        let mut data = acting(at, process);
        data.insert(1, ("EventType", "SetValue".into()));
        data.extend([
            ("TargetObject", value.into()),
            ("Details", details.into()),
            ("User", process.account.name.into()),
        ]);
        self.sysmon(at, 13, 2, data);
    }

    /// Writes event 17 or 18.
    pub(crate) fn pipe(&mut self, at: i64, process: &Process, name: &str, created: bool) {
        let (id, kind) = if created {
            (17, "CreatePipe")
        } else {
            (18, "ConnectPipe")
        };
        self.sysmon(
            at,
            id,
            1,
            vec![
                ("RuleName", "-".into()),
                ("EventType", kind.into()),
                ("UtcTime", time::sysmon(at)),
                ("ProcessGuid", process.guid.clone()),
                ("ProcessId", process.pid.to_string()),
                ("PipeName", name.into()),
                ("Image", process.program.path.into()),
                ("User", process.account.name.into()),
            ],
        );
    }
}

/// The fields most events begin with.
fn acting(at: i64, process: &Process) -> Vec<(&'static str, String)> {
    vec![
        ("RuleName", "-".into()),
        ("UtcTime", time::sysmon(at)),
        ("ProcessGuid", process.guid.clone()),
        ("ProcessId", process.pid.to_string()),
        ("Image", process.program.path.into()),
    ]
}
