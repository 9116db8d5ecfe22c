//! Parquet gives back what was written, whoever reads at the same time.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field};
use common::{Table, file, read};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use telemetry::parquet::{Writer, column_names};
use telemetry::{Atom, Options, Plan, RowFilter, Scan, Test, discover};

const EVENTS: usize = 300_000;

/// A file of several row groups, and how many of its events have the id 8.
fn written() -> (tempfile::TempDir, PathBuf, usize) {
    let lines: String = (0..EVENTS)
        .map(|n| format!("{{\"EventID\":{},\"Channel\":\"c{}\",\"RecordNumber\":{n},\"Image\":\"C:\\\\{}.exe\"}}\n", n % 30, n % 7, n % 997))
        .collect();
    let (guard, log) = file("log.json", lines.as_bytes());
    let origins = discover(&[log]).unwrap();
    let columns = column_names(&["Image".to_owned()]);
    let plan = Plan::of(columns.iter().map(|c| c.to_lowercase()).collect());
    let path = guard.path().join("out.parquet");
    let mut writer = Writer::create(&path, &columns, false).unwrap();
    for batch in Scan::new(origins, plan, Options::default()) {
        writer.write(&batch).unwrap();
    }
    assert_eq!(writer.close().unwrap(), (EVENTS as u64, 1));
    (guard, path, (0..EVENTS).filter(|n| n % 30 == 8).count())
}

#[test]
fn readers_side_by_side_do_not_disturb_each_other() {
    let (_guard, path, eights) = written();
    let atom = Atom {
        column: "eventid".to_owned(),
        test: Test::IntIn(vec![8]),
    };
    let plan = Plan {
        columns: vec!["eventrecordid".to_owned(), "image".to_owned()],
        filter: RowFilter {
            clauses: vec![vec![atom]],
        },
        discover: false,
    };
    for _ in 0..20 {
        let options = Options {
            threads: 4,
            ..Options::default()
        };
        let mut scan = Scan::new(
            discover(std::slice::from_ref(&path)).unwrap(),
            plan.clone(),
            options,
        );
        let rows: usize = (&mut scan).map(|b| b.num_rows()).sum();
        assert_eq!(scan.report().diagnostics.listed[..], []);
        assert_eq!(rows, eights);
    }
}

#[test]
fn a_damaged_file_is_named() {
    let (guard, path, _) = written();
    let whole = std::fs::read(&path).unwrap();
    for (name, bytes) in [("cut", &whole[..whole.len() / 2]), ("short", &whole[..10])] {
        let broken = guard.path().join(name);
        std::fs::write(&broken, bytes).unwrap();
        assert_eq!(read(&[broken]).report.diagnostics.damaged, 1);
    }
    let mut flipped = whole.clone();
    flipped.iter_mut().step_by(331).for_each(|b| *b ^= 0x5a);
    let broken = guard.path().join("flipped");
    std::fs::write(&broken, flipped).unwrap();
    let table = read(&[broken]);
    assert!(table.report.diagnostics.damaged > 0);
}

/// The events of a table as lines of text, in any order.
fn lines(table: &Table, columns: &[&str]) -> Vec<String> {
    let cell = |at, column: &str| table.cell(at, column).unwrap_or("-".to_owned());
    let line = |at| {
        columns
            .iter()
            .map(|c| cell(at, c))
            .collect::<Vec<_>>()
            .join("|")
    };
    let mut lines: Vec<String> = table.each().map(line).collect();
    lines.sort();
    lines
}

const LOG: &str = r#"{"EventID":10,"Channel":"Microsoft-Windows-Sysmon/Operational","SourceName":"Microsoft-Windows-Sysmon","@timestamp":"2026-03-10T12:10:06.460Z","Hostname":"A","RecordNumber":1,"SourceImage":"C:\\a.exe","TargetImage":"C:\\b.exe"}
{"EventID":4688,"Channel":"Security","@timestamp":"2026-03-10T12:10:07Z","Hostname":"B","RecordNumber":2,"NewProcessName":"C:\\c.exe"}
{"EventID":1,"Channel":"../../etc","Hostname":"C","RecordNumber":3}
{"EventID":1,"Hostname":"D","RecordNumber":4}
{"EventID":1,"Channel":"__HIVE_DEFAULT_PARTITION__","Hostname":"E","RecordNumber":5}
{"Channel":"Security","Hostname":"F","RecordNumber":6}
"#;
const ALL: [&str; 8] = [
    "timecreated",
    "computer",
    "channel",
    "eventid",
    "eventrecordid",
    "sourceimage",
    "targetimage",
    "newprocessname",
];

fn convert(log: &Path, to: &Path, partitioned: bool) {
    let columns = ["SourceImage", "TargetImage", "NewProcessName"].map(str::to_owned);
    let columns = column_names(&columns);
    let plan = Plan::of(columns.iter().map(|c| c.to_lowercase()).collect());
    let mut writer = Writer::create(to, &columns, partitioned).unwrap();
    for batch in Scan::new(
        discover(&[log.to_owned()]).unwrap(),
        plan,
        Options::default(),
    ) {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}

/// The types that another reader sees.
fn types(path: &Path) -> Vec<(String, DataType)> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let fields = reader.schema().fields().iter();
    fields
        .map(|f| (f.name().clone(), f.data_type().clone()))
        .collect()
}

#[test]
fn text_is_plain_strings_for_others() {
    let (guard, log) = file("log.json", LOG.as_bytes());
    let out = guard.path().join("out.parquet");
    convert(&log, &out, false);
    for (name, kind) in types(&out) {
        let expected = match name.as_str() {
            "EventID" | "EventRecordID" | "ExecutionProcessID" | "ExecutionThreadID"
            | "source_offset" => DataType::Int64,
            "TimeCreated" => continue,
            _ => DataType::Utf8,
        };
        assert_eq!(kind, expected, "{name}");
    }
    assert_eq!(lines(&read(&[out]), &ALL), lines(&read(&[log]), &ALL));
}

#[test]
fn a_partitioned_table_is_laid_out_as_hive_does_and_read_back_whole() {
    let (guard, log) = file("log.json", LOG.as_bytes());
    let out = guard.path().join("parts");
    convert(&log, &out, true);
    let sysmon =
        out.join("Channel=Microsoft-Windows-Sysmon%2FOperational/EventID=10/part-0.parquet");
    let names: Vec<String> = types(&sysmon).into_iter().map(|(name, _)| name).collect();
    assert!(
        !names.iter().any(|n| n == "Channel" || n == "EventID"),
        "{names:?}"
    );
    assert!(
        out.join("Channel=Security/EventID=__HIVE_DEFAULT_PARTITION__")
            .is_dir()
    );
    assert_eq!(
        lines(&read(std::slice::from_ref(&out)), &ALL),
        lines(&read(&[log]), &ALL)
    );
    // The two columns are asked like any others.
    let only = |id: i64| {
        let atom = Atom {
            column: "eventid".to_owned(),
            test: Test::IntIn(vec![id]),
        };
        let plan = Plan {
            columns: vec!["computer".to_owned(), "eventid".to_owned()],
            filter: RowFilter {
                clauses: vec![vec![atom]],
            },
            discover: false,
        };
        let scan = Scan::new(
            discover(std::slice::from_ref(&out)).unwrap(),
            plan,
            Options::default(),
        );
        scan.map(|b| b.num_rows()).sum::<usize>()
    };
    assert_eq!([only(1), only(10), only(4688), only(7)], [3, 1, 1, 0]);
}

/// Every byte of a file counts: with any one of them changed, it says what it said, or that it is damaged.
#[test]
fn a_changed_byte_is_an_error_and_never_another_value() {
    let (guard, log) = file("log.json", LOG.as_bytes());
    let out = guard.path().join("out.parquet");
    convert(&log, &out, false);
    let whole = std::fs::read(&out).unwrap();
    let expected = lines(&read(&[out]), &ALL);
    let broken = guard.path().join("broken.parquet");
    for (at, bit) in (0..whole.len()).step_by(7).zip((0..8).cycle()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        std::fs::write(&broken, bytes).unwrap();
        let table = read(std::slice::from_ref(&broken));
        if table.report.diagnostics.damaged == 0 {
            assert_eq!(lines(&table, &ALL), expected, "bit {bit} of byte {at}");
        }
    }
}

/// A file as Spark writes it of NXLog's records: other names, other types, a name twice in different case.
fn foreign(folder: &Path, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let path = folder.join("foreign.parquet");
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

#[test]
fn parquet_of_another_program_is_read_as_far_as_it_has_the_columns() {
    let folder = tempfile::tempdir().unwrap();
    let texts =
        |values: [Option<&str>; 2]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
    let inner = Arc::new(Field::new("x", DataType::Int64, true));
    let nested = StructArray::from(vec![(
        inner,
        Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef,
    )]);
    let path = foreign(
        folder.path(),
        vec![
            (
                "@timestamp",
                texts([Some("2026-03-10T12:10:06.460Z"), None]),
            ),
            ("event_id", texts([Some("8"), Some("10")])),
            ("RecordNumber", Arc::new(Float64Array::from(vec![7.0, 9.0]))),
            (
                "Channel",
                texts([Some("Microsoft-Windows-Sysmon/Operational"); 2]),
            ),
            ("SourceProcessGuid", texts([Some("{1}"), None])),
            ("SourceProcessGUID", texts([None, Some("{2}")])),
            ("tags", Arc::new(nested)),
        ],
    );
    let table = read(std::slice::from_ref(&path));
    let columns = [
        "timecreated",
        "eventid",
        "eventrecordid",
        "sourceprocessguid",
    ];
    assert_eq!(
        lines(&table, &columns),
        ["-|10|9|{2}", "2026-03-10T12:10:06.46Z|8|7|{1}"].map(|l| l.replace("06.46Z", "06.460Z"))
    );
    let said = &table.report.diagnostics.listed[0].problem.to_string();
    assert!(
        said.contains("no column for Computer") && said.contains("tags"),
        "{said}"
    );
    let atom = Atom {
        column: "eventid".to_owned(),
        test: Test::IntIn(vec![10]),
    };
    let plan = Plan {
        columns: vec!["channel".to_owned()],
        filter: RowFilter {
            clauses: vec![vec![atom]],
        },
        discover: false,
    };
    let scan = Scan::new(discover(&[path]).unwrap(), plan, Options::default());
    assert_eq!(scan.map(|b| b.num_rows()).sum::<usize>(), 1);
}

#[test]
fn parquet_without_events_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = foreign(
        folder.path(),
        vec![("a", Arc::new(Int64Array::from(vec![1])))],
    );
    let table = read(&[path]);
    assert_eq!(table.report.records, 0);
    let said = table.report.diagnostics.no_logs[0].problem.to_string();
    assert!(said.contains("not events"), "{said}");
}

#[test]
fn files_written_before_there_were_checksums_are_read() {
    let Some(cases) = common::shared("cases/readers") else {
        return;
    };
    let good = read(&[cases.join("parquet_good.parquet")]);
    assert_eq!((good.rows(), good.report.diagnostics.damaged), (40, 0));
    let broken = read(&[cases.join("parquet_footer_bitflip_panics.parquet")]);
    assert!(broken.report.diagnostics.damaged > 0 || broken.rows() == 40);
}
