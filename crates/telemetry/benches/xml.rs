//! Event XML to Arrow, all columns wanted, one thread, against `quick-xml` reading the same bytes for its events only
//! (no table) and `roxmltree` building a tree of each event (no table either). Prints the ratios.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use evtx::{EvtxParser, ParserSettings};
use telemetry::probe::{self, medians};

const SIZE: usize = 4 << 20;

/// Events of the recorded logs as XML, one a line, over and over up to a block's size.
fn recorded() -> Option<Vec<String>> {
    let folder = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/evtx"
    ));
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    let mut events = Vec::new();
    for file in files {
        let Ok(parser) = EvtxParser::from_path(&file) else {
            continue;
        };
        let mut parser =
            parser.with_configuration(ParserSettings::default().num_threads(1).indent(false));
        events.extend(parser.records().flatten().map(|r| r.data));
    }
    (!events.is_empty()).then_some(events)
}

/// Events like Sysmon's where no recording is at hand.
fn invented() -> Vec<String> {
    let event = |i: usize| {
        let fields: String = (0..20)
            .map(|f| {
                format!(
                    "<Data Name=\"Field{f}\">C:\\Windows\\System32\\module{}.dll</Data>",
                    (i * f) % 97
                )
            })
            .collect();
        format!(
            "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider Name=\"Microsoft-Windows-Sysmon\"/>\
             <EventID>7</EventID><TimeCreated SystemTime=\"2020-08-07T18:32:07.5551239Z\"/><EventRecordID>{i}</EventRecordID>\
             <Execution ProcessID=\"3212\" ThreadID=\"4020\"/><Channel>Microsoft-Windows-Sysmon/Operational</Channel></System>\
             <EventData>{fields}</EventData></Event>"
        )
    };
    (0..1000).map(event).collect()
}

fn only_events(text: &str) -> usize {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut count = 0;
    while let Ok(event) = reader.read_event() {
        if matches!(black_box(event), quick_xml::events::Event::Eof) {
            break;
        }
        count += 1;
    }
    count
}

fn trees(text: &str) -> usize {
    text.lines()
        .map(|line| roxmltree::Document::parse(line).map_or(0, |d| d.descendants().count()))
        .sum()
}

fn main() {
    let events = recorded().unwrap_or_else(|| {
        println!("skipped: no recordings in ../shared; invented events instead");
        invented()
    });
    let mut block = String::new();
    for event in events.iter().cycle() {
        if block.len() + event.len() > SIZE {
            break;
        }
        block.push_str(&event.replace(['\n', '\r'], " "));
        block.push('\n');
    }
    let plan = probe::xml_plan(block.as_bytes());
    let table = || {
        let (batch, problems) = probe::xml(black_box(block.as_bytes()), &plan);
        assert_eq!((problems.damaged, batch.is_some()), (0, true));
    };
    let some = telemetry::Plan {
        columns: plan.columns[..6].to_vec(),
        ..plan.clone()
    };
    let six = || {
        black_box(probe::xml(black_box(block.as_bytes()), &some));
    };
    let tokens = || {
        black_box(only_events(black_box(&block)));
    };
    let tree = || {
        black_box(trees(black_box(&block)));
    };

    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut group = criterion.benchmark_group("xml");
    group.throughput(Throughput::Bytes(block.len() as u64));
    group.bench_function("to Arrow, all columns", |b| b.iter(table));
    group.bench_function("to Arrow, six columns", |b| b.iter(six));
    group.bench_function("quick-xml, events only", |b| b.iter(tokens));
    group.bench_function("roxmltree, trees only", |b| b.iter(tree));
    group.finish();
    criterion.final_summary();

    let [all, six, tokens, tree] = medians(15, [&table, &six, &tokens, &tree]);
    let rate = |d: Duration| block.len() as f64 / 1e6 / d.as_secs_f64();
    println!("{} columns; medians of 15 turns", plan.columns.len());
    println!(
        "all columns {:.0} MB/s, six {:.0}, quick-xml {:.0}, roxmltree {:.0}",
        rate(all),
        rate(six),
        rate(tokens),
        rate(tree)
    );
    println!(
        "ratio to quick-xml without a table: {:.2}",
        tokens.as_secs_f64() / all.as_secs_f64()
    );
    println!(
        "ratio to roxmltree without a table: {:.2}",
        tree.as_secs_f64() / all.as_secs_f64()
    );
}
