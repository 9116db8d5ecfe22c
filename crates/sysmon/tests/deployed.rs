//! The deployed form in all its containers, on data made here.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use regf::{DataType, HiveBuilder};
use sysmon::blob::{self, BinaryVersion};
use sysmon::deployed::{self, DeployedError};
use sysmon::rules::{Op, Relation};
use sysmon::schema::Verdict;
use sysmon::{Config, Engine};

const XML: &str = r#"<Sysmon schemaversion="4.90"><EventFiltering>
<RuleGroup groupRelation="or"><ProcessCreate onmatch="exclude">
<Image condition="end with" name="a&amp;b">\x.exe</Image>
<Rule name="r" groupRelation="and"><User>me</User><Image condition="image"> a.exe</Image></Rule>
</ProcessCreate></RuleGroup></EventFiltering></Sysmon>"#;

fn compiled() -> Vec<u8> {
    let config = Config::parse_text("test", XML, Engine::Strict);
    assert!(config.accepted, "{:?}", config.diagnostics);
    blob::encode(&config.rules, BinaryVersion::NEWEST)
}

/// Rules large enough that a hive splits them.
fn large() -> Vec<u8> {
    let many: String = (0..60).map(|i| format!("<Image>{i}</Image>")).collect();
    let xml = format!(
        "<Sysmon schemaversion=\"4.90\"><EventFiltering><ProcessCreate onmatch=\"include\">{many}</ProcessCreate></EventFiltering></Sysmon>"
    );
    let config = Config::parse_text("test", &xml, Engine::Strict);
    blob::encode(&config.rules, BinaryVersion::NEWEST)
}

const OPTIONS: [(&str, &str); 5] = [
    ("HashAlgorithms", "MD5,IMPHASH"),
    ("DnsLookup", "False"),
    ("ArchiveDirectory", "Archive"),
    ("CheckRevocation", "true"),
    ("CaptureClipboard", ""),
];

fn check(found: &deployed::Deployed, blob: &[u8]) {
    assert_eq!(found.blob, blob);
    let expected: Vec<(String, String)> = OPTIONS
        .iter()
        .map(|(n, v)| ((*n).into(), (*v).into()))
        .collect();
    assert_eq!(found.options, expected);
    assert!(
        found.remarks[0].contains("NetworkConnect"),
        "{:?}",
        found.remarks
    );
    let xml = found.to_xml().xml;
    for engine in [Engine::Strict, Engine::Lenient] {
        let config = Config::parse_text("again", &xml, engine);
        assert!(config.accepted, "{:?}", config.diagnostics);
        assert_eq!(blob::encode(&config.rules, BinaryVersion::NEWEST), blob);
        assert_eq!(
            config.options["HashAlgorithms"].value.as_deref(),
            Some("MD5,IMPHASH")
        );
    }
}

fn export(blob: &[u8]) -> String {
    let mut text = String::from(
        "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\SysmonDrv\\Parameters]\r\n\"Rules\"=hex:",
    );
    for (i, b) in blob.iter().enumerate() {
        let sep = if i + 1 == blob.len() {
            ""
        } else if i % 25 == 20 {
            ",\\\r\n  "
        } else {
            ","
        };
        write!(text, "{b:02x}{sep}").unwrap();
    }
    text.push_str("\r\n\"Options\"=dword:00000009\r\n\"HashingAlgorithm\"=dword:8000000a\r\n\"DnsLookup\"=hex:00\r\n\"CheckRevocation\"=hex:01\r\n\"ArchiveDirectory\"=\"\\\\Archive\\\\\"\r\n");
    text
}

#[test]
fn registry_export() {
    let blob = compiled();
    let text = export(&blob);
    check(&deployed::read(text.as_bytes()).unwrap(), &blob);
    let wide: Vec<u8> = b"\xFF\xFE"
        .iter()
        .copied()
        .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert!(deployed::looks_deployed(&wide));
    check(&deployed::read(&wide).unwrap(), &blob);
    let broken = text.replace("dword:00000009", "dword:xyz");
    assert!(matches!(
        deployed::read(broken.as_bytes()),
        Err(DeployedError::Export { .. })
    ));
}

#[test]
fn registry_hive() {
    for blob in [compiled(), large()] {
        let mut b = HiveBuilder::new().unwrap();
        let key = "ControlSet002\\Services\\SysmonDrv\\Parameters";
        b.create_key("ControlSet001\\Services\\SysmonDrv\\Parameters")
            .unwrap();
        b.create_key("ControlSet002\\Services\\Other\\Parameters")
            .unwrap();
        b.create_key(key).unwrap();
        b.create_key("Select").unwrap();
        b.add_value_dword("Select", Some("Current"), 2).unwrap();
        b.add_value_binary(key, Some("Rules"), &blob).unwrap();
        b.add_value_dword(key, Some("Options"), 9).unwrap();
        b.add_value_dword(key, Some("HashingAlgorithm"), 0x8000_000A)
            .unwrap();
        b.add_value_binary(key, Some("DnsLookup"), &[0]).unwrap();
        b.add_value_binary(key, Some("CheckRevocation"), &[1])
            .unwrap();
        let wide: Vec<u8> = "\\Archive\\\0"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        b.add_value_with_type(key, Some("ArchiveDirectory"), &wide, DataType::String)
            .unwrap();
        let bytes = b.build().unwrap();
        check(&deployed::read(&bytes).unwrap(), &blob);
        assert!(matches!(
            deployed::read(&bytes[..4096]),
            Err(DeployedError::Hive(_))
        ));
    }
}

/// The layout of 2018: header of 16 bytes, no names, other condition codes.
#[test]
fn old_layout() {
    let mut b: Vec<u8> = Vec::new();
    let mut put = |n: u32| b.extend(n.to_le_bytes());
    for n in [0x0001_0001, 2, 16, 0x0003_0028] {
        put(n);
    }
    let text: Vec<u8> = "C:\\x\0"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    // ProcessCreate, exclude, next event, one rule: Image (3 in schema 3.40) begins with.
    for n in [1, 0, 16 + 16 + 16 + 10, 1, 3, 4, 0, 10] {
        put(n);
    }
    b.extend(text);
    for n in [5u32, 1, 0, 0] {
        b.extend(n.to_le_bytes());
    }
    let found = deployed::read(&b).unwrap();
    let decoded = found.decoded.as_ref().unwrap();
    assert_eq!(decoded.problems, Vec::<String>::new());
    let [create, terminate] = decoded.rules.elements.as_slice() else {
        panic!()
    };
    assert_eq!(
        (create.on_match, create.relation),
        (Verdict::Exclude, Relation::Or)
    );
    let filter = create.filters().next().unwrap();
    assert_eq!(
        (filter.field_name.as_str(), filter.op, filter.value.as_str()),
        ("Image", Op::BeginWith, "C:\\x")
    );
    assert_eq!(
        (terminate.tag.as_str(), terminate.on_match),
        ("ProcessTerminate", Verdict::Include)
    );
    assert!(found.to_xml().xml.contains("schemaversion=\"3.40\""));
}

#[test]
fn damaged_blobs_are_named_by_offset() {
    let blob = compiled();
    assert_eq!(
        deployed::read(&blob[..10]).unwrap_err().to_string(),
        "the value `Rules` is no rule blob: 10 bytes are too few for a rule blob; its header has 24"
    );
    let mut circle = blob.clone();
    circle[24 + 12..24 + 16].copy_from_slice(&24u32.to_le_bytes());
    let decoded = blob::decode(&circle).unwrap();
    assert!(
        decoded.problems.iter().any(|p| p.contains("circle")),
        "{:?}",
        decoded.problems
    );
    let mut outside = blob;
    outside[24 + 20..24 + 24].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(blob::decode(&outside).unwrap().problems[0].contains("leaves the blob"));
}
