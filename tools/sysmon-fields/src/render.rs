//! The merged schemas as the TOML of the data file, and the SQL names of the views.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::merge::{Event, Schemas, Version};

const HEAD: &str = "\
# Sysmon's schema over all versions 2.0 to 4.90: event types with their fields, options and conditions of a configuration.
# Written by tools/sysmon-fields from a dump of the schemas; change that, not this.
#
# [[version]]  oldest first
#   `binary`      the version of rule blob that binaries with this schema write
#   `conditions`  the condition names it lists; where absent, those of the version before
#   `options`     the options a configuration file may set; where absent, those of the version before
# [types]      the manifest types of fields; a name has one type wherever it occurs, and is text where it is not here
# [[event]]
#   `views`       the SQL views that show it: its own first, then the one it shares with the other ids of its tag
#   `until`       last schema version that has it, where that is not the newest
#   `layouts`     what it is from a version on, oldest first. `tag` is the element that filters it in a configuration, none
#                 where it cannot be filtered; `default` what happens where a configuration does not name the tag; `fields`
#                 are in the order of the record, which is also the field's number in a rule blob
";

/// Events that have not shipped yet have ids above every real one (0xF001 and up) and are in no log.
const PLACEHOLDER_IDS: u32 = 0xF000;

/// `CreateRemoteThread`, `eBPFEvent` and `Registry value set` as words of a SQL name.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut previous = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        if !c.is_ascii_alphanumeric() {
            if !out.ends_with('_') {
                out.push('_');
            }
        } else {
            let after_small = previous.is_ascii_lowercase() && out.len() > 1;
            let last_capital =
                previous.is_ascii_uppercase() && rest.peek().is_some_and(char::is_ascii_lowercase);
            if c.is_ascii_uppercase() && (after_small || last_capital) {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        }
        previous = c;
    }
    out
}

/// The views that show an event: its own, and the one of its tag where several ids share it.
fn views(event: &Event, shared: bool) -> Vec<String> {
    let title = event.layouts.last().map_or("", |l| l.title.as_str());
    if event.id >= PLACEHOLDER_IDS {
        return Vec::new();
    }
    if !shared {
        return vec![format!("sysmon_{}", snake(&event.name))];
    }
    let title = title.trim_end_matches(" activity detected");
    vec![
        format!("sysmon_{}", snake(title)),
        format!("sysmon_{}", snake(&event.name)),
    ]
}

/// The whole data file.
pub(crate) fn render(schemas: &Schemas) -> String {
    let mut out = HEAD.to_owned();
    let mut before: Option<&Version> = None;
    for version in &schemas.versions {
        version_of(version, before, &mut out);
        before = Some(version);
    }
    out.push_str("\n[types]\n");
    for (name, kind) in &schemas.types {
        if kind != "UnicodeString" {
            let _ = writeln!(out, "{name} = {}", quoted(kind));
        }
    }
    let mut per_name: BTreeMap<&str, usize> = BTreeMap::new();
    for event in schemas.events.values().filter(|e| e.id < PLACEHOLDER_IDS) {
        *per_name.entry(&event.name).or_default() += 1;
    }
    let newest = before.map_or("", |v| &v.version);
    for event in schemas.events.values() {
        let shared = per_name.get(event.name.as_str()).is_some_and(|n| *n > 1);
        event_of(event, shared, newest, &mut out);
    }
    out
}

fn version_of(version: &Version, before: Option<&Version>, out: &mut String) {
    let _ = writeln!(
        out,
        "\n[[version]]\nversion = {}\nbinary = {}",
        quoted(&version.version),
        quoted(&version.binary)
    );
    if before.is_none_or(|b| b.conditions != version.conditions) {
        let _ = writeln!(out, "conditions = {}", list(&version.conditions));
    }
    if before.is_none_or(|b| b.options != version.options) {
        let _ = writeln!(out, "options = [");
        for option in &version.options {
            let _ = write!(
                out,
                "  {{ name = {}, argument = {}",
                quoted(&option.name),
                quoted(&option.argument)
            );
            for (flag, set) in [
                ("rule", option.rule),
                ("config_only", option.config_only),
                ("internal", option.internal),
            ] {
                if set {
                    let _ = write!(out, ", {flag} = true");
                }
            }
            let _ = writeln!(out, " }},");
        }
        let _ = writeln!(out, "]");
    }
}

fn event_of(event: &Event, shared: bool, newest: &str, out: &mut String) {
    let _ = writeln!(out, "\n[[event]]\nid = {}", event.id);
    let _ = writeln!(out, "views = {}", list(&views(event, shared)));
    if event.until != newest {
        let _ = writeln!(out, "until = {}", quoted(&event.until));
    }
    if event.linux_only {
        let _ = writeln!(out, "linux_only = true");
    }
    let _ = writeln!(out, "layouts = [");
    for layout in &event.layouts {
        let _ = write!(out, "  {{ since = {}", quoted(&layout.since));
        for (name, value) in [("tag", &layout.tag), ("default", &layout.default)] {
            if let Some(value) = value {
                let _ = write!(out, ", {name} = {}", quoted(value));
            }
        }
        let _ = writeln!(
            out,
            ", title = {}, fields = {} }},",
            quoted(&layout.title),
            list(&layout.fields)
        );
    }
    let _ = writeln!(out, "]");
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|t| quoted(t)).collect();
    format!("[{}]", texts.join(", "))
}

fn quoted(text: &str) -> String {
    // JSON's escapes are a subset of those of a TOML basic string.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        assert_eq!(snake("CreateRemoteThread"), "create_remote_thread");
        assert_eq!(snake("Registry value set"), "registry_value_set");
        assert_eq!(
            snake("WmiEventConsumerToFilter"),
            "wmi_event_consumer_to_filter"
        );
        assert_eq!(snake("DnsQuery"), "dns_query");
        assert_eq!(snake("eBPFEvent"), "ebpf_event");
    }
}
