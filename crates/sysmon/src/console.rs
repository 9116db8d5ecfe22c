//! What people copy from a machine's console: the text that `sysmon -c` prints, and that of `reg query`.
//! Neither holds everything; what is known to be missing is said.

use std::fmt::Write as _;

use crate::decompile::Decompiled;
use crate::rules::Op;
use crate::schema;

/// The text of `sysmon -c` as a configuration, or nothing where it is something else.
pub fn dump(bytes: &[u8]) -> Option<Decompiled> {
    let text = plain(bytes)?;
    let (_, rules) = text.split_once("Rule configuration (version ")?;
    if text.trim_start().starts_with('<') {
        return None;
    }
    let version = rules.split(')').next()?.trim();
    let version = schema::SchemaVersion::parse(version)?;
    let mut out = Writer {
        xml: String::new(),
        problems: vec![
            "read from what `sysmon -c` prints, which has no rule names, leaves out further elements of one event type, and cuts names of rules; the registry value `Rules` or a .reg export has all"
                .to_owned(),
        ],
        element: None,
        rule: false,
    };
    let _ = writeln!(out.xml, "<Sysmon schemaversion=\"{version}\">");
    let hashes = text.lines().find_map(|l| {
        let (name, value) = l.trim().trim_start_matches("- ").split_once(':')?;
        (name.trim() == "HashingAlgorithms").then(|| value.trim().to_owned())
    });
    if let Some(hashes) = hashes.filter(|h| !h.is_empty() && h != "-") {
        let _ = writeln!(
            out.xml,
            "<HashAlgorithms>{}</HashAlgorithms>",
            escape(&hashes)
        );
    }
    out.xml.push_str("<EventFiltering>\n");
    for line in rules.lines().skip(1) {
        out.line(line);
    }
    out.close_element();
    out.xml.push_str("</EventFiltering>\n</Sysmon>\n");
    Some(Decompiled {
        xml: out.xml,
        problems: out.problems,
    })
}

struct Writer {
    xml: String,
    problems: Vec<String>,
    element: Option<String>,
    rule: bool,
}

impl Writer {
    fn line(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        if let Some(rest) = text.strip_prefix("- ") {
            self.close_element();
            self.open_element(rest);
        } else if text.starts_with("Compound Rule") {
            self.close_rule();
            let relation = if quoted_word(text, "combine using") == "and" {
                "and"
            } else {
                "or"
            };
            let _ = writeln!(self.xml, "<Rule groupRelation=\"{relation}\">");
            self.rule = true;
        } else if let Some((field, op, value)) = filter(text) {
            let _ = writeln!(
                self.xml,
                "<{field} condition=\"{}\">{}</{field}>",
                op.name(),
                escape(value)
            );
        } else {
            self.problems
                .push(format!("not understood and left out: {text}"));
        }
    }

    fn open_element(&mut self, rest: &str) {
        let tag = rest.split_whitespace().next().unwrap_or("");
        let known = schema::newest().tags().contains(&tag);
        let verdict = quoted_word(rest, "onmatch:");
        if !known || !matches!(verdict.as_str(), "include" | "exclude") {
            self.problems
                .push(format!("not understood and left out: {rest}"));
            return;
        }
        let relation = match quoted_word(rest, "combine rules using").as_str() {
            "and" => "and",
            _ => "or",
        };
        let _ = writeln!(
            self.xml,
            "<RuleGroup groupRelation=\"{relation}\">\n<{tag} onmatch=\"{verdict}\">"
        );
        self.element = Some(tag.to_owned());
    }

    fn close_rule(&mut self) {
        if std::mem::take(&mut self.rule) {
            self.xml.push_str("</Rule>\n");
        }
    }

    fn close_element(&mut self) {
        self.close_rule();
        if let Some(tag) = self.element.take() {
            let _ = writeln!(self.xml, "</{tag}>\n</RuleGroup>");
        }
    }
}

/// The word behind a label, without quotes, in lower case.
fn quoted_word(text: &str, label: &str) -> String {
    let rest = text.split_once(label).map_or("", |(_, rest)| rest);
    let word = rest.split_whitespace().next().unwrap_or("");
    word.trim_matches('\'').to_ascii_lowercase()
}

/// `Field   filter: op   value: 'text'`.
fn filter(text: &str) -> Option<(&str, Op, &str)> {
    let (field, rest) = text.split_once("filter:")?;
    let (op, value) = rest.split_once("value:")?;
    let field = field.trim();
    let name = !field.is_empty() && field.bytes().all(|b| b.is_ascii_alphanumeric());
    let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let op = Op::from_name(op.trim())?;
    name.then_some((field, op, value))
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// The text of `reg query` as that of a `.reg` export, or nothing where it is something else.
pub(crate) fn registry_export(bytes: &[u8]) -> Option<String> {
    let text = plain(bytes)?;
    if !text.contains("REG_BINARY") && !text.contains("REG_DWORD") {
        return None;
    }
    let mut out = String::from("Windows Registry Editor Version 5.00\r\n");
    let mut keys = 0;
    for line in text.lines() {
        let words = line.trim();
        if line.starts_with("HKEY_") {
            keys += 1;
            let _ = write!(out, "\r\n[{words}]\r\n");
            continue;
        }
        let Some((name, kind, value)) = value(words) else {
            continue;
        };
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        match kind {
            "REG_BINARY" => {
                let digits: Vec<&str> = (0..value.len() / 2)
                    .filter_map(|i| value.get(2 * i..2 * i + 2))
                    .collect();
                let _ = write!(out, "\"{name}\"=hex:{}\r\n", digits.join(","));
            }
            "REG_DWORD" => {
                let digits = value.trim_start_matches("0x");
                let _ = write!(out, "\"{name}\"=dword:{digits:0>8}\r\n");
            }
            _ => {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                let _ = write!(out, "\"{name}\"=\"{value}\"\r\n");
            }
        }
    }
    (keys > 0).then_some(out)
}

/// `Name    REG_KIND    value`.
fn value(line: &str) -> Option<(&str, &str, &str)> {
    let at = line.find("    REG_")?;
    let (name, rest) = line.split_at(at);
    let mut parts = rest.trim_start().splitn(2, "    ");
    let kind = parts.next()?.trim();
    Some((name.trim(), kind, parts.next().unwrap_or("").trim()))
}

/// Text of a console, in UTF-8 or as PowerShell redirects it.
fn plain(bytes: &[u8]) -> Option<String> {
    if bytes.starts_with(&[0xFF, 0xFE]) {
        return Some(crate::deployed::wide_text(&bytes[2..]));
    }
    if bytes.trim_ascii_start().starts_with(b"<") {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Config, Engine};

    #[test]
    fn a_dump_becomes_a_configuration() {
        let text = "System Monitor v15.14\n - HashingAlgorithms:  SHA1,MD5\n\nRule configuration (version 4.50):\n \
                    - ProcessAccess   onmatch: exclude   combine rules using 'And'\n\tCompound Rule 0001   combine using And\n\t\
                    SourceImage   filter: end with   value: 'a&b.exe'\n\tTargetImage   filter: contains any   value: 'x;y'\n \
                    - DnsQuery   onmatch: include   combine rules using 'Or'\n\todd\n";
        let made = dump(text.as_bytes()).unwrap();
        let config = Config::parse_text("x", &made.xml, Engine::Strict);
        assert!(config.accepted, "{:?}\n{}", config.diagnostics, made.xml);
        let elements: Vec<_> = config.rules.kept().collect();
        assert_eq!(elements.len(), 2);
        assert_eq!(elements[0].units().len(), 1);
        assert_eq!(elements[0].filters().next().unwrap().value, "a&b.exe");
        assert_eq!(made.problems.len(), 2);
        assert!(dump(b"<Sysmon>Rule configuration (version 4.50)</Sysmon>").is_none());
    }

    #[test]
    fn a_query_becomes_an_export() {
        let text = "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\SysmonDrv\\Parameters\r\n    \
                    Options    REG_DWORD    0x3\r\n    Rules    REG_BINARY    00FF10\r\n    Archive Directory    REG_SZ    \\A\\\r\n";
        let made = registry_export(text.as_bytes()).unwrap();
        assert!(made.contains("\"Options\"=dword:00000003"));
        assert!(made.contains("\"Rules\"=hex:00,FF,10"));
        assert!(made.contains("\"Archive Directory\"=\"\\\\A\\\\\""));
        assert!(registry_export(b"<Sysmon/>").is_none());
    }
}
