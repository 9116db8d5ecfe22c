//! `baseline --propose`: exclusions with what they save and cost, and the configuration made of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use baseline::propose::{
    Condition, Hidden, Minimum, Proposal, Reason, Skipped, configuration, ladder, propose, settle,
};
use baseline::{Report, Spec};
use serde::Serialize;
use text::{decimal as number, percent};

use super::args::{BaselineArgs, Format};
use super::attacks::{self, Attacks};
use super::count;
use super::table::interval;
use crate::output::page::Page;
use crate::output::{clean, grouped, must_end_in, plural, write_json};

pub(super) fn run(args: &BaselineArgs) -> anyhow::Result<ExitCode> {
    if let Some(path) = &args.to.output {
        must_end_in(path, &["xml"])?;
    }
    let inputs = [args.reading.paths.as_slice(), &args.attacks].concat();
    let destination = args.to.destination(&inputs)?;
    let (report, end) = count::run(args)?;
    if report.exposure.events == 0 {
        return end.tell();
    }
    let minimum = Minimum {
        count: args.min_count,
        hosts: args.min_hosts,
        days: args.min_days,
    };
    let (mut proposals, skipped) = propose(&report, &minimum);
    let attacks = match args.attacks.as_slice() {
        [] => None,
        paths => Some(attacks::judge(&mut proposals, paths, args)?),
    };
    if let Err(unknown) = settle(&mut proposals, &args.offer) {
        let names = proposals.iter().map(|p| p.name.clone());
        match text::meant(&unknown, names) {
            Some(near) => bail!("no proposal is called {unknown}; did you mean {near}?"),
            None => bail!("no proposal is called {unknown}"),
        }
    }
    let answer = Answer {
        minimum,
        hidden: total(&report, &proposals),
        attacks: attacks.map(|a| a.finish(&proposals)),
        skipped: &skipped,
        notes: &report.notes,
        proposals: &proposals,
    };
    if let Some(destination) = destination {
        let xml = configuration(proposals.iter().filter(|p| p.chosen), &tags(&report));
        let mut out = destination.create()?;
        out.write_all(xml.as_bytes())?;
        out.keep()?;
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        Format::Json => {
            write_json(&mut out, &answer, true)?;
            writeln!(out)?;
        }
        _ => out.write_all(draw(&report, &answer, args).as_bytes())?,
    }
    out.flush()?;
    drop(out);
    end.tell()
}

/// The streams counted by all fields that their exclusions may be made of.
pub(super) fn specs(specs: Vec<Spec>) -> Vec<Spec> {
    specs
        .into_iter()
        .filter_map(|spec| {
            let baseline::Select::Sysmon(id) = spec.rows else {
                return None;
            };
            let ladder = ladder(u32::try_from(id).ok()?)?;
            Some(Spec {
                by: ladder.keys(),
                ..spec
            })
        })
        .collect()
}

/// Everything that is known of the proposals.
#[derive(Serialize)]
struct Answer<'a> {
    minimum: Minimum,
    /// Events that the chosen ones hide together.
    hidden: u64,
    attacks: Option<Attacks>,
    skipped: &'a [Skipped],
    /// What must be known of the counts that they stand on.
    notes: &'a [String],
    proposals: &'a [Proposal],
}

/// Events that the chosen proposals hide together; one that several hide counts once.
fn total(report: &Report, proposals: &[Proposal]) -> u64 {
    let mut groups: Vec<(usize, usize)> = proposals
        .iter()
        .filter(|p| p.chosen)
        .flat_map(|p| p.groups.iter().map(|g| (p.stream, *g)))
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
        .iter()
        .map(|(s, g)| report.streams[*s].groups[*g].tally.count)
        .sum()
}

/// The configuration elements of the event types that the baseline has.
fn tags(report: &Report) -> Vec<&'static str> {
    let mut tags = Vec::new();
    for stream in report.streams.iter().filter(|s| s.total.count > 0) {
        let id = stream.event_id.and_then(|id| u32::try_from(id).ok());
        if let Some(ladder) = id.and_then(ladder)
            && !tags.contains(&ladder.tag.as_str())
        {
            tags.push(ladder.tag.as_str());
        }
    }
    tags
}

fn draw(report: &Report, answer: &Answer<'_>, args: &BaselineArgs) -> String {
    let mut page = Page::new();
    let chosen: Vec<&Proposal> = answer.proposals.iter().filter(|p| p.chosen).collect();
    page.title(format!(
        "{} from {} of {} in {} host-days; {} offered, {} chosen, which hide {}",
        plural(answer.proposals.len() as u64, "proposal"),
        plural(report.exposure.events, "event"),
        plural(report.hosts.len() as u64, "host"),
        number(report.exposure.host_days),
        answer.proposals.iter().filter(|p| p.offered).count(),
        chosen.len(),
        plural(answer.hidden, "event"),
    ));
    for note in answer.notes {
        page.head(clean(&format!("note: {note}")));
    }
    let m = &answer.minimum;
    page.title(format!(
        "Proposed is what was seen {} times or more on {} and {}, in both halves of the time. What is rarer has nothing to quieten.",
        m.count,
        plural(m.hosts.min(report.hosts.len()) as u64, "host"),
        plural(m.days as u64, "day"),
    ));
    draw_attacks(&mut page, answer);
    for skipped in answer.skipped {
        page.item(format!(
            "{}: nothing proposed: {}",
            skipped.stream, skipped.why
        ));
    }
    let mut shown: BTreeMap<(usize, bool), usize> = BTreeMap::new();
    let mut stream = None;
    for p in answer.proposals {
        // Of each kind no more than asked for.
        let n = shown.entry((p.stream, p.offered)).or_default();
        *n += 1;
        if *n > args.top {
            continue;
        }
        if stream != Some(p.stream) {
            stream = Some(p.stream);
            let s = &report.streams[p.stream];
            page.title(format!(
                "== {} ({})",
                clean(&s.name),
                plural(s.total.count, "event")
            ));
        }
        draw_one(&mut page, p, args);
    }
    for ((stream, offered), n) in &shown {
        if *n > args.top {
            page.head(format!(
                "{}: {} more {} (--top, --format json)",
                clean(&report.streams[*stream].name),
                n - args.top,
                if *offered { "offered" } else { "not offered" }
            ));
        }
    }
    if let Some(path) = &args.to.output {
        page.head(format!(
            "{}: {} in {}",
            path.display(),
            plural(chosen.len() as u64, "rule"),
            plural(tags(report).len() as u64, "element"),
        ));
    }
    page.finish()
}

fn draw_attacks(page: &mut Page, answer: &Answer<'_>) {
    match &answer.attacks {
        None => page.title("No recordings of attacks were given (--attacks): what findings the proposals cost is not known."),
        Some(a) => {
            page.title(format!(
                "Hunts over the recordings of attacks: {}; with what is chosen left out, {} {}.",
                plural(a.findings as u64, "finding"),
                a.remaining,
                if a.remaining == 1 { "remains" } else { "remain" },
            ));
            for lost in &a.lost {
                page.item(format!("! disappears: {}", clean(lost)));
            }
        }
    }
}

fn draw_one(page: &mut Page, p: &Proposal, args: &BaselineArgs) {
    let state = match (p.chosen, p.offered) {
        (true, _) => "chosen",
        (false, true) => "offered; a narrower one hides as much",
        (false, false) => "not offered",
    };
    page.head(format!("{} [{state}]", p.name));
    for c in &p.conditions {
        page.item(format!("{} is {}", c.field, clean(&quoted(c))));
    }
    page.under(format!(
        "saves {} ({}), {} a host-day; {}, {}; halves {} and {}",
        plural(p.count, "event"),
        percent(p.share),
        interval(&p.rate),
        plural(p.hosts as u64, "host"),
        plural(p.days as u64, "day"),
        grouped(p.halves[0]),
        grouped(p.halves[1]),
    ));
    for reason in &p.reasons {
        page.under(format!("! {}", reason_words(reason)));
    }
    for host in &p.cost.hosts {
        page.under(format!(
            "{} {}: attacks {} it ({})",
            host.field,
            host.file,
            host.uses.join(" and "),
            host.reason
        ));
    }
    for rare in &p.cost.rare {
        page.under(format!("hides the rare {}", clean(rare)));
    }
    for finding in &p.cost.findings {
        page.under(format!("hides {}", clean(finding)));
    }
    page.under(match &p.cost.witness {
        Hidden::Nothing => {
            "proved: in the fields counted it hides nothing that was not seen".to_owned()
        }
        Hidden::Unknown => "what else it hides was not decided within the limits".to_owned(),
        Hidden::Event { fields, .. } => {
            let fixed = |name: &String| p.conditions.iter().any(|c| c.field == *name);
            let mut text = String::from("would hide, never seen:");
            for (name, value) in fields.iter().filter(|(n, _)| !fixed(n)) {
                let _ = write!(text, " {name}={}", clean(value));
            }
            text
        }
    });
    if args.filters {
        page.blank();
        page.verbatim(&format!("-- SQL\nWHERE {}\n", p.sql));
        if let Some(sigma) = &p.sigma {
            page.verbatim(&format!(
                "# Sigma\n{}    condition: selection and not {}\n",
                sigma.yaml(4),
                sigma.condition
            ));
        }
    }
}

fn quoted(c: &Condition) -> String {
    let plain = !c.value.starts_with(' ') && !c.value.ends_with(' ');
    if c.value == "-" {
        "absent".to_owned()
    } else if plain {
        c.value.clone()
    } else {
        format!("{:?}", c.value)
    }
}

fn reason_words(reason: &Reason) -> String {
    match reason {
        Reason::HidesFindings { count } => format!(
            "hides {} over the recordings of attacks",
            plural(*count as u64, "finding")
        ),
        Reason::HostProcessAlone { file } => {
            format!("frees {file} whatever it does, and attacks live in it")
        }
        Reason::HidesRare { count } => format!(
            "hides {} that {} rare in the baseline",
            plural(*count as u64, "combination"),
            if *count == 1 { "is" } else { "are" }
        ),
        Reason::Writable { folder } => {
            format!("ordinary users may put a program below {folder}")
        }
        Reason::Rename { how } => how.clone(),
        Reason::NotExpressible { why } => format!("no exact rule: {why}"),
    }
}
