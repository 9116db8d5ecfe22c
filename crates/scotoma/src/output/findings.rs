//! Findings for people and for programs. For people: hunt by hunt, what was found and on which records it stands; what
//! a hunt cannot see is said where it found nothing, too.

use std::io::{self, Write};

use analytics::Finding;
use analytics::pack::Hunt;

use text::visible_lines;

use super::{clean, plural, width, write_json};
use crate::cli::FindingFormat;

/// Records shown for a finding in the readable form; the other formats have all of them.
const MAX_RECORDS: usize = 6;
/// Values shown of a detail.
const MAX_VALUES: usize = 4;

pub(crate) fn show(format: FindingFormat, hunts: &[Hunt], found: &[Finding]) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        FindingFormat::Table => readable(&mut out, hunts, found)?,
        FindingFormat::Json => {
            write_json(&mut out, &found, true)?;
            writeln!(out)?;
        }
        FindingFormat::Ndjson => {
            for finding in found {
                write_json(&mut out, finding, false)?;
                writeln!(out)?;
            }
        }
        FindingFormat::Csv => csv(&mut out, found)?,
    }
    out.flush()?;
    Ok(())
}

fn readable(out: &mut impl Write, hunts: &[Hunt], found: &[Finding]) -> io::Result<()> {
    let width = usize::from(width().unwrap_or(80)).max(40);
    let mut silent = Vec::new();
    for hunt in hunts {
        let mut mine = found.iter().filter(|f| f.hunt == hunt.id).peekable();
        if mine.peek().is_none() {
            silent.push(hunt);
            continue;
        }
        let title = format!(
            "{} [{}] {}",
            clean(&hunt.title),
            hunt.technique.join(", "),
            hunt.level
        );
        wrapped(out, "", &title, width)?;
        for finding in mine {
            show_one(out, finding, width)?;
        }
        writeln!(out)?;
    }
    for hunt in silent {
        let title = format!(
            "nothing: {} [{}]",
            clean(&hunt.title),
            hunt.technique.join(", ")
        );
        wrapped(out, "", &title, width)?;
    }
    let count = found.len() as u64;
    writeln!(
        out,
        "{} from {}",
        plural(count, "finding"),
        plural(hunts.len() as u64, "hunt")
    )
}

fn show_one(out: &mut impl Write, finding: &Finding, width: usize) -> io::Result<()> {
    let who = |name: &Option<String>, id: &Option<String>| {
        let name = name.as_deref().map_or_else(|| "?".to_owned(), clean);
        id.as_deref()
            .map_or_else(|| name.clone(), |id| format!("{name} ({})", clean(id)))
    };
    let (actor, target) = (
        who(&finding.actor, &finding.actor_id),
        who(&finding.target, &finding.target_id),
    );
    wrapped(out, "  ", &format!("{actor} -> {target}"), width)?;
    let host = finding
        .host
        .as_deref()
        .map_or_else(String::new, |h| format!(" on {}", clean(h)));
    let times = match (&finding.first, &finding.last) {
        (Some(first), Some(last)) if first == last => format!(", {first}"),
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    wrapped(
        out,
        "    ",
        &format!("{}{host}{times}", plural(finding.count, "row")),
        width,
    )?;
    for (name, values) in &finding.details {
        let mut shown: Vec<String> = values.iter().take(MAX_VALUES).map(|v| clean(v)).collect();
        if values.len() > MAX_VALUES {
            shown.push(format!("and {} more", values.len() - MAX_VALUES));
        }
        let line = format!("{name}: {}", shown.join(", "));
        wrapped(out, "    ", &shortened(&line, width * 2), width)?;
    }
    let mut records: Vec<String> = finding
        .records
        .iter()
        .take(MAX_RECORDS)
        .map(|r| clean(r))
        .collect();
    if finding.records.len() > MAX_RECORDS {
        records.push(format!("and {} more", finding.records.len() - MAX_RECORDS));
    }
    wrapped(
        out,
        "    ",
        &format!("records: {}", short_files(&records).join(" ")),
        width,
    )
}

/// Records of the same file name it once: `a.evtx#1 #2 #3`.
fn short_files(records: &[String]) -> Vec<String> {
    let mut last = "";
    records
        .iter()
        .map(|r| match r.rfind(['#', '@']) {
            Some(i) if !last.is_empty() && r[..i] == *last => r[i..].to_owned(),
            Some(i) => {
                last = &r[..i];
                r.clone()
            }
            None => r.clone(),
        })
        .collect()
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars()
        .take(most.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// Writes words under an indent, on as many lines as the width asks for; a word longer than a line is left whole.
fn wrapped(out: &mut impl Write, indent: &str, text: &str, width: usize) -> io::Result<()> {
    let mut line = String::new();
    let mut lead = indent.to_owned();
    for word in text.split(' ') {
        let needed = lead.chars().count() + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && needed > width {
            writeln!(out, "{lead}{line}")?;
            line.clear();
            lead = format!("{indent}  ");
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "{lead}{line}")
}

fn csv(out: &mut impl Write, found: &[Finding]) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record([
        "hunt",
        "title",
        "level",
        "technique",
        "host",
        "actor",
        "actor_id",
        "target",
        "target_id",
        "count",
        "first",
        "last",
        "records",
    ])?;
    for f in found {
        let opt = |o: &Option<String>| o.clone().unwrap_or_default();
        let cells = [
            f.hunt.clone(),
            f.title.clone(),
            f.level.clone(),
            f.technique.join(" "),
            opt(&f.host),
            opt(&f.actor),
            opt(&f.actor_id),
            opt(&f.target),
            opt(&f.target_id),
            f.count.to_string(),
            opt(&f.first),
            opt(&f.last),
            f.records.join(" "),
        ];
        writer.write_record(cells.iter().map(|c| visible_lines(c).into_owned()))?;
    }
    writer.flush()?;
    Ok(())
}
