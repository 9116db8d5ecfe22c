//! The deployed form: the rule blob and the options beside it, from the bytes of a registry value, a
//! `.reg` export or a registry hive file. Live registries are not read.

use std::collections::BTreeMap;

use regf::RegistryHive;

use crate::blob::{self, BlobError, Decoded};
use crate::console;
use crate::decompile::{self, Decompiled};
use crate::options::hash_algorithm_names;
use crate::rules::RuleSet;

/// Why bytes hold no deployed configuration.
#[derive(Debug, thiserror::Error)]
pub enum DeployedError {
    /// The hive cannot be read.
    #[error("the registry hive cannot be read: {0}")]
    Hive(#[from] regf::Error),
    /// No key has the driver's values.
    #[error("no key ...\\Services\\<driver>\\Parameters with a value `Rules` is in it")]
    NoDriver,
    /// The rules are damaged.
    #[error("the value `Rules` is no rule blob: {0}")]
    Blob(#[from] BlobError),
    /// A line of the export is damaged.
    #[error("line {line}: {message}")]
    Export {
        /// One-based line.
        line: usize,
        /// What is wrong.
        message: String,
    },
}

/// What a machine has deployed.
#[derive(Debug)]
pub struct Deployed {
    /// The registry key, or empty for a bare blob.
    pub key: String,
    /// The rule blob; empty where only options are set.
    pub blob: Vec<u8>,
    /// Its content; none where no rules are stored.
    pub decoded: Option<Decoded>,
    /// Options as configuration elements, in an order that both front ends read to the end.
    pub options: Vec<(String, String)>,
    /// Values that no configuration element stands for.
    pub remarks: Vec<String>,
}

type Values = BTreeMap<String, Data>;

/// A registry value as far as the driver's key needs it.
#[derive(Clone, Debug)]
enum Data {
    Binary(Vec<u8>),
    Number(u32),
    Text(String),
}

impl Data {
    fn number(&self) -> Option<u32> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Binary(b) => match b.as_slice() {
                [b] => Some(u32::from(*b)),
                [a, b, c, d] => Some(u32::from_le_bytes([*a, *b, *c, *d])),
                _ => None,
            },
            Self::Text(_) => None,
        }
    }
}

/// Reads a bare blob, a `.reg` export, what `reg query` prints, or a hive file, told apart by their first bytes. A hive of a
/// whole machine is searched in its current control set.
///
/// # Errors
/// Where nothing of the kind is in the bytes.
pub fn read(bytes: &[u8]) -> Result<Deployed, DeployedError> {
    if bytes.starts_with(b"regf") {
        return from_hive(bytes);
    }
    let query = || console::registry_export(bytes);
    if let Some(text) = export_text(bytes).or_else(query) {
        return from_export(&text);
    }
    Ok(Deployed {
        key: String::new(),
        blob: bytes.to_vec(),
        decoded: Some(blob::decode(bytes)?),
        options: Vec::new(),
        remarks: Vec::new(),
    })
}

/// True where [`read`] should be asked rather than the XML front ends.
pub fn looks_deployed(bytes: &[u8]) -> bool {
    let header =
        bytes.get(8..12) == Some(&[24, 0, 0, 0]) || bytes.get(8..12) == Some(&[16, 0, 0, 0]);
    bytes.starts_with(b"regf")
        || export_text(bytes).is_some()
        || console::registry_export(bytes).is_some()
        || (header && bytes.get(4..8) != Some(&[0; 4]))
}

impl Deployed {
    /// The rules, or none where nothing is stored.
    pub fn rules(&self) -> Option<&RuleSet> {
        self.decoded.as_ref().map(|d| &d.rules)
    }

    /// The configuration file that stands for it.
    pub fn to_xml(&self) -> Decompiled {
        let none = RuleSet {
            version: crate::schema::newest().version,
            elements: Vec::new(),
            rule_reports_own_name: false,
        };
        let mut out = decompile::decompile(self.rules().unwrap_or(&none), &self.options);
        if let Some(decoded) = &self.decoded {
            out.problems.splice(0..0, decoded.problems.iter().cloned());
        }
        out.problems.extend(self.remarks.iter().cloned());
        out
    }

    fn from_values(key: String, values: &Values) -> Result<Self, DeployedError> {
        let blob = match values.get("rules") {
            Some(Data::Binary(b)) => b.clone(),
            _ => Vec::new(),
        };
        let decoded = if blob.is_empty() {
            None
        } else {
            Some(blob::decode(&blob)?)
        };
        let mut out = Self {
            key,
            blob,
            decoded,
            options: Vec::new(),
            remarks: Vec::new(),
        };
        out.read_options(values);
        Ok(out)
    }

    fn read_options(&mut self, values: &Values) {
        let number = |name: &str| values.get(name).and_then(Data::number);
        let text = |name: &str| match values.get(name) {
            Some(Data::Text(t)) if !t.is_empty() => Some(t.clone()),
            _ => None,
        };
        let mut set = |name: &str, value: String| self.options.push((name.to_owned(), value));
        if let Some(mask) = number("hashingalgorithm") {
            set("HashAlgorithms", hash_algorithm_names(mask));
        }
        if let Some(on) = number("dnslookup") {
            set(
                "DnsLookup",
                if on == 0 { "False" } else { "True" }.to_owned(),
            );
        }
        if let Some(path) = text("archivedirectory") {
            set("ArchiveDirectory", path.trim_matches('\\').to_owned());
        }
        if let Some(sizes) = text("fieldsizes") {
            set("FieldSizes", sizes);
        }
        if number("checkrevocation").is_some_and(|on| on != 0) {
            set("CheckRevocation", "true".to_owned());
        }
        let driver = self.key.rsplit('\\').nth(1).unwrap_or("").to_owned();
        if !driver.is_empty() && !driver.eq_ignore_ascii_case("SysmonDrv") {
            set("DriverName", driver);
        }
        let options = number("options").unwrap_or(0);
        if options & 8 != 0 {
            // Last: the strict front end reads no option behind an empty one.
            set("CaptureClipboard", String::new());
        }
        for (bit, tag) in [(1, "NetworkConnect"), (2, "ImageLoad"), (4, "DnsQuery")] {
            let by_rules = self
                .decoded
                .as_ref()
                .is_some_and(|d| d.rules.kept().any(|e| e.tag == tag));
            if options & bit != 0 && !by_rules {
                self.remarks.push(format!("the value Options switches {tag} on without rules for it (a command-line switch did)"));
            }
        }
        for name in ["processaccessnames", "processaccessmasks"] {
            if values.contains_key(name) {
                self.remarks
                    .push(format!("the value {name} of older versions is left out"));
            }
        }
    }
}

fn from_hive(bytes: &[u8]) -> Result<Deployed, DeployedError> {
    let hive = RegistryHive::from_bytes(bytes.to_vec())?;
    let root = hive.root_key()?;
    let current = root
        .open_subkey("Select")
        .and_then(|k| k.value("Current")?.dword_data())
        .unwrap_or(1);
    let services = root
        .open_subkey(&format!("ControlSet{current:03}"))
        .and_then(|k| k.open_subkey("Services"))
        .or_else(|_| root.open_subkey("Services"));
    let mut candidates = vec![hive.root_key()?];
    match services {
        Ok(services) => candidates.extend(services.subkeys()?),
        Err(_) => candidates.extend(root.subkeys()?),
    }
    for service in candidates {
        let parameters = match service.open_subkey("Parameters") {
            Ok(parameters) => parameters,
            Err(_) if service.value("Rules").is_ok() => service,
            Err(_) => continue,
        };
        let Ok(values) = parameters.values() else {
            continue;
        };
        let mut found = Values::new();
        for value in values {
            let name = value.name().to_ascii_lowercase();
            let raw: Vec<u8> = match value.raw_data() {
                Ok(raw) => raw,
                Err(_) => continue,
            };
            let data = match value.raw_data_type() {
                1 | 2 => Data::Text(wide_text(&raw)),
                4 => Data::Number(
                    raw.get(..4)
                        .map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])),
                ),
                _ => Data::Binary(raw),
            };
            found.insert(name, data);
        }
        if is_driver(&found) {
            return Deployed::from_values(parameters.path()?, &found);
        }
    }
    Err(DeployedError::NoDriver)
}

/// Other services have a value `Rules` too; the driver's holds a blob, or has its neighbours.
fn is_driver(values: &Values) -> bool {
    match values.get("rules") {
        Some(Data::Binary(b)) => {
            b.is_empty() || blob::decode(b).is_ok() || values.contains_key("hashingalgorithm")
        }
        Some(_) => false,
        None => values.contains_key("hashingalgorithm") && values.contains_key("options"),
    }
}

pub(crate) fn wide_text(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|b| u16::from_le_bytes([b[0], b[1]]))
        .collect();
    let text = String::from_utf16_lossy(&units);
    text.trim_end_matches('\0').to_owned()
}

/// The text of a `.reg` export, which starts with one of two fixed lines.
fn export_text(bytes: &[u8]) -> Option<String> {
    let text = if let Some(wide) = bytes.strip_prefix(b"\xFF\xFE") {
        wide_text(wide)
    } else {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let head = bytes.get(..8)?;
        if head != b"Windows " && head != b"REGEDIT4" {
            return None;
        }
        String::from_utf8_lossy(bytes).into_owned()
    };
    let known =
        text.starts_with("Windows Registry Editor Version 5.00") || text.starts_with("REGEDIT4");
    known.then_some(text)
}

fn from_export(text: &str) -> Result<Deployed, DeployedError> {
    let mut keys: Vec<(String, Values)> = Vec::new();
    let mut lines = text.lines().enumerate();
    lines.next();
    while let Some((number, line)) = lines.next() {
        let mut line = line.trim().to_owned();
        while line.ends_with('\\') && !line.ends_with("\"\\") && line.contains("hex") {
            line.pop();
            match lines.next() {
                Some((_, more)) => line.push_str(more.trim()),
                None => break,
            }
        }
        if let Some(key) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            keys.push((key.to_owned(), Values::new()));
        } else if line.starts_with('"') {
            let error = |message: String| DeployedError::Export {
                line: number + 1,
                message,
            };
            let (name, data) = export_value(&line).map_err(error)?;
            if let (Some((_, values)), Some(data)) = (keys.last_mut(), data) {
                values.insert(name.to_ascii_lowercase(), data);
            }
        }
    }
    let found = keys.iter().find(|(_, values)| is_driver(values));
    let (key, values) = found.ok_or(DeployedError::NoDriver)?;
    Deployed::from_values(key.clone(), values)
}

/// Name and data of a line `"name"=...`; no data for types that no option uses.
fn export_value(line: &str) -> Result<(String, Option<Data>), String> {
    let (name, rest) = quoted(line).ok_or("the value's name does not end")?;
    let rest = rest
        .trim_start()
        .strip_prefix('=')
        .ok_or("`=` is missing")?
        .trim_start();
    if let Some(digits) = rest.strip_prefix("dword:") {
        let n = u32::from_str_radix(digits.trim(), 16)
            .map_err(|_| format!("`{digits}` is no hexadecimal number"))?;
        return Ok((name, Some(Data::Number(n))));
    }
    if rest.starts_with('"') {
        let (text, _) = quoted(rest).ok_or("the value's text does not end")?;
        return Ok((name, Some(Data::Text(text))));
    }
    let Some(hex) = rest.strip_prefix("hex") else {
        return Ok((name, None));
    };
    let (kind, list) = hex.split_once(':').ok_or("`:` is missing")?;
    let bytes: Result<Vec<u8>, String> = list
        .split(',')
        .map(str::trim)
        .filter(|b| !b.is_empty())
        .map(|b| u8::from_str_radix(b, 16).map_err(|_| format!("`{b}` is no byte")))
        .collect();
    let bytes = bytes?;
    Ok((
        name,
        Some(match kind {
            "(1)" | "(2)" => Data::Text(wide_text(&bytes)),
            _ => Data::Binary(bytes),
        }),
    ))
}

/// A quoted text with `\"` and `\\`, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = body.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return Some((out, &body[i + 1..])),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}
