//! Writes the whole map to the folder given: `cargo run -p catalog --example draw -- FOLDER`.

use catalog::draw::{MapPlan, dot, html, svg};
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).unwrap_or_else(|| ".".into()));
    let plan = MapPlan::all();
    std::fs::write(folder.join("map.svg"), svg(&plan))?;
    std::fs::write(folder.join("map.html"), html(&plan))?;
    std::fs::write(folder.join("map.dot"), dot(&plan))
}
