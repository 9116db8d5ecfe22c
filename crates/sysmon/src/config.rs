//! A configuration file as one of Sysmon's two front ends understands it: accepted or not, with which
//! rules and options, and what was wrong. The order of steps is the front end's.

use std::path::Path;

use crate::diagnostic::{Diagnostic, Severity, Span};
use crate::lower;
use crate::options::{self, Options};
use crate::rules::RuleSet;
use crate::schema::{self, SchemaVersion};
use crate::source::{MAX_BYTES, Source};
use crate::xml::{NodeId, Tree};
use crate::{Engine, dtd, ignored, xml};

/// Why a file could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system says so.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is larger than [`MAX_BYTES`].
    #[error("{path}: {size} bytes; Scotoma reads files of at most {limit} here")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: usize,
    },
}

/// Reads a file of at most [`MAX_BYTES`].
///
/// # Errors
/// Where it cannot be read or is too large.
pub fn read_file(path: &Path) -> Result<Vec<u8>, ReadError> {
    use std::io::Read as _;
    let name = path.display().to_string();
    let io = |source| ReadError::Io {
        path: name.clone(),
        source,
    };
    let file = std::fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() > MAX_BYTES {
        let size = std::fs::metadata(path).map_err(io)?.len();
        return Err(ReadError::TooLarge {
            path: name,
            size,
            limit: MAX_BYTES,
        });
    }
    Ok(bytes)
}

/// A configuration file, understood.
#[derive(Debug)]
pub struct Config {
    /// Its text.
    pub source: Source,
    /// The front end that read it.
    pub engine: Engine,
    /// True where Sysmon would apply it.
    pub accepted: bool,
    /// The version it names; 0.00 where it names none.
    pub version: SchemaVersion,
    /// Its rules; empty where it is not accepted.
    pub rules: RuleSet,
    /// Its options; empty where it is not accepted.
    pub options: Options,
    /// What the front end says and what it passes over in silence.
    pub diagnostics: Vec<Diagnostic>,
    /// Why Sysmon rejects the file; nothing where it accepts it.
    pub rejection: Option<Diagnostic>,
    /// The rules of a rejected file as far as they can be made out, for the lints.
    pub(crate) draft: Option<RuleSet>,
    pub(crate) tree: Option<(Tree, NodeId)>,
}

impl Config {
    /// Understands the bytes of a file. Never fails: what is wrong stands in `diagnostics`.
    pub fn parse(name: &str, bytes: &[u8], engine: Engine) -> Self {
        let (source, problem) = Source::decode(name, bytes, engine);
        let mut config = Self::empty(source, engine);
        match problem {
            Some(problem) => {
                config.rejection = Some(problem.clone());
                config.diagnostics.push(problem);
            }
            None => config.understand(),
        }
        config.finish()
    }

    /// Understands a text.
    pub fn parse_text(name: &str, text: &str, engine: Engine) -> Self {
        Self::parse(name, text.as_bytes(), engine)
    }

    fn empty(source: Source, engine: Engine) -> Self {
        Self {
            source,
            engine,
            accepted: false,
            version: SchemaVersion(0),
            rules: RuleSet {
                version: SchemaVersion(0),
                elements: Vec::new(),
                rule_reports_own_name: false,
            },
            options: Options::new(),
            diagnostics: Vec::new(),
            rejection: None,
            draft: None,
            tree: None,
        }
    }

    fn reject(&mut self, code: &'static str, span: Span, message: String) {
        let d = Diagnostic::new(code, Severity::Error, span, message)
            .note("Sysmon rejects the whole file; the running configuration stays as it was.");
        self.rejection = Some(d.clone());
        self.diagnostics.push(d);
    }

    fn understand(&mut self) {
        let parsed = match self.engine {
            Engine::Strict => xml::strict::parse(&self.source),
            Engine::Lenient => xml::lenient::parse(&self.source),
        };
        let tree = match parsed {
            Ok(tree) => tree,
            Err(_) if is_web_page(&self.source.text) => {
                let what = "this is a web page (HTML), not a configuration; save the raw file";
                self.reject("SC003", Span::default(), what.to_owned());
                return;
            }
            Err(e) => {
                let span = self.source.character(e.at);
                self.reject("SC002", span, e.message);
                return;
            }
        };
        let Some(root) = tree.named(0, "Sysmon").next() else {
            if is_web_page(&self.source.text) {
                let what = "this is a web page (HTML), not a configuration; save the raw file";
                self.reject("SC003", Span::default(), what.to_owned());
                return;
            }
            let first = tree.elements(0).next();
            let span = first.map_or(Span::default(), |f| tree.node(f).name_span);
            self.reject("SC003", span, "the root element is not <Sysmon>".to_owned());
            return;
        };
        let Some(version) = self.read_version(&tree, root) else {
            return;
        };
        self.version = version;
        self.rules.version = version;
        if self.engine == Engine::Strict {
            self.diagnostics.extend(dtd::validate(&tree, root, version));
            if let Some(first) = self.diagnostics.first() {
                self.rejection = Some(first.clone());
                self.read_on(&tree, root, version);
                self.tree = Some((tree, root));
                return;
            }
        } else {
            let ignored = ignored::find(&tree, &self.source);
            self.diagnostics.extend(ignored);
        }
        let options = options::read(&tree, root, self.engine, &mut self.diagnostics);
        let elements = lower::lower(&tree, self.engine, version, &options, &mut self.diagnostics);
        self.tree = Some((tree, root));
        let fatal = self.diagnostics.iter().find(|d| rejects(d.code));
        if let Some(fatal) = fatal {
            self.rejection = Some(fatal.clone());
            self.draft = Some(RuleSet {
                elements,
                ..self.rules.clone()
            });
            return;
        }
        self.accepted = true;
        self.rules.elements = elements;
        self.options = options;
        options::follow_rules(&mut self.options, &self.rules);
    }

    /// What else there is to say of a file that the document type rejects already.
    fn read_on(&mut self, tree: &Tree, root: NodeId, version: SchemaVersion) {
        let mut found = Vec::new();
        let options = options::read(tree, root, self.engine, &mut found);
        let elements = lower::lower(tree, self.engine, version, &options, &mut found);
        let said = |d: &Diagnostic| self.diagnostics.iter().any(|k| k.span == d.span);
        found.retain(|d| rejects(d.code) && !said(d));
        self.diagnostics.extend(found);
        self.draft = Some(RuleSet {
            elements,
            ..self.rules.clone()
        });
    }

    /// The rules, or what can be made out of them where the file is rejected.
    pub(crate) fn readable_rules(&self) -> &RuleSet {
        self.draft.as_ref().unwrap_or(&self.rules)
    }

    fn read_version(&mut self, tree: &Tree, root: NodeId) -> Option<SchemaVersion> {
        let Some(attribute) = tree.attribute(root, "schemaversion") else {
            let span = tree.node(root).name_span;
            self.reject(
                "SC004",
                span,
                "<Sysmon> needs the attribute `schemaversion`".to_owned(),
            );
            return None;
        };
        let (text, span) = (attribute.value.clone(), attribute.value_span);
        let Some(version) = SchemaVersion::parse(&text) else {
            self.reject("SC004", span, format!("`{text}` is no schema version"));
            return None;
        };
        if schema::for_validation(version).is_none() {
            self.reject("SC004", span, format!("schema version {version} is older than 4.00, the oldest that Sysmon still reads"));
            return None;
        }
        Some(version)
    }

    fn finish(mut self) -> Self {
        self.diagnostics.sort_by_key(|d| (d.span, d.code));
        self
    }
}

/// Whether a text is what a browser saved instead of the file.
fn is_web_page(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    let head: String = text
        .chars()
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    head.starts_with("<!doctype html") || head.starts_with("<html")
}

/// Whether a finding of the front ends' own ends in a rejection of the whole file.
fn rejects(code: &str) -> bool {
    matches!(code, "SC006" | "SC007" | "SC008" | "SC020" | "SC021")
}
