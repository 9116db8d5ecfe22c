//! `scotoma imports`: what a sensor could see, from its files.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use research::image::{self, Encoding, ImportTable};
use research::inf;
use research::sensor::{
    ImportEvidence, MechanismSign, SensorComparison, SensorReport, SignStrength, compare, report,
};

use crate::additions::CatalogArgs;
use crate::map::event_name;
use crate::output::clean;
use crate::output::page::Page;

#[derive(Args, Debug)]
pub(crate) struct ImportsArgs {
    /// PE files: drivers, services, libraries, 32 or 64 bit.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Compare two files: two sensors, or two versions of one.
    #[arg(long)]
    compare: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ImportsFormat::Text)]
    format: ImportsFormat,
    #[command(flatten)]
    catalog: CatalogArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ImportsFormat {
    /// For reading.
    Text,
    /// JSON.
    Json,
}

pub(crate) fn run(args: &ImportsArgs) -> anyhow::Result<ExitCode> {
    args.catalog.load()?;
    if args.compare && args.files.len() != 2 {
        bail!("--compare takes two files, not {}", args.files.len());
    }
    let mut reports = Vec::new();
    let mut failed = None;
    for file in &args.files {
        match image::read(file) {
            Ok(image) => reports.push(report(image, inf::beside(file))),
            // The other files are answered all the same.
            Err(error) => {
                eprintln!("skipped: {}", clean(&error.to_string()));
                failed = Some(error);
            }
        }
    }
    if let Some(error) = failed.filter(|_| reports.is_empty() || args.compare) {
        return Err(error.into());
    }
    let text = match (&reports[..], args.compare, args.format) {
        ([first, second], true, ImportsFormat::Json) => {
            serde_json::to_string_pretty(&compare(first, second))? + "\n"
        }
        ([first, second], true, ImportsFormat::Text) => {
            show_comparison(first, second, &compare(first, second))
        }
        (_, _, ImportsFormat::Json) => serde_json::to_string_pretty(&reports)? + "\n",
        (_, _, ImportsFormat::Text) => {
            let mut page = Page::new();
            reports.iter().for_each(|r| show(&mut page, r));
            page.finish()
        }
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn show(page: &mut Page, report: &SensorReport) {
    let image = &report.image;
    page.title(clean(&image.file));
    page.item(format_args!(
        "{} bytes, {} ({} bit), {}",
        image.size,
        image.machine,
        image.bits,
        kind(image.kind)
    ));
    if let Some(version) = &image.version {
        let strings = [
            "CompanyName",
            "FileDescription",
            "ProductName",
            "OriginalFilename",
        ];
        let said: Vec<String> = strings
            .iter()
            .filter_map(|s| version.string(s))
            .map(clean)
            .collect();
        page.item(format_args!(
            "It calls itself {}, version {}.",
            said.join(", "),
            clean(version.file_version.as_deref().unwrap_or("unknown"))
        ));
    }
    page.item(match image.certificate {
        Some(size) => format!("It carries a signature ({size} bytes; present, not verified)."),
        None => "It carries no signature; a catalogue file may still sign it.".to_owned(),
    });
    for altitude in &report.altitudes {
        page.item(format_args!(
            "Altitude {} ({}), from {}",
            altitude.altitude,
            altitude.group.unwrap_or("no group's range"),
            clean(&altitude.inf)
        ));
    }
    page.item(format_args!(
        "{} functions imported by name, {} by number.",
        image.imports.functions.len(),
        image.imports.by_ordinal
    ));
    if !report.resolvers.is_empty() {
        page.item(format_args!(
            "It can resolve names: {}.",
            report.resolvers.join(", ")
        ));
    }
    signs(page, report);
    let names: Vec<_> = report.no_sign.iter().map(|m| m.slug()).collect();
    page.head("No sign of (which proves nothing: names can be resolved when it starts)");
    page.item(names.join(", "));
    for diagnostic in &image.diagnostics {
        page.item(format_args!("skipped: {}", clean(diagnostic)));
    }
}

/// The mechanisms that the file shows signs of, the surest first.
fn signs(page: &mut Page, report: &SensorReport) {
    for (strength, title) in [
        (SignStrength::Registers, "Registers for"),
        (
            SignStrength::ByName,
            "Names in its data, where a resolver could take them from",
        ),
        (
            SignStrength::Possible,
            "Possible, from functions that serve many ends",
        ),
    ] {
        let findings: Vec<&MechanismSign> = report
            .findings
            .iter()
            .filter(|f| f.strength == strength)
            .collect();
        if findings.is_empty() {
            continue;
        }
        page.head(title);
        if strength == SignStrength::Possible {
            // The same few functions stand for a dozen providers; each line would say the same.
            let names: Vec<_> = findings.iter().map(|f| f.mechanism.slug()).collect();
            page.item(names.join(", "));
            continue;
        }
        for finding in findings {
            page.item(format_args!(
                "{} ({})",
                finding.mechanism.name, finding.mechanism
            ));
            finding
                .evidence
                .iter()
                .for_each(|e| page.under(evidence(e)));
            let sysmon: Vec<_> = finding
                .events
                .iter()
                .filter(|e| e.sensor.slug() == "sysmon")
                .map(|e| event_name(*e))
                .collect();
            if !sysmon.is_empty() {
                page.under(format_args!("in Sysmon this gives {}", sysmon.join("; ")));
            }
            page.under(format_args!(
                "could see: {}",
                finding.mechanism.observes.join("; ")
            ));
            page.under(format_args!(
                "does not see: {}",
                finding.mechanism.not_observed.join("; ")
            ));
        }
    }
}

fn show_comparison(
    first: &SensorReport,
    second: &SensorReport,
    difference: &SensorComparison,
) -> String {
    let mut page = Page::new();
    let names = [clean(&first.image.file), clean(&second.image.file)];
    page.title(format_args!("{} and {}", names[0], names[1]));
    for (only, name) in [
        (&difference.only_first, &names[0]),
        (&difference.only_second, &names[1]),
    ] {
        page.head(format_args!("Only {name}"));
        if only.is_empty() {
            page.item("nothing");
        }
        for (mechanism, strength) in only {
            page.item(format_args!(
                "{} ({mechanism}): {}",
                mechanism.name,
                word(*strength)
            ));
        }
    }
    page.head("Both");
    for (mechanism, a, b) in &difference.both {
        let how = if a == b {
            word(*a).to_owned()
        } else {
            format!("{} / {}", word(*a), word(*b))
        };
        page.item(format_args!("{} ({mechanism}): {how}", mechanism.name));
    }
    for (functions, name) in [
        (&difference.functions_only_first, &names[0]),
        (&difference.functions_only_second, &names[1]),
    ] {
        if !functions.is_empty() {
            page.head(format_args!(
                "Functions only in {name}: {}",
                functions.join(", ")
            ));
        }
    }
    page.finish()
}

fn evidence(evidence: &ImportEvidence) -> String {
    let encoding = |e: &Encoding| match e {
        Encoding::Ascii => "as text",
        Encoding::Utf16 => "as UTF-16",
        Encoding::Guid => "as a GUID",
    };
    match evidence {
        ImportEvidence::Imported {
            function,
            module,
            table,
            ..
        } => {
            let how = if *table == ImportTable::Delay {
                "imported on first call"
            } else {
                "imported"
            };
            format!("{function} {how} from {}", clean(module))
        }
        ImportEvidence::Named {
            function,
            encoding: e,
            offset,
            ..
        } => format!("{function} {} at {offset:#x}", encoding(e)),
        ImportEvidence::Provider {
            provider,
            encoding: e,
            offset,
        } => format!("provider {provider} {} at {offset:#x}", encoding(e)),
    }
}

fn word(strength: SignStrength) -> &'static str {
    match strength {
        SignStrength::Registers => "registers",
        SignStrength::ByName => "by name",
        SignStrength::Possible => "possible",
    }
}

fn kind(kind: image::ImageKind) -> &'static str {
    match kind {
        image::ImageKind::Driver => "driver",
        image::ImageKind::Dll => "library",
        image::ImageKind::Program => "program",
    }
}
