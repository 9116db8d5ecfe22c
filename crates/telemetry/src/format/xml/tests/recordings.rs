//! Every value of every record of the recorded event logs, as another XML reader finds it in another renderer's XML.

use std::path::PathBuf;

use evtx::{EvtxParser, ParserSettings};
use roxmltree::{Document, Node, ParsingOptions};

use super::{Row, rows};
use crate::table::header;

/// The event logs among the shared recordings, or nothing, and then a word why.
fn recordings() -> Vec<PathBuf> {
    let folder = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/evtx"
    ));
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    files.retain(|f| f.extension().is_some_and(|e| e == "evtx"));
    files.sort();
    if files.is_empty() {
        println!("skipped: no recordings in {}", folder.display());
    }
    files
}

/// What the table should hold, worked out from a tree.
#[derive(Default)]
struct Expected(Row);

impl Expected {
    fn add(&mut self, name: &str, value: &str) {
        let name = name.to_lowercase();
        let mut key = name.clone();
        let mut n = 1;
        while self.0.contains_key(&key) {
            n += 1;
            key = format!("{name}#{n}");
        }
        self.0.insert(key, value.to_owned());
    }

    fn event(&mut self, event: Node<'_, '_>) {
        for part in event.children().filter(Node::is_element) {
            match part.tag_name().name() {
                "System" => part
                    .children()
                    .filter(Node::is_element)
                    .for_each(|e| self.system(e)),
                "EventData" => {
                    for a in part.attributes() {
                        self.field(a.name(), a.value());
                    }
                    part.children()
                        .filter(Node::is_element)
                        .for_each(|e| self.data("", e));
                }
                "UserData" => {
                    for wrapper in part.children().filter(Node::is_element) {
                        self.add("UserData", wrapper.tag_name().name());
                        for a in wrapper.attributes() {
                            self.field(a.name(), a.value());
                        }
                        wrapper
                            .children()
                            .filter(Node::is_element)
                            .for_each(|e| self.data("", e));
                    }
                }
                other => panic!("{other} is not expected in a recording"),
            }
        }
    }

    fn system(&mut self, element: Node<'_, '_>) {
        let name = element.tag_name().name();
        let text = text(element);
        let column = |path: &str| match path {
            "Provider.Name" => "provider".to_owned(),
            "Provider.Guid" => "providerguid".to_owned(),
            "TimeCreated.SystemTime" => "timecreated".to_owned(),
            "Execution.ProcessID" => "executionprocessid".to_owned(),
            "Execution.ThreadID" => "executionthreadid".to_owned(),
            "Security.UserID" => "userid".to_owned(),
            "EventID" | "Level" | "Task" | "Opcode" | "Keywords" | "EventRecordID" | "Channel"
            | "Computer" => path.to_owned(),
            _ => format!("System.{path}"),
        };
        if !text.is_empty() {
            self.add(&column(name), &text);
        }
        for a in element.attributes() {
            let name = column(&format!("{name}.{}", a.name()));
            match name.as_str() {
                // The table counts microseconds.
                "timecreated" => {
                    let instant = chrono::DateTime::parse_from_rfc3339(a.value())
                        .unwrap()
                        .timestamp_micros();
                    self.add(&name, &instant.to_string());
                }
                _ => self.add(&name, a.value()),
            }
        }
    }

    fn data(&mut self, path: &str, element: Node<'_, '_>) {
        let tag = element.tag_name().name();
        let title = element
            .attribute("Name")
            .filter(|n| tag == "Data" && !n.is_empty());
        let name = format!("{path}{}", title.unwrap_or(tag));
        let attributes: Vec<_> = element
            .attributes()
            .filter(|a| !(tag == "Data" && a.name() == "Name"))
            .collect();
        let leaf = !element.children().any(|c| c.is_element());
        let text = text(element);
        for a in &attributes {
            self.field(&format!("{name}.{}", a.name()), a.value());
        }
        let silent = text.is_empty() && tag != "Data" && !attributes.is_empty();
        if (leaf && !silent) || !text.trim().is_empty() {
            self.field(&name, &text);
        }
        element
            .children()
            .filter(Node::is_element)
            .for_each(|e| self.data(&format!("{name}."), e));
    }

    fn field(&mut self, name: &str, value: &str) {
        if header::by_name(&name.to_lowercase()).is_some() {
            self.add(&format!("EventData.{name}"), value);
        } else {
            self.add(name, value);
        }
    }
}

fn text(element: Node<'_, '_>) -> String {
    element
        .children()
        .filter_map(|c| if c.is_text() { c.text() } else { None })
        .collect()
}

#[test]
fn every_value_is_in_the_table() {
    let mut records = 0;
    for file in recordings() {
        let settings = ParserSettings::default().num_threads(1).indent(false);
        let mut parser = EvtxParser::from_path(&file)
            .unwrap()
            .with_configuration(settings);
        let xml: Vec<String> = parser
            .records()
            .filter_map(|r| r.ok())
            .map(|r| r.data)
            .collect();
        let (rows, diagnostics) = rows(xml.join("\n").as_bytes());
        assert_eq!(diagnostics.listed[..], [], "{}", file.display());
        assert_eq!(rows.len(), xml.len(), "{}", file.display());
        for (xml, mut row) in xml.iter().zip(rows) {
            let document = Document::parse_with_options(xml, ParsingOptions::default()).unwrap();
            let mut expected = Expected::default();
            expected.event(document.root_element());
            row.retain(|name, _| !name.starts_with("source_"));
            for (name, value) in &mut row {
                // XML readers make one line end of every kind; the table keeps what was written.
                *value = value.replace("\r\n", "\n").replace('\r', "\n");
                if name == "timecreated" {
                    *value = chrono::DateTime::parse_from_rfc3339(value)
                        .unwrap()
                        .timestamp_micros()
                        .to_string();
                }
            }
            assert_eq!(row, expected.0, "{}: {xml}", file.display());
            records += 1;
        }
    }
    println!("{records} records compared");
}
