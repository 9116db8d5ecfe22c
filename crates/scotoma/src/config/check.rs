//! `check` and `rule`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use sysmon::diagnostic::{Diagnostic, Severity};
use sysmon::render::{self, Report, Style};
use sysmon::{Config, fix, lint};

use super::args::{CheckArgs, CheckFormat, FailLevel};
use super::load;
use crate::output::{plural, width, write_json};

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let choice = CodeChoice::new(&args.select, &args.ignore)?;
    let (mut checked, mut silenced): (Vec<(Config, Vec<Diagnostic>)>, usize) = (Vec::new(), 0);
    for path in load::configurations(&args.files)? {
        let mut config = load::any(&path, args.how.engine.into())?;
        if args.fix {
            config = repaired(&path, config)?;
        }
        let mut found = lint::findings(&config);
        silenced += found.silenced;
        found.shown.retain(|d| choice.has(d.code));
        checked.push((config, found.shown));
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
            let silent = match silenced {
                0 => String::new(),
                n => format!(", {} silenced by comments", plural(n as u64, "finding")),
            };
            writeln!(
                out,
                "{}, {}, {} in {}{silent}",
                plural(count(Severity::Error), "error"),
                plural(count(Severity::Warning), "warning"),
                plural(count(Severity::Note), "note"),
                plural(checked.len() as u64, "file")
            )?;
        }
        CheckFormat::Json => write_json(&mut out, &render::json(&reports), true)?,
        CheckFormat::Sarif => write_json(&mut out, &render::sarif(&reports), true)?,
        CheckFormat::Github => {
            for report in &reports {
                write!(out, "{}", ::text::visible_lines(&render::github(report)))?;
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

/// Which codes are wanted.
struct CodeChoice {
    select: Vec<String>,
    ignore: Vec<String>,
}

impl CodeChoice {
    /// Codes, names, or beginnings of codes.
    fn new(select: &[String], ignore: &[String]) -> anyhow::Result<Self> {
        let codes = |given: &[String]| -> anyhow::Result<Vec<String>> {
            given.iter().map(|g| code(g)).collect()
        };
        Ok(Self {
            select: codes(select)?,
            ignore: codes(ignore)?,
        })
    }

    fn has(&self, code: &str) -> bool {
        let among = |list: &[String]| list.iter().any(|c| code.starts_with(c.as_str()));
        (self.select.is_empty() || among(&self.select)) && !among(&self.ignore)
    }
}

fn code(given: &str) -> anyhow::Result<String> {
    if let Some(found) = lint::find(given) {
        return Ok(found.code.to_owned());
    }
    let upper = given.to_ascii_uppercase();
    if upper.starts_with("SC") && lint::all().iter().any(|l| l.code.starts_with(&upper)) {
        return Ok(upper);
    }
    match lint::nearest(given) {
        Some(near) => bail!("there is no code `{given}`; did you mean `{near}`?"),
        None => bail!("there is no code `{given}`; `scotoma config rule` lists them"),
    }
}

/// The configuration after all safe fixes, which are written to its file.
fn repaired(path: &Path, config: Config) -> anyhow::Result<Config> {
    const MARK: &str = "\u{FEFF}";
    if path.as_os_str() == "-" {
        bail!("--fix needs a file to write to, not standard input");
    }
    let bytes = sysmon::config::read_file(path)?;
    // The validating front end takes the mark of UTF-8 for none of the text.
    let text = config.source.text.clone();
    let mark = if bytes == [MARK.as_bytes(), text.as_bytes()].concat() {
        MARK
    } else {
        ""
    };
    let (config, applied) = fix::all(config);
    if applied == 0 {
        return Ok(config);
    }
    if mark.is_empty() && bytes != text.as_bytes() {
        bail!("{}: --fix writes UTF-8 XML files only", path.display());
    }
    let fixed = format!("{mark}{}", config.source.text);
    app::output::replace(path, fixed.as_bytes())?;
    eprintln!(
        "{}: {} applied",
        path.display(),
        plural(applied as u64, "fix")
    );
    Ok(config)
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
