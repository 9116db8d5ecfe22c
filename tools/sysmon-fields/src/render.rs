//! Event types as the TOML of the data file, and the SQL names of their views. Refuses to decide what is in them.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::merge::Event;

const HEAD: &str = "\
# The event types of Sysmon over all schema versions 2.0 to 4.90, and their data fields in the order of the event.
# Written by tools/sysmon-fields from a dump of the schemas; change that, not this.
#
# `tag`     the element that filters the event in a configuration; none where it cannot be filtered
# `views`   the SQL views that show it: its own first, then the one it shares with the other ids of its tag
# `since`   first schema version that has it; of a field, only where it came after its event
# `until`   last schema version that has it, where that is not the newest
";

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
    if !shared {
        return vec![format!("sysmon_{}", snake(&event.name))];
    }
    let title = event.title.trim_end_matches(" activity detected");
    vec![
        format!("sysmon_{}", snake(title)),
        format!("sysmon_{}", snake(&event.name)),
    ]
}

/// The whole data file.
pub(crate) fn render(events: &[Event]) -> String {
    let mut out = HEAD.to_owned();
    let mut per_name: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        *per_name.entry(&event.name).or_default() += 1;
    }
    let newest = events
        .iter()
        .map(|e| e.until.as_str())
        .max()
        .unwrap_or_default();
    for event in events {
        let views: Vec<String> = views(event, per_name[event.name.as_str()] > 1)
            .iter()
            .map(|v| quoted(v))
            .collect();
        let _ = writeln!(out, "\n[[event]]\nid = {}", event.id);
        if let Some(tag) = &event.tag {
            let _ = writeln!(out, "tag = {}", quoted(tag));
        }
        let _ = writeln!(out, "title = {}", quoted(&event.title));
        let _ = writeln!(out, "views = [{}]", views.join(", "));
        let _ = writeln!(out, "since = {}", quoted(&event.since));
        if event.until != newest {
            let _ = writeln!(out, "until = {}", quoted(&event.until));
        }
        if event.linux_only {
            let _ = writeln!(out, "linux_only = true");
        }
        let _ = writeln!(out, "fields = [");
        for field in &event.fields {
            let _ = write!(
                out,
                "  {{ name = {}, type = {}",
                quoted(&field.name),
                quoted(&field.kind)
            );
            if field.since != event.since {
                let _ = write!(out, ", since = {}", quoted(&field.since));
            }
            if field.until != event.until {
                let _ = write!(out, ", until = {}", quoted(&field.until));
            }
            let _ = writeln!(out, " }},");
        }
        let _ = writeln!(out, "]");
    }
    out
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
