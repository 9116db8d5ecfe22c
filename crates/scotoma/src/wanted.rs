//! Which events count, from the arguments to a filter that readers decide.

use analytics::only;
use anyhow::{Context as _, bail};
use telemetry::{RowFilter, time};

use crate::cli::EventsWanted;

impl EventsWanted {
    /// The filter; one without clauses where nothing was asked.
    pub(crate) fn filter(&self) -> anyhow::Result<RowFilter> {
        let since = self
            .since
            .as_deref()
            .map(|t| instant(t, "--since", "00:00:00"));
        let until = self
            .until
            .as_deref()
            .map(|t| instant(t, "--until", "23:59:59.999999"));
        let (since, until) = (since.transpose()?, until.transpose()?);
        if let (Some(since), Some(until)) = (since, until)
            && since > until
        {
            bail!("--since is later than --until");
        }
        Ok(only::filter(&only::Only {
            since,
            until,
            hosts: self.host.clone(),
            channels: self.channel.clone(),
            ids: self.id.clone(),
        }))
    }
}

/// An instant; of a date alone the one at this time of the day, and seconds may be left out.
fn instant(text: &str, option: &str, of_day: &str) -> anyhow::Result<i64> {
    let text = text.trim();
    let whole = format!("{text}T{of_day}Z");
    let seconds = format!("{text}:00");
    let spellings = [&whole, text, &seconds];
    let found = spellings.into_iter().find_map(time::parse);
    found.with_context(|| {
        format!("{option} {text}: no time, as in 2026-03-10T12:00:00Z or 2026-03-10")
    })
}
