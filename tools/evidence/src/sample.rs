//! Facts of the catalog drawn at random, for somebody to check against public sources. The same seed draws the same facts of
//! the same catalog. A fact is one value of one row; what only names, marks or cites a row is none. What `map` derives from
//! the tables is a table of its own, because nothing else would draw it.

use catalog::{ApiId, attack, defender, derive, functions, syscalls};
use serde_json::Value;
use std::collections::BTreeMap;

/// One value of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// The table.
    pub table: String,
    /// The row, by its name or by what it is about.
    pub row: String,
    /// Where in the row the value stands.
    pub field: String,
    /// What the row says.
    pub value: String,
    /// Where the row says it was read.
    pub source: String,
}

/// Fields that say nothing of Windows: names of rows, marks, and where a row was read.
const NO_FACTS: [&str; 10] = [
    "id",
    "documented",
    "original_spelling",
    "mark",
    "source",
    "published",
    "expected_mark",
    "min_windows_mark",
    "since_confidence",
    "functions_from",
];

/// Every fact, by table.
pub fn all() -> BTreeMap<String, Vec<Fact>> {
    let mut facts = Vec::new();
    let whole = serde_json::to_value(catalog::contents()).unwrap_or_default();
    for (table, rows) in whole.as_object().into_iter().flatten() {
        let rows = match rows {
            Value::Array(rows) => rows.as_slice(),
            one => std::slice::from_ref(one),
        };
        // Sources and corrections are about other people's files, not about Windows.
        if ["sources", "corrections"].contains(&table.as_str()) {
            continue;
        }
        for (place, row) in rows.iter().enumerate() {
            let key = ["id", "api", "name", "file", "folder", "function", "event"]
                .into_iter()
                .find(|key| row[*key].is_string());
            let name = key.and_then(|key| row[key].as_str());
            let name = name.map_or_else(|| place.to_string(), str::to_owned);
            let source = row["source"].to_string();
            values(row, "", &mut |field, value| {
                if Some(field) != key {
                    facts.push(fact(table, &name, field, value, &source));
                }
            });
        }
    }
    facts.extend(generated());
    facts.extend(derived());
    let mut by_table: BTreeMap<String, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        by_table.entry(fact.table.clone()).or_default().push(fact);
    }
    by_table.values_mut().for_each(|facts| facts.sort());
    by_table
}

fn fact(table: &str, row: &str, field: &str, value: &str, source: &str) -> Fact {
    Fact {
        table: table.to_owned(),
        row: row.to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
        source: source.to_owned(),
    }
}

/// Hands every value below `value` to `put`, with where it stands. A list is one value for each member.
fn values(value: &Value, field: &str, put: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (key, inner) in members {
                if NO_FACTS.contains(&key.as_str()) {
                    continue;
                }
                let dot = if field.is_empty() { "" } else { "." };
                values(inner, &format!("{field}{dot}{key}"), put);
            }
        }
        // Small rows inside a row say one thing together: a right and its mask, an event and its condition.
        Value::Array(list) => {
            for inner in list {
                match inner {
                    Value::Object(row) if row.values().all(|v| !holds_rows(v)) => {
                        // In the order of the keys, whatever order the library keeps them in.
                        let sorted: BTreeMap<_, _> = row.iter().collect();
                        put(field, &serde_json::json!(sorted).to_string());
                    }
                    inner => {
                        let name = inner["id"].as_str().unwrap_or_default();
                        values(inner, format!("{field} {name}").trim_end(), put);
                    }
                }
            }
        }
        Value::String(text) => put(field, text),
        other => put(field, &other.to_string()),
    }
}

fn holds_rows(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(list) => list.iter().any(Value::is_object),
        _ => false,
    }
}

/// What `tools/catalog-tables` made.
fn generated() -> Vec<Fact> {
    let mut facts = Vec::new();
    for function in functions::all() {
        let source = function.sources().collect::<Vec<_>>().join(" ");
        facts.push(fact(
            "functions",
            function.name,
            "modules",
            function.modules,
            &source,
        ));
        for technique in function.techniques() {
            facts.push(fact(
                "functions",
                function.name,
                "technique",
                technique.id,
                "capa-rules",
            ));
        }
    }
    for (module, ordinal, name) in functions::ordinals() {
        facts.push(fact(
            "ordinals",
            module,
            &ordinal.to_string(),
            name,
            "pefile",
        ));
    }
    for write in syscalls::all() {
        let value = format!("{} {}: {}", write.provider, write.event_name(), write.path);
        facts.push(fact(
            "syscall_etw",
            write.service,
            write.guid,
            &value,
            "api-to-etw",
        ));
    }
    for technique in attack::all() {
        let value = format!("{} [{}]", technique.name, technique.tactics);
        let field = technique
            .now
            .map_or_else(String::new, |now| format!("now {now}"));
        facts.push(fact("attack", technique.id, &field, &value, "attack-v19"));
    }
    for table in defender::all() {
        let value = format!("{} {}", table.table, table.action);
        facts.push(fact(
            "defender_tables",
            table.component,
            "",
            &value,
            "ossem-dm",
        ));
    }
    facts
}

/// The arrows that calls take over from the system services they end in.
fn derived() -> impl Iterator<Item = Fact> {
    ApiId::all().flat_map(|api| {
        derive::derived(api).into_iter().map(move |d| {
            let value = format!(
                "{} ({})",
                d.arrow.event,
                derive::in_words(d.open.iter().copied())
            );
            let source = d.arrow.source.join(" ");
            fact(
                "derived arrows",
                api.slug(),
                d.through.call.slug(),
                &value,
                &source,
            )
        })
    })
}

/// `count` facts drawn with `seed`: from each table as many as the root of its size weighs, but two at least.
pub fn draw(seed: u64, count: usize) -> Vec<Fact> {
    let tables = all();
    let root = |facts: &Vec<Fact>| (facts.len() as f64).sqrt();
    let whole: f64 = tables.values().map(root).sum();
    let mut random = SplitMix(seed);
    let mut drawn = Vec::new();
    for facts in tables.values() {
        let share = (root(facts) / whole * count as f64).round() as usize;
        let mut places: Vec<usize> = (0..facts.len()).collect();
        for taken in 0..share.max(2).min(facts.len()) {
            let other = taken + random.below(places.len() - taken);
            places.swap(taken, other);
            drawn.push(facts[places[taken]].clone());
        }
    }
    drawn
}

/// Sebastiano Vigna's splitmix64, which is the same on every machine.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0. The bias of the remainder is one in 2^64 / `limit`.
    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_facts_from_every_table() {
        let drawn = draw(7, 120);
        assert_eq!(drawn, draw(7, 120));
        assert_ne!(drawn, draw(8, 120));
        let tables = all();
        for (table, facts) in &tables {
            let of_table: Vec<_> = drawn.iter().filter(|f| f.table == *table).collect();
            assert!(of_table.len() >= facts.len().min(2), "{table}");
        }
        let mut once = drawn.clone();
        once.sort();
        once.dedup();
        assert!(once.len() + 3 > drawn.len(), "places are drawn once");
        assert!(tables.contains_key("derived arrows") && tables.contains_key("behaviours"));
        assert!((100..200).contains(&drawn.len()), "{}", drawn.len());
    }

    #[test]
    fn what_names_or_cites_a_row_is_no_fact() {
        let row = serde_json::json!({
            "id": "x", "mark": "derived", "source": ["a"], "name": "Process",
            "rights": [{"name": "A", "mask": 1}], "fields": ["B", "C"], "sysmon": {"number": 3, "none": null}
        });
        let mut seen = Vec::new();
        values(&row, "", &mut |field, value| {
            seen.push(format!("{field}={value}"))
        });
        seen.sort();
        assert_eq!(
            seen,
            [
                "fields=B",
                "fields=C",
                "name=Process",
                "rights={\"mask\":1,\"name\":\"A\"}",
                "sysmon.number=3"
            ]
        );
    }
}
