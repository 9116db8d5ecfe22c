//! `scotoma events`: what is in there.

use std::io::{self, Write};
use std::process::ExitCode;

use analytics::{Inventory, inventory};

use crate::cli::{EventsArgs, InventoryFormat};
use crate::damage;
use crate::output::{clean, grouped, plural, table, write_json};
use crate::reading::Session;

pub(crate) fn run(args: &EventsArgs) -> anyhow::Result<ExitCode> {
    if args.damage {
        return damage::run(args);
    }
    let mut session = Session::over(
        &args.reading.paths,
        &[],
        args.events.filter()?,
        &args.reading.manner,
    )?;
    let (inventory, outcome) = inventory(&session.engine)?;
    session.hush();
    if inventory.count > 0 {
        match args.format {
            InventoryFormat::Table => show(&inventory)?,
            InventoryFormat::Json => {
                let mut out = io::stdout().lock();
                write_json(&mut out, &inventory, true)?;
                writeln!(out)?;
            }
        }
    }
    session.end(&outcome, false, &args.fail_on)
}

fn show(inventory: &Inventory) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let blank = || "-".to_owned();
    let of = |o: &Option<String>| o.as_deref().map_or_else(blank, clean);
    writeln!(
        out,
        "{}, {} to {}",
        plural(inventory.count, "event"),
        of(&inventory.first),
        of(&inventory.last)
    )?;
    let hosts = inventory
        .hosts
        .iter()
        .map(|(host, n)| vec![clean(host), grouped(*n)]);
    writeln!(out, "\n{}", table(&["host", "events"], hosts, &[1]))?;
    let events = inventory.events.iter().map(|e| {
        let id = e.event_id.map_or_else(blank, |id| id.to_string());
        vec![
            of(&e.channel),
            id,
            grouped(e.count),
            of(&e.first),
            of(&e.last),
        ]
    });
    writeln!(
        out,
        "\n{}",
        table(
            &["channel", "id", "events", "first", "last"],
            events,
            &[1, 2]
        )
    )?;
    let files = inventory
        .files
        .iter()
        .map(|f| vec![clean(&f.file), grouped(f.count)]);
    writeln!(out, "\n{}", table(&["file", "events"], files, &[1]))?;
    show_holes(&mut out, inventory)
}

/// What the logs lack, if they do: counts over them are lower bounds.
fn show_holes(out: &mut impl Write, inventory: &Inventory) -> io::Result<()> {
    if !inventory.holes.is_empty() {
        let name = |o: &Option<String>| o.as_deref().map_or_else(|| "-".to_owned(), clean);
        let holes = inventory.holes.iter().map(|h| {
            let counts = [h.losses, h.missing, h.gaps, h.twice].map(grouped);
            let mut row = vec![name(&h.host), name(&h.channel)];
            row.extend(counts);
            row
        });
        let head = ["host", "channel", "255 QUEUE", "missing", "gaps", "twice"];
        writeln!(out, "\n{}", table(&head, holes, &[2, 3, 4, 5]))?;
        writeln!(
            out,
            "255 QUEUE: reports of Sysmon that events were lost; missing: numbers of records between the first and the \
             last; twice: records that are there again with the same number and time."
        )?;
    }
    for limit in &inventory.holes_limits {
        writeln!(out, "{limit}")?;
    }
    Ok(())
}
