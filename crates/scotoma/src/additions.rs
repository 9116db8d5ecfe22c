//! `--catalog DIR`: rows of the user's own beside those of the catalog, for the verbs that ask it.

use std::path::PathBuf;

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct CatalogArgs {
    /// Add the rows in this folder to the catalog: YAML files named and shaped as those in crates/catalog/data (docs/map.md).
    #[arg(long = "catalog", value_name = "DIR", global = true)]
    folder: Option<PathBuf>,
}

impl CatalogArgs {
    /// Adds the rows, before anything is asked.
    pub(crate) fn load(&self) -> anyhow::Result<()> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let added = catalog::additions::add(folder)?;
        let rows: Vec<_> = added
            .rows
            .iter()
            .map(|(table, count)| format!("{count} {table}"))
            .collect();
        eprintln!("added from {}: {}", folder.display(), rows.join(", "));
        Ok(())
    }
}
