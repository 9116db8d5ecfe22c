//! Columns that stand in the path of a file, as Hive lays tables out: `Channel=Security/EventID=4688/part-0.parquet`.

/// What stands for a missing value.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";
/// Longer values make no name of a folder.
const LONGEST: usize = 160;

/// The folder of a column's value; `None` where the value cannot be one, and has to stay in the file.
pub(super) fn folder(column: &str, value: Option<&str>) -> Option<String> {
    let Some(value) = value else {
        return Some(format!("{column}={NULL}"));
    };
    if value.is_empty() || value == NULL || !value.is_ascii() {
        return None;
    }
    let mut name = format!("{column}=");
    for c in value.chars() {
        // What engines escape, and what names of files cannot have on any system.
        if c.is_ascii_alphanumeric() || "-_. ()+,;@!$&~".contains(c) {
            name.push(c);
        } else {
            name.push_str(&format!("%{:02X}", u32::from(c)));
        }
    }
    (name.len() <= LONGEST && !name.ends_with(['.', ' '])).then_some(name)
}

/// The columns in the path of a file with their values, outermost first.
pub(super) fn columns(path: &str) -> Vec<(String, Option<String>)> {
    let Some((folders, _)) = path.rsplit_once(['/', '\\']) else {
        return Vec::new();
    };
    folders
        .split(['/', '\\'])
        .filter_map(|folder| folder.split_once('='))
        .filter(|(column, _)| !column.is_empty())
        .map(|(column, value)| {
            let value = (value != NULL).then(|| unescaped(value));
            (unescaped(column), value)
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_channel_is_a_folder_and_back() {
        let name = folder("Channel", Some("Microsoft-Windows-Sysmon/Operational")).unwrap();
        assert_eq!(name, "Channel=Microsoft-Windows-Sysmon%2FOperational");
        let path = format!("out/{name}/EventID=10/part-0.parquet");
        let expected = [
            ("Channel", Some("Microsoft-Windows-Sysmon/Operational")),
            ("EventID", Some("10")),
        ];
        let expected = expected.map(|(c, v)| (c.to_owned(), v.map(str::to_owned)));
        assert_eq!(columns(&path), expected);
        assert_eq!(folder("EventID", None).unwrap(), format!("EventID={NULL}"));
        assert_eq!(
            columns(&format!("EventID={NULL}/x")),
            [("EventID".to_owned(), None)]
        );
        assert_eq!(columns("a=b.parquet"), []);
    }

    proptest! {
        /// What an event says does not lead out of the output, and comes back as it was.
        #[test]
        fn any_value_stays_inside_and_comes_back(value in "\\PC{0,60}|[./\\\\=%: ]{0,9}") {
            if let Some(name) = folder("c", Some(&value)) {
                let inside = !name.contains(['/', '\\', '\u{0}', ':']);
                prop_assert!(inside);
                let read = columns(&format!("{name}/part-0.parquet"));
                prop_assert_eq!(read, [("c".to_owned(), Some(value))]);
            }
        }

        #[test]
        fn any_path_is_read(path in "\\PC{0,60}") {
            let _ = columns(&path);
        }
    }
}
