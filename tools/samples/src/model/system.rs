//! The System log: services that change their state.

use super::event::{Event, SYSTEM};
use super::host::Host;

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
}
