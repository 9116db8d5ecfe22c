//! Events from tables of text: the exports of the Event Viewer, PowerShell, EvtxECmd, Splunk, Kibana, Azure and others.
//! The first line names the columns; what is known of a row's event is told by the names, as in any other carrier.

use bumpalo::Bump;
use serde_json::{Map, Value};

use super::carrier;
use super::json::push_opened;
use crate::diagnostics::{Diagnostics, Problem};
use crate::table::batch_builder::BatchBuilder;
use crate::table::header;
use crate::table::plan::Position;

/// What stands between two columns.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The names of a table's columns, and what stands between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    delimiter: u8,
    names: Vec<String>,
    /// Bytes before the first row.
    pub(crate) len: usize,
}

impl Header {
    /// The header at the beginning of a text, if its names are those of a table of events.
    pub(crate) fn find(text: &[u8]) -> Option<Self> {
        let mut start = 0;
        // What PowerShell 5 and spreadsheets put before it.
        while text[start..].starts_with(b"#TYPE") || text[start..].starts_with(b"sep=") {
            start += memchr::memchr(b'\n', &text[start..])? + 1;
        }
        let line_end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |n| start + n + 1);
        let line = &text[start..line_end];
        DELIMITERS.iter().find_map(|&delimiter| {
            let mut reader = reader(line, delimiter);
            let mut record = csv::ByteRecord::new();
            if !reader.read_byte_record(&mut record).ok()? || record.len() < 2 {
                return None;
            }
            let names: Vec<String> = record
                .iter()
                .map(|name| String::from_utf8_lossy(name).trim().to_owned())
                .collect();
            is_events(&names).then_some(Self {
                delimiter,
                names,
                len: line_end,
            })
        })
    }
}

/// Whether columns of these names can hold events: one that holds the event id or a whole event, or two of the header's.
fn is_events(names: &[String]) -> bool {
    let plain = |name: &String| name.to_lowercase().replace([' ', '_', '-'], "");
    let long = names.iter().any(|n| n.len() > 80 || n.contains(['{', '<']));
    let ids = [
        "eventid",
        "eventcode",
        "event.code",
        "winlog.eventid",
        "raw",
        "event.system.eventid",
        "system.eventid",
    ];
    let id = names.iter().any(|n| ids.contains(&&*plain(n)));
    let known = names
        .iter()
        .filter(|n| header::by_name(&n.to_lowercase()).is_some());
    !long && (id || known.count() >= 2)
}

fn reader(bytes: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(bytes)
}

/// Reads the rows of a block; `base` is its offset in the file.
pub(crate) fn read(
    block: &[u8],
    base: u64,
    source: &str,
    header: &Header,
    rows: &mut BatchBuilder,
    diagnostics: &mut Diagnostics,
) {
    let mut reader = reader(block, header.delimiter);
    let mut record = csv::ByteRecord::new();
    let mut arena = Bump::new();
    loop {
        let offset = base + reader.position().byte();
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                let problem = Problem::BadRecord(error.to_string());
                diagnostics.report(source, Some(offset), problem);
                return;
            }
        }
        let object = object(header, &record);
        if object.is_empty() {
            continue;
        }
        arena.reset();
        let at = Position { source, offset };
        push_opened(
            carrier::open_object(&object),
            None,
            at,
            rows,
            diagnostics,
            &arena,
        );
    }
}

fn object(header: &Header, record: &csv::ByteRecord) -> Map<String, Value> {
    let mut object = Map::new();
    for (i, value) in record.iter().enumerate() {
        let value = String::from_utf8_lossy(value);
        if value.is_empty() {
            continue;
        }
        let name = match header.names.get(i) {
            Some(name) if !name.is_empty() => name.clone(),
            // The Event Viewer has no name for its last column.
            _ if !object.contains_key("Message") => "Message".to_owned(),
            _ => format!("Column {}", i + 1),
        };
        object
            .entry(name)
            .or_insert_with(|| Value::String(value.into_owned()));
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_names_tell_a_table_of_events() {
        for (text, delimiter) in [
            ("Level,Date and Time,Source,Event ID,Task Category\n", b','),
            (
                "#TYPE System.Diagnostics\r\n\"Message\",\"Id\",\"ProviderName\",\"LogName\"\r\n",
                b',',
            ),
            (
                "RecordNumber;EventRecordId;TimeCreated;EventId;Channel\n",
                b';',
            ),
            ("\"_raw\",\"_time\"\n", b','),
            ("@timestamp\twinlog.event_id\twinlog.channel\n", b'\t'),
        ] {
            let header = Header::find(text.as_bytes()).expect(text);
            assert_eq!(
                (header.delimiter, header.len),
                (delimiter, text.len()),
                "{text}"
            );
        }
        for text in [
            "name,version\n",
            "Nov 21 10:00:00 host cron: EventID, nothing\n",
            "just words\n",
            "{\"EventID\":1,\"Channel\":\"x\"}\n",
            "",
        ] {
            assert_eq!(Header::find(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[a-zE,;\"\n ]{0,80}") {
            let header = Header::find(b"EventID,Channel\n").expect("a header");
            let plan = crate::Plan::discovery();
            let mut rows = BatchBuilder::new(&plan);
            read(text.as_bytes(), 0, "x", &header, &mut rows, &mut Diagnostics::default());
            Header::find(text.as_bytes());
        }
    }
}
