//! Reflective DLL injection as it shows: a handle with much, then threads that start where no module lies.

use crate::model::host::{Host, Process};
use crate::model::sysmon::{Access, RemoteThread};
use crate::model::time::SECOND;

/// One injection.
pub(crate) struct Injection<'a> {
    pub(crate) source: &'a Process,
    pub(crate) target: &'a Process,
    /// Rights of the handle.
    pub(crate) rights: u32,
    /// How many threads are started.
    pub(crate) threads: u32,
    /// Where they start.
    pub(crate) address: u64,
    /// Frames of the open, from the inside out.
    pub(crate) trace: &'a [&'a str],
}

/// Opens the target and starts the threads.
pub(crate) fn inject(host: &mut Host, at: i64, injection: &Injection<'_>) {
    host.access(
        at,
        &Access {
            source: injection.source,
            target: injection.target,
            rights: injection.rights,
            trace: injection.trace,
        },
    );
    for i in 0..injection.threads {
        host.remote_thread(
            at + 3 * SECOND + i64::from(i) * 31_000,
            &RemoteThread {
                source: injection.source,
                target: injection.target,
                address: injection.address,
                module: "-",
                function: "-",
            },
        );
    }
}
