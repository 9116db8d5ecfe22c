//! The System log: services that change their state, the kernel and the event log starting and stopping.

use super::event::{EVENT_LOG, Event, KERNEL_GENERAL, KERNEL_POWER, Log, SYSTEM};
use super::host::{Host, LOCAL_SYSTEM};
use super::time;

impl Host {
    /// Writes event 7036.
    pub(crate) fn service_state(&mut self, at: i64, service: &str, state: &str) {
        let services = self.core.services.pid;
        self.write(Event {
            log: &SYSTEM,
            id: 7036,
            version: 0,
            level: 4,
            task: 0,
            opcode: 0,
            time: at,
            record: 0,
            writer: (services, services + 16),
            user: None,
            data: vec![("param1", service.into()), ("param2", state.into())],
            message: Some(format!("The {service} service entered the {state} state.")),
        });
    }

    /// Writes event 12: the kernel started at `at`.
    pub(crate) fn kernel_started(&mut self, at: i64) {
        self.kernel(
            &KERNEL_GENERAL,
            (12, 1, 4),
            at,
            vec![
                ("MajorVersion", "10".into()),
                ("MinorVersion", "0".into()),
                ("BuildVersion", "19041".into()),
                ("QfeVersion", "1415".into()),
                ("ServiceVersion", "0".into()),
                ("BootMode", "0".into()),
                ("StartTime", time::system(at)),
            ],
        );
    }

    /// Writes event 13: the kernel stops.
    pub(crate) fn kernel_stopped(&mut self, at: i64) {
        let data = vec![("StopTime", time::system(at))];
        self.kernel(&KERNEL_GENERAL, (13, 0, 4), at, data);
    }

    /// Writes event 41: the last session ended without a shutdown.
    pub(crate) fn power_was_lost(&mut self, at: i64) {
        let data = vec![
            ("BugcheckCode", "0".into()),
            ("PowerButtonTimestamp", "0".into()),
        ];
        self.kernel(&KERNEL_POWER, (41, 8, 1), at, data);
    }

    fn kernel(
        &mut self,
        log: &'static Log,
        (id, version, level): (u32, u8, u8),
        at: i64,
        data: Vec<(&'static str, String)>,
    ) {
        self.write(Event {
            log,
            id,
            version,
            level,
            task: 0,
            opcode: 0,
            time: at,
            record: 0,
            writer: (4, 8),
            user: Some(LOCAL_SYSTEM),
            data,
            message: None,
        });
    }

    /// Writes an event of the event log's service, whose data has no names: 6005 and 6006 its start and stop, 6008 an
    /// unexpected shutdown before, 6009 the version of Windows, 6013 the seconds since the boot.
    pub(crate) fn event_log(&mut self, at: i64, id: u32, data: &[&str]) {
        self.write(Event {
            log: &EVENT_LOG,
            id,
            version: 0,
            level: if id == 6008 { 2 } else { 4 },
            task: 0,
            opcode: 0,
            time: at,
            record: 0,
            writer: (0, 0),
            user: None,
            data: data.iter().map(|text| ("", (*text).to_owned())).collect(),
            message: None,
        });
    }
}
