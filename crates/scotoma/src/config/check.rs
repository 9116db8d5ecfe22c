//! `check` and `rule`.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::bail;
use sysmon::diagnostic::{Diagnostic, Safety, Severity};
use sysmon::render::{self, Report, Style};
use sysmon::{Config, fix, lint};

use super::args::{CheckArgs, CheckFormat, FailLevel};
use super::load;
use crate::output::{plural, width};

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let mut checked: Vec<(Config, Vec<Diagnostic>)> = Vec::new();
    for path in &args.files {
        let mut config = load::any(path, args.how.engine.into())?;
        let mut found = lint::check(&config);
        if args.fix {
            let fixed = fix::apply(&config.source, &found, Safety::Safe);
            if fixed.applied > 0 {
                let bytes = sysmon::config::read_file(path)?;
                if bytes != config.source.text.as_bytes() {
                    bail!("{}: --fix writes UTF-8 XML files only", path.display());
                }
                app::output::replace(path, fixed.text.as_bytes())?;
                eprintln!(
                    "{}: {} applied",
                    path.display(),
                    plural(fixed.applied as u64, "fix")
                );
                config = Config::parse(
                    &config.source.name,
                    fixed.text.as_bytes(),
                    args.how.engine.into(),
                );
                found = lint::check(&config);
            }
        }
        checked.push((config, found));
    }
    let reports: Vec<Report<'_>> = checked
        .iter()
        .map(|(config, diagnostics)| Report {
            source: &config.source,
            diagnostics,
        })
        .collect();
    let mut out = io::stdout().lock();
    match args.format {
        CheckFormat::Text => {
            let style = if io::stdout().is_terminal() {
                Style::Coloured
            } else {
                Style::Plain
            };
            for report in &reports {
                write!(out, "{}", render::text(report, style, width()))?;
            }
            let count = |s| {
                checked
                    .iter()
                    .flat_map(|(_, d)| d)
                    .filter(|d| d.severity == s)
                    .count() as u64
            };
            writeln!(
                out,
                "{}, {}, {} in {}",
                plural(count(Severity::Error), "error"),
                plural(count(Severity::Warning), "warning"),
                plural(count(Severity::Note), "note"),
                plural(checked.len() as u64, "file")
            )?;
        }
        CheckFormat::Json => writeln!(out, "{:#}", render::json(&reports))?,
        CheckFormat::Sarif => writeln!(out, "{:#}", render::sarif(&reports))?,
        CheckFormat::Github => {
            for report in &reports {
                write!(out, "{}", render::github(report))?;
            }
        }
    }
    let worst = checked
        .iter()
        .flat_map(|(_, d)| d)
        .map(|d| d.severity)
        .max();
    let limit = match args.fail_on {
        FailLevel::Note => Severity::Note,
        FailLevel::Warning => Severity::Warning,
        FailLevel::Error => Severity::Error,
    };
    let fails = !args.exit_zero && worst.is_some_and(|worst| worst >= limit);
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

pub(crate) fn rule(code: Option<&str>) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match code {
        None => {
            for l in lint::all() {
                writeln!(out, "{}  {:<28} {}", l.code, l.name, l.summary)?;
            }
        }
        Some(code) => match lint::find(code) {
            Some(l) => write!(out, "{}", l.text)?,
            None => match lint::nearest(code) {
                Some(near) => bail!("there is no code `{code}`; did you mean `{near}`?"),
                None => bail!("there is no code `{code}`; `scotoma config rule` lists them"),
            },
        },
    }
    Ok(ExitCode::SUCCESS)
}
