//! The memory of the security authority written to a file with what Windows brings along.

use crate::model::host::{Host, LOCAL_SYSTEM, Process};
use crate::model::program;
use crate::model::sysmon::Access;
use crate::model::time::SECOND;

/// `rundll32 comsvcs.dll, MiniDump` from a shell.
pub(crate) fn with_comsvcs(host: &mut Host, at: i64, shell: &Process) {
    let lsass = host.core.lsass.clone();
    let command = format!(
        r"rundll32.exe C:\Windows\System32\comsvcs.dll, MiniDump {} C:\Windows\Temp\d.dmp full",
        lsass.pid
    );
    let dumper = host.start(at, shell, program::RUNDLL32, &command, LOCAL_SYSTEM);
    host.load(
        at + 60_000,
        &dumper,
        r"C:\Windows\System32\comsvcs.dll",
        "COM+ Services",
    );
    host.load(
        at + 90_000,
        &dumper,
        r"C:\Windows\System32\dbgcore.dll",
        "Windows Core Debugging Helpers",
    );
    host.access(
        at + 120_000,
        &Access {
            source: &dumper,
            target: &lsass,
            rights: 0x001f_ffff,
            trace: &[
                r"C:\Windows\SYSTEM32\ntdll.dll+9d1e4",
                r"C:\Windows\System32\KERNELBASE.dll+2c13e",
                r"C:\Windows\System32\comsvcs.dll+20f9a",
                r"C:\Windows\System32\rundll32.exe+3d49",
                r"C:\Windows\System32\KERNEL32.DLL+17034",
                r"C:\Windows\SYSTEM32\ntdll.dll+52651",
            ],
        },
    );
    host.create_file(at + SECOND, &dumper, r"C:\Windows\Temp\d.dmp");
    host.exit(at + 4 * SECOND, &dumper);
}
