//! Programs that attacks put code into or run code through, by file name. It knows what is known of such programs, and not
//! that a program it does not list would be safe: code can be put into any process.

pub use crate::model::techniques::{HostProcess, HostUse};
use crate::tables;

/// All rows.
pub fn all() -> &'static [HostProcess] {
    tables::host_processes()
}

/// The row of a program: a file name or a whole path, in any letter case.
pub fn find(program: &str) -> Option<&'static HostProcess> {
    let name = program.rsplit(['\\', '/']).next().unwrap_or_default();
    all().iter().find(|row| row.file.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_program_is_found_by_name_or_path_in_any_case() {
        let row = find("svchost.exe").unwrap();
        assert!(row.uses.contains(&HostUse::InjectedInto));
        assert_eq!(find("C:\\Windows\\System32\\SVCHOST.EXE"), Some(row));
        assert_eq!(find("mysvchost.exe"), None);
        assert_eq!(find(""), None);
        // A folder named as a program is not the program.
        assert_eq!(find("C:\\svchost.exe\\a.exe"), None);
    }

    #[test]
    fn the_recorded_injections_start_or_end_in_listed_programs() {
        for name in [
            "powershell.exe",
            "notepad.exe",
            "mavinject.exe",
            "wuauclt.exe",
        ] {
            let row = find(name).unwrap();
            assert!(row.source.contains(&"security-datasets"), "{name}");
        }
    }
}
