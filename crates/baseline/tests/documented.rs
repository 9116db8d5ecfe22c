//! `docs/baseline-keys.md` is made from `data/keys.toml`; with `UPDATE=1` in the environment this test writes it.

use std::fmt::Write as _;
use std::{env, fs};

use baseline::keys;

fn page() -> String {
    let mut page = String::from(
        "# How events are grouped\n\n\
         Made from `crates/baseline/data/keys.toml`. `scotoma baseline` counts the events of each type by these fields;\n\
         `--by` takes others. By the narrowing fields a proposed exclusion is made narrower. A value that an event does\n\
         not have is a value of its own; upper and lower case are different values, as the sensor wrote them.\n\n\
         | event | id | grouped by | who | narrowing | why |\n\
         | --- | --- | --- | --- | --- | --- |\n",
    );
    for keys in keys::all() {
        let list = |fields: &[String]| {
            let fields: Vec<String> = fields.iter().map(|f| format!("`{f}`")).collect();
            fields.join(", ")
        };
        let title = keys.title().map_or_else(String::new, |t| format!(": {t}"));
        let _ = writeln!(
            page,
            "| {}{title} | {} | {} | {} | {} | {} |",
            keys.name(),
            keys.id,
            list(&keys.by),
            keys.user
                .as_ref()
                .map_or_else(String::new, |u| format!("`{u}`")),
            list(&keys.further),
            keys.why
        );
    }
    page
}

#[test]
fn the_page_of_keys_is_what_the_data_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/baseline-keys.md");
    if env::var_os("UPDATE").is_some() {
        fs::write(path, page()).expect("the page can be written");
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, page(), "run this test with UPDATE=1");
}
