//! The options of a configuration file: which ones take effect, with what value.
//! What an option does on a machine is not known here.

use std::collections::BTreeMap;

use crate::Engine;
use crate::diagnostic::{Diagnostic, Safety, Severity, Span};
use crate::rules::RuleSet;
use crate::schema::{self, Argument, Verdict};
use crate::xml::{Kind, NodeId, Tree};

/// One option that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its value, or nothing for an option that is merely on.
    pub value: Option<String>,
    /// Where it stands; empty where the presence of rules sets it.
    pub span: Span,
}

/// The options in force by name.
pub type Options = BTreeMap<String, Setting>;

/// Reads the option elements in order, stopping where Sysmon stops.
pub(crate) fn read(
    tree: &Tree,
    root: NodeId,
    engine: Engine,
    out: &mut Vec<Diagnostic>,
) -> Options {
    let mut options = Options::new();
    let children: Vec<NodeId> = tree
        .elements(root)
        .filter(|&c| tree.node(c).name != "EventFiltering")
        .collect();
    for (i, &id) in children.iter().enumerate() {
        let node = tree.node(id);
        let rest: Vec<&str> = children[i + 1..]
            .iter()
            .map(|&c| tree.node(c).name.as_str())
            .collect();
        let lost = if rest.is_empty() {
            "No option follows it.".to_owned()
        } else {
            format!("The options after it are lost: {}.", rest.join(", "))
        };
        let Some(option) = schema::newest().option(&node.name).filter(|o| !o.internal) else {
            let mut d = Diagnostic::new(
                "SC017",
                Severity::Error,
                node.name_span,
                format!("there is no option <{}>", node.name),
            )
            .note(format!(
                "Sysmon stops reading options here without a word. {lost}"
            ));
            let known = schema::newest().options.iter().filter(|o| !o.internal);
            let names = known.map(|o| o.name.as_str()).chain(["EventFiltering"]);
            if let Some(near) = ::text::meant(&node.name, names) {
                d = d.note(format!("Did you mean <{near}>?"));
            }
            out.push(d);
            break;
        };
        let content = content(tree, id, engine);
        if engine == Engine::Strict && content.is_none() {
            let mut d = Diagnostic::new(
                "SC018",
                if rest.is_empty() { Severity::Warning } else { Severity::Error },
                node.span,
                format!("<{}> is empty", node.name),
            )
            .note(format!(
                "The validating front end stops reading options at an empty one and does not set it. {lost}"
            ));
            if option.argument == Argument::Optional {
                d = d.fix(
                    "give it the value `true`",
                    Safety::Unsafe,
                    vec![(node.span, format!("<{0}>true</{0}>", node.name))],
                );
            }
            out.push(d);
            break;
        }
        let mut value = content.filter(|c| !c.is_empty());
        if option.argument == Argument::None {
            let on = value.as_deref().is_none_or(|v| {
                ["true", "1", "enabled"]
                    .iter()
                    .any(|t| t.eq_ignore_ascii_case(v))
            });
            let off = value.as_deref().is_some_and(|v| {
                ["false", "0", "null", "disabled"]
                    .iter()
                    .any(|t| t.eq_ignore_ascii_case(v))
            });
            if off {
                continue;
            }
            if !on {
                out.push(
                    Diagnostic::new(
                        "SC019",
                        Severity::Error,
                        node.span,
                        format!("<{}> takes true or false", node.name),
                    )
                    .note(format!(
                        "Sysmon prints a message and stops reading options here. {lost}"
                    )),
                );
                break;
            }
            value = None;
        }
        options.insert(
            option.name.clone(),
            Setting {
                value,
                span: node.span,
            },
        );
    }
    for (name, setting) in &options {
        if let Some(value) = &setting.value
            && let Err(message) = check(name, value)
        {
            out.push(
                Diagnostic::new("SC008", Severity::Error, setting.span, message).note(
                    "Sysmon rejects the whole file; the running configuration stays as it was.",
                ),
            );
        }
    }
    options
}

/// First text of an element; `None` where there is none at all.
fn content(tree: &Tree, id: NodeId, engine: Engine) -> Option<String> {
    let texts = tree.node(id).children.iter().map(|&c| tree.node(c));
    let mut texts = texts
        .filter(|c| c.kind != Kind::Element)
        .map(|c| c.text.clone());
    match engine {
        Engine::Lenient => texts.next(),
        Engine::Strict => {
            let all: String = texts.collect();
            (!all.is_empty()).then_some(all)
        }
    }
}

/// The values that Sysmon checks.
fn check(name: &str, value: &str) -> Result<(), String> {
    match name {
        "HashAlgorithms" => hash_algorithms(value).map(|_| ()),
        "ArchiveDirectory" if value.contains('\\') => Err(
            "ArchiveDirectory is a name in the root of each volume and must not contain `\\`"
                .to_owned(),
        ),
        "FieldSizes" => field_sizes(value),
        "ProcessAccess" => process_access(value),
        _ => Ok(()),
    }
}

/// The hash algorithms that a value names, as the mask that Sysmon stores (see the registry value
/// `HashingAlgorithm`): bit 31 for several, and SHA1 1, MD5 2, SHA256 4, IMPHASH 8; a single one is
/// stored as its number 1..4.
///
/// # Errors
/// A message for a name that is none; blanks are not trimmed.
pub fn hash_algorithms(value: &str) -> Result<u32, String> {
    if value == "*" || value.eq_ignore_ascii_case("all") {
        return Ok(0x8000_000F);
    }
    let (mut bits, mut count, mut single) = (0u32, 0, 0);
    for name in value.split(',').filter(|n| !n.is_empty()) {
        let number = match name.to_ascii_lowercase().as_str() {
            "sha1" | "sha-1" => 1,
            "md5" | "md-5" => 2,
            "sha256" | "sha-256" => 3,
            "imphash" | "imp-hash" => 4,
            _ if name.trim() != name => {
                return Err(format!(
                    "HashAlgorithms has blanks around `{}`; Sysmon does not trim them",
                    name.trim()
                ));
            }
            _ => {
                return Err(format!(
                    "`{name}` is no hash algorithm (SHA1, MD5, SHA256, IMPHASH or *)"
                ));
            }
        };
        bits |= 1 << (number - 1);
        single = number;
        count += 1;
    }
    match count {
        0 => Err("HashAlgorithms names nothing".to_owned()),
        1 => Ok(single),
        _ => Ok(0x8000_0000 | bits),
    }
}

/// The value of `HashAlgorithms` that stands for a stored mask.
pub fn hash_algorithm_names(mask: u32) -> String {
    const NAMES: [&str; 4] = ["SHA1", "MD5", "SHA256", "IMPHASH"];
    if mask & 0x8000_0000 == 0 {
        return usize::try_from(mask)
            .ok()
            .and_then(|m| NAMES.get(m.wrapping_sub(1)))
            .map_or(String::new(), |n| (*n).to_owned());
    }
    if mask & 0xF == 0xF {
        return "*".to_owned();
    }
    let named = NAMES
        .iter()
        .enumerate()
        .filter(|(i, _)| mask & (1 << i) != 0);
    named.map(|(_, n)| *n).collect::<Vec<_>>().join(",")
}

fn field_sizes(value: &str) -> Result<(), String> {
    if let Some(c) = value
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, ',' | ':')))
    {
        return Err(format!("FieldSizes must not contain `{c}`"));
    }
    for entry in value.split(',').filter(|e| !e.is_empty()) {
        let Some((field, size)) = entry.split_once(':') else {
            return Err(format!("FieldSizes needs Field:N, not `{entry}`"));
        };
        if !schema::newest()
            .events
            .iter()
            .any(|e| e.field(field).is_some())
        {
            return Err(format!("FieldSizes: there is no field `{field}`"));
        }
        if size.parse::<u32>().ok().is_none_or(|n| n < 1) {
            return Err(format!("FieldSizes: `{size}` is no size of at least 1"));
        }
    }
    Ok(())
}

fn process_access(value: &str) -> Result<(), String> {
    for entry in value.split(',').filter(|e| !e.is_empty()) {
        let plain = entry.replace("::", "");
        let Some((_, mask)) = plain.split_once(':') else {
            continue;
        };
        let digits = mask.strip_prefix("0x").or_else(|| mask.strip_prefix("0X"));
        let number = digits.map_or_else(|| mask.parse().ok(), |d| u32::from_str_radix(d, 16).ok());
        if number.is_none() {
            return Err(format!("ProcessAccess: `{mask}` is no access mask"));
        }
    }
    Ok(())
}

/// Sets or unsets the options that belong to event types, as Sysmon does after loading rules: the
/// last element of the tag wins, and an empty include switches the option off.
pub(crate) fn follow_rules(options: &mut Options, rules: &RuleSet) {
    for element in rules.kept() {
        let known = schema::newest().option(&element.tag).filter(|o| o.rule);
        let Some(option) = known.filter(|o| o.name == element.tag) else {
            continue;
        };
        if element.filters().next().is_none() && element.on_match == Verdict::Include {
            options.remove(&option.name);
        } else {
            options.entry(option.name.clone()).or_insert(Setting {
                value: None,
                span: element.span,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hash_algorithms_as_stored() {
        assert_eq!(hash_algorithms("*").unwrap(), 0x8000_000F);
        assert_eq!(hash_algorithms("SHA256").unwrap(), 3);
        assert_eq!(hash_algorithms("md5,IMPHASH").unwrap(), 0x8000_000A);
        assert!(
            hash_algorithms("md5, sha256")
                .unwrap_err()
                .contains("blanks")
        );
        for mask in [1, 2, 3, 4, 0x8000_000F, 0x8000_000A] {
            assert_eq!(hash_algorithms(&hash_algorithm_names(mask)).unwrap(), mask);
        }
    }

    #[test]
    fn checked_values() {
        assert!(check("FieldSizes", "CommandLine:100,Image:20").is_ok());
        assert!(check("FieldSizes", "Comandline:100").is_err());
        assert!(check("FieldSizes", "Image:0").is_err());
        assert!(check("ArchiveDirectory", "a\\b").is_err());
        assert!(check("ProcessAccess", "lsass.exe:0x10,c::d.exe").is_ok());
    }
}
