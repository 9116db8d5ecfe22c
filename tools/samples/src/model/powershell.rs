//! The two logs of Windows PowerShell: script blocks in the new one, pipelines in the classic one.

use super::event::{CLASSIC_POWERSHELL, Event, POWERSHELL};
use super::host::{Host, Process};

impl Host {
    /// Writes event 4104 and, for the pipeline it ran, event 800 with its unnamed data.
    pub(crate) fn script(&mut self, at: i64, process: &Process, text: &str) {
        let block = format!(
            "{}-{}-4{}-8{}-{}",
            self.random.hex(8, false),
            self.random.hex(4, false),
            self.random.hex(3, false),
            self.random.hex(3, false),
            self.random.hex(12, false)
        );
        self.write(Event {
            log: &POWERSHELL,
            id: 4104,
            version: 1,
            level: 5,
            task: 2,
            opcode: 15,
            time: at,
            record: 0,
            writer: (process.pid, process.pid + 8),
            user: Some(process.account),
            data: vec![
                ("MessageNumber", "1".into()),
                ("MessageTotal", "1".into()),
                ("ScriptBlockText", text.into()),
                ("ScriptBlockId", block),
                ("Path", String::new()),
            ],
            message: None,
        });
        let context = format!(
            "\tDetailSequence=1\r\n\tDetailTotal=1\r\n\r\n\tSequenceNumber=15\r\n\r\n\tUserId={}\r\n\tHostName=ConsoleHost\r\n\tHostVersion=5.1.19041.1\r\n\tHostApplication={}\r\n\tEngineVersion=5.1.19041.1\r\n",
            process.account.name, process.command_line
        );
        let details = format!("CommandInvocation: \"{text}\"\r\n");
        self.write(Event {
            log: &CLASSIC_POWERSHELL,
            id: 800,
            version: 0,
            level: 4,
            task: 8,
            opcode: 0,
            time: at + 2_000,
            record: 0,
            writer: (0, 0),
            user: None,
            message: Some(format!(
                "Pipeline execution details for command line: {text}. \r\n\r\nContext Information: \r\n{context}\r\n\r\nDetails: \r\n{details}"
            )),
            data: vec![("", text.into()), ("", context), ("", details)],
        });
    }
}
