//! One event as the event log holds it, before any format.

use super::host::Account;

/// Who writes events, and the header values that are its own.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) channel: &'static str,
    pub(crate) provider: &'static str,
    /// In lower case with braces; empty for a provider without a manifest.
    pub(crate) guid: &'static str,
    /// The provider also has a name as an event source, and event ids carry qualifiers.
    pub(crate) qualifiers: Option<u16>,
    pub(crate) keywords: u64,
}

pub(crate) static SYSMON: Log = Log {
    channel: "Microsoft-Windows-Sysmon/Operational",
    provider: "Microsoft-Windows-Sysmon",
    guid: "{5770385f-c22a-43e0-bf4c-06f5698ffbd9}",
    qualifiers: None,
    keywords: 0x8000_0000_0000_0000,
};

pub(crate) static SECURITY: Log = Log {
    channel: "Security",
    provider: "Microsoft-Windows-Security-Auditing",
    guid: "{54849625-5478-4994-a5ba-3e3b0328c30d}",
    qualifiers: None,
    // Audit success.
    keywords: 0x8020_0000_0000_0000,
};

pub(crate) static SYSTEM: Log = Log {
    channel: "System",
    provider: "Service Control Manager",
    guid: "{555908d1-a6d7-4695-8e1e-26931d2012f4}",
    qualifiers: Some(16384),
    keywords: 0x8080_0000_0000_0000,
};

/// The service that keeps the logs, in the log of the system.
pub(crate) static EVENT_LOG: Log = Log {
    channel: "System",
    provider: "EventLog",
    guid: "",
    qualifiers: Some(32768),
    keywords: 0x0080_0000_0000_0000,
};

pub(crate) static KERNEL_GENERAL: Log = Log {
    channel: "System",
    provider: "Microsoft-Windows-Kernel-General",
    guid: "{a68ca8b7-004f-d7b6-a698-07e2de0f1f5d}",
    qualifiers: None,
    keywords: 0x8000_0000_0000_0080,
};

pub(crate) static KERNEL_POWER: Log = Log {
    channel: "System",
    provider: "Microsoft-Windows-Kernel-Power",
    guid: "{331c3b3a-2005-44c2-ac5e-77220c37d6b4}",
    qualifiers: None,
    keywords: 0x8000_4000_0000_0002,
};

pub(crate) static POWERSHELL: Log = Log {
    channel: "Microsoft-Windows-PowerShell/Operational",
    provider: "Microsoft-Windows-PowerShell",
    guid: "{a0c1853b-5c40-4b15-8766-3cf1c58f985a}",
    qualifiers: None,
    keywords: 0,
};

pub(crate) static CLASSIC_POWERSHELL: Log = Log {
    channel: "Windows PowerShell",
    provider: "PowerShell",
    guid: "",
    qualifiers: Some(0),
    keywords: 0x0080_0000_0000_0000,
};

/// One event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) log: &'static Log,
    pub(crate) id: u32,
    pub(crate) version: u8,
    pub(crate) level: u8,
    pub(crate) task: u16,
    pub(crate) opcode: u8,
    /// Microseconds since 1970, UTC.
    pub(crate) time: i64,
    /// Given when the host closes its logs.
    pub(crate) record: u64,
    /// Process and thread that wrote it.
    pub(crate) writer: (u32, u32),
    /// Account that wrote it, where the log names one.
    pub(crate) user: Option<Account>,
    /// Data fields in order; an empty name is an unnamed `<Data>`.
    pub(crate) data: Vec<(&'static str, String)>,
    /// What the event log shows as its text, where a shipper has nothing else to send.
    pub(crate) message: Option<String>,
}
