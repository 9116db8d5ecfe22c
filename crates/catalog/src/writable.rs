//! Whether an ordinary user may create files where a path points, by the access rights Windows sets up. It knows folders and
//! not the rights of any one computer, where they may have been changed.

pub use crate::model::techniques::{FolderKind, WritableFolder};
use crate::tables;

/// All rows, the closed ones among them.
pub fn all() -> &'static [WritableFolder] {
    tables::writable_folders()
}

/// The folder that makes a path one that a user can write to, or `None` where none is known to. `path` may be a piece of a
/// path, as in the value of a rule; letter case does not matter. Of several folders the most specific is given.
pub fn why(path: &str) -> Option<&'static WritableFolder> {
    let path = path.to_ascii_lowercase();
    all()
        .iter()
        .filter(|row| path.contains(row.folder))
        // The longest one knows best whether the folder is open.
        .max_by_key(|row| row.folder.len())
        .filter(|row| row.kind == FolderKind::Open)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn folders_of_users_are_open_and_those_of_the_system_are_not() {
        assert_eq!(
            why(r"C:\Users\ann\AppData\Local\Temp\setup.exe")
                .unwrap()
                .folder,
            r"\appdata\"
        );
        assert_eq!(
            why(r"C:\WINDOWS\Tasks\a.exe").unwrap().folder,
            r"\windows\tasks\"
        );
        assert_eq!(why(r"C:\Windows\System32\svchost.exe"), None);
        assert_eq!(why(r"C:\Program Files\x\a.exe"), None);
        assert_eq!(why(""), None);
    }

    #[test]
    fn a_closed_folder_below_an_open_one_is_closed() {
        assert!(why(r"C:\ProgramData\Microsoft\x.exe").is_some());
        let defender = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4\MsMpEng.exe";
        assert_eq!(why(defender), None);
    }
}
