//! EVTX to Arrow, all columns wanted, from a file's bytes to finished batches, one thread, against the crate `evtx`
//! rendering the same file as JSON into a sink, without indentation, by its two fastest ways: `records_json_bytes`, the
//! fastest of its public interface (`records_json` checks its text on top, `records_json_value` builds trees), and
//! `chunks_json_bytes`, which its documentation hides and its command line uses. Prints the ratio to each.

use std::hint::black_box;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use evtx::{EvtxParser, ParserSettings};
use telemetry::probe::{self, medians};

/// The allocator of the program, for the rival as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HEADER: usize = 4096;
const CHUNK: usize = 1 << 16;
/// Chunks in a block, as a scan cuts them.
const BLOCK: usize = 32;
const SIZE: usize = 16 << 20;
/// A chunk of a log in use is full; most recordings are cuttings of a few records, whose chunks cost what they hold
/// little of.
const FULL: usize = 60_000;

/// The chunks of the recorded logs, in order of their files' names.
fn recorded() -> Option<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/evtx");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    let mut chunks = Vec::new();
    for file in files {
        let bytes = std::fs::read(file).ok()?;
        if bytes.starts_with(b"ElfFile\0") {
            chunks.extend_from_slice(bytes.get(HEADER..)?);
        }
    }
    (!chunks.is_empty()).then_some(chunks)
}

/// The full ones among them.
fn full(chunks: &[u8]) -> Vec<u8> {
    let used = |chunk: &[u8]| match chunk.get(48..52) {
        Some(&[a, b, c, d]) => u32::from_le_bytes([a, b, c, d]) as usize,
        _ => 0,
    };
    chunks
        .chunks(CHUNK)
        .filter(|c| used(c) > FULL)
        .flatten()
        .copied()
        .collect()
}

/// A file of these chunks over and over.
fn file(chunks: &[u8]) -> Vec<u8> {
    let times = SIZE.div_ceil(chunks.len());
    let count = (chunks.len() / CHUNK * times) as u16;
    let mut file = vec![0; HEADER];
    file[..8].copy_from_slice(b"ElfFile\0");
    for (at, value) in [(36, 1), (38, 3), (40, HEADER as u16), (42, count)] {
        file[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    file[32] = 128;
    let checksum = evtx::checksum_ieee(&file[..120]);
    file[124..128].copy_from_slice(&checksum.to_le_bytes());
    for _ in 0..times {
        file.extend_from_slice(chunks);
    }
    file
}

fn parser(file: &[u8]) -> EvtxParser<Cursor<&[u8]>> {
    let parser = EvtxParser::from_read_seek(Cursor::new(file)).expect("a file of our own making");
    parser.with_configuration(ParserSettings::default().num_threads(1).indent(false))
}

fn public(file: &[u8]) -> usize {
    let (mut count, mut sink) = (0, std::io::sink());
    for record in parser(file).records_json_bytes().flatten() {
        let _ = sink.write_all(black_box(&record.data));
        count += 1;
    }
    count
}

fn command_line(file: &[u8]) -> usize {
    let (mut count, mut sink) = (0, std::io::sink());
    for chunk in parser(file).chunks_json_bytes(false) {
        let _ = sink.write_all(black_box(&chunk.data));
        count += chunk.records().count();
    }
    count
}

fn compare(criterion: &mut Criterion, name: &str, chunks: &[u8]) {
    let file = file(chunks);
    let chunks = &file[HEADER..];
    let plan = probe::evtx_plan(chunks);
    let records = public(&file);
    let table = || {
        let (rows, problems) = probe::evtx_blocks(black_box(chunks), BLOCK * CHUNK, &plan);
        assert_eq!((rows, problems.damaged), (records, 0));
    };
    let some = telemetry::Plan {
        columns: [
            "eventid",
            "computer",
            "image",
            "sourceimage",
            "targetimage",
            "grantedaccess",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..plan.clone()
    };
    let six = || {
        drop(black_box(probe::evtx_blocks(
            black_box(chunks),
            BLOCK * CHUNK,
            &some,
        )))
    };
    let public = || assert_eq!(public(black_box(&file)), records);
    let command_line = || assert_eq!(command_line(black_box(&file)), records);

    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("to Arrow, all columns", |b| b.iter(table));
    group.bench_function("to Arrow, six columns", |b| b.iter(six));
    group.bench_function("evtx, records_json_bytes", |b| b.iter(public));
    group.bench_function("evtx, chunks_json_bytes", |b| b.iter(command_line));
    group.finish();

    let [all, six, public, command_line] = medians(31, [&table, &six, &public, &command_line]);
    let each = |d: Duration| d.as_nanos() / records as u128;
    println!(
        "{name}: {records} records, {} columns; medians of 31 turns, ns a record: all columns {}, six {}, evtx's records_json_bytes {}, its command line's chunks_json_bytes {}",
        plan.columns.len(),
        each(all),
        each(six),
        each(public),
        each(command_line),
    );
    println!(
        "{name}: ratio to evtx's records_json_bytes {:.2}, to its command line's chunks_json_bytes {:.2}",
        public.as_secs_f64() / all.as_secs_f64(),
        command_line.as_secs_f64() / all.as_secs_f64(),
    );
}

fn main() {
    let Some(chunks) = recorded() else {
        println!("skipped: no recordings in ../shared/data/evtx");
        return;
    };
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    compare(&mut criterion, "evtx, full chunks", &full(&chunks));
    compare(&mut criterion, "evtx, all recordings", &chunks);
    criterion.final_summary();
}
