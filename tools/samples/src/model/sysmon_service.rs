//! What Sysmon writes about itself: its service starting and stopping, its configuration being set.

use super::host::Host;
use super::time;

impl Host {
    /// Writes event 4; what the driver sees is written from `at` on where the service starts.
    pub(crate) fn sysmon_state(&mut self, at: i64, started: bool) {
        if started {
            self.sysmon_since = at;
        }
        self.sysmon(
            at,
            4,
            3,
            vec![
                ("UtcTime", time::sysmon(at)),
                ("State", if started { "Started" } else { "Stopped" }.into()),
                ("Version", "15.14".into()),
                ("SchemaVersion", "4.90".into()),
            ],
        );
    }

    /// Writes event 16.
    pub(crate) fn sysmon_configured(&mut self, at: i64) {
        let hash = self.random.hex(64, true);
        self.sysmon(
            at,
            16,
            3,
            vec![
                ("UtcTime", time::sysmon(at)),
                ("Configuration", r"C:\Windows\sysmon.xml".into()),
                ("ConfigurationFileHash", format!("SHA256={hash}")),
            ],
        );
    }
}
