//! Findings for people and for programs. For people: the gravest first, what was found and on which records it stands;
//! then what found nothing, and what could not see.

use std::collections::BTreeMap;
use std::io::{self, Write};

use analytics::Finding;
use app::hunt::{AnalyticKind, AnalyticReport, HuntAnswer, HuntFinding, HuntOutcome};

use text::visible_lines;

use super::{clean, grouped, hosts, plural, sarif, width, wrapped, write_json};
use crate::cli::FindingFormat;

/// Records shown for a finding in the readable form; the other formats have all of them.
const MAX_RECORDS: usize = 6;
/// Values shown of a detail.
const MAX_VALUES: usize = 4;
/// Reasons not to see that are shown for rules; `--all` shows each rule.
const MAX_REASONS: usize = 8;

/// What is shown.
pub(crate) struct Shown<'a> {
    pub(crate) answer: &'a HuntAnswer,
    /// Whether every rule is named.
    pub(crate) all: bool,
}

pub(crate) fn show(
    out: &mut impl Write,
    format: FindingFormat,
    shown: &Shown<'_>,
) -> anyhow::Result<()> {
    let answer = shown.answer;
    match format {
        FindingFormat::Table => readable(out, shown)?,
        FindingFormat::Json => json(out, &answer.findings)?,
        FindingFormat::Ndjson => {
            for finding in &answer.findings {
                write_json(out, finding, false)?;
                writeln!(out)?;
            }
        }
        FindingFormat::Csv => csv(out, &answer.findings)?,
        FindingFormat::Report => json(out, answer)?,
        FindingFormat::Sarif => json(out, &sarif::log(answer))?,
        FindingFormat::Navigator => json(out, &answer.layer())?,
    }
    if format != FindingFormat::Table {
        // Programs read the findings; that something could not see is for whoever started them.
        let mut err = io::stderr().lock();
        silent(&mut err, shown, HuntOutcome::CouldNotSee)?;
        writeln!(err, "{}", counts(shown))?;
    }
    Ok(())
}

fn json(out: &mut impl Write, value: &impl serde::Serialize) -> io::Result<()> {
    write_json(out, value, true)?;
    writeln!(out)
}

fn readable(out: &mut impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let answer = shown.answer;
    let width = usize::from(width().unwrap_or(80)).max(40);
    for analytic in &answer.analytics {
        let mut mine = answer
            .findings
            .iter()
            .filter(|f| f.finding.hunt == analytic.id && f.kind == analytic.kind)
            .peekable();
        let Some(first) = mine.peek() else {
            continue;
        };
        let level = match analytic.level.is_empty() {
            true => String::new(),
            false => format!(" {}", clean(&analytic.level)),
        };
        wrapped(out, "", &format!("{}{level}", titled(analytic)), width)?;
        if analytic.kind == AnalyticKind::Sigma {
            about_rule(out, analytic, first, width)?;
        }
        for finding in mine {
            show_one(out, finding, width)?;
        }
        writeln!(out)?;
    }
    hosts::show(out, &answer.findings)?;
    silent(out, shown, HuntOutcome::NoMatch)?;
    silent(out, shown, HuntOutcome::CouldNotSee)?;
    let rules = answer.rules;
    if rules.loaded + rules.refused > 0 {
        writeln!(
            out,
            "rules: {} loaded, {} refused, {} fed, {} matched",
            grouped(rules.loaded as u64),
            grouped(rules.refused as u64),
            grouped(rules.fed as u64),
            grouped(rules.matched as u64)
        )?;
    }
    writeln!(out, "{}", counts(shown))
}

fn titled(analytic: &AnalyticReport) -> String {
    match analytic.technique.is_empty() {
        true => clean(&analytic.title),
        false => format!(
            "{} [{}]",
            clean(&analytic.title),
            clean(&analytic.technique.join(", "))
        ),
    }
}

fn about_rule(
    out: &mut impl Write,
    rule: &AnalyticReport,
    finding: &HuntFinding,
    width: usize,
) -> io::Result<()> {
    wrapped(out, "  ", &format!("rule {}", clean(&rule.id)), width)?;
    if !finding.tags.is_empty() {
        let tags = format!("tags: {}", clean(&finding.tags.join(", ")));
        wrapped(out, "  ", &tags, width)?;
    }
    let known = finding.false_positives.iter();
    let known: Vec<String> = known
        .filter(|f| !f.eq_ignore_ascii_case("unknown"))
        .map(|f| clean(f))
        .collect();
    match known.is_empty() {
        true => Ok(()),
        false => wrapped(
            out,
            "  ",
            &format!("false positives: {}", known.join("; ")),
            width,
        ),
    }
}

/// The analytics without findings: each hunt, and the rules together by reason unless each is to be named.
fn silent(out: &mut impl Write, shown: &Shown<'_>, outcome: HuntOutcome) -> io::Result<()> {
    let width = usize::from(width().unwrap_or(80)).max(40);
    let word = match outcome {
        HuntOutcome::NoMatch => "no match",
        _ => "could not see",
    };
    let mut by_reason: BTreeMap<String, u64> = BTreeMap::new();
    for analytic in &shown.answer.analytics {
        if analytic.outcome != outcome {
            continue;
        }
        let reason = analytic.why.as_deref().map(clean).unwrap_or_default();
        if analytic.kind == AnalyticKind::Sigma && !shown.all {
            *by_reason.entry(reason).or_default() += 1;
            continue;
        }
        let line = match reason.is_empty() {
            true => format!("{word}: {}", titled(analytic)),
            false => format!("{word}: {}: {reason}", titled(analytic)),
        };
        wrapped(out, "", &line, width)?;
    }
    let mut reasons: Vec<(String, u64)> = by_reason.into_iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    for (reason, rules) in reasons.iter().take(MAX_REASONS) {
        let rules = plural(*rules, "rule");
        let line = match reason.is_empty() {
            true => format!("{word}: {rules}"),
            false => format!("{word}: {rules}: {reason}"),
        };
        wrapped(out, "", &line, width)?;
    }
    let more: u64 = reasons.iter().skip(MAX_REASONS).map(|(_, n)| n).sum();
    if more > 0 {
        let line = format!(
            "{word}: {} more for other reasons (--all names each)",
            plural(more, "rule")
        );
        wrapped(out, "", &line, width)?;
    }
    Ok(())
}

/// The last line: how many findings, and how many analytics found something, found nothing, could not see.
fn counts(shown: &Shown<'_>) -> String {
    let answer = shown.answer;
    let of = |kind| {
        let mine = answer.analytics.iter().filter(|a| a.kind == kind);
        mine.count() as u64
    };
    let (hunts, rules) = (of(AnalyticKind::Sql), of(AnalyticKind::Sigma));
    let from = match (hunts, rules) {
        (hunts, 0) => plural(hunts, "hunt"),
        (0, rules) => plural(rules, "rule"),
        (hunts, rules) => format!("{} and {}", plural(hunts, "hunt"), plural(rules, "rule")),
    };
    let outcomes = answer.outcomes;
    format!(
        "{} from {from}: {} found, {} no match, {} could not see",
        plural(answer.findings.len() as u64, "finding"),
        grouped(outcomes.found as u64),
        grouped(outcomes.no_match as u64),
        grouped(outcomes.could_not_see as u64)
    )
}

fn show_one(out: &mut impl Write, found: &HuntFinding, width: usize) -> io::Result<()> {
    let finding = &found.finding;
    if found.kind == AnalyticKind::Sql {
        show_pair(out, finding, width)?;
    }
    let host = finding
        .host
        .as_deref()
        .map_or_else(String::new, |h| format!(" on {}", clean(h)));
    let times = match (&finding.first, &finding.last) {
        (Some(first), Some(last)) if first == last => format!(", {first}"),
        (Some(first), Some(last)) => format!(", {first} to {last}"),
        _ => String::new(),
    };
    let (indent, unit) = match found.kind {
        AnalyticKind::Sql => ("    ", "row"),
        AnalyticKind::Sigma => ("  ", "record"),
    };
    let count = plural(finding.count, unit);
    wrapped(out, indent, &format!("{count}{host}{times}"), width)?;
    for (name, values) in &finding.details {
        let mut shown: Vec<String> = values.iter().take(MAX_VALUES).map(|v| clean(v)).collect();
        if values.len() > MAX_VALUES {
            shown.push(format!("and {} more", values.len() - MAX_VALUES));
        }
        let line = format!("{name}: {}", shown.join(", "));
        wrapped(out, "    ", &shortened(&line, width * 2), width)?;
    }
    for reason in &found.why {
        let line = format!("matched: {}", clean(reason));
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

/// Who acted on whom.
fn show_pair(out: &mut impl Write, finding: &Finding, width: usize) -> io::Result<()> {
    let who = |name: &Option<String>, id: &Option<String>| {
        let name = name.as_deref().map_or_else(|| "?".to_owned(), clean);
        id.as_deref()
            .map_or_else(|| name.clone(), |id| format!("{name} ({})", clean(id)))
    };
    let (actor, target) = (
        who(&finding.actor, &finding.actor_id),
        who(&finding.target, &finding.target_id),
    );
    wrapped(out, "  ", &format!("{actor} -> {target}"), width)
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

fn csv(out: &mut impl Write, found: &[HuntFinding]) -> Result<(), csv::Error> {
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
        "kind",
        "tags",
        "details",
        "why",
        "false_positives",
    ])?;
    for found in found {
        let f = &found.finding;
        let details = f.details.iter().map(|(name, values)| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            format!("{name}: {}", values.join(" | "))
        });
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
            match found.kind {
                AnalyticKind::Sql => "sql".to_owned(),
                AnalyticKind::Sigma => "sigma".to_owned(),
            },
            found.tags.join(" "),
            details.collect::<Vec<_>>().join("; "),
            found.why.join("; "),
            found.false_positives.join("; "),
        ];
        writer.write_record(cells.iter().map(|c| visible_lines(c).into_owned()))?;
    }
    writer.flush()?;
    Ok(())
}
