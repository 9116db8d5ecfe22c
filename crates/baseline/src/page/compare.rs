//! What differs from a saved baseline: what appeared, what vanished, what changed its rate.

use std::fmt::Write;

use super::text::{decimal, interval, number, plural, shown};
use crate::report::{GroupChange, Stream};

/// Groups of each kind that are named.
const NAMED: usize = 12;

pub(super) fn write(out: &mut String, stream: &Stream) {
    let Some(comparison) = &stream.comparison else {
        return;
    };
    out.push_str("<h3>Against the saved baseline</h3>\n<ul class=\"compare\">\n");
    let appeared = comparison
        .appeared
        .iter()
        .filter_map(|place| stream.groups.get(*place))
        .map(|g| format!("{} ({})", name(&g.values), number(g.tally.count)));
    list(out, "appeared", comparison.appeared.len(), appeared);
    let vanished = comparison
        .vanished
        .iter()
        .map(|g| format!("{} ({} before)", name(&g.values), number(g.before)));
    list(out, "vanished", comparison.vanished.len(), vanished);
    list(
        out,
        "changed",
        comparison.changed.len(),
        comparison.changed.iter().map(change),
    );
    let _ = writeln!(
        out,
        "<li>{} may be as before</li>\n</ul>",
        plural(comparison.same, "group")
    );
}

fn change(group: &GroupChange) -> String {
    format!(
        "{} ({} times the rate, {})",
        name(&group.values),
        decimal(group.ratio.value),
        interval(&group.ratio)
    )
}

fn list(out: &mut String, what: &str, count: usize, groups: impl Iterator<Item = String>) {
    let named: Vec<String> = groups.take(NAMED).collect();
    let rest = match count - named.len().min(count) {
        0 => String::new(),
        n => format!("; and {} more", number(n as u64)),
    };
    let colon = if named.is_empty() { "" } else { ": " };
    let _ = writeln!(
        out,
        "<li>{} {what}{colon}{}{rest}</li>",
        plural(count as u64, "group"),
        named.join("; ")
    );
}

fn name(values: &[Option<String>]) -> String {
    let values: Vec<String> = values
        .iter()
        .map(|v| shown(v.as_deref().unwrap_or("(none)")))
        .collect();
    values.join(" → ")
}
