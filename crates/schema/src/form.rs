//! How Sysmon spells the values of its fields (`data/value_forms.toml`): what a filter of a configuration can ever meet,
//! and what an invented event must look like.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::sysmon::{self, FieldType};

/// A kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ValueForm {
    /// Any text.
    FreeText,
    /// A command line.
    CommandLine,
    /// A path with its drive letter or share.
    Path,
    /// The path of a process's program, or the name of a process that has none.
    Program,
    /// A device of the object manager.
    Device,
    /// A registry key or value, from its abbreviated root on.
    RegistryPath,
    /// The name of a pipe, with its backslash.
    Pipe,
    /// A GUID in braces.
    Guid,
    /// Bits in hexadecimal after `0x`, without leading zeros.
    Mask,
    /// An address in memory: `0x` and all digits.
    Address,
    /// A whole number in decimal.
    Integer,
    /// A port in decimal.
    Port,
    /// `true` or `false`.
    Boolean,
    /// An IP address; of IPv6 all eight groups.
    IpAddress,
    /// `ALGORITHM=HEX`, several with commas between.
    Hashes,
    /// `DOMAIN\name`.
    User,
    /// `2020-08-07 18:32:44.580`, in UTC.
    UtcTime,
    /// Places in modules, with bars between.
    CallTrace,
    /// One of few words.
    Word,
}

/// What is known of a kind of value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    id: ValueForm,
    pattern: String,
    linux: Option<String>,
    example: String,
    doubt: Option<String>,
    source: String,
}

/// A beginning that Sysmon never writes, and what it writes there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spelling {
    /// The form it is of.
    pub form: ValueForm,
    /// What people write.
    pub written: String,
    /// What Sysmon writes.
    pub instead: String,
    /// Where this is stated or seen.
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldRow {
    names: Vec<String>,
    #[serde(default)]
    events: Vec<u32>,
    form: ValueForm,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    closed: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    form: Vec<Form>,
    spelling: Vec<Spelling>,
    field: Vec<FieldRow>,
}

struct Tables {
    forms: HashMap<ValueForm, Form>,
    spellings: Vec<Spelling>,
    fields: Vec<FieldRow>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../data/value_forms.toml"))
        .expect("data/value_forms.toml is checked by a test");
    Tables {
        forms: file.form.into_iter().map(|f| (f.id, f)).collect(),
        spellings: file.spelling,
        fields: file.field,
    }
});

impl ValueForm {
    fn row(self) -> &'static Form {
        let row = TABLES.forms.get(&self);
        row.expect("a test finds every form in the data")
    }

    /// What all its spellings on Windows match as a whole: a regular expression, without anchors and without look-around.
    /// Case does not count.
    pub fn pattern(self) -> &'static str {
        &self.row().pattern
    }

    /// The further spellings of Sysmon for Linux, likewise.
    pub fn linux_pattern(self) -> Option<&'static str> {
        self.row().linux.as_deref()
    }

    /// A value of it.
    pub fn example(self) -> &'static str {
        &self.row().example
    }

    /// What was recorded besides its spellings, if anything: what does not match is unlikely then, not impossible.
    pub fn doubt(self) -> Option<&'static str> {
        self.row().doubt.as_deref()
    }

    /// Where it is stated or seen.
    pub fn source(self) -> &'static str {
        &self.row().source
    }

    /// The beginnings that people write and Sysmon never does.
    pub fn spellings(self) -> impl Iterator<Item = &'static Spelling> {
        TABLES.spellings.iter().filter(move |s| s.form == self)
    }

    /// The form that values of a manifest type have where nothing more is known of their field.
    pub fn of_type(kind: FieldType) -> Self {
        match kind {
            FieldType::UnicodeString => Self::FreeText,
            FieldType::Guid => Self::Guid,
            FieldType::UInt16 | FieldType::UInt32 | FieldType::UInt64 => Self::Integer,
            FieldType::HexInt32 | FieldType::HexInt64 => Self::Mask,
            FieldType::Boolean => Self::Boolean,
        }
    }
}

/// What the values of one field of one event type look like.
#[derive(Clone, Copy, Debug)]
pub struct FieldForm {
    /// The kind of value.
    pub form: ValueForm,
    /// The texts that are known of it; empty where it is no [`ValueForm::Word`].
    pub values: &'static [String],
    /// Whether it has no other texts than those.
    pub closed: bool,
    /// Whether a record may leave it out, which then reads `-`, or `?` in old versions.
    pub dash: bool,
}

impl FieldForm {
    /// The form of a field (any case) of a Sysmon event type. A field that no schema has is free text.
    pub fn of(event: u32, field: &str) -> Self {
        let kind = sysmon::field_type(field).unwrap_or(FieldType::UnicodeString);
        let row = TABLES.fields.iter().find(|row| {
            (row.events.is_empty() || row.events.contains(&event))
                && row.names.iter().any(|n| n.eq_ignore_ascii_case(field))
        });
        Self {
            form: row.map_or(ValueForm::of_type(kind), |row| row.form),
            values: row.map_or(&[], |row| row.values.as_slice()),
            closed: row.is_some_and(|row| row.closed),
            dash: kind == FieldType::UnicodeString,
        }
    }

    /// What every value of the field matches from its first to its last character, on Windows: an anchored regular
    /// expression that does not look at case.
    pub fn expression(&self) -> String {
        let mut any = match self.closed {
            true => self.values.join("|"),
            false => self.form.pattern().to_owned(),
        };
        if self.dash {
            any.push_str(r"|-|\?");
        }
        format!("^(?i:{any})$")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use regex::Regex;

    use super::*;

    #[test]
    fn every_form_is_in_the_data_and_matches_its_example() {
        for (form, row) in &TABLES.forms {
            let whole = Regex::new(&format!("^(?i:{})$", form.pattern())).unwrap();
            assert!(whole.is_match(form.example()), "{form:?}");
            assert!(!row.source.is_empty());
            if let Some(linux) = form.linux_pattern() {
                Regex::new(linux).unwrap();
            }
        }
        assert_eq!(TABLES.forms.len(), ValueForm::Word as usize + 1);
    }

    #[test]
    fn every_named_field_is_one_of_its_events() {
        for row in &TABLES.fields {
            for name in &row.names {
                let mut events = sysmon::events().iter().filter(|e| e.has(name));
                assert!(events.clone().next().is_some(), "{name}");
                assert!(
                    row.events.iter().all(|id| events.any(|e| e.id == *id)),
                    "{name}"
                );
            }
            assert!(!row.closed || !row.values.is_empty());
            assert_eq!(row.form == ValueForm::Word, !row.values.is_empty());
        }
    }

    fn fits(event: u32, field: &str, value: &str) -> bool {
        Regex::new(&FieldForm::of(event, field).expression())
            .unwrap()
            .is_match(value)
    }

    #[test]
    fn what_sysmon_writes_fits_and_what_it_never_writes_does_not() {
        assert!(fits(1, "Image", r"c:\windows\system32\CMD.EXE"));
        assert!(fits(1, "Image", "-"));
        assert!(!fits(1, "Image", r#""C:\Windows\cmd.exe""#));
        assert!(fits(3, "DestinationIp", "0:0:0:0:0:0:0:1"));
        assert!(!fits(3, "DestinationIp", "::1"));
        assert!(!fits(3, "DestinationIp", "10.0.0.0/8"));
        assert!(fits(3, "destinationport", "443"));
        assert!(fits(10, "GrantedAccess", "0x800"));
        assert!(!fits(10, "GrantedAccess", "0x0800"));
        assert!(!fits(10, "GrantedAccess", "-"));
        assert!(fits(13, "TargetObject", r"HKU\S-1-5-21-1\Software\Run"));
        assert!(!fits(13, "TargetObject", r"HKCU\Software\Run"));
        assert!(fits(17, "PipeName", r"\lsass"));
        assert!(!fits(17, "PipeName", "lsass"));
        assert!(fits(12, "EventType", "createkey") && !fits(13, "EventType", "CreateKey"));
        assert!(fits(7, "Hashes", &format!("MD5={}", "A".repeat(32))));
        assert!(!fits(7, "Hashes", &"A".repeat(32)));
        assert!(fits(1, "NoSuchField", "anything"));
    }

    #[test]
    fn what_people_write_instead_never_fits() {
        for s in &TABLES.spellings {
            // A control set is a key like any other to the pattern: only what is written instead tells.
            if !s.written.contains("ControlSet00") {
                let whole = Regex::new(&format!("^(?i:{})$", s.form.pattern())).unwrap();
                assert!(
                    !whole.is_match(&format!(r"{}\x", s.written)),
                    "{}",
                    s.written
                );
            }
        }
    }
}
