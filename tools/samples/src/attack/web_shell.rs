//! A web server that starts a shell.

use crate::model::host::{Host, NETWORK_SERVICE, Process};
use crate::model::program;
use crate::model::time::SECOND;

/// The worker process runs a command; the shell is returned.
pub(crate) fn command(host: &mut Host, at: i64, worker: &Process) -> Process {
    let shell = host.start(
        at,
        worker,
        program::CMD,
        r#"cmd.exe /c "whoami & dir C:\inetpub\wwwroot 2>&1""#,
        NETWORK_SERVICE,
    );
    let whoami = host.start(
        at + 300_000,
        &shell,
        program::WHOAMI,
        "whoami",
        NETWORK_SERVICE,
    );
    host.exit(at + 900_000, &whoami);
    host.create_file(at + 4 * SECOND, worker, r"C:\ProgramData\Updates\upd64.exe");
    shell
}
