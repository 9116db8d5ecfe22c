//! The evidence in the catalog is what the recordings say.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

#[test]
fn the_written_evidence_is_what_the_recordings_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shared = root.join("../../../shared/data");
    if !shared.is_dir() {
        println!("skipped: {} is not there", shared.display());
        return;
    }
    let folders: Vec<PathBuf> = ["evtx", "security-datasets"]
        .iter()
        .map(|f| shared.join(f))
        .collect();
    let written = root.join("../../crates/catalog/data/generated/evidence.yaml");
    let said = evidence::walk(&folders).unwrap();
    assert_eq!(
        std::fs::read_to_string(written)
            .unwrap()
            .replace("\r\n", "\n"),
        said
    );
}

#[test]
fn records_confirm_and_refute() {
    let folder = std::env::temp_dir().join(format!("evidence-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("made_up.json");
    let thread = |source: u32, target: u32, record: u32| {
        format!(
            "{{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":8,\"RecordNumber\":{record},\
             \"SourceProcessId\":{source},\"TargetProcessId\":{target}}}\n"
        )
    };
    let claim = |lines: String| {
        std::fs::write(&file, lines).unwrap();
        let text = evidence::walk(std::slice::from_ref(&file)).unwrap();
        let line = text.lines().find(|l| l.contains("no-sysmon-CreateThread"));
        line.unwrap_or_default().to_owned()
    };
    assert_eq!(
        claim(thread(4, 5, 7) + &thread(4, 6, 8)),
        "- {claim: \"no-sysmon-CreateThread\", confirmed: 2, refuted: 0, recording: \"made_up\", record: 7}"
    );
    assert_eq!(
        claim(thread(4, 5, 7) + &thread(4, 4, 8)),
        "- {claim: \"no-sysmon-CreateThread\", confirmed: 1, refuted: 1, recording: \"made_up\", record: 8}"
    );
    assert_eq!(claim(String::new()), "");
    std::fs::remove_dir_all(&folder).unwrap();
}
