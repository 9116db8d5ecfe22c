//! Keeps `data/schema.json` equal to what the published schema says, and regenerates it:
//! `SCOTOMA_BLESS=1 cargo test -p sysmon --test schema_data`.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

mod common;

/// One line per event keeps the file reviewable while it stays small.
fn generate(spec: &Value) -> String {
    let mut types: BTreeMap<&str, &str> = BTreeMap::new();
    let mut out = String::from("{\"versions\":[\n");
    let spec = spec.as_object().unwrap();
    let mut versions: Vec<(&String, &Value)> = spec.iter().collect();
    versions.sort_by_key(|(v, _)| {
        let (major, minor) = v.split_once('.').unwrap();
        let minor: u32 = format!("{minor:0<2}").parse().unwrap();
        std::cmp::Reverse((major.parse::<u32>().unwrap(), minor))
    });
    for (n, (version, events)) in versions.iter().enumerate() {
        let meta = &events["_meta"];
        let options: Vec<Value> = meta["options"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|o| o.get("noconfig").is_none())
            .map(|o| {
                serde_json::json!({
                    "name": o["name"],
                    "argument": o["argument"],
                    "rule": o.get("rule").is_some(),
                    "config_only": o.get("forceconfig").is_some(),
                    "internal": o["target"] != "all",
                })
            })
            .collect();
        if n > 0 {
            out.push_str(",\n");
        }
        write!(
            out,
            "{{\"version\":\"{version}\",\"binary\":{},\"conditions\":{},\n \"options\":{},\n \"events\":[",
            meta["binaryversion"],
            meta["conditions"],
            Value::from(options)
        )
        .unwrap();
        let mut rows: Vec<&Value> = events
            .as_object()
            .unwrap()
            .iter()
            .filter(|(k, e)| *k != "_meta" && e["target"] == "all")
            .map(|(_, e)| e)
            .collect();
        rows.sort_by_key(|e| e["id"].as_u64());
        for (m, e) in rows.iter().enumerate() {
            let fields: Vec<&str> = e["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|f| {
                    let (name, ty) = (f["name"].as_str().unwrap(), f["type"].as_str().unwrap());
                    assert_eq!(*types.entry(name).or_insert(ty), ty, "{name} has one type");
                    name
                })
                .collect();
            let sep = if m > 0 { "," } else { "" };
            write!(
                out,
                "{sep}\n  {{\"id\":{},\"tag\":{},\"description\":{},\"default\":{},\"fields\":{}}}",
                e["id"],
                e["rule_name"],
                e["description"],
                e["default_when_no_rules"],
                serde_json::to_string(&fields).unwrap()
            )
            .unwrap();
        }
        out.push_str("]}");
    }
    types.retain(|_, ty| *ty != "UnicodeString");
    write!(
        out,
        "],\n\"types\":{}}}\n",
        serde_json::to_string(&types).unwrap()
    )
    .unwrap();
    out
}

#[test]
fn carried_schema_equals_the_published_one() {
    let Some(shared) = common::shared() else {
        return;
    };
    let text = std::fs::read_to_string(shared.join("spec/sysmon-schema.json")).unwrap();
    let made = generate(&serde_json::from_str(&text).unwrap());
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/schema.json");
    if std::env::var_os("SCOTOMA_BLESS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), made);
}
