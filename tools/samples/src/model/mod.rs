//! What a recording is made of: a host, its processes and accounts, and the events it wrote.

pub(crate) mod event;
pub(crate) mod host;
pub(crate) mod powershell;
pub(crate) mod program;
pub(crate) mod random;
pub(crate) mod security;
pub(crate) mod sysmon;
pub(crate) mod sysmon_service;
pub(crate) mod system;
pub(crate) mod time;
