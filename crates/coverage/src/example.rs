//! Events that prove something: values that look like Sysmon's where the form of a field is known, and nothing shown that was
//! not checked by the rule and by the configuration's own walk.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, OnceLock, PoisonError};

use predicate::prove::Witness;
use predicate::{Atom, Pattern, Predicate, Test, Text};
use regex::Regex;
use schema::sysmon::EventHistory;
use schema::{FieldForm, ValueForm};
use serde::Serialize;
use sysmon::event::Event;
use sysmon::reference;
use sysmon::rules::RuleSet;
use sysmon::text::Environment;

/// The channel of Sysmon's events.
pub(crate) const CHANNEL: &str = "Microsoft-Windows-Sysmon/Operational";
/// Who writes them.
pub(crate) const PROVIDER: &str = "Microsoft-Windows-Sysmon";

/// An event of Sysmon by its id and those fields that matter, as `config decide` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofEvent {
    /// The event id.
    pub id: u32,
    /// Values by field; any other field is empty.
    pub fields: BTreeMap<String, String>,
}

/// The values of a candidate, by field.
pub(crate) type FieldValues = Vec<(String, Option<String>)>;

impl ProofEvent {
    pub(crate) fn new(id: u32, values: &FieldValues) -> Self {
        let present = values
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        Self {
            id,
            fields: present.collect(),
        }
    }

    /// The event as the configuration sees it.
    pub fn event(&self) -> Event {
        Event {
            id: self.id,
            fields: self.fields.clone(),
        }
        .as_before_filtering()
    }

    /// The event as it is logged, with what its header says.
    pub fn logged(&self, rule_name: &str) -> FieldValues {
        let mut out: FieldValues = vec![
            ("EventID".to_owned(), Some(self.id.to_string())),
            ("Channel".to_owned(), Some(CHANNEL.to_owned())),
            ("Provider_Name".to_owned(), Some(PROVIDER.to_owned())),
        ];
        out.retain(|(name, _)| !self.fields.contains_key(name));
        let own = self.fields.iter().filter(|(name, _)| *name != "RuleName");
        out.extend(own.map(|(name, value)| (name.clone(), Some(value.clone()))));
        let rule_name = if rule_name.is_empty() { "-" } else { rule_name };
        out.push(("RuleName".to_owned(), Some(rule_name.to_owned())));
        out
    }

    /// Whether the configuration keeps it and the rule, as it was loaded, matches what is logged then.
    pub fn proves(&self, rules: &RuleSet, environment: &Environment, rule: &Predicate) -> bool {
        let decision = reference::decide(rules, environment, &self.event());
        decision.log && rule.holds(&self.logged(&decision.rule))
    }
}

/// Values of a witness that look like Sysmon's, as long as the question still holds on them.
pub(crate) fn dressed(kind: &EventHistory, question: &Predicate, witness: &Witness) -> FieldValues {
    let mut values: FieldValues = witness
        .fields
        .iter()
        .map(|(name, value)| (name.to_string(), value.clone()))
        .collect();
    for at in 0..values.len() {
        let Some(value) = values[at].1.clone() else {
            continue;
        };
        let spells = spelling(kind.id, &values[at].0);
        if spells.is_match(&value) {
            continue;
        }
        for other in candidates(kind.id, &values[at].0, &value) {
            if !spells.is_match(&other) {
                continue;
            }
            values[at].1 = Some(other);
            if question.holds(&values) {
                break;
            }
            values[at].1 = Some(value.clone());
        }
    }
    values
}

/// The first field whose value Sysmon would not write so.
pub(crate) fn unlikely(id: u32, values: &FieldValues) -> Option<&str> {
    let strange = |(name, value): &&(String, Option<String>)| {
        value
            .as_ref()
            .is_some_and(|v| !spelling(id, name).is_match(v))
    };
    values.iter().find(strange).map(|(name, _)| name.as_str())
}

/// That each field, where it has a value, has one that Sysmon would write.
pub(crate) fn spelt(kind: &EventHistory, fields: &[&str]) -> Predicate {
    Predicate::all(fields.iter().filter_map(|field| {
        let form = FieldForm::of(kind.id, field);
        let pattern = Pattern::new(&form.expression(), predicate::Case::Exact).ok()?;
        let spelt = Predicate::atom(*field, Test::Regex(pattern));
        Some(Predicate::any([Predicate::present(*field).negate(), spelt]))
    }))
}

/// That fields begin as most of their values do.
pub(crate) fn rooted(kind: &EventHistory, fields: &[&str]) -> Predicate {
    let begins =
        |field: &&str, text: &str| Predicate::atom(*field, Test::StartsWith(Text::ascii(text)));
    Predicate::all(fields.iter().filter_map(|field| {
        Some(match FieldForm::of(kind.id, field).form {
            ValueForm::Path | ValueForm::Program => begins(field, r"C:\"),
            ValueForm::RegistryPath => {
                Predicate::any([begins(field, r"HKLM\"), begins(field, r"HKU\")])
            }
            ValueForm::Pipe => begins(field, r"\"),
            ValueForm::Device => begins(field, r"\Device\"),
            _ => return None,
        })
    }))
}

/// Whether a value that Sysmon would write and that passes a test is found by trying.
pub(crate) fn written(id: u32, atom: &Atom) -> bool {
    let (Test::Equals(text)
    | Test::Contains(text)
    | Test::StartsWith(text)
    | Test::EndsWith(text)
    | Test::ImageIs(text)) = &atom.test
    else {
        return false;
    };
    let spells = spelling(id, &atom.field);
    let tries = candidates(id, &atom.field, &text.text);
    let mut tries = tries.iter().chain([&text.text]);
    tries.any(|t| spells.is_match(t) && atom.test.matches(t))
}

/// Expressions of the forms of fields that were asked for.
fn spelling(id: u32, field: &str) -> Regex {
    static KNOWN: OnceLock<Mutex<HashMap<(u32, String), Regex>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let key = (id, field.to_ascii_lowercase());
    known
        .entry(key)
        .or_insert_with(|| {
            let any =
                Regex::new("").unwrap_or_else(|_| unreachable!("the empty expression is one"));
            Regex::new(&FieldForm::of(id, field).expression()).unwrap_or(any)
        })
        .clone()
}

/// Values around a text that a value of the field's form may have.
fn candidates(id: u32, field: &str, value: &str) -> Vec<String> {
    let form = FieldForm::of(id, field);
    let trimmed = value.trim_start_matches('\\');
    let around: &[(&str, &str)] = match form.form {
        ValueForm::Path | ValueForm::Program => &[
            ("C:", ""),
            (r"C:\Windows\System32\", ""),
            (r"C:\", ""),
            (r"C:\Windows", ""),
            (r"C:\Users\Public\", ""),
            (r"C:\a", ""),
            (r"C:\Windows\System32\", ".exe"),
        ],
        ValueForm::RegistryPath => &[
            ("HKLM", ""),
            (r"HKLM\SOFTWARE", ""),
            (r"HKLM\", ""),
            (r"HKLM\SOFTWARE\", ""),
            (r"HKU\S-1-5-21-1004336348-1177238915-682003330-1001", ""),
            (r"HKU\", ""),
            (r"HKLM\System\CurrentControlSet\", ""),
        ],
        ValueForm::Pipe => &[(r"\", "")],
        ValueForm::User => &[
            (r"CORP\", ""),
            ("", r"\SYSTEM"),
            ("NT AUTHORITY", ""),
            ("CORP", "user"),
        ],
        ValueForm::Device => &[(r"\Device\", "")],
        ValueForm::Hashes => match value.trim().len() {
            32 => &[("MD5=", ""), ("IMPHASH=", "")],
            40 => &[("SHA1=", "")],
            64 => &[("SHA256=", "")],
            _ => &[],
        },
        ValueForm::CallTrace => &[
            (r"C:\Windows\System32\", "+1"),
            (r"C:\Windows\System32\ntdll.dll+9d104|", ""),
            (
                r"C:\Windows\System32\ntdll.dll+9d104|",
                "(0000023FAD900000)",
            ),
            ("", "0000023FAD900000)"),
        ],
        _ => &[],
    };
    let mut out: Vec<String> = Vec::new();
    for text in [value, trimmed] {
        out.extend(
            around
                .iter()
                .map(|(before, behind)| format!("{before}{text}{behind}")),
        );
    }
    out.extend(form.values.iter().cloned());
    out.push(form.form.example().to_owned());
    out
}
