//! Reads `data/*.yaml`, checks it, and writes it out as static Rust tables. A mistake in the data stops the build with the
//! file, the row and the reason.

mod literal;
mod rights;

/// How the build script holds the model: owned, so that YAML can be read into it.
mod storage {
    pub type Text = String;
    pub type List<T> = Vec<T>;
}

macro_rules! model {
    ($($(#[$meta:meta])* pub $kind:ident $name:ident { $($body:tt)* })*) => {
        $(#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)] #[serde(deny_unknown_fields)] $(#[$meta])*
        pub $kind $name { $($body)* })*
    };
}

#[path = "../src/model/mod.rs"]
#[allow(dead_code)]
mod model;

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=data");
    println!("cargo:rerun-if-changed=build");
    let data = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("data");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    let access: model::rights::AccessRights = read(&data, "access_rights.yaml")?;
    rights::check(&access)?;
    let places = literal::Places::new();
    table(&out, "rights", "AccessRights", &access, &places)
}

fn read<T: serde::de::DeserializeOwned>(data: &Path, name: &str) -> Result<T, Box<dyn Error>> {
    let text = std::fs::read_to_string(data.join(name))?;
    serde_saphyr::from_str(&text).map_err(|e| format!("data/{name}: {e}").into())
}

fn table<T: serde::Serialize>(
    out: &Path,
    name: &str,
    kind: &str,
    value: &T,
    places: &literal::Places,
) -> Result<(), Box<dyn Error>> {
    let value = literal::literal(value, places).map_err(|e| format!("{name}: {e}"))?;
    let text = format!("/// The table.\npub(crate) static TABLE: {kind} = {value};\n");
    std::fs::write(out.join(format!("{name}.rs")), text)?;
    Ok(())
}
