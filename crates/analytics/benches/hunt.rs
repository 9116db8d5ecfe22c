//! The whole hunt over a compressed recording, from the path to the findings, against only decompressing it. Prints
//! the ratio.

use std::hint::black_box;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use analytics::{Engine, Finding, Gatherer, SweepColumns, pack};
use criterion::Criterion;
use telemetry::probe::medians;
use telemetry::{Options, Plan};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn decompress(path: &Path) -> u64 {
    let mut archive =
        zip::ZipArchive::new(std::fs::File::open(path).expect("it was there")).expect("a zip");
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).expect("an entry");
        loop {
            match entry.read(&mut buffer).expect("deflate") {
                0 => break,
                n => bytes += n as u64,
            }
        }
    }
    bytes
}

fn hunt(path: &Path) -> Vec<Finding> {
    let hunts = pack::built_in().expect("the pack");
    let engine = Engine::new(&[path.to_owned()], &[], Options::default()).expect("the path");
    let columns = SweepColumns::default();
    let prepared = engine.prepare_sweep(hunts.iter().map(|h| h.sql.as_str()), &columns);
    let prepared: Vec<_> = prepared.into_iter().map(|p| p.expect("a query")).collect();
    let all: Vec<_> = prepared.iter().collect();
    engine
        .sweep(&all, &columns, |_, _| Ok::<_, analytics::Error>(()))
        .expect("rows");
    let found = engine.run_all(&prepared, |n, answer| {
        let mut gatherer = Gatherer::new(&hunts[n], &answer.columns);
        for batch in answer {
            gatherer.add(&batch?);
        }
        Ok::<_, analytics::Error>(gatherer.finish())
    });
    found.expect("rows").into_iter().flatten().collect()
}

fn main() {
    let path = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/security-datasets/empire_psinject_PEinjection.zip"
    ));
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return;
    }
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let mut group = criterion.benchmark_group("hunt");
    group.bench_function("decompress only", |b| {
        b.iter(|| black_box(decompress(&path)))
    });
    group.bench_function("whole hunt", |b| b.iter(|| black_box(hunt(&path))));
    group.finish();
    criterion.final_summary();

    let planning = || {
        let engine =
            Engine::new(std::slice::from_ref(&path), &[], Options::default()).expect("the path");
        let hunts = pack::built_in().expect("the pack");
        drop(black_box(
            engine.prepare_all(hunts.iter().map(|h| h.sql.as_str())),
        ));
    };
    let [only, whole, plans] = medians(
        21,
        [
            &|| {
                black_box(decompress(&path));
            },
            &|| drop(black_box(hunt(&path))),
            &planning,
        ],
    );
    println!(
        "decompress {only:.1?}, whole hunt {whole:.1?} ({plans:.1?} until it is planned, with reading under way); medians of 21 turns"
    );
    println!(
        "ratio of the whole hunt to decompressing: {:.2}",
        whole.as_secs_f64() / only.as_secs_f64()
    );

    let long = repeated(&path, 40);
    let [reading, pack] = medians(
        5,
        [
            &|| {
                black_box(read(long.path()));
            },
            &|| drop(black_box(hunt(long.path()))),
        ],
    );
    println!(
        "ratio of the pack to reading, over {} MB of NDJSON: {:.2}",
        std::fs::metadata(long.path()).map_or(0, |m| m.len()) / 1_000_000,
        pack.as_secs_f64() / reading.as_secs_f64()
    );
}

/// The recording's lines, so many times over: more rows than a scan of all of them may keep.
fn repeated(path: &Path, times: usize) -> tempfile::NamedTempFile {
    let mut archive =
        zip::ZipArchive::new(std::fs::File::open(path).expect("it was there")).expect("a zip");
    let mut lines = Vec::new();
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).expect("an entry");
        let name = entry.name().expect("a name").into_owned();
        if name.ends_with(".json") && !name.starts_with("__") {
            entry.read_to_end(&mut lines).expect("deflate");
        }
    }
    let mut file = tempfile::NamedTempFile::with_suffix(".json").expect("a file");
    for _ in 0..times {
        file.write_all(&lines).expect("room for the file");
    }
    file
}

/// How many events there are: what any question costs at least.
fn read(path: &Path) -> usize {
    let engine = Engine::new(&[path.to_owned()], &[], Options::default()).expect("the path");
    let scan = engine.read(Plan::of(vec!["eventid".to_owned()]));
    scan.map(|batch| batch.num_rows()).sum()
}
