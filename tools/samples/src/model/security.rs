//! The Security log: logons, process creations and connections.

use super::event::{Event, SECURITY};
use super::host::{Account, Host, Process};
use super::sysmon::End;

impl Host {
    fn audit(
        &mut self,
        at: i64,
        (id, version, task): (u32, u8, u16),
        writer: u32,
        data: Vec<(&'static str, String)>,
    ) {
        let thread = 100 + u32::try_from(self.random.between(1, 60)).unwrap_or(1) * 4;
        self.write(Event {
            log: &SECURITY,
            id,
            version,
            level: 0,
            task,
            opcode: 0,
            time: at,
            record: 0,
            writer: (writer, thread),
            user: None,
            data,
            message: None,
        });
    }

    /// Name and domain of an account as the Security log splits them.
    fn split(&self, account: Account) -> (String, String) {
        if account.session == 0 {
            // Services act with the computer's own account.
            return (format!("{}$", self.short_name()), self.domain.to_owned());
        }
        let (domain, name) = account.name.split_once('\\').unwrap_or(("-", account.name));
        (name.to_owned(), domain.to_owned())
    }

    /// Writes event 4688.
    pub(crate) fn audit_process_creation(&mut self, at: i64, parent: &Process, process: &Process) {
        let (user, domain) = self.split(parent.account);
        let label = match process.account.integrity {
            "System" => "S-1-16-16384",
            "High" => "S-1-16-12288",
            _ => "S-1-16-8192",
        };
        self.audit(
            at,
            (4688, 2, 13312),
            4,
            vec![
                ("SubjectUserSid", parent.account.sid.into()),
                ("SubjectUserName", user),
                ("SubjectDomainName", domain),
                ("SubjectLogonId", format!("0x{:x}", parent.account.logon_id)),
                ("NewProcessId", format!("0x{:x}", process.pid)),
                ("NewProcessName", process.program.path.into()),
                ("TokenElevationType", "%%1936".into()),
                ("ProcessId", format!("0x{:x}", parent.pid)),
                ("CommandLine", process.command_line.clone()),
                ("TargetUserSid", "S-1-0-0".into()),
                ("TargetUserName", "-".into()),
                ("TargetDomainName", "-".into()),
                ("TargetLogonId", "0x0".into()),
                ("ParentProcessName", parent.program.path.into()),
                ("MandatoryLabel", label.into()),
            ],
        );
    }

    /// Writes event 5156 for a connection that the process made.
    pub(crate) fn audit_connection(&mut self, at: i64, process: &Process, port: u64, to: &End<'_>) {
        let device = process
            .program
            .path
            .to_lowercase()
            .replace("c:", r"\device\harddiskvolume2");
        self.audit(
            at,
            (5156, 1, 12810),
            4,
            vec![
                ("ProcessID", process.pid.to_string()),
                ("Application", device),
                ("Direction", "%%14593".into()),
                ("SourceAddress", self.address.clone()),
                ("SourcePort", port.to_string()),
                ("DestAddress", to.address.into()),
                ("DestPort", to.port.to_string()),
                ("Protocol", "6".into()),
                ("FilterRTID", "69420".into()),
                ("LayerName", "%%14611".into()),
                ("LayerRTID", "48".into()),
                ("RemoteUserID", "S-1-0-0".into()),
                ("RemoteMachineID", "S-1-0-0".into()),
            ],
        );
    }

    /// Writes event 4624.
    pub(crate) fn logon(&mut self, at: i64, account: Account, kind: u32, from: &str) {
        let lsass = self.core.lsass.pid;
        let (user, domain) = self.split(account);
        let package = if kind == 3 { "Kerberos" } else { "Negotiate" };
        let zero = "{00000000-0000-0000-0000-000000000000}";
        self.audit(
            at,
            (4624, 2, 12544),
            lsass,
            vec![
                ("SubjectUserSid", "S-1-0-0".into()),
                ("SubjectUserName", "-".into()),
                ("SubjectDomainName", "-".into()),
                ("SubjectLogonId", "0x0".into()),
                ("TargetUserSid", account.sid.into()),
                ("TargetUserName", user),
                ("TargetDomainName", domain),
                ("TargetLogonId", format!("0x{:x}", account.logon_id)),
                ("LogonType", kind.to_string()),
                ("LogonProcessName", package.into()),
                ("AuthenticationPackageName", package.into()),
                ("WorkstationName", "-".into()),
                ("LogonGuid", zero.into()),
                ("TransmittedServices", "-".into()),
                ("LmPackageName", "-".into()),
                ("KeyLength", "0".into()),
                ("ProcessId", "0x0".into()),
                ("ProcessName", "-".into()),
                ("IpAddress", from.into()),
                ("IpPort", "0".into()),
                ("ImpersonationLevel", "%%1833".into()),
                ("RestrictedAdminMode", "-".into()),
                ("TargetOutboundUserName", "-".into()),
                ("TargetOutboundDomainName", "-".into()),
                ("VirtualAccount", "%%1843".into()),
                ("TargetLinkedLogonId", "0x0".into()),
                ("ElevatedToken", "%%1842".into()),
            ],
        );
    }
}
