//! Files of rules: documents, what they mean, and what had to be refused.

use std::path::{Path, PathBuf};

use predicate::Predicate;
use rsigma_parser::{FilterRule, FilterRuleTarget, SigmaRule, parse_sigma_yaml};

use crate::correlation::Correlation;
use crate::lower::{Fault, Placeholders, fault, lower};
use crate::source::{Route, routes};

/// The longest document that is read.
const MAX_DOCUMENT: usize = 1 << 20;
/// Operators and parentheses that may open one behind the other.
const MAX_OPEN: usize = 64;

/// A rule, ready to be asked.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its id, where it has one.
    pub id: Option<String>,
    /// The name correlations call it by.
    pub name: Option<String>,
    /// Its title.
    pub title: String,
    /// `informational` to `critical`, where it is said.
    pub level: Option<String>,
    /// `stable`, `test`, `experimental` and so on, where it is said.
    pub status: Option<String>,
    /// Tags, among them `attack.t1059`.
    pub tags: Vec<String>,
    /// What else the rule finds.
    pub false_positives: Vec<String>,
    /// The file it stands in.
    pub file: PathBuf,
    /// The line of that file where its document begins, from 1.
    pub line: usize,
    /// What it says of the events of each route; empty where no Windows event log feeds it.
    pub feeds: Vec<Feed>,
    /// Whether a correlation counts it and it shall not report by itself.
    pub counted_only: bool,
}

/// One way to feed a rule.
#[derive(Clone, Debug)]
pub struct Feed {
    /// The events.
    pub route: Route,
    /// Which of them match, in their own fields.
    pub predicate: Predicate,
}

/// A document that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", file.display())]
#[non_exhaustive]
pub struct Refusal {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// Why rules could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct ReadError {
    /// The file or folder.
    pub path: PathBuf,
    /// What the system says.
    pub source: std::io::Error,
}

/// Rules that were loaded together.
#[derive(Debug, Default)]
pub struct Pack {
    /// The rules, in the order of their files.
    pub rules: Vec<Rule>,
    /// The correlations.
    pub correlations: Vec<Correlation>,
    /// Documents that could not be loaded.
    pub refused: Vec<Refusal>,
    filters: Vec<(FilterRule, Refusal)>,
}

impl Pack {
    /// Loads files and folders; of a folder all `.yml` and `.yaml` files at any depth, by name.
    ///
    /// # Errors
    /// Where a file or folder cannot be read.
    pub fn read(paths: &[PathBuf], placeholders: &Placeholders) -> Result<Self, ReadError> {
        let mut all = Vec::new();
        for path in paths {
            all.extend(files(path)?);
        }
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let part = all.len().div_ceil(threads).max(1);
        let parts: Vec<Result<Self, ReadError>> = std::thread::scope(|scope| {
            let reading: Vec<_> = all
                .chunks(part)
                .map(|files| scope.spawn(move || Self::read_files(files, placeholders)))
                .collect();
            let ended = reading.into_iter().map(|thread| match thread.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ended.collect()
        });
        // In the order of the files, whoever was faster.
        let mut pack = Self::default();
        for part in parts {
            let part = part?;
            pack.rules.extend(part.rules);
            pack.correlations.extend(part.correlations);
            pack.refused.extend(part.refused);
            pack.filters.extend(part.filters);
        }
        pack.finish(placeholders);
        Ok(pack)
    }

    fn read_files(files: &[PathBuf], placeholders: &Placeholders) -> Result<Self, ReadError> {
        let mut pack = Self::default();
        for file in files {
            let bytes = std::fs::read(file).map_err(|source| ReadError {
                path: file.clone(),
                source,
            })?;
            match String::from_utf8(bytes) {
                Ok(text) => pack.add(file, &text, placeholders),
                Err(_) => pack.refuse(file, 1, "the file is not UTF-8".to_owned()),
            }
        }
        Ok(pack)
    }

    /// Loads the text of one file.
    pub fn parse(file: &Path, text: &str, placeholders: &Placeholders) -> Self {
        let mut pack = Self::default();
        pack.add(file, text, placeholders);
        pack.finish(placeholders);
        pack
    }

    fn refuse(&mut self, file: &Path, line: usize, reason: String) {
        self.refused.push(Refusal {
            file: file.to_owned(),
            line,
            reason,
        });
    }

    fn add(&mut self, file: &Path, text: &str, placeholders: &Placeholders) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, document) in documents(text) {
            if let Err((offset, reason)) = bounded(document) {
                self.refuse(file, line + offset, reason);
                continue;
            }
            let parsed = match parse_sigma_yaml(document) {
                Ok(parsed) => parsed,
                Err(error) => {
                    self.refuse(file, line, error.to_string());
                    continue;
                }
            };
            if parsed.is_empty() {
                for error in &parsed.errors {
                    let (offset, reason) = located(document, error);
                    self.refuse(file, line + offset, reason);
                }
            }
            for rule in &parsed.rules {
                match Rule::new(rule, file, line, placeholders) {
                    Ok(rule) => self.rules.push(rule),
                    Err(fault) => self.refuse(file, line + find(document, &fault.at), fault.reason),
                }
            }
            for rule in parsed.correlations {
                match Correlation::new(rule, document, file, line) {
                    Ok(correlation) => self.correlations.push(correlation),
                    Err(reason) => self.refuse(file, line + find(document, "correlation"), reason),
                }
            }
            for filter in parsed.filters {
                let at = Refusal {
                    file: file.to_owned(),
                    line,
                    reason: String::new(),
                };
                self.filters.push((filter, at));
            }
        }
    }

    /// Applies filters and finds the rules that correlations name.
    fn finish(&mut self, placeholders: &Placeholders) {
        for (filter, mut at) in std::mem::take(&mut self.filters) {
            if let Err(fault) = self.filter(&filter, placeholders) {
                at.reason = fault.reason;
                self.refused.push(at);
            }
        }
        let refused = crate::correlation::resolve(&mut self.correlations, &mut self.rules);
        self.refused.extend(refused);
    }

    /// Narrows the rules a filter names, of its log source, by what it says.
    fn filter(&mut self, filter: &FilterRule, placeholders: &Placeholders) -> Result<(), Fault> {
        let predicate = lower(&filter.detection, placeholders)?;
        let allowed = filter.logsource.as_ref().map(|l| {
            routes(
                l.product.as_deref(),
                l.category.as_deref(),
                l.service.as_deref(),
            )
        });
        for rule in &mut self.rules {
            let named = |wanted: &String| {
                [&rule.id, &rule.name]
                    .into_iter()
                    .flatten()
                    .any(|n| n == wanted)
                    || rule.title == *wanted
            };
            let applies = match &filter.rules {
                FilterRuleTarget::Any => true,
                FilterRuleTarget::Specific(rules) => rules.iter().any(named),
            };
            if !applies {
                continue;
            }
            for feed in &mut rule.feeds {
                if allowed
                    .as_ref()
                    .is_some_and(|a| !a.iter().any(|r| covers(r, &feed.route)))
                {
                    continue;
                }
                let own = feed.predicate.clone();
                feed.predicate = Predicate::all([own, feed.route.translate(&predicate)]);
            }
        }
        Ok(())
    }
}

/// Whether the events of one route are all of another's.
fn covers(wide: &Route, narrow: &Route) -> bool {
    fn within<T: PartialEq>(wide: &Option<Vec<T>>, narrow: &Option<Vec<T>>) -> bool {
        match (wide, narrow) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => narrow.iter().all(|n| wide.contains(n)),
        }
    }
    within(&wide.channels, &narrow.channels) && within(&wide.event_ids, &narrow.event_ids)
}

impl Rule {
    fn new(
        rule: &SigmaRule,
        file: &Path,
        line: usize,
        placeholders: &Placeholders,
    ) -> Result<Self, Fault> {
        if rule.detection.named.is_empty() {
            return Err(fault("detection", "no search identifier"));
        }
        let predicate = lower(&rule.detection, placeholders)?;
        let source = &rule.logsource;
        let routes = routes(
            source.product.as_deref(),
            source.category.as_deref(),
            source.service.as_deref(),
        );
        let feed = |route: Route| Feed {
            predicate: route.translate(&predicate),
            route,
        };
        Ok(Self {
            id: rule.id.clone(),
            name: rule.name.clone(),
            title: rule.title.clone(),
            level: rule.level.map(|l| l.as_str().to_owned()),
            status: rule.status.map(|s| format!("{s:?}").to_lowercase()),
            tags: rule.tags.clone(),
            false_positives: rule.falsepositives.clone(),
            file: file.to_owned(),
            line,
            feeds: routes.into_iter().map(feed).collect(),
            counted_only: false,
        })
    }
}

/// The files of rules behind a path, by name.
fn files(path: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let error = |source| ReadError {
        path: path.to_owned(),
        source,
    };
    if !std::fs::metadata(path).map_err(error)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries: Vec<std::fs::DirEntry> = std::fs::read_dir(path)
        .and_then(Iterator::collect)
        .map_err(error)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    let mut out = Vec::new();
    for entry in entries {
        let path = entry.path();
        // A link to a folder may lead back to where it lies.
        let kind = entry.file_type().map_err(error)?;
        let yaml = path.extension().is_some_and(|e| e == "yml" || e == "yaml");
        if kind.is_dir() || (yaml && path.is_file()) {
            out.extend(files(&path)?);
        }
    }
    Ok(out)
}

/// The documents of a file with the line each begins at. Those that share a global document stay together.
fn documents(text: &str) -> Vec<(usize, &str)> {
    if text.lines().any(|l| l.starts_with("action:")) {
        return vec![(1, text)];
    }
    let mut out = Vec::new();
    let (mut from, mut line, mut at) = (0, 1, 0);
    for (number, content) in (1..).zip(text.split_inclusive('\n')) {
        let marker = content.trim_end();
        if marker == "---" || marker.starts_with("--- ") {
            out.push((line, &text[from..at]));
            (from, line) = (at, number);
        }
        at += content.len();
    }
    out.push((line, &text[from..]));
    let says =
        |l: &str| !matches!(l.trim(), "" | "---" | "...") && !l.trim_start().starts_with('#');
    out.retain(|(_, document)| document.lines().any(says));
    out
}

/// Whether a document is of a size and depth that can be parsed.
fn bounded(document: &str) -> Result<(), (usize, String)> {
    if document.len() > MAX_DOCUMENT {
        return Err((
            0,
            format!("the document is longer than {MAX_DOCUMENT} bytes"),
        ));
    }
    for (number, line) in document.lines().enumerate() {
        let mut open = 0;
        for word in line.replace('(', " ( ").split_ascii_whitespace() {
            open = if word == "(" || word.eq_ignore_ascii_case("not") {
                open + 1
            } else {
                0
            };
            if open > MAX_OPEN {
                return Err((
                    number,
                    format!("more than {MAX_OPEN} operators or parentheses open at once"),
                ));
            }
        }
        if line.bytes().filter(|b| matches!(b, b'[' | b'{')).count() > 10 * MAX_OPEN
            && line.contains("[[[[")
        {
            return Err((number, "lists nested too deep".to_owned()));
        }
    }
    Ok(())
}

/// The line, from 0, of the first key that a word names.
fn find(document: &str, word: &str) -> usize {
    let key = |line: &str| {
        let line = line.trim_start_matches([' ', '-', '\'', '"']);
        line.strip_prefix(word)
            .is_some_and(|rest| rest.starts_with(['|', ':', '\'', '"']))
    };
    document.lines().position(key).unwrap_or(0)
}

/// The line, from 0, a message of the parser speaks of, and the message in one line.
fn located(document: &str, message: &str) -> (usize, String) {
    let reason = message
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let number = message.split("line ").nth(1).and_then(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()
    });
    let line = match number {
        Some(n) => n.saturating_sub(1),
        None if message.contains("ondition") => find(document, "condition"),
        None => message
            .split(['\'', '`'])
            .skip(1)
            .step_by(2)
            .filter_map(|word| {
                document
                    .lines()
                    .position(|l| !word.is_empty() && l.contains(word))
            })
            .next()
            .unwrap_or(0),
    };
    (line, reason)
}
