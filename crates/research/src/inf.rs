//! Minifilter altitudes from an INF file: where in the filter stack a driver asks to stand. It reads `[Strings]`
//! substitutions and nothing else of the format.

use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;

/// The largest INF that is read, in bytes.
const MAX_INF: u64 = 4 << 20;

/// An altitude asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Altitude {
    /// The INF file.
    pub inf: String,
    /// The altitude, a decimal number kept as text: its order is that of the number, its spelling matters.
    pub altitude: String,
    /// The load order group Microsoft reserves the range for.
    pub group: Option<&'static str>,
}

/// Altitudes in the INF files beside `driver` that name it.
pub fn beside(driver: &Path) -> Vec<Altitude> {
    let (Some(folder), Some(name)) = (driver.parent(), driver.file_name()) else {
        return Vec::new();
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let name = name.to_string_lossy().to_lowercase();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<Altitude> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_inf = path
                .extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("inf"));
            (is_inf
                && path
                    .metadata()
                    .is_ok_and(|m| m.is_file() && m.len() <= MAX_INF))
            .then_some(path)
        })
        .filter_map(|path| {
            Some((
                path.display().to_string(),
                decode(&std::fs::read(&path).ok()?),
            ))
        })
        .filter(|(_, text)| text.to_lowercase().contains(&name))
        .flat_map(|(inf, text)| {
            let row = move |altitude: String| {
                let group = group(&altitude);
                Altitude {
                    inf: inf.clone(),
                    altitude,
                    group,
                }
            };
            altitudes(&text).into_iter().map(row).collect::<Vec<_>>()
        })
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Every altitude the text sets, `%strings%` replaced.
pub fn altitudes(text: &str) -> Vec<String> {
    let mut strings: HashMap<String, String> = HashMap::new();
    let mut set = Vec::new();
    let mut in_strings = false;
    for line in text.lines() {
        let line = line.split(';').next().unwrap_or_default().trim();
        if line.starts_with('[') {
            in_strings = line.to_lowercase().starts_with("[strings");
        } else if in_strings && let Some((key, value)) = line.split_once('=') {
            strings.insert(
                key.trim().to_lowercase(),
                value.trim().trim_matches('"').to_owned(),
            );
        } else if line.to_lowercase().contains("\"altitude\"") {
            // HKR,"Instances\"%Instance%,"Altitude",0x00000000,%Altitude%
            set.extend(
                line.rsplit(',')
                    .next()
                    .map(|v| v.trim().trim_matches('"').to_owned()),
            );
        }
    }
    let resolve = |value: String| match value.strip_prefix('%').and_then(|v| v.strip_suffix('%')) {
        Some(name) => strings.get(&name.to_lowercase()).cloned(),
        None => Some(value),
    };
    let is_number =
        |value: &String| !value.is_empty() && value.chars().all(|c| c.is_ascii_digit() || c == '.');
    let mut found: Vec<String> = set
        .into_iter()
        .filter_map(resolve)
        .filter(is_number)
        .collect();
    found.dedup();
    found
}

/// The load order group of an altitude, from Microsoft's table of ranges.
pub fn group(altitude: &str) -> Option<&'static str> {
    let number: u32 = altitude.split('.').next()?.parse().ok()?;
    let group = match number {
        420_000..=429_999 => "Filter",
        400_000..=409_999 => "FSFilter Top",
        360_000..=389_999 => "FSFilter Activity Monitor",
        340_000..=349_999 => "FSFilter Undelete",
        320_000..=329_999 => "FSFilter Anti-Virus",
        300_000..=309_999 => "FSFilter Replication",
        280_000..=289_999 => "FSFilter Continuous Backup",
        260_000..=269_999 => "FSFilter Content Screener",
        240_000..=249_999 => "FSFilter Quota Management",
        220_000..=229_999 => "FSFilter System Recovery",
        200_000..=209_999 => "FSFilter Cluster File System",
        180_000..=189_999 => "FSFilter HSM",
        170_000..=174_999 => "FSFilter Imaging",
        160_000..=169_999 => "FSFilter Compression",
        140_000..=149_999 => "FSFilter Encryption",
        130_000..=139_999 => "FSFilter Virtualization",
        120_000..=129_999 => "FSFilter Physical Quota management",
        100_000..=109_999 => "FSFilter Open File",
        80_000..=89_999 => "FSFilter Security Enhancer",
        60_000..=69_999 => "FSFilter Copy Protection",
        40_000..=49_999 => "FSFilter Bottom",
        20_000..=29_999 => "FSFilter System",
        _ => return None,
    };
    Some(group)
}

/// INF files are UTF-16 with a mark, or one byte per character.
fn decode(bytes: &[u8]) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..]
            .chunks_exact(2)
            .map(|c| from([c[0], c[1]]))
            .collect()
    };
    match bytes {
        [0xFF, 0xFE, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const INF: &str = "[Version]\r\nSignature = \"$Windows NT$\"\r\n\
        [MiniFilter.AddRegistry]\r\n\
        HKR,\"Instances\",\"DefaultInstance\",0x00000000,%DefaultInstance%\r\n\
        HKR,\"Instances\\\"%Instance1.Name%,\"Altitude\",0x00000000,%Instance1.Altitude%  ; the stack\r\n\
        HKR,\"Instances\\Second\",\"Altitude\",0x00000000,\"328010.5\"\r\n\
        [Strings]\r\nInstance1.Name = \"Sysmon Instance\"\r\nInstance1.Altitude = \"385201\"\r\n";

    #[test]
    fn altitudes_with_substitution() {
        assert_eq!(altitudes(INF), ["385201", "328010.5"]);
        assert_eq!(group("385201"), Some("FSFilter Activity Monitor"));
        assert_eq!(group("328010.5"), Some("FSFilter Anti-Virus"));
        assert_eq!(group("1"), None);
        assert_eq!(
            altitudes("HKR,x,\"Altitude\",0,%Missing%"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn both_encodings() {
        let wide: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain(INF.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        assert_eq!(altitudes(&decode(&wide)), altitudes(INF));
        assert_eq!(altitudes(&decode(INF.as_bytes())), altitudes(INF));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = altitudes(&decode(&bytes));
        }
    }
}
